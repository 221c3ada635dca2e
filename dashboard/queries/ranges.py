"""Which stretch of time a room page shows: a day, a week from Monday, a calendar month, in Asia/Bangkok. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from classair import dates, i18n
from classair.timetable import ZONE, local_time, to_ms

RangeName = Literal["day", "week", "month"]
RANGES: Final[tuple[RangeName, ...]] = ("day", "week", "month")
EARLIEST: Final = date(2015, 1, 1)


@dataclass(frozen=True, slots=True)
class Range:
    """A named stretch from the local midnight of `first` up to that of `after`."""

    name: RangeName
    first: date
    after: date

    @property
    def start_ms(self) -> int:
        return to_ms(datetime.combine(self.first, time(), ZONE))

    @property
    def end_ms(self) -> int:
        return to_ms(datetime.combine(self.after, time(), ZONE))

    def holds(self, at_ms: int) -> bool:
        return self.start_ms <= at_ms < self.end_ms

    def previous(self) -> Range:
        return around(self.name, self.first - timedelta(days=1))

    def following(self) -> Range:
        return around(self.name, self.after)

    def title(self, language: str) -> str:
        """The stretch as people write it."""
        if self.name == "day":
            return i18n.show_date(self.first, language, "long")
        if self.name == "month":
            return i18n.show_month(self.first, language)
        return i18n.show_days(self.first, self.after - timedelta(days=1), language)


def around(name: RangeName, day: date) -> Range:
    """The day, week or month that a date lies in."""
    if name == "week":
        monday = day - timedelta(days=day.weekday())
        return Range(name, monday, monday + timedelta(days=7))
    if name == "month":
        first = day.replace(day=1)
        return Range(name, first, (first + timedelta(days=32)).replace(day=1))
    return Range(name, day, day + timedelta(days=1))


def range_of(name: str, day: str, now_ms: int) -> Range:
    """What an address asks for, also with a year of the Thai calendar; what cannot be understood, or lies in the
    future, becomes today's."""
    today = local_time(now_ms).date()
    known: RangeName = name if name in RANGES else "day"
    try:
        chosen = date.fromisoformat(day)
        chosen = chosen.replace(year=dates.gregorian(chosen.year))
    except ValueError:
        chosen = today
    return around(known, min(max(chosen, EARLIEST), today))
