"""NowCast of PM2.5 and PM10: the last twelve hours, weighed by how steady they are (EPA-454/B-24-002, appendix).

Whole numbers and fractions throughout: with float sums two constant series in five fall below themselves by a tenth
when the result is cut off. Hourly means enter as measured, to 6 decimals. NowCast estimates a 24 h value outdoors; the
Thai index knows no such thing, so a Thai colour on it is a display of this project and not the Thai AQI.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from classair.science.averages import hour_is_complete
from classair.science.indexes import MICRO, Value, in_micro
from classair.units import HOUR_MS, MINUTE_MS

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


# -- as the hours come -------------------------------------------------------------------------------------------------


class Minutes:
    """Hourly means from one-minute means in any order; a minute that comes again counts once.

    Of two different means for one minute the one with the higher `revision` counts, of equals the larger, so that the
    order of arrival decides nothing.
    """

    def __init__(self) -> None:
        self._hours: dict[int, dict[int, tuple[int, int]]] = {}

    def add(self, start_ms: int, mean: Value, revision: int = 0) -> int:
        """The hour (its start, UTC ms) that has changed. A missing mean takes a minute away."""
        hour, minute = start_ms // HOUR_MS * HOUR_MS, start_ms // MINUTE_MS
        _newest(self._hours.setdefault(hour, {}), minute, mean, revision)
        return hour

    def mean(self, hour_ms: int) -> Fraction | None:
        """The mean of an hour with at least 45 of its minutes, exact; None of less."""
        micros = [micro for _, micro in self._hours.get(hour_ms, {}).values() if micro != _GONE]
        return Fraction(sum(micros), len(micros) * MICRO) if hour_is_complete(len(micros)) else None

    def forget_before(self, hour_ms: int) -> None:
        """Lets go of older hours: what comes late for them finds an incomplete hour."""
        for hour in [hour for hour in self._hours if hour < hour_ms]:
            del self._hours[hour]


class NowCastStream:
    """NowCast while hours come in any order, late or twice; equal to `nowcast` of all that has come.

    Which of two different means for one hour counts is decided as for `Minutes`.
    """

    def __init__(self, quantity: str = "pm25") -> None:
        self._quantity = quantity
        self._hours: dict[int, tuple[int, int]] = {}
        self._known: dict[int, NowCast | None] = {}

    def add(self, hour_ms: int, mean: Value | Fraction, revision: int = 0) -> list[int]:
        """Takes an hour's mean (`hour_ms`: its start, UTC ms; None takes it away) and says whose NowCast may differ.

        Those are the hour itself and the eleven after it, as far as the newest hour that has come.
        """
        hour = hour_ms // HOUR_MS * HOUR_MS
        value = _to_micro_decimal(mean) if isinstance(mean, Fraction) else mean
        if not _newest(self._hours, hour, value, revision):
            return []
        touched = [hour + later * HOUR_MS for later in range(HOURS) if hour + later * HOUR_MS <= max(self._hours)]
        for one in touched:
            self._known.pop(one, None)
        return touched

    def at(self, hour_ms: int) -> NowCast | None:
        """NowCast of the twelve hours that end with this one (given by its start)."""
        hour = hour_ms // HOUR_MS * HOUR_MS
        if hour not in self._known:
            found = [self._hours.get(hour - age * HOUR_MS) for age in range(HOURS)]
            micros = [None if one is None or one[1] == _GONE else one[1] for one in found]
            self._known[hour] = of_micros(micros, self._quantity)
        return self._known[hour]

    def forget_before(self, hour_ms: int) -> None:
        """Lets go of hours older than this one; NowCasts up to eleven hours after it then miss them."""
        for kept in (self._hours, self._known):
            for hour in [hour for hour in kept if hour < hour_ms]:
                del kept[hour]


_GONE: Final = -(2**62)


def _newest(kept: dict[int, tuple[int, int]], key: int, mean: Value, revision: int) -> bool:
    """Keeps the word that counts; whether that changed anything."""
    micro = in_micro(mean)
    word = (revision, _GONE if micro is None else micro)
    if key in kept and kept[key] >= word:
        return False
    kept[key] = word
    return True


def _to_micro_decimal(mean: Fraction) -> Decimal:
    micro = mean * MICRO
    return Decimal((2 * micro.numerator + micro.denominator) // (2 * micro.denominator)).scaleb(-6)


def hours_before(end_hour_ms: int, means: Iterable[tuple[int, Value]]) -> list[Value]:
    """c1 … c12 for the hour that starts at `end_hour_ms`, out of (hour start, mean) in any order."""
    by_hour = {start // HOUR_MS: mean for start, mean in means}
    return [by_hour.get(end_hour_ms // HOUR_MS - age) for age in range(HOURS)]
