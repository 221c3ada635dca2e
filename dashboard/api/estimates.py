"""Room estimates, the school calendar, and the versions of days."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from classair.timetable import HoursOfDay
from dashboard.api._asked import First, Last, days
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.api.rooms import RoomId
from dashboard.context import Context

ESTIMATE_DAYS: Final = 62
CALENDAR_DAYS: Final = 400
AT_ONCE: Final = 2
"""Estimates worked out at the same time; each holds a month of minutes in memory."""


class EstimatesAnswer(BaseModel):
    """Each with its value (`mean` for exposure), interval, n, completeness and version; null: cannot be estimated.

    `warnings` names what looks impossible. `filter` is the effective CADR as a share of that when new, with `due`.
    """

    room: str
    first: date
    last: date
    simulated: bool
    estimates: list[dict[str, Any]] = Field(
        examples=[
            [
                {
                    "quantity": "air_changes",
                    "method": "break",
                    "value": 2.1,
                    "low": 1.7,
                    "high": 2.6,
                    "unit": "1/h",
                    "n": 14,
                }
            ]
        ]
    )


class TimeRange(BaseModel):
    start: str = Field(examples=["08:30:00"])
    end: str = Field(examples=["11:30:00"])


class CalendarDay(BaseModel):
    """`occupied`: children are in the room; `lessons`: lesson time. Both are empty on days without school."""

    day: date
    school: bool
    why: str = Field(description="holiday, half_day, make_up_day, outside_terms, weekend; empty on ordinary days")
    name: dict[str, str] = Field(description="the day's name where the calendar has one")
    occupied: list[TimeRange]
    lessons: list[TimeRange]


class CalendarAnswer(BaseModel):
    """Wall times are Asia/Bangkok."""

    room: str
    timetable: str | None
    days: list[CalendarDay]


class VersionsAnswer(BaseModel):
    """The version of a day increases with each change of its data; days without data are absent."""

    site: str
    versions: dict[date, int]


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["research"])
    working = asyncio.Semaphore(AT_ONCE)

    def configured(room: str) -> str:
        if not ctx.config().has_room(room):
            raise unknown("room", room, (full for full, _ in ctx.config().rooms()))
        return room

    @api.get(
        "/rooms/{room}/estimates",
        summary="Estimate ventilation, effective CADR, infiltration and exposure",
        responses=responses(401, 404, 422, 501, 503),
    )
    async def estimates(room: RoomId, first: First, last: Last) -> EstimatesAnswer:
        """At most 62 days. Computed for each request, which takes seconds for a long range."""
        start, end = days(first, last, ESTIMATE_DAYS)
        configured(room)
        async with working:
            try:
                found = await asyncio.to_thread(ctx.research.estimates, room, start, end)
            except ImportError as missing:
                raise ApiFault(
                    501,
                    f"{missing.name} is not installed on this server",
                    "estimates",
                    "install classair[research] on it",
                ) from None
        return EstimatesAnswer(
            room=room,
            first=first,
            last=last,
            estimates=found,
            simulated=ctx.config().site_simulated(room.partition(".")[0]),
        )

    @api.get(
        "/calendar",
        summary="List school days, lessons and reasons for days without",
        responses=responses(401, 404, 422),
    )
    async def calendar(
        room: Annotated[str, Query(description="`<site>.<room>`, whose timetable applies", examples=["ban-suan.p1-2"])],
        first: First,
        last: Last,
    ) -> CalendarAnswer:
        days(first, last, CALENDAR_DAYS)
        configured(room)
        wanted = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return CalendarAnswer(
            room=room, timetable=ctx.config().room(room).timetable, days=[_day(ctx, room, day) for day in wanted]
        )

    @api.get(
        "/versions", summary="List the data version of each day of a school", responses=responses(401, 404, 422, 503)
    )
    async def versions(
        site: Annotated[str, Query(description="the school", examples=["ban-suan"])],
        first: First,
        last: Last,
    ) -> VersionsAnswer:
        days(first, last, 8000)
        if site not in ctx.config().sites:
            raise unknown("site", site, ctx.config().sites)
        found = await asyncio.to_thread(ctx.research.site_versions, site, first, last)
        return VersionsAnswer(site=site, versions=found)

    return api


def _day(ctx: Context, room: str, day: date) -> CalendarDay:
    table, config = ctx.config().timetable_of(room), ctx.config()
    school, known, name = table.school_day(day), table.calendar, {}
    for year in config.school_years.values():
        title = year.make_up_days.get(day) or year.holidays.get(day)
        if title is not None:
            name = title.model_dump()
    why = ""
    if day in known.make_up_days:
        why = "make_up_day"
    elif day in known.holidays:
        why = "holiday"
    elif school and day in known.half_days:
        why = "half_day"
    elif not school:
        why = "outside_terms" if day.weekday() in table.days else "weekend"
    return CalendarDay(
        day=day,
        school=school,
        why=why,
        name=name,
        occupied=_spans(table.occupied_spans(day)),
        lessons=_spans(table.lesson_spans(day)),
    )


def _spans(spans: list[HoursOfDay]) -> list[TimeRange]:
    return [TimeRange(start=span.start.isoformat(), end=span.end.isoformat()) for span in spans]
