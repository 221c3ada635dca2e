"""Ordinary least squares by sums that can be added: a fit over any choice of days costs next to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SAME: Final = 1e-12  # a column that varies by less than this share of its mean is constant but for rounding


class Undetermined(ValueError):
    """The data do not say: too few, or one column follows from the others."""


def moments_of(rows: Sequence[Sequence[float]], origin: Floats) -> Floats:
    """n, sums and sums of products of rows (x…, y) as one matrix, which may be added to others with the same origin.

    `origin` lies near the mean of the rows, so that little cancels.
    """
    moved = np.column_stack([np.ones(len(rows)), np.asarray(rows, np.float64) - origin])
    return moved.T @ moved


def fit(moments: Floats, origin: Floats) -> tuple[float, ...]:
    """(coefficient of each x…, intercept). Raises Undetermined."""
    n, sums, width = moments[0, 0], moments[0, 1:], len(origin) - 1
    if n < width + 2:
        raise Undetermined(f"{n:.0f} rows cannot determine {width + 1} coefficients")
    means, spread = origin + sums / n, moments[1:, 1:] - np.outer(sums, sums) / n
    # Columns are brought to one size first, so that units do not matter.
    sizes = np.sqrt(np.maximum(np.diag(spread)[:width], 0.0))
    if np.any(sizes <= _SAME * np.sqrt(n) * np.abs(means[:width])):
        raise Undetermined("a column does not vary")
    scaled = spread[:width, :width] / np.outer(sizes, sizes)
    if np.linalg.matrix_rank(scaled, tol=1e-10, hermitian=True) < width:
        raise Undetermined("one column follows from the others")
    slopes = np.linalg.solve(scaled, spread[:width, width] / sizes) / sizes
    return (*slopes.tolist(), float(means[width] - slopes @ means[:width]))


def least_squares(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The fit of y on x… of rows (x…, y): (coefficient of each x…, intercept). Raises Undetermined."""
    if not rows:
        raise Undetermined("there are no rows")
    origin = np.mean(rows, axis=0)
    return fit(moments_of(rows, origin), origin)
