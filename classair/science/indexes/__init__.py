"""From a concentration to its level and index number: the arithmetic; each index is a file of dated data.

Decimal throughout, on the shortest form of a number: 18.15 is 18.15 and rounds to 18.2 although the float is smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

LOWEST: Final = -10.0      # below it a value is impossible, not noise
HIGHEST: Final = 99999.9
_NOISE_PLACES: Final = 6   # a computed mean is first rounded to this, to drop summation noise


@dataclass(frozen=True, slots=True)
class Band:
    """One level of one quantity: concentrations `low`…`high` as printed (both belong to it), index `first`…`last`.

    `high` and `last` are None where the source gives no upper end: the index is then `first` and open-ended.
    """

    key: str
    low: Decimal
    high: Decimal | None
    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Scale:
    """The bands of one quantity. `step` is what concentrations are rounded to, half up, before anything else."""

    quantity: str
    unit: str
    averaging: str
    step: Decimal
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """An index as published: since when it holds, until when, where it is written."""

    key: str
    valid_from: date
    valid_until: date | None
    source: str
    scales: Mapping[str, Scale]

    def level(self, quantity: str, value: float | None) -> str | None:
        """The band's key, None for a value that is missing or impossible (never a clean-air level)."""
        found = self._band(quantity, value)
        return None if found is None else found[0].key

    def level_number(self, quantity: str, value: float | None) -> int | None:
        """1 for the best band."""
        found = self._band(quantity, value)
        return None if found is None else self.scales[quantity].bands.index(found[0]) + 1

    def sub_index(self, quantity: str, mean: float | None) -> SubIndex | None:
        """The index number of a mean over the scale's averaging time (shorter means have a level only)."""
        found = self._band(quantity, mean)
        if found is None:
            return None
        band, x = found
        if band.high is None or band.last is None:
            return SubIndex(band.first, True, band.key)
        slope = Decimal(band.last - band.first) / (band.high - band.low)
        value = (slope * (x - band.low) + band.first).quantize(Decimal(1), ROUND_HALF_UP)
        return SubIndex(int(value), False, band.key)

    def _band(self, quantity: str, value: float | None) -> tuple[Band, Decimal] | None:
        scale = self.scales[quantity]
        x = rounded(value, scale.step)
        if x is None:
            return None
        x = max(x, Decimal(0))  # small negatives are instrument noise
        for band in scale.bands:
            if band.high is None or x <= band.high:
                return band, x
        return None


@dataclass(frozen=True, slots=True)
class SubIndex:
    """`open_ended`: the concentration lies above the last printed one; shown as ">200" for 201."""

    value: int
    open_ended: bool
    key: str

    @property
    def shown(self) -> str:
        return f">{self.value - 1}" if self.open_ended else str(self.value)


def exact(value: float | None) -> Decimal | None:
    """The number as its shortest decimal form without summation noise; None for missing or impossible ones."""
    if value is None or not LOWEST <= value <= HIGHEST:  # NaN fails both comparisons
        return None
    return Decimal(repr(round(float(value), _NOISE_PLACES)))


def rounded(value: float | None, step: Decimal) -> Decimal | None:
    """`value` to a multiple of `step`, exact halves away from zero (12.5 → 13); None like `exact`."""
    number = exact(value)
    if number is None:
        return None
    return (number / step).quantize(Decimal(1), ROUND_HALF_UP) * step
