"""Reported problems for those who work on them: the list, one with its log, what is done with it, and the figures."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from classair.config import TicketKind
from classair.dates import Day, moment_ms
from classair.i18n import LANGUAGES
from classair.units import DAY_MS, MINUTE_MS
from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.access.guard import OTHER_ROOM
from dashboard.access.roles import Principal
from dashboard.api._faults import ApiFault, responses
from dashboard.api._moments import Moment
from dashboard.context import Context
from dashboard.tickets.changes import NotThere
from dashboard.tickets.life import NotPossible
from dashboard.tickets.photos import PhotoRefused
from dashboard.tickets.records import Evidence, Ticket
from dashboard.tickets.showing.proving import Offer, offer
from dashboard.tickets.words import WORDS_CHARS, Closing, Proof, State
from dashboard.tickets.work import Incomplete

TEXT_CHARS: Final = 500
PHOTO_CHARS: Final = 11_000_000
LATEST_FIX_MINUTES: Final = 14 * 24 * 60
LONGEST_DAYS: Final = 400

TicketId = Annotated[int, Path(ge=1, le=2**53, description="`id` of the report", examples=[1])]
Text = Annotated[str, Field(max_length=TEXT_CHARS)]
Said = Annotated[str, Field(min_length=1, max_length=TEXT_CHARS)]
Minutes = Annotated[float, Field(ge=0, le=LATEST_FIX_MINUTES)]


class TicketInfo(BaseModel):
    """A report as it is now. Times are UTC ms. How its reporter can be reached is in no answer of the API."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    number: str
    kind: TicketKind
    site: str
    room: str = Field(description="`<site>.<room>`; empty for the school as a whole")
    state: State
    channel: str
    received_at: int
    unit: str
    owner: str
    deadline: int | None = Field(description="null while the clock is stopped")
    office: bool = Field(description="only office hours count towards the deadline")
    late_at: int | None = Field(description="when it was found late; it stays late")
    why_late: str
    promised: int | None = Field(description="the new date")
    question: str
    resolved_at: int | None
    what: str
    proof: str = Field(description="readings, purifier, photo, act, none; empty while it is not solved")
    proof_words: str
    reopened: int = Field(description="how often")
    closed_at: int | None
    closing: Closing
    why: str = Field(description="why it was declined, merged or closed")
    where: str
    merged_into: int | None
    changed_at: int


class LogLine(BaseModel):
    at: int
    what: str
    who: str = Field(description="an account, `reporter` or `clock`")
    why: str
    data: dict[str, Any]


class WrittenWords(BaseModel):
    at: int
    who: str
    text: str
    photo: bool
    taken_back: bool


class NoticeInfo(BaseModel):
    at: int
    what: str
    channel: str
    title: str
    text: str
    handed_over_at: int | None = Field(description="taken by the service that delivers it")
    ended: str = Field(description="why it never will be; empty otherwise")


class TicketDetail(TicketInfo):
    evidence: dict[str, Any] | None = Field(description="what was looked up at the receipt; null until then")
    log: list[LogLine]
    written: list[WrittenWords]
    notices: list[NoticeInfo]


class TicketsAnswer(BaseModel):
    server_time: int
    tickets: list[TicketInfo]


class FiguresAnswer(BaseModel):
    """Of the reports received on these days, as they stand now (docs/tickets.md says how each is counted)."""

    model_config = ConfigDict(from_attributes=True)
    received: int
    in_time: int
    late: int
    on_time: float | None = Field(description="share of the solved and the late; null: there are none")
    median_hours: float | None
    reopened: int
    unconfirmed: int
    confirmed: int
    cancelled: int
    declined: int
    merged: int
    open: int
    overdue: int


class OfferAnswer(BaseModel):
    fits: list[Proof] = Field(description="which evidence is asked for")
    words: str | None = Field(description="what was found; null: nothing yet")
    why: str = Field(description="too_early, no_valid_data, purifier_off, not_falling, database; empty otherwise")
    ready_at: int | None = Field(description="when it can be there")


class _Deed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Assigning(_Deed):
    unit: Annotated[str, Field(max_length=32)] = ""
    owner: Annotated[str, Field(max_length=32, description="a person of `people:`")] = ""
    why: Text = ""


class Asking(_Deed):
    question: Annotated[Said, Field(examples=["Which of the two purifiers?"])]


class Resuming(_Deed):
    why: Said


class Promising(_Deed):
    reason: Said
    until: Moment


class Resolving(_Deed):
    """`proof` names the evidence: `readings` and `purifier` are looked up by the server, the others come with it."""

    what: Said
    proof: Proof
    words: Text = ""
    photo: Annotated[str, Field(max_length=PHOTO_CHARS, description="base64 of a JPEG, PNG or WebP")] = ""
    fixed_minutes: Minutes = 0
    language: Literal["th", "en"] = "th"


class Declining(_Deed):
    reason: Said
    where: Said


class Merging(_Deed):
    into: Annotated[str, Field(max_length=32, description="number or `id` of the other report")]
    why: Said


class Adding(_Deed):
    words: Annotated[str, Field(min_length=1, max_length=WORDS_CHARS)]


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["tickets"])
    work = ctx.tickets.work

    async def done(request: Request, ticket: int, do: Callable[[Ticket, str], Ticket]) -> TicketInfo:
        """One deed on a report that the caller may work on, in the words of the API where it is not possible."""
        known = await asyncio.to_thread(_known, ctx, request, ticket)
        try:
            return TicketInfo.model_validate(await asyncio.to_thread(do, known, request.state.principal.who))
        except NotPossible as error:
            raise ApiFault(409, f"not possible in the state {error.state}", "state") from None
        except Incomplete as error:
            raise ApiFault(422, f"{error.field} is missing or does not fit", error.field) from None
        except PhotoRefused as error:
            raise ApiFault(422, f"the photo is not accepted: {error.why}", f"photo_{error.why}") from None
        except NotThere:
            raise ApiFault(404, "there is no such report", "into") from None

    @api.get("/tickets", summary="List reported problems", responses=responses(401, 403, 422))
    async def tickets(
        request: Request,
        state: Annotated[list[State] | None, Query(description="only these states", examples=["received"])] = None,
        site: Annotated[str, Query(max_length=32, description="only this site", examples=["ban-suan"])] = "",
        limit: Annotated[int, Query(ge=1, le=500, description="at most so many", examples=[50])] = 200,
    ) -> TicketsAnswer:
        """The newest first, of the schools and rooms that the caller is about. Requires the scope `tickets`."""
        found = await asyncio.to_thread(ctx.tickets.listed, [site] if site else None, state or None)
        mine = [one for one in found if _covers(request, one)][:limit]
        return TicketsAnswer(server_time=ctx.now_ms(), tickets=[TicketInfo.model_validate(one) for one in mine])

    @api.get("/tickets/figures", summary="Get figures of reported problems", responses=responses(401, 403, 422))
    async def figures(
        request: Request,
        first: Annotated[Day, Query(description="first local day", examples=["2026-11-01"])],
        last: Annotated[Day, Query(description="last local day, included", examples=["2026-11-30"])],
        site: Annotated[str, Query(max_length=32, description="only this site", examples=["ban-suan"])] = "",
    ) -> FiguresAnswer:
        """Counted anew from the log's reports each time. Whole schools only: an account of single rooms gets 403."""
        return FiguresAnswer.model_validate(await asyncio.to_thread(_figures, ctx, request, first, last, site))

    @api.get("/tickets/{ticket}", summary="Get reported problem with its log", responses=responses(401, 403, 404))
    async def one(ticket: TicketId, request: Request) -> TicketDetail:
        return await asyncio.to_thread(_detail, ctx, await asyncio.to_thread(_known, ctx, request, ticket))

    @api.get(
        "/tickets/{ticket}/proof",
        summary="Look for evidence that a problem is solved",
        responses=responses(401, 403, 404, 422),
    )
    async def proof(
        ticket: TicketId,
        request: Request,
        fixed_minutes: Annotated[
            float, Query(ge=0, le=LATEST_FIX_MINUTES, description="so long ago it was repaired", examples=[30])
        ] = 0,
        language: Annotated[str, Query(max_length=8, description="of the words", examples=["en"])] = "th",
    ) -> OfferAnswer:
        """Valid data for 30 minutes after the repair, or a purifier that runs and falling PM2.5, as the kind asks."""
        known = await asyncio.to_thread(_known, ctx, request, ticket)
        found = await asyncio.to_thread(_offer, ctx, known, fixed_minutes, language)
        words = found.found.words if found.found is not None else None
        return OfferAnswer(fits=sorted(found.fits), words=words, why=found.why, ready_at=found.ready_at)

    deed = responses(401, 403, 404, 409, 415, 422)

    @api.post("/tickets/{ticket}/assign", summary="Take or assign report", responses=deed)
    async def assign(ticket: TicketId, wish: Assigning, request: Request) -> TicketInfo:
        return await done(request, ticket, lambda known, by: work.assign(known.id, wish.unit, wish.owner, by, wish.why))

    @api.post("/tickets/{ticket}/ask", summary="Ask the reporter; the clock stops", responses=deed)
    async def ask(ticket: TicketId, wish: Asking, request: Request) -> TicketInfo:
        return await done(request, ticket, lambda known, by: work.ask(known.id, wish.question, by))

    @api.post("/tickets/{ticket}/resume", summary="Let the clock run again", responses=deed)
    async def resume(ticket: TicketId, wish: Resuming, request: Request) -> TicketInfo:
        return await done(request, ticket, lambda known, by: work.resume(known.id, by, wish.why))

    @api.post("/tickets/{ticket}/promise", summary="Give the reason for being late and a new date", responses=deed)
    async def promise(ticket: TicketId, wish: Promising, request: Request) -> TicketInfo:
        """The deadline itself stays as it was promised first."""
        return await done(
            request, ticket, lambda known, by: work.promise(known.id, wish.reason, moment_ms(wish.until), by)
        )

    @api.post("/tickets/{ticket}/resolve", summary="Report a problem as solved, with evidence", responses=deed)
    async def resolve(ticket: TicketId, wish: Resolving, request: Request) -> TicketInfo:
        return await done(request, ticket, lambda known, by: _resolve(ctx, known, wish, by))

    @api.post("/tickets/{ticket}/decline", summary="Decline report, with reason and where to go", responses=deed)
    async def decline(ticket: TicketId, wish: Declining, request: Request) -> TicketInfo:
        return await done(request, ticket, lambda known, by: work.decline(known.id, wish.reason, wish.where, by))

    @api.post("/tickets/{ticket}/merge", summary="Merge report into another one of the school", responses=deed)
    async def merge(ticket: TicketId, wish: Merging, request: Request) -> TicketInfo:
        def both(known: Ticket, by: str) -> Ticket:
            into = ctx.tickets.find(wish.into)
            if into is None or not _covers(request, into):
                raise Incomplete("into")
            return work.merge(known.id, into.id, by, wish.why)

        return await done(request, ticket, both)

    @api.post("/tickets/{ticket}/words", summary="Add note to a report", responses=deed)
    async def words(ticket: TicketId, wish: Adding, request: Request) -> TicketInfo:
        """A note of staff, which the reporter does not see and which is no answer to a question."""
        return await done(request, ticket, lambda known, by: ctx.tickets.add_words(known.id, wish.words, by=by))

    return api


# -- who may -----------------------------------------------------------------------------------------------------------


def _covers(request: Request, ticket: Ticket) -> bool:
    principal: Principal = request.state.principal
    return principal.may("tickets", ticket.room or ticket.site)


def _known(ctx: Context, request: Request, ticket: int) -> Ticket:
    found = ctx.tickets.get(ticket)
    if found is None:
        raise ApiFault(404, f"unknown report {ticket}", "ticket", "see /api/v1/tickets")
    if not _covers(request, found):
        desk: Desk = request.app.state.desk
        principal: Principal = request.state.principal
        desk.note(principal.who, Action.REFUSED, f"{request.method} ticket {ticket}", "other school")
        raise ApiFault(403, f"{principal.name} may not work on reports of this place", "ticket", OTHER_ROOM)
    return found


# -- what is done and told ---------------------------------------------------------------------------------------------


def _offer(ctx: Context, ticket: Ticket, fixed_minutes: float, language: str) -> Offer:
    fixed = max(ticket.received_at, ctx.now_ms() - round(fixed_minutes * MINUTE_MS))
    return offer(ctx, ticket, fixed, language if language in LANGUAGES else ctx.config().language)


def _resolve(ctx: Context, ticket: Ticket, wish: Resolving, by: str) -> Ticket:
    found = _offer(ctx, ticket, wish.fixed_minutes, wish.language)
    if wish.proof in ("readings", "purifier"):
        if wish.proof not in found.fits:
            raise Incomplete("proof")
        if found.found is None:
            raise ApiFault(409, f"the evidence is not there: {found.why}", f"proof_{found.why}")
        return ctx.tickets.work.resolve(ticket.id, wish.what, found.found, found.fits, by)
    photo = _photo(ctx, wish.photo) if wish.proof == "photo" and wish.photo else ""
    evidence = Evidence(wish.proof, wish.words, photo)
    try:
        return ctx.tickets.work.resolve(ticket.id, wish.what, evidence, found.fits, by)
    except BaseException:
        ctx.tickets.photos.remove(photo)
        raise


def _photo(ctx: Context, text: str) -> str:
    try:
        return ctx.tickets.photos.keep(base64.b64decode(text, validate=True))
    except binascii.Error:
        raise PhotoRefused("not_a_picture") from None


def _figures(ctx: Context, request: Request, first: date, last: date, site: str) -> Any:
    principal: Principal = request.state.principal
    if last < first or (last - first).days * DAY_MS > LONGEST_DAYS * DAY_MS:
        raise ApiFault(422, f"the range must have 1 to {LONGEST_DAYS} days", "last")
    sites = [site] if site else [one for one in ctx.config().sites if principal.covers(one)]
    if not sites or not all(principal.covers(one) for one in sites):
        raise ApiFault(403, f"{principal.name} is not about a whole school", "site", OTHER_ROOM)
    return ctx.tickets.figures(first, last, sites)


def _detail(ctx: Context, ticket: Ticket) -> TicketDetail:
    log = ctx.tickets.history(ticket.id)
    evidence = next((dict(entry.data) for entry in log if entry.what == "evidence"), None)
    return TicketDetail(
        **TicketInfo.model_validate(ticket).model_dump(),
        evidence=evidence,
        log=[
            LogLine(at=one.at, what=one.what, who=one.who, why=one.why, data=dict(one.data))
            for one in log
            if one.what != "evidence"
        ],
        written=[
            WrittenWords(at=one.at, who=one.who, text=one.text, photo=bool(one.photo), taken_back=bool(one.taken_back))
            for one in ctx.tickets.written(ticket.id)
        ],
        notices=[
            NoticeInfo(
                at=one.at,
                what=one.what,
                channel=one.channel,
                title=one.title,
                text=one.text,
                handed_over_at=one.told_at,
                ended=one.ended,
            )
            for one in ctx.tickets.notices(ticket.id)
        ],
    )
