"""As told then and as known now: past quarters of an hour of a room, with the reasons why the two differ."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from classair.alerting.reading import NotKnown
from dashboard.api._asked import End, Start, known_room, stretch
from dashboard.api._faults import ApiFault, responses
from dashboard.api._moments import iso
from dashboard.api.rooms import RoomId
from dashboard.context import Context
from dashboard.queries.told import Quarter, quarters
from research.lesson_slots import SLOT_MS
from research.told_then import Reason

_DAYS: Final = 1


class ToldThen(BaseModel):
    """What the room's screens showed at `end`; `at`: since when."""

    at: str
    status: str = Field(examples=["ok"])
    pm25: str = Field(description="PM2.5 as shown, µg/m³; empty without a value", examples=["18"])
    level: str = Field(examples=["good"])
    config_version: int
    simulated: bool


class KnownNow(BaseModel):
    """The mean of the quarter-hour as in reports, explorer and exports; null when it is not known."""

    value: float | None = Field(description="µg/m³", examples=[18.42])
    pm25: str = Field(description="the same as a screen writes it", examples=["18"])
    level: str = Field(examples=["good"])


class QuarterRow(BaseModel):
    """`reasons` of a difference between `told` and `known`; `same` if there is none.

    window: screens show the 15 minutes up to the newest sample; held: a level changes after 5 minutes only;
    late_readings: not all were there yet; flagged: readings were set aside since; configuration: a correction was
    approved, changed or ended since; one_sensor: it is the value of one of the room's sensors; suspect: its sensors
    were not to be trusted; simulated: one of the two is simulated; not_told: no record; unknown: none of these gives
    what was told.
    """

    start: str = Field(examples=["2026-11-23T09:00:00+07:00"])
    end: str
    told: ToldThen | None = Field(description="null: there is no record")
    known: KnownNow
    reasons: list[Reason]
    late: int = Field(description="readings of those 15 minutes that were delivered late")
    flagged: int = Field(description="readings of those 15 minutes with a flag that is only set afterwards")


class ToldAnswer(BaseModel):
    """Oldest first. Each reason but `unknown` is recomputed from stored readings, flags and corrections."""

    room: str
    arrival_times: Literal["not_kept"] = Field(
        "not_kept", description="when a reading arrived is not stored, only whether it was delivered late"
    )
    quarters: list[QuarterRow]


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["research"])

    @api.get(
        "/rooms/{room}/told",
        summary="Compare what screens showed with what is known now",
        responses=responses(401, 404, 422, 503),
    )
    async def told(room: RoomId, start: Start, end: End) -> ToldAnswer:
        """Quarter-hours that begin in the range and are over; at most one day per request."""
        since, until = stretch(start, end, _DAYS)
        await known_room(ctx, room)

        def found() -> list[Quarter]:
            return list(quarters(ctx.research, ctx.records, ctx.config(), room, since, until, ctx.now_ms()))

        try:
            rows = await asyncio.to_thread(found)
        except NotKnown as error:
            raise ApiFault(503, str(error), "records", "check that alerts is running: /api/v1/health") from None
        return ToldAnswer(room=room, quarters=[_row(one) for one in rows])

    return api


def _row(one: Quarter) -> QuarterRow:
    told, known = one.told, one.known
    return QuarterRow(
        start=iso(known.start_ms),
        end=iso(known.start_ms + SLOT_MS),
        told=None
        if told is None
        else ToldThen(
            at=iso(told.at, "milliseconds"),
            status=told.phase,
            pm25=told.shown,
            level=told.level,
            config_version=told.config_version,
            simulated=told.simulated,
        ),
        known=KnownNow(value=known.value, pm25=known.shown, level=known.level),
        reasons=list(known.reasons),
        late=known.late,
        flagged=known.flagged,
    )
