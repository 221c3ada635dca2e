"""Cookies of whoever signs in: as all of ours are, for this site alone, never over plain text where there is TLS."""

from __future__ import annotations

from typing import Literal

from fastapi import Request, Response

from dashboard.access.desk import TOTAL_MS, Session
from dashboard.access.guard import SESSION_COOKIE
from dashboard.frame.mounting import CSRF_COOKIE


class Cookies:
    def __init__(self, request: Request, answer: Response) -> None:
        self._answer, self._secure = answer, request.url.scheme == "https"

    def put(
        self,
        name: str,
        value: str,
        kept_ms: int,
        *,
        script: bool = False,
        same_site: Literal["strict", "lax"] = "strict",
        path: str = "/",
    ) -> None:
        self._answer.set_cookie(
            name,
            value,
            max_age=kept_ms // 1000,
            httponly=not script,
            samesite=same_site,
            secure=self._secure,
            path=path,
        )

    def session(self, session: Session, csrf_kept_ms: int = TOTAL_MS) -> None:
        self.put(SESSION_COOKIE, session.secret, TOTAL_MS)
        self.put(CSRF_COOKIE, session.csrf, csrf_kept_ms, script=True)
