"""The weekly report behind its signed link: page, PDF and picture, without an account and without JavaScript."""

from __future__ import annotations

import asyncio
import logging
from datetime import date
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from dashboard.context import Context
from dashboard.public.pages import page as light_page
from dashboard.queries.rooms import StoreUnavailable
from dashboard.reports.engine import Form, unavailable
from dashboard.reports.press import PRESS, PressBusy, PressFailed
from dashboard.reports.week import page
from dashboard.reports.week.asking import as_told
from dashboard.reports.week.numbers import WeekReport
from dashboard.reports.week.shelf import Shelf

log = logging.getLogger(__name__)

_HEADERS: Final = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "private, max-age=300"}
_TYPES: Final[dict[Form, str]] = {"pdf": "application/pdf", "png": "image/png"}


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)

    def about(token: str) -> tuple[str, date]:
        """The room and Monday that a link is about. A link that was not signed here, or has ended, leads nowhere."""
        said = ctx.shares.read(page.KIND, token, ctx.now_ms())
        try:
            if said is None or len(said) != 2 or not ctx.config().has_room(said[0]):
                raise HTTPException(404)
            return said[0], date.fromisoformat(said[1])
        except ValueError:
            raise HTTPException(404) from None

    async def read(room: str, monday: date) -> WeekReport:
        return await asyncio.to_thread(as_told, ctx, room, monday)

    async def paper(token: str, request: Request, form: Form) -> Response:
        room, monday = about(token)
        language = ctx.language(request.query_params)
        data = await asyncio.to_thread(Shelf(ctx.papers).paper, room, monday, language, form)
        if data is None:
            try:
                report = await read(room, monday)
                html = page.printed(report, ctx.config(), language, page.token(ctx.shares, report))
                title = page.title(report, ctx.config(), language)
                data = await PRESS.print(html, form, title=title, language=language)
            except StoreUnavailable:
                return _sorry(request, language, "reports.no_database")
            except PressBusy:
                return _sorry(request, language, "week.busy")
            except PressFailed:
                return _sorry(request, language, "week.pdf_unavailable")
        name = f"{room}-{monday.isoformat()}-{language}.{form}"
        said = {**_HEADERS, "Content-Disposition": f'inline; filename="{name}"'}
        return Response(data, media_type=_TYPES[form], headers=said)

    @light.get("/report/{token}.pdf")
    async def as_pdf(token: str, request: Request) -> Response:
        return await paper(token, request, "pdf")

    @light.get("/report/{token}.png")
    async def as_picture(token: str, request: Request) -> Response:
        return await paper(token, request, "png")

    @light.get("/report/{token}")
    async def as_page(token: str, request: Request) -> Response:
        room, monday = about(token)
        language = ctx.language(request.query_params)
        try:
            report = await read(room, monday)
        except StoreUnavailable:
            return _sorry(request, language, "reports.no_database")
        html = page.web(report, ctx.config(), language, page.token(ctx.shares, report), not unavailable())
        return HTMLResponse(html, headers=_HEADERS)

    return light


def _sorry(request: Request, language: str, words: str) -> Response:
    answer = light_page(request, "plain.html", language, status=503, words=words)
    answer.headers["Retry-After"] = "60"
    return answer
