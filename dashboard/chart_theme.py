"""The colours of charts on a dark page. Plotly writes colours into the drawing; this style sheet puts others over them,
so that a chart follows the page at once, and a picture of it that somebody takes away stays light.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

SHEET: Final = Path(__file__).parent / "assets" / "page-charts.css"

# light: dark; whatever carries words or is a line
LINES: Final[Mapping[str, str]] = {
    "#1F2933": "#E6EBF0",
    "#5F6368": "#AAB6C2",
    "#4A5560": "#B9C4CE",
    "#E1E6EB": "#33404C",
    "#98A2AD": "#7D8D9C",
    "#14507A": "#7DB8E8",
    "#B0480F": "#F0935A",
    "#0F766E": "#4FC4B7",
    "#7A2E8E": "#CF8FE0",
    "#A11D4B": "#F0819F",
    "#3D4852": "#B9C4CE",
    "#2F6B1F": "#8FCF7A",
    "#8A6200": "#DCB04A",
    "#6B5B00": "#D9C45A",
    "#7A6A00": "#D9C45A",
    "#9A4A12": "#EB9A63",
    "#1F6F78": "#6CC5CF",
    "#2F6DA8": "#7DB8E8",
    "#2D7755": "#57B98A",
    "#8A0A12": "#FF9AA3",
}
# light: dark; grounds and areas. What is not here stays: the levels' colours are official, and words stand on some.
AREAS: Final[Mapping[str, str]] = {
    "#FFFFFF": "#1B232B",
    "#F4F6F8": "#26313B",
    "#EEF1F4": "#26313B",
    "#F3F6F9": "#26313B",
    "#FFF4C2": "#33270B",
    "#98A2AD": "#7D8D9C",
    "#14507A": "#7DB8E8",
    "#3D4852": "#B9C4CE",
    "#9A4A12": "#EB9A63",
    "#1F6F78": "#6CC5CF",
    "#7A6A00": "#D9C45A",
}


def _written(colour: str) -> str:
    """As it stands in a style attribute."""
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


def sheet() -> str:
    """The style sheet page-charts.css."""
    rules = [
        *((f'[style*="stroke: {_written(old)}"]', f"stroke: {new}") for old, new in LINES.items()),
        *((f'text[style*="fill: {_written(old)}"]', f"fill: {new}") for old, new in LINES.items()),
        *((f':not(text)[style*="fill: {_written(old)}"]', f"fill: {new}") for old, new in AREAS.items()),
    ]
    on_device = [f"  :root:not([data-theme=light]) .plotly {which} {{ {what} !important; }}" for which, what in rules]
    chosen = [f"  :root[data-theme=dark] .plotly {which} {{ {what} !important; }}" for which, what in rules]
    return "\n".join(
        [
            "/* Written by python -m dashboard.describe from dashboard/chart_theme.py. */",
            "@media screen and (prefers-color-scheme: dark) {",
            *on_device,
            "}",
            "@media screen {",
            *chosen,
            "}",
            "",
        ]
    )
