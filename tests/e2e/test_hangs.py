"""Every part of `classair run` stopped as if it hung: killed, begun again, told; a late supervisor kills none."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from classair.broker import Link
from classair.progress.listening import PATIENCE_S
from classair.wire import Topics
from firmware_bridge.drivers import driver_for
from tests.neighbours.ports import listening

pytestmark = pytest.mark.slow

DUST = {
    "pm1": 50,
    "pm25": 60,
    "pm10": 70,
    "pm1_cf1": 50,
    "pm25_cf1": 60,
    "pm10_cf1": 70,
    "n03": 9000,
    "n05": 3000,
    "n1": 600,
    "n25": 60,
    "temp_c": 30.0,
    "rh_pct": 60.0,
}
PARTS = ("broker", "ingest", "alerts", "dashboard", "bridge-school.box")


def pids(house: Any) -> dict[str, int]:
    return {name: one["pid"] for name, one in house.services.items() if one["alive"]}


def incidents(house: Any) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads((house.places.run / "services.json").read_text())["incidents"]
    return told


@pytest.fixture
def house(one_room: Callable[..., Any], wait_for: Callable[..., Any]) -> Any:
    made, _ = one_room()
    made.start()
    wait_for(lambda: set(pids(made)) == set(PARTS) and listening(made.port), what="every part runs")
    return made


def test_whatever_hangs_is_killed_begun_again_and_written_down(house: Any, wait_for: Callable[..., Any]) -> None:
    before = pids(house)
    for pid in before.values():
        os.kill(pid, signal.SIGSTOP)

    def all_new() -> bool:
        now = pids(house)
        return set(now) == set(PARTS) and all(now[name] != before[name] for name in PARTS)

    wait_for(all_new, 150, what="every part is a new process")
    wait_for(lambda: all(it["over_at"] for it in incidents(house)), what="all of them work again")
    told = incidents(house)
    assert {it["service"] for it in told} == set(PARTS)
    assert {it["what"] for it in told if it["service"] in before} == {"hung"}, told
    assert all(it["over_at"] > it["at"] for it in told)


def test_a_broker_that_hangs_takes_nobody_with_it(house: Any, wait_for: Callable[..., Any]) -> None:
    before = pids(house)
    os.kill(before["broker"], signal.SIGSTOP)
    wait_for(lambda: pids(house).get("broker", 0) not in (0, before["broker"]), what="a new broker")
    wait_for(lambda: all(it["over_at"] for it in incidents(house)), what="it answers")
    assert [(it["service"], it["what"]) for it in incidents(house)] == [("broker", "hung")]
    link = Link(house.address("tool"), on_message=lambda message: beats.append(message.payload))
    beats: list[bytes] = []
    link.subscribe(Topics("test-town").beat)
    link.start()
    wait_for(lambda: beats, what="alerts is back at it")
    link.stop()
    assert {**pids(house), "broker": 0} == {**before, "broker": 0}


def test_a_supervisor_that_stood_still_kills_nobody(house: Any, wait_for: Callable[..., Any]) -> None:
    before = pids(house)
    os.kill(house.process.pid, signal.SIGSTOP)
    time.sleep(PATIENCE_S + 10)  # nothing can be waited for: nothing is to happen
    at = json.loads((house.places.run / "services.json").read_text())["at"]
    os.kill(house.process.pid, signal.SIGCONT)

    def looked_on() -> bool:
        written = json.loads((house.places.run / "services.json").read_text())
        return bool(written["at"] > at + (PATIENCE_S + 15) * 1000)

    wait_for(looked_on, what="it has looked at them for a while")
    assert pids(house) == before and incidents(house) == []


def test_a_bridge_switches_on_when_alerts_cannot_come_back(
    one_room: Callable[..., Any], wait_for: Callable[..., Any]
) -> None:
    """With the broker's real rules and accounts."""
    house, sensor = one_room()
    house.start()
    wait_for(lambda: set(pids(house)) == set(PARTS) and listening(house.port), what="every part runs")
    socket = house.play_socket("socket-a1")
    done = threading.Event()
    held = (house.places.run / "alerts.lock").open("ab")

    def hold_down() -> None:
        fcntl.flock(held, fcntl.LOCK_EX)  # whoever follows the one that was killed finds the place taken

    def dust() -> None:
        frame = driver_for("pms5003t").encode(DUST)
        while not done.wait(0.5):
            sensor.send(frame)

    threads = [threading.Thread(target=it, daemon=True) for it in (hold_down, dust)]
    wait_for(lambda: socket.link.up)
    begun = time.monotonic()
    os.kill(pids(house)["alerts"], signal.SIGSTOP)
    for thread in threads:
        thread.start()
    wait_for(lambda: socket.plug.on, 90, "the purifier is on")
    took = time.monotonic() - begun
    ordered = [payload for at, topic, payload in socket.heard if topic.endswith("/Backlog0") and at >= begun]
    done.set()
    for thread in threads:
        thread.join()
    assert ordered and b"PulseTime1 400; Power1 ON" in ordered[-1], "no timetable: a lease"
    bridge = (house.places.logs / "bridge-school.box.log").read_text("utf-8")
    assert "edge_order purifier=school.a1-fan reason=high" in bridge and "way=broker" in bridge
    print(f"ON {took:.1f} s after alerts was stopped")
    held.close()
    wait_for(
        lambda: "notice_opened what=edge subject=school.a1-fan" in house.logs(), 120, "alerts is back and tells it"
    )
