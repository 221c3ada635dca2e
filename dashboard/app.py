"""One ASGI application: API, light pages and Dash, put together in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from fastapi import FastAPI, HTTPException

import classair
from dashboard import frame
from dashboard.context import Context
from dashboard.hub import Hub


def create_app(ctx: Context, hub: Hub) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Dash finishes registering callbacks and scripts at its first request; without this a first hit on a deep
        # link gets a page with broken client-side callbacks.
        transport = httpx2.ASGITransport(app=server)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            (await client.get("/_dash-dependencies")).raise_for_status()
        yield

    server = FastAPI(title="ClassAir", version=classair.__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    frame.mount(server, ctx)

    @server.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def not_found(rest: str) -> None:
        raise HTTPException(404)

    return server
