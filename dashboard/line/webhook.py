"""Where LINE delivers events: the signature first, then the disk, then LINE's 200; the work comes afterwards."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from classair.line import signature
from dashboard.access.line_inbox import LineInbox
from dashboard.context import Context
from dashboard.line.replier import TOKEN_VARIABLE

log = logging.getLogger(__name__)

SECRET_VARIABLE: Final = "CLASSAIR_LINE_SECRET"  # noqa: S105  its name
PATH: Final = "/line/webhook"
_TELL_EVERY: Final = 100  # refused requests; the internet sends many


def set_up() -> bool:
    """Whether somebody who writes to the school's account is heard and answered."""
    return bool(os.environ.get(SECRET_VARIABLE, "") and os.environ.get(TOKEN_VARIABLE, ""))


class Webhook:
    """`refused` counts requests without LINE's signature, `taken` events that were new."""

    def __init__(self, ctx: Context, inbox: LineInbox, came: Callable[[], None]) -> None:
        self._ctx, self._inbox, self._came = ctx, inbox, came
        self.refused = self.taken = 0

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        router.add_api_route(PATH, self.take, methods=["POST"])
        return router

    async def take(self, request: Request) -> Response:
        secret = os.environ.get(SECRET_VARIABLE, "")
        if not secret:
            return Response(f"LINE is not set up: {SECRET_VARIABLE} is missing\n", 503, media_type="text/plain")
        body = await request.body()
        if not signature.valid(secret, body, request.headers.get(signature.HEADER)):
            self.refused += 1
            if self.refused % _TELL_EVERY == 1:
                log.warning("line_webhook_refused reason=signature count=%d", self.refused)
            return Response("the signature is missing or wrong\n", 400, media_type="text/plain")
        try:
            events = json.loads(body).get("events", [])
        except (ValueError, AttributeError, RecursionError):
            events = None
        if not isinstance(events, list):
            return Response("expected a JSON object with events\n", 400, media_type="text/plain")
        wanted = [event for event in events if isinstance(event, dict)]
        try:
            new = await run_in_threadpool(self._inbox.keep, wanted, self._ctx.now_ms())
        except (sqlite3.Error, RecursionError) as error:
            log.error("line_webhook_not_kept error=%s", error)
            return Response("the events cannot be kept now; send them again\n", 503, media_type="text/plain")
        if new:
            self.taken += new
            self._came()
        return Response("{}", media_type="application/json")
