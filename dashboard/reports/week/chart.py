"""The line of a week as SVG shapes: inside, outside, the limit, hatched time without data. No text at all.

Words stand beside it as HTML, because the PDF engine misplaces Thai marks inside a drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from classair.timetable import day_start_ms
from dashboard.reports.week.numbers import DayAir, Slot
from research.lesson_slots import SLOT_MS

WIDTH: Final = 1000.0
HEIGHT: Final = 250.0
LIMIT: Final = 37.5
_LOWEST_TOP: Final = 50.0
_STEP: Final = 25.0
_HATCH: Final = 14.0
STROKES: Final = {
    "inside": 'stroke="#0b4f7d" stroke-width="3.4" stroke-linejoin="round"',
    "outside": 'stroke="#6b4a1f" stroke-width="2.6" stroke-dasharray="2.6 3"',
    "limit": 'stroke="#8a0a12" stroke-width="1.8" stroke-dasharray="11 6"',
    "grid": 'stroke="#d4d4d4"',
    "days": 'stroke="#8a8a8a"',
    "hatch": 'stroke="#a3a3a3" stroke-width="1.2"',
}
STROKES.update({key: f'fill="none" vector-effect="non-scaling-stroke" {line}' for key, line in STROKES.items()})
"""As attributes: a drawing inside a paper does not hear of its style sheet."""
_APART: Final = {"limit": 27}
_LEAST_APART: Final = 14
"""Per cent of the height that a label has for itself; the limit's has two lines."""


@dataclass(frozen=True, slots=True)
class Chart:
    """`svg` without any text; `labels`: what stands beside it, as (key, per cent from the top); `holes` in per cent;
    `scale`: µg/m³ of the horizontal lines, and where they are.
    """

    svg: Markup
    labels: tuple[tuple[str, int], ...]
    holes: tuple[tuple[int, int], ...]
    scale: tuple[tuple[str, int], ...]


def sample(key: str) -> Markup:
    """A short piece of a line, to stand beside its name."""
    return Markup(  # noqa: S704  ours alone
        f'<svg class="key" viewBox="0 0 26 6" aria-hidden="true"><path {STROKES[key]} d="M0 3H26"/></svg>'
    )


def chart(days: list[DayAir], summary: str) -> Chart:
    """`summary` is read by screen readers in place of the drawing."""
    values = [v for day in days for slot in day.slots for v in (slot.inside, slot.outside) if v is not None]
    top = max(_LOWEST_TOP, -(-max(values, default=0.0) * 1.05 // _STEP) * _STEP)
    ground = _ground(days)

    def y(value: float) -> float:
        return round(HEIGHT - max(0.0, value) / top * HEIGHT, 1)

    inside = list(_runs(days, ground, lambda slot: slot.inside))
    outside = list(_runs(days, ground, lambda slot: slot.outside))
    holes = list(_holes(days, ground))
    grid = _grid_step(top)
    lines = [f"M0 {y(k * grid)}H{WIDTH:g}" for k in range(1, int(top / grid) + 1)]
    between = [f"M{WIDTH * k / len(days):.1f} 0V{HEIGHT:g}" for k in range(1, len(days))]
    parts = [
        *(f'<path {STROKES["hatch"]} d="{_hatch(a, b)}"/>' for a, b in holes),
        f'<path {STROKES["grid"]} d="{"".join(lines)}"/><path {STROKES["days"]} d="{"".join(between)}"/>',
        f'<path {STROKES["limit"]} d="M0 {y(LIMIT)}H{WIDTH:g}"/>',
        *_drawn(outside, y, "outside"),
        *_drawn(inside, y, "inside"),
    ]
    svg = (
        f'<svg class="line" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none" role="img">'
        f"<title>{escape(summary)}</title>{''.join(parts)}</svg>"
    )
    ends = [("limit", y(LIMIT))]
    ends += [(key, y(runs[-1][-1][1])) for key, runs in (("inside", inside), ("outside", outside)) if runs]
    shares = tuple((round(100 * a / WIDTH), round(100 * b / WIDTH)) for a, b in holes)
    scale = tuple((f"{k * grid:g}", round(100 * y(k * grid) / HEIGHT)) for k in range(1, int(top / grid) + 1))
    return Chart(Markup(svg), _apart(ends), shares, scale)  # noqa: S704  numbers, and the summary is escaped


@dataclass(frozen=True, slots=True)
class _Ground:
    """Where a moment lies: days alike wide, and within a day by the time of day, `per_ms` units a millisecond."""

    lefts: tuple[float, ...]
    midnights: tuple[int, ...]
    first: int
    per_ms: float

    def x(self, number: int, at_ms: int) -> float:
        return self.lefts[number] + (at_ms - self.midnights[number] - self.first) * self.per_ms


def _ground(days: list[DayAir]) -> _Ground:
    midnights = tuple(day_start_ms(day.day) for day in days)
    starts = [slot.start_ms - midnight for day, midnight in zip(days, midnights, strict=True) for slot in day.slots]
    first, end = min(starts, default=0), max(starts, default=0) + SLOT_MS
    wide = WIDTH / max(1, len(days))
    lefts = tuple((number + 0.02) * wide for number in range(len(days)))
    return _Ground(lefts, midnights, first, 0.96 * wide / (end - first))


def _runs(
    days: list[DayAir], ground: _Ground, of: Callable[[Slot], float | None]
) -> Iterable[list[tuple[float, float]]]:
    """What is measured without a pause, as points (x, value); breaks, nights and missing time interrupt it."""
    for number, day in enumerate(days):
        run: list[tuple[float, float]] = []
        before = 0
        for slot in day.slots:
            value = of(slot)
            if run and (value is None or slot.start_ms != before + SLOT_MS):
                yield run
                run = []
            if value is not None:
                run.append((ground.x(number, slot.start_ms + SLOT_MS // 2), value))
            before = slot.start_ms
        if run:
            yield run


def _holes(days: list[DayAir], ground: _Ground) -> Iterable[tuple[float, float]]:
    """From and to where nothing is known inside; a break between two missing times is shaded with them."""
    for number, day in enumerate(days):
        begin: float | None = None
        end = 0.0
        for slot in day.slots:
            if slot.inside is None:
                begin = ground.x(number, slot.start_ms) if begin is None else begin
                end = ground.x(number, slot.start_ms + SLOT_MS)
            elif begin is not None:
                yield begin, end
                begin = None
        if begin is not None:
            yield begin, end


def _drawn(runs: list[list[tuple[float, float]]], y: Callable[[float], float], key: str) -> Iterable[str]:
    whole = "".join("M" + "L".join(f"{x:.1f} {y(value):g}" for x, value in run) for run in runs if len(run) > 1)
    if whole:
        yield f'<path {STROKES[key]} d="{whole}"/>'
    for run in runs:
        if len(run) == 1:
            yield f'<circle {STROKES[key]} cx="{run[0][0]:.1f}" cy="{y(run[0][1]):g}" r="1.4"/>'


def _hatch(a: float, b: float) -> str:
    """Slanting lines between two edges, clipped to them, and the frame."""
    lines = [f"M{a:.1f} 0V{HEIGHT:g}M{b:.1f} 0V{HEIGHT:g}"]
    start = a - HEIGHT
    while start < b:
        x0, x1 = max(a, start), min(b, start + HEIGHT)
        if x1 > x0:
            lines.append(f"M{x0:.1f} {HEIGHT - (x0 - start):.1f}L{x1:.1f} {HEIGHT - (x1 - start):.1f}")
        start += _HATCH
    return "".join(lines)


def _grid_step(top: float) -> float:
    return next(step for step in (25.0, 50.0, 100.0, 250.0, 500.0, 1000.0) if top / step <= 4 or step == 1000.0)


def _apart(ends: list[tuple[str, float]]) -> tuple[tuple[str, int], ...]:
    """Labels by height, none over another; in per cent of the height."""
    placed: list[tuple[str, int]] = []
    for key, y in sorted(ends, key=lambda one: one[1]):
        wanted = round(100 * y / HEIGHT)
        placed.append((key, max(wanted, placed[-1][1] + _APART.get(placed[-1][0], _LEAST_APART)) if placed else wanted))
    excess = max(0, placed[-1][1] - (100 - _APART.get(placed[-1][0], 0) // 2)) if placed else 0
    return tuple((key, max(0, at - excess)) for key, at in placed)
