"""Requests between services over MQTT, and from a command on this machine to ingest, as the user `tool`."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from concurrent.futures import Future
from typing import Any

from pydantic import ValidationError

from classair.arguments import BROKER_VARIABLE
from classair.broker import BrokerAddress, Link, Message
from classair.places import Places
from classair.service import CAFILE_VARIABLE, PASSWORD_VARIABLE
from classair.wire import Answer, Ask, Topics

USER = "tool"


class NoAnswer(Exception):
    """The service that was asked did not answer in time, or cannot be reached; the message says which."""


def broker_of_installation(places: Places, given: str | None) -> BrokerAddress:
    """The broker given by option or environment, else the one `classair run` keeps in this data folder.

    Raises NoAnswer when there is none, ValueError for an address that is none.
    """
    url = given or os.environ.get(BROKER_VARIABLE, "")
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if not url:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            url = f"mqtt://127.0.0.1:{int((places.run / 'broker' / 'port').read_text())}"
            known = json.loads((places.run / "passwords.json").read_text())
            password = str(known.get(USER, ""))
    if not url:
        raise NoAnswer(f"{places.root} names no broker. Give --broker mqtt://host:port")
    return BrokerAddress.of(url, USER, password, os.environ.get(CAFILE_VARIABLE, ""))


class Questions:
    """Questions to other services over one link that is subscribed to `topics.answer("+")`; any thread may ask."""

    def __init__(self, link: Link, topics: Topics) -> None:
        self._link, self._topics = link, topics
        self._waiting: dict[str, Future[Answer]] = {}

    def ask(self, service: str, do: str, who: str, args: dict[str, Any]) -> Future[Answer]:
        """The answer that will come; whoever gives up cancels it. Raises NoAnswer when there is no connection."""
        question, answer = Ask(id=uuid.uuid4().hex, do=do, who=who[:64], args=args), Future[Answer]()
        self._waiting[question.id] = answer
        answer.add_done_callback(lambda _: self._waiting.pop(question.id, None))
        # Not with QoS 1: over a later connection it would be done after whoever asked has been told of no answer.
        if self._link.publish(self._topics.ask(service, question.id), question.model_dump_json(), qos=0) is None:
            answer.cancel()
            raise NoAnswer("the broker is unreachable")
        return answer

    def hear(self, payload: bytes) -> None:
        """Takes an answer; one to somebody else's question is dropped. Raises ValidationError."""
        answer = Answer.model_validate_json(payload)
        waiting = self._waiting.get(answer.id)
        if waiting is not None and not waiting.done() and waiting.set_running_or_notify_cancel():
            waiting.set_result(answer)


def ask_ingest(
    broker: BrokerAddress, org: str, do: str, args: dict[str, Any], timeout: float = 10.0, who: str = "command line"
) -> Answer:
    """One question over a link of its own, and its answer. Raises NoAnswer."""
    topics = Topics(org)

    def hear(message: Message) -> None:
        with contextlib.suppress(ValidationError):
            questions.hear(message.payload)

    link = Link(broker, on_message=hear, subscriptions=[(topics.answer("+"), 1)])
    questions = Questions(link, topics)
    link.start()
    try:
        if not link.wait_up(5):
            raise NoAnswer(f"the broker at {broker.host}:{broker.port} is unreachable")
        return questions.ask("ingest", do, who, args).result(timeout)
    except TimeoutError:
        raise NoAnswer(f"ingest did not answer within {timeout:.0f} s") from None
    finally:
        link.stop()
