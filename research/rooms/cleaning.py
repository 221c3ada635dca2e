"""What a purifier does, from how the room answers when it is switched: clean air, benefit, ageing of its filter.

A model of the room (balance.py) is run through an hour around each switching with the outdoor air as measured, and its
three rates are chosen so that it follows the sensor best: P·a (how outdoor air comes in), a + k (how the room clears by
itself) and CADR/V (what the purifier adds). Fitting the model's course rather than differences keeps the sensor's noise
out of the rates. The purifier's rate may come out as zero or below: only then can "no effect" be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from classair.timetable import local_time
from research.rooms.estimate import Bools, Estimate, Floats

VERSION: Final = 1
BEFORE: Final = 10  # minutes looked at before a switching
AFTER: Final = 60  # and behind it, or up to the next one
SHORTEST: Final = 25  # minutes behind a switching that say something
LEAST_SWITCHINGS: Final = 6
LEAST_DAYS: Final = 3
LEAST_OUTDOOR: Final = 10.0  # µg/m³; below it there is nothing to clean
WIDE: Final = 0.35  # half an interval, as a share of the value, beyond which it does not tell
SMALL: Final = 0.5  # clean air changes per hour: all below is called no effect
TIMES: Final = 120  # draws for the interval
AGED: Final = 0.70  # share of the first clean-air rate below which a filter is due
_START: Final = (np.log(0.8), np.log(1.2), 2.0)


@dataclass(frozen=True, slots=True)
class Switchings:
    """Stretches around switchings, one a row, NaN behind their ends; `day` is the local day of each."""

    indoor: Floats
    outdoor: Floats
    on: Floats
    day: npt.NDArray[np.int64]

    def pick(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Switchings:
        return Switchings(self.indoor[rows], self.outdoor[rows], self.on[rows], self.day[rows])


@dataclass(frozen=True, slots=True)
class Cleaning:
    """clean_air m³/h; effect: True and False when it is told, None when it cannot be.

    inflow P·a and clearing a + k in 1/h are those of the fit, `draws` the triples its interval was made from.
    """

    clean_air: Estimate
    effect: bool | None
    inflow: float | None = None
    clearing: float | None = None
    draws: Floats | None = None


def switchings(start_ms: int, indoor: Floats, outdoor: Floats, purifier: Floats) -> Switchings:
    """The usable stretches on a grid of minutes: PM2.5 µg/m³, purifier 1 on, 0 off, NaN not known."""
    size = indoor.size
    change: list[int] = (np.flatnonzero(np.abs(np.diff(purifier)) == 1) + 1).tolist()
    rows: list[tuple[Floats, Floats, Floats, int]] = []
    width = BEFORE + AFTER
    level = _smooth(outdoor)
    for index, at in enumerate(change):
        begin = max(at - BEFORE, change[index - 1] if index else 0)
        end = min(at + AFTER, change[index + 1] if index + 1 < len(change) else size)
        if end - at < SHORTEST:
            continue
        inside = slice(begin, end)
        known = np.isfinite(purifier[inside]).all() and np.isfinite(level[inside]).all()
        if not known or np.isfinite(indoor[inside]).mean() < 0.8 or np.median(level[inside]) < LEAST_OUTDOOR:
            continue
        pad = (0, width - (end - begin))
        made = [np.pad(part[inside], pad, constant_values=np.nan) for part in (indoor, level, purifier)]
        rows.append((made[0], made[1], made[2], local_time(start_ms + at * 60_000).toordinal()))
    if not rows:
        nothing = np.empty((0, width))
        return Switchings(nothing, nothing, nothing, np.empty(0, np.int64))
    return Switchings(
        np.array([r[0] for r in rows]),
        np.array([r[1] for r in rows]),
        np.array([r[2] for r in rows]),
        np.array([r[3] for r in rows], np.int64),
    )


def cleaning(start_ms: int, indoor: Floats, outdoor: Floats, purifier: Floats, volume_m3: float) -> Cleaning:
    """The clean air a purifier delivers, or why it cannot be told, with an interval drawn by days."""
    coverage = float((np.isfinite(indoor) & np.isfinite(outdoor)).mean()) if indoor.size else 0.0
    found = switchings(start_ms, indoor, outdoor, purifier)

    def cannot(why: str, low: float | None = None, high: float | None = None) -> Cleaning:
        return Cleaning(_estimate(None, low, high, len(found.day), coverage, why), None)

    if len(found.day) < LEAST_SWITCHINGS or np.unique(found.day).size < LEAST_DAYS:
        return cannot("few_switchings")
    first, left = _fit(found, np.array(_START), rounds=12)
    # A broom or a kitchen beside the room is not in the model: what it cannot follow says nothing about the purifier.
    found = found.pick(left <= max(2.0 * float(np.median(left)), 3.0))
    if len(found.day) < LEAST_SWITCHINGS or np.unique(found.day).size < LEAST_DAYS:
        return cannot("disturbed")
    best, left = _fit(found, first, rounds=8)
    if np.median(left) > max(0.25 * float(np.nanmedian(found.indoor)), 4.0):
        return cannot("disturbed")
    draws = _draws(found, best)
    low, high = (float(v) for v in np.quantile(draws[:, 2], [0.025, 0.975]))
    rate = float(best[2])
    rates = (float(np.exp(best[0])), float(np.exp(best[1])))
    if low <= SMALL:
        if high <= 2 * SMALL:
            return Cleaning(
                _estimate(0.0, low * volume_m3, high * volume_m3, len(found.day), coverage), False, *rates, draws
            )
        return cannot("no_contrast", low * volume_m3, high * volume_m3)
    if (high - low) / 2 > WIDE * rate:
        return cannot("wide", low * volume_m3, high * volume_m3)
    told = _estimate(rate * volume_m3, low * volume_m3, high * volume_m3, len(found.day), coverage)
    return Cleaning(told, True, *rates, draws)


def _estimate(
    value: float | None,
    low: float | None,
    high: float | None,
    n: int,
    coverage: float,
    why: str = "",
) -> Estimate:
    return Estimate("clean_air", "m³/h", "switching_response", VERSION, value, low, high, n, coverage, why)


def filter_due(first: Estimate, recent: Estimate) -> bool | None:
    """Whether a filter has aged below 70 % of what it first delivered; None while either cannot be told."""
    if first.value is None or recent.value is None or first.value <= 0:
        return None
    return recent.value < AGED * first.value


# -- avoided -----------------------------------------------------------------------------------------------------------


def mean_without(found: Cleaning, indoor: Floats, outdoor: Floats, purifier: Floats, counted: Bools) -> Floats:
    """The mean over the `counted` minutes that the room would have had without the purifier, µg/m³, for each draw.

    Where it was off that is what was measured; from each switching on the room goes on from its last value by itself.
    Sources in the room are not in it, so what was avoided is told rather too small. `counted` minutes have a valid
    value. Empty where nothing was told. A minute is worked out at a time: a year of all draws would be half a gigabyte.
    """
    if found.draws is None or not found.effect:
        return np.empty(0)
    inflow, clearing = np.exp(found.draws[:, 0]), np.exp(found.draws[:, 1])
    fall = np.exp(-clearing / 60)
    on, level = purifier == 1, _smooth(outdoor)
    last_off = np.maximum.accumulate(np.where(~on & np.isfinite(indoor), np.arange(indoor.size), -1))
    total = np.full(len(found.draws), indoor[counted & ~on].sum())
    value, before = np.full(len(found.draws), np.nan), -1
    for i in np.flatnonzero(on).tolist():
        if last_off[i] > before:
            value = np.full(len(found.draws), indoor[last_off[i]])
        before = i
        steady = inflow * level[i] / clearing
        value = steady + (value - steady) * fall
        if counted[i]:
            total += np.fmax(value, indoor[i])
    return np.asarray(total / counted.sum())


# -- the fit -----------------------------------------------------------------------------------------------------------


def _course(found: Switchings, rates: Floats) -> tuple[Floats, Floats]:
    """(fixed, share): the model's course is fixed + share·C0, for any first value C0."""
    inflow, clearing = np.exp(rates[0]), np.exp(rates[1])
    loss = np.maximum(clearing + np.nan_to_num(found.on) * rates[2], 0.02)
    fall = np.exp(-loss / 60)
    gain = inflow * np.nan_to_num(found.outdoor) / loss * (1 - fall)
    fixed, share = np.zeros_like(loss), np.ones_like(loss)
    for i in range(1, loss.shape[1]):
        fixed[:, i] = fixed[:, i - 1] * fall[:, i] + gain[:, i]
        share[:, i] = share[:, i - 1] * fall[:, i]
    return fixed, share


def _residuals(found: Switchings, rates: Floats, weight: Floats) -> Floats:
    """Measured less modelled, with the best first value of each row; 0 where nothing was measured."""
    fixed, share = _course(found, rates)
    there = np.isfinite(found.indoor)
    rest = np.where(there, np.nan_to_num(found.indoor) - fixed, 0.0)
    share = np.where(there, share, 0.0)
    first = (rest * share).sum(axis=1) / np.maximum((share * share).sum(axis=1), 1e-9)
    return np.asarray((rest - share * first[:, None]) * weight)


def _fit(found: Switchings, start: Floats, rounds: int) -> tuple[Floats, Floats]:
    """The rates by damped Gauss-Newton on Huber's loss, and the root mean square left over in each row, µg/m³."""
    scale = np.maximum(np.nanmedian(found.indoor, axis=1, keepdims=True) * 0.08, 1.5)
    weight = np.where(np.isfinite(found.indoor), 1.0 / scale, 0.0)
    rates, damping = start.copy(), 1e-3
    residual = _residuals(found, rates, weight)
    for _ in range(rounds):
        robust = np.sqrt(np.minimum(1.0, 2.0 / np.maximum(np.abs(residual), 1e-9)))
        base = (residual * robust).ravel()
        columns = []
        for k in range(3):
            moved = rates.copy()
            moved[k] += 1e-3
            columns.append(((_residuals(found, moved, weight) * robust).ravel() - base) / 1e-3)
        jacobian = np.stack(columns, axis=1)
        normal = jacobian.T @ jacobian
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), -jacobian.T @ base)
        tried = rates + np.clip(step, -0.7, 0.7)
        tried[:2] = np.clip(tried[:2], np.log(0.02), np.log(40))
        after = _residuals(found, tried, weight)
        if _loss(after) <= _loss(residual):
            if np.abs(tried - rates).max() < 1e-4:
                rates, residual = tried, after
                break
            rates, residual, damping = tried, after, damping / 4
        else:
            damping *= 10
    counted = np.maximum(np.isfinite(found.indoor).sum(axis=1), 1)
    return rates, np.sqrt(((residual * scale) ** 2).sum(axis=1) / counted)


def _loss(residual: Floats) -> float:
    size = np.abs(residual)
    return float(np.where(size <= 2.0, size * size, 4.0 * size - 4.0).sum())


def _draws(found: Switchings, best: Floats) -> Floats:
    """The fit over days drawn with replacement: what the interval is made from. The seed is fixed."""
    chance = np.random.default_rng(1)
    days = np.unique(found.day)
    members = [np.flatnonzero(found.day == day) for day in days]
    return np.array(
        [
            _fit(found.pick(np.concatenate([members[i] for i in chance.integers(0, days.size, days.size)])), best, 3)[0]
            for _ in range(TIMES)
        ]
    )


def _smooth(values: Floats) -> Floats:
    """Means over fifteen minutes: what is outdoors reaches the room slowly, the sensor's noise does not at all."""
    there = np.isfinite(values)
    kernel = np.ones(15)
    counted = np.convolve(there, kernel, "same")
    total = np.convolve(np.where(there, values, 0.0), kernel, "same")
    return np.asarray(np.where(counted >= 5, total / np.maximum(counted, 1), np.nan))
