"""The live stream of the working pages: every room's state as Server-Sent Events, without the screens' texts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from dashboard.api._faults import responses, unknown
from dashboard.context import Context
from dashboard.live import alert_count

EXAMPLE = 'event: hello\ndata: {"build": "3f2a", "server_time": 1795401720000}\n\nevent: time\ndata: 1795401720000\n\n'
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def router(ctx: Context) -> APIRouter:
    api = APIRouter(tags=["rooms"])

    @api.get(
        "/api/live",
        summary="Stream status changes of rooms and services (Server-Sent Events)",
        response_class=StreamingResponse,
        responses={
            **responses(401, 404),
            200: {"description": "text/event-stream", "content": {"text/event-stream": {"example": EXAMPLE}}},
        },
    )
    async def live(
        request: Request,
        room: Annotated[
            str | None, Query(description="only this room, including its texts", examples=["ban-suan.p1-2"])
        ] = None,
    ) -> StreamingResponse:
        """First `hello` {build, server_time}, then what is known, then every change: `time` (UTC ms) before each
        `state` (a RoomState) and each `health` ({part, state}: a sensor, bridge, service or purifier whose state has
        changed; see /api/v1/health). `alerts` ({unacknowledged, at}) says how many alerts wait for somebody, null when
        that is not known. `time` comes at least every 15 s."""
        if room is not None and not ctx.config().has_room(room):
            raise unknown("room", room, (full for full, _ in ctx.config().rooms()))
        hub = request.app.state.hub
        key = f"full/{room}"
        every = ("brief/", "health/", alert_count.KEY)
        stream = hub.stream((lambda k: k == key) if room else (lambda k: k.startswith(every)))
        return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)

    return api
