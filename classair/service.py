"""What every service does at its start: arguments, logging, signals, and following the accepted configuration."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import ValidationError

from classair import config as configuration
from classair.arguments import BROKER_VARIABLE, shared
from classair.broker import BrokerAddress
from classair.places import Places, write_atomically
from classair.wire import ConfigAnnouncement

log = logging.getLogger(__name__)

PASSWORD_VARIABLE = "CLASSAIR_MQTT_PASSWORD"  # noqa: S105  the name of a variable
CAFILE_VARIABLE = "CLASSAIR_MQTT_CAFILE"


def arguments(name: str, description: str, *more: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The options that all services share, and those of the parents `more`."""
    parser = argparse.ArgumentParser(
        prog=f"classair {name}", description=description, parents=[shared("--data", "--config"), *more]
    )
    parser.add_argument(
        "--broker",
        default=os.environ.get(BROKER_VARIABLE, "mqtt://127.0.0.1:1883"),
        metavar="URL",
        help=f"broker, mqtt://host:port or mqtts://host:port (or ${BROKER_VARIABLE}); "
        f"set the password in ${PASSWORD_VARIABLE}",
    )
    parser.add_argument(
        "--log-level",
        default="INFO",
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="lowest log level to write (default: INFO)",
    )
    return parser


def places_of(args: argparse.Namespace) -> Places:
    return Places(args.data.resolve())


def broker_of(args: argparse.Namespace, user: str) -> BrokerAddress:
    env = os.environ
    return BrokerAddress.of(args.broker, user, env.get(PASSWORD_VARIABLE, ""), env.get(CAFILE_VARIABLE, ""))


def port_fault(host: str, port: int) -> str:
    """Why web pages cannot be offered at this address; empty when they can."""
    if not 0 <= port <= 65535:
        return f"port {port}: expected 1 to 65535"
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"port {port} on {host} is in use by another program. Stop it, or choose another port with --port"
        return f"cannot listen on {host}:{port}: {error.strerror}"
    return ""


def stop_on_signals() -> threading.Event:
    """Set at SIGTERM or SIGINT."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


@dataclass(frozen=True, slots=True)
class Accepted:
    """A configuration that is in force, with its version number."""

    version: int
    accepted_at: int
    text: str
    config: configuration.Config
    refused: str | None = None


class _Lenient(dict[str, str]):
    """An environment in which every variable exists: who merely follows does not need everybody's secrets."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> str:
        return "unset"


def parse_as_follower(text: str, env: Mapping[str, str] | None = None) -> configuration.Config:
    """A configuration text with unset secrets left open. Raises ConfigFaults."""
    return configuration.parse(text, _Lenient(env if env is not None else os.environ))


def read_announcement(payload: bytes, env: Mapping[str, str] | None = None) -> Accepted | None:
    """An announced configuration, None when it cannot be understood (logged): the one in force stays."""
    try:
        told = ConfigAnnouncement.model_validate_json(payload)
        parsed = parse_as_follower(told.text, env)
    except (ValidationError, configuration.ConfigFaults) as error:
        log.error("config_rejected error=%s", str(error).splitlines()[0])
        return None
    return Accepted(told.version, told.accepted_at, told.text, parsed, told.refused)


class Following:
    """Keeps the configuration a service works by: the newest version announced, remembered on disk.

    `place` is where this follower remembers it. `on_change` is called on the thread that brings the news.
    """

    def __init__(self, place: Path, on_change: Callable[[Accepted], None] | None = None) -> None:
        self._place = place
        self.on_change = on_change
        self._news = threading.Event()
        self.current: Accepted | None = None
        if place.exists():
            self.current = read_announcement(place.read_bytes())
            if self.current is not None:
                self._news.set()

    def hear(self, payload: bytes) -> None:
        """Takes in a retained announcement; an older or equal version changes nothing but what was refused.

        What was accepted later is newer: numbers begin again at 1 in a new data folder, which old bridges must follow.
        """
        news = read_announcement(payload)
        if news is None or (self.current is not None and news.accepted_at < self.current.accepted_at):
            return
        changed = self.current is None or news.version != self.current.version or news.text != self.current.text
        self.current = news
        if changed:
            try:
                write_atomically(self._place, payload)
            except OSError as error:
                log.error("config_save_failed path=%s error=%s", self._place, error.strerror)
            log.info("config_activated version=%d", news.version)
        self._news.set()
        if changed and self.on_change is not None:
            self.on_change(news)

    def wait(
        self, stop: threading.Event, every: float = 0.2, meanwhile: Callable[[], None] = lambda: None
    ) -> Accepted | None:
        """The configuration as soon as there is one, calling `meanwhile` often; None when asked to stop first."""
        while not stop.is_set():
            meanwhile()
            if self._news.wait(every):
                return self.current
        return None


def run_service(call: Callable[..., int], *args: Any) -> int:
    """Runs a service's loop, turning the two ways of ending by person or by configuration into exit codes."""
    try:
        return call(*args)
    except KeyboardInterrupt:
        return 0
    except configuration.ConfigFaults as faults:
        for line in faults.faults:
            print(f"sensors.yaml: {line}", file=sys.stderr)
        return 2
