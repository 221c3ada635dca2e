"""Stored weeks of a school compared sensor by sensor: flags reach readings.db, a second look finds nothing."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from classair.model import BAD, Flag, Reading
from classair.places import Places
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from ingest.books.books import Books
from ingest.commands import flags as flags_command
from ingest.config_acceptance import ConfigAcceptance
from tests.ingest.asked import rows

SENSORS = {"yard": 1.0, "r1": 0.8, "r2": 0.6, "r3": 0.7, "r4": 0.5}
CONFIG = """
org: test-town
sites:
  north:
    name: North
    bridges: {pi-1: {}}
    rooms:
      yard: {name: Yard, outdoor: yes}
""" + "".join(f"      {room}: {{name: R, volume_m3: 100}}\n" for room in SENSORS if room != "yard")
CONFIG += "    sensors:\n" + "".join(
    f'      {room}-pm: {{bridge: pi-1, room: {room}, model: sds011, port: "sim:classroom"}}\n' for room in SENSORS
)
NOW = 1_790_000_000_000 // DAY_MS * DAY_MS
DAYS = 20
START = NOW - DAYS * DAY_MS
STEP = 150_000  # ms between readings, and not a divisor of the grid
FAULT = START + 11 * DAY_MS + 7 * HOUR_MS, START + 13 * DAY_MS + 7 * HOUR_MS


def stored() -> list[Reading]:
    dice, found, slow = random.Random(3), [], 0.0
    for i in range(DAYS * DAY_MS // STEP):
        at = START + i * STEP
        slow = 0.999 * slow + dice.gauss(0, 0.02)
        air = 35 * math.exp(slow + 0.3 * math.cos(at / DAY_MS * 2 * math.pi))
        for number, (room, share) in enumerate(SENSORS.items()):
            left = 0.3 if room == "r2" and FAULT[0] <= at < FAULT[1] else 1.0
            pm25 = round(share * air * left * math.exp(dice.gauss(0, 0.04)), 1)
            found.append(
                Reading(
                    f"north.{room}-pm",
                    "north.pi-1",
                    "abcdef012345",
                    len(SENSORS) * i + number + 1,
                    at,
                    {"pm25": pm25, "pm10": round(1.3 * pm25, 1)},
                    STEP / 1000,
                    room=f"north.{room}",
                    simulated=True,
                )
            )
    return found


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    places = Places(Path(tmp_path_factory.mktemp("compared")) / "data")
    books = Books(places.readings, journal=False)
    ConfigAcceptance(books).consider(CONFIG, NOW)
    books.store.write(stored())
    books.close()
    return places


@pytest.mark.slow
def test_a_failed_fan_is_excluded_from_its_first_hour_to_its_repair(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flags_command.main(["--data", str(places.root)]) == 0
    assert "+FLOW" in capsys.readouterr().out
    found = rows(places, "select sensor, at_ms from reading join series on id=series where vflags is not null")
    assert {sensor for sensor, _ in found} == {"north.r2-pm"}
    moments = sorted(at for _, at in found)
    assert abs(moments[0] - FAULT[0]) <= 10 * MINUTE_MS and abs(moments[-1] - FAULT[1]) <= 10 * MINUTE_MS
    assert Flag.FLOW in BAD
    (excluded,) = rows(places, "select sum(fault) from flagged_1h where quantity='pm25'")[0]
    assert excluded == len(found)


@pytest.mark.slow
def test_the_second_look_changes_nothing(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert flags_command.main(["--data", str(places.root)]) == 0
    assert "0 values changed" in capsys.readouterr().out
