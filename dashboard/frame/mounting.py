"""The frame around the working pages: one Dash application, its routes, and which page an address means."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, dcc, html
from dash.backends import _fastapi as dash_fastapi  # the index page can only be made inside a request it was told of
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from classair import i18n
from dashboard.context import Context

log = logging.getLogger(__name__)

CSRF_COOKIE = "classair_csrf"
CSRF_HEADER = "X-CSRF-Token"

# Everything Dash needs, with the page's language and a main landmark.
_INDEX = """<!DOCTYPE html>
<html lang="{%lang%}" dir="{%dir%}">
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


@dataclass(frozen=True, slots=True)
class Page:
    """One file of dashboard/pages: `PATH` with <places>, `ORDER`, `TITLE_KEY`, `layout`, `callbacks`."""

    module: ModuleType

    @property
    def path(self) -> str:
        return str(self.module.PATH)

    @property
    def route(self) -> str:
        """The path as the web server spells it: /room/<room> → /room/{room}."""
        return re.sub(r"<(\w+)>", r"{\1}", self.path)

    def match(self, path: str) -> dict[str, str] | None:
        """The places filled from an address, None when it is not this page's."""
        pattern = "".join(
            f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("<") else re.escape(part)
            for part in re.split(r"(<\w+>)", self.path)
        )
        found = re.fullmatch(pattern, path.rstrip("/") or "/")
        return {key: unquote(value) for key, value in found.groupdict().items()} if found else None


def pages() -> list[Page]:
    """Every page in the folder, in its order."""
    package = importlib.import_module("dashboard.pages")
    found = [
        Page(importlib.import_module(f"dashboard.pages.{info.name}"))
        for info in pkgutil.iter_modules(package.__path__)
        if not info.name.startswith("_")
    ]
    return sorted((page for page in found if hasattr(page.module, "PATH")), key=lambda page: page.module.ORDER)


def language_of(search: str | Mapping[str, str], default: str) -> str:
    """The language an address asks for (?lang=), else the organisation's."""
    asked = (dict(parse_qsl(search.lstrip("?"))) if isinstance(search, str) else search).get("lang", "")
    return asked if asked in i18n.LANGUAGES else default


class _Dash(dash.Dash):
    """Dash whose first answer already carries the reader's language."""

    default_language = i18n.REFERENCE

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]  # Dash passes all by name
        language = language_of(dict(dash_fastapi.get_current_request().query_params), self.default_language)
        whole = _INDEX.replace("{%lang%}", language).replace("{%dir%}", i18n.head(language).direction)
        for name, part in parts.items():
            whole = whole.replace("{%" + name + "%}", part)
        return whole


def mount(server: FastAPI, ctx: Context) -> dash.Dash:
    """Puts Dash and every page on the server; routes of the pages are ordinary ones, so an unknown address is a 404."""
    known = pages()
    holder: list[_Dash] = []

    async def index(request: Request) -> HTMLResponse:
        token = dash_fastapi.set_current_request(request)  # type: ignore[no-untyped-call]
        try:
            return HTMLResponse(holder[0].index())  # type: ignore[no-untyped-call]
        finally:
            dash_fastapi.reset_current_request(token)  # type: ignore[no-untyped-call]

    for page in known:
        server.add_api_route(
            page.route,
            index,
            methods=["GET"],
            include_in_schema=False,
            name=f"page:{page.module.__name__.rpartition('.')[2]}",
        )
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
        assets_path_ignore=["^display", "^fonts", "^public"],
        add_log_handler=False,
    )
    app.backend.websocket_capability = False  # otherwise every page opens an unused WebSocket
    app.default_language = ctx.config().language
    holder.append(app)
    app.layout = _shell
    _routing(app, ctx, known)
    for page in known:
        page.module.callbacks(app, ctx)
    return app


def _shell() -> Any:
    return dmc.MantineProvider(
        [
            dcc.Location(id="at", refresh="callback-nav"),
            html.Div(id="page"),
            dcc.Store(id="live"),
            dcc.Store(id="title"),
        ],
        theme={"fontFamily": "Sarabun, sans-serif", "autoContrast": True},
    )


def _routing(app: dash.Dash, ctx: Context, known: list[Page]) -> None:
    @app.callback(
        Output("page", "children"),
        Output("title", "data"),
        Input("at", "pathname"),
        Input("at", "search"),
        State("at", "hash"),
    )
    async def show(path: str | None, search: str | None, _hash: str | None) -> tuple[Any, dict[str, str]]:
        language = language_of(search or "", ctx.config().language)
        query = {k: v for k, v in parse_qsl((search or "").lstrip("?")) if k.isidentifier() and k != "lang"}
        for page in known:
            places = page.match(path or "/")
            if places is None:
                continue
            title = f"{ctx.t(language, page.module.TITLE_KEY)} · ClassAir"
            return await _layout(page, ctx, language, {**query, **places}), {
                "title": title,
                "lang": language,
                "dir": i18n.head(language).direction,
            }
        return html.P(ctx.t(language, "access.not_found")), {
            "title": "ClassAir",
            "lang": language,
            "dir": i18n.head(language).direction,
        }

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
