"""One room: how it is now, word for word as on its display, and its days, weeks and months in charts and tables."""

from __future__ import annotations

import asyncio
from typing import Any

import dash
from dash import Input, Output, State, dcc, html

from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.frame import asker, parts
from dashboard.frame.date_field import date_field
from dashboard.pages.room import estimates, history, now
from dashboard.queries import ranges

PATH = "/room/<room>"
ORDER = 20
TITLE_KEY = "room.title"
NEED = Need.READ


def view(ctx: Context, language: str, room: str = "", control: str = "") -> now.Now | None:
    """`control`: with the purifiers' buttons. Who has no right to them is refused when pressing."""
    return now.Now(ctx, language, room, control == "yes") if ctx.config().has_room(room) else None


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
                parts.link(
                    ctx, ctx.t(language, "overview.title"), parts.address("/", lang=language), className="button"
                )
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
        parts.live_view("room", language, room=room, control="yes" if asker.principal().controls(room) else ""),
        _signing_in(ctx, language, room),
        _controls(ctx, language, path, shown),
        html.Div(history.sections(ctx, language, room, shown), id="room-history"),
        estimates.section(ctx, language, room),
        *_activities(ctx, language, room),
        dcc.Store(
            id="room-view",
            data={"room": room, "language": language, "range": shown.name, "date": shown.first.isoformat()},
        ),
        dcc.Interval(id="room-tick", interval=30_000),
    )


def _activities(ctx: Context, language: str, room: str) -> list[Any]:
    """The way to what a class can find out about its air."""
    if ctx.config().room(room).outdoor:
        return []
    href = parts.address(f"/activity/{room}", lang=language)
    return [html.P(html.A(ctx.t(language, "activity.title"), href=href, className="button"))]


def callbacks(app: dash.Dash, ctx: Context) -> None:
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

    estimates.callbacks(app, ctx, _valid)

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


def _head(ctx: Context, language: str, room: str) -> Any:
    return html.Div(
        [
            html.Div(
                [
                    html.P(
                        [
                            parts.link(ctx, ctx.t(language, "overview.title"), parts.address("/", lang=language)),
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


def _signing_in(ctx: Context, language: str, room: str) -> Any:
    """The way to the buttons for those who are not signed in."""
    if asker.principal().signed_in or not ctx.config().purifiers_in(room):
        return None
    here = parts.address(f"/room/{room}", lang=language)
    return html.P(
        html.A(ctx.t(language, "switching.sign_in"), href=parts.address("/login", next=here, lang=language)),
        className="purifiers-sign-in",
    )


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
            date_field(
                ctx,
                language,
                ctx.t(language, "room.jump"),
                shown.first,
                search=f"range={shown.name}&lang={language}",
                last=today.isoformat(),
            ),
        ],
        className="controls",
    )
