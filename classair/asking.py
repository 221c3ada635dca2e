"""How a command on this machine asks the running ingest: by MQTT, as the user `tool`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import threading
import uuid
from typing import Any

from pydantic import ValidationError

from classair.broker import BrokerAddress, Link, Message
from classair.places import Places
from classair.service import BROKER_VARIABLE, CAFILE_VARIABLE, PASSWORD_VARIABLE
from classair.wire import Answer, Ask, Topics

USER = "tool"


class NoAnswer(Exception):
    """Nobody answered; the message says what was tried."""


def broker_of_installation(places: Places, given: str | None) -> BrokerAddress:
    """The broker given by option or environment, else the one `classair run` keeps in this data folder.

    Raises NoAnswer when there is none, ValueError for an address that is none.
    """
    url = given or os.environ.get(BROKER_VARIABLE, "")
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if not url:
        with contextlib.suppress(OSError, ValueError):
            url = f"mqtt://127.0.0.1:{int((places.run / 'broker' / 'port').read_text())}"
            known = json.loads((places.run / "passwords.json").read_text())
            password = str(known.get(USER, ""))
    if not url:
        raise NoAnswer(f"no broker is known in {places.root}; give --broker mqtt://host:port")
    return BrokerAddress.of(url, USER, password, os.environ.get(CAFILE_VARIABLE, ""))


def ask_ingest(
    broker: BrokerAddress, org: str, do: str, args: dict[str, Any], timeout: float = 10.0, who: str = "command line"
) -> Answer:
    """One question and its answer. Raises NoAnswer."""
    topics, request = Topics(org), uuid.uuid4().hex
    answered, found = threading.Event(), []

    def heard(message: Message) -> None:
        with contextlib.suppress(ValidationError):
            found.append(Answer.model_validate_json(message.payload))
            answered.set()

    link = Link(broker, on_message=heard, subscriptions=[(topics.answer(request), 1)])
    link.start()
    try:
        if not link.wait_up(5):
            raise NoAnswer(f"the broker at {broker.host}:{broker.port} cannot be reached")
        payload = Ask(id=request, do=do, who=who[:64], args=args).model_dump_json().encode()
        link.publish(topics.ask("ingest", request), payload, qos=1)
        if not answered.wait(timeout):
            raise NoAnswer(f"ingest did not answer within {timeout:.0f} s")
    finally:
        link.stop()
    return found[0]


def add_broker_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--broker", metavar="URL", help=f"mqtt://host:port (or ${BROKER_VARIABLE}); default: the broker of classair run"
    )
