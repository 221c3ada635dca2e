"""The report of a smoke episode as PDF: the same sheet as on its page, laid out for paper."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from starlette.exceptions import HTTPException

from classair.alerting.reading import NotKnown
from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.episodes.report import make
from dashboard.pages.episode_report import sheet
from dashboard.public.pages import page as light_page
from dashboard.reports.paper import paper
from dashboard.reports.press import PRESS, PressBusy, PressFailed


def html(ctx: Context, language: str, episode: str, names: bool) -> str | None:
    """The document, or None for an episode that nobody knows. `names`: with people's. Raises NotKnown."""
    record = ctx.records.episode(episode)
    if record is None:
        return None
    made = sheet.sheet(ctx, language, make(ctx, record, names), names)
    return paper("episode.html", language, sheet=Markup(made))  # noqa: S704  escaped where it was written


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)

    @light.get("/episode/{episode}/report.pdf")
    async def as_pdf(episode: str, request: Request) -> Response:
        language = ctx.language(request.query_params)
        names = Need.CONTROL.value in request.state.principal.scopes
        try:
            document = await asyncio.to_thread(html, ctx, language, episode, names)
            if document is None:
                raise HTTPException(404)
            title = ctx.t(language, "episode_report.title")
            data = await PRESS.print(document, "pdf", title=title, language=language)
        except NotKnown:
            return _sorry(request, language, "episode_page.unknown")
        except PressBusy:
            return _sorry(request, language, "month.busy")
        except PressFailed:
            return _sorry(request, language, "month.pdf_unavailable")
        said = {"Cache-Control": "no-store", "Content-Disposition": f'inline; filename="smoke-episode-{language}.pdf"'}
        return Response(data, media_type="application/pdf", headers=said)

    return light


def _sorry(request: Request, language: str, words: str) -> Response:
    answer = light_page(request, "plain.html", language, status=503, words=words)
    answer.headers["Retry-After"] = "60"
    return answer
