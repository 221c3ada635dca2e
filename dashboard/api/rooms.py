"""Rooms: list, current status, and time series."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, Field

from classair.config import Room, Titles
from classair.dates import moment_ms
from classair.model import QUANTITIES, SHOWN
from classair.timetable import local_time
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import RoomState
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.api._moments import Moment, iso
from dashboard.context import Context
from dashboard.live.ages import actions_as_of, state_as_of
from dashboard.queries.rooms import MAX_BUCKETS

RoomId = Annotated[str, Path(description="`<site>.<room>`", examples=["ban-suan.p1-2"])]


class Names(BaseModel):
    th: str
    en: str


class RoomInfo(BaseModel):
    """A room in sensors.yaml; `level` as shown on every screen at `server_time`."""

    room: str = Field(examples=["ban-suan.p1-2"])
    site: str
    name: Names
    site_name: Names
    outdoor: bool
    simulated: bool
    sensors: list[str]
    purifiers: list[str]
    level: str = Field(examples=["good"])
    pm25: str = Field(description="PM2.5 as shown, µg/m³; empty when unknown", examples=["18"])
    status: str = Field(examples=["ok"])
    rule: str = Field(description="row of the advice, empty while nothing is known of the room", examples=["13a"])
    action: dict[str, str] = Field(description="the action by language, word for word as on every screen")
    disagree: bool = Field(description="the room's sensors differ too much; the higher value is shown")
    heat_index_c: float | None = Field(description="heat index, °C", examples=[33.4])
    heat: str = Field(description="its band, empty when unknown", examples=["warning"])
    display: str = Field(examples=["/display/ban-suan.p1-2"])


class Rooms(BaseModel):
    server_time: int = Field(description="UTC ms", examples=[1795401720000])
    rooms: list[RoomInfo]


class RoomNow(BaseModel):
    """The room's status at `server_time`: an outdated value is late or unknown here too."""

    server_time: int = Field(description="UTC ms", examples=[1795401720000])
    state: RoomState


class Point(BaseModel):
    """One step. `mean`, `low`, `high` of valid values; None when it has only bad ones or cannot be corrected."""

    start: str = Field(examples=["2026-11-23T09:40:00+07:00"])
    n: int
    mean: float | None
    low: float | None
    high: float | None
    suspect: int
    bad: dict[str, int]
    completeness: float = Field(description="share of the readings expected by now that are valid, 0 to 1")
    complete: bool = Field(description="at least 75 % of the expected readings are valid")


class SeriesAnswer(BaseModel):
    """Oldest first; intervals without any reading are absent, so gaps stay visible."""

    room: str
    quantity: str
    unit: str
    step_s: int
    start: str
    end: str
    completeness: float | None = Field(description="share of the time up to now that valid readings cover")
    correction: str = Field("none", description="correction applied to PM2.5; `none`: the sensor's own value")
    simulated: bool
    points: list[Point]


def _step(value: str) -> str:
    step_ms(value)
    return value


def step_ms(value: str) -> int:
    """Milliseconds of `5m`, `1h`. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,3})(m|h)", value)
    if match is None:
        raise ValueError("expected minutes or hours, such as 5m or 1h")
    return int(match[1]) * (MINUTE_MS if match[2] == "m" else HOUR_MS)


Step = Annotated[str, AfterValidator(_step)]


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["rooms"])

    def known(room: str) -> Room:
        if not ctx.config().has_room(room):
            raise unknown("room", room, (full for full, _ in ctx.config().rooms()))
        return ctx.config().room(room)

    @api.get("/rooms", summary="List rooms with their current level", responses=responses(401))
    async def rooms() -> Rooms:
        config, now = ctx.config(), ctx.now_ms()
        return Rooms(server_time=now, rooms=[_info(ctx, full, room, now) for full, room in config.rooms()])

    @api.get("/rooms/{room}/now", summary="Get current room status", responses=responses(401, 404, 503))
    async def now(room: RoomId) -> RoomNow:
        known(room)
        at, state = ctx.now_ms(), ctx.live.state(room)
        if state is None:
            raise ApiFault(
                503,
                "this room has no status yet",
                room,
                "check that alerts and the broker are running: /api/v1/health",
            )
        return RoomNow(server_time=at, state=state_as_of(state, at))

    @api.get("/rooms/{room}/series", summary="Get time series of a room", responses=responses(401, 404, 422, 503))
    async def series(
        room: RoomId,
        quantity: Annotated[str, Query(description="one of " + ", ".join(QUANTITIES), examples=[SHOWN[0]])] = "pm25",
        start: Annotated[
            Moment | None,
            Query(
                description="ISO 8601 with offset, or UTC ms; default: one day before `end`",
                examples=["2026-11-23T00:00:00+07:00"],
            ),
        ] = None,
        end: Annotated[
            Moment | None,
            Query(description="ISO 8601 with offset, or UTC ms; default: now", examples=["2026-11-24T00:00:00+07:00"]),
        ] = None,
        step: Annotated[
            Step | None, Query(description="averaging interval, 1m to 24h; must divide a day", examples=["5m"])
        ] = None,
        points: Annotated[
            int,
            Query(ge=1, le=MAX_BUCKETS, examples=[720], description="maximum number of points if no step is given"),
        ] = 720,
    ) -> SeriesAnswer:
        known(room)
        until = moment_ms(end) if end else ctx.now_ms()
        since = moment_ms(start) if start else until - 24 * HOUR_MS
        found = await asyncio.to_thread(
            ctx.queries.series,
            room,
            quantity,
            _sane(since),
            _sane(until),
            step_ms=step_ms(step) if step else None,
            points=points,
        )
        return SeriesAnswer(
            room=room,
            quantity=quantity,
            unit=QUANTITIES[quantity].unit,
            step_s=found.step_ms // 1000,
            start=iso(found.start_ms),
            end=iso(found.end_ms),
            completeness=found.completeness(ctx.now_ms()),
            correction=found.correction,
            simulated=ctx.config().site_simulated(room.partition(".")[0]),
            points=[
                Point(
                    start=iso(b.start_ms),
                    n=b.n,
                    mean=b.corrected,
                    low=b.low,
                    high=b.high,
                    suspect=b.suspect,
                    bad=b.bad,
                    completeness=b.completeness,
                    complete=b.complete,
                )
                for b in found.rows
            ],
        )

    return api


def _sane(at_ms: int) -> int:
    """A moment that a calendar can hold. Raises ApiFault."""
    try:
        local_time(at_ms)
    except (OverflowError, ValueError, OSError):
        raise ApiFault(422, "the time is outside the supported range", "query") from None
    return at_ms


def _names(told: Titles) -> Names:
    """In both languages, whichever of them the configuration has."""
    return Names(th=told.in_("th"), en=told.in_("en"))


def _info(ctx: Context, full: str, room: Room, at_ms: int) -> RoomInfo:
    config, site = ctx.config(), full.partition(".")[0]
    told = ctx.live.state(full)
    aged = state_as_of(told, at_ms) if told is not None else None
    state: Any = aged.pm25 if aged is not None else None
    return RoomInfo(
        room=full,
        site=site,
        name=_names(room.name),
        outdoor=room.outdoor,
        site_name=_names(config.sites[site].name),
        simulated=config.site_simulated(site),
        sensors=config.sensors_in(full),
        purifiers=config.purifiers_in(full),
        level=state.level if state else "unknown",
        pm25=state.shown if state else "",
        status=state.status if state else "unknown",
        rule=aged.rule if aged else "",
        action=actions_as_of(told, at_ms) if told is not None else {},
        disagree=bool(state and state.disagree),
        heat_index_c=aged.heat_index_c if aged else None,
        heat=aged.heat if aged else "",
        display=f"/display/{full}",
    )
