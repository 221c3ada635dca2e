"""Query parameters shared by several resources: a known room, a range of times or days."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Final

from fastapi import Query

from classair.dates import Day, moment_ms
from classair.timetable import day_start_ms
from classair.units import DAY_MS
from dashboard.api._faults import ApiFault, unknown
from dashboard.api._moments import Moment, iso
from dashboard.context import Context

PAGE: Final = 5000

RoomQuery = Annotated[str, Query(description="`<site>.<room>`", examples=["ban-suan.p1-2"])]
SensorQuery = Annotated[str | None, Query(description="only this sensor", examples=["ban-suan.p1-2-pm"])]
Start = Annotated[Moment, Query(description="ISO 8601 with offset, or UTC ms", examples=["2026-11-23T09:00:00+07:00"])]
End = Annotated[
    Moment, Query(description="exclusive; ISO 8601 with offset, or UTC ms", examples=["2026-11-23T10:00:00+07:00"])
]
First = Annotated[Day, Query(description="first local day", examples=["2026-11-23"])]
Last = Annotated[Day, Query(description="last local day, inclusive", examples=["2026-11-24"])]
Offset = Annotated[
    int, Query(ge=0, le=10_000_000, description="lines to skip: `next` of the previous page", examples=[0])
]
Limit = Annotated[int, Query(ge=1, le=PAGE, description="lines per page", examples=[100])]


async def known_room(ctx: Context, room: str) -> str:
    """A room of the configuration, or one that has readings. Raises ApiFault."""
    known = {full for full, _ in ctx.config().rooms()} | set(await asyncio.to_thread(ctx.queries.rooms))
    if room not in known:
        raise unknown("room", room, known)
    return room


async def known_sensor(ctx: Context, room: str, sensor: str | None) -> None:
    """None, or a sensor that the configuration has or that has measured in this room. Raises ApiFault."""
    if sensor is None or sensor in dict(ctx.config().sensors()):
        return
    measured = await asyncio.to_thread(ctx.research.ask, lambda store: store.sensors(room))
    if sensor not in measured:
        there = (full for full, one in ctx.config().sensors() if f"{full.partition('.')[0]}.{one.room}" == room)
        raise unknown("sensor", sensor, {*measured, *there})


def stretch(start: str, end: str, longest_days: int) -> tuple[int, int]:
    """UTC ms of both ends. Raises ApiFault when they are the wrong way round or too far apart."""
    since, until = moment_ms(start), moment_ms(end)
    try:
        iso(since), iso(until)
    except (OverflowError, ValueError, OSError):
        raise ApiFault(422, "the time is outside the supported range", "query") from None
    if not 0 < until - since <= longest_days * DAY_MS:
        raise ApiFault(422, f"end must be after start, by at most {longest_days} days", "query")
    return since, until


def days(first: date, last: date, longest: int) -> tuple[int, int]:
    """UTC ms of the midnights before `first` and behind `last`. Raises ApiFault."""
    if not 0 <= (last - first).days < longest:
        raise ApiFault(422, f"last must not be before first, and the range must not exceed {longest} days", "query")
    return day_start_ms(first), day_start_ms(last) + DAY_MS
