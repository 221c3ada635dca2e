"""The day's summary of each room that one looks after, in a few lines: the same that teachers get by LINE at 15.45."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import date
from typing import Final

from markupsafe import Markup

from classair import i18n
from classair.timetable import local_time
from dashboard.access.roles import VISITOR, Need, Principal
from dashboard.context import Context
from dashboard.following import digest
from dashboard.following.dust import has_lessons
from dashboard.frame import parts
from dashboard.frame.markup import html, piece
from dashboard.queries.rooms import StoreUnavailable

PATH = "/today"
ORDER = 30
TITLE_KEY = "today.title"
NEED = Need.READ
MOST: Final = 12
"""Rooms on one page; those who look after more choose."""


def view(ctx: Context, language: str, room: str = "", reader: Principal = VISITOR) -> TodayView | None:
    if room and not (ctx.config().has_room(room) and reader.covers(room)):
        return None
    return TodayView(ctx, language, room, reader)


class TodayView:
    """Made again every five minutes: a quarter of an hour of lessons is over four times an hour."""

    every_s = 300.0

    def __init__(self, ctx: Context, language: str, room: str, reader: Principal) -> None:
        self._ctx, self._language, self._room, self._reader = ctx, language, room, reader

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language = self._ctx, self._language
        today = local_time(ctx.now_ms()).date()
        rooms = [self._room] if self._room else self._rooms()
        head = [
            html.H1(ctx.t(language, TITLE_KEY)),
            html.P(i18n.show_date(today, language, "long"), className="quiet"),
        ]
        if not rooms:
            content = [html.P(ctx.t(language, "today.no_lessons"))]
        elif len(rooms) > MOST:
            content = [html.P(ctx.t(language, "today.choose")), html.Ul([self._link(room) for room in rooms])]
        else:
            content = [self._card(room, today) for room in rooms]
        return {"": html.Div([*head, *content], className="today", **piece(""))}

    def _rooms(self) -> list[str]:
        """With lessons today, in the order of their names."""
        config, now = self._ctx.config(), self._ctx.now_ms()
        found = [
            room
            for room, known in config.rooms()
            if not known.outdoor and self._reader.covers(room) and has_lessons(config, room, now)
        ]
        return sorted(found, key=lambda room: parts.name_order(parts.room_name(self._ctx, self._language, room)))

    def _card(self, room: str, today: date) -> Markup:
        ctx, language = self._ctx, self._language
        try:
            lines = digest.lines(ctx.config(), digest.read(ctx, room, today), language)
        except StoreUnavailable:
            lines = [ctx.t(language, "today.no_database")]
        title = f"{parts.room_name(ctx, language, room)} · {parts.site_name(ctx, language, room)}"
        simulated = ctx.config().site_simulated(room.partition(".")[0])
        mark = [html.P(ctx.t(language, "word.simulated"), className="quiet")] if simulated else []
        return html.Section([html.H2(title), *[html.P(line) for line in lines], *mark], className="card")

    def _link(self, room: str) -> Markup:
        name = (
            f"{parts.room_name(self._ctx, self._language, room)} · {parts.site_name(self._ctx, self._language, room)}"
        )
        return html.Li(html.A(name, href=f"{PATH}?room={room}&lang={self._language}"))
