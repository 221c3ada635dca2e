"""A room's evidence as page and PDF, for those who may see the room."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from classair import i18n
from dashboard.clean_rooms.evidence import USUAL_DAYS, Evidence, Measured, collect, measured, span
from dashboard.clean_rooms.words import words
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.public.pages import page as light_page
from dashboard.queries.rooms import StoreUnavailable
from dashboard.reports.engine import ASSETS, unavailable
from dashboard.reports.paper import paper
from dashboard.reports.press import PRESS, PressBusy, PressFailed

SHEET: Final = "assets/public/paper.css"
_HEADERS: Final = {"Cache-Control": "no-store"}
Days = Annotated[int, Query(ge=7, le=366)]


@dataclass(frozen=True, slots=True)
class Links:
    back: str
    other: str
    other_lang: str
    other_name: str
    pdf: str


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)

    async def found(request: Request, room: str, days: int) -> tuple[Evidence, Measured]:
        config = ctx.config()
        if not config.has_room(room) or config.room(room).outdoor or not request.state.principal.covers(room):
            raise HTTPException(404)
        first, last = span(ctx.now_ms(), days)
        one = await asyncio.to_thread(collect, ctx, room, first, last)
        return one, await asyncio.to_thread(measured, ctx, room, first, last)

    @light.get("/clean-rooms/{room}.pdf")
    async def as_pdf(room: str, request: Request, days: Days = USUAL_DAYS) -> Response:
        language = ctx.language(request.query_params)
        try:
            html = printed(ctx, language, *await found(request, room, days))
            title = f"{ctx.t(language, 'clean_rooms.paper_title')} {parts.room_name(ctx, language, room)}"
            data = await PRESS.print(html, "pdf", title=title, language=language)
        except StoreUnavailable:
            return _sorry(request, language, "month.no_database")
        except PressBusy:
            return _sorry(request, language, "month.busy")
        except PressFailed:
            return _sorry(request, language, "month.pdf_unavailable")
        said = {**_HEADERS, "Content-Disposition": f'inline; filename="clean-room-{room}-{language}.pdf"'}
        return Response(data, media_type="application/pdf", headers=said)

    @light.get("/clean-rooms/{room}")
    async def as_page(room: str, request: Request, days: Days = USUAL_DAYS) -> Response:
        language = ctx.language(request.query_params)
        try:
            evidence = await found(request, room, days)
        except StoreUnavailable:
            return _sorry(request, language, "month.no_database")
        other = next((one for one in i18n.LANGUAGES if one != language), language)
        here = f"/clean-rooms/{room}"
        links = Links(
            parts.address("/clean-rooms", lang=language),
            parts.address(here, days=str(days), lang=other),
            other,
            i18n.head(other).name,
            "" if unavailable() else parts.address(f"{here}.pdf", days=str(days), lang=language),
        )
        sheets = (f"/assets/fonts.css?v={_version()}", f"/{SHEET}?v={_version()}")
        return HTMLResponse(_filled(ctx, language, *evidence, sheets, links), headers=_HEADERS)

    return light


def printed(ctx: Context, language: str, one: Evidence, clean: Measured) -> str:
    """For the engine of PDF and picture."""
    return _filled(ctx, language, one, clean, (SHEET,), None)


def _filled(
    ctx: Context, language: str, one: Evidence, clean: Measured, sheets: tuple[str, ...], links: Links | None
) -> str:
    return paper("clean_room.html", language, w=words(ctx, language, one, clean), sheets=sheets, links=links)


@lru_cache(maxsize=1)
def _version() -> str:
    return hashlib.sha256((ASSETS / "public" / "paper.css").read_bytes()).hexdigest()[:12]


def _sorry(request: Request, language: str, said: str) -> Response:
    answer = light_page(request, "plain.html", language, status=503, words=said)
    answer.headers["Retry-After"] = "60"
    return answer
