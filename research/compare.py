"""Two periods or two groups of rooms set against each other: the difference of their means, with an interval by days.

Hours of one day resemble each other, so days are what is drawn for the interval, never single hours. When both sides
have the same hours of the same days (two groups of rooms at the same time), pairs are compared and the weather falls
out; otherwise each side stands for itself, and it is said so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from classair.timetable import local_time
from research.means import MeanRow

LEAST_DAYS: Final = 3
TIMES: Final = 2000
PAIRED_SHARE: Final = 0.5  # of the smaller side's hours must have a partner before pairs are compared

Hours = Mapping[tuple[date, int], float]
"""The mean of a side by local day and hour of the day."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Second less first, in the unit of the quantity; `low` … `high` is the 95 % interval.

    None where there are fewer than three days on a side: `why` says so. days: of the first and of the second, or the
    days with pairs twice. paired: by day and hour.
    """

    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    paired: bool
    days: tuple[int, int]
    hours: tuple[int, int]
    why: str = ""


def by_hour(table: Iterable[MeanRow]) -> dict[tuple[date, int], float]:
    """Hourly rows of any rooms and sensors as one mean for each day and hour; rooms weigh alike, not by readings."""
    found: dict[tuple[date, int], dict[str, list[tuple[float, int]]]] = {}
    for row in table:
        if row.value is not None:
            at = local_time(row.start_ms)
            found.setdefault((at.date(), at.hour), {}).setdefault(row.room, []).append((row.value, row.n))
    return {
        place: float(
            np.mean([np.average([v for v, _ in parts], weights=[n for _, n in parts]) for parts in rooms.values()])
        )
        for place, rooms in sorted(found.items())
    }


def compare(first: Hours, second: Hours) -> Comparison:
    """The means are of days' means, so that a day with many hours does not count for more."""
    shared = first.keys() & second.keys()
    paired = bool(shared) and len(shared) >= PAIRED_SHARE * min(len(first), len(second))
    if paired:
        first, second = ({place: side[place] for place in sorted(shared)} for side in (first, second))
    one, two = _by_day(first), _by_day(second)
    means = tuple(float(np.mean(list(side.values()))) if side else None for side in (one, two))
    counts, hours = (len(one), len(two)), (len(first), len(second))
    if min(counts) < LEAST_DAYS or means[0] is None or means[1] is None:
        return Comparison(means[0], means[1], None, None, None, paired, counts, hours, "few_days")
    chance = np.random.default_rng(1)  # fixed: the same data give the same interval
    a, b = (np.array(list(side.values())) for side in (one, two))
    if paired:
        steps = b - a
        drawn = steps[chance.integers(0, steps.size, (TIMES, steps.size))].mean(axis=1)
    else:
        drawn = b[chance.integers(0, b.size, (TIMES, b.size))].mean(axis=1) - a[
            chance.integers(0, a.size, (TIMES, a.size))
        ].mean(axis=1)
    low, high = (float(edge) for edge in np.quantile(drawn, [0.025, 0.975]))
    return Comparison(means[0], means[1], means[1] - means[0], low, high, paired, counts, hours)


def _by_day(side: Hours) -> dict[date, float]:
    days: dict[date, list[float]] = {}
    for (day, _), value in side.items():
        days.setdefault(day, []).append(value)
    return {day: float(np.mean(values)) for day, values in sorted(days.items())}
