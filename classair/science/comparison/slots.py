"""Sensors of one school on one grid of five minutes, each against what the others say of the air.

The logarithm of a level follows the school's: x = common(t) + place(hour) + rest. `place` is how much of the school's
dust this sensor usually sees at that hour of a school day or a weekend, `rest` what a judgement looks at. Dust comes
from outdoors for all, so what is left over is the room, and a fault. Rest in ln(µg/m³ + 1), time in slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classair.stores import BANGKOK_MS
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

Array = NDArray[np.float64]

SLOT_MS: Final = 5 * MINUTE_MS
HOUR: Final = HOUR_MS // SLOT_MS
OTHERS_LEAST: Final = 3
CLASSES: Final = 48  # hours of school days, then of weekends
_ROUNDS: Final = 3
_STILL: Final = 5.0  # µg/m³ up to which a mass may stand still
_KELVIN_LEAST: Final = 0.15
_NOISE_LEAST: Final = 0.04  # of an hour's rest: nobody knows it better
_STEPS: Final = 0.6  # µg/m³ that rounding and a photodiode's own noise may shift an hour by


@dataclass(frozen=True, slots=True)
class Slots:
    """One sensor's means of five minutes, the highest and lowest reading of each left out; NaN where there is none."""

    sensor: str
    room: str
    outdoor: bool
    pm25: Array
    pm10: Array | None = None
    rh: Array | None = None
    temp: Array | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """All sensors' rests. `rest` (sensors, slots); `hours` its median of each hour; `noise` what is usual of that by
    hour; `common` the school without the sensor, by slot; `place` and `classes` by hour; `level` µg/m³ by hour."""

    start_ms: int
    rest: Array
    hours: Array
    noise: Array
    common: Array
    place: Array
    classes: NDArray[np.int64]
    levels: Array


def beside(members: Sequence[Slots], start_ms: int, without: NDArray[np.bool_] | None = None) -> Beside | None:
    """None where too few sensors stand side by side. `start_ms` begins an hour, and the grid has whole hours.

    `without` (sensors, hours): what is known to be wrong says nothing of a sensor's place.
    """
    if len(members) <= OTHERS_LEAST:
        return None
    pm25 = np.stack([moving(member.pm25) for member in members])
    levels = median(hourly(pm25))
    steps = _STEPS / (np.nan_to_num(levels, nan=9.0) + 1)
    return _aligned(np.log1p(np.maximum(0.0, pm25)), start_ms, levels, np.hypot(_NOISE_LEAST, steps), without)


def warmth(members: Sequence[Slots], start_ms: int) -> Beside | None:
    """The same of temperature, in °C; None where too few sensors have one."""
    nothing = np.full(len(members[0].pm25), np.nan)
    temp = np.stack([nothing if member.temp is None else member.temp for member in members])
    if (~np.isnan(temp)).any(1).sum() <= OTHERS_LEAST:
        return None
    return _aligned(temp, start_ms, median(hourly(temp)), np.full((len(members), temp.shape[1] // HOUR), _KELVIN_LEAST))


def _aligned(x: Array, start_ms: int, levels: Array, least: Array, without: NDArray[np.bool_] | None = None) -> Beside:
    classes = hour_classes(start_ms, x.shape[1] // HOUR)
    place = np.zeros((len(x), CLASSES))
    of_slot = np.repeat(classes, HOUR)
    for _ in range(_ROUNDS):
        common = others(x - place[:, of_slot])
        place = place + by_class(_sound(median(hourly(x - common - place[:, of_slot])), without), classes)
        place -= np.median(place, axis=0)
    common = others(x - place[:, of_slot])
    rest = x - common - place[:, of_slot]
    hours = median(hourly(rest))
    noise = np.hypot(1.4826 * by_class(_sound(np.abs(hours), without), classes)[:, classes], least)
    return Beside(start_ms, rest, hours, noise, common, place, classes, levels)


def moving(level: Array) -> Array:
    """Without what stands still for an hour or longer: stuck, and no word about the air."""
    same = np.concatenate([[False], (np.diff(level) == 0.0) & (level[1:] > _STILL), [False]])
    edges = np.flatnonzero(np.diff(same.astype(np.int8)))
    found = level.copy()
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - start >= HOUR:
            found[start : end + 1] = np.nan
    return found


def _sound(hours: Array, without: NDArray[np.bool_] | None) -> Array:
    return hours if without is None else np.where(without, np.nan, hours)


def hour_classes(start_ms: int, hours: int) -> NDArray[np.int64]:
    """The local hour, plus 24 on Saturdays and Sundays."""
    local = start_ms + BANGKOK_MS + np.arange(hours, dtype=np.int64) * HOUR_MS
    weekday = (local // DAY_MS + 3) % 7
    return local % DAY_MS // HOUR_MS + 24 * (weekday >= 5)


def others(x: Array) -> Array:
    """For each row the median of all other rows, column by column; NaN where there are too few."""
    ordered = np.sort(x, axis=0)  # NaN last
    there = ~np.isnan(x)
    count = there.sum(0)
    found = np.empty_like(x)
    columns = np.arange(x.shape[1])
    for row in range(len(x)):
        own = x[row]
        rank = (x < own).sum(0)
        left = count - there[row]
        rank = np.where(there[row], rank, len(x))  # absent: nothing is to be skipped
        parts = []
        for index in ((left - 1) // 2, left // 2):
            index = np.maximum(index, 0)
            parts.append(ordered[np.minimum(np.where(index < rank, index, index + 1), len(x) - 1), columns])
        found[row] = np.where(left >= OTHERS_LEAST, (parts[0] + parts[1]) / 2, np.nan)
    return found


def hourly(x: Array) -> Array:
    return x.reshape(*x.shape[:-1], -1, HOUR)


def median(x: Array) -> Array:
    """Along the last axis, NaN left out; much faster than numpy's own for many short rows."""
    ordered = np.sort(x, axis=-1)
    count = (~np.isnan(x)).sum(-1)
    low = np.take_along_axis(ordered, np.maximum(0, (count - 1) // 2)[..., None], -1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, x.shape[-1] - 1)[..., None], -1)[..., 0]
    return np.where(count > 0, (low + high) / 2, np.nan)


def by_class(hours: Array, classes: NDArray[np.int64]) -> Array:
    """Medians by class of hour, each with the hours beside it; what was never seen has the median of all."""
    overall = np.nan_to_num(median(hours))
    found = np.empty((len(hours), CLASSES))
    for kind in range(CLASSES):
        near = [kind // 24 * 24 + (kind + shift) % 24 for shift in (-1, 0, 1)]
        found[:, kind] = median(hours[:, np.isin(classes, near)])
    return np.where(np.isnan(found), overall[:, None], found)


def jumps(rest: Array) -> tuple[Array, Array]:
    """How far a row steps at each slot: against the lines through twenty minutes on either side, and plainly.

    Air that is exchanged follows a curve, so both lines meet; only a sensor steps.
    """
    weights = np.array([-0.5, 0.0, 0.5, 1.0])  # the line through four points, one further on
    n = rest.shape[-1]
    line, plain = np.full(rest.shape, np.nan), np.full(rest.shape, np.nan)
    before = sum(w * rest[..., i : n - 8 + i] for i, w in enumerate(weights))
    after = sum(w * rest[..., 5 + i : n - 3 + i] for i, w in enumerate(weights[::-1]))
    line[..., 4 : n - 4] = after - before
    plain[..., 2 : n - 2] = (rest[..., 3 : n - 1] + rest[..., 4:n] - rest[..., 0 : n - 4] - rest[..., 1 : n - 3]) / 2
    return line, plain
