"""Errors of the API as JSON: what failed, where, and how to fix it."""

from __future__ import annotations

import difflib
import logging
import sqlite3
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from dashboard.access.guard import fault, not_covered, reads_pages
from dashboard.access.reach import NotCovered
from dashboard.queries.rooms import RangeRefused, StoreUnavailable

log = logging.getLogger(__name__)


class Fault(BaseModel):
    """`right`, if present, describes what would have been accepted."""

    what: str
    where: str
    right: str | None = None


class Faults(BaseModel):
    error: Fault


class ApiFault(Exception):
    """Ends a request with a status and words."""

    def __init__(self, status: int, what: str, where: str, right: str = "") -> None:
        super().__init__(what)
        self.status, self.what, self.where, self.right = status, what, where, right


def unknown(kind: str, asked: str, known: Iterable[str], status: int = 404) -> ApiFault:
    """404 (422 for a choice of few) with the nearest name that exists."""
    names = sorted(known)
    near = difflib.get_close_matches(asked, names, n=1, cutoff=0.5)
    listed = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
    right = f"did you mean {near[0]}?" if near else f"known: {listed}"
    return ApiFault(status, f"unknown {kind} {asked!r}", kind, right)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the API's description: how these failures look."""
    return {status: {"model": Faults, "description": HTTPStatus(status).phrase} for status in statuses}


def _describe(server: FastAPI) -> None:
    """The framework would describe its own words for a wrong parameter; ours are what is sent."""
    framework = server.openapi

    def openapi() -> dict[str, Any]:
        document = framework()
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for operations in document["paths"].values():
            for method, operation in operations.items():
                # The guard asks for JSON in front of all that changes something, with or without a body.
                if method != "get":
                    operation["responses"].setdefault("415", _described(415))
                if "422" in operation["responses"]:
                    operation["responses"]["422"] = _described(422)
        return document

    server.openapi = openapi  # type: ignore[method-assign]


_WORDS: Final = {404: "access.not_found", 422: "access.wrong_address"}


def _page(request: Request, status: int) -> Response:
    """For people, who have opened an address or sent a form."""
    from dashboard.public.pages import plain_page, refused

    return refused(request, "too_large", 413) if status == 413 else plain_page(request, status, _WORDS.get(status, ""))


def _described(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Faults"}}},
    }


def install(server: FastAPI) -> None:
    """Makes every error of /api, and of the framework, read the same."""
    _describe(server)

    @server.exception_handler(ApiFault)
    async def _ours(request: Request, error: ApiFault) -> Response:
        if error.status in _WORDS and reads_pages(request.scope, request.headers):
            return _page(request, error.status)
        return JSONResponse(fault(error.what, error.where, error.right), error.status)

    @server.exception_handler(NotCovered)
    async def _elsewhere(request: Request, error: NotCovered) -> Response:
        return not_covered(request, error)

    @server.exception_handler(RangeRefused)
    async def _range(_: Request, error: RangeRefused) -> Response:
        return JSONResponse(fault(str(error), "query"), 422)

    @server.exception_handler(StoreUnavailable)
    async def _store(_: Request, error: StoreUnavailable) -> Response:
        return JSONResponse(
            fault("the store of readings does not answer at the moment", "store", "try again shortly"),
            503,
            {"Retry-After": "5"},
        )

    @server.exception_handler(sqlite3.Error)
    async def _desk(request: Request, error: sqlite3.Error) -> Response:
        log.error("file_unreadable path=%s error=%s", request.url.path, error)
        if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api"):
            from dashboard.public.pages import plain_page

            return plain_page(request, 503)
        what = "accounts, reports and subscriptions cannot be read or written at the moment"
        return JSONResponse(fault(what, "desk.db", "try again in a minute"), 503, {"Retry-After": "30"})

    @server.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        if reads_pages(request.scope, request.headers):
            return _page(request, 422)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return JSONResponse(fault(str(first["msg"]).removeprefix("Value error, "), where), 422)

    @server.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if reads_pages(request.scope, request.headers):
            return _page(request, error.status_code)
        if error.status_code == 400:  # the framework's word for a body that it cannot read
            return JSONResponse(fault("the body cannot be read", "body", "send JSON in UTF-8"), 422)
        right = "see /openapi.json" if error.status_code in (404, 405) else ""
        return JSONResponse(
            fault(HTTPStatus(error.status_code).phrase.lower(), f"{request.method} {request.url.path}", right),
            error.status_code,
            error.headers,
        )
