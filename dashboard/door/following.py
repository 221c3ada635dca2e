"""Following a room by mail: a form, a link that proves the address, and a link in each mail to stop.

Both links open a page with one button. A link alone must change nothing: mail programs open links to look for harm.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from classair import i18n
from classair.alerting import links
from classair.asking import NoAnswer
from classair.units import DAY_MS, HOUR_MS
from dashboard.access.whence import Caller
from dashboard.context import Context
from dashboard.door.wishes import CONFIRM_MS, LONGEST, Wish, Wishes, follower_of, tidy
from dashboard.following.followers import MOST_MAIL, Followers, TooManyRooms
from dashboard.frame import parts, theme
from dashboard.public.forms import read
from dashboard.public.limits import Limit
from dashboard.public.pages import filled, language, page, plain_page
from dashboard.telling import Message, NotAccepted, mail_is_ready, tell

log = logging.getLogger(__name__)

OF_CALLER: Final = 5  # an hour
OF_ALL: Final = 200  # an hour
OF_ADDRESS: Final = 2  # a day; more are taken for done, so that nobody's mailbox is filled from here


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)
    wishes, followers = Wishes(ctx), Followers(ctx.desk, ctx.now_ms)
    callers, whole = Limit(OF_CALLER, HOUR_MS), Limit(OF_ALL, HOUR_MS)
    addresses = Limit(OF_ADDRESS, DAY_MS)

    @light.post("/door/{room}/follow")
    async def follow(request: Request, room: str) -> Response:
        """The same answer whether or not somebody follows already: it tells nobody who does."""
        if not ctx.config().has_room(room) or ctx.config().room(room).outdoor:
            return plain_page(request, 404)
        chosen, caller, now = language(request), _caller(request), ctx.now_ms()
        mail = (await read(request, {"mail": LONGEST * 2}))["mail"]
        address = tidy(mail)
        if address is None:
            return _asked(ctx, request, room, "wrong_mail", mail)
        if not mail_is_ready(ctx):
            said = "no_mail"
        elif not (callers.passes(caller, now) and whole.passes("", now)):
            said = "too_many"
        elif not addresses.passes(address, now):
            said = "check_mail"
        else:
            said = await _ask(room, address, chosen, _base(ctx, request))
        return RedirectResponse(f"/door/{room}?lang={chosen}&said={said}#said", 303)

    async def _ask(room: str, address: str, chosen: str, base: str) -> str:
        wish = await asyncio.to_thread(wishes.make, address, room, chosen)
        token = wishes.token(wish) if wish is not None else ""
        if wish is None or not token:
            return "no_mail"
        try:
            await tell(ctx, _confirmation(ctx, wish, f"{base}/follow/{token}?lang={chosen}"))
        except (NotAccepted, NoAnswer) as error:
            log.warning("mail_confirmation_failed error=%s", type(error).__name__)
            await asyncio.to_thread(wishes.drop, wish)
            return "no_mail"
        return "check_mail"

    @light.get("/follow/{token}")
    async def confirm(request: Request, token: str) -> Response:
        wish = await asyncio.to_thread(wishes.of, token)
        return _answer(ctx, request, "confirm", wish.room if wish else "", "ask" if wish else "over")

    @light.post("/follow/{token}")
    async def confirmed(request: Request, token: str) -> Response:
        wish = await asyncio.to_thread(wishes.of, token)
        if wish is None or not ctx.config().has_room(wish.room):
            return _answer(ctx, request, "confirm", "", "over")
        state = await asyncio.to_thread(_begin, wish)
        return _answer(ctx, request, "confirm", wish.room, state)

    def _begin(wish: Wish) -> str:
        already = any(one.room == wish.room for one in followers.of("mail", wish.address))
        if not already and followers.count(wish.room, "mail") >= MOST_MAIL:
            return "full"
        try:
            followers.follow("mail", wish.address, wish.room, wish.language, weekly=True, alerts=False)
        except TooManyRooms:
            return "full"
        wishes.drop(wish)
        return "done"

    @light.get("/unfollow/{token}")
    async def stop(request: Request, token: str) -> Response:
        found = await asyncio.to_thread(follower_of, ctx, followers, token)
        room, follower = found or ("", None)
        return _answer(ctx, request, "stop", room, "ask" if follower else "done" if found else "over")

    @light.post("/unfollow/{token}")
    async def stopped(request: Request, token: str) -> Response:
        found = await asyncio.to_thread(follower_of, ctx, followers, token)
        room, follower = found or ("", None)
        if follower is not None:
            await asyncio.to_thread(_end, follower.address, room)
        return _answer(ctx, request, "stop", room, "done" if found else "over")

    def _end(address: str, room: str) -> None:
        followers.unfollow("mail", address, room)
        if not followers.of("mail", address):
            followers.forget("mail", address)

    return light


def _asked(ctx: Context, request: Request, room: str, said: str, mail: str) -> Response:
    """The form again, with what was typed and what is wrong with it."""
    chosen = language(request)
    text = filled(
        "mail_ask.html",
        chosen,
        f"/door/{room}",
        look=theme.theme_of(request),
        room=room,
        room_name=parts.room_name(ctx, chosen, room),
        site_name=parts.site_name(ctx, chosen, room),
        home=f"/door/{room}?lang={chosen}",
        simulated=ctx.config().site_simulated(room.partition(".")[0]),
        said=said,
        typed_mail=mail,
    )
    return HTMLResponse(text, 422)


def _answer(ctx: Context, request: Request, what: str, room: str, state: str) -> Response:
    chosen = language(request)
    known = bool(room) and ctx.config().has_room(room)
    shown = page(
        request,
        "follow.html",
        chosen,
        status=404 if state == "over" else 200,
        what=what,
        state=state,
        room=parts.room_name(ctx, chosen, room) if known else "",
        site=parts.site_name(ctx, chosen, room) if known else "",
        home=f"/door/{room}?lang={chosen}" if known else f"/town?lang={chosen}",
        simulated=known and ctx.config().site_simulated(room.partition(".")[0]),
    )
    shown.headers["X-Robots-Tag"] = "noindex, nofollow"
    return shown


def _confirmation(ctx: Context, wish: Wish, link: str) -> Message:
    places = {
        "room": parts.room_name(ctx, wish.language, wish.room),
        "site": parts.site_name(ctx, wish.language, wish.room),
    }
    return Message(
        key=f"mail-wish:{wish.id}",
        channel="mail",
        address=wish.address,
        language=wish.language,
        title=i18n.t(wish.language, "door.mail.title", **places),
        text=i18n.t(wish.language, "door.mail.text", link=link, **places),
        severity="info",
        kind="other",
        until_ms=ctx.now_ms() + CONFIRM_MS,
        site=wish.room.partition(".")[0],
    )


def _base(ctx: Context, request: Request) -> str:
    return links.base(ctx.config()) or str(request.base_url).rstrip("/")


def _caller(request: Request) -> str:
    caller: Caller = request.state.caller
    return caller.address
