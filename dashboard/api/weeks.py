"""The parents' weekly report as numbers: the same model as page, PDF and message."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request

from classair.dates import Day
from classair.timetable import local_time
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.api.rooms import RoomId
from dashboard.context import Context
from dashboard.reports.week.asking import current
from dashboard.reports.week.numbers import WeekReport, ends_ms, monday_of


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["rooms"])

    @api.get(
        "/rooms/{room}/week",
        summary="Weekly report of a room: lesson time from Monday to Friday",
        responses=responses(401, 403, 404, 422, 503),
    )
    async def week(
        room: RoomId,
        request: Request,
        day: Annotated[
            Day | None, Query(description="any day of the week; default: today", examples=["2026-11-20"])
        ] = None,
    ) -> WeekReport:
        """Computed from the database now. The report that parents were sent is kept as it was made."""
        config = ctx.config()
        indoors = [full for full, one in config.rooms() if not one.outdoor]
        if room not in indoors:
            raise unknown("room", room, indoors)
        if not request.state.principal.covers(room):
            raise ApiFault(403, f"{room} is not one of your rooms", "room")
        monday = monday_of(day or local_time(ctx.now_ms()).date())
        if ends_ms(config, room, monday) is None:
            raise ApiFault(404, f"{room} has no lessons in the week of {monday}", "day")
        return await asyncio.to_thread(current, ctx, room, monday)

    return api
