"""Two lines around the moment at which something was done, as SVG shapes; the same numbers stand in a table."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from dashboard.activities.air import AFTER_MS, BEFORE_MS, STEP_MS, Change
from dashboard.frame.markup import html

WIDE: Final = 600
HIGH: Final = 200
_ROOM_ABOVE: Final = 1.15


def lines(change: Change) -> Markup | None:
    """None where nothing is known. Steps that are missing are gaps."""
    values = [value for line in (change.inside, change.outside) for _, value in line]
    if not values:
        return None
    top = max(10.0, max(values) * _ROOM_ABOVE)
    begin, end = change.at_ms - BEFORE_MS, change.at_ms + AFTER_MS

    def x(at: int) -> str:
        return f"{(at - begin) / (end - begin) * WIDE:.1f}"

    def path(line: tuple[tuple[int, float], ...]) -> str:
        drawn, before = "", None
        for at, value in line:
            joined = before is not None and at - before == STEP_MS
            drawn += f"{'L' if joined else 'M'}{x(at)} {HIGH - value / top * HIGH:.1f}"
            before = at
        return drawn

    shapes = [
        html.Line(x1=x(change.at_ms), x2=x(change.at_ms), y1="0", y2=str(HIGH), className="opened"),
        html.Path(d=path(change.outside), className="outdoor") if change.outside else "",
        html.Path(d=path(change.inside), className="indoor") if change.inside else "",
    ]
    return html.Svg(shapes, viewBox=f"0 0 {WIDE} {HIGH}", className="guess-lines", **{"aria-hidden": "true"})
