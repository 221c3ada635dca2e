"""Which hours count towards a promise: every one, or those in which an office is open. Pure; UTC ms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

from classair.config import Config
from classair.timetable import DAYS, HoursOfDay, day_start_ms, local_time

_FARTHEST: Final = timedelta(days=400)


class Hours(Protocol):
    def after(self, start_ms: int, worked_ms: int) -> int:
        """The first moment at which so much time that counts has passed since `start_ms`."""
        ...

    def between(self, start_ms: int, end_ms: int) -> int:
        """How much of a stretch counts, ms; negative when it ends before it starts."""
        ...


@dataclass(frozen=True, slots=True)
class EveryHour:
    def after(self, start_ms: int, worked_ms: int) -> int:
        return start_ms + worked_ms

    def between(self, start_ms: int, end_ms: int) -> int:
        return end_ms - start_ms


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """`spans` do not overlap and stand in order; `days` are 0 for Monday; nothing counts on a holiday."""

    days: frozenset[int]
    spans: tuple[HoursOfDay, ...]
    holidays: frozenset[date] = frozenset()

    def after(self, start_ms: int, worked_ms: int) -> int:
        """An office that never opens gives the end of what is looked at, 400 days."""
        if worked_ms <= 0:
            return start_ms
        first = local_time(start_ms).date()
        for begin, end in self._open(first, first + _FARTHEST):
            counted = end - max(begin, start_ms)
            if counted <= 0:
                continue
            if counted >= worked_ms:
                return max(begin, start_ms) + worked_ms
            worked_ms -= counted
        return day_start_ms(first + _FARTHEST)

    def between(self, start_ms: int, end_ms: int) -> int:
        if end_ms < start_ms:
            return -self.between(end_ms, start_ms)
        days = self._open(local_time(start_ms).date(), local_time(end_ms).date())
        return sum(max(0, min(end, end_ms) - max(begin, start_ms)) for begin, end in days)

    def _open(self, first: date, last: date) -> Iterator[tuple[int, int]]:
        day = first
        while day <= last:
            if day.weekday() in self.days and day not in self.holidays:
                midnight = day_start_ms(day)
                for span in self.spans:
                    yield midnight + span.begin_ms, midnight + span.end_ms
            day += timedelta(days=1)


def hours_of(config: Config, office: bool) -> Hours:
    """Those of the configuration in force; `office` as the problem in question was promised."""
    if not office:
        return EveryHour()
    settings = config.tickets.office
    holidays = frozenset(config.calendar.holidays).union(*(year.holidays for year in config.school_years.values()))
    return OfficeHours(frozenset(DAYS.index(day) for day in settings.days), tuple(settings.open), holidays)
