"""Data in, Plotly figures out; pure, knows neither Dash nor the store.

Figures are plain dictionaries in Plotly's own form. Plotly has no time zones, so moments enter as milliseconds of
Asia/Bangkok wall time. Whatever is not known is drawn as not known: lines break, and the gap is hatched and named.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
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

_NO_WIDTH: Final = frozenset(
    "\u0e31\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e3a\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e4d\u0e4e"
)

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
    """A line across a chart: where a level ends or advice begins. `colour` and `key` are those of the level above it.

    The chart writes the number beside itself; the page writes the whole label below (`layout.meta.limits` says which).
    """

    at: float
    label: str
    colour: str = SOFT
    key: str = ""


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
    make_room(figure, [words.purifier])


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
    """Thin lines, their numbers outside the plot on the right; what lies above the axis is left out.

    Where lines lie too close for their numbers, the higher one has it: it is the one that matters more.
    """
    named_at = float("inf")
    for limit in sorted(limits, key=lambda limit: -limit.at):
        if limit.at >= top * 0.97:
            continue
        figure["layout"]["meta"].setdefault("limits", []).append(limit.at)
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
        figure["layout"]["annotations"].append(beside(f"{limit.at:,g}", limit.at, SOFT, size=12))


def beside(text: str, y: float, colour: str, *, size: int = 13) -> dict[str, Any]:
    """A label outside the plot, right of what it names."""
    return {
        "xref": "paper",
        "x": 1.004,
        "xanchor": "left",
        "yref": "y",
        "y": y,
        "yanchor": "middle",
        "text": text,
        "showarrow": False,
        "font": {"size": size, "color": colour},
    }


def apart(figure: Figure, named: Sequence[tuple[float, str, str]], top: float) -> None:
    """The names of lines beside their ends, moved apart where they would touch each other; a limit's number that
    would touch a name gives way, for the line itself and the words below the chart still tell it."""
    gap = top * 0.075
    ends = sorted(named)
    for place in range(1, len(ends)):
        low = max(ends[place][0], ends[place - 1][0] + gap)
        ends[place] = (low, *ends[place][1:])
    over = max(0.0, ends[-1][0] - top) if ends else 0.0
    ends = [(max(0.0, y - over), text, colour) for y, text, colour in ends]
    notes = figure["layout"]["annotations"]
    limits = {f"{at:,g}" for at in figure["layout"]["meta"].get("limits", ())}
    notes[:] = [
        one for one in notes if one["text"] not in limits or all(abs(one["y"] - y) >= gap * 0.8 for y, _, _ in ends)
    ]
    notes += [beside(text, y, colour) for y, text, colour in ends]
    make_room(figure, [text for _, text, _ in ends])


def make_room(figure: Figure, texts: Iterable[str], size: int = 13) -> None:
    """Widens the right margin until whole names stand in it."""
    widest = max((text_px(line, size) for text in texts for line in text.split("<br>")), default=0.0)
    margin = figure["layout"]["margin"]
    margin["r"] = max(margin["r"], round(widest) + 12)


def text_px(text: str, size: int) -> float:
    """About how wide a text is in Sarabun, never less than that; marks above and below letters take none."""
    return sum(0.0 if unicodedata.combining(sign) or sign in _NO_WIDTH else 0.64 * size for sign in text)


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
