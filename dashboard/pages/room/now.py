"""How a room is now, word for word as on its display."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from classair.wire import Current, RoomState
from dashboard.context import Context
from dashboard.frame import parts, purifiers, states
from dashboard.frame.markup import html, piece
from dashboard.live.alive import ALIVE, Verdict
from dashboard.live.lives import Lives, of_room


def pieces(ctx: Context, language: str, room: str, control: bool) -> dict[str, str]:
    """The room's state as it is: number, level, action and reason are those of the display; and its purifiers."""
    found: dict[str, str] = {"now": html.Div(_now(ctx, language, room), id="room-now", **piece("now"))}
    if ctx.config().purifiers_in(room):
        found[purifiers.PIECE] = purifiers.cards(ctx, language, room, control)
    return found


def _now(ctx: Context, language: str, room: str) -> Markup:
    state, lives = parts.state_of(ctx, room), of_room(ctx, room)
    if state is None:
        return html.Section(
            [
                html.Div(
                    [
                        states.face("unknown"),
                        html.Div(states.level_word(ctx, language, "unknown"), className="word"),
                        html.Div("–", className="value"),
                        html.Div(ctx.t(language, "pages.no_word"), className="fine"),
                    ],
                    className="now-level level",
                    **parts.data(level="unknown"),
                ),
                html.Div(html.P(ctx.t(language, "pages.broker_away"), className="reason"), className="now-side"),
            ],
            className="now",
            **parts.data(phase="unknown"),
        )
    current = state.pm25
    return html.Section(
        [
            _level(ctx, language, current, lives.of(f"room/{room}")),
            html.Div(
                [
                    *states.advice(ctx, language, ctx.live.state(room) or state),
                    _tiles(ctx, language, room, state, lives),
                    _foot(ctx, language, state),
                ],
                className="now-side",
            ),
        ],
        className="now",
        **states.phase_marks(current, ctx.now_ms()),
        **parts.spoken(ctx.t(language, "room.now")),
    )


def _level(ctx: Context, language: str, current: Current, verdict: Verdict) -> Any:
    last = states.last_value(ctx, language, current)
    return html.Div(
        [
            html.Span(
                [
                    html.Span(states.face(current.level), className="if-known"),
                    html.Span(states.face("unknown"), className="if-unknown"),
                ],
                className="face-place",
            ),
            html.Div(
                [
                    html.Span(
                        [
                            states.level_word(ctx, language, current.level),
                            " ",
                            states.bars(ctx, language, current.level),
                        ],
                        className="if-known",
                    ),
                    html.Span(states.unknown_reason(ctx, language, current, verdict), className="if-unknown"),
                ],
                className="word",
                **parts.aria(live="polite"),
            ),
            html.Div(
                [
                    html.Span(states.number(ctx, language, current, "ugm3"), className="if-known"),
                    html.Span("–", className="if-unknown"),
                ],
                className="value",
            ),
            html.Div(
                [
                    html.Span(
                        [
                            ctx.t(language, "room.pm25_in"),
                            " · ",
                            ctx.t(language, "room.average"),
                            html.Br(),
                            _correction(ctx, language, current),
                            *([html.Br(), html.B(ctx.t(language, "pages.disagree"))] if current.disagree else []),
                            *([html.Br(), html.B(states.held(ctx, language, current))] if current.held else []),
                        ],
                        className="if-known",
                    ),
                    html.Span(last, className="if-unknown"),
                ],
                className="fine",
            ),
        ],
        className="now-level level",
        **parts.data(level=current.level),
    )


def _correction(ctx: Context, language: str, current: Current) -> str:
    if current.correction == "none":
        return ctx.t(language, "pages.chart.not_calibrated")
    return ctx.t(language, "room.corrected", method=current.correction)


def _tiles(ctx: Context, language: str, room: str, state: RoomState, lives: Lives) -> Any:
    tiles: list[tuple[str, Any]] = []
    if not ctx.config().room(room).outdoor:
        yard = ctx.config().outdoor_of(room)
        alive = lives.of(f"room/{yard}") if yard else ALIVE
        tiles += [
            (ctx.t(language, "pages.outdoor"), states.outdoor_value(ctx, language, state.outdoor, alive)),
            (ctx.t(language, "pages.co2"), states.ventilation(ctx, language, state.co2)),
            (ctx.t(language, "pages.purifier_label"), states.purifier_tile(ctx, language, state, lives)),
        ]
    if state.temp_c is not None:
        tiles.append((ctx.t(language, "room.temperature"), f"{state.temp_c:.1f}\u00a0°C"))
    if state.rh_pct is not None:
        tiles.append((ctx.t(language, "room.humidity"), f"{state.rh_pct:.0f}%"))
    if state.heat_index_c is not None and state.heat:
        felt = f"{state.heat_index_c:.1f}\u00a0°C · {ctx.t(language, f'heat.{state.heat}')}"
        tiles.append((ctx.t(language, "pages.heat_index"), felt))
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in tiles], className="tiles")


def _foot(ctx: Context, language: str, state: RoomState) -> Any:
    told: list[Any] = []
    if state.pm25.newest_at is not None:
        told = [
            states.age(state.pm25.newest_at, "measured", className="if-ok quiet"),
            html.Span(states.age(state.pm25.newest_at, "late"), className="if-late late-chip"),
            states.age(state.pm25.newest_at, "silent", className="if-unknown quiet"),
        ]
    if ctx.config().room(state.room).sensitive:
        told.append(html.Span(ctx.t(language, "display.sensitive"), className="quiet sensitive"))
    if state.simulated:
        told.append(parts.simulated_mark(ctx, language))
    return html.Div(told, className="now-foot")
