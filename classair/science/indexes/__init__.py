"""From a concentration to its level and index number: the arithmetic; each index is a file of dated data.

Whole numbers throughout, from the shortest decimal form of a value: 18.15 is 18.15 and rounds to 18.2 although the
float is smaller. The array path is in `vector.py`; both give the same number for every value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from typing import Final, Literal

LOWEST: Final = -10.0  # below it a value is impossible, not noise
HIGHEST: Final = 99999.9
MICRO: Final = 1_000_000  # a computed mean is first rounded to 6 decimals, to drop summation noise
_SIXTH: Final = Decimal("0.000001")

Value = float | str | Decimal | None
Named = Literal["aqi", "nowcast_aqi", "level"]
"""What a number may be called: the AQI belongs to its own averaging time; anything shorter is a concentration level."""


@dataclass(frozen=True, slots=True)
class Band:
    """One level of one quantity: concentrations `low`…`high` as printed (both belong to it), index `first`…`last`.

    `high` None: the source gives no upper end. `last` None with a `first`: the index there is `first`, open-ended.
    `first` None: this index has levels and no numbers. `confirmed` False: not read in the source itself.
    """

    key: str
    low: Decimal
    high: Decimal | None
    first: int | None = None
    last: int | None = None
    confirmed: bool = True


@dataclass(frozen=True)
class Scale:
    """The bands of one quantity. Before anything else concentrations are brought to multiples of `step`.

    `truncate`: by cutting off, else half up. `beyond`: above the last printed end the last band's line goes on.
    `averaging`: the time over which a mean must be taken for its number to be the index: "24 h", "8 h", "1 h", "1 y".
    """

    quantity: str
    unit: str
    averaging: str
    step: Decimal
    bands: tuple[Band, ...]
    truncate: bool = False
    beyond: bool = False

    @cached_property
    def steps(self) -> tuple[tuple[int, int | None], ...]:
        """The bands' ends in steps."""
        return tuple(
            (int(band.low / self.step), None if band.high is None else int(band.high / self.step))
            for band in self.bands
        )

    @cached_property
    def step_micro(self) -> int:
        return int(self.step * MICRO)

    def in_steps(self, micro: int) -> int:
        """A concentration in millionths as whole steps, by this scale's rule; noise below zero is zero."""
        if micro <= 0:
            return 0
        return (micro if self.truncate else micro + self.step_micro // 2) // self.step_micro

    def place(self, steps: int) -> int:
        """Which band, from 0."""
        for place, (_, high) in enumerate(self.steps):
            if high is None or steps <= high:
                return place
        return len(self.bands) - 1

    def number(self, place: int, steps: int) -> int | None:
        """The index number of a concentration in its band: nearest whole number, halves up."""
        band, (low, high) = self.bands[place], self.steps[place]
        if band.first is None or band.last is None or high is None:
            return band.first
        rise, span = band.last - band.first, high - low
        return band.first + (2 * rise * (steps - low) + span) // (2 * span)

    def is_open(self, place: int, steps: int) -> bool:
        """Whether the concentration lies above the last printed end."""
        high = self.steps[place][1]
        return high is None or steps > high


@dataclass(frozen=True, slots=True)
class Index:
    """An index as published: since when it holds (None: not confirmed), until when, where it is written.

    `words`: where the locales have its levels' names. `nowcast`: whether NowCast belongs to it.
    """

    key: str
    valid_from: date | None
    valid_until: date | None
    source: str
    scales: Mapping[str, Scale]
    words: str = "level"
    nowcast: bool = False

    def level(self, quantity: str, value: Value) -> str | None:
        """The band's key, None for a value that is missing or impossible (never a clean-air level)."""
        found = self._place(quantity, value)
        return None if found is None else found[0].bands[found[1]].key

    def level_number(self, quantity: str, value: Value) -> int | None:
        """1 for the best band."""
        found = self._place(quantity, value)
        return None if found is None else found[1] + 1

    def sub_index(self, quantity: str, mean: Value) -> SubIndex | None:
        """What the index says of a mean over the scale's averaging time (shorter means have a level only).

        None for a value that is missing or impossible. Raises KeyError for a quantity the index does not know.
        """
        found = self._place(quantity, mean)
        if found is None:
            return None
        scale, place, steps = found
        band = scale.bands[place]
        return SubIndex(
            value=scale.number(place, steps),
            open_ended=scale.is_open(place, steps),
            key=band.key,
            level=place + 1,
            index=self.key,
            quantity=quantity,
            averaging=scale.averaging,
            confirmed=band.confirmed,
            goes_on=scale.beyond,
        )

    def named(self, quantity: str, averaging: str) -> Named:
        """What a number of a mean over `averaging` ("24 h", "1 h", "nowcast" …) may be called.

        The Thai index knows no NowCast: in its colours that is a concentration level.
        """
        scale = self.scales[quantity]
        if averaging == scale.averaging and scale.bands[0].first is not None:
            return "aqi"
        return "nowcast_aqi" if averaging == "nowcast" and self.nowcast else "level"

    def _place(self, quantity: str, value: Value) -> tuple[Scale, int, int] | None:
        scale = self.scales[quantity]
        micro = in_micro(value)
        if micro is None:
            return None
        steps = scale.in_steps(micro)
        return scale, scale.place(steps), steps


@dataclass(frozen=True, slots=True)
class SubIndex:
    """What an index says of one pollutant. `value` is None for an index that has levels and no numbers.

    `open_ended`: the concentration lies above the last printed one; shown as ">200" for 201 where no line goes on.
    `level`: 1 for the best band. `confirmed` False: the band was not read in the source itself.
    """

    value: int | None
    open_ended: bool
    key: str
    level: int = 0
    index: str = ""
    quantity: str = ""
    averaging: str = ""
    confirmed: bool = True
    goes_on: bool = False

    @property
    def shown(self) -> str:
        if self.value is None:
            return ""
        return f">{self.value - 1}" if self.open_ended and not self.goes_on else str(self.value)


def overall(subs: Iterable[SubIndex | None]) -> SubIndex | None:
    """The largest sub-index, which names the pollutant that set it; of equals the first. None when there is none."""
    there = [one for one in subs if one is not None]
    return max(there, key=lambda one: (one.level, one.value or 0), default=None)


def exact(value: Value) -> Decimal | None:
    """The number as its shortest decimal form to 6 decimals; None for missing or impossible ones.

    Raises ValueError for a text that is no number.
    """
    if value is None:
        return None
    if isinstance(value, str | Decimal):
        number = value if isinstance(value, Decimal) else _number(value)
        if not number.is_finite() or not LOWEST <= number <= Decimal("99999.9"):
            return None
    else:
        if not LOWEST <= value <= HIGHEST:  # NaN fails both comparisons
            return None
        number = Decimal(repr(float(value)))
    return number if number.as_tuple().exponent >= -6 else number.quantize(_SIXTH, ROUND_HALF_UP)  # type: ignore[operator]


def in_micro(value: Value) -> int | None:
    """`exact` in millionths."""
    number = exact(value)
    return None if number is None else int(number.scaleb(6))


def rounded(value: Value, step: Decimal) -> Decimal | None:
    """`value` to a multiple of `step`, exact halves away from zero (12.5 → 13); None like `exact`."""
    number = exact(value)
    if number is None:
        return None
    return (number / step).quantize(Decimal(1), ROUND_HALF_UP) * step


def _number(text: str) -> Decimal:
    if "_" in text:
        raise ValueError(f"{text!r} is not a number")
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
