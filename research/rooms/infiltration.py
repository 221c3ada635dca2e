"""Indoor against outdoor: the ratio as it was, and the share that comes in by itself.

Ratios of small numbers are noise, and a mean of ratios is drawn by them: only hours with at least 10 µg/m³ outdoors
count, and the median is told. Diapouli 2013 and Chen and Zhao 2011 discuss what the ratio can and cannot say.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from classair.timetable import local_time
from research.rooms.estimate import Bools, Estimate, Floats, interval_by_group

VERSION: Final = 1
LEAST_OUTDOOR: Final = 10.0  # µg/m³
LEAST_HOURS: Final = 10
COMPLETE: Final = 0.75
STEADY: Final = 0.25  # how much the outdoor hour may differ from the one before, relative


def ratio(start_ms: int, indoor: Floats, outdoor: Floats, wanted: Bools | None = None) -> Estimate:
    """Median of hourly indoor/outdoor ratios; `wanted` marks the minutes to look at, all when None.

    It describes the room as it was used: sources, purifier and windows are all in it.
    """
    return _estimate("indoor_outdoor_ratio", "hourly_median", start_ms, indoor, outdoor, wanted, steady=False)


def infiltration(start_ms: int, indoor: Floats, outdoor: Floats, occupied: Bools, purifier: Floats) -> Estimate:
    """The infiltration factor P·a/(a + k): the same ratio in hours without people, purifier and change outdoors.

    An estimate of what a shut room lets in, with the windows as they were left; the purifier must be known to be off.
    """
    quiet = ~occupied & (purifier == 0)
    return _estimate("infiltration_factor", "quiet_hours", start_ms, indoor, outdoor, quiet, steady=True)


def _estimate(
    quantity: str, method: str, start_ms: int, indoor: Floats, outdoor: Floats, wanted: Bools | None, *, steady: bool
) -> Estimate:
    hours = indoor.size // 60
    both = np.isfinite(indoor) & np.isfinite(outdoor)
    coverage = float(both.mean()) if both.size else 0.0
    if wanted is not None:
        both &= wanted
    inside, outside, there = (part[: hours * 60].reshape(-1, 60) for part in (indoor, outdoor, both))
    counted = there.sum(axis=1)
    full = counted >= COMPLETE * 60
    total_in = np.where(there, np.nan_to_num(inside), 0).sum(axis=1) / np.maximum(counted, 1)
    total_out = np.where(there, np.nan_to_num(outside), 0).sum(axis=1) / np.maximum(counted, 1)
    good = full & (total_out >= LEAST_OUTDOOR)
    if steady:
        before = np.concatenate([[np.nan], total_out[:-1]])
        with np.errstate(invalid="ignore"):
            good &= (np.abs(total_out - before) <= STEADY * total_out) & np.concatenate([[False], full[:-1]])
    if good.sum() < LEAST_HOURS:
        return Estimate(quantity, "1", method, VERSION, None, n=int(good.sum()), coverage=coverage, why="few_hours")
    ratios = total_in[good] / total_out[good]
    days = [local_time(start_ms + int(hour) * 3_600_000).date() for hour in np.flatnonzero(good)]
    interval = interval_by_group(days, lambda drawn: float(np.median(ratios[drawn])))
    if interval is None:
        return Estimate(quantity, "1", method, VERSION, None, n=int(good.sum()), coverage=coverage, why="few_days")
    return Estimate(quantity, "1", method, VERSION, float(np.median(ratios)), *interval, int(good.sum()), coverage)
