"""Provenance: sensor placements, approved corrections, and events logged by schools."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from classair.asking import NoAnswer
from classair.dates import Day, moment_ms
from classair.science.corrections import PUBLISHED, as_record
from classair.stores.events import KINDS, NOTE_LENGTH, SchoolEvent
from classair.timetable import day_start_ms
from classair.units import DAY_MS
from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.access.guard import OTHER_ROOM
from dashboard.access.roles import Principal
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.api._moments import Moment, iso
from dashboard.context import Context

SiteQuery = Annotated[str | None, Query(description="only this school", examples=["ban-suan"])]


class DeploymentRow(BaseModel):
    """Room of a sensor from `start` (null: before the first record) to `end`, exclusive (null: now)."""

    sensor: str
    room: str
    model: str
    start: str | None
    end: str | None
    config_version: int


class Deployments(BaseModel):
    deployments: list[DeploymentRow]


class CorrectionsAnswer(BaseModel):
    """`accepted`: every version ever approved; `published`: formulas available for comparison."""

    accepted: list[dict[str, Any]]
    published: list[dict[str, Any]]


class EventRow(BaseModel):
    id: str
    site: str
    room: str = Field(description="empty: the whole school")
    kind: str = Field(examples=["filter_change"])
    start: str
    end: str
    note: str
    question: str
    result: str
    added_by: str
    added_at: str


class Events(BaseModel):
    events: list[EventRow]


class EventWish(BaseModel):
    """An event. Without an end it is a moment; without a room it applies to the whole school."""

    site: str = Field(examples=["ban-suan"])
    room: str = Field("", examples=["ban-suan.p1-2"])
    kind: Literal[KINDS]  # type: ignore[valid-type]
    start: Moment = Field(examples=["2026-11-23T09:42:00+07:00"])
    end: Moment | None = None
    note: str = Field("", max_length=NOTE_LENGTH, description="no names of pupils")
    question: str = Field("", max_length=NOTE_LENGTH, description="of an experiment: what the class wanted to know")
    result: str = Field("", max_length=NOTE_LENGTH, description="of an experiment: what it found")


_EVER_MS: Final = 2**53


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["research"])

    def of_site(site: str | None) -> str | None:
        if site is not None and site not in ctx.config().sites:
            raise unknown("site", site, ctx.config().sites)
        return site

    @api.get("/deployments", summary="List sensor placements", responses=responses(401, 404, 503))
    async def deployments(site: SiteQuery = None) -> Deployments:
        wanted = of_site(site)
        found = await asyncio.to_thread(ctx.research.deployments)
        return Deployments(
            deployments=[
                DeploymentRow(
                    sensor=d.sensor,
                    room=d.room,
                    model=d.model,
                    start=iso(d.from_ms) if d.from_ms else None,
                    end=None if d.to_ms is None else iso(d.to_ms),
                    config_version=d.config_version,
                )
                for d in found
                if wanted in (None, d.sensor.partition(".")[0])
            ]
        )

    @api.get(
        "/corrections",
        summary="List approved and published corrections",
        responses=responses(401, 503),
    )
    async def corrections() -> CorrectionsAnswer:
        found = await asyncio.to_thread(ctx.research.corrections)
        return CorrectionsAnswer(
            accepted=[as_record(one) for one in found.accepted],
            published=[as_record(one) for one in PUBLISHED.values()],
        )

    @api.get("/events", summary="List events logged by schools", responses=responses(401, 404, 422, 503))
    async def events(
        first: Annotated[Day, Query(description="first local day", examples=["2026-11-01"])],
        last: Annotated[Day, Query(description="last local day, inclusive", examples=["2026-11-30"])],
        site: SiteQuery = None,
    ) -> Events:
        wanted = of_site(site)
        found = await asyncio.to_thread(ctx.research.events, day_start_ms(first), day_start_ms(last) + DAY_MS, wanted)
        return Events(events=[_event(one) for one in found])

    @api.post("/events", summary="Create event", status_code=201, responses=responses(401, 403, 409, 422, 503))
    async def note(wish: EventWish, request: Request) -> EventRow:
        """Requires the scope `control`. A browser session sends its CSRF token as `X-CSRF-Token`."""
        principal: Principal = request.state.principal
        about = wish.room or wish.site
        if not principal.controls(about):
            raise ApiFault(403, f"{principal.name} may not note events of {about}", "room", OTHER_ROOM)
        args = {
            "site": wish.site,
            "room": wish.room,
            "kind": wish.kind,
            "start": moment_ms(wish.start),
            "end": moment_ms(wish.end) if wish.end else None,
            "note": wish.note,
            "question": wish.question,
            "result": wish.result,
        }
        return await _asked(ctx, request, Action.EVENT_ADD, args, f"{wish.site} {wish.room} {wish.kind}")

    @api.delete("/events/{event}", summary="Retract event", responses=responses(401, 403, 404, 409, 503))
    async def withdraw(
        event: Annotated[str, Path(max_length=64, description="`id` of the event", examples=["ev-0"])],
        request: Request,
    ) -> EventRow:
        """Requires the scope `control`. The event is hidden, but stays on record with the person who retracted it."""
        principal: Principal = request.state.principal
        if principal.places:
            # Ingest knows no accounts, and what is not seen here is not among the events.
            known = await asyncio.to_thread(ctx.research.events, 0, _EVER_MS)
            found = next((one for one in known if one.id == event), None)
            if found is None:
                raise ApiFault(404, f"unknown event {event!r}", "event", "see /api/v1/events")
            about = found.room or found.site
            if not principal.controls(about):
                raise ApiFault(403, f"{principal.name} may not retract events of {about}", "event", OTHER_ROOM)
        return await _asked(ctx, request, Action.EVENT_WITHDRAW, {"id": event}, event)

    return api


async def _asked(ctx: Context, request: Request, do: Action, args: dict[str, Any], about: str) -> EventRow:
    principal: Principal = request.state.principal
    desk: Desk = request.app.state.desk
    try:
        answer = await ctx.live.ask("ingest", do.value, principal.who, args)
    except NoAnswer as error:
        desk.note(principal.who, do, about, str(error))
        raise ApiFault(503, str(error), "ingest", "nothing was saved; try again") from None
    desk.note(principal.who, do, about, "done" if answer.ok else answer.error)
    if not answer.ok:
        raise ApiFault(409, answer.error or "ingest rejected the event", "event")
    return _event(SchoolEvent(**answer.result["event"]))


def _event(event: SchoolEvent) -> EventRow:
    return EventRow(
        id=event.id,
        site=event.site,
        room=event.room,
        kind=event.kind,
        start=iso(event.start_ms),
        end=iso(event.end_ms),
        note=event.note,
        question=event.question,
        result=event.result,
        added_by=event.added_by,
        added_at=iso(event.added_at),
    )
