"""When a wall may be dark: nobody is expected in the room, from its last block until half an hour before its first."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, TypedDict

from classair.timetable import Timetable, day_start_ms, local_time
from classair.units import MINUTE_MS

WAKES_BEFORE_MS: Final = 30 * MINUTE_MS
AHEAD_DAYS: Final = 3


class Hours(TypedDict):
    """`turns_at`: when `asleep` changes next (UTC ms), None while that is days away or never."""

    asleep: bool
    turns_at: int | None


def hours(timetable: Timetable, at_ms: int) -> Hours:
    """Whether the wall may be dark, and until when, so that it turns on the second without asking."""
    asleep = is_asleep(timetable, at_ms)
    turns = sorted(at for span in _awake(timetable, at_ms, AHEAD_DAYS) for at in span if at > at_ms)
    return {
        "asleep": asleep,
        "turns_at": next((at for at in turns if is_asleep(timetable, at) != asleep), None),
    }


def is_asleep(timetable: Timetable, at_ms: int) -> bool:
    """A room without a timetable never sleeps: nobody said when it is empty."""
    if not timetable.occupied:
        return False
    return not any(begin <= at_ms < end for begin, end in _awake(timetable, at_ms, 1))


def _awake(timetable: Timetable, at_ms: int, ahead: int) -> list[tuple[int, int]]:
    """The stretches of the days about `at_ms` in which the wall is awake.

    A block may have begun the evening before, and the first of tomorrow wakes the wall up before midnight.
    """
    if not timetable.occupied:
        return []
    today = local_time(at_ms).date()
    first = min(span.begin_ms for span in timetable.occupied) - WAKES_BEFORE_MS
    last = max(span.end_ms for span in timetable.occupied)
    days: list[date] = [today + timedelta(days=offset) for offset in range(-1, ahead + 1)]
    return [(day_start_ms(day) + first, day_start_ms(day) + last) for day in days if timetable.school_day(day)]
