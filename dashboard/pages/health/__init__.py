"""Every service, bridge, sensor and purifier in plain words: how it is, since when, why, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import dash
from dash import Input, Output, State, dcc, html

from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.pages.health import health_rows, sensor_rows
from dashboard.pages.health.day import HOURS
from dashboard.pages.health.health_rows import Day, HealthRow
from dashboard.pages.health.sensor_rows import Stored

PATH = "/health"
ORDER = 90
TITLE_KEY = "health_page.title"
NEED = Need.READ
RENEW_EVERY_MS: Final = 10_000
"""Figures go on; what changes its state is told to the page at once (`health-news`)."""


def layout(ctx: Context, language: str) -> Any:
    return parts.page(
        ctx,
        language,
        PATH,
        {},
        html.Div(_body(ctx, language, sensor_rows.asked(ctx)), id="health"),
        dcc.Interval(id="health-tick", interval=RENEW_EVERY_MS),
        dcc.Store(id="health-news"),
    )


def callbacks(app: dash.Dash, ctx: Context) -> None:
    @app.callback(
        Output("health", "children"),
        Input("health-tick", "n_intervals"),
        Input("health-news", "data"),
        State("at", "search"),
        prevent_initial_call=True,
    )
    async def renew(_tick: int | None, _news: object, search: str | None) -> Any:
        stored = await asyncio.to_thread(sensor_rows.asked, ctx)
        return _body(ctx, ctx.language(search), stored)


def rows(ctx: Context, language: str, stored: Stored) -> list[HealthRow]:
    """Every part that the configuration names or that has spoken."""
    return [*health_rows.rows(ctx, language, stored.fault), *sensor_rows.rows(ctx, language, stored)]


def _body(ctx: Context, language: str, stored: Stored) -> list[Any]:
    found = rows(ctx, language, stored)
    accepted = ctx.live.accepted()
    refused = accepted.refused if accepted else None
    # Only what has stopped or is in doubt is a matter; what has not spoken yet waits in its own group.
    amiss = [row for row in found if row.well == "no" or (row.well == "wait" and row.word != "starting")]
    count = len(amiss) + bool(refused)
    head = [html.H1(ctx.t(language, "health_page.title"))]
    if count:
        summary: Any = html.P(ctx.t(language, "health_page.some", n=count), className="quiet", role="status")
    else:
        summary = html.Div(
            [html.I(className="tick"), ctx.t(language, "health_page.all_well")], className="well", role="status"
        )
    groups = [("look_here", sorted(amiss, key=lambda row: row.well != "no"))] if amiss else []
    groups += [
        (name, [row for row in found if row.group == name and row not in amiss])
        for name in ("services", "bridges", "sensors", "purifiers")
    ]
    return [
        html.Div([*head, *([summary] if count else [])], className="head"),
        *([] if count else [summary]),
        *([_refused(ctx, language, refused)] if refused else []),
        *(_group(ctx, language, name, members) for name, members in groups if members),
        _configuration(ctx, language),
    ]


def _refused(ctx: Context, language: str, refused: str) -> Any:
    return html.Section(
        [
            html.P(html.B(ctx.t(language, "health_page.refused"))),
            html.Pre(refused, className="refused", lang="en"),
            html.P(ctx.t(language, "health_page.refused_do")),
        ],
        className="panel group",
    )


def _group(ctx: Context, language: str, name: str, members: Iterable[HealthRow]) -> Any:
    heads = ("part", "state", "heard", "cause", "numbers")
    return html.Section(
        [
            html.H2(ctx.t(language, f"health_page.{name}")),
            html.Div(
                html.Table(
                    [
                        html.Thead(
                            html.Tr([html.Th(ctx.t(language, f"health_page.{head}"), scope="col") for head in heads])
                        ),
                        html.Tbody([_row(ctx, language, row) for row in members]),
                    ],
                    className="health",
                ),
                className="panel",
            ),
        ],
        className="group",
    )


def _row(ctx: Context, language: str, row: HealthRow) -> Any:
    heard = parts.age(ctx, language, row.at, "ago") if row.at is not None else html.Span("–", className="quiet")
    return html.Tr(
        [
            html.Td([row.name, html.Small(row.detail)] if row.detail else row.name, className="part"),
            html.Td(
                html.Span(
                    ctx.t(language, f"health_page.word.{row.word}"), className="state-word", **parts.data(well=row.well)
                )
            ),
            html.Td(heard, className="quiet nowrap"),
            html.Td(
                [
                    *([html.Div(row.cause)] if row.cause else []),
                    *([_step(ctx, language, row)] if row.step else []),
                    *([_day(ctx, language, row.day)] if row.day else []),
                ]
            ),
            html.Td(_numbers(ctx, language, row), className="counts"),
        ]
    )


def _step(ctx: Context, language: str, row: HealthRow) -> Any:
    if not row.cause:
        return html.Div(row.step)
    return html.Div([html.B(ctx.t(language, "health_page.step")), " ", row.step], className="step")


def _numbers(ctx: Context, language: str, row: HealthRow) -> Any:
    """What a part says of itself; what it has counted is behind a word where there is both.

    Few elements, here and below: the page is drawn again as soon as anything fails, on old tablets too.
    """
    counted = " · ".join(row.figures)
    if not row.facts:
        return counted
    facts = html.Div(" · ".join(f"{name}\u00a0{value}" for name, value in row.facts), className="facts-list")
    return [facts, html.Details([html.Summary(ctx.t(language, "health_page.counted")), counted])] if counted else facts


def _day(ctx: Context, language: str, day: Day) -> Any:
    """Words always; the strip only where an hour misses something, its bars as high as what is missing."""
    words = " ".join(text for text in (day.words, day.late) if text)
    if not any(day.shares):
        return html.Div(words, className="day-words")
    bars = ", ".join(_bar(hour, share) for hour, share in enumerate(day.shares) if share)
    ends = [html.Span(ctx.t(language, f"health_page.day.{end}")) for end in ("begin", "end")]
    return html.Div(
        [
            html.Div(
                className="day-strip",
                role="img",
                title="\n".join(day.titles),
                style={"background": bars},
                **parts.spoken(words),
            ),
            html.Div(ends, className="day-ends", **parts.aria(hidden="true")),
            html.Div(words, className="day-words"),
        ],
        className="day",
    )


def _bar(hour: int, share: float) -> str:
    """One hour's bar as a layer of the strip's background; what is missing can be seen however little it is."""
    wide, high = 100 / HOURS, max(share, 0.12) * 100
    place = hour * wide / (100 - wide) * 100
    return f"linear-gradient(var(--affects_health) 0 0) {place:.3f}% 100% / {wide * 0.86:.3f}% {high:.1f}% no-repeat"


def _configuration(ctx: Context, language: str) -> Any:
    accepted = ctx.live.accepted()
    told = (
        ctx.t(language, "health_page.version_none")
        if accepted is None
        else ctx.t(
            language,
            "health_page.version",
            n=accepted.version,
            time=parts.moment(accepted.accepted_at, ctx.now_ms(), language),
        )
    )
    names = [
        "broker.log",
        "ingest.log",
        "alerts.log",
        "dashboard.log",
        *(f"bridge-{full}.log" for full, _ in ctx.config().bridges()),
    ]
    return html.Section(
        [
            html.H2(ctx.t(language, "health_page.configuration")),
            html.Div(
                [html.P(told), html.P(ctx.t(language, "health_page.logs", names=", ".join(names)), className="quiet")],
                className="panel pad",
            ),
        ],
        className="group",
    )
