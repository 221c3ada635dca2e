"""The one middleware over API, light pages and Dash: who is asking, may they, and the headers of every answer."""

from __future__ import annotations

import hmac
import logging
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import quote, urlsplit

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classair.config import Config
from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.access.elsewhere import body_of, outside
from dashboard.access.reach import EVERYTHING, NotCovered, reading
from dashboard.access.roles import VISITOR, Need, Principal, may
from dashboard.access.whence import LOOPBACK_NAMES, Whence, Zone

log = logging.getLogger(__name__)

SESSION_COOKIE: Final = "classair_session"
PHONE_COOKIE: Final = "classair_phone"
CSRF_HEADER: Final = "x-csrf-token"
MAX_BODY: Final = 256 * 1024  # bytes; the largest honest request is a Dash callback of a few kB
PHOTO_BODY: Final = 11 * 1024 * 1024  # bytes; a photo as a phone takes it, and the form around it
_WITH_PHOTO: Final = ("/report", "/ticket/", "/api/v1/tickets")
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# Light pages: nothing but what this server serves, no inline script, no inline style.
LIGHT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# Pages that draw: Plotly sets its own styles.
CHART_POLICY: Final = LIGHT_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "img-src 'self' data:", "img-src 'self' data: blob:"
)


def dash_policy(script_hashes: list[str]) -> str:
    """For Dash pages: its few inline scripts by hash; inline styles allowed, its components cannot do without."""
    return (
        f"default-src 'none'; script-src 'self' {' '.join(script_hashes)}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""Of every answer."""

OTHER_ROOM: Final = "an administrator can add the place: classair user rooms"


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    what: str
    right: str
    words: str = "access.not_allowed"
    form: str = ""
    """For who has sent a form: a text of `form`, where the status alone does not tell."""


ELSEWHERE: Final = Refusal(
    403, "the request comes from another site", "send it from this server's own pages", form="elsewhere"
)
_OF_FORMS: Final = {401: "signed_out", 403: "not_allowed", 413: "too_large"}


class Guard:
    """Wraps the whole application. `demo` says whether working pages are open at this moment (see `create_app`)."""

    def __init__(
        self,
        app: ASGIApp,
        server: FastAPI,
        desk: Desk,
        demo: Callable[[], bool],
        policy: Callable[[str], str],
        needs: Mapping[tuple[str, str], Need],
        whence: Whence,
        config: Callable[[], Config],
    ) -> None:
        self._app, self._server, self._desk, self._demo, self._config = app, server, desk, demo, config
        self._policy, self._needs, self._whence = policy, needs, whence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403, "reason": "method not allowed"})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope, caller = self._whence(scope)
        headers = Headers(scope=scope)
        if not caller.known:
            # A foreign name that somebody points at this machine would make its pages and ours one site to a browser.
            await self._answer(_unknown_name(caller.name), scope, headers)(
                scope, receive, self._with_headers(scope, send)
            )
            return
        try:
            principal = self._principal(headers)
        except sqlite3.Error as error:
            # Who asks is not known then: what is open to everyone stays open, displays before all.
            log.error("accounts_unreadable error=%s", error)
            principal = VISITOR
        demo = caller.zone is Zone.MACHINE and caller.name in LOOPBACK_NAMES and self._demo()
        if principal.demo and not demo:
            principal = VISITOR
        allowed = frozenset(need for need in Need if may(need, principal, demo=demo, near=caller.near))
        scope.setdefault("state", {}).update(principal=principal, may=allowed, caller=caller, demo=demo)
        need, places = self._asked(scope)
        refusal = self._refusal(scope, headers, principal, need, need in allowed)
        whole, receive = receive, _bounded(receive, _longest(scope["path"]))
        # What is open to everyone is not closed by signing in.
        tied = bool(principal.places) and not may(need, VISITOR, demo=False, near=caller.near)
        if refusal is None and tied:
            body = b""
            if scope["method"] not in SAFE and _is_json(headers) and not scope["path"].startswith("/_dash"):
                body, receive = await body_of(receive)
            if place := outside(self._config(), principal, need, places, scope, body):
                refusal = _elsewhere(principal, need, place)
        sending = self._with_headers(scope, send)
        if refusal is not None:
            if refusal.status in (401, 403) and scope["method"] not in SAFE:
                about = f"{scope['method']} {scope['path']}"
                with suppress(sqlite3.Error):
                    self._desk.note(principal.who, Action.REFUSED, about, refusal.what)
            if refusal.status == 413 and reads_pages(scope, headers) and _length(headers) <= PHOTO_BODY:
                await _let_go(whole)
            await self._answer(refusal, scope, headers)(scope, receive, sending)
            return
        with reading(principal.reach if tied else EVERYTHING):
            await self._app(scope, receive, sending)

    def need(self, scope: Scope) -> Need:
        """What the route that will answer asks for; a route without a rule is refused."""
        return self._asked(scope)[0]

    def _asked(self, scope: Scope) -> tuple[Need, Mapping[str, str]]:
        """The need of the route that will answer, and the places in its address."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        for route in self._server.router.routes:
            match, found = route.matches({**scope, "method": method})
            if match is Match.FULL:
                path = str(getattr(route, "path", ""))
                # A mount answers every method with what it has for GET, or with 405.
                need = self._needs.get(("GET" if isinstance(route, Mount) else method, path))
                if need is None:
                    log.error("route_permission_missing method=%s route=%s", method, path or type(route).__name__)
                    return Need.NOBODY, {}
                return need, found.get("path_params", {})
        return Need.OPEN, {}  # no route: the answer is 404 or 405

    def _principal(self, headers: Headers) -> Principal:
        authorization = headers.get("authorization", "")
        if authorization:
            kind, _, secret = authorization.partition(" ")
            # A wrong token is a visitor, never quietly the browser's session.
            return (self._desk.token(secret.strip()) if kind.lower() == "bearer" else None) or VISITOR
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return VISITOR
        session, phone = cookies.get(SESSION_COOKIE), cookies.get(PHONE_COOKIE)
        found = self._desk.session(session.value) if session is not None else None
        if found is None and phone is not None:
            found = self._desk.phones.principal(phone.value)
        return found or VISITOR

    def _refusal(
        self, scope: Scope, headers: Headers, principal: Principal, need: Need, passes: bool
    ) -> Refusal | None:
        if _length(headers) > _longest(scope["path"]):
            return Refusal(413, "the request is too large", f"at most {_longest(scope['path']) // 1024} KiB")
        if not passes:
            if need is Need.NOBODY:
                return Refusal(404, "there is no page or resource at this address", "")
            if not principal.signed_in:
                return Refusal(
                    401,
                    "authentication required",
                    "sign in at /login, or send an API token: Authorization: Bearer classair_…",
                )
            return Refusal(
                403,
                f"{principal.role or 'this token'} is not allowed to do this",
                f"the scope {need.value} is required",
            )
        if scope["method"] in SAFE:
            return None
        return _changing(scope, headers, principal, need)

    def _answer(self, refusal: Refusal, scope: Scope, headers: Headers) -> Response:
        if refusal.status == 401 and scope["method"] == "GET" and reads_pages(scope, headers):
            target = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
            return RedirectResponse(f"/login?next={quote(target, safe='')}", 303)
        if refusal.status == 403 and scope["method"] in SAFE and reads_pages(scope, headers):
            from dashboard.public.pages import plain_page

            return plain_page(Request({**scope, "app": self._server}), 403, refusal.words)
        if scope["method"] not in SAFE and refusal.status in _OF_FORMS and reads_pages(scope, headers):
            from dashboard.public.pages import refused

            why = refusal.form or _OF_FORMS[refusal.status]
            return refused(Request({**scope, "app": self._server}), why, refusal.status)
        extra = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else None
        return JSONResponse(
            fault(refusal.what, f"{scope['method']} {scope['path']}", refusal.right), refusal.status, extra
        )

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["Content-Security-Policy"] = self._policy(scope["path"])
                if not scope["path"].startswith(("/assets/", "/_dash-component-suites/")):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return sending


def _elsewhere(principal: Principal, need: Need, place: str) -> Refusal:
    does = "see" if need in (Need.READ, Need.DISPLAY) else {Need.CONTROL: "control"}.get(need, need.value)
    return Refusal(403, f"{principal.name} may not {does} {place}", OTHER_ROOM, words="access.other_place")


def not_covered(request: Request, error: NotCovered) -> Response:
    """The answer where a route has asked for a place that its reader does not see."""
    refusal = _elsewhere(request.state.principal, Need.READ, error.place)
    return JSONResponse(fault(refusal.what, f"{request.method} {request.url.path}", refusal.right), refusal.status)


def reads_pages(scope: Mapping[str, Any], headers: Headers) -> bool:
    """A person with a browser, and no program."""
    return "text/html" in headers.get("accept", "") and not scope["path"].startswith("/api/")


def fault(what: str, where: str, right: str = "") -> dict[str, Any]:
    """How every error of the API reads."""
    return {"error": {"what": what, "where": where, **({"right": right} if right else {})}}


def _changing(scope: Scope, headers: Headers, principal: Principal, need: Need) -> Refusal | None:
    """What a request that changes something must bring besides permission: its own origin, and a session its token."""
    origin = headers.get("origin")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return ELSEWHERE
    if origin is not None and _place(origin) != headers.get("host", ""):
        return ELSEWHERE
    if principal.kind == "account":
        if origin is None:
            return Refusal(403, "the request has no Origin header", "send the Origin header", form="elsewhere")
        given = headers.get(CSRF_HEADER, "")
        # Signing in and out are plain forms: their origin is proof enough.
        if need not in (Need.MEMBER, Need.OPEN) and not hmac.compare_digest(given.encode(), principal.csrf.encode()):
            return Refusal(
                403, "the request lacks the session's CSRF token", "send the cookie classair_csrf again as X-CSRF-Token"
            )
    if need in (Need.CONTROL, Need.EXPORT, Need.TICKETS, Need.APPROVE, Need.ADMIN) and not _is_json(headers):
        return Refusal(415, "the body must be JSON", "send Content-Type: application/json")
    return None


def _is_json(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _place(origin: str) -> str | None:
    """Host and port of an origin; None for what is none, which is no place of ours."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _longest(path: str) -> int:
    """Bytes of a body that an address takes; what is longer than usual is that of the forms with a photo."""
    return PHOTO_BODY if path.startswith(_WITH_PHOTO) else MAX_BODY


def _bounded(receive: Receive, longest: int) -> Receive:
    """Refuses a body without a declared length once it is too long."""
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > longest:
            raise HTTPException(413, "the request is too large")
        return message

    return receiving


async def _let_go(receive: Receive) -> None:
    """Reads a body and keeps nothing of it: a browser that is cut off while it sends shows no answer."""
    while (message := await receive()).get("more_body") and message["type"] == "http.request":
        pass


def _length(headers: Headers) -> int:
    try:
        return int(headers.get("content-length", "0"))
    except ValueError:
        return PHOTO_BODY + 1


def _unknown_name(name: str) -> Refusal:
    return Refusal(
        421,
        f"this server is not known as {name}" if name else "the request names no server",
        "open it by its IP address, or set address: (school) or public_url: (internet) in sensors.yaml to this name",
    )
