"""All numbers of a monthly paper: five measures beside last month and a year ago, help, reported problems, spending."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from classair.timetable import day_start_ms, local_time
from dashboard.context import Context
from dashboard.municipality.energy import Filters, filters_due
from dashboard.municipality.lessons import Lessons, add_up
from dashboard.municipality.week import Span, Used, purifiers_of, span_of, used_of
from dashboard.reports.month.help_needed import RoomMonth, SchoolHelp, SchoolMonth, clean_air_changes, needed
from dashboard.tickets.records import Ticket

MOST_TICKETS: Final = 1_000_000
MOST_REASONS: Final = 3
LITTLE_DATA: Final = 0.75


@dataclass(frozen=True, slots=True)
class Late:
    """Why reported problems were late, in the words of those who had to give a reason; `unsaid`: without one."""

    reasons: tuple[tuple[str, int], ...]
    unsaid: int


@dataclass(frozen=True, slots=True)
class MonthPaper:
    """`first`: the month's first day. `over`: whether it is over; else the numbers are of what has passed.

    `filters` are those due by the end of the month after, None for a month that is not the newest (the past of
    filters is not kept) and where nobody can be asked. `little`: rooms with less than three quarters of their lesson
    time known.
    """

    first: date
    made_ms: int
    over: bool
    sites: tuple[str, ...]
    this: Span
    before: Span
    year_ago: Span
    used: Used
    used_before: Used
    used_year_ago: Used
    help: tuple[SchoolHelp, ...]
    late: Late
    filters: Filters | None
    little: tuple[str, ...]
    rooms: int
    simulated: bool


def month_of(day: date) -> date:
    return day.replace(day=1)


def end_of(first: date) -> date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def before(first: date) -> date:
    return month_of(first - timedelta(days=1))


def after(first: date) -> date:
    return end_of(first) + timedelta(days=1)


def newest(now_ms: int) -> date:
    """The first day of the newest month that is over."""
    return before(month_of(local_time(now_ms).date()))


def make(ctx: Context, first: date, sites: Collection[str]) -> MonthPaper:
    """Asks store, ledger and desk. Raises StoreUnavailable; ValueError for a month that has not begun."""
    now = ctx.now_ms()
    today = local_time(now).date()
    if first > today:
        raise ValueError(f"{first:%Y-%m} has not begun")
    chosen = tuple(site for site in ctx.config().sites if site in sites)
    last, past, ago = end_of(first), before(first), first.replace(year=first.year - 1)
    month = span_of(ctx, chosen, first, last, now)
    by_room = _by_room(ctx, chosen, first, last, now)
    late = [one for one in _received(ctx, chosen, first, last) if one.late(now)]
    latest = last + timedelta(days=45) >= today
    due = None
    if latest and ctx.live.connected():
        due = filters_due(ctx.config(), purifiers_of(ctx, chosen), ctx.live.care, end_of(after(first)))
    schools = [_school(ctx, site, by_room, late, due) for site in chosen]
    return MonthPaper(
        first,
        now,
        last < today,
        chosen,
        month,
        span_of(ctx, chosen, past, end_of(past)),
        span_of(ctx, chosen, ago, end_of(ago)),
        used_of(ctx, chosen, first, last),
        used_of(ctx, chosen, past, end_of(past)),
        used_of(ctx, chosen, ago, end_of(ago)),
        tuple(needed(schools)),
        _reasons(late),
        due,
        tuple(sorted(full for full, one in by_room.items() if one.slots and (one.known_share or 0.0) < LITTLE_DATA)),
        sum(1 for one in by_room.values() if one.slots),
        any(ctx.config().site_simulated(site) for site in chosen),
    )


def _by_room(ctx: Context, sites: Collection[str], first: date, last: date, until_ms: int) -> dict[str, Lessons]:
    capacity = {full: room.capacity for full, room in ctx.config().rooms()}
    found: dict[str, Lessons] = {}
    for site in sites:
        days = [rooms for _, rooms in ctx.queries.lesson_days.of(site, first, last)]
        for key, room in ctx.config().sites[site].rooms.items():
            full = f"{site}.{key}"
            if not room.outdoor:
                mine = ({full: rooms[full]} for rooms in days if full in rooms)
                found[full] = add_up(mine, capacity, until_ms)
    return found


def _school(
    ctx: Context, site: str, by_room: dict[str, Lessons], late: Collection[Ticket], due: Filters | None
) -> SchoolMonth:
    config, units = ctx.config(), dict(ctx.config().purifiers())
    rooms = tuple(
        RoomMonth(
            full,
            lessons,
            clean_air_changes(
                config.room(full).volume_m3, {unit: units[unit].cadr_m3h for unit in config.purifiers_in(full)}
            ),
        )
        for full, lessons in by_room.items()
        if full.startswith(f"{site}.")
    )
    filters = sum(unit.startswith(f"{site}.") for unit in due.due) if due else 0
    return SchoolMonth(site, rooms, sum(one.site == site for one in late), filters)


def _received(ctx: Context, sites: Collection[str], first: date, last: date) -> list[Ticket]:
    start, end = day_start_ms(first), day_start_ms(last + timedelta(days=1))
    return [one for one in ctx.tickets.listed(sites, limit=MOST_TICKETS) if start <= one.received_at < end]


def _reasons(late: Collection[Ticket]) -> Late:
    said = Counter(" ".join(one.why_late.split()) for one in late if one.why_late.strip())
    most = sorted(said.items(), key=lambda it: (-it[1], it[0]))[:MOST_REASONS]
    return Late(tuple(most), sum(not one.why_late.strip() for one in late))
