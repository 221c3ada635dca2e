"""When children are in a room: days, blocks, lessons, the school calendar. Pure; times are Asia/Bangkok wall times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from classair.units import DAY_MS

ZONE: Final = ZoneInfo("Asia/Bangkok")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class HoursOfDay:
    """From `start` up to, not including, `end`. An end that is not after the start is that of the next day.

    So an end of 00:00 is the midnight at the end of the day.
    """

    start: time
    end: time

    @property
    def begin_ms(self) -> int:
        """ms of the day on which it begins."""
        return _ms_of_day(self.start)

    @property
    def end_ms(self) -> int:
        """ms from the midnight before it begins, more than a day's where it continues over midnight."""
        return _ms_of_day(self.end) + (DAY_MS if self.end <= self.start else 0)

    def holds(self, at: time) -> bool:
        if self.end <= self.start:
            return at >= self.start or at < self.end
        return self.start <= at < self.end


_DAY: Final = timedelta(days=1)
_MIDNIGHT: Final = time()
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
    """`occupied`: children are in the room; `lessons`: within it, what reports count as lesson time.

    A block that continues over midnight belongs to the day on which it begins: it takes place when that day is taught,
    whatever the next one is, and a half day that ends before it begins cancels it whole.
    """

    days: frozenset[int]
    occupied: tuple[HoursOfDay, ...]
    lessons: tuple[HoursOfDay, ...]
    calendar: SchoolCalendar = EVERY_WEEK

    def school_day(self, day: date) -> bool:
        return self.calendar.teaches(day, day.weekday() in self.days)

    def occupied_spans(self, day: date) -> list[HoursOfDay]:
        """When children are in the room between the two midnights of a day, its night before included."""
        return list(self._within(self.occupied, day))

    def lesson_spans(self, day: date) -> list[HoursOfDay]:
        """The lessons between the two midnights of a day."""
        return list(self._within(self.lessons, day))

    def is_occupied(self, at_ms: int) -> bool:
        return self._end_ms(self.occupied, at_ms) is not None

    def is_lesson(self, at_ms: int) -> bool:
        return self._end_ms(self.lessons, at_ms) is not None

    def block_end_ms(self, at_ms: int) -> int | None:
        """UTC ms at which the occupied block around `at_ms` ends, None outside of one."""
        return self._end_ms(self.occupied, at_ms)

    def next_block_start_ms(self, at_ms: int, within: timedelta = timedelta(days=14)) -> int | None:
        """UTC ms of the first occupied block that begins after `at_ms`."""
        today = local_time(at_ms).date()
        for days in range(within.days + 1):
            day = today + timedelta(days=days)
            starts = [day_start_ms(day) + span.begin_ms for span in self._of(self.occupied, day)]
            if later := [start for start in starts if start > at_ms]:
                return min(later)
        return None

    def _end_ms(self, spans: Iterable[HoursOfDay], at_ms: int) -> int | None:
        """When the last to end of those that hold a moment ends; they begin on its day or on the day before."""
        today = local_time(at_ms).date()
        ends = []
        for day in (today, today - _DAY):
            midnight = day_start_ms(day)
            ends += [
                midnight + span.end_ms
                for span in self._of(spans, day)
                if midnight + span.begin_ms <= at_ms < midnight + span.end_ms
            ]
        return max(ends, default=None)

    def _within(self, spans: Iterable[HoursOfDay], day: date) -> Iterator[HoursOfDay]:
        """What lies between the two midnights of a day: the rest of the night before, then what begins on it."""
        for span in self._of(spans, day - _DAY):
            if span.end_ms > DAY_MS:
                yield HoursOfDay(_MIDNIGHT, span.end)
        for span in self._of(spans, day):
            yield HoursOfDay(span.start, _MIDNIGHT) if span.end_ms > DAY_MS else span

    def _of(self, spans: Iterable[HoursOfDay], day: date) -> Iterator[HoursOfDay]:
        """What begins on a day; a half day cuts it."""
        if not self.school_day(day):
            return
        half = self.calendar.half_days.get(day)
        for span in spans:
            if half is None or span.end_ms <= _ms_of_day(half):
                yield span
            elif span.start < half:
                yield HoursOfDay(span.start, half)


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


def _ms_of_day(at: time) -> int:
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1000
