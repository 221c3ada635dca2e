"""A collocation as an SVG picture: sensor against reference, and what the correction misses against humidity."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from classair.i18n import t
from research.collocation.calibration import Calibration, Held
from research.collocation.models import Prediction

WIDTH, HEIGHT = 860, 470
_SIDE, _TOP, _LEFT, _APART = 330, 70, 66, 434
_SENSOR, _CORRECTED, _LINE = "#8a6d3b", "#0b6aa2", "#444444"
_MOST: Final = 4000
"""Points of each kind that are drawn; of more, every so-manieth."""


class _Panel:
    """A square of the picture with its axes; `x` and `y` are (lowest, highest) of what it shows."""

    def __init__(self, left: int, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.left, self.x, self.y = left, x, y
        self.parts = [
            f'<rect x="{left}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="#fff" stroke="#999"/>',
            f'<clipPath id="c{left}"><rect x="{left}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}"/></clipPath>',
        ]
        for value in _steps(*x):
            at = self.across(value)
            self.parts.append(
                f'<path d="M{at:.1f} {_TOP + _SIDE}v5" stroke="#999"/>'
                f'<text x="{at:.1f}" y="{_TOP + _SIDE + 20}" text-anchor="middle">{value:g}</text>'
            )
        for value in _steps(*y):
            at = self.down(value)
            self.parts.append(
                f'<path d="M{left} {at:.1f}h{_SIDE}" stroke="#e4e4e4"/>'
                f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{_signed(value)}</text>'
            )

    def across(self, value: float) -> float:
        return self.left + (value - self.x[0]) / (self.x[1] - self.x[0]) * _SIDE

    def down(self, value: float) -> float:
        return _TOP + _SIDE - (value - self.y[0]) / (self.y[1] - self.y[0]) * _SIDE

    def points(self, them: Iterable[tuple[float, float]], colour: str) -> None:
        every = [(a, b) for a, b in them if math.isfinite(a) and math.isfinite(b)]
        dots = "".join(f"M{self.across(a):.1f} {self.down(b):.1f}h0" for a, b in every[:: -(-len(every) // _MOST) or 1])
        self.parts.append(
            f'<path d="{dots}" stroke="{colour}" stroke-width="4.4" stroke-linecap="round" stroke-opacity="0.45" '
            f'fill="none" clip-path="url(#c{self.left})"/>'
        )

    def line(self, begin: tuple[float, float], end: tuple[float, float], dash: str = "") -> None:
        (a, b), (c, d) = begin, end
        self.parts.append(
            f'<path d="M{self.across(a):.1f} {self.down(b):.1f}L{self.across(c):.1f} {self.down(d):.1f}" '
            f'stroke="{_LINE}" stroke-width="1.4" stroke-dasharray="{dash}" clip-path="url(#c{self.left})"/>'
        )

    def label(self, across: str, down: str) -> None:
        middle = _TOP + _SIDE // 2
        self.parts.append(
            f'<text x="{self.left + _SIDE // 2}" y="{_TOP + _SIDE + 42}" text-anchor="middle">{escape(across)}</text>'
            f'<text transform="translate({self.left - 46} {middle}) rotate(-90)" text-anchor="middle">'
            f"{escape(down)}</text>"
        )


def svg(fit: Calibration, band: Prediction, language: str, title: str, simulated: bool = False) -> str:
    """Left: sensor and corrected values of unseen days against the reference; right: their errors against humidity."""

    def say(key: str, **places: object) -> str:
        return t(language, f"collocation.{key}", **places)

    held = fit.held
    values = [value for one in held for value in (one.reference, one.sensor, one.estimate)]
    ends = (min(0.0, *values), 1.04 * max(*values, 1.0))
    left = _Panel(_LEFT, ends, ends)
    left.line((ends[0], ends[0]), (ends[1], ends[1]))
    # Estimate on the upright axis: the reference lies between estimate + low and estimate + high.
    left.line((ends[0], ends[0] - band.low), (ends[1], ends[1] - band.low), "6 4")
    left.line((ends[0], ends[0] - band.high), (ends[1], ends[1] - band.high), "6 4")
    left.points(((one.reference, one.sensor) for one in held), _SENSOR)
    left.points(((one.reference, one.estimate) for one in held), _CORRECTED)
    left.label(say("reference"), say("sensor"))
    right = _missed(held)
    right.label(say("rh") if _has_rh(held) else say("hours"), say("missed"))
    legend = "".join(
        f'<circle cx="{at + 6}" cy="50" r="4.5" fill="{colour}"/><text x="{at + 16}" y="54">{escape(say(key))}</text>'
        for at, key, colour in ((_LEFT, "as_measured", _SENSOR), (_LEFT + 130, "corrected", _CORRECTED))
    )
    words = say("band", low=_signed(round(band.low, 1)), high=_signed(round(band.high, 1)))
    legend += f'<path d="M{_LEFT + _APART} 50h26" stroke="{_LINE}" stroke-dasharray="6 4"/>'
    legend += f'<text x="{_LEFT + _APART + 34}" y="54">{escape(words)}</text>'
    head = f"{title} · {say('title', model=fit.model, hours=fit.n, days=fit.days)}"
    head += f" · {t(language, 'collocation.simulated')}" if simulated else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f"font-family=\"'Noto Sans Thai','Sarabun','Loma',sans-serif\" font-size=\"13\" fill=\"#222\" "
        f'role="img" lang="{language}"><title>{escape(head)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f'<text x="{_LEFT}" y="26" font-size="16" font-weight="600">{escape(head)}</text>{legend}'
        f"{''.join(left.parts)}{''.join(right.parts)}</svg>\n"
    )


def _missed(held: Sequence[Held]) -> _Panel:
    across = [one.rh for one in held] if _has_rh(held) else [float(number) for number in range(len(held))]
    known = [value for value in across if math.isfinite(value)]
    most = 1.1 * max((abs(one.residual) for one in held), default=1.0) or 1.0
    low, high = min(known), max(known)
    panel = _Panel(_LEFT + _APART, (low, high if high > low else low + 1), (-most, most))
    panel.line((low, 0.0), (max(high, low + 1), 0.0))
    panel.points(zip(across, (one.residual for one in held), strict=True), _CORRECTED)
    return panel


def _has_rh(held: Sequence[Held]) -> bool:
    return any(math.isfinite(one.rh) for one in held)


def _steps(low: float, high: float) -> list[float]:
    """Round numbers of an axis, four to nine of them."""
    rough = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [round(number * step, 9) for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _signed(value: float) -> str:
    return f"{value:g}".replace("-", "−")
