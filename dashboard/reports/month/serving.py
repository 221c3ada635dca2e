"""The monthly paper behind its signed link: page and PDF, without an account and without JavaScript."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import date
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from classair.units import MINUTE_MS
from dashboard.context import Context
from dashboard.public.pages import page as light_page
from dashboard.queries.rooms import StoreUnavailable
from dashboard.reports.engine import unavailable
from dashboard.reports.month import page
from dashboard.reports.month.numbers import MonthPaper, make
from dashboard.reports.press import PRESS, PressBusy, PressFailed

KEPT_MS: Final = 10 * MINUTE_MS
MOST_KEPT: Final = 24
_HEADERS: Final = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "private, max-age=300"}


class Made:
    """Papers that were asked for lately: a month of many schools takes seconds, and one is counted at a time."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._kept: OrderedDict[tuple[date, tuple[str, ...]], MonthPaper] = OrderedDict()
        self._lock = asyncio.Lock()

    async def of(self, first: date, sites: tuple[str, ...]) -> MonthPaper:
        """Raises StoreUnavailable, ValueError."""
        async with self._lock:
            known = self._kept.get((first, sites))
            if known is None or self._ctx.now_ms() - known.made_ms >= KEPT_MS:
                known = self._kept[(first, sites)] = await asyncio.to_thread(make, self._ctx, first, sites)
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            return known


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)
    made = Made(ctx)

    def about(token: str) -> tuple[date, tuple[str, ...]]:
        """A link that was not signed here, or has ended, leads nowhere."""
        said = ctx.shares.read(page.KIND, token, ctx.now_ms())
        found = page.about(ctx.config(), said) if said is not None else None
        if found is None:
            raise HTTPException(404)
        return found

    @light.get("/paper/month/{token}.pdf")
    async def as_pdf(token: str, request: Request) -> Response:
        first, sites = about(token)
        language = ctx.language(request.query_params)
        try:
            paper = await made.of(first, sites)
            html = page.printed(ctx, language, paper)
            data = await PRESS.print(html, "pdf", title=page.title(ctx, language, paper), language=language)
        except StoreUnavailable:
            return _sorry(request, language, "month.no_database")
        except PressBusy:
            return _sorry(request, language, "month.busy")
        except PressFailed:
            return _sorry(request, language, "month.pdf_unavailable")
        name = f"month-{first:%Y-%m}-{language}.pdf"
        said = {**_HEADERS, "Content-Disposition": f'inline; filename="{name}"'}
        return Response(data, media_type="application/pdf", headers=said)

    @light.get("/paper/month/{token}")
    async def as_page(token: str, request: Request) -> Response:
        first, sites = about(token)
        language = ctx.language(request.query_params)
        try:
            paper = await made.of(first, sites)
        except StoreUnavailable:
            return _sorry(request, language, "month.no_database")
        signed = page.token(ctx.shares, ctx.config(), first, sites)
        return HTMLResponse(page.web(ctx, language, paper, signed, not unavailable()), headers=_HEADERS)

    return light


def _sorry(request: Request, language: str, words: str) -> Response:
    answer = light_page(request, "plain.html", language, status=503, words=words)
    answer.headers["Retry-After"] = "60"
    return answer
