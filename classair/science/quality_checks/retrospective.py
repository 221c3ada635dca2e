"""One sensor's settled past, judged with what came after: stuck from the first value on, spikes, rates.

Pure functions over columns in order of time. They find what live judgement found and more: the hour in which a run
became long enough belongs to it, a spike shows itself by what follows, and a day may be looked at whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from classair.intervals import Interval, union
from classair.model import Flag
from classair.science.quality import CO2_LIMIT, PM_CEILING
from classair.science.quality_checks.limits import (
    BREAK_MS,
    CLIMATE_MS,
    COUNTS,
    PARTICLES,
    co2_stuck_after_ms,
    pm_stuck_after_ms,
)
from classair.science.quality_checks.realtime import CO2_PER_MS, CO2_STEP, RATE_WITHIN_MS, TEMP_PER_MS, TEMP_STEP

Column = Sequence[float | None]
FlagIntervals = dict[tuple[str, Flag], list[Interval]]

SPIKE_POINTS: Final = 2  # a spike lasts at most so many readings …
SPIKE_WITHIN_MS: Final = 130_000  # … that are this close together: in a slower series a plume may be one reading
SPIKE_AROUND: Final = 5  # readings on either side that say what is usual
SPIKE_AT_LEAST: Final[Mapping[str, float]] = {  # µg/m³, ppm
    "pm1": 20.0,
    "pm25": 20.0,
    "pm10": 20.0,
    "pm1_cf1": 20.0,
    "pm25_cf1": 20.0,
    "pm10_cf1": 20.0,
    "co2_ppm": 300.0,
}
SPIKE_MADS: Final = 5.0 * 1.4826  # Hampel's test: five standard deviations, estimated by the median deviation
SPIKE_SHARE: Final = 0.4  # of what is usual around it: thick smoke is never quite still
SPIKE_FOOT: Final = 0.2  # share of its height up to which the readings beside a spike may rise with it
DROP_LEFT: Final = 0.1  # µg/m³: nothing
DROP_FROM: Final = 3.0  # µg/m³ of every reading around it


@dataclass(frozen=True, slots=True)
class Track:
    """Readings of one sensor in order of time: `at` in UTC ms, a column for each quantity, None where absent."""

    at: Sequence[int]
    columns: Mapping[str, Column]


def judge_track(track: Track) -> FlagIntervals:
    """Every flag that a sensor's own past earns, by quantity."""
    found: FlagIntervals = {}
    _stuck(track, found)
    for key, at_least in SPIKE_AT_LEAST.items():
        if key in track.columns and (stretches := spikes(*_present(track.at, track.columns[key]), at_least)):
            found[key, Flag.SPIKE] = stretches
    if "pm25" in track.columns and (stretches := drops(*_present(track.at, track.columns["pm25"]))):
        found["pm25", Flag.SPIKE] = union([*found.get(("pm25", Flag.SPIKE), ()), *stretches])
    for key, step, per_ms in (("co2_ppm", CO2_STEP, CO2_PER_MS), ("temp_c", TEMP_STEP, TEMP_PER_MS)):
        if key in track.columns and (stretches := rates(*_present(track.at, track.columns[key]), step, per_ms)):
            found[key, Flag.RATE] = stretches
    return found


def _present(at: Sequence[int], column: Column) -> tuple[Sequence[int], Sequence[float]]:
    if None not in column:
        return at, column  # type: ignore[return-value]
    there = [(moment, value) for moment, value in zip(at, column, strict=True) if value is not None]
    return [moment for moment, _ in there], [value for _, value in there]


# -- stuck -------------------------------------------------------------------------------------------------------------


def _stuck(track: Track, found: FlagIntervals) -> None:
    columns = track.columns
    if "pm25" in columns:
        keys = [key for key in PARTICLES if key in columns]
        counted = any(key in COUNTS for key in keys)
        pm = keys.index("pm25")

        def pm_limit(row: tuple[float | None, ...]) -> int | None:
            value = row[pm]
            return None if value is None or value >= PM_CEILING else pm_stuck_after_ms(value, counted)

        if stretches := still(*_carried(track.at, [columns[key] for key in keys]), pm_limit):
            found.update({(key, Flag.STUCK): stretches for key in keys})
    if "co2_ppm" in columns:

        def co2_limit(row: tuple[float | None, ...]) -> int | None:
            value = row[0]
            # Whole thousands from 2000 on are where ranges end: saturation, told by its own flag.
            if value is None or value >= CO2_LIMIT or (value >= 2000.0 and value % 1000.0 == 0.0):
                return None
            return co2_stuck_after_ms(value)

        if stretches := still(*_carried(track.at, [columns["co2_ppm"]]), co2_limit):
            found["co2_ppm", Flag.STUCK] = stretches
    if "temp_c" in columns and "rh_pct" in columns:
        climate = _carried(track.at, [columns["temp_c"], columns["rh_pct"]])
        both = still(*climate, lambda row: None if None in row else CLIMATE_MS)
        if both:
            found["temp_c", Flag.STUCK] = found["rh_pct", Flag.STUCK] = both


def _carried(at: Sequence[int], columns: Sequence[Column]) -> tuple[Sequence[int], Sequence[Column]]:
    """The moments at which any of the columns says something, each with what the others said last.

    A message about something else neither ends a run nor makes one longer. What was said before a silence is forgotten.
    """
    if not any(None in column for column in columns):
        return at, columns
    moments: list[int] = []
    rows: list[list[float | None]] = []
    row: list[float | None] = []
    for moment, said in zip(at, zip(*columns, strict=True), strict=True):
        if all(value is None for value in said):
            continue
        known = row if moments and moment - moments[-1] <= BREAK_MS else said
        row = [before if value is None else value for value, before in zip(said, known, strict=True)]
        moments.append(moment)
        rows.append(row)
    return moments, list(zip(*rows, strict=True)) or [()] * len(columns)


def still(
    at: Sequence[int], columns: Sequence[Column], limit: Callable[[tuple[float | None, ...]], int | None]
) -> list[Interval]:
    """Stretches in which none of the columns moved for as long as `limit` allows for that row (None: for ever)."""
    found: list[Interval] = []
    if not at:
        return found
    rows = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
    start, before, begun = 0, rows[0], at[0]
    last = begun
    for i, (moment, row) in enumerate(zip(at, rows, strict=True)):
        if row != before or moment - last > BREAK_MS:
            if last - begun >= 1_800_000:
                _close(found, at, start, i - 1, before, limit)
            start, before, begun = i, row, moment
        last = moment
    if last - begun >= 1_800_000:
        _close(found, at, start, len(at) - 1, before, limit)
    return found


def _close(
    found: list[Interval],
    at: Sequence[int],
    first: int,
    last: int,
    row: object,
    limit: Callable[[tuple[float | None, ...]], int | None],
) -> None:
    allowed = limit(row if isinstance(row, tuple) else (row,))
    if allowed is not None and at[last] - at[first] >= allowed:
        found.append((at[first], at[last] + 1))


# -- spikes ------------------------------------------------------------------------------------------------------------


def spikes(at: Sequence[int], values: Sequence[float], at_least: float) -> list[Interval]:
    """One or two readings alone far from all around them. A plume has a slope, or lasts; a step does not come back."""
    found: list[Interval] = []
    end = 0
    for i in _jumps(values, at_least):
        if i < end:
            continue
        for length in range(1, SPIKE_POINTS + 1):
            after = i + length
            if after < len(values) and _is_spike(at, values, i, after, at_least):
                found.append((at[i], at[after - 1] + 1))
                end = after + 1
                break
    return found


def drops(at: Sequence[int], values: Sequence[float]) -> list[Interval]:
    """One or two readings of nothing between readings of something: a lost word, not air."""
    found: list[Interval] = []
    i = 0
    while i < len(values):
        if values[i] > DROP_LEFT:
            i += 1
            continue
        after = i
        while after < len(values) and values[after] <= DROP_LEFT:
            after += 1
        around = [*values[max(0, i - SPIKE_AROUND) : i], *values[after : after + SPIKE_AROUND]]
        if (
            after - i <= SPIKE_POINTS
            and i > 0
            and after < len(values)
            and at[after] - at[i - 1] <= (SPIKE_POINTS + 1) * SPIKE_WITHIN_MS
            and len(around) >= SPIKE_AROUND
            and min(around) >= DROP_FROM
        ):
            found.append((at[i], at[after - 1] + 1))
        i = after
    return found


def _jumps(values: Sequence[float], at_least: float) -> list[int]:
    return [i for i, (before, value) in enumerate(pairwise(values), 1) if not -at_least < value - before < at_least]


def _is_spike(at: Sequence[int], values: Sequence[float], first: int, after: int, at_least: float) -> bool:
    low, high = max(0, first - SPIKE_AROUND), min(len(values), after + SPIKE_AROUND)
    steps = [at[i + 1] - at[i] for i in range(first - 1, after)]
    if max(steps) > SPIKE_WITHIN_MS:
        return False
    around = [*values[low:first], *values[after:high]]
    if first - low < 3 or high - after < 3 or at[high - 1] - at[low] > BREAK_MS:
        return False
    usual = median(around)
    deviation = median([abs(value - usual) for value in around])
    heights = [value - usual for value in values[first:after]]
    lowest = min(map(abs, heights))
    if lowest <= max(at_least, SPIKE_MADS * deviation, SPIKE_SHARE * usual) or (min(heights) < 0 < max(heights)):
        return False
    foot = max(at_least / 2, SPIKE_FOOT * lowest)
    return abs(values[first - 1] - usual) <= foot and abs(values[after] - usual) <= foot


# -- rates -------------------------------------------------------------------------------------------------------------


def rates(at: Sequence[int], values: Sequence[float], step: float, per_ms: float) -> list[Interval]:
    """Readings that differ from the one before by more than `step` and more than air changes in that time."""
    found = []
    for i in _jumps(values, step):
        gap = at[i] - at[i - 1]
        if gap <= RATE_WITHIN_MS and abs(values[i] - values[i - 1]) > max(step, per_ms * gap):
            found.append((at[i], at[i] + 1))
    return found
