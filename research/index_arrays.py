"""Levels and index numbers of whole arrays, for research code: for every value the same as the single path gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classair.science.indexes import HIGHEST, LOWEST, MICRO, Index, Scale, in_micro

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_DOUBT: Final = 1e-4
"""In millionths: twice the error a float at 99999.9 can have. Nearer to a half than this, decimals decide."""
NOTHING: Final = np.int64(-(2**62))
"""What stands in an array of millionths where there is no value."""


@dataclass(frozen=True, slots=True)
class SubIndexes:
    """As arrays: `value` −1 and `level` 0 where there is none (missing, impossible, or an index without numbers)."""

    value: Ints
    level: Ints
    open_ended: Bools


def sub_indices(index: Index, quantity: str, means: ArrayLike) -> SubIndexes:
    """What `Index.sub_index` says of each mean. NaN and None are missing; decimal texts are read as decimals.

    Raises KeyError for a quantity the index does not know and ValueError for a text that is no number.
    """
    scale = index.scales[quantity]
    micro = micros(means)
    there = micro != NOTHING
    steps = _in_steps(scale, np.where(there, micro, 0))
    tops = np.array([high for _, high in scale.steps if high is not None], dtype=np.int64)
    place = np.minimum(np.searchsorted(tops, steps, side="left"), len(scale.bands) - 1)
    no_top = scale.steps[-1][1] is None
    beyond = steps > tops[-1]
    return SubIndexes(
        value=np.where(there, _numbers(scale, place, steps), -1),
        level=np.where(there, place + 1, 0),
        open_ended=there & (beyond if not no_top else place == len(scale.bands) - 1),
    )


def _in_steps(scale: Scale, micro: Ints) -> Ints:
    up = 0 if scale.truncate else scale.step_micro // 2
    steps: Ints = np.where(micro <= 0, 0, (micro + up) // scale.step_micro)
    return steps


def _numbers(scale: Scale, place: Ints, steps: Ints) -> Ints:
    if scale.bands[0].first is None:
        return np.full(steps.shape, -1, dtype=np.int64)
    first = np.array([band.first for band in scale.bands], dtype=np.int64)[place]
    # A band without an end has no rise: its number is the first.
    rise = np.array(
        [0 if band.last is None or band.first is None else band.last - band.first for band in scale.bands],
        dtype=np.int64,
    )[place]
    low = np.array([low for low, _ in scale.steps], dtype=np.int64)[place]
    span = np.array([1 if high is None else high - low for low, high in scale.steps], dtype=np.int64)[place]
    numbers: Ints = first + (2 * rise * (steps - low) + span) // (2 * span)
    return numbers


def micros(values: ArrayLike) -> Ints:
    """Millionths as `in_micro` gives them; `NOTHING` where it gives None."""
    array: NDArray[Any] = np.asarray(values)
    if array.dtype.kind not in "fiu":
        flat = [in_micro(one) for one in array.ravel().tolist()]
        return np.array([NOTHING if one is None else one for one in flat], dtype=np.int64).reshape(array.shape)
    x: Floats = array.astype(np.float64)
    with np.errstate(invalid="ignore"):
        there = (x >= LOWEST) & (x <= HIGHEST)
    scaled = np.where(there, x, 0.0) * MICRO
    floor = np.floor(scaled)
    part = scaled - floor
    micro: Ints = (floor + (part >= 0.5)).astype(np.int64)
    for place in np.argwhere(np.abs(part - 0.5) < _DOUBT):
        where = tuple(place)
        if there[where]:
            micro[where] = in_micro(float(x[where])) or 0
    micro[~there] = NOTHING
    return micro
