"""The wall display: its page, and the three things that page asks for. Open inside the school, nothing personal."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from markupsafe import Markup

from classair import i18n
from classair.config import Config, Room
from classair.science.heat import DANGEROUS
from classair.timetable import local_time
from classair.units import HOUR_MS, MINUTE_MS
from dashboard.api._faults import unknown
from dashboard.api.stream import HEADERS
from dashboard.context import Context
from dashboard.frame.parts import rooms_in_order, sites_in_order
from dashboard.public.codes import address_of, code
from dashboard.public.pages import build, display_files, language, page, plain_text
from dashboard.public.waking import hours
from dashboard.queries.rooms import RoomMeans, StoreUnavailable

LINE_MS: Final = 3 * HOUR_MS
LINE_STEP_MS: Final = 5 * MINUTE_MS
REFERENCE_UGM3: Final = 37.5  # Thai 24 h standard for PM2.5 since 2023, drawn dashed for comparison
MOST_TYPED: Final = 30
"""Characters of an address that still stand in the last row at 1024 × 600."""
LEVELS: Final = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health", "unknown")
# What the page says by itself, counting ages; everything else comes in the room's state.
AGE_WORDS: Final = (
    "measured_now",
    "measured_one",
    "measured",
    "late",
    "not_current",
    "last_value",
    "filling",
    "warming_up",
    "suspect",
    "no_sensor",
)
WORDS: Final = (
    "waiting",
    "purifier.on",
    "purifier.off",
    "purifier.unknown",
    "purifier.none",
    "purifier.auto",
    "purifier.person",
    "purifier.fail_safe",
    "purifier.since",
    "purifier.until",
    "purifier.checked",
    "purifier.checked_now",
    "purifier.unconfirmed",
    "disagree",
    "held",
    "heat",
    "indoor",
    "outdoor",
    "away",
    "away_now",
    "no_outdoor",
    "no_co2",
    "no_data",
    "panel",
    "panel_unknown",
    "line_summary",
    "line_empty",
    "line_away",
)


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)

    def known(room: str) -> None:
        if not ctx.config().has_room(room):
            raise unknown("room", room, (full for full, _ in ctx.config().rooms()))

    @light.get("/display")
    async def displays(request: Request) -> HTMLResponse:
        chosen = language(request)
        config = ctx.config()
        sites = [
            (
                site.name.in_(chosen),
                [
                    (room, config.room(room).name.in_(chosen))
                    for room in rooms_in_order(config, chosen, (f"{key}.{name}" for name in site.rooms))
                ],
            )
            for key, site in sites_in_order(config, chosen)
        ]
        return page(request, "displays.html", chosen, sites=sites)

    @light.get("/display/worker")
    async def worker() -> Response:
        """What keeps a display's page for a start without the server; its place is also how far it reaches."""
        return Response(plain_text("worker.js", build=build(), files=display_files()), media_type="text/javascript")

    @light.get("/display/{room}")
    async def display(
        request: Request,
        room: str,
        theme: Annotated[str, Query(pattern="^(dark|light)$")] = "",
        awake: Annotated[bool, Query()] = False,
        dim: Annotated[bool, Query()] = False,
        brightness: Annotated[int | None, Query(ge=20, le=100)] = None,
    ) -> HTMLResponse:
        known(room)
        chosen, config = language(request), ctx.config()
        settings, site = config.room(room), config.sites[room.partition(".")[0]]
        simulated = config.site_simulated(room.partition(".")[0])
        written = i18n.head(chosen)
        facts = {
            "room": room,
            "lang": chosen,
            "clock": written.clock,
            "time": i18n.t(chosen, "language.time"),
            "spaces": written.spaces,
            "build": build(),
            "made_at": ctx.now_ms(),
            "brightness": brightness or settings.display_brightness,
            "dims": not awake and (dim or not simulated),
            "children": bool(settings.pupil_lines),
            "outdoor": bool(settings.outdoor),
            "name": _named(chosen, settings),
            "words": {
                **{key: i18n.t(chosen, f"age.{key}") for key in AGE_WORDS},
                **{key: i18n.t(chosen, f"display.{key}") for key in WORDS},
                "speed": i18n.t(chosen, "switching.speed"),
            },
            "unknown": {"action": i18n.t(chosen, "action.0")},
            "levels": {key: i18n.t(chosen, f"level.{key}") for key in LEVELS},
            "lines": {key: i18n.t(chosen, f"display.level.{key}") for key in LEVELS},
            # What is too hot is said on the wall; the lower bands are on the room's page.
            "heat": {band: i18n.t(chosen, f"heat.{band}") for band in sorted(DANGEROUS)},
            "faults": _below(chosen, "purifier_fault."),
            "by": _below(chosen, "switching.by."),
            "ventilation": {
                key: i18n.t(chosen, f"ventilation.{key}")
                for key in ("fresh", "stuffy_soon", "stuffy", "very_stuffy", "unknown")
            },
            "days": _days(chosen, ctx.now_ms()),
        }
        return page(
            request,
            "display.html",
            chosen,
            theme=theme or settings.display,
            room_name=settings.name.in_(chosen),
            site_name=site.name.in_(chosen),
            simulated=simulated,
            sensitive=settings.sensitive,
            outdoor=settings.outdoor,
            yard=_yard(config, room, chosen),
            levels=LEVELS,
            code=_code(ctx, request, room),
            door=_door(ctx, request, room),
            # Where it must be said that this works inside the school alone, the last row has no room for it.
            problem=_problem(ctx, request) if config.public_url else "",
            school_only=not config.public_url,
            facts=json.dumps(facts, ensure_ascii=False).replace("<", "\\u003c"),
        )

    @light.get("/display/{room}/now")
    async def now(room: str) -> JSONResponse:
        """For a page that cannot hold the stream: the same as its newest events."""
        known(room)
        state = ctx.live.state(room)
        return JSONResponse(
            {
                "build": build(),
                "server_time": ctx.now_ms(),
                "state": state.model_dump(mode="json") if state is not None else None,
            }
        )

    @light.get("/display/{room}/live")
    async def live(request: Request, room: str) -> StreamingResponse:
        known(room)
        key = f"full/{room}"
        return StreamingResponse(
            request.app.state.hub.stream(lambda k: k == key), media_type="text/event-stream", headers=HEADERS
        )

    @light.get("/display/{room}/line")
    async def line(request: Request, room: str) -> JSONResponse:
        """PM2.5 of the last three hours inside and outside in 5-minute means, and whether the wall may sleep."""
        known(room)
        at = ctx.now_ms()
        start = at - LINE_MS
        answer: dict[str, Any] = {
            "server_time": at,
            "start": start,
            "end": at,
            "step": LINE_STEP_MS,
            "reference": REFERENCE_UGM3,
            **hours(ctx.config().timetable_of(room), at),
            "days": _days(language(request), at),
        }
        try:
            inside, outside = await asyncio.gather(
                asyncio.to_thread(ctx.queries.series, room, "pm25", start, at, step_ms=LINE_STEP_MS),
                asyncio.to_thread(ctx.queries.outdoor_series, room, start, at, step_ms=LINE_STEP_MS),
            )
        except StoreUnavailable:
            return JSONResponse({**answer, "indoor": None, "outdoor": None})
        return JSONResponse({**answer, "indoor": _points(inside), "outdoor": _points(outside) if outside else []})

    return light


def _code(ctx: Context, request: Request, room: str) -> Markup | None:
    """The way for the staff's phones to the buttons of the room's purifiers."""
    if not ctx.config().purifiers_in(room):
        return None
    address = address_of(ctx, request, f"/room/{room}/purifier")
    return code(address) if address else None


def _door(ctx: Context, request: Request, room: str) -> Markup | None:
    """The way for everybody's phones to the room's page and to the form for problems."""
    address = address_of(ctx, request, f"/door/{room}")
    return code(address) if address else None


def _problem(ctx: Context, request: Request) -> str:
    """The form for problems as somebody types it who cannot read codes; "" where that is too long for the last row."""
    short = address_of(ctx, request, "/report").partition("://")[2]
    return short if len(short) <= MOST_TYPED else ""


def _below(chosen: str, start: str) -> dict[str, str]:
    return {key.removeprefix(start): text for key, text in i18n.texts(chosen).items() if key.startswith(start)}


def _named(chosen: str, room: Room) -> str:
    name = room.name.in_(chosen)
    return name if room.outdoor else i18n.t(chosen, "display.room", name=name)


def _yard(config: Config, room: str, chosen: str) -> str:
    yard = config.outdoor_of(room)
    return config.room(yard).name.in_(chosen) if yard is not None and yard != room else ""


def _days(chosen: str, at_ms: int) -> dict[str, str]:
    """The date as people write it for yesterday, today and tomorrow, so that midnight needs no server."""
    today = local_time(at_ms).date()
    days = (today + timedelta(days=offset) for offset in (-1, 0, 1))
    return {day.isoformat(): i18n.show_date(day, chosen, "short") for day in days}


def _points(series: RoomMeans) -> list[tuple[int, float]]:
    """Middle of the step and its mean; a step that is missing or incomplete is a gap."""
    return [(row.start_ms + series.step_ms // 2, round(row.value, 1)) for row in series.rows if row.value is not None]
