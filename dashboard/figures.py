"""Data in, Plotly figures out; pure, knows neither Dash nor the store.

Figures are plain dictionaries in Plotly's own form. Plotly has no time zones, so moments enter as milliseconds of
Asia/Bangkok wall time. Whatever is not known is drawn as not known: lines break, and the gap is hatched and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from classair.model import QUANTITIES, Bucket
from classair.units import HOUR_MS, MINUTE_MS
from dashboard.queries.rooms import Band, Series

Figure = dict[str, Any]
Point = tuple[float, float | None]

BANGKOK_MS: Final = 7 * HOUR_MS
MAX_POINTS: Final = 2000
"""No trace has more, for up to 720 buckets."""
LONG_GAP_SHARE: Final = 0.07
"""From this share of the width on, a gap has room for its words."""

INK: Final = "#1F2933"
SOFT: Final = "#5F6368"
LINE: Final = "#E1E6EB"
INDOOR: Final = "#14507A"
OUTDOOR: Final = "#6B5B00"
AIR: Final = "#3D4852"
WARMTH: Final = "#9A4A12"
DAMP: Final = "#1F6F78"
RUNNING: Final = "#2F6DA8"

LEVEL_COLOURS: Final[Mapping[str, str]] = {
    "very_good": "#57BBFA",
    "good": "#2D7755",
    "moderate": "#FCD33C",
    "starts_to_affect_health": "#DB8200",
    "affects_health": "#8A0A12",
    "unknown": "#5F6368",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A labelled line across a chart: where a level ends or advice begins. `colour` marks the stretch above it."""

    at: float
    label: str
    colour: str = SOFT


@dataclass(frozen=True, slots=True)
class Words:
    """The words on a figure in the reader's language; figures know no language of their own."""

    language: str
    no_data: str
    indoor: str = ""
    outdoor: str = ""
    purifier: str = ""
    on: str = ""
    off: str = ""
    not_known: str = ""


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The stretch of time on the axis, UTC ms, and the present: what lies after `now_ms` is not missing."""

    start_ms: int
    end_ms: int
    now_ms: int

    @property
    def known_end_ms(self) -> int:
        return max(self.start_ms, min(self.end_ms, self.now_ms))


def local_ms(at_ms: float) -> float:
    """Milliseconds that Plotly draws as Asia/Bangkok wall time."""
    return at_ms + BANGKOK_MS


def segments(series: Series) -> list[list[Bucket]]:
    """Runs of neighbouring buckets that each hold a valid value."""
    runs: list[list[Bucket]] = []
    for bucket in series.buckets:
        if not bucket.n:
            continue
        if runs and bucket.start_ms - runs[-1][-1].start_ms == series.step_ms:
            runs[-1].append(bucket)
        else:
            runs.append([bucket])
    return runs


def gaps(series: Series, span: TimeAxis) -> list[tuple[int, int]]:
    """Stretches (UTC ms) without any valid value, the present's unfinished bucket apart."""
    found: list[tuple[int, int]] = []
    reached = span.start_ms
    for run in segments(series):
        if run[0].start_ms > reached:
            found.append((reached, run[0].start_ms))
        reached = max(reached, run[-1].start_ms + series.step_ms)
    # The newest bucket may not have begun to fill: a minute's silence at the right edge is no gap.
    if span.known_end_ms - reached > max(series.step_ms, 3 * MINUTE_MS):
        found.append((reached, span.known_end_ms))
    return found


def pm25_figure(
    indoor: Series,
    outdoor: Series | None,
    bands: Sequence[Band],
    limits: Sequence[Limit],
    span: TimeAxis,
    words: Words,
    key: str,
) -> Figure:
    """PM2.5 in a room with the outdoors dotted and, below, when its purifiers ran; µg/m³ from zero."""
    shown = [indoor, *([outdoor] if outdoor else [])]
    top = _top((s.high() for s in shown), at_least=40.0)
    band_height = 0.07 if bands else 0.0
    low = band_height + 0.06 if bands else 0.0
    figure = new_figure(span, words, key, "pm25", top, (low, 1.0))
    limit_lines(figure, limits, top)
    gap_marks(figure, gaps(indoor, span), span, words, (low, 1.0))
    if outdoor is not None:
        figure["data"].append(_line(outdoor, words.outdoor, OUTDOOR, "dot", 1.8, "µg/m³", words))
    figure["data"].append(_envelope(indoor, INDOOR))
    figure["data"] += [_line(indoor, words.indoor, INDOOR, "solid", 2.4, "µg/m³", words), _lonely(indoor, INDOOR)]
    if bands:
        purifier_band(figure, bands, span, words, band_height)
    named = [(s, w, c) for s, w, c in ((indoor, words.indoor, INDOOR), (outdoor, words.outdoor, OUTDOOR)) if s]
    _end_labels(figure, named, top)
    return figure


def co2_figure(series: Series, limits: Sequence[Limit], span: TimeAxis, words: Words, key: str) -> Figure:
    """CO2 in ppm, in greys: its colours are not those of the dust levels."""
    top = _top([series.high()], at_least=1200.0)
    figure = new_figure(span, words, key, "co2_ppm", top, (0.0, 1.0))
    limit_lines(figure, limits, top)
    gap_marks(figure, gaps(series, span), span, words, (0.0, 1.0))
    figure["data"] += [
        _envelope(series, AIR),
        _line(series, words.indoor, AIR, "solid", 2.2, "ppm", words),
        _lonely(series, AIR),
    ]
    return figure


def climate_figure(
    temperature: Series,
    humidity: Series,
    span: TimeAxis,
    words: Words,
    temperature_word: str,
    humidity_word: str,
    key: str,
) -> Figure:
    """Temperature (°C) above relative humidity (%), each on an axis of its own from zero."""
    figure = new_figure(span, words, key, "temp_c", _top([temperature.high()], at_least=40.0), (0.56, 1.0))
    figure["layout"]["yaxis2"] = y_axis(100.0, (0.0, 0.44))
    figure["layout"]["xaxis"]["anchor"] = "y2"
    figure["layout"]["margin"]["t"] = 28
    gap_marks(figure, gaps(temperature, span), span, words, (0.56, 1.0))
    gap_marks(figure, gaps(humidity, span), span, words, (0.0, 0.44), axis="y8")
    figure["data"] += [
        _envelope(temperature, WARMTH),
        _line(temperature, temperature_word, WARMTH, "solid", 2.0, "°C", words),
        _lonely(temperature, WARMTH),
        {**_envelope(humidity, DAMP), "yaxis": "y2"},
        {**_line(humidity, humidity_word, DAMP, "dash", 2.0, "%", words), "yaxis": "y2"},
        {**_lonely(humidity, DAMP), "yaxis": "y2"},
    ]
    for text, colour, y in ((temperature_word, WARMTH, 1.0), (humidity_word, DAMP, 0.44)):
        figure["layout"]["annotations"].append(_note(text, 0.004, y, colour, yanchor="bottom", xanchor="left"))
    return figure


# -- parts of figures --------------------------------------------------------------------------------------------------


def new_figure(
    span: TimeAxis,
    words: Words,
    key: str,
    quantity: str,
    top: float,
    domain: tuple[float, float],
) -> Figure:
    long = span.end_ms - span.start_ms > 30 * HOUR_MS
    clock = "%H.%M" if words.language == "th" else "%H:%M"
    layout: dict[str, Any] = {
        "font": {"family": "Sarabun, sans-serif", "size": 14, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "#FFFFFF",
        "margin": {"l": 46, "r": 74, "t": 18, "b": 34},
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {"font": {"family": "Sarabun, sans-serif", "size": 14}},
        "uirevision": key,
        "annotations": [],
        "shapes": [],
        "dragmode": "zoom",
        "xaxis": {
            "type": "date",
            "range": [local_ms(span.start_ms), local_ms(span.end_ms)],
            "showgrid": False,
            "tickformat": "%-d %b" if long else clock,
            "hoverformat": f"%-d %b {clock}",
            "linecolor": LINE,
            "ticks": "outside",
            "tickcolor": LINE,
            "tickangle": 0,
            "fixedrange": False,
        },
        "yaxis": y_axis(top, domain),
        "meta": {"quantity": quantity, "unit": QUANTITIES[quantity].unit},
    }
    return {"data": [], "layout": layout}


def y_axis(top: float, domain: tuple[float, float]) -> dict[str, Any]:
    return {
        "range": [0, top],
        "domain": list(domain),
        "gridcolor": LINE,
        "zeroline": False,
        "fixedrange": True,
        "nticks": 6,
        "separatethousands": True,
    }


def _top(highs: Iterable[float | None], at_least: float) -> float:
    """The upper end of an axis, a little above everything on it."""
    return max(at_least, 1.08 * max((high for high in highs if high is not None), default=0.0))


def _line(series: Series, name: str, colour: str, dash: str, width: float, unit: str, words: Words) -> Figure:
    """The means, broken wherever there is none."""
    points: list[tuple[float, float | None, float | None, float | None]] = []
    for run in segments(series):
        if points:
            points.append((points[-1][0] + series.step_ms, None, None, None))
        points += [(local_ms(b.start_ms), _short(b.mean), _short(b.low), _short(b.high)) for b in run]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [p[0] for p in points],
        "y": [p[1] for p in points],
        "customdata": [[p[2], p[3]] for p in points],
        "connectgaps": False,
        # A bucket begins at its x and is drawn in its middle.
        "xperiod": series.step_ms,
        "xperiodalignment": "middle",
        "line": {"color": colour, "dash": dash, "width": width},
        "hovertemplate": f"%{{y}} {unit} (%{{customdata[0]}}–%{{customdata[1]}})",
    }


def _envelope(series: Series, colour: str) -> Figure:
    """From the lowest to the highest value of each bucket, one closed area for each unbroken run."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for run in segments(series):
        if len(run) == 1:
            continue
        if xs:
            xs.append(None)
            ys.append(None)
        middle = [local_ms(b.start_ms + series.step_ms / 2) for b in run]
        xs += [*middle, *reversed(middle)]
        ys += [*(_short(b.high) for b in run), *(_short(b.low) for b in reversed(run))]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "fill": "toself",
        "fillcolor": pale(colour, 0.16),
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _lonely(series: Series, colour: str) -> Figure:
    """Buckets without a neighbour: a line cannot show them, a dot with its lowest and highest can."""
    alone = [run[0] for run in segments(series) if len(run) == 1]
    means = [b.mean or 0.0 for b in alone]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [local_ms(b.start_ms + series.step_ms / 2) for b in alone],
        "y": [_short(mean) for mean in means],
        "marker": {"color": colour, "size": 5},
        "hoverinfo": "skip",
        "error_y": {
            "type": "data",
            "symmetric": False,
            "color": pale(colour, 0.35),
            "thickness": 3,
            "width": 0,
            "array": [_short((b.high or mean) - mean) for b, mean in zip(alone, means, strict=True)],
            "arrayminus": [_short(mean - (b.low or mean)) for b, mean in zip(alone, means, strict=True)],
        },
    }


def gap_marks(
    figure: Figure,
    missing: Sequence[tuple[int, int]],
    span: TimeAxis,
    words: Words,
    domain: tuple[float, float],
    axis: str = "y9",
) -> None:
    """Hatching over every gap, the words where there is room for them."""
    if not missing:
        return
    # Very many short gaps are one texture to the eye; the longest ones are kept within the limit of points.
    kept = sorted(sorted(missing, key=lambda gap: gap[0] - gap[1])[: MAX_POINTS // 6])
    figure["layout"]["yaxis" + axis[1:]] = {
        "domain": list(domain),
        "range": [0, 1],
        "visible": False,
        "fixedrange": True,
        "anchor": "x",
        **({"overlaying": "y"} if axis == "y9" else {"overlaying": "y2"}),
    }
    figure["data"].append(
        blocks(
            kept,
            0.0,
            1.0,
            axis,
            {"shape": "/", "size": 7, "solidity": 0.18, "fgcolor": "#98A2AD", "bgcolor": "#F4F6F8"},
        )
    )
    width = span.end_ms - span.start_ms
    for start, end in kept:
        if end - start >= LONG_GAP_SHARE * width:
            figure["layout"]["annotations"].append(
                {
                    "xref": "x",
                    "x": local_ms((start + end) / 2),
                    "yref": "paper",
                    "y": domain[0] + 0.16 * (domain[1] - domain[0]),
                    "text": words.no_data,
                    "showarrow": False,
                    "bgcolor": "#F4F6F8",
                    "borderpad": 3,
                    "font": {"size": 14, "color": "#4A5560"},
                }
            )


def purifier_band(figure: Figure, bands: Sequence[Band], span: TimeAxis, words: Words, height: float) -> None:
    """One row for each purifier: a full block while on, a thin line while off, hatching while nobody knows."""
    units = sorted({band.purifier for band in bands})
    figure["layout"]["yaxis2"] = {
        "domain": [0, height * max(1.0, len(units) * 0.7)],
        "range": [0, len(units)],
        "visible": False,
        "fixedrange": True,
        "anchor": "x",
    }
    figure["layout"]["xaxis"]["anchor"] = "free"
    figure["layout"]["xaxis"]["position"] = 0
    looks = ((True, 0.1, 0.9, words.on), (False, 0.1, 0.22, words.off), (None, 0.1, 0.9, words.not_known))
    for row, unit in enumerate(units):
        for on, low, high, word in looks:
            parts = [(b.start_ms, b.end_ms) for b in bands if b.purifier == unit and b.on is on][: MAX_POINTS // 6]
            if not parts:
                continue
            hatch = (
                None
                if on is not None
                else {"shape": "x", "size": 6, "solidity": 0.25, "fgcolor": SOFT, "bgcolor": "#FFFFFF"}
            )
            trace = blocks(parts, row + low, row + high, "y2", hatch)
            trace |= {"fillcolor": RUNNING if on else "#98A2AD", "name": word}
            figure["data"].append(trace)
            for start, end in parts:
                if on and end - start >= 0.045 * (span.end_ms - span.start_ms):
                    figure["layout"]["annotations"].append(
                        {
                            "x": local_ms((start + end) / 2),
                            "y": row + 0.5,
                            "yref": "y2",
                            "xref": "x",
                            "text": word,
                            "showarrow": False,
                            "font": {"size": 12, "color": "#FFFFFF"},
                        }
                    )
    figure["layout"]["annotations"].append(
        _note(words.purifier, 1.004, 0.0, RUNNING, yanchor="bottom", xanchor="left", size=13)
    )


def blocks(
    parts: Sequence[tuple[int, int]],
    low: float,
    high: float,
    axis: str,
    pattern: dict[str, Any] | None,
) -> Figure:
    xs: list[float | None] = []
    ys: list[float | None] = []
    for start, end in parts:
        if xs:
            xs.append(None)
            ys.append(None)
        left, right = local_ms(start), local_ms(end)
        xs += [left, right, right, left, left]
        ys += [low, low, high, high, low]
    trace: Figure = {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "fill": "toself",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "yaxis": axis,
    }
    if pattern is not None:
        trace["fillpattern"] = pattern
    return trace


def limit_lines(figure: Figure, limits: Sequence[Limit], top: float) -> None:
    """Thin lines with their names inside the plot, left; what lies above the axis is left out.

    Where lines lie too close for their names, the higher one is named: it is the one that matters more.
    """
    named_at = float("inf")
    for limit in sorted(limits, key=lambda limit: -limit.at):
        if limit.at >= top * 0.97:
            continue
        figure["layout"]["shapes"].append(
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "yref": "y",
                "y0": limit.at,
                "y1": limit.at,
                "line": {"color": limit.colour, "width": 1.4, "dash": "dash"},
                "layer": "below",
            }
        )
        if named_at - limit.at < 0.075 * top:
            continue
        named_at = limit.at
        figure["layout"]["annotations"].append(
            {
                "xref": "paper",
                "x": 0.004,
                "xanchor": "left",
                "yref": "y",
                "y": limit.at,
                "yanchor": "bottom",
                "text": limit.label,
                "showarrow": False,
                "font": {"size": 12, "color": SOFT},
                "bgcolor": "rgba(255,255,255,0.75)",
                "borderpad": 1,
            }
        )


def _end_labels(figure: Figure, named: Sequence[tuple[Series, str, str]], top: float) -> None:
    """The name of each line beside its last point, moved apart where they would touch."""
    ends: list[tuple[float, str, str]] = []
    for series, name, colour in named:
        last = next((b for b in reversed(series.buckets) if b.n), None)
        if last is not None and last.mean is not None:
            ends.append((last.mean, name, colour))
    ends.sort()
    apart = top * 0.075
    if len(ends) == 2 and ends[1][0] - ends[0][0] < apart:
        low = max(0.0, (ends[0][0] + ends[1][0] - apart) / 2)
        ends = [(low, *ends[0][1:]), (low + apart, *ends[1][1:])]
    for y, name, colour in ends:
        figure["layout"]["annotations"].append(
            {
                "xref": "paper",
                "x": 1.004,
                "xanchor": "left",
                "yref": "y",
                "y": y,
                "yanchor": "middle",
                "text": name,
                "showarrow": False,
                "font": {"size": 13, "color": colour},
            }
        )


def _note(
    text: str,
    x: float,
    y: float,
    colour: str,
    *,
    xanchor: str,
    yanchor: str,
    size: int = 13,
) -> dict[str, Any]:
    return {
        "xref": "paper",
        "yref": "paper",
        "x": x,
        "y": y,
        "xanchor": xanchor,
        "yanchor": yanchor,
        "text": text,
        "showarrow": False,
        "font": {"size": size, "color": colour},
    }


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def pale(colour: str, share: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"
