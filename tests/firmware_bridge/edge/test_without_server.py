"""A real bridge process without a server, then without a broker: whose purifiers run, and whose stay as they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.broker import BrokerAddress, Link
from classair.wire import Beat, PurifierState, Topics
from tests.firmware_bridge.bridge_process import AIR, Running, pump
from tests.firmware_bridge.edge.plugs import ALWAYS, NEVER, Plug, plugs

pytestmark = pytest.mark.slow

TOPICS = Topics("demo-town")
ROOMS = ("full", "empty", "wished")
NAMES = ("edge-full", "edge-empty", "edge-wished")
DUSTY = {**AIR, "pm25": 60, "pm25_cf1": 60, "pm10": 70, "pm10_cf1": 70}


def school(bridge: str, made: list[Plug]) -> str:
    return "\n".join(
        [
            "org: demo-town",
            f"timetables: {{always: {ALWAYS}, never: {NEVER}}}",
            "rules: {purifiers: {kind: purifier, on_for: 2s}}",
            "sites:",
            "  school:",
            "    name: School",
            f"    bridges: {{{bridge}: {{}}}}",
            "    rooms:",
            *(
                f"      {room}: {{name: {room}, volume_m3: 180, timetable: {'never' if room == 'empty' else 'always'}}}"
                for room in ROOMS
            ),
            "    sensors:",
            *(
                f'      {room}-pm: {{bridge: {bridge}, room: {room}, model: pms5003t, port: "sim:x", every: 1s}}'
                for room in ROOMS
            ),
            "    purifiers:",
            *(
                f"      {room}-fan: {{room: {room}, kind: tasmota, topic: {plug.device.topic}, cadr_m3h: 400, "
                f'url: "{plug.url}"}}'
                for room, plug in zip(ROOMS, made, strict=True)
            ),
            "",
        ]
    )


class Server:
    """What of alerts a bridge hears: its beat, and what it says of purifiers."""

    def __init__(self, url: str) -> None:
        self._link = Link(BrokerAddress.of(url, "beating"), on_message=lambda _: None)
        self._link.start()
        assert self._link.wait_up(60)
        self._done = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self._done.wait(1.0):
            told = Beat(term=1, at=round(time.time() * 1000))
            self._link.publish(TOPICS.beat, told.model_dump_json())

    def say_off(self, room: str) -> None:
        now = round(time.time() * 1000)
        told = PurifierState(
            purifier=f"school.{room}-fan",
            room=f"school.{room}",
            on=False,
            since=now,
            at=now,
            mode="person",
            override_on=False,
            override_until=now + 1_800_000,
        )
        self._link.publish(TOPICS.purifier_state("school", f"{room}-fan"), told.model_dump_json(), qos=1, retain=True)

    def die(self) -> None:
        self._done.set()
        self._link.stop()


@pytest.fixture
def three() -> Iterator[list[Plug]]:
    with plugs(*NAMES) as made:
        yield made


@pytest.fixture
def dusty_school(
    broker: Any, tmp_path: Path, three: list[Plug], pty_sensor: Any, small_ingest: Any, wait_for: Callable[..., Any]
) -> Iterator[tuple[Running, Server, Any]]:
    running = Running(tmp_path, broker.url, "edge-bridge")
    running.file.write_text(school(running.name, three), "utf-8")
    sensors = [pty_sensor(running.places.sim_port(f"school.{room}-pm"), "pms5003t", DUSTY) for room in ROOMS]
    stops = [pump(sensor) for sensor in sensors]
    ingest = small_ingest(broker.url, "demo-town", "school", running.name)
    server = Server(broker.url)
    server.say_off("wished")
    for plug in three:
        plug.connect(broker.url)
    running.start()
    wait_for(lambda: all(len(ingest.of(f"{room}-pm")) > 5 for room in ROOMS), what="dust is measured in every room")
    yield running, server, ingest
    for stop in stops:
        stop()
    if running.process is not None and running.process.poll() is None:
        running.kill()
    print(running.log)


def test_when_alerts_dies_dust_switches_on_over_the_broker_where_children_are_and_nobody_said_otherwise(
    dusty_school: tuple[Running, Server, Any], three: list[Plug], wait_for: Callable[..., Any]
) -> None:
    running, server, ingest = dusty_school
    full, empty, wished = three
    assert not any(plug.heard or plug.asked for plug in three), "while the server lives a bridge switches nothing"
    server.die()
    wait_for(lambda: full.heard, what="the order")
    assert full.on and full.remaining_s > 60
    wait_for(lambda: ingest.status[-1]["edge_orders"], what="the bridge tells of it")
    told = ingest.status[-1]["edge_orders"]
    assert [(it["purifier"], it["reason"]) for it in told] == [("school.full-fan", "high")]
    assert abs(told[0]["at"] - time.time() * 1000) < 60_000
    wait_for(lambda: full.asked, what="nobody confirmed it: the plug itself is asked")
    assert not any(plug.heard or plug.asked or plug.on for plug in (empty, wished))
    assert all("OFF" not in payload for _, payload in full.heard)
    again = Server(running.url)
    wait_for(lambda: "server_back" in running.log, what="the beat is heard")
    again.die()
    assert running.end() == 0


def test_when_the_broker_dies_the_plug_itself_is_asked(
    dusty_school: tuple[Running, Server, Any], three: list[Plug], broker: Any, wait_for: Callable[..., Any]
) -> None:
    running, server, _ = dusty_school
    full, empty, wished = three
    begun = time.monotonic()
    broker.kill()
    wait_for(lambda: full.asked, what="the request")
    took = time.monotonic() - begun
    assert full.on and full.remaining_s > 60
    wait_for(lambda: "edge_order_confirmed" in running.log)
    assert not any(plug.heard or plug.asked or plug.on for plug in (empty, wished))
    assert not full.heard and len(full.asked) == 1
    print(f"ON {took:.1f} s after the broker was killed")
    broker.start()
    server.die()
