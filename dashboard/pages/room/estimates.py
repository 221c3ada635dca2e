"""What two weeks say of a room, worked out when somebody asks: ventilation, purifier and its filter, exposure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import dash
from dash import Input, Output, State, dcc, html

from classair import i18n
from classair.timetable import local_time
from classair.units import DAY_MS
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.queries import ranges
from dashboard.queries.rooms import StoreUnavailable

DAYS: Final = 14
AT_ONCE: Final = 1
"""Worked out at the same time; each holds a month of minutes in memory and a core for some seconds."""

log = logging.getLogger(__name__)


def section(ctx: Context, language: str, room: str) -> Any:
    if ctx.config().room(room).outdoor:
        return None
    return html.Section(
        [
            html.H2(ctx.t(language, "room.estimates")),
            html.P(ctx.t(language, "room.estimates_text", days=DAYS), className="quiet"),
            html.Button(ctx.t(language, "room.estimates_ask"), id="room-estimates-ask", className="button"),
            dcc.Loading(html.Div(id="room-estimates", **parts.aria(live="polite")), type="dot"),
        ],
        className="estimates",
    )


def callbacks(app: dash.Dash, ctx: Context, valid: Callable[[Context, Any], bool]) -> None:
    working = asyncio.Semaphore(AT_ONCE)

    @app.callback(
        Output("room-estimates", "children"),
        Input("room-estimates-ask", "n_clicks"),
        State("room-view", "data"),
        prevent_initial_call=True,
    )
    async def tell(clicks: int | None, view: Any) -> Any:
        if not valid(ctx, view) or not clicks:
            return dash.no_update
        async with working:
            return await asyncio.to_thread(told, ctx, view["language"], view["room"], view["range"], view["date"])


def told(ctx: Context, language: str, room: str, range_name: str, date: str) -> Any:
    """The two weeks up to the end of what is shown, or up to yesterday."""
    today = ranges.range_of("day", "", ctx.now_ms()).start_ms
    end = min(ranges.range_of(range_name, date, ctx.now_ms()).end_ms, today)
    try:
        lines = ctx.research.estimates_text(room, end - DAYS * DAY_MS, end, language)
    except StoreUnavailable as away:
        log.warning("estimates_failed room=%s error=%s", room, away)
        return html.P(ctx.t(language, "pages.store_away"), className="reason")
    except ImportError:
        return html.P(ctx.t(language, "room.estimates_missing"), className="reason")
    first, last = (local_time(at).date() for at in (end - DAYS * DAY_MS, end - 1))
    return [
        html.P(i18n.show_days(first, last, language), className="shown-date"),
        html.Ul([_line(*text.split("\n  ! ")) for text in lines]),
    ]


def _line(text: str, *warnings: str) -> Any:
    name, _, rest = text.partition(": ")
    warned = [html.Div(f"⚠ {warning}", className="reason") for warning in warnings]
    return html.Li([html.Span(name, className="quiet"), html.Br(), html.Span(rest), *warned])
