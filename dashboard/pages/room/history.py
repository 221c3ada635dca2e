"""A room's past in charts, each with a sentence that says it and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from dash import dcc, html

from classair import i18n
from classair.science.indexes.thai2023 import INDEX
from classair.timetable import local_time
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard import figures
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.pages.room import lines
from dashboard.queries.ranges import Range
from dashboard.queries.rooms import Band, RoomMeans, StoreUnavailable
from research.means import MeanRow

CHARTS: Final = ("pm25", "co2", "climate")
POINTS: Final = 360
"""Buckets a chart has at most: five minutes in a day, half an hour in a week, three hours in a month."""
# The same ends as in the room's state (classair/science/state.py): where the words change.
CO2_LIMITS: Final = ((1000.0, "stuffy_soon"), (1500.0, "stuffy"), (2000.0, "very_stuffy"))
_HEIGHTS: Final = {"pm25": 380, "co2": 300, "climate": 330}


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


def sections(ctx: Context, language: str, room: str, shown: Range) -> list[Any]:
    """The charts of a room; when the store is away they are empty and the page says so."""
    drawn, texts, away = _drawn(ctx, language, room, shown)
    titles = {"pm25": "room.chart_pm25", "co2": "room.chart_co2", "climate": "room.climate"}
    outdoors = ctx.config().room(room).outdoor
    return [
        html.Div(away, id="room-store-away"),
        *(
            html.Section(
                [
                    html.H2(ctx.t(language, titles[name]), id=f"room-{name}-title"),
                    html.Div(texts[name], id=f"room-{name}-text"),
                    # The summary above says in words what is drawn, the table below in numbers.
                    html.Div(
                        dcc.Graph(
                            id=f"room-{name}",
                            figure=drawn[name],
                            style={"height": _HEIGHTS[name]},
                            responsive=True,
                            config=figures.settings(language),
                        ),
                        role="img",
                        **parts.aria(labelledby=f"room-{name}-title"),
                    ),
                    html.Details(
                        [
                            html.Summary(ctx.t(language, "pages.chart.table"), id=f"room-{name}-more"),
                            html.Div(id=f"room-{name}-table"),
                        ]
                    ),
                ],
                className="panel chart",
                hidden=outdoors and name == "co2",
            )
            for name in CHARTS
        ),
    ]


def renewed(ctx: Context, language: str, room: str, shown: Range) -> tuple[Any, ...]:
    """Figures, texts and the notice, in the order of CHARTS."""
    drawn, texts, away = _drawn(ctx, language, room, shown)
    return (*(drawn[name] for name in CHARTS), *(texts[name] for name in CHARTS), away)


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
            series["temp_c"],
            series["rh_pct"],
            span,
            words,
            f"{ctx.t(language, 'room.temperature')} (°C)",
            f"{ctx.t(language, 'room.humidity')} (%)",
            key,
        ),
    }
    said = {
        "pm25": _say_pm25(ctx, language, past),
        "co2": _say_co2(ctx, language, series["co2_ppm"]),
        "climate": _say_climate(ctx, language, series["temp_c"], series["rh_pct"]),
    }
    first = {"pm25": series["pm25"], "co2": series["co2_ppm"], "climate": series["temp_c"]}
    texts = {
        name: []
        if away
        else [html.P(said[name], className="summary"), html.P(_how_made(ctx, language, first[name]), className="made")]
        for name in CHARTS
    }
    return drawn, texts, away


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


# -- sentences ---------------------------------------------------------------------------------------------------------


def _say_pm25(ctx: Context, language: str, past: Past) -> str:
    series = past.series["pm25"]
    mean, peak = series.mean(), _peak(series)
    if mean is None or peak is None:
        return ctx.t(language, "room.summary_none")
    unit = ctx.t(language, "unit.ugm3")
    said = [
        ctx.t(
            language,
            "room.summary_pm25",
            mean=f"{mean:.1f}",
            unit=unit,
            high=f"{peak.high:.1f}",
            when=_when(ctx, peak.start_ms, series.step_ms, language),
        )
    ]
    outside = past.outdoor.mean() if past.outdoor else None
    if outside is not None:
        said.append(ctx.t(language, "room.summary_outdoor", mean=f"{outside:.1f}", unit=unit))
    known = sum(b.end_ms - b.start_ms for b in past.bands if b.on is not None)
    if known:
        running = sum(b.end_ms - b.start_ms for b in past.bands if b.on)
        said.append(ctx.t(language, "room.summary_purifier", share=round(100 * running / known)))
    return " ".join(said)


def _say_co2(ctx: Context, language: str, series: RoomMeans) -> str:
    mean, peak = series.mean(), _peak(series)
    if mean is None or peak is None:
        return ctx.t(language, "room.summary_none")
    return ctx.t(
        language,
        "room.summary_co2",
        mean=f"{mean:,.0f}",
        high=f"{peak.high:,.0f}",
        when=_when(ctx, peak.start_ms, series.step_ms, language),
    )


def _say_climate(ctx: Context, language: str, temperature: RoomMeans, humidity: RoomMeans) -> str:
    said = [
        ctx.t(
            language,
            f"room.summary_{key}",
            mean=f"{series.mean():.{places}f}",
            low=f"{series.low():.{places}f}",
            high=f"{series.high():.{places}f}",
        )
        for key, series, places in (("temperature", temperature, 1), ("humidity", humidity, 0))
        if series.mean() is not None
    ]
    return " ".join(said) or ctx.t(language, "room.summary_none")


def _peak(series: RoomMeans) -> MeanRow | None:
    return max((b for b in series.rows if b.high is not None), key=lambda b: b.high or 0.0, default=None)


def _when(ctx: Context, at_ms: int, step_ms: int, language: str) -> str:
    """When a bucket was: its time, with the day where a range has several."""
    at = local_time(at_ms)
    if step_ms >= DAY_MS:
        return i18n.show_date(at, language)
    if step_ms <= 5 * MINUTE_MS:
        return i18n.show_date(at, language, "time")
    return i18n.show_date(at, language, "day_time")


def _step(ctx: Context, language: str, step_ms: int) -> str:
    if step_ms < HOUR_MS:
        return ctx.t(language, "room.step_minutes", n=step_ms // MINUTE_MS)
    return ctx.t(language, "room.step_hours", n=step_ms // HOUR_MS)


def _how_made(ctx: Context, language: str, series: RoomMeans) -> list[Any]:
    """Averaging, completeness, and whether and how the sensor's value is corrected."""
    share = series.completeness(ctx.now_ms())
    step = _step(ctx, language, series.step_ms)
    made = (
        ctx.t(language, "room.made_nothing", step=step)
        if share is None
        else ctx.t(language, "room.made", step=step, share=_percent(share))
    )
    corrected = series.quantity == "pm25" and series.correction != "none"
    told: list[Any] = [
        made,
        " ",
        "· ",
        ctx.t(language, "room.corrected", method=series.correction)
        if corrected
        else ctx.t(language, "pages.chart.not_calibrated"),
    ]
    if ctx.config().site_simulated(series.room.partition(".")[0]):
        told += [" ", parts.simulated_mark(ctx, language)]
    return told


def _percent(share: float) -> str:
    """Whole per cent; 100 only for all of it, so that a small gap is not rounded away."""
    return "100" if share >= 1 else str(min(99, round(100 * share)))


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
        columns = [
            (f"{ctx.t(language, 'room.temperature')} (°C)", series["temp_c"], 1, False),
            (f"{ctx.t(language, 'room.humidity')} (%)", series["rh_pct"], 1, False),
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
                            f"{_when(ctx, missing_since, first.step_ms, language)} – "
                            f"{_when(ctx, before_ms, first.step_ms, language)}"
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
        cells = [html.Td(_when(ctx, start, first.step_ms, language))]
        for known, (_, _, places, wide_column) in zip(found, columns, strict=True):
            row = known.get(start)
            doubt = "≈ " if row is not None and not row.complete and row.corrected is not None else ""
            values = [row.corrected, row.low, row.high] if row else [None] * 3
            shown = ["–" if v is None else f"{v:,.{places}f}" for v in values]
            cells += [html.Td(doubt + shown[0]), *(html.Td(v) for v in shown[1:] if wide_column)]
        cells.append(html.Td(f"{_percent(found[0][start].completeness if start in found[0] else 0.0)}%"))
        rows.append(html.Tr(cells))
    close_gap(until_ms)
    return rows
