"""Air quality indices with bands and sources, and hourly NowCast."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from classair.science.indexes import Index
from classair.science.indexes.known import INDEXES
from classair.science.nowcast import HOURS, nowcast
from classair.units import HOUR_MS
from dashboard.api._asked import End, Start, stretch
from dashboard.api._faults import responses, unknown
from dashboard.api._moments import iso
from dashboard.api.rooms import RoomId
from dashboard.context import Context

NOWCAST_DAYS: Final = 62


class BandRow(BaseModel):
    """`low` to `high` as published, both inclusive; `high` null: no upper limit."""

    key: str
    low: float
    high: float | None
    first: int | None
    last: int | None
    confirmed: bool


class ScaleRow(BaseModel):
    unit: str
    averaging: str = Field(description="averaging interval of the index", examples=["24 h"])
    bands: list[BandRow]


class IndexRow(BaseModel):
    key: str
    valid_from: date | None
    valid_until: date | None
    source: str
    nowcast: bool
    scales: dict[str, ScaleRow]


class IndicesAnswer(BaseModel):
    indices: list[IndexRow]


class NowCastRow(BaseModel):
    """`nowcast` of the twelve hours ending with this one; `named`: the correct name of its index number."""

    start: str = Field(examples=["2026-11-23T09:00:00+07:00"])
    mean: float | None = Field(description="hourly mean; null below 75% data completeness")
    nowcast: float | None
    level: str | None
    named: str = Field(examples=["level"])


class NowCastAnswer(BaseModel):
    room: str
    quantity: str
    unit: str
    index: str
    simulated: bool
    hours: list[NowCastRow]


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["research"])

    @api.get("/indices", summary="List air quality indices with bands and sources", responses=responses(401))
    async def indices() -> IndicesAnswer:
        return IndicesAnswer(indices=[_index(index) for index in INDEXES.values()])

    @api.get("/rooms/{room}/nowcast", summary="Get hourly NowCast of a room", responses=responses(401, 404, 422, 503))
    async def hours(
        room: RoomId,
        start: Start,
        end: End,
        quantity: Annotated[Literal["pm25", "pm10"], Query(description="pm25 or pm10", examples=["pm25"])] = "pm25",
        index: Annotated[
            str, Query(description="index for the levels: " + ", ".join(INDEXES), examples=["usepa2024"])
        ] = "usepa2024",
    ) -> NowCastAnswer:
        """Uncorrected values. NowCast is defined for outdoor air. At most 62 days."""
        since, until = stretch(start, end, NOWCAST_DAYS)
        if not ctx.config().has_room(room):
            raise unknown("room", room, (full for full, _ in ctx.config().rooms()))
        if index not in INDEXES or quantity not in INDEXES[index].scales:
            raise unknown("index", index, (key for key, one in INDEXES.items() if quantity in one.scales), 422)
        found = await asyncio.to_thread(
            ctx.queries.series, room, quantity, since - (HOURS - 1) * HOUR_MS, until, step_ms=HOUR_MS
        )
        means = {row.start_ms: row.mean for row in found.rows if row.complete}
        chosen, rows = INDEXES[index], []
        for at in range(-(-since // HOUR_MS) * HOUR_MS, until, HOUR_MS):
            cast = nowcast([means.get(at - age * HOUR_MS) for age in range(HOURS)], quantity)
            rows.append(
                NowCastRow(
                    start=iso(at),
                    mean=means.get(at),
                    nowcast=float(cast.value) if cast else None,
                    level=chosen.level(quantity, cast.value) if cast else None,
                    named=chosen.named(quantity, "nowcast"),
                )
            )
        return NowCastAnswer(
            room=room,
            quantity=quantity,
            unit="µg/m³",
            index=index,
            hours=rows,
            simulated=ctx.config().site_simulated(room.partition(".")[0]),
        )

    return api


def _index(index: Index) -> IndexRow:
    return IndexRow(
        key=index.key,
        valid_from=index.valid_from,
        valid_until=index.valid_until,
        source=index.source,
        nowcast=index.nowcast,
        scales={
            quantity: ScaleRow(
                unit=scale.unit,
                averaging=scale.averaging,
                bands=[
                    BandRow(
                        key=band.key,
                        low=float(band.low),
                        high=None if band.high is None else float(band.high),
                        first=band.first,
                        last=band.last,
                        confirmed=band.confirmed,
                    )
                    for band in scale.bands
                ],
            )
            for quantity, scale in index.scales.items()
        },
    )
