"""Buckets of one quantity as arrays, for code that works on years of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classair.model import BAD_CLASS_NAMES, QUANTITIES, Bucket

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_DOUBT: Final = 1e-3
"""In millionths: far more than the error of a float near 10⁶ has. Nearer to a half than this, `round` decides."""


@dataclass(frozen=True, slots=True)
class BucketColumns:
    """Buckets by time, each start once; all arrays are equally long.

    `total` is the sum of valid values in whole steps of 1/`scale`, so that sums are exact in any order; `low` and
    `high` are NaN where `n` is 0. `bad` has a row for each bucket and a column for each of BAD_CLASS_NAMES.
    """

    scale: int
    start_ms: Ints
    n: Ints
    covered_ms: Ints
    total: Ints
    low: Floats
    high: Floats
    suspect: Ints
    bad: Ints

    def __len__(self) -> int:
        return len(self.start_ms)

    @property
    def mean(self) -> Floats:
        """What `Bucket.mean` says; NaN where there is no valid value."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return rounded(self.total / self.scale / self.n)

    def at(self, place: Any) -> BucketColumns:
        """Those at a slice, mask or array of places."""
        return BucketColumns(
            self.scale,
            self.start_ms[place],
            self.n[place],
            self.covered_ms[place],
            self.total[place],
            self.low[place],
            self.high[place],
            self.suspect[place],
            self.bad[place],
        )

    def placed(self, start_ms: Ints) -> BucketColumns:
        """With these starts, in any order: buckets of one start are put together."""
        if len(start_ms) == 0 or np.all(start_ms[1:] > start_ms[:-1]):
            return self if start_ms is self.start_ms else self._with(start_ms)
        order = np.argsort(start_ms, kind="stable")
        ordered = start_ms[order]
        first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))

        def added(column: Ints) -> Ints:
            summed: Ints = np.add.reduceat(column[order], first, axis=0)
            return summed

        return BucketColumns(
            self.scale,
            ordered[first],
            added(self.n),
            added(self.covered_ms),
            added(self.total),
            np.fmin.reduceat(self.low[order], first),
            np.fmax.reduceat(self.high[order], first),
            added(self.suspect),
            added(self.bad),
        )

    def _with(self, start_ms: Ints) -> BucketColumns:
        return BucketColumns(
            self.scale, start_ms, self.n, self.covered_ms, self.total, self.low, self.high, self.suspect, self.bad
        )


def of_sums(quantity: str, sums: Any, flagged: Any) -> BucketColumns:
    """From rows (start_ms, n, covered_ms, total, low, high) in steps, and (start_ms, suspect, *bad), in any order."""
    scale, width = QUANTITIES[quantity].scale, len(BAD_CLASS_NAMES)
    valid = np.array(sums, dtype=np.int64).reshape(-1, 6)
    marked = np.array(flagged, dtype=np.int64).reshape(-1, 2 + width)
    if len(marked):
        marked = marked[marked[:, 1:].any(axis=1) | np.isin(marked[:, 0], valid[:, 0])]
    nothing = np.zeros(len(marked), np.int64)
    unknown = np.full(len(marked), np.nan)
    start_ms = np.concatenate((valid[:, 0], marked[:, 0]))
    return BucketColumns(
        scale,
        start_ms,
        np.concatenate((valid[:, 1], nothing)),
        np.concatenate((valid[:, 2], nothing)),
        np.concatenate((valid[:, 3], nothing)),
        np.concatenate((valid[:, 4] / scale, unknown)),
        np.concatenate((valid[:, 5] / scale, unknown)),
        np.concatenate((np.zeros(len(valid), np.int64), marked[:, 1])),
        np.concatenate((np.zeros((len(valid), width), np.int64), marked[:, 2:])),
    ).placed(start_ms)


def of_buckets(quantity: str, buckets: Iterable[Bucket]) -> BucketColumns:
    """The same from buckets."""
    there, scale = list(buckets), QUANTITIES[quantity].scale
    return of_sums(
        quantity,
        [
            (
                one.start_ms,
                one.n,
                one.covered_ms,
                round(one.sum * scale),
                round((one.low or 0.0) * scale),
                round((one.high or 0.0) * scale),
            )
            for one in there
            if one.n
        ],
        [(one.start_ms, one.suspect, *(one.bad.get(name, 0) for name in BAD_CLASS_NAMES)) for one in there],
    )


def joined(quantity: str, parts: Iterable[BucketColumns]) -> BucketColumns:
    """Several put together, in any order."""
    every = list(parts)
    if not every:
        return of_sums(quantity, (), ())
    if len(every) == 1:
        return every[0]
    whole = BucketColumns(
        every[0].scale,
        *(
            np.concatenate([getattr(one, name) for one in every])
            for name in ("start_ms", "n", "covered_ms", "total", "low", "high", "suspect", "bad")
        ),
    )
    return whole.placed(whole.start_ms)


def rounded(values: Floats) -> Floats:
    """Every value as `round(value, 6)` gives it."""
    scaled = values * 1e6
    whole = np.rint(scaled)
    found: Floats = whole / 1e6
    with np.errstate(invalid="ignore"):
        doubtful = (np.abs(np.abs(scaled - whole) - 0.5) < _DOUBT) | (np.abs(scaled) > 1e12)
    for place in np.flatnonzero(doubtful):
        found[place] = round(float(values[place]), 6)
    return found
