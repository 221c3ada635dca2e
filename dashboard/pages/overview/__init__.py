"""All rooms of all schools at a glance: what needs attention first, then every room. Shows room states as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash
from dash import Input, Output, State, dcc, html

from classair import i18n
from classair.timetable import local_time
from classair.wire import Current, RoomState
from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.live.cases import Case, cases_of, worst_first

PATH = "/"
ORDER = 10
TITLE_KEY = "overview.title"
NEED = Need.READ
MOST_CASES = 10
"""More than this at once is one matter, not many; the rest is counted."""

_LEVEL_KINDS = ("affects_health", "starts_to_affect_health")


def layout(ctx: Context, language: str) -> Any:
    return parts.page(
        ctx,
        language,
        PATH,
        {},
        html.Div(body(ctx, language), id="overview"),
        dcc.Interval(id="overview-tick", interval=30_000),
    )


def callbacks(app: dash.Dash, ctx: Context) -> None:
    @app.callback(
        Output("overview", "children"),
        Input("live", "data"),
        Input("overview-tick", "n_intervals"),
        State("at", "search"),
        prevent_initial_call=True,
    )
    async def renew(_news: Any, _tick: Any, search: str | None) -> Any:
        return body(ctx, ctx.language(search))


def body(ctx: Context, language: str) -> list[Any]:
    """Everything on the page that changes."""
    config, now = ctx.config(), ctx.now_ms()
    rooms = {full: (room, parts.state_of(ctx, full)) for full, room in config.rooms()}
    cases = worst_first(
        case for full, (room, state) in rooms.items() for case in cases_of(full, room.outdoor, state, now)
    )
    indoor = [state for room, state in rooms.values() if not room.outdoor]
    sites = sorted(config.sites, key=lambda site: parts.name_order(config.sites[site].name.in_(language)))
    return [
        _head(ctx, language),
        *(
            []
            if ctx.live.connected()
            else [parts.notice(ctx.t(language, "overview.title"), ctx.t(language, "pages.broker_away"))]
        ),
        _facts(ctx, language, indoor, sites),
        _cases(ctx, language, cases, {full: state for full, (_, state) in rooms.items()}),
        *(
            _site(
                ctx,
                language,
                site,
                {
                    full: state
                    for full, (room, state) in rooms.items()
                    if full.startswith(f"{site}.") and not room.outdoor
                },
            )
            for site in sites
        ),
    ]


def _head(ctx: Context, language: str) -> Any:
    at = local_time(ctx.now_ms())
    return html.Div(
        [
            html.H1(ctx.t(language, "overview.title")),
            html.Span(
                [i18n.show_date(at, language, "long"), " ", i18n.show_date(at, language, "time")], className="when"
            ),
        ],
        className="head",
    )


def _facts(ctx: Context, language: str, indoor: Sequence[RoomState | None], sites: Sequence[str]) -> Any:
    """How many rooms are known, and the air outside of each school."""
    known = sum(state is not None and state.pm25.status in ("ok", "late") for state in indoor)
    share = round(100 * known / len(indoor)) if indoor else 0
    facts = [
        html.Div(
            [
                html.Dt(ctx.t(language, "overview.rooms_with_data")),
                html.Dd(
                    [
                        ctx.t(language, "overview.rooms_count", known=known, all=len(indoor)),
                        html.Small(ctx.t(language, "overview.rooms_share", share=share)),
                    ]
                ),
            ],
            className="fact",
        )
    ]
    for site in sites:
        name = ctx.config().sites[site].name.in_(language)
        facts.append(
            html.Div(
                [
                    html.Dt([ctx.t(language, "pages.outdoor"), " · ", name]),
                    html.Dd(_outdoor(ctx, language, site)),
                ],
                className="fact",
            )
        )
    return html.Dl(facts, className="facts")


def _outdoor(ctx: Context, language: str, site: str) -> Any:
    """What the school's rooms are told of the outdoors: its own place outside, or another source that is named."""
    yard = next((full for full, room in ctx.config().rooms() if full.startswith(f"{site}.") and room.outdoor), None)
    state = parts.state_of(ctx, yard) if yard else None
    current = state.pm25 if state else _outdoor_of_any(ctx, site)
    if current is None or current.status == "none":
        return html.Small(ctx.t(language, "pages.no_outdoor" if yard is None else "overview.outdoor_unknown"))
    return html.Span(
        [
            html.Span(
                [parts.number(ctx, language, current, "ugm3"), " ", _swatch(ctx, language, current.level)],
                className="if-known",
            ),
            html.Small(parts.unknown_reason(ctx, language, current), className="if-unknown"),
        ],
        className="phased",
        **parts.phase_marks(current, ctx.now_ms()),
    )


def _outdoor_of_any(ctx: Context, site: str) -> Current | None:
    states = (parts.state_of(ctx, full) for full, _ in ctx.config().rooms() if full.startswith(f"{site}."))
    return next((state.outdoor for state in states if state and state.outdoor.status != "none"), None)


def _swatch(ctx: Context, language: str, level: str) -> Any:
    return html.Span(
        [parts.bars(ctx, language, level), parts.level_word(ctx, language, level)],
        className="swatch level",
        **parts.data(level=level),
    )


# -- what needs attention ----------------------------------------------------------------------------------------------


def _cases(ctx: Context, language: str, cases: Sequence[Case], states: dict[str, RoomState | None]) -> Any:
    if not cases:
        return html.Div(
            [html.I(className="tick"), ctx.t(language, "overview.all_well")], className="well", role="status"
        )
    shown = [_case(ctx, language, case, states[case.room]) for case in cases[:MOST_CASES]]
    more = (
        [html.P(ctx.t(language, "overview.more", n=len(cases) - MOST_CASES), className="quiet")]
        if len(cases) > MOST_CASES
        else []
    )
    return html.Section(
        [
            html.H2(f"{ctx.t(language, 'overview.needs_care')} ({len(cases)})"),
            html.Ul(shown, className="cases"),
            *more,
        ]
    )


def _case(ctx: Context, language: str, case: Case, state: RoomState | None) -> Any:
    level = case.kind if case.kind in _LEVEL_KINDS else "unknown"
    since = (
        [parts.age(ctx, language, case.since, "since", className="age quiet nowrap")]
        if case.since is not None
        else [html.Span(className="age")]
    )
    return html.Li(
        dcc.Link(
            [
                html.Span(className="edge level", **parts.data(level=level)),
                html.Span(parts.room_name(ctx, language, case.room), className="where nowrap"),
                html.Span(parts.site_name(ctx, language, case.room), className="school"),
                html.Span(_what(ctx, language, case, state), className="what"),
                *since,
            ],
            href=parts.address(f"/room/{case.room}", lang=language),
        )
    )


def _what(ctx: Context, language: str, case: Case, state: RoomState | None) -> Any:
    told: list[Any]
    if case.kind in _LEVEL_KINDS and state is not None:
        told = [
            ctx.t(
                language,
                "overview.case.level",
                value=state.pm25.shown,
                unit=ctx.t(language, "unit.ugm3"),
                level=parts.level_word(ctx, language, state.pm25.level),
            )
        ]
        if state.purifier is not None and state.purifier.on is not None:
            told += [
                " · ",
                ctx.t(language, f"overview.case.purifier_{'on' if state.purifier.on else 'off'}"),
                " ",
                parts.age(ctx, language, state.purifier.since, "for", className="quiet"),
            ]
        return told
    if case.kind == "unknown" and state is None:
        return ctx.t(language, "pages.no_word")
    told = [ctx.t(language, f"overview.case.{case.kind}")]
    if case.kind == "unknown" and state is not None and (last := parts.last_value(ctx, language, state.pm25)):
        coming = state.pm25.status in ("filling", "warming_up")
        told.append(
            html.Span(f" · {parts.unknown_reason(ctx, language, state.pm25) if coming else last}", className="quiet")
        )
    return told


# -- every room --------------------------------------------------------------------------------------------------------


def _site(ctx: Context, language: str, site: str, rooms: dict[str, RoomState | None]) -> Any:
    order = sorted(rooms, key=lambda full: parts.name_order(parts.room_name(ctx, language, full)))
    head: list[Any] = [
        html.H2(ctx.config().sites[site].name.in_(language)),
        html.Span(ctx.t(language, "overview.rooms_of", n=len(rooms)), className="quiet"),
    ]
    if ctx.config().site_simulated(site):
        head.append(parts.simulated_mark(ctx, language))
    return html.Section(
        [
            html.Div(head, className="site-head"),
            html.Div([_card(ctx, language, full, rooms[full]) for full in order], className="cards"),
        ],
        className="site",
    )


def _card(ctx: Context, language: str, full: str, state: RoomState | None) -> Any:
    current = state.pm25 if state else Current(status="unknown")
    name = parts.room_name(ctx, language, full)
    top = html.Div(
        [
            html.Span(
                [
                    html.Span(parts.face(current.level), className="if-known"),
                    html.Span(parts.face("unknown"), className="if-unknown"),
                ],
                className="face-place",
            ),
            html.Span(name, className="name nowrap"),
            html.Span(
                [
                    html.Span(
                        [parts.level_word(ctx, language, current.level), " ", parts.bars(ctx, language, current.level)],
                        className="if-known",
                    ),
                    html.Span(
                        parts.unknown_reason(ctx, language, current) if state else ctx.t(language, "pages.no_word"),
                        className="if-unknown",
                    ),
                ],
                className="word",
            ),
            html.Span(
                [
                    html.Span(parts.number(ctx, language, current, "ugm3"), className="if-known"),
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
            html.Dl(
                [
                    html.Dt(ctx.t(language, "pages.co2")),
                    html.Dd(parts.ventilation(ctx, language, state.co2)),
                    html.Dt(ctx.t(language, "pages.purifier_label")),
                    html.Dd(parts.purifier_word(ctx, language, state.purifier)),
                ]
            )
        ]
    )
    return html.Div(
        dcc.Link(
            [top, *rows, html.Div(_aged(ctx, language, current), className="aged")],
            href=parts.address(f"/room/{full}", lang=language),
            title=ctx.t(language, "overview.open_room", room=name),
        ),
        className="card",
        **parts.phase_marks(current, ctx.now_ms()),
    )


def _aged(ctx: Context, language: str, current: Current) -> list[Any]:
    told: list[Any] = []
    if current.newest_at is not None:
        told = [
            parts.age(ctx, language, current.newest_at, "measured", className="if-ok"),
            html.Span(parts.age(ctx, language, current.newest_at, "late"), className="if-late late-chip"),
        ]
    return [*told, html.Span(parts.last_value(ctx, language, current), className="if-unknown")]
