"""Requests for signed records of a room: listed, given or declined by those who may approve for the room."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.access.guard import OTHER_ROOM
from dashboard.access.roles import Principal
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.context import Context
from dashboard.records.book import LONGEST_REASON, Decided, RecordBook, RecordRequest
from dashboard.records.making import NotMade, make

RecordId = Annotated[str, Path(max_length=32, description="`id` of the request", examples=["9f2c1a7b3d4e5f60"])]


class RecordInfo(BaseModel):
    """A request. Times are UTC ms, days are local and both included. `contact` is empty once it has been erased."""

    id: str
    room: str
    first: str
    last: str
    purpose: str
    contact: str
    language: str
    asked_at: int
    state: str = Field(description="open, given or declined")
    decided_at: int | None
    decided_by: str
    reason: str


class RecordsAnswer(BaseModel):
    server_time: int
    records: list[RecordInfo]


class Refusal(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=LONGEST_REASON)] = Field(
        description="why; the requester reads it", examples=["Please ask the head teacher."]
    )


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["records"])
    book = RecordBook(ctx)
    turns = asyncio.Lock()

    async def own(identity: str, principal: Principal) -> RecordRequest:
        found = await asyncio.to_thread(book.get, identity)
        if found is None or not ctx.config().has_room(found.room):
            raise unknown("record", identity, ())
        if not principal.may("approve", found.room):
            raise ApiFault(403, f"{principal.name} may not decide for {found.room}", "record", OTHER_ROOM)
        if found.state != "open":
            raise ApiFault(409, "this request has been decided already", "record")
        return found

    def noted(request: Request, do: Action, about: RecordRequest, outcome: str) -> None:
        desk: Desk = request.app.state.desk
        principal: Principal = request.state.principal
        desk.note(principal.who, do, f"{about.id} {about.room}", outcome)

    @api.get("/records", summary="List requests for signed records", responses=responses(401, 403))
    async def records(request: Request) -> RecordsAnswer:
        """Requires the scope `approve`. Newest first, at most 200; those of rooms that the account is about."""
        principal: Principal = request.state.principal
        found = await asyncio.to_thread(book.listed)
        return RecordsAnswer(
            server_time=ctx.now_ms(), records=[_info(one) for one in found if principal.may("approve", one.room)]
        )

    @api.post(
        "/records/{record}/approve",
        summary="Give record: make its files and sign them",
        responses=responses(401, 403, 404, 409, 415, 503),
    )
    async def approve(record: RecordId, request: Request) -> RecordInfo:
        """Requires the scope `approve` for the room. Takes some seconds; without files nothing is given (503)."""
        principal: Principal = request.state.principal
        async with turns:
            found = await own(record, principal)
            try:
                await make(ctx, found)
                given = await asyncio.to_thread(book.decide, record, "given", principal.by)
            except NotMade as failed:
                noted(request, Action.RECORD_APPROVE, found, "failed")
                raise ApiFault(503, f"the record cannot be made: {failed}", "record") from None
            except Decided:
                raise ApiFault(409, "this request has been decided already", "record") from None
        noted(request, Action.RECORD_APPROVE, given, "given")
        return _info(given)

    @api.post(
        "/records/{record}/decline",
        summary="Decline request for a record, with a reason",
        responses=responses(401, 403, 404, 409, 415, 422),
    )
    async def decline(record: RecordId, refusal: Refusal, request: Request) -> RecordInfo:
        """Requires the scope `approve` for the room."""
        principal: Principal = request.state.principal
        found = await own(record, principal)
        try:
            declined = await asyncio.to_thread(book.decide, record, "declined", principal.by, refusal.reason)
        except Decided:
            raise ApiFault(409, "this request has been decided already", "record") from None
        noted(request, Action.RECORD_DECLINE, found, "declined")
        return _info(declined)

    return api


def _info(one: RecordRequest) -> RecordInfo:
    return RecordInfo(
        id=one.id,
        room=one.room,
        first=one.first.isoformat(),
        last=one.last.isoformat(),
        purpose=one.purpose,
        contact=one.contact,
        language=one.language,
        asked_at=one.asked_at,
        state=one.state,
        decided_at=one.decided_at,
        decided_by=one.decided_by,
        reason=one.reason,
    )
