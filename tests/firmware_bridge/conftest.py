"""Sensors on real pseudo-terminals, and an ingest that does nothing but remember and answer."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from classair.broker import BrokerAddress, Link, Message
from classair.wire import Topics
from firmware_bridge.drivers import driver_for
from tests.firmware_bridge.bridge_process import Running


class PtySensor:
    """One sensor behind a stable link. Streaming ones send when told, polled ones answer by themselves."""

    def __init__(self, link: Path, model: str, values: Mapping[str, float]) -> None:
        self.link, self.driver, self.values = link, driver_for(model), dict(values)
        self.heard = b""
        self._master: int | None = None
        self._thread: threading.Thread | None = None

    def plug(self) -> None:
        master, slave = os.openpty()
        tty.setraw(master)
        tty.setraw(slave)
        self.link.parent.mkdir(parents=True, exist_ok=True)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)
        self._master = master
        if self.driver.poll_every_s is not None:
            self._thread = threading.Thread(target=self._answer, args=(master,), daemon=True)
            self._thread.start()

    def unplug(self) -> None:
        if self._master is not None:
            os.close(self._master)
        self._master = None
        self.link.unlink(missing_ok=True)

    def send(self, data: bytes | None = None) -> None:
        assert self._master is not None
        os.write(self._master, self.driver.encode(self.values) if data is None else data)

    def _answer(self, master: int) -> None:
        while self._master == master:
            try:
                request = os.read(master, 64)
            except OSError:
                if self._master != master:
                    return
                threading.Event().wait(0.02)  # nobody has opened the other end yet
                continue
            self.heard += request
            answer = self.driver.answer(request, self.values)
            if answer:
                with contextlib.suppress(OSError):  # unplugged between question and answer
                    os.write(master, answer)


@pytest.fixture
def pty_sensor() -> Iterator[Callable[..., PtySensor]]:
    """`pty_sensor(link, model, values)`: plugged in, and taken away at the end."""
    made: list[PtySensor] = []

    def make(link: Path, model: str, values: Mapping[str, float]) -> PtySensor:
        sensor = PtySensor(link, model, values)
        sensor.plug()
        made.append(sensor)
        return sensor

    yield make
    for sensor in made:
        sensor.unplug()


class SmallIngest:
    """Speaks ingest's side of the wire for one bridge: remembers items by seq and says `stored` when told to."""

    def __init__(
        self, broker_url: str, org: str, site: str, bridge: str, answering: bool = True, clock: bool = True
    ) -> None:
        """`clock`: answers a bridge that asks for the time, as ingest does."""
        self.clock = clock
        self.items: dict[tuple[str, int], dict[str, Any]] = {}
        self.deliveries = 0
        self.gaps: list[dict[str, Any]] = []
        self.messages: list[bytes] = []
        self.status: list[dict[str, Any]] = []
        self.health: dict[str, list[dict[str, Any]]] = {}
        self.questions: list[str] = []
        self.answering = answering
        self.topics, self.site, self.bridge = Topics(org), site, bridge
        self._dealt: dict[str, set[int]] = {}
        self._upto: dict[str, int] = {}
        self._link = Link(
            BrokerAddress.of(broker_url, f"ingest-of-{bridge}"),
            on_message=self._heard,
            subscriptions=[(self.topics.bridge(site, bridge, leaf), 1) for leaf in ("reading", "status", "time")]
            + [(self.topics.sensor_health(site, "+"), 1)],
        )
        self._link.start()
        assert self._link.wait_up(60)

    def _heard(self, message: Message) -> None:
        leaf = message.topic.rpartition("/")[2]
        if leaf == "time":
            self.questions.append(json.loads(message.payload)["id"])
            if self.clock:
                self.say_stored("00000000", 0, self.questions[-1], time.time_ns() // 1_000_000, retain=False)
        elif leaf == "status":
            self.status.append(json.loads(message.payload))
        elif leaf == "health":
            self.health.setdefault(message.topic.split("/")[-2], []).append(json.loads(message.payload))
        else:
            self.messages.append(message.payload)
            self._take(json.loads(message.payload))

    def _take(self, told: Any) -> None:
        items = told if isinstance(told, list) else [told]
        for item in items:
            dealt = self._dealt.setdefault(item["epoch"], set())
            if item.get("kind") == "gap":
                self.gaps.append(item)
                # A hole of a million numbers need not be spelled out: what matters is where it ends.
                upto = self._upto.get(item["epoch"], 0)
                if item["first"] <= upto + 1 <= item["last"]:
                    self._upto[item["epoch"]] = item["last"]
                dealt.update((item["first"], item["last"]))
            else:
                self.deliveries += 1
                self.items[(item["epoch"], item["seq"])] = item
                dealt.add(item["seq"])
        if self.answering:
            self.say_stored(items[-1]["epoch"])

    def upto(self, epoch: str) -> int:
        """The end of the unbroken run of what has been dealt with."""
        upto, dealt = self._upto.get(epoch, 0), self._dealt.get(epoch, set())
        changed = True
        while changed:
            changed = False
            while upto + 1 in dealt:
                upto, changed = upto + 1, True
            for gap in self.gaps:
                if gap["epoch"] == epoch and gap["first"] <= upto + 1 <= gap["last"]:
                    upto, changed = gap["last"], True
        self._upto[epoch] = upto
        return upto

    def say_stored(
        self,
        epoch: str,
        upto: int | None = None,
        answer_to: str | None = None,
        server_time: int = 0,
        *,
        retain: bool = True,
    ) -> None:
        self.say(
            "stored",
            {
                "epoch": epoch,
                "upto": self.upto(epoch) if upto is None else upto,
                "server_time": server_time,
                "answer_to": answer_to,
            },
            retain=retain,
        )

    def say(self, leaf: str, told: Mapping[str, Any], retain: bool = False) -> None:
        self._link.publish(self.topics.bridge(self.site, self.bridge, leaf), json.dumps(told), qos=1, retain=retain)

    def lose_everything(self) -> None:
        self.items.clear()
        self.gaps.clear()
        self._dealt.clear()
        self._upto.clear()

    def of(self, sensor: str) -> list[dict[str, Any]]:
        """The readings of one sensor, oldest first."""
        return sorted(
            (it for it in self.items.values() if it.get("sensor") == sensor and "values" in it),
            key=lambda it: it["seq"],
        )

    def missing(self, sensor: str) -> list[dict[str, Any]]:
        """The lines of the gap ledger about one sensor, oldest first."""
        return sorted(
            (it for it in self.items.values() if it.get("sensor") == sensor and it.get("kind") == "missing"),
            key=lambda it: it["seq"],
        )

    def close(self) -> None:
        self._link.stop()


@pytest.fixture
def small_ingest() -> Iterator[Callable[..., SmallIngest]]:
    made: list[SmallIngest] = []

    def make(*args: Any, **kwargs: Any) -> SmallIngest:
        ingest = SmallIngest(*args, **kwargs)
        made.append(ingest)
        return ingest

    yield make
    for ingest in made:
        ingest.close()


@pytest.fixture
def bridge(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Running]]:
    """`bridge(url)`: a bridge process at a broker, not started yet; its id is unique, because the broker is shared."""
    made: list[Running] = []

    def make(url: str) -> Running:
        name = f"pi-{os.getpid()}-{abs(hash(request.node.name)) % 10**6}"
        running = Running(tmp_path, url, name)
        made.append(running)
        return running

    yield make
    for running in made:
        if running.process is not None and running.process.poll() is None:
            running.kill()
