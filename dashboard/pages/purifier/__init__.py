"""The page behind the code on a room's display: the room's purifiers with large buttons, for its staff's phones."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.frame import parts, purifiers, states
from dashboard.frame.markup import hole, html, piece
from dashboard.live.lives import of_room

PATH = "/room/<room>/purifier"
ORDER = 200
TITLE_KEY = "switching.page_title"
NEED = Need.CONTROL


def view(ctx: Context, language: str, room: str = "") -> Phone | None:
    return Phone(ctx, language, room) if ctx.config().has_room(room) else None


class Phone:
    """The room's level in one line, its purifiers below. The guard lets in only those who may control this room."""

    every_s = 5.0

    def __init__(self, ctx: Context, language: str, room: str) -> None:
        self._ctx, self._language, self._room = ctx, language, room

    def concerns(self, key: str) -> bool:
        return purifiers.concerns(self._ctx, self._room, key)

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, room = self._ctx, self._language, self._room
        if not ctx.config().has_room(room):
            return {"": html.Div(html.P(ctx.t(language, "room.not_found")), **piece(""))}
        return {
            "": html.Div(
                [
                    html.P(parts.site_name(ctx, language, room), className="trail"),
                    html.H1(parts.room_name(ctx, language, room)),
                    hole("air"),
                    hole(purifiers.PIECE),
                    html.P(
                        [
                            html.A(
                                ctx.t(language, "switching.to_room"),
                                href=parts.address(f"/room/{room}", lang=language),
                                className="button",
                            ),
                            html.A(
                                ctx.t(language, "access.phones"),
                                href=parts.address("/phones", lang=language),
                                className="button",
                            ),
                        ],
                        className="phone-links",
                    ),
                ],
                className="phone",
                **piece(""),
            ),
            "air": _air(ctx, language, room),
            purifiers.PIECE: purifiers.cards(ctx, language, room, control=True),
        }


def _air(ctx: Context, language: str, room: str) -> Any:
    state = parts.state_of(ctx, room)
    if state is None:
        return html.P(ctx.t(language, "pages.no_word"), className="phone-air level", **piece("air"))
    current, verdict = state.pm25, of_room(ctx, room).of(f"room/{room}")
    return html.Div(
        [
            html.Div(
                html.Span(
                    [
                        states.face(current.level),
                        html.B(states.level_word(ctx, language, current.level)),
                        html.Span([states.number(ctx, language, current, "ugm3"), " PM2.5"], className="phone-value"),
                    ],
                    className="phone-line",
                ),
                className="if-known",
            ),
            html.Div(
                html.Span(
                    [states.face("unknown"), html.B(states.unknown_reason(ctx, language, current, verdict))],
                    className="phone-line",
                ),
                className="if-unknown",
            ),
        ],
        className="phone-air level",
        **parts.data(level=current.level),
        **states.phase_marks(current, ctx.now_ms()),
        **piece("air"),
    )
