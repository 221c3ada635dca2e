"""Six hours of a room as a drawing without words: lines for the room and outdoors, hatched where there is no data.

Words stand beside it as HTML, never inside: papers and screens place the marks of Thai wrongly there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from markupsafe import Markup

from classair import i18n
from classair.science.state import PM25
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html

WIDTH: Final = 600
HEIGHT: Final = 150
TOP: Final = 8
_TICKS: Final = (10, 25, 50, 100, 200, 500, 1000)

Points = Sequence[Sequence[Any]]


def drawn(ctx: Context, language: str, inside: Points, outside: Points | None) -> Any:
    """A figure with its times and the names of the lines; its sentence and its table stand beside it."""
    top = _top([float(value) for points in (inside, outside or ()) for _, value in points if value is not None])
    step = WIDTH / len(inside)
    gaps = "".join(
        f'<rect class="gap" x="{start * step:.1f}" y="0" width="{(end - start) * step:.1f}" height="{HEIGHT}"/>'
        for start, end in _gaps(inside)
    )
    lines = "".join(
        f'<polyline class="{name}" points="{points}"/>'
        for name, series in (("outside", outside), ("inside", inside))
        for points in _runs(series or (), step, top)
    )
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<path class="hatch" d="M0 8 8 0"/></pattern></defs>'
        f'{gaps}<line class="axis" x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}"/>{lines}</svg>'
    )
    first, last = int(inside[0][0]), int(inside[-1][0])
    labels = [html.Span(_named(ctx, language, "pages.chart.indoor", inside), className="of inside")]
    if outside:
        labels.append(html.Span(_named(ctx, language, "pages.chart.outdoor", outside), className="of outside"))
    if gaps:
        labels.append(html.Span(ctx.t(language, "pages.chart.no_data"), className="of gap"))
    times = [html.Span(i18n.show_date(local_time(at), language, "time")) for at in (first, (first + last) // 2, last)]
    return html.Figure(
        [
            html.Div(
                [
                    html.Div([html.Span(str(top)), html.Span("0")], className="scale", **parts.aria(hidden="true")),
                    html.Div(Markup(svg), className="drawing"),  # noqa: S704  made of numbers alone
                ],
                className="with-scale",
            ),
            html.Div(times, className="times", **parts.aria(hidden="true")),
            html.Figcaption(labels),
        ],
        className="last-hours",
    )


def _top(values: Sequence[float]) -> int:
    highest = max(values, default=0.0)
    return next((tick for tick in _TICKS if tick >= highest), _TICKS[-1])


def _gaps(points: Points) -> Iterator[tuple[int, int]]:
    place = 0
    for missing, run in groupby(points, key=lambda one: one[1] is None):
        length = len(list(run))
        if missing:
            yield place, place + length
        place += length


def _runs(points: Points, step: float, top: int) -> Iterator[str]:
    """Each unbroken stretch; what is missing is never bridged."""
    numbered = list(enumerate(points))
    for missing, run in groupby(numbered, key=lambda one: one[1][1] is None):
        if not missing:
            yield " ".join(_at(number, float(value), step, top) for number, (_, value) in run)


def _at(number: int, value: float, step: float, top: int) -> str:
    """A mean as a level stretch over its 15 minutes."""
    height = HEIGHT - min(1.0, value / top) * (HEIGHT - TOP)
    return f"{number * step:.1f},{height:.1f} {(number + 1) * step:.1f},{height:.1f}"


def _named(ctx: Context, language: str, key: str, points: Points) -> str:
    last = next((value for _, value in reversed(points) if value is not None), None)
    return ctx.t(language, key) if last is None else f"{ctx.t(language, key)} {PM25.shown(float(last))}"
