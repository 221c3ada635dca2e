"""A short table of faults (benchmarks/control): a relay that lets go, a purifier taken out, alerts that hangs."""

from __future__ import annotations

import random
import signal
import threading
import time
from pathlib import Path

import pytest

from benchmarks.control.cases import Case
from benchmarks.control.house import Classroom, House
from benchmarks.control.roomfaults import RelayFalls
from benchmarks.control.special import MIN_ON_S, Removed

HANGS_S = 17.0  # behind the look at the lease of the purifier that was taken out


class AlertsHangs(Case):
    """One purifier runs, and whoever switches it stands still."""

    def rooms(self, chance: random.Random) -> list[Classroom]:
        self.room = Classroom("running", 90.0)
        return [self.room]

    def plan(self, house: House, chance: random.Random) -> None:
        house.at(HANGS_S, lambda: self._hang(house))

    def _hang(self, house: House) -> None:
        self.begun = time.monotonic()
        house.signal("alerts", signal.SIGSTOP)

    def subjects(self) -> set[str]:
        return {"alerts"}

    def extra_s(self, house: House, reference: House | None) -> float:
        return self.room.air.unsafe_s(self.begun, time.monotonic())


@pytest.mark.slow
def test_faults_of_a_plug_a_file_and_a_service_cost_no_minute_and_are_told(
    mosquitto_program: str, tmp_path: Path, chance: random.Random
) -> None:
    hangs = AlertsHangs("alerts-hung", "alerts stops without ending")
    cases = [
        RelayFalls("relay-falls", "relay lets go by itself", (1, 3), running=True),
        Removed("purifier-removed", "it is taken out of sensors.yaml", MIN_ON_S, at_s=3.0),
        hangs,
    ]
    rooms = [room for case in cases for room in case.rooms(chance)]
    house = House("short", tmp_path / "short", rooms, random.Random(chance.random()))
    house.settled_s = 3.0
    for case in cases:
        case.plan(house, chance)
    house.until_s = HANGS_S + 65.0
    house.enough = lambda: bool(hangs.begun) and house.told_about(hangs.subjects(), hangs.begun) is not None
    house.play(threading.Event())
    assert [(one.name, one.misses, one.notes) for case in cases if (one := case.result(house, None)).misses] == []
