"""When children are in a room: days, blocks, lessons, the school calendar. Pure; times are Asia/Bangkok wall times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Bangkok")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class HoursOfDay:
    """From `start` up to, not including, `end` on one day."""

    start: time
    end: time

    def holds(self, at: time) -> bool:
        return self.start <= at < self.end


_LONGEST_HOLIDAY: Final = timedelta(days=120)


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """Which days are taught. `terms`: first and last day of each, in order; `half_days`: when such a day ends.

    A make-up day is taught whatever day of the week it is. Days that no term is known for (before the first, behind
    the last, or in a pause longer than any holiday) are not known to be free: they count like any other weekday, so
    that a calendar nobody has renewed leaves no child in a room that is taken for empty.
    """

    terms: tuple[tuple[date, date], ...] = ()
    holidays: frozenset[date] = frozenset()
    half_days: Mapping[date, time] = field(default_factory=dict)
    make_up_days: frozenset[date] = frozenset()

    def knows(self, day: date) -> bool:
        """Whether the terms say if this day is taught."""
        before = max((last for first, last in self.terms if first <= day), default=None)
        if before is None or day <= before:
            return before is not None
        after = min((first for first, _ in self.terms if first > day), default=None)
        return after is not None and after - before <= _LONGEST_HOLIDAY

    def teaches(self, day: date, usual: bool) -> bool:
        """Whether there is school; `usual`: it is a weekday on which there usually is."""
        if day in self.make_up_days:
            return True
        if not usual or day in self.holidays:
            return False
        return not self.knows(day) or any(first <= day <= last for first, last in self.terms)


EVERY_WEEK: Final = SchoolCalendar()


@dataclass(frozen=True, slots=True)
class Timetable:
    """`occupied`: children are in the room; `lessons`: within it, what reports count as lesson time."""

    days: frozenset[int]
    occupied: tuple[HoursOfDay, ...]
    lessons: tuple[HoursOfDay, ...]
    calendar: SchoolCalendar = EVERY_WEEK

    def school_day(self, day: date) -> bool:
        return self.calendar.teaches(day, day.weekday() in self.days)

    def occupied_spans(self, day: date) -> list[HoursOfDay]:
        """When children are in the room on one day, never on a day without school."""
        return list(self._of(self.occupied, day))

    def lesson_spans(self, day: date) -> list[HoursOfDay]:
        """The lessons of one day, none on a day without school."""
        return list(self._of(self.lessons, day))

    def is_occupied(self, at_ms: int) -> bool:
        return self._inside(self.occupied, at_ms)

    def is_lesson(self, at_ms: int) -> bool:
        return self._inside(self.lessons, at_ms)

    def block_end_ms(self, at_ms: int) -> int | None:
        """UTC ms at which the occupied block around `at_ms` ends, None outside of one."""
        local = local_time(at_ms)
        span = next((s for s in self._of(self.occupied, local.date()) if s.holds(local.time())), None)
        return None if span is None else to_ms(datetime.combine(local.date(), span.end, ZONE))

    def next_block_start_ms(self, at_ms: int, within: timedelta = timedelta(days=14)) -> int | None:
        """UTC ms of the first occupied block that begins after `at_ms`."""
        local = local_time(at_ms)
        for days in range(within.days + 1):
            day = local.date() + timedelta(days=days)
            for span in self._of(self.occupied, day):
                start = datetime.combine(day, span.start, ZONE)
                if start > local:
                    return to_ms(start)
        return None

    def _inside(self, spans: Iterable[HoursOfDay], at_ms: int) -> bool:
        local = local_time(at_ms)
        return any(span.holds(local.time()) for span in self._of(spans, local.date()))

    def _of(self, spans: Iterable[HoursOfDay], day: date) -> Iterator[HoursOfDay]:
        """The spans of one day; a half day cuts them."""
        if not self.school_day(day):
            return
        end = self.calendar.half_days.get(day, time.max)
        for span in spans:
            if span.start < end:
                yield span if span.end <= end else HoursOfDay(span.start, end)


ALWAYS_EMPTY: Final = Timetable(frozenset(), (), ())


def local_time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, ZONE)


def day_start_ms(day: date) -> int:
    """The local midnight that begins a day, UTC ms."""
    return to_ms(datetime.combine(day, time(), ZONE))


def to_ms(at: datetime) -> int:
    """UTC ms of an aware moment."""
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be dated")
    return round(at.timestamp() * 1000)
