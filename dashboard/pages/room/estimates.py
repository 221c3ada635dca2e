"""What two weeks say of a room, worked out when somebody asks: ventilation, purifier and its filter, exposure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

from classair import i18n
from classair.timetable import local_time
from classair.units import DAY_MS
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html
from dashboard.queries import ranges
from dashboard.queries.rooms import StoreUnavailable

DAYS: Final = 14
AT_ONCE: Final = 1
"""Worked out at the same time; each holds a month of minutes in memory and a core for some seconds."""

log = logging.getLogger(__name__)
_working = threading.BoundedSemaphore(AT_ONCE)


def section(ctx: Context, language: str, room: str, shown: ranges.Range) -> Any:
    if ctx.config().room(room).outdoor:
        return None
    asked = {"room": room, "range": shown.name, "date": shown.first.isoformat()}
    return html.Section(
        [
            html.H2(ctx.t(language, "room.estimates")),
            html.P(ctx.t(language, "room.estimates_text", days=DAYS), className="quiet"),
            html.Button(
                ctx.t(language, "room.estimates_ask"),
                id="room-estimates-ask",
                type="button",
                className="button",
                **parts.data(fetches="room-estimates"),
            ),
            html.Div(parts.fetched("room", "estimates", language, "press", **asked), id="room-estimates"),
        ],
        className="estimates",
    )


def told(ctx: Context, language: str, asked: Mapping[str, str]) -> str | None:
    """The two weeks up to the end of what is shown, or up to yesterday."""
    room = asked.get("room", "")
    if not ctx.config().has_room(room):
        return None
    today = ranges.range_of("day", "", ctx.now_ms()).start_ms
    end = min(ranges.range_of(asked.get("range", ""), asked.get("date", ""), ctx.now_ms()).end_ms, today)
    try:
        with _working:
            lines = ctx.research.estimates_text(room, end - DAYS * DAY_MS, end, language)
    except StoreUnavailable as away:
        log.warning("estimates_failed room=%s error=%s", room, away)
        return html.P(ctx.t(language, "pages.store_away"), className="reason")
    except ImportError:
        return html.P(ctx.t(language, "room.estimates_missing"), className="reason")
    first, last = (local_time(at).date() for at in (end - DAYS * DAY_MS, end - 1))
    return html.Div(
        [
            html.P(i18n.show_days(first, last, language), className="shown-date"),
            html.Ul([_line(*text.split("\n  ! ")) for text in lines]),
        ]
    )


def _line(text: str, *warnings: str) -> Any:
    name, _, rest = text.partition(": ")
    warned = [html.Div(f"⚠ {warning}", className="reason") for warning in warnings]
    return html.Li([html.Span(name, className="quiet"), html.Br(), html.Span(rest), *warned])
