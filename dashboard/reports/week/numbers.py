"""What a week in one room was like, in numbers: the one model behind page, PDF, picture, message, e-mail and API.

Lesson time of Monday to Friday, read by research/lesson_air.py. What is not known is null and in no mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from classair.config import Config
from classair.model import PRESENT_REASONS, Missing
from classair.stores.events import SchoolEvent
from classair.timetable import day_start_ms, local_time
from classair.units import DAY_MS
from dashboard.queries.research import Research
from dashboard.queries.rooms import Band, Queries
from research.lesson_air import (
    ABOVE_MODERATE,
    GOOD,
    LEVELS,
    NO_DATA,
    PAIRED_LEAST,
    LessonAir,
    LessonReader,
    LessonSlot,
    largest_remainder,
    school_days,
)
from research.lesson_slots import SLOT_MS

Headline = Literal["not_enough", "above_moderate", "good", "mostly"]
ENOUGH_PERCENT: Final = 50
BAD_PERCENT: Final = 5
GOOD_PERCENT: Final = 80
FEWEST_PUPILS: Final = 10
"""Of a smaller room neither CO2 nor the hours of its lessons leave the school."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Saying(_Model):
    """The headline: the first of the table that fits. Shares are of lesson time with data."""

    key: Headline = Field(description="`not_enough`, `above_moderate`, `good` or `mostly`")
    percent: int | None = Field(None, description="of all lesson time (`not_enough`), of that with data (`good`)")
    hours: float | None = Field(None, description="lesson hours above moderate (`above_moderate`)")
    level: str | None = Field(None, description="the most frequent level (`mostly`)")
    cleaner_each_day: bool = Field(description="inside was lower than outside on every day, each with enough pairs")


class Slot(_Model):
    """A quarter of an hour of lessons; null is not known."""

    start_ms: int = Field(description="UTC ms")
    inside: float | None = Field(description="PM2.5, µg/m³")
    outside: float | None = Field(description="PM2.5 of the school's place outdoors, µg/m³")


class DayAir(_Model):
    """A day of lessons. `shares` by level and `no_data`: whole per cent that add up to 100."""

    day: date
    shares: dict[str, int]
    inside: float | None = Field(description="mean of the quarter-hours with both values, else with one; µg/m³")
    outside: float | None = Field(description="mean of the same quarter-hours, µg/m³")
    slots: list[Slot]


class Gap(_Model):
    """Lesson time of one day without a value. `reasons` as in the missing-data log, what covers most
    of it first; empty: none is recorded."""

    day: date
    start_ms: int
    end_ms: int
    reasons: list[str]


class Deeds(_Model):
    """What the school did, from logs alone; null or empty: nothing is recorded."""

    purifier_percent: int | None = Field(None, description="of lesson time with at least one purifier seen on")
    purifier_unknown: bool = Field(
        False, description="for a part of lesson time nobody knows: the share is a least one"
    )
    airings: int = Field(0, description="airings that the school noted")
    cancelled: list[date] = Field(default_factory=list, description="days with a cancelled outdoor activity")

    @property
    def any(self) -> bool:
        return bool(self.purifier_percent or self.airings or self.cancelled)


class WeekReport(_Model):
    """Room and place outdoors are `<site>.<room>`. PM2.5 in µg/m³ as the accepted corrections make it."""

    room: str
    yard: str = Field(description="the place outdoors; empty where the school has none")
    first: date = Field(description="Monday")
    last: date = Field(description="Friday")
    made_until_ms: int = Field(description="UTC ms; lesson time after it is not counted")
    over: bool = Field(description="all lessons of the week had ended")
    simulated: bool
    small: bool = Field(description="fewer than ten pupils: no CO2, no hours of lessons")
    lessons_from: int | None = Field(description="ms of the day, the earliest lesson of the week; null in a small room")
    lessons_to: int | None
    headline: Saying
    inside: float | None = Field(description="µg/m³, of the quarter-hours with both values, else of all with one")
    outside: float | None = Field(description="µg/m³, at the same time; null where nothing is known")
    fresh_percent: int | None = Field(description="of lesson time with CO2 at most 1000 ppm; null: not measured")
    shares: dict[str, int] = Field(description="of all lesson time: whole per cent that add up to 100")
    days: list[DayAir]
    gaps: list[Gap]
    school_did: Deeds
    worst_outdoor: str = Field(description="the worst level of a quarter-hour outdoors; `no_data`: nothing is known")


@dataclass(frozen=True, slots=True)
class WeekSources:
    """Where a report is read from; `lessons` is shared by all rooms, so that a school's yard is read once."""

    config: Config
    lessons: LessonReader
    queries: Queries
    research: Research
    now_ms: int


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def ends_ms(config: Config, room: str, monday: date) -> int | None:
    """When the last lesson of a room's week ends, UTC ms; None for a week without lessons, or a place without."""
    table = config.timetable_of(room)
    days = [monday + timedelta(days=n) for n in range(5)]
    return max((day_start_ms(day) + span.end_ms for day in days for span in table.lesson_spans(day)), default=None)


def rooms_with_lessons(config: Config, monday: date) -> list[str]:
    """Every room indoors that had lessons in a week."""
    return [full for full, room in config.rooms() if not room.outdoor and ends_ms(config, full, monday) is not None]


def make(sources: WeekSources, room: str, monday: date) -> WeekReport:
    """Reads disks: beside the event loop. Raises KeyError for an unknown room, StoreAway, StoreUnavailable."""
    config = sources.config
    known = config.room(room)
    last = monday + timedelta(days=4)
    week = sources.lessons.of_room(room, monday, last)
    small = 0 < known.capacity < FEWEST_PUPILS
    spans = [
        span for day in school_days(config, room, monday, last) for span in config.timetable_of(room).lesson_spans(day)
    ]
    ends = ends_ms(config, room, monday)
    inside, outside = compared(week)
    fresh = week.fresh_share
    return WeekReport(
        room=room,
        yard=week.yard,
        first=monday,
        last=last,
        made_until_ms=min(sources.now_ms, day_start_ms(last) + DAY_MS),
        over=ends is not None and sources.now_ms >= ends,
        simulated=config.site_simulated(room.partition(".")[0]),
        small=small,
        lessons_from=None if small else min((span.begin_ms for span in spans), default=None),
        lessons_to=None if small else max((span.end_ms for span in spans), default=None),
        headline=headline(week),
        inside=inside,
        outside=outside,
        fresh_percent=None if fresh is None or small else round_half_up(100 * fresh),
        shares=dict(zip(LEVELS, week.percent, strict=True)),
        days=[_day(day, air) for day, air in week.days().items()],
        gaps=_gaps(sources, week),
        school_did=_deeds(sources, week, monday, last),
        worst_outdoor=week.highest_outdoor_level,
    )


def headline(week: LessonAir) -> Saying:
    """The first sentence of the table that fits: good news never hides a bad afternoon."""
    cleaner = week.cleaner_each_day()
    counts = dict(zip(LEVELS, week.counts, strict=True))
    whole, missing = len(week.slots), counts.pop(NO_DATA)
    known = whole - missing
    if not known or 100 * known < ENOUGH_PERCENT * whole:
        return Saying(key="not_enough", percent=largest_remainder([known, missing])[0], cleaner_each_day=False)
    bad = sum(counts[level] for level in ABOVE_MODERATE)
    if 100 * bad >= BAD_PERCENT * known:
        return Saying(key="above_moderate", hours=week.hours_in(ABOVE_MODERATE), cleaner_each_day=cleaner)
    good = sum(counts[level] for level in GOOD)
    if 100 * good >= GOOD_PERCENT * known:
        return Saying(key="good", percent=week.good_percent, cleaner_each_day=cleaner)
    most = max(counts, key=lambda level: (counts[level], LEVELS.index(level)))
    return Saying(key="mostly", level=most, cleaner_each_day=cleaner)


def compared(air: LessonAir) -> tuple[float | None, float | None]:
    """µg/m³ inside and outside at the same time; where too little can be compared, inside alone."""
    means = air.paired_means
    if means is not None and air.paired_share >= PAIRED_LEAST * air.known_share:
        return means
    return air.mean, None


def round_half_up(percent: float) -> int:
    return int(percent + 0.5)


def _day(day: date, air: LessonAir) -> DayAir:
    inside, outside = compared(air)
    return DayAir(
        day=day,
        shares=dict(zip(LEVELS, air.percent, strict=True)),
        inside=inside,
        outside=outside,
        slots=[Slot(start_ms=one.start_ms, inside=one.pm25, outside=one.outdoor) for one in air.slots],
    )


def missing_spans(slots: Sequence[LessonSlot]) -> list[tuple[int, int]]:
    """UTC ms of lesson time without a value; what only a break or a night separates stays apart by day alone."""
    spans: list[list[int]] = []
    before: LessonSlot | None = None
    for slot in slots:
        if slot.pm25 is None:
            same_day = before is not None and local_time(before.start_ms).date() == local_time(slot.start_ms).date()
            if before is not None and before.pm25 is None and same_day:
                spans[-1][1] = slot.start_ms + SLOT_MS
            else:
                spans.append([slot.start_ms, slot.start_ms + SLOT_MS])
        before = slot
    return [(begin, end) for begin, end in spans]


def _gaps(sources: WeekSources, week: LessonAir) -> list[Gap]:
    spans = missing_spans(week.slots)
    if not spans:
        return []
    lines = [
        line
        for sensor in sources.config.sensors_in(week.room)
        for line in sources.queries.missing(sensor, spans[0][0], spans[-1][1])
        if line.reason not in PRESENT_REASONS or line.reason == "no_pm25"
    ]
    return [
        Gap(
            day=local_time(begin).date(),
            start_ms=begin,
            end_ms=end,
            reasons=_reasons(lines, begin, end),
        )
        for begin, end in spans
    ]


def _reasons(lines: Iterable[Missing], begin: int, end: int) -> list[str]:
    """Why, the reason that covers most of the time first."""
    covered: dict[str, int] = {}
    for line in lines:
        overlap = min(line.end_ms, end) - max(line.start_ms, begin)
        if overlap > 0:
            covered[line.reason] = covered.get(line.reason, 0) + overlap
    return sorted(covered, key=lambda reason: (-covered[reason], reason))


def _deeds(sources: WeekSources, week: LessonAir, first: date, last: date) -> Deeds:
    if not week.slots:
        return Deeds()
    start, end = week.slots[0].start_ms, week.slots[-1].start_ms + SLOT_MS
    on: set[int] = set()
    seen: set[int] = set()
    if sources.config.purifiers_in(week.room):
        bands = sources.queries.purifier_bands(week.room, start, end)
        on = _slots_within(week.slots, (band for band in bands if band.on))
        seen = _slots_within(week.slots, (band for band in bands if band.on is not None))
    site = week.room.partition(".")[0]
    begin, until = day_start_ms(first), day_start_ms(last) + DAY_MS
    events = [one for one in sources.research.events(begin, until, site) if one.room in ("", week.room)]
    return Deeds(
        purifier_percent=largest_remainder([len(on), len(week.slots) - len(on)])[0] if on else None,
        purifier_unknown=len(seen) < len(week.slots),
        airings=sum(one.kind == "airing" and one.room == week.room for one in events),
        cancelled=sorted({local_time(max(one.start_ms, begin)).date() for one in events if _cancelled(one)}),
    )


def _cancelled(event: SchoolEvent) -> bool:
    return event.kind == "activity_cancelled"


def _slots_within(slots: Iterable[LessonSlot], bands: Iterable[Band]) -> set[int]:
    """Starts of the slots whose middle lies in a band."""
    spans = [(band.start_ms, band.end_ms) for band in bands]
    middle = SLOT_MS // 2
    return {slot.start_ms for slot in slots if any(begin <= slot.start_ms + middle < end for begin, end in spans)}
