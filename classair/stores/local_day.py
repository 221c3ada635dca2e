"""Local days (Asia/Bangkok) as numbers counted from 1970-01-01, and the site that an id belongs to."""

from __future__ import annotations

from datetime import date
from typing import Final

from classair.stores import BANGKOK_MS
from classair.units import DAY_MS

_EPOCH: Final = date(1970, 1, 1).toordinal()


def day_number(at_ms: int) -> int:
    """The local day that a moment falls into, counted from 1970-01-01."""
    return (at_ms + BANGKOK_MS) // DAY_MS


def number_of(day: date) -> int:
    return day.toordinal() - _EPOCH


def date_of(number: int) -> date:
    """Raises ValueError or OverflowError for a day that is not `dated`."""
    return date.fromordinal(number + _EPOCH)


def dated(number: int) -> bool:
    """Whether the calendar of `date` has this day."""
    return 1 <= number + _EPOCH <= date.max.toordinal()


def start_of(number: int) -> int:
    """The midnight that begins a day, UTC ms."""
    return number * DAY_MS - BANGKOK_MS


def site_of(identity: str) -> str:
    """The site of `<site>.<id>`."""
    return identity.partition(".")[0]
