"""Rooms over time as lines, and the strip that says how much is known of each hour or day. Pure, like figures.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from classair import i18n
from classair.units import DAY_MS, MINUTE_MS
from dashboard.figures import (
    INK,
    OUTDOOR,
    RUNNING,
    Figure,
    Limit,
    TimeAxis,
    Words,
    beside,
    gap_marks,
    limit_lines,
    local_ms,
    make_room,
    new_figure,
    purifier_band,
)
from dashboard.queries.rooms import Band
from research.means import MeanRow

# Eight hues of about equal weight that stay apart for colour-blind readers, each with a dash of its own.
COLOURS: Final = ("#14507A", "#B0480F", "#0F766E", "#7A2E8E", "#A11D4B", "#3D4852", "#2F6B1F", "#8A6200")
DASHES: Final = ("solid", "dash", "longdash", "dashdot", "longdashdot", "8px,3px,2px,3px", "14px,4px", "5px,3px")
_LEAST_TOP: Final = {"pm25": 40.0, "pm10": 60.0, "co2_ppm": 1200.0, "temp_c": 40.0, "rh_pct": 100.0}


@dataclass(frozen=True, slots=True)
class MeansLine:
    """A room's means by step, drawn unbroken only where steps follow each other. `outdoor`: dotted."""

    name: str
    rows: Sequence[MeanRow]
    step_ms: int
    outdoor: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something a school noted, from `start_ms` to `end_ms` (the same: a moment)."""

    start_ms: int
    end_ms: int
    name: str


def top_of(lines: Sequence[MeansLine], quantity: str) -> float:
    """The upper end of an axis for all of these lines."""
    highest = max((row.value for line in lines for row in line.rows if row.value is not None), default=0.0)
    return max(_LEAST_TOP.get(quantity, 0.0), 1.08 * highest) or 1.0


def series_figure(
    lines: Sequence[MeansLine],
    quantity: str,
    unit: str,
    span: TimeAxis,
    words: Words,
    key: str,
    *,
    limits: Sequence[Limit] = (),
    bands: Sequence[Band] = (),
    marks: Sequence[Mark] = (),
    gaps: Sequence[tuple[int, int]] = (),
    top: float | None = None,
    first: int = 0,
    purifiers: Mapping[str, str] | None = None,
    band_height: float = 0.07,
) -> Figure:
    """Lines from zero (or from the lowest value where it lies below), purifiers as a band beneath, events as marks.

    `gaps`: hatched and named, where one room has the chart to itself. `first`: the number of the first line's colour,
    so that a room keeps its own in a chart of its own. `purifiers`: the names of the rows of the band, each of
    `band_height` of the whole.
    """
    top = top_of(lines, quantity) if top is None else top
    units = sorted({band.purifier for band in bands})
    under = band_height * max(1.0, 0.7 * len(units)) + 0.06 if bands else 0.0
    figure = new_figure(span, words, key, quantity, top, (under, 1.0))
    _day_ticks(figure, words)
    lowest = min((row.value for line in lines for row in line.rows if row.value is not None), default=0.0)
    if lowest < 0:
        figure["layout"]["yaxis"]["range"] = [1.08 * lowest, top]
        figure["layout"]["yaxis"]["zeroline"] = True
    figure["layout"]["margin"] |= {"r": 84, "t": 26}
    limit_lines(figure, limits, top)
    gap_marks(figure, gaps, span, words, (under, 1.0))
    _draw_marks(figure, marks, span)
    ends: list[tuple[float, str, str]] = []
    rooms = first
    for line in lines:
        colour, dash = (OUTDOOR, "dot") if line.outdoor else (COLOURS[rooms % 8], DASHES[rooms % 8])
        rooms += not line.outdoor
        figure["data"] += _traces(line, colour, dash, unit)
        last = next((row.value for row in reversed(line.rows) if row.value is not None), None)
        if last is not None:
            ends.append((last, line.name, colour))
    if bands:
        purifier_band(figure, bands, span, words, band_height)
        name = figure["layout"]["annotations"][-1]
        if len(units) > 1:  # above the band; each row has the name of its room
            name |= {"x": 0.004, "xanchor": "left", "y": under - 0.055, "yanchor": "bottom"}
        for row, unit in enumerate(units if len(units) > 1 else ()):
            figure["layout"]["annotations"].append(
                {
                    "xref": "paper",
                    "x": 1.004,
                    "xanchor": "left",
                    "yref": "y2",
                    "y": row + 0.5,
                    "showarrow": False,
                    "text": (purifiers or {}).get(unit, unit),
                    "font": {"size": 12, "color": RUNNING},
                }
            )
        if len(units) > 1:
            make_room(figure, (purifiers or {}).values(), 12)
    _end_labels(figure, ends, top)
    return figure


def _day_ticks(figure: Figure, words: Words) -> None:
    """A date stands once, under its first mark, however many marks a day has room for."""
    clock = i18n.head(words.language).clock
    figure["layout"]["xaxis"] |= {
        "tickformatstops": [
            {"dtickrange": [None, DAY_MS - 1], "value": f"{clock}\n%-d %b"},
            {"dtickrange": [DAY_MS, "M1"], "value": "%-d %b"},
            {"dtickrange": ["M1", None], "value": "%b %Y"},
        ]
    }
    figure["layout"]["margin"]["b"] = 44


def gaps_of(line: MeansLine, span: TimeAxis) -> list[tuple[int, int]]:
    """Stretches (UTC ms) of steps without a value, up to the present; one unfinished step at its end is none."""
    found: list[tuple[int, int]] = []
    reached = span.start_ms
    for row in line.rows:
        if row.value is None:
            continue
        if row.start_ms > reached:
            found.append((reached, row.start_ms))
        reached = row.start_ms + line.step_ms
    if span.known_end_ms - reached > line.step_ms:
        found.append((reached, span.known_end_ms))
    return found


def _traces(line: MeansLine, colour: str, dash: str, unit: str) -> list[Figure]:
    xs: list[float | None] = []
    ys: list[float | None] = []
    counts: list[str] = []
    alone: list[MeanRow] = []
    run = 0
    before: MeanRow | None = None
    for row in (row for row in line.rows if row.value is not None):
        if before is not None and row.start_ms - before.start_ms != line.step_ms:
            if run == 1:
                alone.append(before)
            xs.append(local_ms(before.start_ms + line.step_ms))
            ys.append(None)
            counts.append("")
            run = 0
        xs.append(local_ms(row.start_ms))
        ys.append(round(row.value or 0.0, 2))
        counts.append(f"{100 * row.completeness:.0f}")
        run += 1
        before = row
    if before is not None and run == 1:
        alone.append(before)
    drawn: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": line.name,
            "x": xs,
            "y": ys,
            "customdata": counts,
            "connectgaps": False,
            "xperiod": line.step_ms,
            "xperiodalignment": "middle",
            "line": {"color": colour, "dash": dash, "width": 1.8 if line.outdoor else 2.2},
            "hovertemplate": f"%{{y}}\u00a0{unit} (%{{customdata}}%)",
        }
    ]
    if alone:
        # A step without neighbours has no line; a dot can show it.
        drawn.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [local_ms(row.start_ms + line.step_ms / 2) for row in alone],
                "y": [round(row.value or 0.0, 2) for row in alone],
                "hoverinfo": "skip",
                "marker": {"color": colour, "size": 5, "symbol": "circle-open" if line.outdoor else "circle"},
            }
        )
    return drawn


def _draw_marks(figure: Figure, marks: Sequence[Mark], span: TimeAxis) -> None:
    """A thin line where something began, shaded for as long as it lasted; numbered as in the list beside."""
    for number, mark in enumerate(marks, 1):
        begin, end = max(mark.start_ms, span.start_ms), min(mark.end_ms, span.end_ms)
        if end - begin > MINUTE_MS:
            figure["layout"]["shapes"].append(
                {
                    "type": "rect",
                    "xref": "x",
                    "x0": local_ms(begin),
                    "x1": local_ms(end),
                    "yref": "paper",
                    "y0": 0,
                    "y1": 1,
                    "fillcolor": "#7A6A00",
                    "opacity": 0.1,
                    "line": {"width": 0},
                    "layer": "below",
                }
            )
        figure["layout"]["shapes"].append(
            {
                "type": "line",
                "xref": "x",
                "x0": local_ms(begin),
                "x1": local_ms(begin),
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"color": "#7A6A00", "width": 1.4},
            }
        )
        figure["layout"]["annotations"].append(
            {
                "xref": "x",
                "x": local_ms(begin),
                "yref": "paper",
                "y": 1,
                "yanchor": "bottom",
                "text": f"{number}",
                "showarrow": False,
                "hovertext": mark.name,
                "bgcolor": "#FFF4C2",
                "bordercolor": "#7A6A00",
                "borderpad": 2,
                "font": {"size": 12, "color": INK},
            }
        )


def _end_labels(figure: Figure, ends: list[tuple[float, str, str]], top: float) -> None:
    """Each line's name beside its last point, moved apart upwards and then back under the top."""
    apart = top * 0.062
    ends.sort()
    places: list[float] = []
    for y, _, _ in ends:
        places.append(max(y, places[-1] + apart if places else 0.0))
    ceiling = top
    for i in reversed(range(len(places))):
        places[i] = min(places[i], ceiling)
        ceiling = places[i] - apart
    notes = figure["layout"]["annotations"]
    limits = {f"{at:,g}" for at in figure["layout"]["meta"].get("limits", ())}
    # A limit's number that would touch a name gives way: the words below the chart still tell it.
    notes[:] = [one for one in notes if one["text"] not in limits or all(abs(one["y"] - y) >= apart for y in places)]
    notes += [beside(name, y, colour) for y, (_, name, colour) in zip(places, ends, strict=True)]
    make_room(figure, [name for _, name, _ in ends])


# -- what is known -----------------------------------------------------------------------------------------------------

STRIP_COLOURS: Final[Mapping[str, str]] = {
    "complete": "#2F6DA8",
    "suspect": "#8FB8DE",
    "partial": "#F2D59A",
    "manual": "#6B4C9A",
    "clock": "#3D4852",
    "warmup": "#D98C5F",
    "fault": "#A33B20",
    "range": "#5C1A1A",
    "none": "#EEF1F4",
}


def strip_figure(
    rooms: Sequence[tuple[str, Mapping[int, str]]],
    step_ms: int,
    span: TimeAxis,
    words: Words,
    classes: Mapping[str, str],
    key: str,
) -> Figure:
    """One row for each room, one cell for each hour or day: its class (see summary.CLASSES) by colour and on hovering.

    rooms: name and class by start; what lies in the future is left white. classes: the words of each class.
    """
    order = list(classes)
    starts = list(range(span.start_ms, span.known_end_ms, step_ms))
    rows = list(reversed(rooms))
    figure = new_figure(span, words, key, "pm25", 1.0, (0.0, 1.0))
    _day_ticks(figure, words)
    figure["layout"] |= {"hovermode": "closest", "margin": {"l": 84, "r": 12, "t": 6, "b": 44}}
    figure["layout"]["meta"] = {"shows": "completeness"}
    figure["layout"]["yaxis"] = {
        "tickvals": list(range(len(rows))),
        "ticktext": [name for name, _ in rows],
        "fixedrange": True,
        "showgrid": False,
        "range": [-0.5, len(rows) - 0.5],
    }
    steps = len(order)
    scale = [[edge, STRIP_COLOURS[name]] for i, name in enumerate(order) for edge in (i / steps, (i + 1) / steps)]
    figure["data"] = [
        {
            "type": "heatmap",
            "x": [local_ms(start + step_ms / 2) for start in starts],
            "y": list(range(len(rows))),
            "z": [[order.index(known.get(start, "none")) for start in starts] for _, known in rows],
            "text": [[classes[known.get(start, "none")] for start in starts] for _, known in rows],
            "zmin": -0.5,
            "zmax": steps - 0.5,
            "colorscale": scale,
            "showscale": False,
            "ygap": 3,
            "xgap": 1 if len(starts) <= 62 else 0,
            "hovertemplate": "%{x|%-d %b %H:%M}<br>%{text}<extra></extra>"
            if step_ms < DAY_MS
            else "%{x|%-d %b}<br>%{text}<extra></extra>",
        }
    ]
    return figure
