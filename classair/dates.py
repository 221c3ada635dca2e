"""Days and moments as people give them; a likely slip is refused with what was probably meant.

Everything is kept in the Gregorian calendar and in UTC milliseconds. Two slips are common enough to look like data: a
year of the Thai calendar, 543 ahead, and a Unix time in seconds. Taken as they stand, both mean a time without any
readings, and an empty answer is worse than a refusal.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from classair.timetable import to_ms

BUDDHIST_AHEAD: Final = 543
EARLIEST: Final = date(2015, 1, 1)
LATEST: Final = date(2199, 12, 31)
_FIRST_MS: Final = to_ms(datetime(2000, 1, 1, tzinfo=UTC))
_END_MS: Final = to_ms(datetime(2200, 1, 1, tzinfo=UTC))
_OTHER_UNITS: Final = (("seconds", 1000.0), ("microseconds", 0.001), ("nanoseconds", 0.000001))
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
_YEAR_FIRST: Final = re.compile(r"(\d{4})[./-]?(\d{1,2})[./-]?(\d{1,2})(?=$|[T ])")
MOMENT: Final = "expected ISO 8601 with an offset (2026-11-23T09:42:00+07:00) or UTC milliseconds (1795401720000)"


def gregorian(year: int) -> int:
    """The Gregorian year for what is surely a year of the Thai calendar; any other year as it is."""
    return year - BUDDHIST_AHEAD if EARLIEST.year <= year - BUDDHIST_AHEAD <= LATEST.year else year


def known_year(year: int) -> int:
    """The year itself. Raises ValueError for one of the Thai calendar."""
    if gregorian(year) != year:
        raise ValueError(f"{year} is a year of the Thai calendar; did you mean {gregorian(year)}?")
    return year


def day(value: Any) -> date:
    """A local day, written `2026-11-23`. Raises ValueError, where it can with the day that was probably meant."""
    if isinstance(value, datetime):
        raise ValueError("expected a day without a time, such as 2026-11-23")
    if isinstance(value, date):
        known_year(value.year)
        return value
    text = _ascii_digits(value.strip()) if isinstance(value, str) else str(value)
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError
        found = date.fromisoformat(text)
    except ValueError:
        meant = _probable_day(text)
        hint = f"; did you mean {meant.isoformat()}?" if meant else ""
        raise ValueError(f"expected a day such as 2026-11-23, got {text[:40]!r}{hint}") from None
    if gregorian(found.year) != found.year:
        meant = _probable_day(text)
        raise ValueError(
            f"{text} is in the Thai calendar; did you mean {meant.isoformat() if meant else gregorian(found.year)}?"
        )
    return found


def epoch_ms(number: int) -> int:
    """UTC milliseconds. Raises ValueError for numbers that are in seconds, or lie outside 2000 … 2199."""
    if _FIRST_MS <= number < _END_MS:
        return number
    for unit, factor in _OTHER_UNITS:
        if _FIRST_MS <= number * factor < _END_MS:
            raise ValueError(f"{number} looks like {unit}; expected milliseconds: {round(number * factor)}")
    meant = _probable_day(str(number))
    raise ValueError(f"{number} milliseconds are outside 2000 … 2199" + (f"; did you mean {meant}?" if meant else ""))


def moment_ms(value: str, zone: tzinfo | None = None) -> int:
    """UTC ms of `2026-11-23T09:42:00+07:00` or of `1795401720000`; without an offset it is of `zone`, if one is given.

    Raises ValueError with what would be right.
    """
    text = _ascii_digits(value.strip())
    if re.fullmatch(r"\d{1,20}", text):
        return epoch_ms(int(text))
    try:
        # A plus sign that was not escaped in an address arrives as a space.
        at = datetime.fromisoformat(re.sub(r" (?=\d\d:?\d\d$)", "+", text))
    except ValueError:
        meant = _probable_day(text)
        hint = f"; did you mean {meant.isoformat()}?" if meant else ""
        expected = "expected a time such as 2026-11-23 or 2026-11-23T09:00" if zone else MOMENT
        raise ValueError(f"{expected}{hint}") from None
    known_year(at.year)
    if at.tzinfo is None:
        if zone is None:
            raise ValueError(f"the time has no UTC offset; {MOMENT}")
        at = at.replace(tzinfo=zone)
    return to_ms(at)


def _probable_day(text: str) -> date | None:
    """The day that somebody who wrote this most likely meant; None where there is no telling."""
    if match := _YEAR_FIRST.match(text):
        year, month, of_month = map(int, match.groups())
    elif match := _DAY_FIRST.match(text):
        of_month, month, year = map(int, match.groups())
    else:
        return None
    try:
        found = date(gregorian(year), month, of_month)
    except ValueError:
        return None
    return found if EARLIEST <= found <= LATEST else None


def _ascii_digits(text: str) -> str:
    return "".join(str(int(char)) if char.isdecimal() else char for char in text)


def day_in_range(value: Any) -> date:
    """A local day on which something can have been measured. Raises ValueError."""
    found = day(value)
    if not EARLIEST <= found <= LATEST:
        raise ValueError(f"days must be between {EARLIEST} and {LATEST}")
    return found


Day = Annotated[date, BeforeValidator(day_in_range)]
"""A local day as a field of a model or a query: see `day_in_range`."""
