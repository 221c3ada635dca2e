"""Reporting a problem without an account: what, where, words or one photo; check; send. Works without JavaScript."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import sqlite3
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from classair.alerting.links import base
from classair.config import TicketKind
from classair.units import DAY_MS, HOUR_MS
from dashboard.access.roles import Principal
from dashboard.access.whence import Caller
from dashboard.context import Context
from dashboard.door.wishes import LONGEST as MAIL_CHARS
from dashboard.door.wishes import tidy
from dashboard.frame.parts import name_order, sites_in_order
from dashboard.public.forms import Sent, read
from dashboard.public.limits import Limit
from dashboard.public.pages import language, page
from dashboard.telling import mail_is_ready
from dashboard.tickets import texts
from dashboard.tickets.life import NotPossible
from dashboard.tickets.photos import MOST_BYTES, PhotoRefused
from dashboard.tickets.records import NewTicket, Reporter
from dashboard.tickets.telling import links
from dashboard.tickets.words import KINDS, WORDS_CHARS

PER_ADDRESS: Final = 20
"""A school or a whole telephone network may come from one address."""
PER_ROOM: Final = 10
PHOTOS_PER_ADDRESS: Final = 30
PHONE_CHARS: Final = 24
PER_MAIL: Final = 3
"""A day: nobody's mailbox is filled from here."""
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,32}")
_LONGEST: Final = {
    "kind": 32,
    "place": 65,
    "words": WORDS_CHARS,
    "kept": 400,
    "key": 32,
    "came_by": 8,
    "phone": PHONE_CHARS,
    "mail": 2 * MAIL_CHARS,
    "do": 16,
}


@dataclass(frozen=True, slots=True)
class Filled:
    """What the form holds. `place` is `<site>.<room>` or `<site>`; `faults`: texts of `report_page` by field."""

    kind: str = ""
    place: str = ""
    words: str = ""
    kept: str = ""
    key: str = ""
    came_by: str = ""
    phone: str = ""
    mail: str = ""
    faults: dict[str, str] = field(default_factory=dict)


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)
    by_address, by_room = Limit(PER_ADDRESS, HOUR_MS), Limit(PER_ROOM, HOUR_MS)
    photos = Limit(PHOTOS_PER_ADDRESS, HOUR_MS)
    mailboxes = Limit(PER_MAIL, DAY_MS)
    drawing = asyncio.Semaphore(1)  # a large photo takes a hundred megabytes while it is drawn again

    def shown(request: Request, form: Filled, step: str = "ask", status: int = 200, **places: Any) -> Response:
        chosen, config, principal = language(request), ctx.config(), _principal(request)
        answer = page(
            request,
            "report.html",
            chosen,
            status=status,
            step=step,
            form=form,
            kinds=KINDS,
            schools=[
                (site, one.name.in_(chosen), _rooms(ctx, site, chosen)) for site, one in sites_in_order(config, chosen)
            ],
            place_name=place_name(ctx, form.place, chosen),
            words_chars=WORDS_CHARS,
            photo=links.photo_token(ctx, _kept(ctx, form.kept)) if form.kept else "",
            staff="tickets" in principal.scopes,
            mail=_mail_offered(ctx, principal),
            **{"known": [], "told": "", **places},
        )
        answer.headers["X-Robots-Tag"] = "noindex"
        return answer

    @light.get("/report")
    async def ask(request: Request, room: str = "", kind: str = "") -> Response:
        place = room if _is_place(ctx, room) else ""
        return shown(request, Filled(kind if kind in KINDS else "", place, key=secrets.token_urlsafe(16)))

    @light.post("/report")
    async def sent(request: Request) -> Response:
        data = await read(request, _LONGEST, photo="photo", photo_bytes=MOST_BYTES)
        form = _filled(ctx, data, mail=_mail_offered(ctx, _principal(request)))
        do, raw = data["do"], data.photo
        caller: Caller = request.state.caller
        now = ctx.now_ms()
        if raw and not photos.passes(caller.address, now):
            return shown(request, form, "too_many", 429)
        if raw:
            try:
                async with drawing:
                    form = replace(form, kept=_token(ctx, await asyncio.to_thread(ctx.tickets.photos.keep, raw)))
            except PhotoRefused as refused:
                form.faults["photo"] = refused.why
            except OSError:
                form.faults["photo"] = "not_kept"
        if form.faults:
            return shown(request, form, status=422)
        if do == "change":
            return shown(request, form)
        new = _new(ctx, form, _principal(request), language(request))
        if do in ("follow", "send") and new.mail and not mailboxes.passes(new.mail, now):
            form.faults["mail"] = "mail_too_often"
            return shown(request, form, status=422)
        if do == "follow":
            return await _follow(ctx, request, new, request.query_params.get("follow", ""), form, shown)
        if do != "send":
            return shown(request, form, "check", known=await asyncio.to_thread(_known, ctx, new, language(request)))
        if not (by_address.passes(caller.address, now) and by_room.passes(form.place, now)):
            return shown(request, form, "too_many", 429)
        try:
            ticket = await asyncio.to_thread(ctx.tickets.receive, new, f"web:{form.key}")
        except (sqlite3.Error, OSError):
            return shown(request, form, "failed", 503)
        if not (path := links.path(ctx, ticket)):  # no link can be signed: the number is all there is to keep
            told = texts.told(ctx.config(), ticket, "received", language(request))
            return shown(request, form, "sent", told=told)
        return _to(request, path, "received")

    return light


# -- what a form says --------------------------------------------------------------------------------------------------


def _mail_offered(ctx: Context, principal: Principal) -> bool:
    """Where a mail would leave, and could say by which address of ours the report is seen. Staff have the board."""
    return not principal.signed_in and mail_is_ready(ctx) and bool(base(ctx.config()))


def _filled(ctx: Context, data: Sent, *, mail: bool) -> Filled:
    faults: dict[str, str] = {}
    kind, place, kept, key = (data[name].strip() for name in ("kind", "place", "kept", "key"))
    if kind not in KINDS:
        kind, faults["kind"] = "", "kind_missing"
    if not _is_place(ctx, place):
        place, faults["place"] = "", "place_missing"
    address = data["mail"].strip() if mail else ""
    if address and tidy(address) is None:
        faults["mail"] = "mail_wrong"
    return Filled(
        kind,
        place,
        data["words"].strip(),
        kept if _kept(ctx, kept) else "",
        key if _KEY.fullmatch(key) else secrets.token_urlsafe(16),
        "phone" if data["came_by"] == "phone" else "",
        re.sub(r"[^0-9+ -]", "", data["phone"]),
        address,
        faults,
    )


def _new(ctx: Context, form: Filled, principal: Principal, chosen: str) -> NewTicket:
    """A report by an account is one of staff; by those who work on reports perhaps for somebody who has called."""
    reporter = Reporter("web", "", chosen)
    if principal.signed_in:
        called = "tickets" in principal.scopes and form.came_by == "phone"
        reporter = Reporter("phone", form.phone, chosen) if called else Reporter("staff", "", chosen)
    site, _, local = form.place.partition(".")
    return NewTicket(
        cast(TicketKind, form.kind),
        site,
        form.place if local else "",
        form.words,
        kept=_kept(ctx, form.kept),
        reporter=reporter,
        by=principal.who if principal.signed_in else "",
        mail=tidy(form.mail) or "",
    )


def _known(ctx: Context, new: NewTicket, chosen: str) -> list[dict[str, Any]]:
    """Open reports of the same kind and room, without anything that somebody wrote."""
    found = ctx.tickets.open_in(new.room, new.kind) if new.room else []
    return [
        {
            "id": one.id,
            "number": one.number,
            "state": one.state,
            "received": texts.moment(one.received_at, chosen),
            "deadline": texts.deadline(one, chosen),
        }
        for one in found[:3]
    ]


async def _follow(ctx: Context, request: Request, new: NewTicket, wanted: str, form: Filled, shown: Any) -> Response:
    """Only a report that the page has offered can be followed from here."""
    offered = {str(one["id"]) for one in await asyncio.to_thread(_known, ctx, new, language(request))}
    if wanted in offered:
        with contextlib.suppress(NotPossible):
            ticket = await asyncio.to_thread(ctx.tickets.follow, int(wanted), new.reporter)
            if new.mail:
                by_mail = replace(new.reporter, channel="mail", address=new.mail)
                await asyncio.to_thread(ctx.tickets.follow, ticket.id, by_mail)
            return _to(request, links.path(ctx, ticket, "follower"), "followed")
    return cast(Response, shown(request, form, "check"))


def _to(request: Request, path: str, done: str) -> Response:
    return RedirectResponse(f"{path}?{urlencode({'done': done, 'lang': language(request)})}", 303)


# -- places and photos -------------------------------------------------------------------------------------------------


def place_name(ctx: Context, place: str, chosen: str) -> str:
    site, _, room = place.partition(".")
    if not _is_place(ctx, place):
        return ""
    school = ctx.config().sites[site].name.in_(chosen)
    return (
        ctx.t(chosen, "ticket.place", room=ctx.config().room(place).name.in_(chosen), school=school) if room else school
    )


def _rooms(ctx: Context, site: str, chosen: str) -> list[tuple[str, str]]:
    """In the order in which people look for them; each with its school, of which a closed list shows nothing."""
    named = sorted(
        ctx.config().sites[site].rooms,
        key=lambda room: name_order(ctx.config().room(f"{site}.{room}").name.in_(chosen)),
    )
    return [(f"{site}.{room}", place_name(ctx, f"{site}.{room}", chosen)) for room in named]


def _is_place(ctx: Context, place: str) -> bool:
    return ctx.config().has_room(place) or place in ctx.config().sites


def _token(ctx: Context, name: str) -> str:
    return links.photo_token(ctx, name)


def _kept(ctx: Context, token: str) -> str:
    """The name of the photo that the form carries along; "" once that is too long ago."""
    return (links.photo_of(ctx, token) or "") if token else ""


def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal
