"""Signing in and out, and the phones that are remembered."""

from __future__ import annotations

import asyncio
import logging
from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from classair import i18n
from classair.timetable import local_time
from dashboard.access.audit import Action
from dashboard.access.desk import TOTAL_MS, Desk, TooMany
from dashboard.access.guard import PHONE_COOKIE, SESSION_COOKIE
from dashboard.access.openid.client import secret_of
from dashboard.access.phones import KEPT_MS, label_of
from dashboard.access.roles import ROLES, Principal
from dashboard.access.whence import Caller
from dashboard.context import Context
from dashboard.frame.mounting import CSRF_COOKIE
from dashboard.public.cookies import Cookies
from dashboard.public.forms import read
from dashboard.public.pages import language, page

log = logging.getLogger(__name__)

_LONGEST: Final = {"name": 64, "password": 1024, "next": 1024, "remember": 8}
_AT_ONCE: Final = 2  # argon2 takes 64 MB and a core's attention each time


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)
    turns = asyncio.Semaphore(_AT_ONCE)

    @light.get("/login")
    async def form(request: Request, next: str = "/") -> Response:
        return form_page(request, next)

    @light.post("/login")
    async def sign_in(request: Request) -> Response:
        desk: Desk = request.app.state.desk
        sent = await read(request, _LONGEST)
        account, next = sent["name"].strip(), sent["next"] or "/"
        address, place = await asyncio.to_thread(_counted, request, desk, account)
        try:
            async with turns:
                session = await asyncio.to_thread(desk.sign_in, account, sent["password"], address, place)
            wrong, status = "access.wrong", 401
        except TooMany:
            session, wrong, status = None, "access.too_many", 429
        else:
            await asyncio.to_thread(_noted, desk, account, session is not None)
        if session is None:
            log.warning("sign_in_rejected status=%d", status)
            return form_page(request, next, wrong, status, account)
        # Whoever brought an older session along leaves it here: a new one is made at every signing in.
        old = request.cookies.get(SESSION_COOKIE)
        if old:
            await asyncio.to_thread(desk.sign_out, old)
        phone = await asyncio.to_thread(_remembered, request, desk, account, session.csrf, bool(sent["remember"]))
        answer = RedirectResponse(safe_target(next), 303)
        kept = Cookies(request, answer)
        kept.session(session, KEPT_MS if phone else TOTAL_MS)
        if phone:
            # Lax: a code read by the camera may count as coming from elsewhere, and changes prove themselves anyhow.
            kept.put(PHONE_COOKIE, phone, KEPT_MS, same_site="lax")
        else:
            answer.delete_cookie(PHONE_COOKIE, path="/")
        return answer

    @light.post("/logout")
    async def sign_out(request: Request) -> Response:
        """Ends the session and forgets the phone it came from."""
        desk: Desk = request.app.state.desk
        await asyncio.to_thread(desk.sign_out, request.cookies.get(SESSION_COOKIE, ""))
        await asyncio.to_thread(desk.phones.forget_secret, request.cookies.get(PHONE_COOKIE, ""))
        answer = RedirectResponse(f"/login?lang={language(request)}", 303)
        for cookie in (SESSION_COOKIE, CSRF_COOKIE, PHONE_COOKIE):
            answer.delete_cookie(cookie, path="/")
        return answer

    @light.get("/phones")
    async def phones(request: Request) -> Response:
        """The phones that the account has asked to be remembered."""
        desk: Desk = request.app.state.desk
        principal: Principal = request.state.principal
        chosen = language(request)
        known = [
            (
                one.id,
                one.label,
                one.id == principal.phone,
                i18n.show_date(local_time(one.seen_at), chosen, "day_time"),
                i18n.show_date(local_time(one.expires_at), chosen, "day_time"),
            )
            for one in await asyncio.to_thread(desk.phones.of, principal.name)
        ]
        return page(request, "phones.html", chosen, phones=known, account=principal.name)

    @light.post("/phones")
    async def forget(request: Request) -> Response:
        desk: Desk = request.app.state.desk
        phone = (await read(request, {"phone": 64}))["phone"]
        principal: Principal = request.state.principal
        done = await asyncio.to_thread(desk.phones.forget, phone, principal.name)
        desk.note(principal.who, Action.PHONE_FORGET, phone, "done" if done else "unknown")
        return RedirectResponse(f"/phones?lang={language(request)}", 303)

    return light


def _noted(desk: Desk, account: str, done: bool) -> None:
    """A name that no account has is not kept: people type passwords into the wrong field."""
    if done:
        desk.note(f"account:{account}", Action.SIGN_IN, "password", "done")
    else:
        about = account if desk.known.get(account) else "unknown name"
        desk.note("visitor", Action.SIGN_IN, about, "refused: wrong name or password")


def _counted(request: Request, desk: Desk, account: str) -> tuple[str, str]:
    """Address and place under which failures count: an account's remembered phone is one of its own, wherever it is."""
    phone = desk.phones.principal(request.cookies.get(PHONE_COOKIE, ""))
    if phone is not None and phone.name == account:
        return f"phone {phone.phone}", "phone"
    caller: Caller = request.state.caller
    return caller.address, caller.zone.value


def _remembered(request: Request, desk: Desk, account: str, csrf: str, wanted: bool) -> str:
    """The secret of this phone: the one it has while it is the same account's, or a fresh one, whose 30 days begin
    now; "" for none.
    """
    had = request.cookies.get(PHONE_COOKIE, "")
    if had and not wanted and desk.phones.renew(had, account, csrf):
        return had
    if had:
        desk.phones.forget_secret(had)
    if not wanted:
        return ""
    label = label_of(request.headers.get("user-agent", ""))
    desk.note(f"account:{account}", Action.PHONE_REMEMBER, label, "done")
    return desk.phones.remember(account, label, csrf)


def safe_target(target: str) -> str:
    """Where to go after signing in: an address of this server, never of another one."""
    plain = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if plain else "/"


def form_page(request: Request, next: str, wrong: str = "", status: int = 200, name: str = "") -> Response:
    """`wrong`: the key of a text. Signing in elsewhere is offered where the server has the provider's secret."""
    target, ctx = safe_target(next), request.app.state.ctx
    chosen = target_language(request, target)
    return page(
        request,
        "login.html",
        chosen,
        status=status,
        next=target,
        name=name[:64],
        wrong=wrong,
        # Whoever comes from the code on a display holds a phone; on a computer in the staff room nothing is ticked.
        remember=target.partition("?")[0].endswith("/purifier"),
        providers=[(key, one.name.in_(chosen)) for key, one in ctx.config().sign_in.items() if secret_of(key)],
        demo=ROLES if request.state.demo else (),
    )


def target_language(request: Request, target: str) -> str:
    """What the address says, else that of the page which sent the reader here."""
    if "lang" in request.query_params:
        return language(request)
    ctx: Context = request.app.state.ctx
    return ctx.language(dict(parse_qsl(target.partition("?")[2])))
