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
from research.rooms.estimate import Bools, Estimate, Floats, student_t

VERSION: Final = 2
OUTDOOR_PPM: Final = 460.0  # the middle of 400 to 520, where no sensor measures outdoors
OUTDOOR_SPREAD: Final = 35.0  # ppm, standard deviation of that range
FLOOR_SPREAD: Final = 18.0  # ppm, where the room's own floor tells what outdoor air reads
FLOOR_BELOW: Final = 8.0  # ppm by which the lowest hours lie below what is usual outdoors
FLOOR_HOURS: Final = 5
FLUSHED: Final = 180  # minutes without people before an hour can be a floor
LEAST_EXCESS: Final = 100.0  # ppm; below it noise is too large a share
LEAST_POINTS: Final = 5
LEAST_MINUTES: Final = 20
LEAST_R2: Final = 0.95
LEAST_DAYS: Final = 4
LEAST_FALL: Final = 2.0  # the excess must at least halve
EARLY: Final = 15  # minutes before the timetable's end from which the peak is looked for: clocks are apart
LATE: Final = 25  # and behind it
MIXING: Final = 5  # minutes after the peak until the air is one
LEAVING: Final = (0, 5, 10, 15, 25)  # minutes more, tried where the first ones say that somebody was still there
ALIKE: Final = 0.10  # a difference of the halves that is no sign of it
LONGEST: Final = 240  # minutes of a decay that are looked at
BEND: Final = 0.35  # the two halves of a decay may differ by this share before it is no exponential
NARROW: Final = 1.7  # high/low of a lesson's interval beyond which it does not tell
F_BOUND: Final = 4.2  # F(1, ~25) at 95 %
NOISE_TIMES: Final = 2.0  # what a fit may leave over, in units of the sensor's noise
RATES: Final = np.geomspace(0.1, 20.0, 241)
WIDE: Final = 0.6  # half an interval, as a share of the value, beyond which it does not tell
MODEL_ERROR: Final = 0.11  # of a rate: a room is not quite one well-mixed volume
LESSON_ERROR: Final = 0.14  # of a lesson's: people come by and by, doors are opened
OFTEN: Final = 0.5  # the share of lessons that must show a curve
DOUBTFUL: Final = 2.0  # times the spread, where most pauses have no clean decay
MOST: Final = 20.0  # 1/h; more is not a classroom's
_APART: Final = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])  # of the baseline, in its standard deviations
_LIKELY: Final = np.exp(-0.5 * _APART**2) / np.exp(-0.5 * _APART**2).sum()

When = Literal["break", "after_school"]


@dataclass(frozen=True, slots=True)
class Decay:
    """One accepted decay: air changes 1/h, when it began (UTC ms), and in which kind of pause.

    others: the rates with each baseline that the outdoor air may have.
    """

    rate: float
    start_ms: int
    when: When
    r2: float
    minutes: int
    others: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the sensor reads in outdoor air, ppm: minute by minute, with its standard deviation."""

    level: Floats
    spread: float
    measured: bool


def baseline(co2: Floats, occupied: Bools, outdoor: Floats | float | None = None) -> Baseline:
    """From an outdoor sensor where there is one, and from the room itself where it stands empty for long.

    An empty room ends at what its own sensor reads in outdoor air, whatever the gain and offset of that sensor are and
    whatever is outdoors: the lowest hours at least three hours after the last child.
    """
    reference = np.full(co2.size, OUTDOOR_PPM)
    spread, measured = OUTDOOR_SPREAD, False
    if outdoor is not None:
        given = np.broadcast_to(np.asarray(outdoor, np.float64), co2.shape)
        there = np.flatnonzero(np.isfinite(given))
        if there.size:
            reference = np.interp(np.arange(co2.size), there, given[there])
            spread, measured = 30.0, True
    hours = co2.size // 60
    since = np.arange(co2.size) - np.maximum.accumulate(np.where(occupied, np.arange(co2.size), -FLUSHED))
    quiet = np.isfinite(co2) & (since >= FLUSHED)
    rows, seen = (part[: hours * 60].reshape(-1, 60) for part in (co2 - reference, quiet))
    full = seen.sum(axis=1) >= 4
    if full.sum() >= FLOOR_HOURS:
        medians = np.nanmedian(np.where(seen[full], rows[full], np.nan), axis=1)
        floor = float(np.quantile(medians, 0.05))
        # A room that hardly breathes has not come down yet: its floor is only an upper bound.
        if floor <= 120.0:
            return Baseline(reference + floor + FLOOR_BELOW, FLOOR_SPREAD, True)
    highest = float(np.nanquantile(co2 - reference, 0.01)) if np.isfinite(co2).any() else 0.0
    return Baseline(reference + min(0.0, highest), spread, measured)


def decay_rate(minutes: Floats, excess: Floats) -> tuple[float, float, float] | None:
    """(air changes 1/h, R², how far its halves differ) of one decay of `excess` (ppm above outdoors), or None.

    Weighted least squares of ln(excess) on time: the noise of a logarithm grows as the excess falls. Only the stretch
    before the excess first comes near the noise counts. Accepted with 5 points over 20 minutes, R² of 0.95, at least
    halved, and both halves at the same rate: otherwise somebody was still there, or a window was opened on the way.
    """
    good = np.isfinite(excess)
    minutes, excess = minutes[good], excess[good]
    low = np.flatnonzero(excess < LEAST_EXCESS)
    if low.size:
        minutes, excess = minutes[: low[0]], excess[: low[0]]
    if minutes.size < LEAST_POINTS or minutes[-1] - minutes[0] < LEAST_MINUTES:
        return None
    fit = _line(minutes, excess)
    few = max(1, min(5, minutes.size // 4))
    rate, r2, fall = -fit[0] * 60.0, fit[1], float(np.median(excess[:few]) / np.median(excess[-few:]))
    if r2 < LEAST_R2 or fall < LEAST_FALL or rate <= 0:
        return None
    half, apart = minutes.size // 2, 0.0
    if minutes.size >= 8:
        early, late = (-_line(minutes[part], excess[part])[0] * 60.0 for part in (slice(None, half), slice(half, None)))
        apart = abs(early - late) / rate
        if apart > BEND:
            return None
    return rate, r2, apart


def _line(minutes: Floats, excess: Floats) -> tuple[float, float]:
    logs, weights = np.log(excess), excess * excess
    weights = weights / weights.sum()
    t, y = minutes - (weights * minutes).sum(), logs - (weights * logs).sum()
    slope = float((weights * t * y).sum() / max((weights * t * t).sum(), 1e-12))
    rest = float((weights * (y - slope * t) ** 2).sum())
    return slope, 1.0 - rest / max(float((weights * y * y).sum()), 1e-12)


def decays(
    start_ms: int, co2: Floats, occupied: Bools, outdoor: Floats | float | None = None, base: Baseline | None = None
) -> list[Decay]:
    """The accepted decays of a room on a grid of minutes from `start_ms`; NaN where nothing valid is known."""
    return [decay for decay, _ in _pauses(start_ms, co2, occupied, outdoor, base) if decay is not None]


def _pauses(
    start_ms: int, co2: Floats, occupied: Bools, outdoor: Floats | float | None, base: Baseline | None = None
) -> list[tuple[Decay | None, When]]:
    """Each pause that began well above outdoors, with its decay where it has a clean one."""
    base = base or baseline(co2, occupied, outdoor)
    excess = co2 - base.level
    found: list[tuple[Decay | None, When]] = []
    edges = np.flatnonzero(np.diff(occupied.astype(np.int8)))
    for edge in (int(i) + 1 for i in edges if occupied[i]):
        following = np.flatnonzero(occupied[edge:])
        again = edge + int(following[0]) if following.size else None
        end = min(co2.size if again is None else again, edge + LONGEST)
        low = max(edge - EARLY, 0)
        window = excess[low : min(edge + LATE, end)]
        if not np.isfinite(window).any():
            continue
        peak = low + int(np.nanargmax(_steadied(window)))
        begin = peak + MIXING
        part = excess[begin:end]
        if np.nanmax(window) < 2 * LEAST_EXCESS or np.isfinite(part).sum() < LEAST_POINTS:
            continue
        at = start_ms + begin * 60_000
        same_day = again is not None and local_time(start_ms + again * 60_000).date() == local_time(at).date()
        when: When = "break" if same_day else "after_school"
        # The class may be back before its time, or its clock be late: what rises again is no decay.
        part = part[: _turn(part)]
        minutes, fitted = np.arange(part.size, dtype=float), None
        for late in LEAVING:
            tried = decay_rate(minutes[late:], part[late:])
            if tried is not None and (fitted is None or tried[2] < fitted[2]):
                fitted, first = tried, late
            if fitted is not None and fitted[2] <= ALIKE:
                break
        if fitted is None:
            found.append((None, when))
            continue
        others = tuple(_refitted(minutes[first:], part[first:], apart * base.spread, fitted[0]) for apart in _APART)
        found.append((Decay(fitted[0], at, when, fitted[1], part.size, others), when))
    return found


def _steadied(values: Floats) -> Floats:
    """Each value as the median of it and its two neighbours that are there."""
    there = np.flatnonzero(np.isfinite(values))
    steady = np.full(values.size, np.nan)
    for place, at in enumerate(there):
        steady[at] = np.median(values[there[max(0, place - 1) : place + 2]])
    return steady


def _turn(part: Floats) -> int:
    """Where a pause's CO2 has its lowest value, from which it rises again; its end when it does not."""
    steady = _steadied(part)
    if not np.isfinite(steady).any():
        return part.size
    lowest = int(np.nanargmin(steady))
    return lowest + 1 if np.nanmax(steady[lowest:]) > steady[lowest] + LEAST_EXCESS else part.size


def _refitted(minutes: Floats, excess: Floats, apart: float, otherwise: float) -> float:
    """The rate with outdoor air reading `apart` ppm more; `otherwise` where nothing is left above it."""
    good = np.isfinite(excess)
    low = np.flatnonzero(good & (excess < LEAST_EXCESS))
    if low.size:
        good[low[0] :] = False
    left = excess[good] - apart
    minutes = minutes[good]
    use = left > 20.0
    if use.sum() < LEAST_POINTS:
        return otherwise
    rate = -_line(minutes[use], left[use])[0] * 60.0
    return rate if rate > 0 else otherwise


def from_decays(
    start_ms: int,
    co2: Floats,
    occupied: Bools,
    outdoor: Floats | float | None = None,
    *,
    when: When | None = None,
) -> Estimate:
    """The median rate of the accepted decays of one kind of pause (or all).

    The interval holds the differences between days and what the outdoor CO2 may have been.
    """
    name = f"co2_decay_{when}" if when else "co2_decay"
    coverage = _coverage(co2)
    base = baseline(co2, occupied, outdoor)
    pauses = [decay for decay, kind in _pauses(start_ms, co2, occupied, outdoor, base) if when in (None, kind)]
    accepted = [decay for decay in pauses if decay is not None]
    warnings = []
    if not base.measured:
        warnings.append("outdoor_co2_assumed")
    if len(accepted) < len(pauses) / 2:
        warnings.append("people_still_there")
    days = [_day(decay.start_ms) for decay in accepted]
    others = np.array([decay.others for decay in accepted]).reshape(len(accepted), _APART.size)
    return _estimate(name, np.array([d.rate for d in accepted]), days, coverage, "no_decay", others, tuple(warnings))


def from_lessons(start_ms: int, co2: Floats, occupied: Bools, outdoor: Floats | float | None = None) -> Estimate:
    """Air changes while a room is taught in, from how CO2 rises in each block with the number of people constant."""
    excess = co2 - baseline(co2, occupied, outdoor).level
    rates: list[float] = []
    days: list[object] = []
    looked = 0
    edges = [0, *(np.flatnonzero(np.diff(occupied.astype(np.int8))) + 1).tolist(), occupied.size]
    for begin, end in pairwise(edges):
        if occupied[begin] and end - begin >= 40:
            looked += 1
            # Clocks may be apart: the first and last quarter of an hour may belong to a pause.
            rate = rise_rate(excess[begin + EARLY : min(end - EARLY, begin + LONGEST)])
            if rate is not None:
                rates.append(rate)
                days.append(_day(start_ms + begin * 60_000))
    # Lessons with open windows show no curve: where most do not, the others do not speak for the room.
    if len(rates) < OFTEN * looked:
        rates, days = [], []
    return _estimate("co2_transient", np.array(rates), days, _coverage(co2), "no_transient", None, (), LESSON_ERROR)


def rise_rate(excess: Floats) -> float | None:
    """Air changes 1/h of one block, None when its shape does not say.

    C(t) = Css + (C0 − Css)·e^(−a·t): for each a the other two are linear; the interval is where the sum of squares
    stays within its F bound, with means of five minutes (or single values that come more rarely) as the independent
    points. A rate is given only when the interval is narrow, the curve bends enough to show one, and what is left over
    is noise.
    """
    whole = excess[: excess.size // 5 * 5].reshape(-1, 5)
    there = np.isfinite(whole)
    enough = there.any(axis=1)
    if enough.sum() < 8:
        return None
    y = np.nanmean(whole[enough], axis=1)
    each = float(there[enough].sum(axis=1).mean())
    hours = ((np.flatnonzero(enough) * 5.0) + 2.5) / 60.0
    if np.ptp(y) < 2 * LEAST_EXCESS:
        return None
    bends = np.exp(-np.outer(RATES, hours))
    centred, target = bends - bends.mean(axis=1, keepdims=True), y - y.mean()
    slope = centred @ target / np.maximum((centred * centred).sum(axis=1), 1e-12)
    left = ((target[None, :] - slope[:, None] * centred) ** 2).sum(axis=1)
    best = int(left.argmin())
    free = y.size - 3
    # What the sensor's own noise leaves in a mean of `each` values; second differences do not see the curve itself.
    said = excess[np.isfinite(excess)]
    noise = max(float(np.median(np.abs(np.diff(said, 2)))) * 1.4826 / np.sqrt(6 * each), 1.0)
    if left[best] / free > (NOISE_TIMES * noise) ** 2:
        return None
    inside = np.flatnonzero(left <= left[best] * (1.0 + F_BOUND / free) + 4.0)
    low, high = RATES[inside[0]], RATES[inside[-1]]
    if inside[0] == 0 or inside[-1] == RATES.size - 1 or high / low > NARROW:
        return None
    steady = y.mean() - slope[best] * bends[best].mean()
    return float(RATES[best]) if steady > LEAST_EXCESS else None


def _estimate(
    method: str,
    rates: Floats,
    days: list[object],
    coverage: float,
    why: str,
    others: Floats | None,
    warnings: tuple[str, ...],
    error: float = MODEL_ERROR,
) -> Estimate:
    """The median over days of the logarithms, with Student's t on their robust spread and the systematic part."""

    def made(value: float | None, low: float | None = None, high: float | None = None, why: str = "") -> Estimate:
        return Estimate("air_changes", "1/h", method, VERSION, value, low, high, rates.size, coverage, why, warnings)

    if not rates.size:
        return made(None, why=why)
    names = list(dict.fromkeys(days))
    if len(names) < LEAST_DAYS:
        return made(None, why="few_days")
    member = [[i for i, day in enumerate(days) if day == name] for name in names]
    logs = np.array([np.log(rates[rows]).mean() for rows in member])
    middle = float(np.median(logs))
    robust = 1.4826 * float(np.median(np.abs(logs - middle)))
    spread = max(robust, 0.5 * float(np.std(logs, ddof=1)), 0.06)
    statistic = student_t(0.95, len(names) - 1) * 1.25 * spread / np.sqrt(len(names))
    systematic = error
    if others is not None and others.size:
        at = np.median(np.log(others), axis=0)
        systematic = float(np.hypot(systematic, np.sqrt((_LIKELY * (at - (_LIKELY * at).sum()) ** 2).sum())))
    if "people_still_there" in warnings:
        statistic *= DOUBTFUL
    half = float(np.hypot(statistic, 1.96 * systematic))
    value, low, high = float(np.exp(middle)), float(np.exp(middle - half)), float(np.exp(middle + half))
    if (high - low) / 2 > WIDE * value:
        return made(None, low, high, "varies")
    if value > MOST:
        warnings = (*warnings, "too_fast")
    return made(value, low, high)


def _coverage(values: Floats) -> float:
    """The share of stretches of ten minutes with a value: a logger of ten minutes that misses none has all."""
    rows = values[: values.size // 10 * 10].reshape(-1, 10)
    return float(np.isfinite(rows).any(axis=1).mean()) if rows.size else 0.0


def _day(at_ms: int) -> object:
    return (local_time(at_ms) - timedelta(hours=3)).date()
