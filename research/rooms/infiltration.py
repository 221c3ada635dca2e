"""Indoor against outdoor: the ratio as it was, and the share that comes in by itself.

Ratios of small numbers are noise, and a mean of ratios is drawn by them: only hours with at least 10 µg/m³ outdoors
count, and the median is told. Diapouli 2013 and Chen and Zhao 2011 discuss what the ratio can and cannot say. Both
carry the gains of two sensors, so both intervals hold what is left unknown of them (gains.py).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from classair.timetable import local_time
from research.rooms.estimate import Bools, Estimate, Floats, interval_by_group
from research.rooms.gains import Gains, gains
from research.rooms.losses import Losses

VERSION: Final = 2
LEAST_OUTDOOR: Final = 10.0  # µg/m³
LEAST_HOURS: Final = 6
COMPLETE: Final = 0.75
STEADY: Final = 0.25  # how much the outdoor hour may differ from the one before, relative
ABOVE_ONE: Final = 1.05  # a ratio in quiet hours beyond which something is wrong with the sensors


def ratio(start_ms: int, indoor: Floats, outdoor: Floats, known: Gains | None = None) -> Estimate:
    """Median of hourly indoor/outdoor ratios: the room as it was used, with sources, purifier and windows."""
    found = _Hours.of(start_ms, indoor, outdoor, None, steady=False)
    name = ("indoor_outdoor_ratio", "1", "hourly_median", VERSION)
    if found.why or found.median is None or found.spread is None:
        return Estimate(*name, None, n=found.n, coverage=found.coverage, why=found.why)
    known = known or gains(None, None)
    chance = np.random.default_rng(2)
    noise = np.exp(found.spread * chance.normal(size=known.weights.size))
    value, low, high = known.quantiles(found.median * noise * known.outdoor / known.indoor)
    return Estimate(*name, value, low, high, found.n, found.coverage)


def infiltration(
    start_ms: int,
    indoor: Floats,
    outdoor: Floats,
    occupied: Bools,
    purifier: Floats,
    losses: Losses | None = None,
    known: Gains | None = None,
) -> Estimate:
    """The infiltration factor P·a/(a + k): hours without people, purifier and change outdoors, and the room's fit.

    An estimate of what a shut room lets in, with the windows as they were left; the purifier must be known to be off.
    It is at most 1 by its meaning: a measured ratio above it is a warning.
    """
    found = quiet_hours(start_ms, indoor, outdoor, occupied, purifier)
    name = ("infiltration_factor", "1", "quiet_hours", VERSION)
    if found.why or found.median is None:
        return Estimate(*name, None, n=found.n, coverage=found.coverage, why=found.why)
    known = known or gains(losses, found.median)
    value, low, high = known.quantiles(known.share)
    warnings = ("ratio_above_one",) if found.median > ABOVE_ONE or known.contradicted else ()
    if known.contradicted:
        low, high = min(low, 0.3 * value), min(1.0, max(high, 1.5 * value))
    return Estimate(*name, value, low, high, found.n, found.coverage, warnings=warnings)


def quiet_hours(start_ms: int, indoor: Floats, outdoor: Floats, occupied: Bools, purifier: Floats) -> _Hours:
    """The ratio in hours without people, purifier and change outdoors."""
    return _Hours.of(start_ms, indoor, outdoor, ~occupied & (purifier == 0), steady=True)


class _Hours:
    """Hourly ratios: `median`, `spread` of its logarithm by days, or `why` there are none."""

    def __init__(self, n: int, coverage: float, why: str, median: float | None = None, spread: float | None = None):
        self.n, self.coverage, self.why, self.median, self.spread = n, coverage, why, median, spread

    @classmethod
    def of(cls, start_ms: int, indoor: Floats, outdoor: Floats, wanted: Bools | None, *, steady: bool) -> _Hours:
        hours = indoor.size // 60
        both = np.isfinite(indoor) & np.isfinite(outdoor)
        coverage = float(both.mean()) if both.size else 0.0
        allowed = np.ones(indoor.size, bool) if wanted is None else wanted
        inside, outside, there, wish = (
            part[: hours * 60].reshape(-1, 60) for part in (indoor, outdoor, both & allowed, allowed)
        )
        counted = there.sum(axis=1)
        # A logger of ten minutes fills its hour with six values: what is usual for it is a full hour.
        usual = float(np.quantile(both[: hours * 60].reshape(-1, 60).sum(axis=1), 0.9)) if hours else 0.0
        full = (counted >= COMPLETE * max(usual, 4)) & (wish.mean(axis=1) >= COMPLETE)
        total_in, total_out = (
            np.where(there, np.nan_to_num(part), 0).sum(axis=1) / np.maximum(counted, 1) for part in (inside, outside)
        )
        good = full & (total_out >= LEAST_OUTDOOR) & (total_in > 0)
        if steady:
            before = np.concatenate([[np.nan], total_out[:-1]])
            with np.errstate(invalid="ignore"):
                good &= (np.abs(total_out - before) <= STEADY * total_out) & np.concatenate([[False], full[:-1]])
        if good.sum() < LEAST_HOURS:
            return cls(int(good.sum()), coverage, "few_hours")
        ratios = total_in[good] / total_out[good]
        days = [local_time(start_ms + int(hour) * 3_600_000).date() for hour in np.flatnonzero(good)]
        interval = interval_by_group(days, lambda drawn: float(np.median(ratios[drawn])))
        if interval is None:
            return cls(int(good.sum()), coverage, "few_days")
        spread = (np.log(max(interval[1], 1e-6)) - np.log(max(interval[0], 1e-6))) / 3.92
        return cls(int(good.sum()), coverage, "", float(np.median(ratios)), float(spread))
