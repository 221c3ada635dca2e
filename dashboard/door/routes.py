"""The door page, and what its form asks for. Open to anyone: it says nothing that LINE would not say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from markupsafe import Markup

from classair.timetable import local_time
from classair.units import DAY_MS
from dashboard.api.stream import HEADERS
from dashboard.context import Context
from dashboard.door.past import RoomPasts
from dashboard.door.view import Door
from dashboard.frame import parts, theme
from dashboard.frame.markup import fill_ages, markup, whole
from dashboard.live.pieces import Board, Pieces
from dashboard.public.kept import Kept, Ready
from dashboard.public.pages import filled, language, plain_page
from dashboard.public.room_codes import RoomCodes
from dashboard.records.book import FIELDS, OLDEST_DAYS
from dashboard.reports.engine import unavailable

KEPT_S: Final = 1.0
"""A page as old as this is still sent; its script reads the server's time from the stream."""
SAID: Final = ("check_mail", "wrong_mail", "no_mail", "too_many")
"""What a form had for an answer, as the address says it."""


def router(ctx: Context, pieces: Pieces) -> APIRouter:
    light = APIRouter(include_in_schema=False)
    kept, pasts, codes = Kept(KEPT_S), RoomPasts(ctx), RoomCodes(ctx.desk, ctx.now_ms)

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
        return StreamingResponse(
            board(room, language(request)).stream(after, once, public=True),
            media_type="text/event-stream",
            headers=HEADERS,
        )

    return light


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
        code=codes.code_of(room),
        records=ctx.folder is not None and ctx.exports is not None and not unavailable(),
        said=said,
        today=local_time(now).date().isoformat(),
        home=f"/door/{room}?lang={chosen}",
        earliest=local_time(now - OLDEST_DAYS * DAY_MS).date().isoformat(),
        typed=dict.fromkeys(FIELDS, ""),
    )
    return Ready.of(html.encode())
