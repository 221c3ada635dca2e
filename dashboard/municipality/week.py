"""This week of some schools with last week beside it: what the strip of the overview shows. Asks store and ledger."""

from __future__ import annotations

import calendar
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from classair.alerting.reading import NotKnown
from classair.timetable import local_time
from classair.units import DAY_MS
from dashboard.context import Context
from dashboard.municipality.energy import Energy, Filters, energy_of, filters_due
from dashboard.municipality.lessons import Lessons, add_up, together
from dashboard.tickets.figures import Figures
from dashboard.tickets.words import OPEN

MOST_OPEN: Final = 100_000
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Span:
    """Lessons and reported problems of some days."""

    first: date
    last: date
    lessons: Lessons
    tickets: Figures
    by_site: Mapping[str, Lessons]


@dataclass(frozen=True, slots=True)
class Used:
    """Energy of whole days, with the protected pupil-hours of the same days. `energy` None: not known."""

    first: date
    last: date
    energy: Energy | None
    protected_hours: float | None


@dataclass(frozen=True, slots=True)
class Week:
    """`this`: Monday to now; `before`: a week earlier, up to the same time of day. `used`: the last seven whole days.

    `month`: the first day of the month whose filters are counted; `open`, `overdue`: reported problems, now.
    """

    at_ms: int
    this: Span
    before: Span
    used: Used
    used_before: Used
    filters: Filters
    month: date
    open: int
    overdue: int


def week_of(ctx: Context, sites: Collection[str]) -> Week:
    """Of these schools, up to the present. Raises StoreUnavailable; not for the event loop's thread."""
    now = ctx.now_ms()
    today = local_time(now).date()
    monday = today - timedelta(days=today.weekday())
    units = purifiers_of(ctx, sites)
    open_ = ctx.tickets.listed(sites, OPEN, limit=MOST_OPEN)
    yesterday, seven = today - timedelta(days=1), timedelta(days=6)
    month = today.replace(day=1)
    end = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    return Week(
        now,
        span_of(ctx, sites, monday, today, now),
        span_of(ctx, sites, monday - WEEK, today - WEEK, now - WEEK.days * DAY_MS),
        used_of(ctx, sites, yesterday - seven, yesterday),
        used_of(ctx, sites, yesterday - seven - WEEK, yesterday - WEEK),
        filters_due(ctx.config(), units, ctx.live.care, end),
        month,
        len(open_),
        sum(one.late(now) for one in open_),
    )


def span_of(ctx: Context, sites: Collection[str], first: date, last: date, until_ms: int | None = None) -> Span:
    """Raises StoreUnavailable."""
    capacity = {full: room.capacity for full, room in ctx.config().rooms()}
    by_site = {
        site: add_up((rooms for _, rooms in ctx.queries.lesson_days.of(site, first, last)), capacity, until_ms)
        for site in sites
    }
    return Span(first, last, together(by_site.values()), ctx.tickets.figures(first, last, sites), by_site)


def used_of(ctx: Context, sites: Collection[str], first: date, last: date) -> Used:
    """Raises StoreUnavailable."""
    capacity = {full: room.capacity for full, room in ctx.config().rooms()}
    lessons = together(
        add_up((rooms for _, rooms in ctx.queries.lesson_days.of(site, first, last)), capacity) for site in sites
    )
    try:
        energy = energy_of(ctx.config(), purifiers_of(ctx, sites), ctx.records.usage(first, last))
    except NotKnown:
        energy = None
    return Used(first, last, energy, lessons.protected_hours)


def purifiers_of(ctx: Context, sites: Collection[str]) -> list[str]:
    return [full for full, _ in ctx.config().purifiers() if full.partition(".")[0] in sites]
