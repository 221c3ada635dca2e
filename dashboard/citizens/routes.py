"""Where the citizens' page is asked for: before anything else for the many, by an ordinary route for the rest."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from classair import i18n
from dashboard.access.guard import HEADERS, LIGHT_POLICY
from dashboard.access.roles import Principal
from dashboard.access.whence import Caller, Whence
from dashboard.citizens.page import EVERY_S, PATH, TownPage
from dashboard.context import Context
from dashboard.public.kept import Ready
from dashboard.public.pages import language, plain_page

CACHE: Final = f"public, max-age={EVERY_S:.0f}"
_QUERIES: Final = {f"lang={code}".encode(): code for code in i18n.LANGUAGES}


def is_open(ctx: Context, near: bool, principal: Principal | None = None) -> bool:
    """Whether the page is shown: to everybody where the school has a public address, else inside the school."""
    config = ctx.config()
    return config.town_page and bool(config.public_url or near or (principal and "read" in principal.scopes))


def router(ctx: Context, town: TownPage) -> APIRouter:
    light = APIRouter(include_in_schema=False)

    @light.get(PATH)
    async def page(request: Request) -> Response:
        caller: Caller = request.state.caller
        if not is_open(ctx, caller.near, request.state.principal):
            return plain_page(request, 404)
        ready = await town.get(language(request))
        return ready.answer(request, Cache_Control=CACHE if ctx.config().public_url else "no-store")

    return light


class Front:
    """Answers for the citizens' page before the guard: no account, no route and no template for a visitor.

    Whatever is not the plain page (another method, an unknown name, a page that has to be made first) goes on.
    """

    def __init__(self, app: ASGIApp, ctx: Context, town: TownPage, whence: Whence) -> None:
        self._app, self._ctx, self._town, self._whence = app, ctx, town, whence
        self._config = ctx.config()
        self._fixed = [
            (b"cache-control", CACHE.encode()),
            (b"vary", b"Accept-Encoding"),
            (b"content-security-policy", LIGHT_POLICY.encode()),
            *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            config = self._ctx.config()
            if config is not self._config:
                self._config = config
                self._town.forget()
            ready = self._ready(scope)
            if ready is not None:
                await self._send(ready, scope, send)
                return
        await self._app(scope, receive, send)

    def _ready(self, scope: Scope) -> Ready | None:
        config, query = self._config, scope["query_string"]
        code = _QUERIES.get(query) if query else config.language
        if scope["method"] != "GET" or code is None or not config.public_url or not config.town_page:
            return None
        return self._town.at_once(code) if self._whence(scope)[1].known else None

    async def _send(self, ready: Ready, scope: Scope, send: Send) -> None:
        packed, same = False, False
        for name, value in scope["headers"]:
            if name == b"accept-encoding":
                packed = b"gzip" in value
            elif name == b"if-none-match":
                same = ready.etag.encode() in value
        headers = [*self._fixed, (b"etag", ready.etag.encode())]
        if same:
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        body = ready.packed if packed else ready.plain
        headers += [(b"content-type", ready.kind.encode()), (b"content-length", str(len(body)).encode())]
        if packed:
            headers.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
