"""How a purifier's filter ages: clean air now against when new, and when it will be due.

Clean air is estimated anew in up to four stretches since the filter was changed (an event `filter_change`; else since
the purifier was first seen). Its logarithm against time is a straight line, each stretch weighing by its interval. A
filter is due below 70 % of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from classair.timetable import local_time
from classair.units import DAY_MS
from research.rooms.cleaning import cleaning
from research.rooms.estimate import Estimate
from research.rooms.minutes import Minutes

VERSION: Final = 1
AGED: Final = 0.70  # share of the first clean-air rate below which a filter is due
LONGEST_DAYS: Final = 28  # of a stretch
SHORTEST_DAYS: Final = 6
STRETCHES: Final = 4
FAR: Final = 3 * 365  # days ahead beyond which no date is given


@dataclass(frozen=True, slots=True)
class Ageing:
    """share: clean air now as a share of when new, with its interval. `due`: the local day it crosses 70 %.

    None where no fall can be told, or not within three years; due_now: it has crossed. first and now in m³/h.
    """

    share: Estimate
    since: date | None = None
    first_m3h: float | None = None
    now_m3h: float | None = None
    due: date | None = None
    due_now: bool = False


def stretches(since_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """Up to four stretches of equal length, the first from `since_ms`, the last up to `end_ms`; none under 12 days."""
    days = (end_ms - since_ms) // DAY_MS
    length = min(LONGEST_DAYS, days // 2)
    if length < SHORTEST_DAYS:
        return []
    count = int(min(STRETCHES, days // length))
    starts = np.linspace(since_ms, end_ms - length * DAY_MS, count).astype(np.int64)
    return [(int(at), int(at) + length * DAY_MS) for at in starts]


def filter_ageing(read: Callable[[int, int], Minutes], since_ms: int, end_ms: int) -> Ageing:
    """`read(start, end)` gives the room's minutes; since_ms: when the filter was new (UTC ms)."""
    found = []
    for start, end in stretches(since_ms, end_ms):
        room = read(start, end)
        if room.volume_m3 is None or not room.claimed_m3h:
            break
        told = cleaning(
            room.start_ms,
            room.pm25,
            room.outdoor_pm25,
            room.purifier,
            room.volume_m3,
            room.occupied,
            room.windows,
            claimed_m3h=room.claimed_m3h,
        )
        if told.clean_air.known and told.effect:
            found.append(((start + end) / 2, told.clean_air))
    return aged(found, since_ms)


def aged(found: Sequence[tuple[float, Estimate]], since_ms: int) -> Ageing:
    """From (middle of a stretch in UTC ms, clean air in m³/h), oldest first."""
    since = local_time(since_ms).date()

    def cannot(why: str) -> Ageing:
        return Ageing(Estimate("filter", "1", "clean_air_over_time", VERSION, None, n=len(found), why=why), since)

    if len(found) < 2:
        return cannot("short_history")
    days = np.array([(at - found[0][0]) / DAY_MS for at, _ in found])
    values = np.array([one.value or 1e-9 for _, one in found])
    spread = np.array([((one.high or 0.0) - (one.low or 0.0)) / 3.92 / (one.value or 1e-9) for _, one in found])
    weight = 1 / np.maximum(spread, 0.02) ** 2
    middle = float((weight * days).sum() / weight.sum())
    square = float((weight * (days - middle) ** 2).sum())
    if square <= 0:
        return cannot("short_history")
    logs = np.log(values)
    slope = float((weight * (days - middle) * logs).sum() / square)
    level = float((weight * logs).sum() / weight.sum())
    rest = float((weight * (logs - level - slope * (days - middle)) ** 2).sum())
    # The stretches differ by more than their own intervals where the room itself has changed.
    grown = max(1.0, rest / max(len(found) - 2, 1))
    half = 1.96 * np.sqrt(grown / square) * days[-1]
    change = slope * days[-1]
    share, low, high = (float(np.exp(v)) for v in (change, change - half, change + half))
    first, now = (float(np.exp(level + slope * (at - middle))) for at in (0.0, days[-1]))
    told = Estimate("filter", "1", "clean_air_over_time", VERSION, share, low, high, len(found), 1.0)
    if share < AGED and high < 1:
        return Ageing(told, since, first, now, due_now=True)
    due = None
    if high < 1 and (ahead := np.log(AGED) / slope) < FAR:
        due = local_time(round(found[0][0])).date() + timedelta(days=round(ahead))
    return Ageing(told, since, first, now, due)
