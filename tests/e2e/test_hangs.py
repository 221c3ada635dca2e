"""Every part of `classair run` stopped as if it hung: killed, begun again, told; a late supervisor kills none."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from classair.broker import Link
from classair.progress.listening import PATIENCE_S
from classair.wire import Topics
from tests.neighbours.ports import listening

pytestmark = pytest.mark.slow

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
