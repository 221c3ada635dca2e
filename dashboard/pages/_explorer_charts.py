"""The explorer's figures with their words: each says its quantity, method, averaging, completeness and time zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from dash import dcc, html

from classair import i18n
from classair.research.selection import Selection
from classair.research.tables import Row, lesson_steps
from classair.science.indexes.thai2023 import INDEX
from classair.stores.events import SchoolEvent
from dashboard import figures, parts
from dashboard.context import Context
from dashboard.explorer import figures_series, figures_summary, summary
from dashboard.explorer.view import MAX_LINES, View, steps_until
from dashboard.pages import _explorer_form as forms
from dashboard.pages._history import pm25_limits
from dashboard.queries import Band

Rows = Mapping[tuple[str, str], list[Row]]
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

    @cached_property
    def names(self) -> dict[str, str]:
        every = (*self.view.selection.rooms, *(self.view.second.rooms if self.view.second else ()),
                 *(yard for yard in self.yards.values()))
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
    def span(self) -> figures.Span:
        return figures.Span(self.view.selection.start_ms, self.view.selection.end_ms, self.now_ms)

    @property
    def key(self) -> str:
        return self.view.query()

    @cached_property
    def words(self) -> figures.Words:
        keys = ("no_data", "indoor", "outdoor", "purifier", "on", "off", "not_known")
        return figures.Words(self.language, **{key: self.ctx.t(self.language, f"room.{key}") for key in keys})

    def with_yards(self, selection: Selection) -> Selection:
        return selection.model_copy(update={"rooms": tuple(sorted({*selection.rooms, *self.yards.values()}))})

    def made(self, selection: Selection, quantity: str, rows: Rows, *more: str) -> Any:
        """How a figure's numbers were made, under each of them and in its picture."""
        labels = sorted({label for (_, q), table in rows.items() if q == quantity
                         for row in table for label in row.correction.split(",")})
        corrected = quantity == "pm25" and selection.method != "none"
        said = [f"{forms.quantity_name(self.ctx, self.language, quantity)} ({forms.unit_name(self.ctx, self.language, quantity)})",
                self.say("made_method", method=", ".join(labels) or selection.method) if corrected
                else self.ctx.t(self.language, "room.not_calibrated"),
                self.say("made_step", step=forms.step_name(self.ctx, self.language, selection.step)),
                self.say("made_complete", share=f"{100 * selection.completeness:g}"),
                *([self.say("made_lesson")] if selection.lesson else []), *more,
                i18n_range(selection, self.language), "Asia/Bangkok"]
        text = html.Span(" · ".join(said), className="made-text")
        return html.P([text, *([" ", parts.simulated_mark(self.ctx, self.language)] if self.simulated else [])],
                      className="made")

    def chart(self, name: str, title: str, figure: figures.Figure, height: int, *under: Any, level: int = 2) -> Any:
        """A figure with its title above, what is said of it below, and a button that makes a picture of all that."""
        heading = (html.H2 if level == 2 else html.H3)(title, id=f"{name}-title")
        return html.Section([
            html.Div([heading, html.Button(
                "PNG", className="button small png", n_clicks=0, **parts.data(
                    figure=name, title=title, simulated=self.ctx.t(self.language, "word.simulated")
                    if self.simulated else ""), **parts.spoken(self.say("png", title=title)))], className="chart-head"),
            html.Div(dcc.Graph(
                id=name, figure=figure, style={"height": height}, responsive=True,
                config={"locale": self.language, "displayModeBar": False, "displaylogo": False, "scrollZoom": False,
                        "doubleClick": "reset"}),
                role="img", **parts.aria(labelledby=f"{name}-title")),
            *under], className="panel chart")


def i18n_range(selection: Selection, language: str) -> str:
    first, last = (i18n.show_date(day, language) for day in (selection.first, selection.last))
    return first if first == last else f"{first} – {last}"


# -- lines over time ---------------------------------------------------------------------------------------------------

def series(look: Looking, rows: Rows, events: Sequence[SchoolEvent]) -> list[Any]:
    """A chart for each quantity; with more than eight rooms a chart for each room, all on one scale."""
    view, drawn = look.view, look.view.drawn
    outdoors = dict.fromkeys(look.yards.values())
    found = []
    for quantity in view.selection.quantities:
        rooms = forms.known_order(look.ctx, view.selection.rooms)
        lines = [figures_series.Line(look.names[room], rows.get((room, quantity), []), drawn.step_ms)
                 for room in rooms]
        outside = [figures_series.Line(look.words.outdoor if len(outdoors) == 1 else
                                       look.say("outdoor_of", room=look.names[yard]), rows.get((yard, quantity), []),
                                       drawn.step_ms, outdoor=True)
                   for yard in outdoors if yard not in view.selection.rooms and rows.get((yard, quantity))]
        limits = pm25_limits(look.ctx, look.language) if quantity == "pm25" else []
        marks = [figures_series.Mark(e.start_ms, e.end_ms, look.say(f"kind.{e.kind}")) for e in events]
        title = look.say("series_title", quantity=forms.quantity_name(look.ctx, look.language, quantity))
        more = () if drawn.step == view.selection.step else (look.say("drawn_coarser"),)
        under = [_said(look, lines, quantity), look.made(drawn, quantity, rows, *more)]
        top = figures_series.top_of([*lines, *outside], quantity)
        if len(lines) <= MAX_LINES:
            alone = lines[0] if len(lines) == 1 else None
            gaps = figures_series.gaps_of(alone, look.span) if alone and not drawn.lesson and alone.rows else []
            bands = _bands(look, rooms) if quantity in ("pm25", "pm10") else []
            height = 400 + 17 * len({band.purifier for band in bands})
            figure = figures_series.series_figure(
                [*outside, *lines], quantity, forms.unit_name(look.ctx, look.language, quantity), look.span, look.words, look.key, limits=limits, marks=marks, gaps=gaps,
                bands=bands, top=top, purifiers=_purifiers(look, rooms), band_height=28 / height)
            found.append(look.chart(f"explorer-series-{quantity}", title, figure, height, *under))
            continue
        unit = forms.unit_name(look.ctx, look.language, quantity)
        small = [look.chart(f"explorer-series-{quantity}-{room.replace('.', '_')}", line.name,
                            figures_series.series_figure([*outside, line], quantity, unit, look.span, look.words, look.key,
                                                         limits=limits, marks=marks, top=top), 230, level=3)
                 for room, line in zip(rooms, lines, strict=True)]
        found.append(html.Section([html.H2(title), html.P(look.say("one_scale"), className="quiet"),
                                   html.Div(small, className="multiples"), *under]))
    return found


def _bands(look: Looking, rooms: Sequence[str]) -> list[Band]:
    """When the rooms' purifiers ran, over no more days than a band can show."""
    until = min(look.view.selection.end_ms, look.now_ms)
    if look.view.days > MAX_BANDS_DAYS or until <= look.view.selection.start_ms:
        return []
    return [band for room in rooms
            for band in look.ctx.queries.purifier_bands(room, look.view.selection.start_ms, until)]


def _purifiers(look: Looking, rooms: Sequence[str]) -> dict[str, str]:
    config = look.ctx.config()
    return {unit: f"{look.words.purifier} {look.names[room]}" if len(rooms) > 1 else look.words.purifier
            for room in rooms if config.has_room(room) for unit in config.purifiers_in(room)}


def _said(look: Looking, lines: Sequence[figures_series.Line], quantity: str) -> Any:
    """The figure in one sentence for each of at most eight rooms."""
    told = []
    for line in lines[:MAX_LINES]:
        valued = [(row.value, row.n) for row in line.rows if row.value is not None]
        if not valued:
            told.append(look.say("said_nothing", room=line.name))
            continue
        mean = sum(v * n for v, n in valued) / sum(n for _, n in valued)
        told.append(look.say("said", room=line.name, mean=number(mean, quantity),
                             high=number(max(v for v, _ in valued), quantity), unit=forms.unit_name(look.ctx, look.language, quantity)))
    return html.P(" · ".join(told), className="summary")


def number(value: float, quantity: str) -> str:
    """As tables say it: one decimal, CO2 whole."""
    return f"{value:,.0f}" if quantity == "co2_ppm" else f"{value:,.1f}"


# -- what is known -----------------------------------------------------------------------------------------------------

def strip(look: Looking, rows: Rows) -> Any:
    """Each room's hours or days by what is known of them, with the same in counts."""
    chosen = look.view.strip
    quantity = chosen.quantities[0]
    classes = {key: look.say(f"class.{key}", share=f"{100 * chosen.completeness:g}") for key in summary.CLASSES}
    rooms, counts = [], dict.fromkeys(summary.CLASSES, 0)
    bad: dict[str, int] = {}
    valid = 0
    config = look.ctx.config()
    for room in forms.known_order(look.ctx, chosen.rooms):
        known = {row.start_ms: row for row in rows.get((room, quantity), [])}
        cells = {start: summary.cell_class(row, chosen.completeness) for start, row in known.items()}
        rooms.append((look.names[room], cells))
        whole = lesson_steps(config, chosen, room, look.now_ms) if chosen.lesson else steps_until(chosen, look.now_ms)
        for word in cells.values():
            counts[word] += 1
        counts["none"] += max(0, whole - len(cells))
        for row in known.values():
            valid += row.n
            for name, n in row.bad.items():
                bad[name] = bad.get(name, 0) + n
    figure = figures_series.strip_figure(rooms, chosen.step_ms, look.span, look.words, classes, look.key)
    key = "hours" if chosen.step == "1h" else "days"
    legend = html.Ul([html.Li([html.I(style={"background": figures_series.STRIP_COLOURS[name]}),
                               f"{classes[name]}: ", html.B(look.say(f"strip_{key}", n=f"{counts[name]:,}"))])
                      for name in summary.CLASSES if counts[name] or name in ("complete", "none")], className="legend")
    left_out = sum(bad.values())
    said = look.say("left_out", n=f"{left_out:,}", of=f"{left_out + valid:,}",
                    why=", ".join(f"{look.say(f'class_word.{name}')} {n:,}" for name, n in sorted(bad.items()))
                    or "–")
    return look.chart("explorer-strip", look.say(f"strip_title_{key}"), figure, 74 + 30 * len(rooms), legend,
                      html.P(said, className="summary"), look.made(chosen, quantity, rows))


# -- side by side ------------------------------------------------------------------------------------------------------

def shares(look: Looking, chosen: Selection, rows: Rows) -> Any | None:
    """How much of the time each room spent in each level; PM2.5 only, other quantities have no levels."""
    if "pm25" not in chosen.quantities:
        return None
    config = look.ctx.config()
    found = []
    for room in forms.known_order(look.ctx, look.view.selection.rooms):
        whole = lesson_steps(config, chosen, room, look.now_ms) if chosen.lesson else steps_until(chosen, look.now_ms)
        found.append((look.names[room], summary.level_shares(room, rows.get((room, "pm25"), []), whole)))
    words = {key: look.ctx.t(look.language, "room.no_data" if key == summary.NO_DATA else f"level.{key}")
             for key in summary.LEVELS}
    table = _table([look.say("room"), *words.values()],
                   [[name, *(f"{p}% ({n})" for p, n in zip(one.percent, one.counts, strict=True))]
                    for name, one in found])
    return look.chart(
        "explorer-shares", look.say("shares_title"), figures_summary.shares_figure(found, words),
        70 + 42 * len(found), _legend(words), _more(look, table),
        look.made(chosen, "pm25", rows, look.say("made_index", index=INDEX.key)))


def _legend(words: Mapping[str, str]) -> Any:
    return html.Ul([html.Li([html.I(className="hatched" if key == summary.NO_DATA else "",
                                    style={} if key == summary.NO_DATA else
                                    {"background": figures.LEVEL_COLOURS[key]}), word])
                    for key, word in words.items()], className="legend")


def week(look: Looking, rows: Rows) -> Any:
    chosen = look.view.hourly
    quantity = chosen.quantities[0]
    cells = summary.week(rows.get((room, quantity), []) for room in chosen.rooms)
    days = [i18n_weekday(look.language, day) for day in range(7)]
    unit, places = forms.unit_name(look.ctx, look.language, quantity), 0 if quantity == "co2_ppm" else 1
    figure = figures_summary.week_figure(cells, days, unit, places, look.words.no_data)
    table = _table([look.say("hour"), *days], [
        [f"{hour:02d}", *("–" if (day, hour) not in cells else number(cells[day, hour].mean, quantity)
                          for day in range(7))] for hour in range(24)])
    empty = [html.P(look.say("week_empty"), className="quiet")] if len(cells) < 7 * 24 else []
    return look.chart("explorer-week", look.say("week_title"), figure, 300, *empty, _more(look, table),
                      look.made(chosen, quantity, rows, look.say("rooms_n", n=len(chosen.rooms))))


def i18n_weekday(language: str, day: int) -> str:
    from babel.dates import get_day_names

    return str(get_day_names("abbreviated", locale="th" if language == "th" else "en_GB")[day])


def scatter(look: Looking, rows: Rows) -> Any | None:
    """Each hour indoors against the same hour outdoors, with the median ratio of each room."""
    chosen = look.view.hourly
    quantity = chosen.quantities[0]
    if not look.yards or not quantity.startswith(("pm", "n", "co2", "temp", "rh")):
        return None
    found = []
    for room in forms.known_order(look.ctx, chosen.rooms):
        if room in look.yards:
            outside = {row.start_ms: row.value for row in rows.get((look.yards[room], quantity), [])
                       if row.value is not None}
            found.append((look.names[room], summary.pairs(room, rows.get((room, quantity), []), outside)))
    if not any(one.indoor for _, one in found):
        return None
    unit = forms.unit_name(look.ctx, look.language, quantity)
    dust = quantity.startswith("pm")
    table = _table([look.say("room"), look.say("pairs"), *([look.say("ratio"), look.say("ratio_n")] if dust else [])], [
        [name, f"{len(one.indoor):,}", *([("–" if one.ratio is None else f"{one.ratio:.2f}"), f"{one.n_ratio:,}"]
                                         if dust else [])] for name, one in found])
    ratios = [look.say("ratio_said", room=name, ratio=f"{one.ratio:.2f}", n=f"{one.n_ratio:,}")
              for name, one in found if one.ratio is not None] if dust else []
    said = [html.P(" · ".join(ratios) or look.say("ratio_none"), className="summary"),
            html.P(look.say("ratio_limit"), className="quiet")] if dust else []
    return look.chart(
        "explorer-scatter", look.say("scatter_title"), figures_summary.scatter_figure(
            found, f"{look.words.outdoor} ({unit})", f"{look.words.indoor} ({unit})", look.say("same")),
        380, *said, _more(look, table), look.made(chosen, quantity, rows))


# -- two sides ---------------------------------------------------------------------------------------------------------

def comparison(look: Looking, rows: Rows, second_rows: Rows) -> Any | None:
    from classair.research.compare import by_hour, compare

    if look.view.second is None:
        return None
    chosen = look.view.hourly
    other = look.view.second.model_copy(update={"quantities": chosen.quantities})
    quantity, unit = chosen.quantities[0], forms.unit_name(look.ctx, look.language, chosen.quantities[0])
    sides = [by_hour(row for room in side.rooms for row in table.get((room, quantity), []))
             for side, table in ((chosen, rows), (other, second_rows))]
    found = compare(sides[0], sides[1])
    names = (look.say("first_side"), look.say("second_side"))
    what = [", ".join(look.names[room] for room in forms.known_order(look.ctx, side.rooms)) + " · "
            + i18n_range(side, look.language) for side in (chosen, other)]
    days: list[list[float]] = []
    for side in sides:
        by_day: dict[Any, list[float]] = {}
        for (day, _), value in side.items():
            by_day.setdefault(day, []).append(value)
        days.append([sum(values) / len(values) for _, values in sorted(by_day.items())])
    paired = look.say("paired" if found.paired else "not_paired")
    if found.difference is None or found.low is None or found.high is None:
        sentence = look.say("few_days")
    else:
        sentence = look.say("difference", value=signed(found.difference, quantity), unit=unit,
                            low=signed(found.low, quantity), high=signed(found.high, quantity))
    table = _table(["", look.say("rooms_and_days"), look.say("mean_of_days", unit=unit), look.say("days"),
                    look.say("hours")],
                   [[names[i], what[i], "–" if mean is None else number(mean, quantity), str(found.days[i]),
                     f"{found.hours[i]:,}"] for i, mean in enumerate((found.first, found.second))])
    figure = figures_summary.compare_figure((days[0], days[1]), found, names, unit)
    return look.chart("explorer-compare", look.say("compare_title"), figure, 340,
                      html.P([html.B(sentence), " ", html.Span(paired, className="paired")], className="summary"),
                      table, look.made(chosen, quantity, rows, look.say("made_interval")))


def signed(value: float, quantity: str) -> str:
    shown = number(abs(value), quantity)
    return ("−" if value < 0 and float(shown.replace(",", "")) else "+") + shown


# -- small parts -------------------------------------------------------------------------------------------------------

def _more(look: Looking, table: Any) -> Any:
    return html.Details([html.Summary(look.ctx.t(look.language, "room.table")), table])


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    return html.Div(html.Table([
        html.Thead(html.Tr([html.Th(head, scope="col") if head else html.Td() for head in heads])),
        html.Tbody([html.Tr([html.Th(line[0], scope="row"), *(html.Td(cell) for cell in line[1:])]) for line in rows]),
    ], className="figures"), className="scroll", tabIndex=0, role="region",
        **parts.spoken(" · ".join(head for head in heads if head)))
