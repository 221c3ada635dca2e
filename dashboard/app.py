"""One ASGI application: API, light pages and Dash behind one guard, put together in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx2
from dash import Dash
from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

import classair
from classair import i18n
from classair.arguments import Network
from dashboard import api
from dashboard.access.desk import Desk
from dashboard.access.guard import CHART_POLICY, LIGHT_POLICY, Guard, dash_policy
from dashboard.access.roles import TABLE, Need
from dashboard.access.whence import LOOPBACK_NAMES, Whence
from dashboard.activities import routes as activities
from dashboard.api import _faults
from dashboard.citizens import routes as citizens
from dashboard.citizens.page import TownPage
from dashboard.clean_rooms import serving as clean_rooms
from dashboard.context import Context
from dashboard.door import following
from dashboard.door import routes as door
from dashboard.following.rounds import Rounds
from dashboard.frame import light, mounting, registry, served
from dashboard.frame.page import Page, PageFault
from dashboard.line.replier import Replies
from dashboard.line.talk import Talk
from dashboard.line.webhook import Webhook
from dashboard.live.live import Live
from dashboard.live.pieces import Pieces
from dashboard.public import display, forms, notify, report, signing_in, signing_in_elsewhere, ticket
from dashboard.readers import for_readers
from dashboard.readers.live import SeenStreams
from dashboard.records import routes as records
from dashboard.reports import episode_report
from dashboard.reports.month import serving as months
from dashboard.reports.press import PRESS
from dashboard.reports.week import serving as weeks
from dashboard.reports.week.sending import Sending
from dashboard.tickets.keeping import Keeping
from dashboard.training import routes as training


@dataclass(frozen=True, slots=True)
class Application:
    """What a web server runs, and for tests the parts inside."""

    guard: ASGIApp
    server: FastAPI
    dash: Dash
    needs: Mapping[tuple[str, str], Need]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.guard(scope, receive, send)


def create_app(
    ctx: Context, live: Live, desk: Desk, *, host: str = "127.0.0.1", proxies: Sequence[Network] = ()
) -> Application:
    """The whole application. `host` is the address it will listen on, `proxies` are those that are believed.

    Working pages are open without signing in only in the demo: every site simulated and listening on loopback.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        live.begin()
        # Dash finishes registering callbacks and scripts at its first request; without this a first hit on a deep
        # link gets a page with broken client-side callbacks. It is asked behind the guard, as nobody.
        transport = httpx2.ASGITransport(app=server)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            (await client.get("/_dash-dependencies")).raise_for_status()
        policies.append(dash_policy(list(dash.csp_hashes())))
        talk.begin()
        rounds.begin()
        sending.begin()
        keeping.begin()
        yield
        await keeping.end()
        await sending.end()
        await rounds.end()
        await talk.end()
        await PRESS.end()

    server = FastAPI(
        title="ClassAir",
        version=classair.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        description="Air quality in classrooms. Times are ISO 8601 with an offset or UTC milliseconds. Errors state "
        "what failed, where, and how to fix it. An unknown value is null, never zero.",
    )
    ctx = replace(ctx, pages=registry.find())
    needs = _needs(ctx.pages)
    for language in i18n.LANGUAGES:
        i18n.head(language)  # a language that no page could show is found at the start
    rounds = Rounds(ctx)
    sending = Sending(ctx)
    talk = Talk(ctx, desk.line, Replies(ctx.config))
    keeping = Keeping(ctx)
    whole, ctx = ctx, for_readers(ctx)
    live.hub.readers = SeenStreams(ctx.live, whole.config)
    server.state.ctx, server.state.desk, server.state.hub = ctx, desk, live.hub
    _faults.install(server)
    forms.install(server)
    # Flat, so that the guard can ask each route what it is; an included router would be one opaque entry.
    pieces, town = Pieces(live.hub), TownPage(whole)
    for router in [
        *api.routers(ctx),
        display.router(ctx),
        signing_in.router(ctx),
        activities.router(ctx),
        training.router(ctx),
        signing_in_elsewhere.router(ctx),
        notify.router(ctx),
        weeks.router(ctx),
        months.router(ctx),
        episode_report.router(ctx),
        clean_rooms.router(ctx),
        door.router(ctx, pieces),
        following.router(ctx),
        report.router(ctx),
        ticket.router(whole),  # its links show what they are about to whoever holds them
        records.router(ctx),
        citizens.router(ctx, town),
        light.router(ctx, pieces),
        Webhook(ctx, desk.line, talk.came).router(),
    ]:
        server.router.routes.extend(router.routes)
    dash = mounting.mount(server, ctx)
    server.router.routes.extend(_nothing_else().routes)

    policies: list[str] = []

    def policy(path: str) -> str:
        page = next((one for one in ctx.pages if one.match(path) is not None), None)
        if page is None or (page.light and not page.charts):
            return LIGHT_POLICY
        return CHART_POLICY if page.light else policies[0] if policies else LIGHT_POLICY

    def demo() -> bool:
        config = whole.config()
        return host in LOOPBACK_NAMES and all(config.site_simulated(site) for site in config.sites)

    whence = Whence(whole.config, proxies)
    guard = Guard(served.Suites(server), server, desk, demo, policy, needs, whence, whole.config)
    return Application(citizens.Front(guard, whole, town, whence), server, dash, needs)


def _needs(pages: Sequence[Page]) -> dict[tuple[str, str], Need]:
    """What every route asks for: the table's, and each page's as the page says itself. Raises PageFault."""
    needs = dict(TABLE)
    for one in pages:
        if ("GET", one.route) in needs:
            raise PageFault(f"dashboard/pages/{one.name}: {one.path} is reserved")
        needs["GET", one.route] = one.need
        if one.live:
            needs["GET", one.stream] = one.need
        needs |= {("GET", one.fragment(name)): one.need for name in one.fragments}
    return needs


def _nothing_else() -> APIRouter:
    """Before Dash's own catch-all, which would answer any address with its page and 200."""
    last = APIRouter(include_in_schema=False)

    @last.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def not_found(rest: str) -> None:
        raise HTTPException(404)

    return last
