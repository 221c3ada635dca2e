"""A week's report for whoever asks the running dashboard: as it was made, else from the database now."""

from __future__ import annotations

from datetime import date
from typing import Final

from dashboard.context import Context
from dashboard.reports.week import numbers
from dashboard.reports.week.numbers import WeekReport, WeekSources
from dashboard.reports.week.shelf import Shelf

_FRESH_MS: Final = 60_000
_MOST: Final = 256
_read: dict[tuple[int, str, date], tuple[int, WeekReport]] = {}
"""Read lately, so that a class opening its link at once costs one reading."""


def current(ctx: Context, room: str, monday: date) -> WeekReport:
    """From the database, at most a minute old. Reads disks: beside the event loop. Raises StoreUnavailable."""
    key, now = (id(ctx.queries), room, monday), ctx.now_ms()
    at, found = _read.get(key, (0, None))
    if found is not None and 0 <= now - at < _FRESH_MS:
        return found
    with ctx.queries.lessons() as lessons:
        report = numbers.make(WeekSources(ctx.config(), lessons, ctx.queries, ctx.research, now), room, monday)
    while len(_read) >= _MOST:
        _read.pop(next(iter(_read)))
    _read[key] = now, report
    return report


def as_told(ctx: Context, room: str, monday: date) -> WeekReport:
    """As it was made on Friday and sent; a week that nobody has made is read now. Raises StoreUnavailable."""
    return Shelf(ctx.papers).report(room, monday) or current(ctx, room, monday)
