"""A day's lesson air of one room in at most six lines, for its teacher: what was, never whose fault it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Final

from classair import i18n
from classair.config import Config
from classair.science.state import pm25_shown
from classair.timetable import local_time
from classair.units import MINUTE_MS
from dashboard.context import Context
from research.lesson_air import GOOD, LEVELS, NO_DATA, LessonAir, LessonSlot
from research.lesson_slots import SLOT_MS

MOST_LINES: Final = 6
_MADE_INSIDE: Final = 5.0  # µg/m³ above outdoors, as in the advice of the room's display


@dataclass(frozen=True, slots=True)
class Digest:
    """`air`: lesson time of the day, so far as it is over. `advice`: the row that the display showed in the highest
    quarter of an hour, "" where that is not on record.
    """

    room: str
    day: date
    air: LessonAir
    advice: str = ""

    @property
    def highest(self) -> LessonSlot | None:
        return self.air.highest

    @property
    def no_data_min(self) -> int:
        return (len(self.air.slots) - len(self.air.known)) * SLOT_MS // MINUTE_MS

    @property
    def good_percent(self) -> int | None:
        """Of lesson time with data, good or very good; None without data."""
        return self.air.good_percent

    @property
    def guess(self) -> str:
        """What the highest quarter of an hour may have been: `inside` dust of the room's own, `outside`, or ""."""
        slot = self.highest
        if slot is None or slot.pm25 is None or slot.outdoor is None or slot.level in GOOD:
            return ""
        if slot.pm25 > slot.outdoor + _MADE_INSIDE:
            return "inside"
        return "outside" if slot.outdoor >= slot.pm25 else ""


def read(ctx: Context, room: str, day: date) -> Digest:
    """From database and ledger: beside the event loop. Raises StoreUnavailable."""
    with ctx.queries.lessons() as lessons:
        air = lessons.of_room(room, day, day)
    highest = air.highest
    advice = ctx.records.advice(room, highest.start_ms + SLOT_MS) if highest is not None else ""
    return Digest(room, day, air, advice)


def lines(config: Config, made: Digest, language: str) -> list[str]:
    """A sentence with the day's numbers, what was advised when dust was highest, and the shares of the levels."""
    name = config.room(made.room).name.in_(language)
    if not made.air.slots:
        return [i18n.t(language, "digest.no_lessons", room=name)]
    parts = [_good(made, language), _highest(made, language)]
    if (stuffy := made.air.stuffy_minutes()) is not None:
        parts.append(i18n.t(language, "digest.stuffy", n=stuffy))
    parts.append(i18n.t(language, "digest.no_data", n=made.no_data_min))
    said = reduce(lambda a, b: i18n.t(language, "digest.joined", first=a, second=b), filter(None, parts))
    found = [i18n.t(language, "digest.today", room=name, parts=said)]
    if made.advice and i18n.has(f"action.{made.advice}"):
        action = i18n.t(language, f"action.{made.advice}").replace("‹", "").replace("›", "")
        found.append(i18n.t(language, "digest.advised", action=action))
    shares = [
        i18n.t(language, "digest.share", level=level_name(level, language), p=percent)
        for level, percent in zip(LEVELS, made.air.percent, strict=True)
        if percent
    ]
    found.append(i18n.t(language, "digest.shares", shares=" · ".join(shares)))
    return found[:MOST_LINES]


def level_name(level: str, language: str) -> str:
    return i18n.t(language, "digest.none" if level == NO_DATA else f"level.{level}")


def _good(made: Digest, language: str) -> str:
    percent = made.good_percent
    return "" if percent is None else i18n.t(language, "digest.good", p=percent)


def _highest(made: Digest, language: str) -> str:
    slot = made.highest
    if slot is None or slot.pm25 is None:
        return ""
    at = i18n.show_date(local_time(slot.start_ms), language, "time")
    guess = f" {i18n.t(language, f'digest.guess_{made.guess}')}" if made.guess else ""
    return i18n.t(language, "digest.highest", value=pm25_shown(slot.pm25), time=f"{at}{guess}")
