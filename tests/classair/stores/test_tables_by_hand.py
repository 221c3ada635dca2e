"""A selection's rows against its readings averaged one by one: random data, corrections, lessons, gaps; every store."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator

import pytest

from classair.config import Config, parse
from classair.model import Flag, Reading
from classair.science.corrections import Correction, Corrections
from classair.stores import BANGKOK_MS, Store
from classair.timetable import local_time
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from research.means import MeansReader
from research.selection import Selection

FIRST, LAST = "2026-11-23", "2026-11-24"  # a Monday and a Tuesday
START = Selection.parse({"rooms": "s.r", "first": FIRST, "last": LAST}).start_ms
STEPS = {"15m": 15 * MINUTE_MS, "1h": HOUR_MS, "1d": DAY_MS}


def school(town: str) -> Config:
    return parse(f"""org: demo
sites:
  {town}:
    name: S
    bridges: {{b: {{}}}}
    rooms: {{r: {{name: R, volume_m3: 180, timetable: t}}}}
    sensors:
      one: {{bridge: b, room: r, model: pms5003t, port: "sim:x"}}
      two: {{bridge: b, room: r, model: pms5003t, port: "sim:x"}}
timetables:
  t: {{occupied: ["07:30-16:00"], lessons: ["08:30-11:30", "12:45-15:30"]}}
""")


def drawn(town: str, chance: random.Random) -> list[Reading]:
    found, seq = [], 0
    for sensor, every in ((f"{town}.one", 60), (f"{town}.two", 300)):
        for at in range(START + 7, START + 2 * DAY_MS, every * 1000):
            seq += 1
            if chance.random() < 0.3 or 0.3 < (at - START) / DAY_MS < 0.32:
                continue
            values = {"pm25": round(chance.uniform(0, 80), 3), "temp_c": round(chance.uniform(24, 34), 2)}
            if chance.random() < 0.8:
                values["rh_pct"] = round(chance.uniform(30, 90), 2)
            found.append(
                Reading(
                    sensor,
                    f"{town}.b",
                    "e" * 8,
                    seq,
                    at,
                    values,
                    float(every),
                    room=f"{town}.r",
                    flags=Flag.WARMUP if chance.random() < 0.05 else Flag.NONE,
                    simulated=True,
                    value_flags={"pm25": Flag.SPIKE} if chance.random() < 0.05 else {},
                )
            )
    chance.shuffle(found)
    return found


def accepted(town: str, chance: random.Random) -> Corrections:
    def when() -> int:
        return START + chance.randrange(0, 48) * HOUR_MS

    begin = when()
    return Corrections(
        (
            Correction(
                "all-rh",
                1,
                "linear_rh",
                {"slope": 0.7, "intercept": 2.0, "rh": -0.05},
                valid_from=when(),
                sites=(town,),
                accepted_at=1,
            ),
            Correction(
                "one-only",
                1,
                "linear",
                {"slope": 0.5, "intercept": 1.0},
                valid_from=begin,
                valid_to=begin + chance.randrange(0, 20) * HOUR_MS,
                sensors=(f"{town}.one",),
                low=5.0,
                high=60.0,
                accepted_at=2,
            ),
        )
    )


def lesson(at: int) -> bool:
    """Whether the quarter-hour around a moment lies in a lesson of these two weekdays."""
    clock = local_time(at // (15 * MINUTE_MS) * 15 * MINUTE_MS)
    return "08:30" <= f"{clock:%H:%M}" < "11:30" or "12:45" <= f"{clock:%H:%M}" < "15:30"


def by_hand(
    readings: list[Reading],
    corrections: Corrections,
    wish: Selection,
) -> Iterator[tuple[tuple[str, int], tuple[int, float | None]]]:
    """((sensor, step), (n, value)): nothing but loops over readings."""
    fine = min(STEPS[wish.step], HOUR_MS)
    small: dict[tuple[str, int], list[Reading]] = defaultdict(list)
    for reading in readings:
        if not wish.lesson or lesson(reading.at_ms):
            small[reading.sensor, (reading.at_ms + BANGKOK_MS) // fine * fine - BANGKOK_MS].append(reading)
    steps: dict[tuple[str, int], list[tuple[float | None, int]]] = defaultdict(list)
    for (sensor, at), those in small.items():

        def mean(quantity: str, those: list[Reading] = those) -> float | None:
            valid = [value for one in those if (value := one.valid(quantity)) is not None]
            return sum(valid) / len(valid) if valid else None

        n = sum(one.valid("pm25") is not None for one in those)
        told = corrections.correction_for(sensor, at, "pms5003t").correct(mean("pm25"), mean("rh_pct"), mean("temp_c"))
        place = (at + BANGKOK_MS) // STEPS[wish.step] * STEPS[wish.step] - BANGKOK_MS
        steps[sensor, place].append((told.value if n else None, n))
    for where, parts in steps.items():
        known = [(value, n) for value, n in parts if value is not None]
        weight = sum(n for _, n in known)
        yield where, (sum(n for _, n in parts), sum(v * n for v, n in known) / weight if weight else None)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.thorough
def test_rows_are_what_the_readings_say_when_they_are_averaged_one_by_one(store: Store, town: str, seed: int) -> None:
    chance = random.Random(seed)
    readings, corrections = drawn(town, chance), accepted(town, chance)
    store.write(readings)
    for step in STEPS:
        for taught in (False, True):
            wish = Selection.parse(
                {
                    "rooms": f"{town}.r",
                    "first": FIRST,
                    "last": LAST,
                    "step": step,
                    "lesson": taught,
                    "method": "accepted",
                    "completeness": 0.0,
                }
            )
            reader = MeansReader(store, school(town), corrections)
            told = {(row.sensor, row.start_ms): (row.n, row.value) for row in reader.selected(wish)}
            expected = dict(by_hand(readings, corrections, wish))
            assert told.keys() == expected.keys()
            for place, (n, value) in expected.items():
                assert told[place] == (n, None if value is None else pytest.approx(value, abs=2e-6)), (place, wish)
