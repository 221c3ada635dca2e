"""A report as its reporter sees it, by a link without an account: how far it is, more words, all well or not yet."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from classair.units import HOUR_MS
from dashboard.context import Context
from dashboard.public.forms import FormRefused, read
from dashboard.public.limits import Limit
from dashboard.public.pages import language, page
from dashboard.tickets.changes import REPORTER
from dashboard.tickets.life import NotPossible
from dashboard.tickets.photos import MOST_BYTES, PhotoRefused
from dashboard.tickets.records import Ticket
from dashboard.tickets.telling import links, steps
from dashboard.tickets.telling.links import Holder
from dashboard.tickets.words import OPEN, UNDONE, WORDS_CHARS

PER_LINK: Final = 30
SAID: Final = (
    *("received", "followed", "added", "cancelled", "well", "not_yet", "not_possible", "failed", "too_many", "no_mail"),
    *("photo_too_large", "photo_too_many_pixels", "photo_not_a_picture", "photo_not_kept", "nothing"),
)
"""What came of a deed: keys of `ticket_page.done`."""
REFUSED: Final = {"not_possible": 409, "failed": 503, "photo_not_kept": 503, "too_many": 429}
"""Of which nothing came, with the status; whatever else is in `SAID` and no deed was sent wrong."""
DEEDS: Final = ("add", "cancel", "well", "not_yet", "no_mail")
DONE: Final = ("added", "cancelled", "well", "not_yet", "no_mail")
_LONGEST: Final = {"do": 16, "words": WORDS_CHARS}


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)
    limit = Limit(PER_LINK, HOUR_MS)
    drawing = asyncio.Semaphore(1)

    async def shown(request: Request, holder: Holder, ticket: Ticket, done: str, status: int = 200) -> Response:
        chosen = language(request)
        places = await asyncio.to_thread(_places, ctx, holder, ticket, chosen)
        told = {"ticket": ticket, "done": done, "words_chars": WORDS_CHARS, **places}
        return _private(page(request, "ticket.html", chosen, status=status, **told))

    @light.get("/ticket/{token}")
    async def show(token: str, request: Request, done: str = "") -> Response:
        holder = links.holder(ctx, token)
        ticket = await asyncio.to_thread(_shown, ctx, holder)
        if holder is None or ticket is None:
            return _private(page(request, "ticket.html", language(request), status=404, ticket=None))
        return await shown(request, holder, ticket, done if done in SAID else "")

    @light.post("/ticket/{token}")
    async def deed(token: str, request: Request) -> Response:
        """Nobody else can send this form: the token in its address is known to those alone who were given the link."""
        holder = links.holder(ctx, token)
        ticket = await asyncio.to_thread(_shown, ctx, holder)
        if holder is None or ticket is None:
            return _private(page(request, "ticket.html", language(request), status=404, ticket=None))
        sent = await read(request, _LONGEST, photo="photo", photo_bytes=MOST_BYTES)
        if sent["do"] not in DEEDS:
            raise FormRefused("incomplete")
        if not limit.passes(token, ctx.now_ms()):
            done = "too_many"
        else:
            async with drawing:
                done = await asyncio.to_thread(_do, ctx, holder, ticket, sent["do"], sent["words"], sent.photo)
        if done not in DONE:
            now = await asyncio.to_thread(_shown, ctx, holder) or ticket
            return await shown(request, holder, now, done, REFUSED.get(done, 422))
        return RedirectResponse(f"/ticket/{token}?{urlencode({'done': done, 'lang': language(request)})}", 303)

    @light.get("/photo/{token}")
    async def photo(token: str) -> Response:
        name = links.photo_of(ctx, token)
        picture = await asyncio.to_thread(ctx.tickets.photos.read, name) if name is not None else None
        if picture is None:
            raise HTTPException(404)
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})

    return light


def _shown(ctx: Context, holder: Holder | None) -> Ticket | None:
    """The report of a link, or the one that it was merged into."""
    ticket = ctx.tickets.get(holder.ticket) if holder is not None else None
    for _ in range(8):
        if ticket is None or ticket.merged_into is None:
            break
        ticket = ctx.tickets.get(ticket.merged_into)
    return ticket


def _places(ctx: Context, holder: Holder, ticket: Ticket, chosen: str) -> dict[str, Any]:
    own = ticket.id == holder.ticket and holder.part == "reporter"
    written = [one for one in ctx.tickets.written(ticket.id) if not one.taken_back and one.who == REPORTER]
    return {
        "merged": ctx.tickets.get(holder.ticket) if ticket.id != holder.ticket else None,
        "kind": ctx.t(chosen, f"ticket.kind.{ticket.kind}"),
        "place": steps.place(ctx.config(), ticket, chosen),
        "steps": steps.of(ctx, ticket, ctx.tickets.history(ticket.id), chosen),
        "overdue": ticket.late(ctx.now_ms()) and ticket.state in OPEN,
        "office": ticket.office,
        "written": [
            (one.text, links.photo_token(ctx, one.photo) if one.photo else "", steps.moment(one.at, chosen))
            for one in (written if own else [])
        ],
        "may_add": ticket.state in UNDONE,
        "may_cancel": own and ticket.state in OPEN,
        "may_answer": holder.part == "reporter" and ticket.state == "resolved",
        "may_stop_mail": bool(_mail_of(ctx, holder)),
        "proof_photo": links.photo_token(ctx, ticket.proof_photo) if ticket.proof_photo else "",
    }


def _mail_of(ctx: Context, holder: Holder) -> str:
    """The address to which the link was sent, while it is kept."""
    known = (
        [who.address for who, _ in ctx.tickets.reporters(holder.ticket) if who.channel == "mail"] if holder.mail else []
    )
    return next((one for one in known if links.digest(one) == holder.mail), "")


def _do(ctx: Context, holder: Holder, ticket: Ticket, do: str, words: str, raw: bytes) -> str:
    """What came of it, as a key of `ticket_page.done`."""
    tickets, reporter = ctx.tickets, holder.part == "reporter"
    try:
        if do == "add" and (words.strip() or raw):
            tickets.add_words(ticket.id, words, raw or None)
            return "added"
        if do == "cancel" and reporter and ticket.id == holder.ticket:
            tickets.cancel(ticket.id, why=words.strip())
            return "cancelled"
        if do in ("well", "not_yet") and reporter:
            tickets.answer(ticket.id, do == "well", why=words.strip())
            return do
        if do == "no_mail" and (address := _mail_of(ctx, holder)):
            tickets.forget("mail", address)
            return do
    except NotPossible:
        return "not_possible"
    except PhotoRefused as refused:
        return f"photo_{refused.why}"
    except (sqlite3.Error, OSError):
        return "failed"
    return "nothing" if do == "add" else "not_possible"


def _private(answer: Response) -> Response:
    """No search engine keeps it, no cache, no other site hears of it."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Cache-Control"] = "no-store"
    return answer
