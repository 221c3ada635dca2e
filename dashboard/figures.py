"""Data in, Plotly figures out; pure, knows neither Dash nor the store.

Figures are plain dictionaries in Plotly's own form. Plotly has no time zones, so moments enter as milliseconds of
Asia/Bangkok wall time. Whatever is not known is drawn as not known: lines break, and the gap is hatched and named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from classair import i18n
from classair.model import QUANTITIES
from classair.units import HOUR_MS
from dashboard.queries.rooms import Band

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


@lru_cache(maxsize=64)
def settings(language: str) -> Any:
    """What a chart is told beside its figure: no buttons, and the names of months and days in the reader's language."""
    from babel.dates import get_day_names, get_month_names

    names: dict[str, list[str]] = {}
    if language != i18n.REFERENCE:  # English is what Plotly speaks by itself
        locale = i18n.head(language).locale
        full, short = get_day_names("wide", locale=locale), get_day_names("abbreviated", locale=locale)
        names = {
            "days": [full[(day - 1) % 7] for day in range(7)],  # from Sunday
            "shortDays": [short[(day - 1) % 7] for day in range(7)],
            "months": [*get_month_names("wide", locale=locale).values()],
            "shortMonths": [*get_month_names("abbreviated", locale=locale).values()],
        }
    return {
        "locale": language,
        "locales": {language: {"dictionary": {}, "format": names}} if names else {},
        "displayModeBar": False,
        "displaylogo": False,
        "scrollZoom": False,
        "doubleClick": "reset",
    }


def new_figure(
    span: TimeAxis,
    words: Words,
    key: str,
    quantity: str,
    top: float,
    domain: tuple[float, float],
) -> Figure:
    long = span.end_ms - span.start_ms > 30 * HOUR_MS
    clock = i18n.head(words.language).clock
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
        note(words.purifier, 1.004, 0.0, RUNNING, yanchor="bottom", xanchor="left", size=13)
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


def note(
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


def pale(colour: str, share: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"
