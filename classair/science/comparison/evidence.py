"""How much more likely hours are under one explanation than under another, and the stretches in which that adds up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from classair.science.comparison.slots import Array

CAP: Final = 4.0  # of one hour's surprise, in nats: rooms have days of their own
MEMORY: Final = 3.0  # hours that say the same thing once


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """Hours from `start` up to `end` with the evidence for them in nats."""

    weight: float
    start: int
    end: int


def surprise(u: Array) -> Array:
    """Of a deviation in standard deviations, bounded."""
    return np.minimum(0.5 * u * u, CAP)


def gained(null: Array, other: Array, finer: float = 0.0) -> Array:
    """Evidence by hour for the second explanation, nothing where either is unknown.

    `finer`: the logarithm of how much less spread the second expects.
    """
    return np.nan_to_num((surprise(null) - surprise(other) + finer) / MEMORY)


def stretches(evidence: Array, least: float) -> Iterator[Stretch]:
    """Where evidence adds up to `least` or more: best first, none touching another."""
    values = evidence.tolist()
    todo = [(0, len(values))]
    while todo:
        first, last = todo.pop()
        best = total = 0.0
        start = begin = end = first
        for i in range(first, last):
            total += values[i]
            if total <= 0.0:
                total, start = 0.0, i + 1
            elif total > best:
                best, begin, end = total, start, i + 1
        if best >= least:
            yield Stretch(best, begin, end)
            todo += [(first, begin), (end, last)]
