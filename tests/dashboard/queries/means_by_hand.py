"""What is right for means and their completeness, worked out from single readings, and the school that is asked."""

from __future__ import annotations

import itertools
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import assume
from hypothesis import strategies as some

from classair.model import Flag, Reading
from classair.science.corrections import NONE, Correction
from classair.stores import Store
from classair.stores.steps import bucket_start
from classair.timetable import day_start_ms, local_time
from classair.units import HOUR_MS, MINUTE_MS
from research.export.sources import Sources

ROOM = "s.r"
CONFIG = """org: demo
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms: {r: {name: R, volume_m3: 180, timetable: t}}
    sensors:
      one: {bridge: b, room: r, model: pms5003t, port: "sim:x"}
      two: {bridge: b, room: r, model: pms5003t, port: "sim:x"}
      three: {bridge: b, room: r, model: pms5003t, port: "sim:x"}
timetables:
  t: {days: [mon, tue, wed, thu, fri, sat, sun], occupied: ["07:30-16:00"], lessons: ["08:00-10:30"]}
"""
STEPS = {"1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": HOUR_MS}
PLAIN_DAYS, CORRECTED_DAYS = date(2016, 1, 4), date(2026, 6, 1)
CORRECTION = Correction(
    "school",
    1,
    "linear_rh",
    {"slope": 0.6, "intercept": 2.0, "rh": -0.05},
    valid_from=day_start_ms(CORRECTED_DAYS),
    sensors=("s.one", "s.two"),
    data_set="beside the reference",
    author="one",
    accepted_at=1,
)
NEAR = 1e-3
"""Exports round to the step of a quantity's scale; nothing else does."""


# -- the running system ------------------------------------------------------------------------------------------------


@dataclass(repr=False)
class School:
    """A dashboard over a store, and everything else that gives numbers out."""

    house: Any
    store: Store
    sources: Sources
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    days: Iterator[int] = field(default_factory=itertools.count)

    def fresh_day(self, corrected: bool) -> date:
        """A day that nobody has measured on, so that examples do not meet."""
        return (CORRECTED_DAYS if corrected else PLAIN_DAYS) + timedelta(days=next(self.days))

    def now(self, at_ms: int) -> None:
        self.house.offset_ms = at_ms - time.time_ns() // 1_000_000

    def get(self, path: str) -> Any:
        answer = self.house.ask(path)
        assert answer.status == 200, answer.text
        return answer.json

    def text(self, path: str) -> str:
        answer = self.house.ask(path)
        assert answer.status == 200, answer.text
        return answer.text

    def callback(self, outputs: list[str], trigger: tuple[str, Any], state: tuple[str, Any]) -> Any:
        """What a page's own callback answers; names are `id.property`."""
        listed = [dict(zip(("id", "property"), name.split("."), strict=True)) for name in outputs]

        def place(of: tuple[str, Any]) -> dict[str, Any]:
            return {**dict(zip(("id", "property"), of[0].split("."), strict=True)), "value": of[1]}

        body = {
            "output": f"..{'...'.join(outputs)}.." if len(outputs) > 1 else outputs[0],
            "outputs": listed if len(outputs) > 1 else listed[0],
            "changedPropIds": [trigger[0]],
            "inputs": [place(trigger)],
            "state": [place(state)],
        }
        answer = self.house.ask(
            "/_dash-update-component", "POST", body=json.dumps(body).encode(), Content_Type="application/json"
        )
        assert answer.status == 200, answer.text
        return answer.json["response"]


@dataclass(frozen=True)
class Right:
    n: int
    mean: float | None
    completeness: float

    @property
    def complete(self) -> bool:
        return self.n > 0 and self.completeness >= 0.75

    @property
    def value(self) -> float | None:
        return self.mean if self.complete else None


def valid(readings: list[Reading], quantity: str) -> list[tuple[float, float]]:
    return [(value, one.interval_s) for one in readings if (value := one.valid(quantity)) is not None]


def mean_of(readings: list[Reading], quantity: str) -> float | None:
    values = [value for value, _ in valid(readings, quantity)]
    return sum(values) / len(values) if values else None


def right(readings: list[Reading], step_ms: int, lesson: bool = False) -> dict[tuple[str, int], Right]:
    """By (sensor, start); for steps up to an hour."""
    by_step: dict[tuple[str, int], list[Reading]] = defaultdict(list)
    for one in readings:
        start = bucket_start(one.at_ms, step_ms)
        slot = local_time(bucket_start(one.at_ms, min(step_ms, 15 * MINUTE_MS)))
        if not lesson or "08:00" <= f"{slot:%H:%M}" < "10:30":
            by_step[one.sensor, start].append(one)
    found = {}
    for (sensor, start), those in by_step.items():
        length = step_ms
        if lesson and local_time(start).hour == 10 and step_ms == HOUR_MS:
            length //= 2
        covered = sum(round(interval * 1000) for _, interval in valid(those, "pm25"))
        one = CORRECTION if step_ms >= 5 * MINUTE_MS and CORRECTION.covers(sensor, start) else NONE
        told = one.correct(mean_of(those, "pm25"), mean_of(those, "rh_pct")).value
        found[sensor, start] = Right(len(valid(those, "pm25")), told, min(1.0, covered / length))
    return found


def of_room(by_sensor: dict[tuple[str, int], Right]) -> dict[int, Right]:
    parts: dict[int, list[Right]] = defaultdict(list)
    for (_, start), one in by_sensor.items():
        parts[start].append(one)
    found = {}
    for start, there in parts.items():
        told = [(one.mean, one.n) for one in there if one.mean is not None]
        weight = sum(n for _, n in told)
        mean = sum(mean * n for mean, n in told) / weight if weight else None
        found[start] = Right(sum(one.n for one in there), mean, max(one.completeness for one in there))
    return found


def same(told: Any, rightly: float | None, near: float = 1e-5) -> bool:
    if rightly is None or told in (None, ""):
        return rightly is None and told in (None, "")
    return abs(float(told) - rightly) <= near


# -- histories ---------------------------------------------------------------------------------------------------------

Seconds = tuple[float, int]
"""Interval in s and second of the day."""


@some.composite
def stretches(draw: some.DrawFn) -> list[tuple[str, Seconds, Flag, float, float | None]]:
    """Of up to three sensors between 08:00 and 11:00: (sensor, (interval, second), flags, PM2.5, humidity)."""
    found: dict[tuple[str, int], tuple[str, Seconds, Flag, float, float | None]] = {}
    for _ in range(draw(some.integers(1, 5))):
        sensor = draw(some.sampled_from(["s.one", "s.two", "s.three"]))
        interval = draw(some.sampled_from([1.0, 2.5, 10.0, 30.0, 60.0, 300.0]))
        begin = 8 * 3600 + draw(some.integers(0, 170 * 60))
        lasts = draw(some.integers(1, 600 if interval < 10 else 7200))
        bursts = draw(some.booleans())
        flags = draw(some.sampled_from([Flag.NONE, Flag.NONE, Flag.NONE, Flag.RH_HIGH, Flag.RANGE, Flag.WARMUP]))
        base = draw(some.integers(0, 900)) / 10
        humidity = draw(some.one_of(some.none(), some.integers(20, 95).map(float)))
        for number in range(int(lasts / interval) + 1):
            second = begin + number * interval
            if second < 11 * 3600 and not (bursts and second % 900 >= 120):
                found.setdefault(
                    (sensor, int(second)),
                    (sensor, (interval, int(second)), flags, base + number % 7, humidity),
                )
    assume(found)
    return list(found.values())


def taken(school: School, day: date, history: list[tuple[str, Seconds, Flag, float, float | None]]) -> list[Reading]:
    """Writes a history on a day, a third of it late."""
    midnight = day_start_ms(day)
    readings = [
        Reading(
            sensor,
            "s.b",
            "abcdef123456",
            next(school.numbers),
            midnight + second * 1000,
            {"pm25": value, **({} if humidity is None else {"rh_pct": humidity})},
            interval,
            flags=flags,
            room=ROOM,
            simulated=True,
        )
        for sensor, (interval, second), flags, value, humidity in history
    ]
    school.store.write(one for i, one in enumerate(readings) if i % 3)
    school.store.write(one for i, one in enumerate(readings) if not i % 3)
    return readings
