"""How a room is now, as on its display; of CO2 the word alone, and of a small room not even that."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from classair.wire import Current, RoomState
from dashboard.context import Context
from dashboard.frame import parts, states
from dashboard.frame.markup import html, piece
from dashboard.line.air import LEAST_PUPILS
from dashboard.live.alive import ALIVE, Verdict
from dashboard.live.lives import Lives, of_room


def render(ctx: Context, language: str, room: str) -> Markup:
    state = parts.state_of(ctx, room)
    if state is None:
        return html.Section(
            html.Div(
                [
                    states.face("unknown"),
                    html.Div(states.level_word(ctx, language, "unknown"), className="door-word"),
                    html.P(ctx.t(language, "pages.no_word")),
                ],
                className="door-level level",
                **parts.data(level="unknown"),
            ),
            **parts.data(phase="unknown"),
            **parts.spoken(ctx.t(language, "door.now")),
            **piece("now"),
        )
    lives = of_room(ctx, room)
    return html.Section(
        [
            _level(ctx, language, state, ctx.config().room(room).outdoor, lives.of(f"room/{room}")),
            html.Div(states.advice(ctx, language, ctx.live.state(room) or state), className="door-advice"),
            _tiles(ctx, language, room, state, lives),
        ],
        **states.phase_marks(state.pm25, ctx.now_ms()),
        **parts.spoken(ctx.t(language, "door.now")),
        **piece("now"),
    )


def _level(ctx: Context, language: str, state: RoomState, outdoor: bool, verdict: Verdict) -> Any:
    current, verdict = state.pm25, of_room(ctx, state.room).of(f"room/{state.room}")
    place = ctx.t(language, "display.pm25_outdoor" if outdoor else "display.pm25")
    return html.Div(
        [
            html.Span(
                [
                    html.Span(states.face(current.level), className="if-known"),
                    html.Span(states.face("unknown"), className="if-unknown"),
                ],
                className="door-face",
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
                className="door-word",
                **parts.aria(live="polite"),
            ),
            html.Div(
                [
                    html.Span(states.number(ctx, language, current, "ugm3"), className="if-known"),
                    html.Span("–", className="if-unknown"),
                ],
                className="door-value",
            ),
            html.Div(place, className="door-what"),
            html.Div(_age(ctx, language, current), className="door-age"),
        ],
        className="door-level level",
        **parts.data(level=current.level),
    )


def _age(ctx: Context, language: str, current: Current) -> list[Any]:
    told: list[Any] = []
    if current.newest_at is not None:
        told = [
            states.age(current.newest_at, "measured", className="if-ok"),
            html.Span(states.age(current.newest_at, "late"), className="if-late late-chip"),
            states.age(current.newest_at, "silent", className="if-unknown"),
        ]
    last = states.last_value(ctx, language, current)
    if last:
        told.append(html.Span(last, className="if-unknown door-last"))
    if current.held:
        told.append(html.Span(states.held(ctx, language, current), className="if-known door-last"))
    if current.disagree:
        told.append(html.Span(ctx.t(language, "pages.disagree"), className="if-known door-last"))
    return told


def _tiles(ctx: Context, language: str, room: str, state: RoomState, lives: Lives) -> Any:
    settings = ctx.config().room(room)
    if settings.outdoor:
        return None
    yard = ctx.config().outdoor_of(room)
    alive = lives.of(f"room/{yard}") if yard else ALIVE
    tiles = [(ctx.t(language, "pages.outdoor"), states.outdoor_value(ctx, language, state.outdoor, alive))]
    if settings.capacity >= LEAST_PUPILS and state.co2.status != "none":
        tiles.append((ctx.t(language, "door.ventilation"), states.ventilation_word(ctx, language, state.co2)))
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in tiles], className="door-tiles")
