"""The frame around the working pages: one Dash application, its routes, and which page an address means."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, dcc, html
from dash.backends import _fastapi as dash_fastapi  # the index page can only be made inside a request it was told of
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse

from classair import i18n
from dashboard.context import Context
from dashboard.frame import asker, served, theme
from dashboard.frame.light import PLOTLY, SHARED, SHEETS, files_of
from dashboard.frame.page import Page

log = logging.getLogger(__name__)

CSRF_COOKIE = "classair_csrf"
CSRF_HEADER = "X-CSRF-Token"
_FILES: Final = (*SHARED, "page-date-field.js", PLOTLY)

# Everything Dash needs, with the page's language and a main landmark.
_INDEX = """<!DOCTYPE html>
<html lang="{%lang%}" dir="{%dir%}"{%theme%}>
<head>
{%metas%}
<meta name="referrer" content="same-origin">
<title>{%title%}</title>
{%favicon%}
{%css%}
</head>
<body>
<main>{%app_entry%}</main>
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""


class _Dash(dash.Dash):
    """Dash whose first answer already carries the reader's language and the pages' own styles and scripts."""

    ctx: Context

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]  # Dash passes all by name
        language = self.ctx.language(dict(dash_fastapi.get_current_request().query_params))
        request = dash_fastapi.get_current_request()
        sheets = (*SHEETS, "page-charts.css")
        styles = [*map(served.address, sheets), *files_of(self.ctx.pages, ".css")]
        scripts = [*map(served.address, _FILES), *files_of(self.ctx.pages, ".js")]
        parts["css"] += "".join(f'<link rel="stylesheet" href="{url}">' for url in styles)
        parts["scripts"] += "".join(f'<script src="{url}"></script>' for url in scripts)
        whole = _INDEX.replace("{%lang%}", language).replace("{%dir%}", i18n.head(language).direction)
        whole = whole.replace("{%theme%}", theme.attribute(theme.theme_of(request)))
        for name, part in parts.items():
            whole = whole.replace("{%" + name + "%}", part)
        return whole


def mount(server: FastAPI, ctx: Context) -> dash.Dash:
    """Puts Dash and every page on the server; routes of the pages are ordinary ones, so an unknown address is a 404."""
    holder: list[_Dash] = []
    server.mount("/assets/pages", served.Files(), name="files of pages")
    server.mount("/assets", served.Files(), name="files")

    async def index(request: Request) -> HTMLResponse:
        token = dash_fastapi.set_current_request(request)  # type: ignore[no-untyped-call]
        try:
            answer = HTMLResponse(holder[0].index())  # type: ignore[no-untyped-call]
            theme.keep(request, answer)
            return answer
        finally:
            dash_fastapi.reset_current_request(token)  # type: ignore[no-untyped-call]

    dashes = [page for page in ctx.pages if not page.light]
    for page in dashes:
        server.add_api_route(page.route, index, methods=["GET"], include_in_schema=False, name=f"page:{page.name}")
    app = _Dash(
        "dashboard",
        server=server,  # type: ignore[arg-type]
        use_pages=False,
        compress=True,
        suppress_callback_exceptions=True,
        update_title=None,  # type: ignore[arg-type]
        title="ClassAir",
        csrf_token_name=CSRF_COOKIE,
        csrf_header_name=CSRF_HEADER,
        assets_ignore=".*",  # they are linked above, by what is in them
        add_log_handler=False,
    )
    app.backend.websocket_capability = False  # otherwise every page opens an unused WebSocket
    app.ctx = ctx
    holder.append(app)
    app.layout = _shell
    _routing(app, ctx)
    for page in dashes:
        others = set(app.callback_map)
        page.module.callbacks(app, ctx)
        for key in app.callback_map.keys() - others:
            if call := app.callback_map[key].get("callback"):
                app.callback_map[key]["callback"] = _asking(page, call)
    return app


def _asking(page: Page, call: Callable[..., Any]) -> Callable[..., Any]:
    """A page's callback that is called for those alone who may open the page: all of them come over one route."""

    @functools.wraps(call)
    def asked(*args: Any, **places: Any) -> Any:
        if not asker.may(page.need):
            log.warning("callback_refused page=%s need=%s who=%s", page.name, page.need.value, asker.principal().who)
            raise HTTPException(403)
        return call(*args, **places)

    return asked


def _shell() -> Any:
    return dmc.MantineProvider(
        [
            dcc.Location(id="at", refresh="callback-nav"),
            html.Div(id="page"),
            dcc.Store(id="live"),
            dcc.Store(id="title"),
        ],
        theme={"fontFamily": "Sarabun, sans-serif", "autoContrast": True},
        defaultColorScheme="auto",
        forceColorScheme=theme.theme_of(dash_fastapi.get_current_request()) or None,
    )


def _routing(app: dash.Dash, ctx: Context) -> None:
    @app.callback(
        Output("page", "children"),
        Output("title", "data"),
        Input("at", "pathname"),
        Input("at", "search"),
        State("at", "hash"),
    )
    async def show(path: str | None, search: str | None, _hash: str | None) -> tuple[Any, dict[str, str]]:
        language = ctx.language(search)
        shown = {"title": "ClassAir", "lang": language, "dir": i18n.head(language).direction}
        query = {k: v for k, v in parse_qsl((search or "").lstrip("?")) if k.isidentifier() and k != "lang"}
        for page in ctx.pages:
            places = page.match(path or "/")
            if places is None:
                continue
            if not asker.may(page.need):
                return html.P(ctx.t(language, "access.not_allowed")), shown
            if page.light:  # reached without a link: it is loaded as a document of its own
                return html.Meta(httpEquiv="refresh", content="0"), shown
            shown["title"] = f"{ctx.t(language, page.title_key)} · ClassAir"
            return await _layout(page, ctx, language, {**query, **places}), shown
        return html.P(ctx.t(language, "access.not_found")), shown

    app.clientside_callback(  # type: ignore[no-untyped-call]
        "function (t) { if (t) { document.title = t.title; document.documentElement.lang = t.lang;"
        " document.documentElement.dir = t.dir; } return window.dash_clientside.no_update; }",
        Output("title", "modified_timestamp"),
        Input("title", "data"),
    )


async def _layout(page: Page, ctx: Context, language: str, asked: dict[str, str]) -> Any:
    """The page's content; a layout that reads the store runs beside the event loop, not in it."""
    call = page.module.layout
    accepts = inspect.signature(call).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in accepts.values()):
        asked = {key: value for key, value in asked.items() if key in accepts}
    if inspect.iscoroutinefunction(call):
        return await call(ctx, language, **asked)
    return await asyncio.to_thread(call, ctx, language, **asked)
