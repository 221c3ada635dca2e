"""One room: how it is now, word for word as on its display, and its days, weeks and months in charts and tables."""

from __future__ import annotations

import asyncio
from typing import Any

import dash
from dash import Input, Output, State, dcc, html

from classair.units import MINUTE_MS
from classair.wire import Current, RoomState
from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.pages.room import history
from dashboard.queries import ranges

PATH = "/room/<room>"
ORDER = 20
TITLE_KEY = "room.title"
NEED = Need.READ


def layout(ctx: Context, language: str, room: str = "", range: str = "day", date: str = "") -> Any:
    path = f"/room/{room}"
    if not ctx.config().has_room(room):
        return parts.page(
            ctx,
            language,
            path,
            {},
            html.H1(ctx.t(language, "room.not_found")),
            html.P(ctx.t(language, "room.not_found_text", room=room), className="reason"),
            html.P(
                dcc.Link(ctx.t(language, "overview.title"), href=parts.address("/", lang=language), className="button")
            ),
        )
    shown = ranges.range_of(range, date, ctx.now_ms())
    query = {"range": shown.name, "date": shown.first.isoformat() if date else ""}
    return parts.page(
        ctx,
        language,
        path,
        query,
        _head(ctx, language, room),
        html.Div(now(ctx, language, room), id="room-now"),
        _controls(ctx, language, path, shown),
        html.Div(history.sections(ctx, language, room, shown), id="room-history"),
        dcc.Store(
            id="room-view",
            data={"room": room, "language": language, "range": shown.name, "date": shown.first.isoformat()},
        ),
        dcc.Interval(id="room-tick", interval=30_000),
    )


def callbacks(app: dash.Dash, ctx: Context) -> None:
    @app.callback(
        Output("room-now", "children"),
        Input("live", "data"),
        Input("room-tick", "n_intervals"),
        State("room-view", "data"),
        prevent_initial_call=True,
    )
    async def renew_now(news: dict[str, Any] | None, _tick: int | None, view: Any) -> Any:
        if not _valid(ctx, view):
            return dash.no_update
        if dash.ctx.triggered_id == "live" and view["room"] not in (news or {}).get("rooms", []):
            return dash.no_update
        return now(ctx, view["language"], view["room"])

    @app.callback(
        *(Output(f"room-{name}", "figure") for name in history.CHARTS),
        *(Output(f"room-{name}-text", "children") for name in history.CHARTS),
        Output("room-store-away", "children"),
        Input("room-tick", "n_intervals"),
        State("room-view", "data"),
        prevent_initial_call=True,
    )
    async def renew_history(_tick: int | None, view: Any) -> Any:
        if not _valid(ctx, view):
            return dash.no_update
        shown = ranges.range_of(view["range"], view["date"], ctx.now_ms())
        if not shown.holds(ctx.now_ms()) and not shown.holds(ctx.now_ms() - 3_600_000):
            return dash.no_update
        return await asyncio.to_thread(history.renewed, ctx, view["language"], view["room"], shown)

    for name in history.CHARTS:

        @app.callback(
            Output(f"room-{name}-table", "children"),
            Input(f"room-{name}-more", "n_clicks"),
            State("room-view", "data"),
            prevent_initial_call=True,
        )
        async def fill_table(clicks: int | None, view: Any, name: str = name) -> Any:
            if not _valid(ctx, view) or not clicks:
                return dash.no_update
            shown = ranges.range_of(view["range"], view["date"], ctx.now_ms())
            return await asyncio.to_thread(history.table, ctx, view["language"], view["room"], shown, name)


def _valid(ctx: Context, view: Any) -> bool:
    """What comes from a browser is checked as if a stranger had written it."""
    return (
        isinstance(view, dict)
        and all(isinstance(view.get(k), str) for k in ("room", "language", "range", "date"))
        and ctx.config().has_room(view["room"])
    )


# -- how it is now -----------------------------------------------------------------------------------------------------


def _head(ctx: Context, language: str, room: str) -> Any:
    return html.Div(
        [
            html.Div(
                [
                    html.P(
                        [
                            dcc.Link(ctx.t(language, "overview.title"), href=parts.address("/", lang=language)),
                            " › ",
                            parts.site_name(ctx, language, room),
                        ],
                        className="trail",
                    ),
                    html.H1(parts.room_name(ctx, language, room)),
                ]
            ),
            html.A(
                ctx.t(language, "room.display"),
                href=parts.address(f"/display/{room}", lang=language),
                className="button push",
            ),
        ],
        className="head",
    )


def now(ctx: Context, language: str, room: str) -> Any:
    """The room's state as it is: number, level, action and reason are those of the display."""
    state = parts.state_of(ctx, room)
    if state is None:
        return html.Section(
            [
                html.Div(
                    [
                        parts.face("unknown"),
                        html.Div(parts.level_word(ctx, language, "unknown"), className="word"),
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
            _level(ctx, language, current),
            html.Div(
                [*_advice(ctx, language, state), _tiles(ctx, language, room, state), _foot(ctx, language, state)],
                className="now-side",
            ),
        ],
        className="now",
        **parts.phase_marks(current, ctx.now_ms()),
        **parts.spoken(ctx.t(language, "room.now")),
    )


def _level(ctx: Context, language: str, current: Current) -> Any:
    last = parts.last_value(ctx, language, current)
    return html.Div(
        [
            html.Span(
                [
                    html.Span(parts.face(current.level), className="if-known"),
                    html.Span(parts.face("unknown"), className="if-unknown"),
                ],
                className="face-place",
            ),
            html.Div(
                [
                    html.Span(
                        [parts.level_word(ctx, language, current.level), " ", parts.bars(ctx, language, current.level)],
                        className="if-known",
                    ),
                    html.Span(parts.unknown_reason(ctx, language, current), className="if-unknown"),
                ],
                className="word",
                **parts.aria(live="polite"),
            ),
            html.Div(
                [
                    html.Span(parts.number(ctx, language, current, "ugm3"), className="if-known"),
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


def _advice(ctx: Context, language: str, state: RoomState) -> list[Any]:
    """The one action and its reason for each phase; the browser shows the one that fits the age."""
    shown: list[Any] = []
    texts = state.texts.get(language, {})
    newest = state.pm25.newest_at or state.pm25.last_at
    minutes = (ctx.now_ms() - newest) // MINUTE_MS if newest else 0
    for phase, name in (("ok", "if-known"), ("unknown", "if-unknown")):
        told = texts.get(phase)  # type: ignore[call-overload]
        if told is None:
            continue
        # A silent room's reason leaves its minutes open, because they go on growing.
        reason = told.reason.replace("{minutes}", str(minutes))
        shown.append(
            html.Div(
                [
                    html.P(parts.phrases(told.action), className="action", **parts.aria(live="polite")),
                    *([html.P(parts.phrases(reason), className="reason")] if reason else []),
                ],
                className=name,
            )
        )
    return shown


def _tiles(ctx: Context, language: str, room: str, state: RoomState) -> Any:
    tiles = []
    if not ctx.config().room(room).outdoor:
        tiles += [
            (ctx.t(language, "pages.outdoor"), _outdoor(ctx, language, state.outdoor)),
            (ctx.t(language, "pages.co2"), parts.ventilation(ctx, language, state.co2)),
            (ctx.t(language, "pages.purifier_label"), parts.purifier_word(ctx, language, state.purifier)),
        ]
    if state.temp_c is not None:
        tiles.append((ctx.t(language, "room.temperature"), f"{state.temp_c:.1f}\u00a0°C"))
    if state.rh_pct is not None:
        tiles.append((ctx.t(language, "room.humidity"), f"{state.rh_pct:.0f}%"))
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in tiles], className="tiles")


def _outdoor(ctx: Context, language: str, current: Current) -> Any:
    if current.status == "none":
        return html.Span(ctx.t(language, "pages.no_outdoor"), className="quiet")
    return html.Span(
        [
            html.Span(
                [
                    parts.number(ctx, language, current, "ugm3"),
                    " ",
                    html.Span(
                        [parts.bars(ctx, language, current.level), parts.level_word(ctx, language, current.level)],
                        className="swatch level",
                        **parts.data(level=current.level),
                    ),
                ],
                className="if-known",
            ),
            html.Span(parts.unknown_reason(ctx, language, current), className="if-unknown quiet"),
        ],
        className="phased",
        **parts.phase_marks(current, ctx.now_ms()),
    )


def _foot(ctx: Context, language: str, state: RoomState) -> Any:
    told: list[Any] = []
    if state.pm25.newest_at is not None:
        told = [
            parts.age(ctx, language, state.pm25.newest_at, "measured", className="if-ok quiet"),
            html.Span(parts.age(ctx, language, state.pm25.newest_at, "late"), className="if-late late-chip"),
            parts.age(ctx, language, state.pm25.newest_at, "silent", className="if-unknown quiet"),
        ]
    if state.simulated:
        told.append(parts.simulated_mark(ctx, language))
    return html.Div(told, className="now-foot")


# -- which time is shown -----------------------------------------------------------------------------------------------


def _controls(ctx: Context, language: str, path: str, shown: ranges.Range) -> Any:
    """Everything here is a link: the address says what is shown."""

    def link(target: ranges.Range | None, word: str, name: str, css: str) -> Any:
        if target is None:
            return html.Span(word, className=css, **parts.aria(disabled="true"))
        return dcc.Link(
            word, href=parts.address(path, range=name, date=target.first.isoformat(), lang=language), className=css
        )

    now_ms = ctx.now_ms()
    today = ranges.range_of("day", "", now_ms).first
    following, current = shown.following(), ranges.around(shown.name, today)
    word = {"day": "room.today", "week": "room.this_week", "month": "room.this_month"}[shown.name]
    here = today if shown.holds(now_ms) else shown.first
    return html.Div(
        [
            html.H2(ctx.t(language, "room.history")),
            html.Nav(
                [
                    link(
                        ranges.around(name, here),
                        ctx.t(language, f"room.{name}"),
                        name,
                        "here" if name == shown.name else "",
                    )
                    for name in ranges.RANGES
                ],
                className="ranges",
                **parts.spoken(ctx.t(language, "room.range")),
            ),
            html.Div(
                [
                    link(shown.previous(), f"‹ {ctx.t(language, 'room.previous')}", shown.name, "button"),
                    html.Span(shown.title(language), className="shown-date"),
                    link(
                        following if following.start_ms <= now_ms else None,
                        f"{ctx.t(language, 'room.next')} ›",
                        shown.name,
                        "button",
                    ),
                    *([] if shown.holds(now_ms) else [link(current, ctx.t(language, word), shown.name, "button")]),
                ],
                className="steps",
            ),
            html.Div(
                className="day-jump",
                **parts.data(
                    date=shown.first.isoformat(),
                    max=today.isoformat(),
                    label=ctx.t(language, "room.jump"),
                    search=f"range={shown.name}&lang={language}",
                ),
            ),
        ],
        className="controls",
    )
