"""Air changes per hour from CO2: how it falls when a room empties, how it rises when it fills; or "cannot tell".

Decay after Batterman 2017 (IJERPH 14, 145); transient with constant occupancy after ASTM D6245. A decay after school
describes the room as it was left, a break describes it as it is taught in: both are told, each by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from classair.timetable import local_time
from research.rooms.estimate import Bools, Estimate, Floats, interval_by_group

VERSION: Final = 1
OUTDOOR_PPM: Final = 425.0  # where no sensor measures outdoors; said with the result
LEAST_EXCESS: Final = 100.0  # ppm; below it noise is too large a share
LEAST_POINTS: Final = 20  # minutes
LEAST_R2: Final = 0.95
LEAST_FALL: Final = 2.0  # the excess must at least halve
MIXING: Final = 5  # minutes after the last pupil until the air is one
LONGEST: Final = 240  # minutes of a decay that are looked at
BEND: Final = 0.35  # the two halves of a decay may differ by this share before it is no exponential
NARROW: Final = 1.7  # high/low of a lesson's interval beyond which it does not tell
F_BOUND: Final = 4.2  # F(1, ~25) at 95 %
NOISE_TIMES: Final = 2.0  # what a fit may leave over, in units of the sensor's noise
RATES: Final = np.geomspace(0.1, 20.0, 241)

When = Literal["break", "after_school"]


@dataclass(frozen=True, slots=True)
class Decay:
    """One accepted decay: air changes 1/h, when it began (UTC ms), and in which kind of pause."""

    rate: float
    start_ms: int
    when: When
    r2: float
    minutes: int


def decay_rate(minutes: Floats, excess: Floats) -> tuple[float, float] | None:
    """(air changes 1/h, R²) of one decay of `excess` (ppm above outdoors), None when it is none.

    Weighted least squares of ln(excess) on time: the noise of a logarithm grows as the excess falls. Only the stretch
    before the excess first comes near the noise counts. Accepted with 20 points over 20 minutes, R² of 0.95, at least
    halved, and both halves at the same rate: otherwise somebody was still there, or a window was opened on the way.
    """
    good = np.isfinite(excess)
    minutes, excess = minutes[good], excess[good]
    low = np.flatnonzero(excess < LEAST_EXCESS)
    if low.size:
        minutes, excess = minutes[: low[0]], excess[: low[0]]
    if minutes.size < LEAST_POINTS or minutes[-1] - minutes[0] < LEAST_POINTS:
        return None
    fit = _line(minutes, excess)
    rate, r2, fall = -fit[0] * 60.0, fit[1], float(np.median(excess[:5]) / np.median(excess[-5:]))
    if r2 < LEAST_R2 or fall < LEAST_FALL or rate <= 0:
        return None
    half = minutes.size // 2
    early, late = (-_line(minutes[part], excess[part])[0] * 60.0 for part in (slice(None, half), slice(half, None)))
    if abs(early - late) > BEND * rate:
        return None
    return rate, r2


def _line(minutes: Floats, excess: Floats) -> tuple[float, float]:
    logs, weights = np.log(excess), excess * excess
    weights = weights / weights.sum()
    t, y = minutes - (weights * minutes).sum(), logs - (weights * logs).sum()
    slope = float((weights * t * y).sum() / max((weights * t * t).sum(), 1e-12))
    rest = float((weights * (y - slope * t) ** 2).sum())
    return slope, 1.0 - rest / max(float((weights * y * y).sum()), 1e-12)


def decays(start_ms: int, co2: Floats, occupied: Bools, outdoor: Floats | float = OUTDOOR_PPM) -> list[Decay]:
    """The accepted decays of a room on a grid of minutes from `start_ms`; NaN where nothing valid is known."""
    excess = co2 - outdoor
    found: list[Decay] = []
    edges = np.flatnonzero(np.diff(occupied.astype(np.int8)))
    for edge in (int(i) + 1 for i in edges if occupied[i]):
        following = np.flatnonzero(occupied[edge:])
        end = edge + (int(following[0]) if following.size else co2.size - edge)
        end = min(end, edge + LONGEST)
        begin = edge + MIXING
        part = excess[begin:end]
        if part.size < LEAST_POINTS or np.isfinite(part).mean() < 0.75:
            continue
        fitted = decay_rate(np.arange(part.size, dtype=float), part)
        if fitted is not None:
            at = start_ms + begin * 60_000
            again = start_ms + (edge + int(following[0])) * 60_000 if following.size else None
            same_day = again is not None and local_time(again).date() == local_time(at).date()
            found.append(Decay(fitted[0], at, "break" if same_day else "after_school", fitted[1], part.size))
    return found


def from_decays(
    start_ms: int, co2: Floats, occupied: Bools, outdoor: Floats | float = OUTDOOR_PPM, *, when: When | None = None
) -> Estimate:
    """The median rate of the accepted decays of one kind of pause (or all), with an interval by day."""
    name = f"co2_decay_{when}" if when else "co2_decay"
    coverage = float(np.isfinite(co2).mean()) if co2.size else 0.0
    accepted = [decay for decay in decays(start_ms, co2, occupied, outdoor) if when in (None, decay.when)]
    return _estimate(
        name, [decay.rate for decay in accepted], [_day(decay.start_ms) for decay in accepted], coverage, "no_decay"
    )


def from_lessons(start_ms: int, co2: Floats, occupied: Bools, outdoor: Floats | float = OUTDOOR_PPM) -> Estimate:
    """Air changes while a room is taught in, from how CO2 rises in each block with the number of people constant."""
    excess = co2 - outdoor
    rates: list[float] = []
    days: list[object] = []
    edges = [0, *(np.flatnonzero(np.diff(occupied.astype(np.int8))) + 1).tolist(), occupied.size]
    for begin, end in pairwise(edges):
        if occupied[begin] and end - begin >= 40:
            rate = rise_rate(excess[begin + MIXING : min(end, begin + LONGEST)])
            if rate is not None:
                rates.append(rate)
                days.append(_day(start_ms + begin * 60_000))
    coverage = float(np.isfinite(co2).mean()) if co2.size else 0.0
    return _estimate("co2_transient", rates, days, coverage, "no_transient")


def rise_rate(excess: Floats) -> float | None:
    """Air changes 1/h of one block, None when its shape does not say.

    C(t) = Css + (C0 − Css)·e^(−a·t): for each a the other two are linear; the interval is where the sum of squares
    stays within its F bound, with five-minute means as the independent points. A rate is given only when the interval
    is narrow, the curve bends enough to show one, and what is left over is noise.
    """
    whole = excess[: excess.size // 5 * 5].reshape(-1, 5)
    enough = np.isfinite(whole).sum(axis=1) >= 4
    if enough.sum() < 8:
        return None
    y = np.nanmean(whole[enough], axis=1)
    hours = ((np.flatnonzero(enough) * 5.0) + 2.5) / 60.0
    if np.ptp(y) < 2 * LEAST_EXCESS:
        return None
    bends = np.exp(-np.outer(RATES, hours))
    centred, target = bends - bends.mean(axis=1, keepdims=True), y - y.mean()
    slope = centred @ target / np.maximum((centred * centred).sum(axis=1), 1e-12)
    left = ((target[None, :] - slope[:, None] * centred) ** 2).sum(axis=1)
    best = int(left.argmin())
    free = y.size - 3
    # What the sensor's own noise leaves in a five-minute mean: neighbours differ by √2 of it, five of them by 1/√5.
    noise = max(float(np.nanmedian(np.abs(np.diff(excess)))) * 1.4826 / np.sqrt(2 * 5), 1.0)
    if left[best] / free > (NOISE_TIMES * noise) ** 2:
        return None
    inside = np.flatnonzero(left <= left[best] * (1.0 + F_BOUND / free) + 4.0)
    low, high = RATES[inside[0]], RATES[inside[-1]]
    if inside[0] == 0 or inside[-1] == RATES.size - 1 or high / low > NARROW:
        return None
    steady = y.mean() - slope[best] * bends[best].mean()
    return float(RATES[best]) if steady > LEAST_EXCESS else None


def _estimate(method: str, rates: list[float], days: list[object], coverage: float, why: str) -> Estimate:
    if not rates:
        return Estimate("air_changes", "1/h", method, VERSION, None, coverage=coverage, why=why)
    values = np.array(rates)
    interval = interval_by_group(days, lambda drawn: float(np.median(values[drawn])))
    if interval is None:
        return Estimate("air_changes", "1/h", method, VERSION, None, n=len(rates), coverage=coverage, why="few_days")
    value = float(np.median(values))
    if interval[1] > 2 * interval[0]:
        return Estimate("air_changes", "1/h", method, VERSION, None, *interval, len(rates), coverage, "varies")
    return Estimate("air_changes", "1/h", method, VERSION, value, *interval, len(rates), coverage)


def _day(at_ms: int) -> object:
    return (local_time(at_ms) - timedelta(hours=3)).date()
