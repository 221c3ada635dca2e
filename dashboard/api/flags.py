"""Quality flags as intervals, and stored averages."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from classair.model import QUANTITIES
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.api._asked import End, Limit, Offset, RoomQuery, SensorQuery, Start, known_room, known_sensor, stretch
from dashboard.api._faults import ApiFault, responses
from dashboard.api._moments import iso
from dashboard.context import Context

FLAG_DAYS: Final = 7
"""Flags stand at single readings, which are looked through one by one."""

GRAINS: Final = {"1m": MINUTE_MS, "1h": HOUR_MS, "1d": DAY_MS}


class FlagStretch(BaseModel):
    """Flagged readings of a sensor without a longer pause. `bad`: they are excluded from every mean."""

    sensor: str
    room: str
    quantity: str = Field(description="empty: the flag applies to the whole reading", examples=["pm25"])
    flag: str = Field(examples=["STUCK"])
    bad: bool
    start: str = Field(examples=["2026-11-23T09:00:00+07:00"])
    end: str
    count: int = Field(description="flagged readings")
    simulated: bool


class FlagsAnswer(BaseModel):
    """Intervals are cut to the requested range."""

    room: str
    start: str
    end: str
    total: int
    flags: list[FlagStretch]
    next: int | None = Field(description="`offset` of the next page; null on the last")


class RollupRow(BaseModel):
    """A stored average of valid readings, with counts of excluded ones by class. `suspect` readings are included."""

    start: str = Field(examples=["2026-11-23T09:00:00+07:00"])
    n: int
    sum: float
    mean: float | None
    low: float | None
    high: float | None
    suspect: int
    bad: dict[str, int]


class RollupsAnswer(BaseModel):
    """Oldest first; intervals without any reading are absent."""

    room: str
    sensor: str | None
    quantity: str
    unit: str
    grain: str
    rollups: list[RollupRow]
    next: str | None = Field(description="`start` of the next page; null on the last")


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["research"])

    @api.get("/flags", summary="List quality flags as intervals", responses=responses(401, 404, 422, 503))
    async def flags(
        room: RoomQuery, start: Start, end: End, sensor: SensorQuery = None, offset: Offset = 0, limit: Limit = 1000
    ) -> FlagsAnswer:
        """At most seven days per request."""
        since, until = stretch(start, end, FLAG_DAYS)
        await known_room(ctx, room)
        await known_sensor(ctx, room, sensor)
        found = await asyncio.to_thread(ctx.research.flagged, room, since, until, sensor)
        return FlagsAnswer(
            room=room,
            start=iso(since),
            end=iso(until),
            total=len(found),
            flags=[
                FlagStretch(
                    sensor=one.sensor,
                    room=one.room,
                    quantity=one.quantity,
                    flag=one.flag,
                    bad=one.bad,
                    start=iso(max(one.start_ms, since)),
                    end=iso(one.end_ms),
                    count=one.count,
                    simulated=one.simulated,
                )
                for one in found[offset : offset + limit]
            ],
            next=offset + limit if offset + limit < len(found) else None,
        )

    @api.get(
        "/rollups", summary="List stored averages by minute, hour or local day", responses=responses(401, 404, 422, 503)
    )
    async def rollups(
        room: RoomQuery,
        start: Start,
        end: End,
        sensor: SensorQuery = None,
        quantity: Annotated[str, Query(description="one of " + ", ".join(QUANTITIES), examples=["pm25"])] = "pm25",
        grain: Annotated[
            Literal["1m", "1h", "1d"],
            Query(description="1m (of shown quantities), 1h or 1d (local days)", examples=["1h"]),
        ] = "1h",
        limit: Limit = 1000,
    ) -> RollupsAnswer:
        """Without `sensor`, the room's sensors are pooled. Values are uncorrected."""
        step = GRAINS[grain]
        since, until = stretch(start, end, {"1m": 31, "1h": 800, "1d": 8000}[grain])
        if quantity not in QUANTITIES:
            raise ApiFault(422, f"unknown quantity {quantity!r}", "quantity", ", ".join(QUANTITIES))
        if grain == "1m" and not QUANTITIES[quantity].shown:
            raise ApiFault(422, f"{quantity} is only stored by hour and day", "grain", "1h or 1d")
        await known_room(ctx, room)
        await known_sensor(ctx, room, sensor)
        found = await asyncio.to_thread(ctx.research.rollups, room, quantity, since, until, step, sensor)
        page = found[:limit]
        return RollupsAnswer(
            room=room,
            sensor=sensor,
            quantity=quantity,
            unit=QUANTITIES[quantity].unit,
            grain=grain,
            rollups=[
                RollupRow(
                    start=iso(b.start_ms),
                    n=b.n,
                    sum=b.sum,
                    mean=b.mean,
                    low=b.low,
                    high=b.high,
                    suspect=b.suspect,
                    bad=b.bad,
                )
                for b in page
            ],
            next=iso(found[limit].start_ms) if len(found) > limit else None,
        )

    return api
