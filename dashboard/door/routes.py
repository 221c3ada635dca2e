"""The door page, and what its form asks for. Open to anyone: it says nothing that LINE would not say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from markupsafe import Markup

from classair.timetable import local_time
from classair.units import DAY_MS
from dashboard.access.whence import Caller
from dashboard.api.stream import HEADERS
from dashboard.context import Context
from dashboard.door.past import RoomPasts
from dashboard.door.view import Door
from dashboard.frame import parts, theme
from dashboard.frame.markup import fill_ages, markup, whole
from dashboard.line import webhook
from dashboard.live.pieces import Board, Pieces
from dashboard.public.kept import Kept, Ready
from dashboard.public.limits import Seats
from dashboard.public.pages import filled, language, plain_page
from dashboard.public.room_codes import RoomCodes
from dashboard.records.book import FIELDS, OLDEST_DAYS
from dashboard.reports.engine import unavailable
from dashboard.telling import mail_is_ready

KEPT_S: Final = 1.0
"""A page as old as this is still sent; its script reads the server's time from the stream."""
SAID: Final = ("check_mail", "wrong_mail", "no_mail", "too_many")
"""What a form had for an answer, as the address says it."""

STREAMS: Final = 200
STREAMS_OF_CALLER: Final = 30
"""Of all doors together, so that their visitors take no place from the walls; one caller may be a school's Wi-Fi."""
AGAIN_MS: Final = 20_000
"""Whoever finds no place asks again after so long, before the page says that the server is away."""


def router(ctx: Context, pieces: Pieces) -> APIRouter:
    light = APIRouter(include_in_schema=False)
    kept, pasts, codes = Kept(KEPT_S), RoomPasts(ctx), RoomCodes(ctx.desk, ctx.now_ms)
    seats = Seats(STREAMS, STREAMS_OF_CALLER)

    def board(room: str, chosen: str) -> Board:
        return pieces.board(f"door/{chosen}/{room}", Door(ctx, pasts, chosen, room))

    @light.get("/door/{room}")
    async def door(request: Request, room: str, said: str = "") -> Response:
        if not ctx.config().has_room(room):
            return plain_page(request, 404)
        chosen, known, look = language(request), said if said in SAID else "", theme.theme_of(request)

        async def make() -> Ready:
            shown = board(room, chosen)
            await shown.renew()
            # Beside the event loop: the streams of all displays go on meanwhile.
            return await asyncio.to_thread(_filled, ctx, codes, room, chosen, known, look, *shown.pieces())

        state = ctx.live.state(room)  # a page of another state is never sent
        key = (room, chosen, known, look, state.at if state is not None else 0)
        answer = (await kept.get(key, make)).answer(request, Cache_Control="no-store")
        theme.keep(request, answer)
        return answer

    @light.get("/door/{room}/live")
    async def live(request: Request, room: str, since: int = 0, once: bool = False) -> Response:
        if not ctx.config().has_room(room):
            return plain_page(request, 404)
        heard = request.headers.get("last-event-id", "")
        after = int(heard) if heard.isascii() and heard.isdecimal() else since
        caller: Caller = request.state.caller
        shown = board(room, language(request))
        chunks = shown.stream(after, once=True, public=True) if once else _seated(seats, caller.address, shown, after)
        return StreamingResponse(chunks, media_type="text/event-stream", headers=HEADERS)

    return light


async def _seated(seats: Seats, caller: str, shown: Board, after: int) -> AsyncGenerator[bytes, None]:
    """The open stream while there is a place; without one what is new, and the word to come again for more."""
    seated = seats.take(caller)
    try:
        if not seated:
            yield f"retry: {AGAIN_MS}\n\n".encode()
        async with aclosing(shown.stream(after, once=not seated, public=True)) as chunks:
            async for chunk in chunks:
                yield chunk
    finally:
        if seated:
            seats.leave(caller)


def _filled(
    ctx: Context,
    codes: RoomCodes,
    room: str,
    chosen: str,
    said: str,
    look: theme.Theme,
    texts: Mapping[str, str],
    newest: int,
) -> Ready:
    """The whole page, from the pieces of its live part; `newest` is the number of the last of them."""
    body = fill_ages(whole(texts), lambda form, at_ms: parts.age_words(ctx, chosen, form, at_ms))
    config, now = ctx.config(), ctx.now_ms()
    html = filled(
        "door.html",
        chosen,
        f"/door/{room}",
        look=look,
        room=room,
        room_name=parts.room_name(ctx, chosen, room),
        site_name=parts.site_name(ctx, chosen, room),
        simulated=config.site_simulated(room.partition(".")[0]),
        outdoor=config.room(room).outdoor,
        clock=markup(parts.clock(ctx, chosen)),
        body=Markup(body),  # noqa: S704  escaped where it was made
        newest=newest,
        code=codes.code_of(room) if webhook.set_up() else "",
        mail=mail_is_ready(ctx),
        records=ctx.folder is not None and ctx.exports is not None and not unavailable(),
        said=said,
        today=local_time(now).date().isoformat(),
        home=f"/door/{room}?lang={chosen}",
        earliest=local_time(now - OLDEST_DAYS * DAY_MS).date().isoformat(),
        typed=dict.fromkeys(FIELDS, ""),
        typed_mail="",
    )
    return Ready.of(html.encode())
