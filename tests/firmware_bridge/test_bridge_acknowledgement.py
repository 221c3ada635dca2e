"""What a third-party device says is confirmed when it is on the disk of the spool, and not before."""

from __future__ import annotations

import json
import os
import queue
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from classair.broker import BrokerAddress, Link, Message
from classair.config import parse
from classair.places import Places
from classair.service import Following
from firmware_bridge.bridge import Bridge
from firmware_bridge.clock import Clock
from firmware_bridge.spool.spool import Spool
from tests.neighbours.ports import free_port, listening

NOW_MS = 1_795_246_500_000


class Box:
    """A bridge with an Enviro and a Tasmota board, in this process; its clock stands at NOW_MS."""

    def __init__(self, url: str, folder: Path, name: str) -> None:
        self.url, self.name, self.http = url, name, free_port()
        self.places = Places(folder)
        self.config = parse(
            f"org: demo-town\nsites:\n  school:\n    name: School\n"
            f'    bridges: {{{name}: {{http: "127.0.0.1:{self.http}"}}}}\n'
            "    rooms:\n      blue: {name: Blue, volume_m3: 180}\n    sensors:\n"
            f'      yard: {{bridge: {name}, room: blue, model: enviro, port: "mqtt:enviro/{name}"}}\n'
            f'      post: {{bridge: {name}, room: blue, model: enviro, port: "http:{name}"}}\n'
            f'      board: {{bridge: {name}, room: blue, model: tasmota, port: "mqtt:tele/{name}"}}\n'
        )
        self.ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.stop: Callable[[], None] = lambda: None
        self.spool: Spool
        self.bridge: Bridge

    def start(self) -> None:
        self.spool = Spool.open(self.places.spool(f"school.{self.name}"))
        self.bridge = bridge = Bridge(
            f"school.{self.name}",
            self.config,
            Following(self.places.bridge_config(f"school.{self.name}")),
            self.places,
            BrokerAddress.of(self.url, self.name),
            self.spool,
            Clock(wall=lambda: NOW_MS / 1000, synchronised=lambda: True),
        )
        stop = threading.Event()
        thread = threading.Thread(target=lambda: self.ended.put(bridge.run(stop)))
        thread.start()

        def end() -> None:
            stop.set()
            thread.join(30)
            self.stop = lambda: None

        self.stop = end
        assert bridge._link.wait_up(60)
        while not listening(self.http):
            assert thread.is_alive()

    def kept(self, sensor: str) -> list[dict[str, Any]]:
        """The readings of a sensor on the disk of the spool."""
        with sqlite3.connect(f"file:{self.places.spool(f'school.{self.name}')}?mode=ro", uri=True) as db:
            rows = db.execute("select at, given, text from item join shape on shape=number order by seq").fetchall()
        db.close()
        found = [(at, given.split(","), json.loads(text)) for at, given, text in rows]
        return [
            {"at": at, "flags": shape["flags"], **dict(zip(shape["keys"], map(float, given), strict=True))}
            for at, given, shape in found
            if shape.get("sensor") == sensor and "keys" in shape
        ]

    def post(self, body: bytes) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/enviro/{self.name}", data=body, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def enviro(name: str, age_s: int, value: float) -> bytes:
    stamp = datetime.fromtimestamp(NOW_MS / 1000 - age_s, UTC).isoformat()
    return json.dumps({"nickname": name, "timestamp": stamp, "readings": {"pm2_5": value}}).encode()


@pytest.fixture
def box(mosquitto: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Box]:
    made = Box(mosquitto.url, tmp_path, f"box-{os.getpid()}-{abs(hash(request.node.name)) % 10**6}")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def device(mosquitto: Any, box: Box, wait_for: Any) -> Iterator[Callable[[str, bytes], None]]:
    """`device(topic, payload)`: publishes with QoS 1 and waits for the broker's word."""
    done: list[int] = []
    link = Link(
        BrokerAddress.of(mosquitto.url, f"device-of-{box.name}"),
        on_message=lambda message: None,
        on_published=done.append,
    )
    link.start()
    assert link.wait_up(60)

    def say(topic: str, payload: bytes) -> None:
        number = link.publish(topic, payload, qos=1)
        wait_for(lambda: number in done, 10, "the broker's acknowledgement")

    yield say
    link.stop()


def test_a_backlog_in_any_order_is_on_disk_at_its_own_times_when_it_is_confirmed(box: Box) -> None:
    ages = (0, 2700, 900, 1800, 86_400)
    for age_s in ages:
        assert box.post(enviro(box.name, age_s, age_s / 100)) == (200, "taken\n")
        assert box.kept("post")[-1]["at"] == NOW_MS - age_s * 1000, "on disk, not only in memory"
    assert [(it["at"], it["pm25_cf1"]) for it in box.kept("post")] == [
        (NOW_MS - age_s * 1000, age_s / 100) for age_s in ages
    ]


def test_a_disk_that_refuses_is_answered_with_the_reason_and_memory_is_visible(
    box: Box, monkeypatch: pytest.MonkeyPatch, device: Any, wait_for: Any
) -> None:
    real = box.spool._file
    assert real is not None

    def full(*_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(real, "write", full)
    status, text = box.post(enviro(box.name, 0, 1.0))
    assert status == 503 and "database or disk is full" in text and str(box.places.root) not in text
    assert "database or disk is full" in box.spool.storage
    device(f"enviro/{box.name}", enviro(box.name, 900, 2.0))
    wait_for(lambda: box.spool.waiting == 2, 10, "both readings in memory")
    monkeypatch.undo()
    wait_for(lambda: box.post(enviro(box.name, 0, 1.0))[0] == 200, 15, "the disk working again")
    assert [it["at"] for it in box.kept("post")] == [NOW_MS]
    wait_for(lambda: [it["at"] for it in box.kept("yard")] == [NOW_MS - 900_000], 10, "the other reading on disk")


def test_a_message_is_acknowledged_to_the_broker_when_its_reading_is_on_disk(
    box: Box, monkeypatch: pytest.MonkeyPatch, device: Any, mosquitto: Any, wait_for: Any
) -> None:
    device(f"enviro/{box.name}", enviro(box.name, 900, 2.0))
    wait_for(lambda: box.kept("yard"), 10, "the first reading")
    monkeypatch.setattr(box.spool, "commit", lambda: False)
    for age_s in (1800, 2700):
        device(f"enviro/{box.name}", enviro(box.name, age_s, 3.0))
    wait_for(lambda: box.spool.waiting == 3, 10, "readings that are in memory alone")
    box.stop()
    heard: list[bytes] = []

    def hear(message: Message) -> None:
        if message.topic.startswith("enviro"):
            heard.append(message.payload)

    other = Link(BrokerAddress.of(mosquitto.url, box.name), on_message=hear, keep_session=True)
    other.start()
    wait_for(lambda: len(heard) == 2, 10, "what was not acknowledged")
    assert heard == [enviro(box.name, age_s, 3.0) for age_s in (1800, 2700)]
    other.stop()


def test_what_is_said_while_the_bridge_is_off_waits_at_the_broker(
    box: Box, monkeypatch: pytest.MonkeyPatch, device: Any, wait_for: Any
) -> None:
    board = json.dumps({"Time": "2026-11-21T07:35:00", "PMS5003": {"PM2.5": 7}}).encode()
    box.stop()
    for age_s in (0, 3600):
        device(f"enviro/{box.name}", enviro(box.name, age_s, 3.0))
    device(f"tele/{box.name}/SENSOR", board)
    box.start()
    wait_for(lambda: len(box.kept("yard")) == 2 and box.kept("board"), 15, "what had waited")
    assert [it["at"] for it in box.kept("yard")] == [NOW_MS, NOW_MS - 3_600_000]
    assert box.kept("board")[0]["flags"] == ["RECEIPT_TIME"], "the bridge was away for a moment only"
    box.stop()
    device(f"tele/{box.name}/SENSOR", board.replace(b": 7", b": 9"))
    monkeypatch.setattr("firmware_bridge.foreign.port.KEPT_AT_MOST_S", 0.0)
    box.start()
    wait_for(lambda: len(box.kept("board")) == 2, 15, "what had waited for longer")
    assert set(box.kept("board")[1]["flags"]) == {"RECEIPT_TIME", "CLOCK"}, "when it was measured nobody knows"
    wait_for(lambda: not box.bridge._session._marker, 10, "the bridge's own marker behind what was kept")
    device(f"tele/{box.name}/SENSOR", board.replace(b": 7", b": 11"))
    wait_for(lambda: len(box.kept("board")) == 3, 15, "what is said now")
    assert box.kept("board")[2]["flags"] == ["RECEIPT_TIME"]
