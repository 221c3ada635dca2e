"""The numbers that activities are about: the newest day with lessons, and quarter-hours around a moment.

The same means as everywhere else (docs/science.md); what is not known stays unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from classair.timetable import local_time
from classair.units import MINUTE_MS
from dashboard.context import Context
from research.lesson_air import LessonAir, LessonReader
from research.means import MeansReader

DAYS_BACK: Final = 7
LEAST_SLOTS: Final = 4
"""A day with fewer known quarter-hours has little to guess at."""
STEP_MS: Final = 5 * MINUTE_MS
SPAN_MS: Final = 15 * MINUTE_MS
SETTLES_MS: Final = 10 * MINUTE_MS
"""Air needs a while before a change shows: the span after begins so much later."""
BEFORE_MS: Final = 30 * MINUTE_MS
AFTER_MS: Final = 45 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Side:
    """Means over a span: PM2.5 inside and outside in µg/m³, CO2 in ppm; None where any part of it is not known."""

    pm25: float | None
    outdoor: float | None
    co2: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """A quarter of an hour before something was done, and one after it, with the lines of five-minute means around.

    Lines are (UTC ms of a step's middle, value). `after` is None while that span is not over.
    """

    at_ms: int
    before: Side
    after: Side | None
    inside: tuple[tuple[int, float], ...]
    outside: tuple[tuple[int, float], ...]


def newest_day(ctx: Context, room: str) -> tuple[date, LessonAir] | None:
    """The last local day with enough known lesson time, at most a week ago. Raises StoreUnavailable."""
    now, config, corrections = ctx.now_ms(), ctx.config(), ctx.research.corrections()
    today = local_time(now).date()
    week = ctx.research.ask(
        lambda store: LessonReader(MeansReader(store, config, corrections), config, now).of_room(
            room, today - timedelta(days=DAYS_BACK), today
        )
    )
    for day, air in sorted(week.days().items(), reverse=True):
        if len(air.known) >= LEAST_SLOTS:
            return day, air
    return None


def change_at(ctx: Context, room: str, begin_ms: int, end_ms: int | None = None) -> Change:
    """What was different after something was done at `begin_ms`, or from then to `end_ms`. Raises StoreUnavailable."""
    begin = begin_ms // STEP_MS * STEP_MS
    end = begin if end_ms is None else end_ms // STEP_MS * STEP_MS
    last = max(begin + AFTER_MS, end + SETTLES_MS + SPAN_MS)
    inside, outside, co2 = (
        _values(ctx, room, quantity, begin - BEFORE_MS, last, outdoor)
        for quantity, outdoor in (("pm25", False), ("pm25", True), ("co2_ppm", False))
    )

    def side(start: int) -> Side:
        return Side(*(_mean(of, start) for of in (inside, outside, co2)))

    after = end + SETTLES_MS
    return Change(
        begin,
        side(begin - SPAN_MS),
        side(after) if ctx.now_ms() >= after + SPAN_MS else None,
        _line(inside),
        _line(outside),
    )


def _values(ctx: Context, room: str, quantity: str, start: int, end: int, outdoor: bool) -> dict[int, float]:
    end = max(start + STEP_MS, min(end, ctx.now_ms()))
    if outdoor:
        found = ctx.queries.outdoor_series(room, start, end, quantity=quantity, step_ms=STEP_MS)
    else:
        found = ctx.queries.series(room, quantity, start, end, step_ms=STEP_MS)
    return {row.start_ms: row.value for row in found.rows if row.value is not None} if found is not None else {}


def _mean(values: dict[int, float], start: int) -> float | None:
    """Over a span, when every step of it is known."""
    steps = [values.get(at) for at in range(start, start + SPAN_MS, STEP_MS)]
    there = [value for value in steps if value is not None]
    return sum(there) / len(there) if len(there) == len(steps) else None


def _line(values: dict[int, float]) -> tuple[tuple[int, float], ...]:
    return tuple((at + STEP_MS // 2, value) for at, value in sorted(values.items()))
