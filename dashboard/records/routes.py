"""Asking for a record at the door page, and the requester's own page, which nobody else knows the address of."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse

from classair import i18n
from classair.dates import day
from classair.places import Places
from classair.timetable import local_time
from classair.units import DAY_MS, HOUR_MS
from dashboard.access.whence import Caller
from dashboard.context import Context
from dashboard.frame import parts, theme
from dashboard.public.forms import read
from dashboard.public.limits import Limit
from dashboard.public.pages import filled, language, page, plain_page
from dashboard.records.book import (
    FIELDS,
    LONGEST_CONTACT,
    LONGEST_DAYS,
    LONGEST_PURPOSE,
    OLDEST_DAYS,
    RecordBook,
    RecordRequest,
    TooManyOpen,
)
from dashboard.records.making import files, names
from dashboard.records.signing import SUFFIX, Signer

OF_CALLER: Final = 5  # an hour
OF_ALL: Final = 60  # an hour
_KINDS: Final = {".pdf": "application/pdf", ".csv": "text/csv; charset=utf-8", ".json": "application/json"}


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)
    book = RecordBook(ctx)
    callers, whole = Limit(OF_CALLER, HOUR_MS), Limit(OF_ALL, HOUR_MS)

    @light.post("/door/{room}/record")
    async def ask(request: Request, room: str) -> Response:
        if not ctx.config().has_room(room) or ctx.config().room(room).outdoor:
            return plain_page(request, 404)
        chosen, caller, now = language(request), request.state.caller, ctx.now_ms()
        assert isinstance(caller, Caller)
        typed = await _typed(request)
        first, last, purpose, contact = typed.values()
        days, why = _days(first, last, local_time(now).date()), " ".join(purpose.split())
        if days is None:
            said = "wrong_days"
        elif not why or len(why) > LONGEST_PURPOSE or len(contact.strip()) > LONGEST_CONTACT:
            said = "no_purpose"
        elif not (callers.passes(caller.address, now) and whole.passes("", now)):
            said = "too_many"
        else:
            try:
                made = await asyncio.to_thread(book.ask, room, *days, why, " ".join(contact.split()), chosen)
            except TooManyOpen:
                said = "too_many_open"
            else:
                return RedirectResponse(f"/record/{book.token(made)}?lang={chosen}", 303)
        status, look = 429 if said.startswith("too_many") else 422, theme.theme_of(request)
        told = _asked(ctx, room, chosen, said, typed)
        return HTMLResponse(filled("record_ask.html", chosen, f"/door/{room}", look=look, **told), status)

    @light.get("/record/{token}")
    async def status(request: Request, token: str) -> Response:
        found = await asyncio.to_thread(book.of_token, token)
        if found is None or not ctx.config().has_room(found.room):
            return plain_page(request, 404)
        chosen = language(request)
        shown = page(request, "record.html", chosen, **_places(ctx, found, chosen, token))
        shown.headers["X-Robots-Tag"] = "noindex, nofollow"
        return shown

    @light.get("/record/{token}/{name}")
    async def file(request: Request, token: str, name: str) -> Response:
        found = await asyncio.to_thread(book.of_token, token)
        path = files(ctx, found).get(name) if found is not None else None
        if path is None:
            return plain_page(request, 404)
        return FileResponse(path, media_type=_KINDS[path.suffix], filename=name)

    @light.get("/record-key")
    async def key(request: Request) -> Response:
        """The public key, for those who verify; anyone may have it."""
        if ctx.folder is None:
            return plain_page(request, 404)
        signer = await asyncio.to_thread(Signer, Places(ctx.folder).record_key)
        return PlainTextResponse(signer.public_key + "\n")

    return light


async def _typed(request: Request) -> dict[str, str]:
    """What is somewhat too long comes back to be shortened."""
    sent = await read(request, dict.fromkeys(FIELDS, 2048))
    return {name: sent[name] for name in FIELDS}


def _days(first: str, last: str, today: date) -> tuple[date, date] | None:
    """The days that were asked for; None where they are none, lie ahead, too far back, or are too many."""
    try:
        begin, end = day(first), day(last)
    except ValueError:
        return None
    known = today - timedelta(days=OLDEST_DAYS) <= begin <= end <= today
    return (begin, end) if known and (end - begin).days < LONGEST_DAYS else None


def _asked(ctx: Context, room: str, chosen: str, said: str, typed: dict[str, str]) -> dict[str, Any]:
    """What the form needs to be shown again with what was typed, and what is wrong with it."""
    now = ctx.now_ms()
    return {
        "room": room,
        "room_name": parts.room_name(ctx, chosen, room),
        "site_name": parts.site_name(ctx, chosen, room),
        "simulated": ctx.config().site_simulated(room.partition(".")[0]),
        "home": f"/door/{room}?lang={chosen}",
        "today": local_time(now).date().isoformat(),
        "earliest": local_time(now - OLDEST_DAYS * DAY_MS).date().isoformat(),
        "said": said,
        "typed": typed,
    }


def _places(ctx: Context, found: RecordRequest, chosen: str, token: str) -> dict[str, Any]:
    there, named = files(ctx, found), names(found)
    listed = [
        (kind, f"/record/{token}/{name}", f"/record/{token}/{name}{SUFFIX}")
        for kind, name in (("pdf", named.pdf), ("csv", named.csv))
        if name in there and name + SUFFIX in there
    ]
    return {
        "room": parts.room_name(ctx, chosen, found.room),
        "site": parts.site_name(ctx, chosen, found.room),
        "home": f"/door/{found.room}?lang={chosen}",
        "simulated": ctx.config().site_simulated(found.site),
        "days": found.days(chosen),
        "number": found.id,
        "state": found.state,
        "asked": i18n.show_date(local_time(found.asked_at), chosen, "day_time"),
        "decided": i18n.show_date(local_time(found.decided_at), chosen, "day_time") if found.decided_at else "",
        "reason": found.reason,
        "files": listed,
    }
