"""Ordinary least squares by sums that can be added: a fit over any choice of days costs next to nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class Undetermined(ValueError):
    """The data do not say: too few, or one column follows from the others."""


@dataclass(frozen=True, slots=True)
class Moments:
    """n, sums and sums of products of rows (x…, y), taken about an `origin` near their mean so that little cancels."""

    n: int
    sums: tuple[float, ...]
    products: tuple[tuple[float, ...], ...]
    origin: tuple[float, ...]

    @classmethod
    def of(cls, rows: Sequence[Sequence[float]], origin: Sequence[float]) -> Moments:
        width = len(origin)
        moved = [[value - about for value, about in zip(row, origin, strict=True)] for row in rows]
        return cls(
            len(rows),
            tuple(math.fsum(row[i] for row in moved) for i in range(width)),
            tuple(tuple(math.fsum(row[i] * row[j] for row in moved) for j in range(width)) for i in range(width)),
            tuple(origin),
        )

    @classmethod
    def together(cls, parts: Iterable[Moments]) -> Moments:
        """Of several with one origin. Raises Undetermined of none."""
        found = list(parts)
        if not found:
            raise Undetermined("there are no rows")
        width = len(found[0].origin)
        return cls(
            sum(part.n for part in found),
            tuple(math.fsum(part.sums[i] for part in found) for i in range(width)),
            tuple(tuple(math.fsum(part.products[i][j] for part in found) for j in range(width)) for i in range(width)),
            found[0].origin,
        )

    def fit(self) -> tuple[float, ...]:
        """(coefficient of each x…, intercept). Raises Undetermined."""
        width = len(self.origin) - 1
        if self.n < width + 2:
            raise Undetermined(f"{self.n} rows cannot determine {width + 1} coefficients")
        spread = [
            [self.products[i][j] - self.sums[i] * self.sums[j] / self.n for j in range(width + 1)]
            for i in range(width + 1)
        ]
        slopes = _solved([row[:width] for row in spread[:width]], [spread[i][width] for i in range(width)])
        means = [about + total / self.n for about, total in zip(self.origin, self.sums, strict=True)]
        return (*slopes, means[width] - math.fsum(b * mean for b, mean in zip(slopes, means[:width], strict=True)))


def centre(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The mean of each column."""
    return tuple(math.fsum(column) / len(rows) for column in zip(*rows, strict=True))


def least_squares(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The fit of y on x… of rows (x…, y): (coefficient of each x…, intercept). Raises Undetermined."""
    if not rows:
        raise Undetermined("there are no rows")
    return Moments.of(rows, centre(rows)).fit()


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss with the largest pivot, columns brought to one size first so that units do not matter."""
    width = len(right)
    sizes = [math.sqrt(max(matrix[i][i], 0.0)) for i in range(width)]
    if any(size == 0 for size in sizes):
        raise Undetermined("a column does not vary")
    rows = [[matrix[i][j] / sizes[i] / sizes[j] for j in range(width)] + [right[i] / sizes[i]] for i in range(width)]
    for i in range(width):
        pivot = max(range(i, width), key=lambda k: abs(rows[k][i]))
        if abs(rows[pivot][i]) < 1e-10:
            raise Undetermined("one column follows from the others")
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(i + 1, width):
            factor = rows[k][i] / rows[i][i]
            rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    found = [0.0] * width
    for i in reversed(range(width)):
        found[i] = (rows[i][width] - math.fsum(rows[i][j] * found[j] for j in range(i + 1, width))) / rows[i][i]
    return [value / size for value, size in zip(found, sizes, strict=True)]
