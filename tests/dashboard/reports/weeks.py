"""Made-up weeks of a room of the demo, as the reports see them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import lru_cache

from classair import config as configuration
from classair.config import yamltext
from classair.timetable import day_start_ms
from classair.units import HOUR_MS
from dashboard.reports.week import numbers
from dashboard.reports.week.numbers import Deeds, Gap, WeekReport
from research.lesson_air import LEVELS, LessonAir, LessonSlot
from research.lesson_slots import SLOT_MS
from tests.dashboard.conftest import SCHOOLS

MONDAY = date(2026, 11, 16)
ROOM = "ban-suan.p1-2"
STARTS = tuple(
    round(begin * HOUR_MS) + n * SLOT_MS for begin in (8.5, 12.5) for n in range(12)
)  # 08.30–11.30, 12.30–15.30


def air(
    inside: Callable[[int, int], float | None],
    outside: Callable[[int, int], float | None] = lambda day, n: 45.0,
    co2: Callable[[int, int], float | None] = lambda day, n: 800.0,
    days: Sequence[int] = range(5),
) -> LessonAir:
    """A week whose values come from (day, number of the quarter-hour)."""
    slots = [
        LessonSlot(day_start_ms(MONDAY + timedelta(days=day)) + start, inside(day, n), outside(day, n), co2(day, n))
        for day in days
        for n, start in enumerate(STARTS)
    ]
    return LessonAir(ROOM, tuple(slots), "ban-suan.yard")


def report(week: LessonAir, reasons: Sequence[str] = ("off",), deeds: Deeds | None = None) -> WeekReport:
    """The model of such a week, as `numbers.make` puts it together."""
    inside, outside = numbers.compared(week)
    fresh = week.fresh_share
    return WeekReport(
        room=ROOM,
        yard=week.yard,
        first=MONDAY,
        last=MONDAY + timedelta(days=4),
        made_until_ms=day_start_ms(MONDAY + timedelta(days=5)),
        over=True,
        simulated=True,
        small=False,
        lessons_from=round(8.5 * HOUR_MS),
        lessons_to=round(15.5 * HOUR_MS),
        headline=numbers.headline(week),
        inside=inside,
        outside=outside,
        fresh_percent=None if fresh is None else numbers.round_half_up(100 * fresh),
        shares=dict(zip(LEVELS, week.percent, strict=True)),
        days=[numbers._day(day, one) for day, one in week.days().items()],
        gaps=[
            Gap(day=numbers.local_time(begin).date(), start_ms=begin, end_ms=end, reasons=list(reasons))
            for begin, end in numbers.missing_spans(week.slots)
        ],
        school_did=deeds or Deeds(),
        worst_outdoor=week.highest_outdoor_level,
    )


def schools(name_th: str = "ป.1/2", name_en: str = "P.1/2") -> configuration.Config:
    """The demo with an address, and the room called as said."""
    whole = yamltext.read(SCHOOLS.read_text("utf-8"))
    whole["public_url"] = "https://air.example.org"
    whole["sites"]["ban-suan"]["rooms"]["p1-2"]["name"] = {"th": name_th, "en": name_en}
    return configuration.parse(json.dumps(whole), {})


@lru_cache(maxsize=1)
def schools_once() -> configuration.Config:
    return schools()
