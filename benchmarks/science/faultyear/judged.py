"""Runs the very judges of ingest over a simulated year: live reading by reading, then afterwards, then as a school."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classair.model import BAD, Flag
from classair.science.quality_checks.realtime import SensorMemory
from classair.science.quality_checks.retrospective import Track, judge_track, still
from classair.science.quality_checks.school import Member, judge_school
from faultyear.air import DAY
from faultyear.sensors import Simulated

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
MODELS = {"pms": "pms5003t", "sds": "sds011", "hpma": "hpma115", "s8": "s8", "mh-z19b": "mh-z19b"}
Bits = NDArray[np.int64]


@dataclass
class Judged:
    """Flags of each minute, of all quantities together: as told live, and as known afterwards."""

    sensor: Simulated
    live: Bits
    final: Bits


@dataclass
class Pace:
    """Seconds and rows of each part, summed up."""

    rows: int = 0
    live_s: float = 0.0
    afterwards_s: float = 0.0
    school_s: float = 0.0


def judge_site(sensors: list[Simulated], start_ms: int, pace: Pace) -> list[Judged]:
    found, members = [], []
    for sensor in sensors:
        minutes = np.flatnonzero(sensor.there)
        at = (start_ms + minutes * MINUTE_MS).tolist()
        columns = {key: column[minutes].tolist() for key, column in sensor.columns.items()}
        live, pm_bad = _live(sensor, minutes, at, columns, pace)
        final = live.copy()
        began = time.perf_counter()
        dated = sensor.clock[minutes] == 0
        good_at = at if dated.all() else [moment for moment, good in zip(at, dated, strict=True) if good]
        good = (
            columns
            if dated.all()
            else {
                key: [value for value, ok in zip(column, dated, strict=True) if ok] for key, column in columns.items()
            }
        )
        track = Track(good_at, good)
        blamed = []
        for (_key, flag), stretches in judge_track(track).items():
            for first, end in stretches:
                part = slice((first - start_ms) // MINUTE_MS, (end - 1 - start_ms) // MINUTE_MS + 1)
                final[part] |= int(flag)
                if flag & BAD:
                    pm_bad[part] = True
                    blamed.append((first, end))
        pace.rows += len(at)
        pace.afterwards_s += time.perf_counter() - began
        members.append(_member(sensor, track, start_ms, pm_bad, blamed, pace))
        found.append(Judged(sensor, live, final))
    began = time.perf_counter()
    by_name = {judged.sensor.name: judged for judged in found}
    for span in judge_school(members):
        first = max(0, (span.start - start_ms) // MINUTE_MS)
        by_name[span.sensor].final[first : max(0, (span.end - start_ms) // MINUTE_MS)] |= int(span.flag)
    pace.school_s += time.perf_counter() - began
    for judged in found:
        judged.final[~judged.sensor.there] = 0
    return found


def _live(
    sensor: Simulated, minutes: NDArray[np.int64], at: list[int], columns: dict[str, list[float]], pace: Pace
) -> tuple[Bits, NDArray[np.bool_]]:
    bits = np.zeros(len(sensor.there), np.int64)
    bad = np.zeros(len(sensor.there), bool)
    memory, model, keys, none = SensorMemory(), MODELS[sensor.kind], tuple(columns), Flag.NONE
    main = "pm25" if "pm25" in columns else "co2_ppm"
    odd = {int(i) for i in np.flatnonzero(sensor.warm | (sensor.clock > 0))}
    judge = memory.judge
    began = time.perf_counter()
    for minute, moment, row in zip(minutes.tolist(), at, zip(*columns.values(), strict=True), strict=True):
        values = dict(zip(keys, row, strict=True))
        if minute in odd:
            clock = int(sensor.clock[minute])
            flags, marks = judge(
                values,
                Flag.WARMUP if sensor.warm[minute] else none,
                {},
                at_ms=moment + (HOUR_MS if clock == 2 else 0),
                now_ms=moment,
                clock="unsync" if clock == 1 else "sync",
                model=model,
            )
        else:
            flags, marks = judge(values, none, {}, at_ms=moment, now_ms=moment, model=model)
        if flags or marks:
            every = int(flags)
            for mark in marks.values():
                every |= int(mark)
            bits[minute] = every
            bad[minute] = bool((int(flags) | int(marks.get(main, 0))) & BAD)
    pace.live_s += time.perf_counter() - began
    return bits, bad


def _member(
    sensor: Simulated, track: Track, start_ms: int, bad: NDArray[np.bool_], blamed: list[tuple[int, int]], pace: Pace
) -> Member:
    """Hours and quarters as the store's rollups have them."""
    valid = sensor.there & ~bad

    def levels(key: str, length: int) -> dict[int, float]:
        values = np.where(valid, sensor.columns[key], 0.0).reshape(-1, length).sum(1)
        counts = valid.reshape(-1, length).sum(1)
        starts = start_ms + np.flatnonzero(counts) * length * MINUTE_MS
        return dict(zip(starts.tolist(), (values[counts > 0] / counts[counts > 0]).tolist(), strict=True))

    has = frozenset(sensor.columns)
    zeros: list[tuple[int, int]] = []
    first_day = (start_ms + 7 * HOUR_MS) // (DAY * MINUTE_MS)
    if "pm25" in has and "n03" not in has:
        began = time.perf_counter()
        zeros = still(track.at, [track.columns["pm25"]], lambda row: 0 if row[0] == 0.0 else None)
        pace.afterwards_s += time.perf_counter() - began
    return Member(
        sensor.name,
        str(sensor.place),
        has,
        levels("pm25", 60) if "pm25" in has else {},
        levels("pm25", 15) if "pm25" in has else {},
        levels("co2_ppm", 60) if "co2_ppm" in has else {},
        {first_day + day for day in sensor.air.purified_nights},
        zeros,
        blamed,
    )


def hours(bits: Bits) -> NDArray[np.bool_]:
    """Hours in which any minute has a flag."""
    return (bits.reshape(-1, 60) != 0).any(1)


def by_flag(bits: Bits) -> dict[str, int]:
    """Minutes with each flag."""
    counts: dict[str, int] = defaultdict(int)
    for flag in Flag:
        if flag.name and (hits := int(np.count_nonzero(bits & int(flag)))):
            counts[flag.name] = hits
    return counts
