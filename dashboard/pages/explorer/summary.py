"""Rows of a table summed up: shares of levels, hours of the week, indoors against outdoors, classes of completeness.

Pure. Whatever has no value is counted as such: in a share of its own, as an empty cell, or as not paired.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from classair.model import BAD_CLASS_NAMES
from classair.science.averages import median
from classair.science.indexes.thai2023 import INDEX
from classair.stores import BANGKOK_MS
from classair.units import HOUR_MS
from research.index_arrays import sub_indices
from research.lesson_air import LEVELS, largest_remainder
from research.means import MeanRow

CLASSES: Final = ("complete", "suspect", "partial", *BAD_CLASS_NAMES, "none")
"""What a cell of the strip says, in order: enough valid values; enough, some of them doubtful; too few; mostly left
out, by why; nothing at all."""
LEAST_OUTDOOR: Final = 10.0
"""µg/m³ outdoors below which a ratio says more about the sensors than about the room."""
SUSPECT_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Shares:
    """How many steps of a room lay in each level, in the order of LEVELS; `percent` adds up to 100."""

    room: str
    counts: tuple[int, ...]

    @property
    def percent(self) -> list[int]:
        return largest_remainder(self.counts)


def level_shares(room: str, rows: Iterable[MeanRow], steps: int) -> Shares:
    """Of the `steps` that the room's time has; those without a value are counted apart."""
    values = [row.value for row in rows if row.value is not None]
    numbers = sub_indices(INDEX, "pm25", values).level if values else np.zeros(0, np.int64)
    counts = np.bincount(numbers[numbers > 0] - 1, minlength=len(LEVELS) - 1).tolist()
    return Shares(room, (*counts, max(0, steps - sum(counts))))


@dataclass(frozen=True, slots=True)
class Cell:
    """A weekday's hour: the mean over rooms and weeks, and from how many room-hours."""

    mean: float
    hours: int


def week(tables: Iterable[Sequence[MeanRow]]) -> dict[tuple[int, int], Cell]:
    """Hourly rows of any rooms by (weekday from Monday 0, hour of the day); every hour of a room weighs alike."""
    found: dict[tuple[int, int], list[float]] = {}
    for table in tables:
        for row in table:
            if row.value is not None:
                hours = (row.start_ms + BANGKOK_MS) // HOUR_MS
                # The first of January 1970 was a Thursday.
                found.setdefault(((hours // 24 + 3) % 7, hours % 24), []).append(row.value)
    return {place: Cell(round(sum(values) / len(values), 6), len(values)) for place, values in sorted(found.items())}


@dataclass(frozen=True, slots=True)
class Pairs:
    """The same hours indoors and outdoors. `ratio`: the median of indoors over outdoors where that is ≥ 10 µg/m³."""

    room: str
    outdoor: tuple[float, ...]
    indoor: tuple[float, ...]
    ratio: float | None
    n_ratio: int


def pairs(room: str, indoor: Iterable[MeanRow], outdoor: Mapping[int, float]) -> Pairs:
    """`outdoor`: by start of the hour."""
    both = [(outdoor[row.start_ms], row.value) for row in indoor if row.value is not None and row.start_ms in outdoor]
    ratios = [inside / outside for outside, inside in both if outside >= LEAST_OUTDOOR]
    return Pairs(room, tuple(o for o, _ in both), tuple(i for _, i in both), median(ratios), len(ratios))


def cell_class(row: MeanRow | None, completeness: float) -> str:
    """What a step knows, in one word of CLASSES."""
    if row is None or not (row.n or row.bad):
        return "none"
    if row.n and row.completeness >= completeness:
        return "suspect" if row.suspect >= SUSPECT_SHARE * row.n else "complete"
    bad = sum(row.bad.values())
    missing = max(0.0, (row.expected or row.n + bad) - row.n - bad)
    if bad > missing:
        return max(BAD_CLASS_NAMES, key=lambda name: row.bad.get(name, 0))
    return "partial"
