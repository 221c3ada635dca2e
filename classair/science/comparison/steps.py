"""Stretches in which one sensor stands apart from the school, and the steps by which it went and came back.

Air changes over minutes to hours: a window, a purifier, a stove bend a curve. Only a sensor (its fan, its inlet, its
place) changes from one reading to the next. So a level that is apart counts once a step leads into it or out of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from classair.science.comparison.evidence import Stretch, gained, stretches
from classair.science.comparison.slots import HOUR, Array, Beside, jumps, median

LOWER: Final = (-0.25, -0.36, -0.5, -0.7, -1.0, -1.4, -2.0, -2.8, -3.6)  # ln: a loss of 22 % to 97 %
NEAR: Final = 2 * HOUR  # slots around an hour in which its step is looked for
SHARE: Final = 0.45  # of the difference that a step makes at once
NOISES: Final = 4.0  # of the usual difference between neighbouring slots
STEP_LEAST: Final = 0.14


@dataclass(frozen=True, slots=True)
class Edges:
    """Of one school: how far each sensor steps at each slot, in both measures, and what is usual of it."""

    line: Array
    plain: Array
    usual: Array

    def at(self, row: int, slot: int, size: float, near: int = NEAR) -> int | None:
        """The slot, `near` or nearer to this one, at which the row steps most clearly by `size` (its sign counts)."""
        first, last = max(0, slot - near), min(self.line.shape[1], slot + near + 1)
        if first >= last:
            return None
        sign = 1.0 if size > 0 else -1.0
        step = np.nan_to_num(np.minimum(sign * self.line[row, first:last], sign * self.plain[row, first:last]))
        best = int(np.argmax(step))
        least = max(SHARE * abs(size), NOISES * float(self.usual[row]), STEP_LEAST)
        return first + best if step[best] >= least else None

    def share(self, row: int, slot: int, size: float) -> float:
        """How much of `size` the row steps at this slot."""
        return float(min(self.line[row, slot] / size, self.plain[row, slot] / size))


@dataclass(frozen=True, slots=True)
class Apart:
    """A row is `size` (ln) apart from `start` up to `end` (slots).

    `sharp`: how many of its ends are steps; `step`: how much of `size` the larger of them makes at once.
    """

    row: int
    start: int
    end: int
    size: float
    weight: float
    sharp: int
    step: float


def edges(school: Beside) -> Edges:
    line, plain = jumps(school.rest)
    return Edges(line, plain, 1.4826 * median(np.abs(line)))


def apart(school: Beside, found: Edges, row: int, sizes: tuple[float, ...], least: float) -> list[Apart]:
    """Stretches apart by one of these sizes, best first, none overlapping another."""
    hours, noise = school.hours[row], school.noise[row]
    all_found: list[tuple[Stretch, float]] = []
    for size in sizes:
        evidence = gained(hours / noise, (hours - size) / noise)
        all_found += [(stretch, size) for stretch in stretches(evidence, least)]
    taken: list[Apart] = []
    for stretch, size in sorted(all_found, key=lambda it: -it[0].weight):
        if all(stretch.end * HOUR <= other.start or other.end <= stretch.start * HOUR for other in taken):
            taken.append(_bounded(school, found, row, stretch, size))
    return taken


def _bounded(school: Beside, found: Edges, row: int, stretch: Stretch, size: float) -> Apart:
    size = float(np.nanmedian(school.hours[row, stretch.start : stretch.end]))
    start, end = found.at(row, stretch.start * HOUR, size), found.at(row, stretch.end * HOUR, -size)
    if start is not None and end is not None and start >= end:
        start = end = None
    return Apart(
        row,
        stretch.start * HOUR if start is None else start,
        stretch.end * HOUR if end is None else end,
        size,
        stretch.weight,
        (start is not None) + (end is not None),
        max(
            (found.share(row, slot, towards) for slot, towards in ((start, size), (end, -size)) if slot is not None),
            default=0.0,
        ),
    )
