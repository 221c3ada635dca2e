"""When children are in a room: days, occupied blocks, lessons, holidays. Pure; times are Asia/Bangkok wall times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Bangkok")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to, not including, `end` on one day."""

    start: time
    end: time

    def holds(self, at: time) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Timetable:
    """`occupied`: children are in the room; `lessons`: within it, what reports count as lesson time."""

    days: frozenset[int]
    occupied: tuple[Span, ...]
    lessons: tuple[Span, ...]
    holidays: frozenset[date] = frozenset()

    def school_day(self, day: date) -> bool:
        return day.weekday() in self.days and day not in self.holidays

    def is_occupied(self, at_ms: int) -> bool:
        return self._inside(self.occupied, at_ms)

    def is_lesson(self, at_ms: int) -> bool:
        return self._inside(self.lessons, at_ms)

    def block_end_ms(self, at_ms: int) -> int | None:
        """UTC ms at which the occupied block around `at_ms` ends, None outside of one."""
        local = local_time(at_ms)
        if not self.school_day(local.date()):
            return None
        span = next((s for s in self.occupied if s.holds(local.time())), None)
        return None if span is None else to_ms(datetime.combine(local.date(), span.end, ZONE))

    def next_block_start_ms(self, at_ms: int, within: timedelta = timedelta(days=14)) -> int | None:
        """UTC ms of the first occupied block that begins after `at_ms`."""
        local = local_time(at_ms)
        for days in range(within.days + 1):
            day = local.date() + timedelta(days=days)
            if not self.school_day(day):
                continue
            for span in self.occupied:
                start = datetime.combine(day, span.start, ZONE)
                if start > local:
                    return to_ms(start)
        return None

    def _inside(self, spans: Iterable[Span], at_ms: int) -> bool:
        local = local_time(at_ms)
        return self.school_day(local.date()) and any(span.holds(local.time()) for span in spans)


ALWAYS_EMPTY: Final = Timetable(frozenset(), (), ())


def local_time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, ZONE)


def to_ms(at: datetime) -> int:
    """UTC ms of an aware moment."""
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be dated")
    return round(at.timestamp() * 1000)
