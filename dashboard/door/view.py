"""The live part of a door page: three pieces, rendered once for all who have the page open."""

from __future__ import annotations

from collections.abc import Mapping, Set

from dashboard.context import Context
from dashboard.door import lesson_parts, now_part
from dashboard.door.past import RoomPasts
from dashboard.frame.markup import hole, html, piece


class Door:
    """A `dashboard.live.pieces.View`."""

    every_s = 10.0

    def __init__(self, ctx: Context, pasts: RoomPasts, language: str, room: str) -> None:
        self._ctx, self._pasts, self._language, self._room = ctx, pasts, language, room

    def concerns(self, key: str) -> bool:
        return key == f"full/{self._room}"

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, room = self._ctx, self._language, self._room
        if not ctx.config().has_room(room):
            return {"": html.Div(html.P(ctx.t(language, "room.not_found")), **piece(""))}
        whole = {
            "": html.Div([hole("now"), hole("today"), hole("week")], className="door-live", **piece("")),
            "now": now_part.render(ctx, language, room),
        }
        if not ctx.config().room(room).outdoor:
            past = self._pasts.of(room)
            whole["today"] = lesson_parts.today(ctx, language, room, past)
            whole["week"] = lesson_parts.week(ctx, language, room, past)
        return whole
