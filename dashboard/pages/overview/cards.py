"""A room on the overview: number, level, the display's sentence, ventilation and purifier."""

from __future__ import annotations

from typing import Any

from classair.wire import Current, RoomState
from dashboard.context import Context
from dashboard.frame import parts, states
from dashboard.frame.markup import html, piece
from dashboard.live.ages import texts_as_of
from dashboard.live.lives import Lives


def card(ctx: Context, language: str, full: str, state: RoomState | None, lives: Lives) -> str:
    """The room as its display shows it. Nothing is promised or known of what depends on a silent part."""
    current = state.pm25 if state else Current(status="unknown")
    name = parts.room_name(ctx, language, full)
    top = html.Div(
        [
            html.Span(
                [
                    html.Span(states.face(current.level), className="if-known"),
                    html.Span(states.face("unknown"), className="if-unknown"),
                ],
                className="face-place",
            ),
            html.Span(name, className="name nowrap"),
            html.Span(
                [
                    html.Span(
                        [
                            states.level_word(ctx, language, current.level),
                            " ",
                            states.bars(ctx, language, current.level),
                        ],
                        className="if-known",
                    ),
                    html.Span(
                        states.unknown_reason(ctx, language, current, lives.of(f"room/{full}"))
                        if state
                        else ctx.t(language, "pages.no_word"),
                        className="if-unknown",
                    ),
                ],
                className="word",
            ),
            html.Span(
                [
                    html.Span(states.number(ctx, language, current, "ugm3"), className="if-known"),
                    html.Span("–", className="if-unknown"),
                ],
                className="value",
            ),
        ],
        className="card-top level",
        **parts.data(level=current.level),
    )
    rows = (
        []
        if state is None
        else [
            *_action(ctx, language, state),
            html.Dl(
                [
                    html.Dt(ctx.t(language, "pages.co2")),
                    html.Dd(states.ventilation(ctx, language, state.co2)),
                    html.Dt(ctx.t(language, "pages.purifier_label")),
                    html.Dd(states.purifier_tile(ctx, language, state, lives)),
                ]
            ),
        ]
    )
    return html.Div(
        html.A(
            [top, *rows, html.Div(_aged(ctx, language, current), className="aged")],
            href=parts.address(f"/room/{full}", lang=language),
            title=ctx.t(language, "overview.open_room", room=name),
        ),
        className="card",
        **states.phase_marks(current, ctx.now_ms()),
        **piece(f"card/{full}"),
    )


def _action(ctx: Context, language: str, state: RoomState) -> list[Any]:
    """The display's sentence; and that the room's sensors disagree, which no number shows."""
    told = texts_as_of(ctx.live.state(state.room) or state, language, ctx.now_ms())
    later = state.texts.get(language, {}).get("unknown")
    found: list[Any] = []
    if state.pm25.status in ("ok", "late"):
        if told is not None:
            found.append(html.P(states.phrases(told.action), className="action if-known"))
        if later is not None:
            found.append(html.P(states.phrases(later.action), className="action if-unknown"))
        if state.pm25.disagree:
            found.append(html.P(ctx.t(language, "pages.disagree"), className="disagree if-known"))
    elif told is not None:
        found.append(html.P(states.phrases(told.action), className="action"))
    return found


def _aged(ctx: Context, language: str, current: Current) -> list[Any]:
    told: list[Any] = []
    if current.newest_at is not None:
        told = [
            states.age(current.newest_at, "measured", className="if-ok"),
            html.Span(states.age(current.newest_at, "late"), className="if-late late-chip"),
        ]
    if current.held:
        told.append(html.Span(states.held(ctx, language, current), className="if-known"))
    return [*told, html.Span(states.last_value(ctx, language, current), className="if-unknown")]
