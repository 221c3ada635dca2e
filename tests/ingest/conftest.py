"""A school with two bridges, an ingest beside a real mosquitto, and hands that play a bridge."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.broker import BrokerAddress, Link, Message
from classair.places import Places
from classair.wire import Ask, Topics
from ingest.books.books import Books
from ingest.opening import only_one
from ingest.service import Ingest

ORG = "test-town"
SCHOOL = """\
org: test-town
sites:
  north:
    name: North
    bridges: {pi-1: {}, pi-2: {}}
    rooms:
      a: {name: A, volume_m3: 180}
      b: {name: B, volume_m3: 180}
    sensors:
      a-pm: {bridge: pi-1, room: a, model: pms5003t, port: "sim:classroom"}
      a-co2: {bridge: pi-1, room: a, model: s8, port: "sim:classroom"}
      b-pm: {bridge: pi-2, room: b, model: pms5003t, port: "sim:classroom"}
    purifiers:
      a-fan: {room: a, kind: tasmota, topic: socket-a, cadr_m3h: 400, port: "sim:socket"}
people:
  caretaker: {channel: console}
"""
EPOCH = "abcdef012345"
TOPICS = Topics(ORG)


def reading(seq: int, **change: Any) -> dict[str, Any]:
    """A good reading of a-pm, a while ago."""
    at = int(time.time() * 1000) - 600_000 + seq * 100
    return {
        "bridge": "pi-1",
        "epoch": EPOCH,
        "seq": seq,
        "sensor": "a-pm",
        "at": at,
        "interval_s": 10.0,
        "n": 10,
        "values": {"pm25": 12.5, "pm10": 15.0, "temp_c": 28.0, "rh_pct": 60.0},
        "simulated": True,
        **change,
    }


class Bridge:
    """Plays a bridge, or anybody else who publishes and listens."""

    def __init__(self, port: int, name: str = "pi-1", site: str = "north") -> None:
        self.heard: dict[str, list[Any]] = {}
        self.topic = TOPICS.bridge(site, name, "reading")
        self._waiting = 0
        self.link = Link(
            BrokerAddress("127.0.0.1", port, name),
            on_message=self._hear,
            on_published=self._published,
            subscriptions=[(f"classair/v1/{ORG}/#", 1)],
        )
        self.link.start()
        assert self.link.wait_up(60)

    def _published(self, _mid: int) -> None:
        self._waiting -= 1

    def _hear(self, message: Message) -> None:
        with contextlib.suppress(ValueError):
            self.heard.setdefault(message.topic, []).append(json.loads(message.payload) if message.payload else None)

    def send(self, payload: Any, topic: str = "", retain: bool = False) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        if self.link.publish(topic or self.topic, raw, qos=1, retain=retain) is not None:
            self._waiting += 1

    def newest(self, topic: str) -> Any:
        return (self.heard.get(topic) or [None])[-1]

    def upto(self, name: str = "pi-1") -> int:
        told = self.newest(TOPICS.bridge("north", name, "stored"))
        return told["upto"] if told else 0

    def warnings(self) -> str:
        status = self.newest(TOPICS.service_status("ingest"))
        return "\n".join(status["warnings"]) if status and status["state"] == "online" else ""

    def ask(self, do: str, **args: Any) -> str:
        """Asks and returns the topic of the answer."""
        request = f"request-{time.monotonic_ns()}"
        payload = Ask(id=request, do=do, args=args).model_dump_json().encode()
        self.link.publish(TOPICS.ask("ingest", request), payload, qos=1)
        return TOPICS.answer(request)


class School:
    """A data folder with its sensors.yaml, and an ingest that can be started here (in a thread) or as a process."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.places = Places(folder / "data")
        self.file = folder / "sensors.yaml"
        self.file.write_text(SCHOOL)
        self.places.run.mkdir(parents=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.books: Books | None = None
        self.ingest: Ingest | None = None
        self.ended_with: int | None = None
        self._lock = contextlib.ExitStack()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> Ingest:
        """In a thread of this process."""
        self._stop = threading.Event()
        assert self._lock.enter_context(only_one(self.places))
        self.books = Books(self.places.readings, journal=False)
        address = BrokerAddress("127.0.0.1", self.port, "ingest")
        self.ingest = Ingest(self.books, self.places, self.file, address, self._stop)
        self._thread = threading.Thread(target=self._run, args=[self.ingest], daemon=True)
        self._heard_from(self._thread.start)
        return self.ingest

    def _run(self, ingest: Ingest) -> None:
        self.ended_with = ingest.run()

    def _heard_from(self, start: Callable[[], Any]) -> None:
        """Starts an ingest and waits until the broker has its subscriptions and its word."""
        online = threading.Event()

        def heard(message: Message) -> None:
            if not message.retain and b'"online"' in message.payload:
                online.set()

        probe = Link(
            BrokerAddress("127.0.0.1", self.port, "probe"),
            on_message=heard,
            subscriptions=[(TOPICS.service_status("ingest"), 1)],
        )
        probe.start()
        assert probe.wait_up(60)
        start()
        assert online.wait(60)
        probe.stop()

    def end(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None
        if self.books is not None:
            self.books.close()
            self.books = None
        self._lock.close()

    def spawn(self, **env: str) -> subprocess.Popen[bytes]:
        """As a process of its own."""
        self._heard_from(lambda: self._spawn(env))
        assert self.process is not None
        return self.process

    def _spawn(self, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "classair",
                "ingest",
                "--data",
                str(self.places.root),
                "--config",
                str(self.file),
                "--broker",
                f"mqtt://127.0.0.1:{self.port}",
            ],
            env={**os.environ, **env},
            stderr=(self.places.root.parent / "ingest.log").open("ab"),
        )

    @property
    def log(self) -> str:
        return (self.places.root.parent / "ingest.log").read_text()

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            self.process.wait(60)

    def edit(self, old: str, new: str) -> None:
        """As an editor that replaces the file."""
        text = self.file.read_text()
        assert old in text
        fresh = self.file.with_name("sensors.yaml.tmp")
        fresh.write_text(text.replace(old, new))
        fresh.replace(self.file)


@pytest.fixture
def school(tmp_path: Path, broker: Any) -> Iterator[School]:
    made = School(tmp_path, broker.port)
    yield made
    made.end()
    made.kill()


@pytest.fixture
def bridge(school: School) -> Iterator[Bridge]:
    made = Bridge(school.port)
    yield made
    made.link.stop()


@pytest.fixture
def new_bridge(school: School) -> Iterator[Callable[..., Bridge]]:
    made: list[Bridge] = []

    def make(name: str) -> Bridge:
        made.append(Bridge(school.port, name))
        return made[-1]

    yield make
    for one in made:
        one.link.stop()
