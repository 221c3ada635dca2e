"""What an accepted correction would change, before it is accepted: rooms and days whose number or level differs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from classair.science.averages import day_is_complete
from classair.science.corrections import Correction, Corrections
from classair.science.indexes import Index
from research.collocation.agreement import HourMean, local_day


@dataclass(frozen=True, slots=True)
class SensorHour:
    """An hour of one sensor in one room (ids `<site>.<id>`), by the quantity that corrections take in."""

    room: str
    sensor: str
    model: str
    means: Mapping[str, HourMean]

    @property
    def start(self) -> int:
        return next(iter(self.means.values())).start


@dataclass(frozen=True, slots=True)
class DayLevel:
    """What a room's day says: the 24 h mean (µg/m³) and its level's key; None with fewer than 18 hours."""

    mean: float | None
    level: str | None
    hours: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A room and a local day (number since 1970) that would say something else. `hours`: hours whose level differs."""

    room: str
    day: int
    before: DayLevel
    after: DayLevel
    hours: int

    @property
    def level_changes(self) -> bool:
        return self.before.level != self.after.level


def differences(hours: Iterable[SensorHour], before: Corrections, after: Corrections, index: Index) -> list[Difference]:
    """Rooms and days, in order, whose mean, level or hours differ between two states of what is accepted."""
    there = list(hours)
    old, new = _room_hours(there, before), _room_hours(there, after)
    days = sorted({(room, local_day(start)) for room, start in old.keys() | new.keys()})
    by_day: dict[tuple[str, int], list[int]] = {}
    for room, start in sorted(old.keys() | new.keys()):
        by_day.setdefault((room, local_day(start)), []).append(start)
    found: list[Difference] = []
    for room, day in days:
        starts = by_day[room, day]
        told = [_level_of([one[room, start] for start in starts if (room, start) in one], index) for one in (old, new)]
        changed = sum(
            index.level("pm25", old.get((room, start))) != index.level("pm25", new.get((room, start)))
            for start in starts
        )
        if told[0] != told[1] or changed:
            found.append(Difference(room, day, told[0], told[1], changed))
    return found


def corrected_hour(hour: SensorHour, correction: Correction) -> float | None:
    """The hour's mean by a correction, None where it gives none."""
    mean = hour.means.get(correction.input)
    if mean is None:
        return None
    return correction.correct(mean.value, _known(mean.rh), _known(mean.temp_c), span_ms=3_600_000).value


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _room_hours(hours: Iterable[SensorHour], accepted: Corrections) -> dict[tuple[str, int], float]:
    """The hourly mean of each room, over its sensors."""
    pooled: dict[tuple[str, int], list[float]] = {}
    for hour in hours:
        value = corrected_hour(hour, accepted.correction_for(hour.sensor, hour.start, hour.model))
        if value is not None:
            pooled.setdefault((hour.room, hour.start), []).append(value)
    return {key: math.fsum(values) / len(values) for key, values in pooled.items()}


def _level_of(values: list[float], index: Index) -> DayLevel:
    if not day_is_complete(len(values)):
        return DayLevel(None, None, len(values))
    mean = round(math.fsum(values) / len(values), 6)
    return DayLevel(mean, index.level("pm25", mean), len(values))
