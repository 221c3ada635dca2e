"""NowCast of PM2.5 and PM10: the last twelve hours, weighed by how steady they are (EPA-454/B-24-002, appendix).

Whole numbers and fractions throughout: with float sums two constant series in five fall below themselves by a tenth
when the result is cut off. Hourly means enter as measured, to 6 decimals. NowCast estimates a 24 h value outdoors; the
Thai index knows no such thing, so a Thai colour on it is a display of this project and not the Thai AQI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from classair.science.indexes import MICRO, Value, in_micro

HOURS: Final = 12
STEPS: Final = {"pm25": 100_000, "pm10": MICRO}  # millionths to whose multiples the result is cut off


@dataclass(frozen=True, slots=True)
class NowCast:
    """`exact`: before cutting off, in µg/m³. `value`: cut off to 0.1 (PM2.5) or 1 (PM10), what an index is taken of."""

    exact: Fraction
    value: Decimal
    hours: int

    @property
    def unrounded(self) -> Decimal:
        """To 6 decimals, halves up, for showing how it came about."""
        micro = self.exact * MICRO
        return Decimal((2 * micro.numerator + micro.denominator) // (2 * micro.denominator)).scaleb(-6)


def nowcast(newest_first: Sequence[Value], quantity: str = "pm25") -> NowCast | None:
    """Of the hourly means c1 (newest) … c12; missing or impossible hours are None, more than twelve are not looked at.

    None unless two of the newest three hours are there. Raises KeyError for another quantity than pm25 and pm10.
    """
    return of_micros([in_micro(value) for value in newest_first[:HOURS]], quantity)


def of_micros(newest_first: Sequence[int | None], quantity: str = "pm25") -> NowCast | None:
    """The same of hourly means in millionths of µg/m³."""
    step = STEPS[quantity]
    if sum(1 for value in newest_first[:3] if value is not None) < 2:
        return None
    hours = [(age, max(value, 0)) for age, value in enumerate(newest_first[:HOURS]) if value is not None]
    most, least = max(value for _, value in hours), min(value for _, value in hours)
    # The weight is a fraction up/down; each power of it times down^11 is whole.
    up, down = (1, 1) if most == 0 else (least, most) if 2 * least > most else (1, 2)
    total = weights = 0
    for age, value in hours:
        weight: int = up**age * down ** (HOURS - 1 - age)
        weights += weight
        total += weight * value
    places = 0 if step == MICRO else -1
    return NowCast(Fraction(total, weights * MICRO), Decimal(total // (weights * step)).scaleb(places), len(hours))
