"""The figures of a room's past: PM2.5, CO2 and the climate as lines with their lowest and highest values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from classair.units import MINUTE_MS
from dashboard.figures import (
    AIR,
    DAMP,
    INDOOR,
    OUTDOOR,
    WARMTH,
    Figure,
    Limit,
    TimeAxis,
    Words,
    apart,
    gap_marks,
    limit_lines,
    local_ms,
    new_figure,
    note,
    pale,
    purifier_band,
    y_axis,
)
from dashboard.queries.rooms import Band, RoomMeans
from research.means import MeanRow


def segments(series: RoomMeans) -> list[list[MeanRow]]:
    """Runs of neighbouring steps that are complete; an incomplete one with a mean is a run of its own."""
    runs: list[list[MeanRow]] = []
    for row in series.rows:
        if row.corrected is None:
            continue
        last = runs[-1][-1] if runs else None
        if last and last.complete and row.complete and row.start_ms - last.start_ms == series.step_ms:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def gaps(series: RoomMeans, span: TimeAxis) -> list[tuple[int, int]]:
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
    indoor: RoomMeans,
    outdoor: RoomMeans | None,
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


def co2_figure(series: RoomMeans, limits: Sequence[Limit], span: TimeAxis, words: Words, key: str) -> Figure:
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
    temperature: RoomMeans | None,
    humidity: RoomMeans | None,
    span: TimeAxis,
    words: Words,
    temperature_word: str,
    humidity_word: str,
    key: str,
) -> Figure:
    """Temperature (°C) above relative humidity (%), each on an axis of its own from zero; only what the room has."""
    top = _top([temperature.high()] if temperature else [], at_least=40.0)
    both = temperature is not None and humidity is not None
    upper, lower = ((0.56, 1.0), (0.0, 0.44)) if both else ((0.0, 1.0), (0.0, 1.0))
    quantity = "rh_pct" if temperature is None else "temp_c"
    figure = new_figure(span, words, key, quantity, top if temperature else 100.0, upper)
    figure["layout"]["margin"]["t"] = 28
    if both:
        figure["layout"]["yaxis2"] = y_axis(100.0, lower)
        figure["layout"]["xaxis"]["anchor"] = "y2"
    drawn = [
        (temperature, temperature_word, WARMTH, "solid", "°C", upper, "y", "y9"),
        (humidity, humidity_word, DAMP, "dash", "%", lower, "y2" if both else "y", "y8" if both else "y9"),
    ]
    for series, word, colour, dash, unit, domain, axis, gap_axis in drawn:
        if series is None:
            continue
        gap_marks(figure, gaps(series, span), span, words, domain, axis=gap_axis)
        line = _line(series, word, colour, dash, 2.0, unit, words)
        figure["data"] += [{**one, "yaxis": axis} for one in (_envelope(series, colour), line, _lonely(series, colour))]
        note_at = note(word, 0.004, domain[1], colour, yanchor="bottom", xanchor="left")
        figure["layout"]["annotations"].append(note_at)
    return figure


def _top(highs: Iterable[float | None], at_least: float) -> float:
    """The upper end of an axis, a little above everything on it."""
    return max(at_least, 1.08 * max((high for high in highs if high is not None), default=0.0))


def _line(series: RoomMeans, name: str, colour: str, dash: str, width: float, unit: str, words: Words) -> Figure:
    """The means, broken wherever there is none."""
    points: list[tuple[float, float | None, float | None, float | None]] = []
    for run in segments(series):
        if points:
            points.append((points[-1][0] + series.step_ms, None, None, None))
        points += [(local_ms(b.start_ms), _short(b.corrected), _short(b.low), _short(b.high)) for b in run]
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
        "hovertemplate": f"%{{y}}\u00a0{unit} (%{{customdata[0]}}–%{{customdata[1]}})",
    }


def _envelope(series: RoomMeans, colour: str) -> Figure:
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


def _lonely(series: RoomMeans, colour: str) -> Figure:
    """What a line cannot show, as dots with their range: steps without a neighbour; open dots where incomplete."""
    alone = [run[0] for run in segments(series) if len(run) == 1]
    means = [b.corrected or 0.0 for b in alone]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [local_ms(b.start_ms + series.step_ms / 2) for b in alone],
        "y": [_short(mean) for mean in means],
        "marker": {
            "color": colour,
            "size": 5,
            "symbol": ["circle" if b.complete else "circle-open" for b in alone],
        },
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


def _end_labels(figure: Figure, named: Sequence[tuple[RoomMeans, str, str]], top: float) -> None:
    """The name of each line beside its last point, moved apart where they would touch."""
    ends: list[tuple[float, str, str]] = []
    for series, name, colour in named:
        last = next((b for b in reversed(series.rows) if b.corrected is not None), None)
        if last is not None and last.corrected is not None:
            ends.append((last.corrected, name, colour))
    apart(figure, ends, top)


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
