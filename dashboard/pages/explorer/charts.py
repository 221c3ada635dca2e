"""The explorer's figures with their words: each says its quantity, method, averaging, completeness and time zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from dash import dcc, html

from classair import i18n
from classair.stores.events import SchoolEvent
from dashboard import figures
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.pages.explorer import figures_series
from dashboard.pages.explorer import form as forms
from dashboard.pages.explorer.view import MAX_LINES, View
from dashboard.pages.room.history import pm25_limits
from dashboard.queries.rooms import Band
from research.means import MeanRow
from research.selection import Selection

Rows = Mapping[tuple[str, str], list[MeanRow]]
MAX_BANDS_DAYS: Final = 31


@dataclass(frozen=True)
class Looking:
    """A view, the reader's language and the present: what every section is made of."""

    ctx: Context
    language: str
    view: View
    now_ms: int

    def say(self, key: str, **places: Any) -> str:
        return self.ctx.t(self.language, f"explorer.{key}", **places)

    def unit(self, quantity: str) -> str:
        return parts.unit_name(self.ctx, self.language, quantity)

    def quantity(self, key: str) -> str:
        return forms.quantity_name(self.ctx, self.language, key)

    @cached_property
    def names(self) -> dict[str, str]:
        every = (
            *self.view.selection.rooms,
            *(self.view.second.rooms if self.view.second else ()),
            *(yard for yard in self.yards.values()),
        )
        return forms.names(self.ctx, self.language, dict.fromkeys(every))

    @cached_property
    def yards(self) -> dict[str, str]:
        """The place outdoors of each chosen room's school, where it has one."""
        config = self.ctx.config()
        found = {room: config.outdoor_of(room) for room in self.view.selection.rooms if config.has_room(room)}
        return {room: yard for room, yard in found.items() if yard is not None and yard != room}

    @cached_property
    def simulated(self) -> bool:
        config = self.ctx.config()
        sites = {room.partition(".")[0] for room in self.view.selection.rooms}
        return any(config.site_simulated(site) for site in sites if site in config.sites)

    @property
    def span(self) -> figures.TimeAxis:
        return figures.TimeAxis(self.view.selection.start_ms, self.view.selection.end_ms, self.now_ms)

    @property
    def key(self) -> str:
        return self.view.query()

    @cached_property
    def words(self) -> figures.Words:
        return parts.chart_words(self.ctx, self.language)

    def with_yards(self, selection: Selection) -> Selection:
        return selection.model_copy(update={"rooms": tuple(sorted({*selection.rooms, *self.yards.values()}))})

    def made(self, selection: Selection, quantity: str, rows: Rows, *more: str) -> Any:
        """How a figure's numbers were made, under each of them and in its picture."""
        corrected = quantity == "pm25" and selection.method != "none"
        found = {row.correction for (_, q), table in rows.items() if corrected and q == quantity for row in table}
        labels = sorted({label for said in found for label in said.split(",")})
        said = [
            f"{self.quantity(quantity)} ({self.unit(quantity)})",
            self.say("made_method", method=", ".join(labels) or selection.method)
            if corrected
            else self.ctx.t(self.language, "pages.chart.not_calibrated"),
            self.say("made_step", step=forms.step_name(self.ctx, self.language, selection.step)),
            self.say("made_complete", share=f"{100 * selection.completeness:g}"),
            *([self.say("made_lesson")] if selection.lesson else []),
            *more,
            range_name(selection, self.language),
            self.say("time_zone"),
        ]
        text = html.Span(" · ".join(said), className="made-text")
        return html.P(
            [text, *([" ", parts.simulated_mark(self.ctx, self.language)] if self.simulated else [])], className="made"
        )

    def chart(self, name: str, title: str, figure: figures.Figure, height: int, *under: Any, level: int = 2) -> Any:
        """A figure with its title above, what is said of it below, and a button that makes a picture of all that."""
        heading = (html.H2 if level == 2 else html.H3)(title, id=f"{name}-title")
        return html.Section(
            [
                html.Div(
                    [
                        heading,
                        html.Button(
                            "PNG",
                            className="button small png",
                            n_clicks=0,
                            **parts.data(
                                figure=name,
                                title=title,
                                simulated=self.ctx.t(self.language, "word.simulated") if self.simulated else "",
                            ),
                            **parts.spoken(self.say("png", title=title)),
                        ),
                    ],
                    className="chart-head",
                ),
                html.Div(
                    dcc.Graph(
                        id=name,
                        figure=figure,
                        style={"height": height},
                        responsive=True,
                        config=figures.settings(self.language),
                    ),
                    role="img",
                    **parts.aria(labelledby=f"{name}-title"),
                ),
                *under,
            ],
            className="panel chart",
        )


def range_name(selection: Selection, language: str) -> str:
    first, last = (i18n.show_date(day, language) for day in (selection.first, selection.last))
    return first if first == last else f"{first} – {last}"


# -- lines over time ---------------------------------------------------------------------------------------------------


def series(look: Looking, rows: Rows, events: Sequence[SchoolEvent], second: Rows | None = None) -> list[Any]:
    """A chart for each quantity; with more than eight rooms a chart for each room, all on one scale.

    `second`: the rows of the other side of a comparison, drawn over the first.
    """
    view, drawn = look.view, look.view.drawn
    outdoors = dict.fromkeys(look.yards.values())
    found = []
    for quantity in view.selection.quantities:
        rooms = forms.known_order(look.ctx, view.selection.rooms)
        lines = [
            figures_series.MeansLine(look.names[room], rows.get((room, quantity), []), drawn.step_ms) for room in rooms
        ]
        outside = [
            figures_series.MeansLine(
                look.words.outdoor if len(outdoors) == 1 else look.say("outdoor_of", room=look.names[yard]),
                rows.get((yard, quantity), []),
                drawn.step_ms,
                outdoor=True,
            )
            for yard in outdoors
            if yard not in view.selection.rooms and rows.get((yard, quantity))
        ]
        limits = pm25_limits(look.ctx, look.language) if quantity == "pm25" else []
        marks = [figures_series.Mark(e.start_ms, e.end_ms, look.say(f"kind.{e.kind}")) for e in events]
        title = look.say("series_title", quantity=look.quantity(quantity))
        more = [] if drawn.step == view.selection.step else [look.say("drawn_coarser")]
        if marks:
            more.append(look.say("marks", list=", ".join(f"{n} {mark.name}" for n, mark in enumerate(marks, 1))))
        beside = _second_side(look, quantity, second or {})
        lines += beside if len(lines) + len(beside) <= MAX_LINES else []
        under = [_said(look, lines, quantity), look.made(drawn, quantity, rows, *more)]
        top = figures_series.top_of([*lines, *outside], quantity)
        if len(lines) <= MAX_LINES:
            alone = lines[0] if len(lines) == 1 else None
            gaps = figures_series.gaps_of(alone, look.span) if alone and not drawn.lesson and alone.rows else []
            bands = _bands(look, rooms) if quantity in ("pm25", "pm10") else []
            height = 400 + 17 * len({band.purifier for band in bands})
            figure = figures_series.series_figure(
                [*outside, *lines],
                quantity,
                look.unit(quantity),
                look.span,
                look.words,
                look.key,
                limits=limits,
                marks=marks,
                gaps=gaps,
                bands=bands,
                top=top,
                purifiers=_purifiers(look, rooms),
                band_height=28 / height,
            )
            key = parts.limit_key(limits, figure)
            found.append(look.chart(f"explorer-series-{quantity}", title, figure, height, *key, *under))
            continue
        small = [
            look.chart(
                f"explorer-series-{quantity}-{room.replace('.', '_')}",
                line.name,
                figures_series.series_figure(
                    [*outside, line],
                    quantity,
                    look.unit(quantity),
                    look.span,
                    look.words,
                    look.key,
                    limits=limits,
                    marks=marks,
                    top=top,
                ),
                230,
                level=3,
            )
            for room, line in zip(rooms, lines, strict=True)
        ]
        found.append(
            html.Section(
                [
                    html.H2(title),
                    html.P(look.say("one_scale"), className="quiet"),
                    html.Div(small, className="multiples"),
                    *under,
                ]
            )
        )
    return found


def second_rows(look: Looking) -> Rows | None:
    """The other side of a comparison in the step that is drawn. Raises StoreUnavailable, SelectionRefused."""
    drawn = look.view.drawn
    if look.view.second is None:
        return None
    second = look.view.second.model_copy(update={"quantities": drawn.quantities, "step": drawn.step})
    return look.ctx.research.by_room(second)


def _second_side(look: Looking, quantity: str, second: Rows) -> list[figures_series.MeansLine]:
    """Its lines, laid over the time of the first side from the first day of both on."""
    other, drawn = look.view.second, look.view.drawn
    if other is None:
        return []
    later = drawn.start_ms - other.start_ms
    days = range_name(other, look.language) if later else ""
    return [
        figures_series.MeansLine(
            f"{look.names[room]}{f'<br>{days}' if days else ''}",
            [replace(row, start_ms=row.start_ms + later) for row in second.get((room, quantity), [])],
            drawn.step_ms,
        )
        for room in forms.known_order(look.ctx, other.rooms)
        if later or room not in drawn.rooms
    ]


def _bands(look: Looking, rooms: Sequence[str]) -> list[Band]:
    """When the rooms' purifiers ran, over no more days than a band can show."""
    until = min(look.view.selection.end_ms, look.now_ms)
    if look.view.days > MAX_BANDS_DAYS or until <= look.view.selection.start_ms:
        return []
    return [
        band for room in rooms for band in look.ctx.queries.purifier_bands(room, look.view.selection.start_ms, until)
    ]


def _purifiers(look: Looking, rooms: Sequence[str]) -> dict[str, str]:
    config = look.ctx.config()
    return {unit: look.names[room] for room in rooms if config.has_room(room) for unit in config.purifiers_in(room)}


def _said(look: Looking, lines: Sequence[figures_series.MeansLine], quantity: str) -> Any:
    """The figure in one sentence for each of at most eight rooms."""
    told = []
    for line in lines[:MAX_LINES]:
        valued = [(row.value, row.n) for row in line.rows if row.value is not None]
        if not valued:
            told.append(look.say("said_nothing", room=line.name))
            continue
        mean = sum(v * n for v, n in valued) / sum(n for _, n in valued)
        told.append(
            look.say(
                "said",
                room=line.name,
                mean=number(mean, quantity),
                high=number(max(v for v, _ in valued), quantity),
                unit=look.unit(quantity),
            )
        )
    return html.P(" · ".join(told), className="summary")


def number(value: float, quantity: str) -> str:
    """As tables say it: one decimal, CO2 whole."""
    return f"{value:,.0f}" if quantity == "co2_ppm" else f"{value:,.1f}"
