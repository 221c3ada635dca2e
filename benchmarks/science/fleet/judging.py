"""Runs the judges of ingest over a fleet: reading by reading, each past by itself, then week by week beside others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classair.model import BAD, QUANTITIES, Flag
from classair.science.comparison.judging import REACH_MS, judge_beside
from classair.science.comparison.slots import SLOT_MS, Slots
from classair.science.quality_checks.realtime import SensorMemory
from classair.science.quality_checks.retrospective import Track, judge_track, still
from classair.science.quality_checks.school import Member, judge_school
from classair.science.quality_checks.spans import FlagSpan
from fleet.air import DAY
from fleet.building import Room
from fleet.instruments import Sensor

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
WEEK_MS = 7 * DAY_MS
START_MS = 1_780_246_800_000  # a local midnight of 2026
Bits = NDArray[np.int64]


def alone(sensor: Sensor, rooms: list[Room]) -> tuple[Bits, Member]:
    """Flags of each minute that a sensor earns by itself, and what it is compared by."""
    there = ~np.isnan(sensor.columns["pm25"])
    minutes = np.flatnonzero(there)
    at = (START_MS + minutes * MINUTE_MS).tolist()
    columns = {
        key: (np.round(column[minutes] * QUANTITIES[key].scale) / QUANTITIES[key].scale).tolist()
        for key, column in sensor.columns.items()
    }
    bits, bad = np.zeros(len(there), np.int64), np.zeros(len(there), bool)
    judge, keys, none = SensorMemory().judge, tuple(columns), Flag.NONE
    for minute, moment, row in zip(minutes.tolist(), at, zip(*columns.values(), strict=True), strict=True):
        flags, marks = judge(
            dict(zip(keys, row, strict=True)), none, {}, at_ms=moment, now_ms=moment, model=sensor.model
        )
        if flags or marks:
            bits[minute] = int(flags)
            for key, mark in marks.items():
                if key not in ("temp_c", "rh_pct"):
                    bits[minute] |= int(mark)
            bad[minute] = bool((int(flags) | int(marks.get("pm25", 0))) & BAD)
    blamed = []
    track = Track(at, columns)
    for (key, flag), stretches in judge_track(track).items():
        for first, end in stretches:
            if key in ("temp_c", "rh_pct"):
                continue
            part = slice((first - START_MS) // MINUTE_MS, (end - 1 - START_MS) // MINUTE_MS + 1)
            bits[part] |= int(flag)
            if flag & BAD:
                bad[part] = True
                blamed.append((first, end))
    valid = there & ~bad
    zeros = still(at, [columns["pm25"]], lambda row: 0 if row[0] == 0.0 else None)
    hours = _levels(sensor.columns["pm25"], valid, 60)
    return bits, Member(
        sensor.name,
        f"room-{sensor.place}",
        frozenset(columns),
        hours,
        purified=purified_nights(rooms[sensor.place]) if sensor.place >= 0 else (),
        zeros=zeros,
        blamed=blamed,
    )


def slots(sensor: Sensor) -> Slots:
    """As ingest's query makes them."""
    kept = {key: _trimmed(sensor.columns[key]) for key in ("pm25", "pm10", "rh_pct", "temp_c") if key in sensor.columns}
    return Slots(
        sensor.name,
        f"room-{sensor.place}",
        sensor.place < 0,
        kept["pm25"],
        kept.get("pm10"),
        kept.get("rh_pct"),
        kept.get("temp_c"),
    )


def _trimmed(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of five minutes without their highest and lowest reading."""
    parts = column.reshape(-1, 5)
    count = (~np.isnan(parts)).sum(1)
    total = np.nansum(parts, 1)
    low, high = np.where(np.isnan(parts), np.inf, parts).min(1), np.where(np.isnan(parts), -np.inf, parts).max(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count >= 3, (total - low - high) / (count - 2), total / count)


def _levels(column: NDArray[np.float64], valid: NDArray[np.bool_], length: int) -> dict[int, float]:
    values = np.where(valid, np.nan_to_num(column), 0.0).reshape(-1, length).sum(1)
    counts = valid.reshape(-1, length).sum(1)
    starts = START_MS + np.flatnonzero(counts) * length * MINUTE_MS
    return dict(zip(starts.tolist(), (values[counts > 0] / counts[counts > 0]).tolist(), strict=True))


def judge_fleet(sensors: list[Sensor], done: list[tuple[Bits, Member]]) -> list[Bits]:
    """Flags of each minute of a site's sensors, all judgements together; what is compared, week by week as ingest."""
    found = {sensor.name: bits.copy() for sensor, (bits, _) in zip(sensors, done, strict=True)}
    told = judge_school([member for _, member in done])
    for span in told:
        if span.flag is not Flag.DRIFT:
            _mark(found, span, START_MS, START_MS + len(found[span.sensor]) * MINUTE_MS)
    drifts = [span for span in told if span.flag is Flag.DRIFT]
    grid = [slots(sensor) for sensor in sensors]
    length = len(grid[0].pm25) * SLOT_MS
    for week in range(0, length, WEEK_MS):
        since, until = max(0, week - REACH_MS[0]), min(length, week + WEEK_MS + REACH_MS[1])
        for span in judge_beside([_cut(one, since, until) for one in grid], START_MS + since, drifts):
            _mark(found, span, START_MS + week, START_MS + week + WEEK_MS)
    for sensor in sensors:
        found[sensor.name][np.isnan(sensor.columns["pm25"])] = 0
    return [found[sensor.name] for sensor in sensors]


def _mark(found: dict[str, Bits], span: FlagSpan, since: int, until: int) -> None:
    first, last = max(span.start, since), min(span.end, until)
    if first < last:
        found[span.sensor][(first - START_MS) // MINUTE_MS : (last - START_MS) // MINUTE_MS] |= int(span.flag)


def _cut(one: Slots, since: int, until: int) -> Slots:
    part = slice(since // SLOT_MS, until // SLOT_MS)
    columns = (one.pm25, one.pm10, one.rh, one.temp)
    return Slots(one.sensor, one.room, one.outdoor, *(None if it is None else it[part] for it in columns))  # type: ignore[arg-type]


def purified_nights(room: Room) -> set[int]:
    """Local days in whose first five hours the purifier that ClassAir knows of ran."""
    if room.purifier_on is None:
        return set()
    nights = room.purifier_on.reshape(-1, DAY)[:, :300].any(1)
    first = (START_MS + 7 * HOUR_MS) // DAY_MS
    return {first + int(day) for day in np.flatnonzero(nights)}
