"""Shares of levels, hours of the week, indoors against outdoors, two sides set against each other. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboard.figures import INK, LEVEL_COLOURS, LINE, SOFT, Figure
from dashboard.pages.explorer.figures_series import COLOURS
from dashboard.pages.explorer.summary import Cell, Pairs, Shares
from research.compare import Comparison
from research.lesson_air import LEVELS, NO_DATA

SYMBOLS: Final = (
    "circle-open",
    "square-open",
    "diamond-open",
    "triangle-up-open",
    "cross-open",
    "x-open",
    "star-open",
    "pentagon-open",
)
_ON_COLOUR: Final = {
    "very_good": "#111111",
    "good": "#FFFFFF",
    "moderate": "#111111",
    "starts_to_affect_health": "#111111",
    "affects_health": "#FFFFFF",
    NO_DATA: "#1F2933",
}
# From light to dark in one hue, apart from the colours of the levels, which these means have not.
_SCALE: Final = [[0, "#F3F6F9"], [0.25, "#C6D5E4"], [0.5, "#86A8C7"], [0.75, "#42749F"], [1, "#0F3B5C"]]


def _blank(height_top: int = 10, left: int = 60, bottom: int = 44) -> Figure:
    return {
        "data": [],
        "layout": {
            "font": {"family": "Sarabun, sans-serif", "size": 14, "color": INK},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "#FFFFFF",
            "margin": {"l": left, "r": 26, "t": height_top, "b": bottom},
            "showlegend": False,
            "hovermode": "closest",
            "hoverlabel": {"font": {"family": "Sarabun, sans-serif", "size": 14}},
            "annotations": [],
            "shapes": [],
            "dragmode": False,
        },
    }


def _axis(title: str = "", **more: Any) -> dict[str, Any]:
    return {
        "gridcolor": LINE,
        "zeroline": False,
        "fixedrange": True,
        "linecolor": LINE,
        **({"title": {"text": title, "font": {"size": 13}, "standoff": 6}} if title else {}),
        **more,
    }


def shares_figure(shares: Sequence[tuple[str, Shares]], words: Mapping[str, str]) -> Figure:
    """A bar of 100 % for each room; wide enough parts carry their percentage, all their word on hovering."""
    figure = _blank(left=96, bottom=34)
    rows = list(reversed(shares))
    for place, level in enumerate(LEVELS):
        percents = [one.percent[place] for _, one in rows]
        figure["data"].append(
            {
                "type": "bar",
                "orientation": "h",
                "name": words[level],
                "y": [name for name, _ in rows],
                "x": percents,
                "text": [f"{p}%" if p >= 5 else "" for p in percents],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
                "constraintext": "none",
                "textfont": {"color": _ON_COLOUR[level], "size": 13},
                "marker": {
                    "color": LEVEL_COLOURS.get(level, "#F4F6F8"),
                    "line": {"color": "#FFFFFF", "width": 1.5},
                    **(
                        {"pattern": {"shape": "/", "size": 7, "solidity": 0.18, "fgcolor": "#98A2AD"}}
                        if level == NO_DATA
                        else {}
                    ),
                },
                "customdata": [one.counts[place] for _, one in rows],
                "hovertemplate": "%{y}: " + words[level] + " %{x}% (n = %{customdata})<extra></extra>",
            }
        )
    figure["layout"] |= {"barmode": "stack", "bargap": 0.3}
    figure["layout"]["xaxis"] = _axis(range=[0, 100], ticksuffix="%", showgrid=False)
    figure["layout"]["yaxis"] = _axis(automargin=True)
    return figure


def week_figure(
    cells: Mapping[tuple[int, int], Cell], days: Sequence[str], unit: str, places: int, no_data: str
) -> Figure:
    """Weekdays down, hours across; from zero; an hour without any value is left open and says so."""
    figure = _blank(left=52)
    top = max((cell.mean for cell in cells.values()), default=1.0)
    grid = [[cells.get((day, hour)) for hour in range(24)] for day in range(7)]
    figure["data"] = [
        {
            "type": "heatmap",
            "x": list(range(24)),
            "y": list(range(7)),
            "xgap": 1,
            "ygap": 1,
            "z": [[None if cell is None else round(cell.mean, places) for cell in line] for line in grid],
            "text": [
                [no_data if cell is None else f"{cell.mean:,.{places}f}\u00a0{unit}, n = {cell.hours}" for cell in line]
                for line in grid
            ],
            "zmin": min(0.0, min((cell.mean for cell in cells.values()), default=0.0)),
            "zmax": top,
            "colorscale": _SCALE,
            "colorbar": {
                "thickness": 10,
                "outlinewidth": 0,
                "title": {"text": unit, "font": {"size": 12}},
                "tickfont": {"size": 12},
            },
            "hoverongaps": True,
            "hovertemplate": "%{x}:00<br>%{text}<extra></extra>",
        }
    ]
    figure["layout"]["xaxis"] = _axis(showgrid=False, tickvals=[0, 4, 8, 12, 16, 20], tickangle=0)
    figure["layout"]["yaxis"] = _axis(
        showgrid=False, tickvals=list(range(7)), ticktext=list(days), autorange="reversed"
    )
    return figure


def scatter_figure(found: Sequence[tuple[str, Pairs]], outdoor: str, indoor: str, same: str) -> Figure:
    """Both axes from zero on one scale, the line where both are the same dashed; a shape of its own for each room."""
    figure = _blank(left=58, bottom=50)
    top = 1.05 * max((v for _, one in found for v in (*one.outdoor, *one.indoor)), default=10.0) or 10.0
    low = min(0.0, min((v for _, one in found for v in (*one.outdoor, *one.indoor)), default=0.0))
    figure["layout"]["shapes"].append(
        {
            "type": "line",
            "x0": low,
            "y0": low,
            "x1": top,
            "y1": top,
            "xref": "x",
            "yref": "y",
            "line": {"color": SOFT, "dash": "dash", "width": 1.4},
            "layer": "below",
        }
    )
    figure["layout"]["annotations"].append(
        {
            "x": 0.84 * top,
            "y": 0.84 * top,
            "xref": "x",
            "yref": "y",
            "text": same,
            "showarrow": False,
            "xanchor": "left",
            "yanchor": "top",
            "font": {"size": 12, "color": SOFT},
            "xshift": 6,
        }
    )
    for number, (name, one) in enumerate(found):
        # More points than this are one cloud to the eye; every so-manieth is drawn, all are in the ratio.
        step = max(1, -(-len(one.outdoor) * len(found) // 4000))
        figure["data"].append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": [round(v, 2) for v in one.outdoor[::step]],
                "y": [round(v, 2) for v in one.indoor[::step]],
                "opacity": 0.65,
                "marker": {"color": COLOURS[number % 8], "symbol": SYMBOLS[number % 8], "size": 7},
                "hovertemplate": name + "<br>%{x} → %{y}<extra></extra>",
            }
        )
    figure["layout"]["xaxis"] = _axis(outdoor, range=[low, top])
    figure["layout"]["yaxis"] = _axis(indoor, range=[low, top])
    figure["layout"] |= {"showlegend": len(found) > 1, "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"}}
    return figure


def compare_figure(
    days: tuple[Sequence[float], Sequence[float]], found: Comparison, names: tuple[str, str], unit: str
) -> Figure:
    """Every day's mean as a dot, each side's mean as a bar across; from zero."""
    figure = _blank(left=58, bottom=34)
    for place, (values, mean) in enumerate(zip(days, (found.first, found.second), strict=True)):
        # Spread by their rank, so that dots do not hide each other.
        spread = [place + 0.24 * ((i * 7 % 11) / 5 - 1) for i in range(len(values))]
        figure["data"].append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": names[place],
                "x": spread,
                "y": [round(v, 2) for v in values],
                "hovertemplate": f"%{{y}}\u00a0{unit}<extra>{names[place]}</extra>",
                "marker": {"color": COLOURS[place], "symbol": SYMBOLS[place], "size": 9},
            }
        )
        if mean is not None:
            figure["layout"]["shapes"].append(
                {
                    "type": "line",
                    "xref": "x",
                    "x0": place - 0.32,
                    "x1": place + 0.32,
                    "yref": "y",
                    "y0": mean,
                    "y1": mean,
                    "line": {"color": COLOURS[place], "width": 3},
                }
            )
            figure["layout"]["annotations"].append(
                {
                    "x": place + 0.34,
                    "y": mean,
                    "xref": "x",
                    "yref": "y",
                    "xanchor": "left",
                    "text": f"{mean:,.1f}",
                    "showarrow": False,
                    "font": {"size": 14, "color": COLOURS[place]},
                }
            )
    every = [v for values in days for v in values]
    top, low = 1.1 * max(every, default=1.0) or 1.0, min(0.0, min(every, default=0.0))
    figure["layout"]["xaxis"] = _axis(range=[-0.6, 1.6], tickvals=[0, 1], ticktext=list(names), showgrid=False)
    figure["layout"]["yaxis"] = _axis(unit, range=[low, top])
    return figure
