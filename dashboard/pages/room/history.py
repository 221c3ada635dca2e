"""A room's past in charts, each with a sentence that says it and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from classair.science.indexes.thai2023 import INDEX
from classair.units import DAY_MS, MINUTE_MS
from dashboard import figures
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import hole, html, piece
from dashboard.pages.room import lines, saying
from dashboard.queries.ranges import Range
from dashboard.queries.rooms import Band, RoomMeans, StoreUnavailable

CHARTS: Final = ("pm25", "co2", "climate")
POINTS: Final = 360
"""Buckets a chart has at most: five minutes in a day, half an hour in a week, three hours in a month."""
# The same ends as in the room's state (classair/science/state.py): where the words change.
CO2_LIMITS: Final = ((1000.0, "stuffy_soon"), (1500.0, "stuffy"), (2000.0, "very_stuffy"))
_TITLES: Final = {"pm25": "room.chart_pm25", "co2": "room.chart_co2", "climate": "room.climate"}
_QUANTITIES: Final = {"pm25": ("pm25",), "co2": ("co2_ppm",), "climate": ("temp_c", "rh_pct")}


@dataclass(frozen=True, slots=True)
class Past:
    """What the store knows of a room in a range."""

    series: dict[str, RoomMeans]
    outdoor: RoomMeans | None
    bands: list[Band]


def read(ctx: Context, room: str, shown: Range) -> Past:
    """Raises StoreUnavailable."""
    until = max(shown.start_ms + MINUTE_MS, min(shown.end_ms, ctx.now_ms()))
    ask = ctx.queries
    return Past(
        {
            quantity: ask.series(room, quantity, shown.start_ms, shown.end_ms, points=POINTS)
            for quantity in ("pm25", "co2_ppm", "temp_c", "rh_pct")
        },
        ask.outdoor_series(room, shown.start_ms, shown.end_ms, points=POINTS),
        ask.purifier_bands(room, shown.start_ms, until),
    )


def pieces(ctx: Context, language: str, room: str, shown: Range) -> dict[str, str]:
    """Each chart with what it says in words, so far as the room has what it shows; when the store is away they are
    empty and the page says so."""
    drawn, texts, away = _drawn(ctx, language, room, shown)
    found = {
        f"chart/{name}": html.Div(
            [
                html.Div(texts[name], id=f"room-{name}-text"),
                # The summary above says in words what is drawn, the table below in numbers.
                parts.chart(f"room-{name}", drawn[name], figures.settings(language), name, f"room-{name}-title"),
            ],
            **piece(f"chart/{name}"),
        )
        for name in drawn
    }
    return {**found, "away": html.Div(away, id="room-store-away", **piece("away"))}


def section(ctx: Context, language: str, room: str, shown: Range, name: str) -> Any:
    """The place of a chart, and of its numbers."""
    asked = {"room": room, "chart": name, "range": shown.name, "date": shown.first.isoformat()}
    return html.Section(
        [
            html.H2(ctx.t(language, _TITLES[name]), id=f"room-{name}-title"),
            hole(f"chart/{name}"),
            html.Details(
                [
                    html.Summary(ctx.t(language, "pages.chart.table"), id=f"room-{name}-more"),
                    html.Div(parts.fetched("room", "table", language, "open", **asked), id=f"room-{name}-table"),
                ]
            ),
        ],
        className="panel chart",
    )


def _charts(ctx: Context, room: str, past: Past) -> list[str]:
    """What the room has something of: what it has never had is not missing."""
    return ["pm25", *(n for n in CHARTS[1:] if any(_has(ctx, room, past, quantity) for quantity in _QUANTITIES[n]))]


def _has(ctx: Context, room: str, past: Past, quantity: str) -> bool:
    """Whether the room measures it now, or did in the range."""
    if any(row.n for row in past.series[quantity].rows):
        return True
    state = parts.state_of(ctx, room)
    if state is None:
        return False
    return {
        "co2_ppm": state.co2.status != "none",
        "temp_c": state.temp_c is not None,
        "rh_pct": state.rh_pct is not None,
    }[quantity]


def _drawn(
    ctx: Context,
    language: str,
    room: str,
    shown: Range,
) -> tuple[dict[str, figures.Figure], dict[str, list[Any]], list[Any]]:
    words, span = parts.chart_words(ctx, language), figures.TimeAxis(shown.start_ms, shown.end_ms, ctx.now_ms())
    key = f"{room}/{shown.name}/{shown.first}"
    away: list[Any] = []
    try:
        past = read(ctx, room, shown)
    except StoreUnavailable:
        nothing = {
            q: RoomMeans(room, q, DAY_MS, shown.start_ms, shown.end_ms) for q in ("pm25", "co2_ppm", "temp_c", "rh_pct")
        }
        past = Past(nothing, None, [])
        away = [parts.notice(ctx.t(language, "pages.store_away"), ctx.t(language, "room.store_away_text"))]
    series = past.series
    drawn = {
        "pm25": lines.pm25_figure(
            series["pm25"], past.outdoor, past.bands, pm25_limits(ctx, language), span, words, key
        ),
        "co2": lines.co2_figure(series["co2_ppm"], _co2_limits(ctx, language), span, words, key),
        "climate": lines.climate_figure(
            series["temp_c"] if _has(ctx, room, past, "temp_c") else None,
            series["rh_pct"] if _has(ctx, room, past, "rh_pct") else None,
            span,
            words,
            f"{ctx.t(language, 'room.temperature')} (°C)",
            f"{ctx.t(language, 'room.humidity')} (%)",
            key,
        ),
    }
    said = {
        "pm25": saying.pm25(ctx, language, series["pm25"], past.outdoor, past.bands),
        "co2": saying.co2(ctx, language, series["co2_ppm"]),
        "climate": saying.climate(ctx, language, series["temp_c"], series["rh_pct"]),
    }
    first = {"pm25": series["pm25"], "co2": series["co2_ppm"], "climate": series["temp_c"]}
    keys = {"pm25": pm25_limits(ctx, language), "co2": _co2_limits(ctx, language), "climate": []}
    shown_charts = list(CHARTS) if away else _charts(ctx, room, past)
    texts = {
        name: []
        if away
        else [
            html.P(said[name], className="summary"),
            html.P(saying.how_made(ctx, language, first[name]), className="made"),
            *parts.limit_key(keys[name], drawn[name]),
        ]
        for name in shown_charts
    }
    return {name: drawn[name] for name in shown_charts}, texts, away


def pm25_limits(ctx: Context, language: str) -> list[figures.Limit]:
    """Where each level ends, from the index in force; the name is that of the level above the line."""
    bands = INDEX.scales["pm25"].bands
    return [
        figures.Limit(
            float(below.high),
            ctx.t(
                language, "room.limit", value=f"{below.high.normalize():f}", level=ctx.t(language, f"level.{above.key}")
            ),
            figures.LEVEL_COLOURS[above.key],
            above.key,
        )
        for below, above in pairwise(bands)
        if below.high is not None
    ]


def _co2_limits(ctx: Context, language: str) -> list[figures.Limit]:
    return [
        figures.Limit(
            at, ctx.t(language, "room.limit", value=f"{at:,.0f}", level=ctx.t(language, f"ventilation.{key}"))
        )
        for at, key in CO2_LIMITS
    ]


# -- tables ------------------------------------------------------------------------------------------------------------


def table(ctx: Context, language: str, room: str, shown: Range, name: str) -> Any:
    """The numbers that the chart draws, one row a bucket; stretches without data are rows too."""
    try:
        past = read(ctx, room, shown)
    except StoreUnavailable:
        return parts.notice(ctx.t(language, "pages.store_away"), ctx.t(language, "room.store_away_text"))
    ugm3, series = ctx.t(language, "unit.ugm3"), past.series
    columns: list[tuple[str, RoomMeans, int, bool]]
    if name == "pm25":
        columns = [(f"{ctx.t(language, 'pages.chart.indoor')} ({ugm3})", series["pm25"], 1, True)]
        if past.outdoor is not None:
            columns.append((f"{ctx.t(language, 'pages.chart.outdoor')} ({ugm3})", past.outdoor, 1, False))
    elif name == "co2":
        columns = [("CO₂ (ppm)", series["co2_ppm"], 0, True)]
    else:
        named = [("temp_c", "room.temperature", "°C", 1), ("rh_pct", "room.humidity", "%", 1)]
        columns = [
            (f"{ctx.t(language, key)} ({unit})", series[quantity], places, False)
            for quantity, key, unit, places in named
            if _has(ctx, room, past, quantity)
        ]
    if not any(column[1].rows for column in columns):
        return html.P(ctx.t(language, "pages.chart.no_rows"))
    heads = [ctx.t(language, "pages.chart.time")]
    for title, _, _, wide in columns:
        heads += [
            title,
            *([ctx.t(language, "pages.chart.lowest"), ctx.t(language, "pages.chart.highest")] if wide else []),
        ]
    heads.append(ctx.t(language, "pages.chart.coverage"))
    rows = _table_rows(ctx, language, columns, min(shown.end_ms, ctx.now_ms()))
    return html.Div(
        [
            html.P(ctx.t(language, "room.incomplete"), className="quiet"),
            html.Div(
                html.Table(
                    [html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])), html.Tbody(rows)],
                    className="figures",
                ),
                className="scroll",
                tabIndex=0,
                role="region",
                **parts.spoken(ctx.t(language, "pages.chart.table")),
            ),
        ]
    )


def _table_rows(
    ctx: Context,
    language: str,
    columns: Sequence[tuple[str, RoomMeans, int, bool]],
    until_ms: int,
) -> list[Any]:
    first = columns[0][1]
    found = [{row.start_ms: row for row in series.rows if row.n} for _, series, _, _ in columns]
    rows: list[Any] = []
    missing_since: int | None = None
    wide = 2 + sum(3 if column[3] else 1 for column in columns)

    def close_gap(before_ms: int) -> None:
        if missing_since is not None:
            rows.append(
                html.Tr(
                    [
                        html.Td(
                            f"{saying.when(ctx, missing_since, first.step_ms, language)} – "
                            f"{saying.when(ctx, before_ms, first.step_ms, language)}"
                        ),
                        html.Td(ctx.t(language, "pages.chart.no_data"), colSpan=wide - 1),
                    ],
                    className="missing",
                )
            )

    for start in range(first.start_ms, until_ms, first.step_ms):
        if not any(start in known for known in found):
            missing_since = start if missing_since is None else missing_since
            continue
        close_gap(start)
        missing_since = None
        cells = [html.Td(saying.when(ctx, start, first.step_ms, language))]
        for known, (_, _, places, wide_column) in zip(found, columns, strict=True):
            row = known.get(start)
            doubt = "≈ " if row is not None and not row.complete and row.corrected is not None else ""
            values = [row.corrected, row.low, row.high] if row else [None] * 3
            shown = ["–" if v is None else f"{v:,.{places}f}" for v in values]
            cells += [html.Td(doubt + shown[0]), *(html.Td(v) for v in shown[1:] if wide_column)]
        cells.append(html.Td(f"{saying.percent(found[0][start].completeness if start in found[0] else 0.0)}%"))
        rows.append(html.Tr(cells))
    close_gap(until_ms)
    return rows
