"""Live views of the working pages: their streams, and the documents of those pages that are nothing but a view."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from dash.backends import _fastapi as dash_fastapi
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException

from classair import i18n
from dashboard.access.reach import reader
from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import parts, served, theme
from dashboard.frame.markup import fill_ages, markup, whole
from dashboard.frame.page import Page
from dashboard.live.pieces import Board, Pieces

READER: Final = "reader"
"""A view with this argument is given who reads it, and is nobody else's."""
SHEETS: Final = ("fonts.css", "page-theme.css", "page-style.css")
SHARED: Final = ("page-acting.js", "page-live.js")
PLOTLY: Final = "page-plotly-cartesian.min.js"
CHARTS: Final = (PLOTLY, "page-date-field.js", "page-charts.js")
"""More for pages that draw."""
_STREAM: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_DOCUMENT: Final = """<!DOCTYPE html>
<html lang="{lang}" dir="{dir}"{theme}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>{title} · ClassAir</title>
<link rel="icon" href="{icon}" type="image/svg+xml">
{head}
</head>
<body><main>{content}</main></body>
</html>"""


def router(ctx: Context, pieces: Pieces) -> APIRouter:
    """A stream for each page that has a view, and a document for each that is light."""
    light = APIRouter(include_in_schema=False)
    for page in ctx.pages:
        if page.live:
            light.add_api_route(page.stream, _stream(ctx, pieces, page), methods=["GET"], name=f"live:{page.name}")
        for name, call in page.fragments.items():
            path = page.fragment(name)
            light.add_api_route(path, _fragment(ctx, call), methods=["GET"], name=f"fragment:{page.name}:{name}")
        if page.light:
            light.add_api_route(page.route, _document(ctx, pieces, page), methods=["GET"], name=f"page:{page.name}")
    return light


def files_of(pages: tuple[Page, ...], suffix: str) -> list[str]:
    """Addresses of the pages' own files; an address changes with what is in the file."""
    return [
        served.address(f"pages/{page.name}/{file.name}")
        for page in pages
        for file in page.files
        if file.suffix == suffix
    ]


def _places(page: Page, asked: Mapping[str, str]) -> dict[str, str]:
    """What of an address the page's view is about."""
    names = list(inspect.signature(page.module.view).parameters)[2:]
    return {name: asked[name] for name in names if name in asked and name != READER}


def _board(
    ctx: Context, pieces: Pieces, page: Page, language: str, places: dict[str, str], principal: Principal
) -> Board:
    """One for all readers of the same places, or one each where the view asks who reads it; no address can say that.

    Raises HTTPException: what the address asks for does not exist.
    """
    asking: dict[str, Principal] = {}
    about = {**places, "of": reader().key}
    if READER in inspect.signature(page.module.view).parameters:
        asking[READER] = principal
        about[READER] = " ".join([principal.who, *sorted(principal.scopes), *sorted(principal.places)])
    view = page.module.view(ctx, language, **asking, **places)
    if view is None:
        raise HTTPException(404)
    return pieces.board(f"{page.name}/{language}?{urlencode(about)}", view)


def _stream(ctx: Context, pieces: Pieces, page: Page) -> Any:
    async def stream(request: Request, since: int = 0, once: bool = False) -> StreamingResponse:
        asked = request.query_params
        heard = request.headers.get("last-event-id", "")
        places = _places(page, asked)
        board = _board(ctx, pieces, page, ctx.language(asked), places, request.state.principal)
        return StreamingResponse(
            board.stream(int(heard) if heard.isascii() and heard.isdecimal() else since, once),
            media_type="text/event-stream",
            headers=_STREAM,
        )

    return stream


def _fragment(ctx: Context, call: Callable[..., str | None]) -> Any:
    """A part of a page that is made when somebody wants to see it, on a thread beside the event loop."""

    async def fragment(request: Request) -> HTMLResponse:
        asked = dict(request.query_params)
        told = await asyncio.to_thread(call, ctx, ctx.language(asked), asked)
        if told is None:
            raise HTTPException(404)
        return HTMLResponse(told)

    return fragment


def _document(ctx: Context, pieces: Pieces, page: Page) -> Any:
    needed = (*(one for one in ctx.pages if one.name in page.uses), page)
    own = files_of(needed, ".css"), files_of(needed, ".js")

    async def document(request: Request) -> HTMLResponse:
        language = ctx.language(request.query_params)
        places = _places(page, {**parts.joined(request.query_params.multi_items()), **request.path_params})
        board = _board(ctx, pieces, page, language, places, request.state.principal)
        await board.renew()
        texts, newest = board.pieces()
        body = fill_ages(whole(texts), lambda form, at_ms: parts.age_words(ctx, language, form, at_ms))
        live = parts.live_view(page.name, language, **places)
        live.children = Markup(body)  # noqa: S704  escaped where it was made
        setattr(live, "data-since", str(newest))
        token = dash_fastapi.set_current_request(request)  # type: ignore[no-untyped-call]
        try:
            asked = {name: value for name, value in places.items() if name not in request.path_params}
            content = markup(parts.page(ctx, language, request.url.path, asked, live))
        finally:
            dash_fastapi.reset_current_request(token)  # type: ignore[no-untyped-call]
        answer = HTMLResponse(
            _DOCUMENT.format(
                lang=language,
                dir=i18n.head(language).direction,
                theme=theme.attribute(theme.theme_of(request)),
                title=escape(ctx.t(language, page.title_key)),
                icon=served.address("display/icon.svg"),
                head=_head(page, *own),
                content=content,
            ),
            board.status,
        )
        theme.keep(request, answer)
        return answer

    return document


def _head(page: Page, own_styles: list[str], own_scripts: list[str]) -> str:
    shared = (*SHARED, *(CHARTS if page.charts else ("page-date-field.js",) if page.dates else ()))
    sheets = (*SHEETS, *(("page-charts.css",) if page.charts else ()))
    styles = [*map(served.address, sheets), *own_styles]
    scripts = [*map(served.address, shared), *own_scripts]
    return "\n".join(
        [f'<link rel="stylesheet" href="{url}">' for url in styles]
        + [f'<script src="{url}" defer></script>' for url in scripts]
    )
