"""Signing in at a provider of OpenID Connect, and in the demo on a button. Nobody becomes anything by that alone."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from dashboard.access.accounts import TIED
from dashboard.access.audit import Action
from dashboard.access.desk import AccountRejected, Desk
from dashboard.access.guard import PHONE_COOKIE, SESSION_COOKIE
from dashboard.access.openid.client import Provider, ProviderAway, SignInRejected, address_in, secret_of
from dashboard.access.openid.identity import mail_key, subject_key
from dashboard.access.openid.tries import KEPT_MS
from dashboard.access.roles import ROLES
from dashboard.access.whence import Caller
from dashboard.context import Context
from dashboard.public.cookies import Cookies
from dashboard.public.forms import read
from dashboard.public.limits import Limit
from dashboard.public.pages import page
from dashboard.public.signing_in import form_page, safe_target, target_language

log = logging.getLogger(__name__)

TRY_COOKIE: Final = "classair_try"
BACK: Final = "/login/from"
Text = Annotated[str, Query(max_length=4096)]


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)
    known: dict[str, Provider] = {}
    begun = Limit(30, KEPT_MS)

    def provider(name: str) -> Provider:
        """As the configuration in force says. Raises HTTPException where it does not, or without its secret."""
        settings, secret = ctx.config().sign_in.get(name), secret_of(name)
        if settings is None or not secret:
            raise HTTPException(404)
        if name not in known or known[name].settings != settings:
            known[name] = Provider(settings, secret)
        return known[name]

    @light.get("/login/with/{name}")
    async def begin(request: Request, name: str, next: Text = "/") -> Response:
        caller: Caller = request.state.caller
        desk: Desk = request.app.state.desk
        target = safe_target(next)
        if not begun.passes(caller.address, ctx.now_ms()):
            return form_page(request, target, "access.too_many", 429)
        there = provider(name)
        back = f"{request.url.scheme}://{request.headers['host']}{BACK}/{name}"
        attempt = await asyncio.to_thread(desk.tries.begin, name, target, back)
        try:
            address = await asyncio.to_thread(there.address, attempt)
        except ProviderAway as error:
            log.warning("sign_in_provider_unavailable provider=%s error=%s", name, error)
            return form_page(request, target, "sign_in.provider.away", 503)
        answer = RedirectResponse(address, 303)
        # Lax: it must come along when the provider sends the browser back.
        Cookies(request, answer).put(TRY_COOKIE, attempt.browser, KEPT_MS, same_site="lax", path=BACK)
        return answer

    @light.get("/login/from/{name}")
    async def back(request: Request, name: str, state: Text = "", code: Text = "") -> Response:
        desk: Desk = request.app.state.desk
        there = provider(name)
        attempt = await asyncio.to_thread(desk.tries.end, name, state, request.cookies.get(TRY_COOKIE, ""))
        if attempt is None:
            return _refused(request, desk, name, "/", SignInRejected("again", "unknown_attempt"))
        if not code:  # the person has pressed "cancel" there
            return _refused(request, desk, name, attempt.target, SignInRejected("again", "no_code"))
        try:
            claims = await asyncio.to_thread(there.claims, attempt, code)
            address = address_in(there.settings, claims)
            salt = desk.tries.salt()
            account = await asyncio.to_thread(
                desk.known.identify,
                name,
                subject_key(salt, there.settings.issuer, str(claims["sub"])),
                mail_key(salt, address),
            )
            if account is None or not account.active:
                raise SignInRejected("stranger", "no_account" if account is None else "disabled")
            session = await asyncio.to_thread(desk.sign_in_as, account.name)
        except ProviderAway as error:
            log.warning("sign_in_provider_unavailable provider=%s error=%s", name, error)
            return form_page(request, attempt.target, "sign_in.provider.away", 503)
        except (SignInRejected, AccountRejected) as error:
            rejected = error if isinstance(error, SignInRejected) else SignInRejected("stranger", "disabled")
            return _refused(request, desk, name, attempt.target, rejected)
        desk.note(f"account:{account.name}", Action.SIGN_IN, name, "done")
        await asyncio.to_thread(leave, request, desk)
        # A page and no redirect: the browser came from another site and would not bring the new cookies along.
        answer = page(request, "onward.html", target_language(request, attempt.target), target=attempt.target)
        kept = Cookies(request, answer)
        kept.session(session)
        answer.delete_cookie(PHONE_COOKIE, path="/")
        answer.delete_cookie(TRY_COOKIE, path=BACK)
        return answer

    @light.post("/login/demo")
    async def demo(request: Request) -> Response:
        """An account of the demo, without a password: on this machine alone, while every school is simulated."""
        desk: Desk = request.app.state.desk
        sent = await read(request, {"role": 32, "next": 1024})
        role = sent["role"]
        if not request.state.demo or role not in ROLES:
            raise HTTPException(404)
        try:
            session = await asyncio.to_thread(desk.demo_session, f"demo-{role}", role, demo_places(ctx, role))
        except AccountRejected:
            raise HTTPException(404) from None
        desk.note(f"account:demo-{role}", Action.SIGN_IN, "demo", "done")
        await asyncio.to_thread(leave, request, desk)
        answer = RedirectResponse(safe_target(sent["next"]), 303)
        Cookies(request, answer).session(session)
        answer.delete_cookie(PHONE_COOKIE, path="/")
        return answer

    return light


def leave(request: Request, desk: Desk) -> None:
    """Whoever brings an older session along leaves it here: a new one is made at every signing in."""
    if old := request.cookies.get(SESSION_COOKIE):
        desk.sign_out(old)
    desk.phones.forget_secret(request.cookies.get(PHONE_COOKIE, ""))


def demo_places(ctx: Context, role: str) -> list[str]:
    """What an account of the demo is about: a room of the first school, the first school, or all."""
    config = ctx.config()
    site = next(iter(config.sites), "")
    if role == "teacher":
        return [full for full, room in config.rooms() if full.startswith(f"{site}.") and not room.outdoor][:1]
    return [site] if role in TIED else []


def _refused(request: Request, desk: Desk, name: str, target: str, why: SignInRejected) -> Response:
    log.warning("sign_in_rejected provider=%s reason=%s", name, why)
    desk.note("visitor", Action.SIGN_IN, name, f"refused: {why.kind}")
    return form_page(request, target, f"sign_in.provider.{why.kind}", 403)
