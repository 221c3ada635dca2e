"""NowCast of many windows at once, for research code: for every window the same as `classair.science.nowcast` gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classair.science.indexes import MICRO
from classair.science.nowcast import HOURS, STEPS, of_micros
from research.index_arrays import NOTHING, micros

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_DOUBT: Final = 1e-6
"""In steps of the result, far more than the error of the float sums: nearer to a whole one, whole numbers decide."""


@dataclass(frozen=True, slots=True)
class NowCasts:
    """`value`: µg/m³, cut off as the index wants it, NaN where there is none; `hours`: how many went in."""

    value: Floats
    hours: Ints


def nowcasts(windows: ArrayLike, quantity: str = "pm25") -> NowCasts:
    """Of windows as rows of up to twelve hourly means, newest first; NaN is a missing hour.

    Raises ValueError for another shape, KeyError for another quantity than pm25 and pm10.
    """
    step = STEPS[quantity]
    micro = micros(windows)
    if micro.ndim != 2 or micro.shape[1] < 3:
        raise ValueError(f"expected rows of 3 to 12 hours, not an array of shape {micro.shape}")
    micro = micro[:, :HOURS]
    there = micro != NOTHING
    valid = there[:, :3].sum(axis=1) >= 2
    c = np.where(there, np.maximum(micro, 0), 0)
    most = c.max(axis=1)
    least = np.where(there, c, np.iinfo(np.int64).max).min(axis=1)
    even, halved = least == most, 2 * least <= most
    # At a weight of one half all powers are whole, and twelve of the largest value stay far below 2**63.
    powers = 2 ** np.arange(HOURS - 1, HOURS - 1 - micro.shape[1], -1, dtype=np.int64)
    steps = (c * powers).sum(axis=1) // np.maximum((there * powers).sum(axis=1) * step, 1)
    with np.errstate(all="ignore"):
        weights = np.where(there, (least / most)[:, None] ** np.arange(micro.shape[1]), 0.0)
        between = (c * weights).sum(axis=1) / weights.sum(axis=1) / step
    use_floats = valid & ~even & ~halved
    between = np.where(use_floats, between, 0.0)
    steps = np.where(use_floats, np.floor(between).astype(np.int64), np.where(even, least // step, steps))
    for row in np.flatnonzero(use_floats & (np.abs(between - np.rint(between)) < _DOUBT)):
        found = of_micros([None if one == NOTHING else int(one) for one in micro[row]], quantity)
        assert found is not None
        steps[row] = int(found.value * MICRO) // step
    value = np.where(valid, steps / (MICRO // step), np.nan)
    return NowCasts(value, np.where(valid, there.sum(axis=1), 0))
