"""Signing in and out."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.access.desk import TOTAL_MS, Desk, TooMany
from dashboard.access.guard import SESSION_COOKIE
from dashboard.context import Context
from dashboard.frame.mounting import CSRF_COOKIE
from dashboard.public.pages import language, page

log = logging.getLogger(__name__)

Field = Annotated[str, Form(max_length=1024)]
_AT_ONCE: Final = 2  # argon2 takes 64 MB and a core's attention each time


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)
    turns = asyncio.Semaphore(_AT_ONCE)

    @light.get("/login")
    async def form(request: Request, next: str = "/") -> Response:
        return page(request, "login.html", language(request), next=safe_target(next), wrong="")

    @light.post("/login")
    async def sign_in(request: Request, name: Field = "", password: Field = "", next: Field = "/") -> Response:
        desk: Desk = request.app.state.desk
        address = request.client.host if request.client else ""
        try:
            async with turns:
                session = await asyncio.to_thread(desk.sign_in, name.strip(), password, address)
            wrong, status = "access.wrong", 401
        except TooMany:
            session, wrong, status = None, "access.too_many", 429
        if session is None:
            log.warning("sign_in_rejected status=%d", status)
            return page(request, "login.html", language(request), status=status, next=safe_target(next), wrong=wrong)
        # Whoever brought an older session along leaves it here: a new one is made at every signing in.
        old = request.cookies.get(SESSION_COOKIE)
        if old:
            await asyncio.to_thread(desk.sign_out, old)
        answer = RedirectResponse(safe_target(next), 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            SESSION_COOKIE,
            session.secret,
            max_age=TOTAL_MS // 1000,
            httponly=True,
            samesite="strict",
            secure=secure,
            path="/",
        )
        answer.set_cookie(
            CSRF_COOKIE, session.csrf, max_age=TOTAL_MS // 1000, samesite="strict", secure=secure, path="/"
        )
        return answer

    @light.post("/logout")
    async def sign_out(request: Request) -> Response:
        desk: Desk = request.app.state.desk
        await asyncio.to_thread(desk.sign_out, request.cookies.get(SESSION_COOKIE, ""))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(SESSION_COOKIE, path="/")
        answer.delete_cookie(CSRF_COOKIE, path="/")
        return answer

    return light


def safe_target(target: str) -> str:
    """Where to go after signing in: an address of this server, never of another one."""
    plain = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if plain else "/"
