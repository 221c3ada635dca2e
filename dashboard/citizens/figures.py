"""What citizens are told of schools: lesson time put together for each, and the air outside as it is now.

Rooms with fewer than 10 pupils, or without a known number of them, are in no figure; a school of such rooms is not
listed. Nothing is compared and nothing ranked: the order is that of names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from classair.config import Config
from classair.stores import Store
from classair.timetable import local_time
from classair.units import MINUTE_MS
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.line.air import LEAST_PUPILS
from dashboard.live.ages import state_as_of, texts_as_of
from dashboard.queries.rooms import StoreUnavailable
from research.lesson_air import GOOD, LEVELS, LessonAir, LessonReader
from research.means import MeansReader

BEHIND_MS: Final = 30 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Lessons:
    """Lesson time of several rooms, in quarter-hours of one room each: all, with a value, and good or very good."""

    slots: int = 0
    known: int = 0
    good: int = 0

    def __add__(self, other: Lessons) -> Lessons:
        return Lessons(self.slots + other.slots, self.known + other.known, self.good + other.good)

    @property
    def good_percent(self) -> int | None:
        """Of the time with data; None without any."""
        return round(100 * self.good / self.known) if self.known else None

    @property
    def known_percent(self) -> int | None:
        return round(100 * self.known / self.slots) if self.slots else None


@dataclass(frozen=True, slots=True)
class Indoors:
    """This week's lessons of each school up to `until` (UTC ms); None where the database could not be read."""

    until: int
    first: date
    last: date
    schools: dict[str, Lessons] | None

    @property
    def whole(self) -> Lessons:
        return sum((self.schools or {}).values(), Lessons())

    @property
    def with_data(self) -> int:
        return sum(1 for one in (self.schools or {}).values() if one.known)


@dataclass(frozen=True, slots=True)
class Outdoors:
    """The air at a school's own place outdoors, as alerts says it. `level` unknown: there is no current value."""

    level: str
    shown: str
    advice: str
    measured_at: int | None
    late: bool


def schools(config: Config) -> dict[str, list[str]]:
    """The rooms that count, of each school that has any."""
    found = {
        site: [
            f"{site}.{key}" for key, room in part.rooms.items() if not room.outdoor and room.capacity >= LEAST_PUPILS
        ]
        for site, part in config.sites.items()
    }
    return {site: rooms for site, rooms in found.items() if rooms}


def indoors(ctx: Context, now: int) -> Indoors:
    """May take seconds for many rooms: not on the event loop."""
    config, until = ctx.config(), now - BEHIND_MS
    today = local_time(until).date()
    first = today - timedelta(days=today.weekday())
    last = first + timedelta(days=4)

    def read() -> dict[str, Lessons]:
        corrections = ctx.research.corrections()

        def all_of(store: Store) -> dict[str, Lessons]:
            reader = LessonReader(MeansReader(store, config, corrections), config, until)
            return {
                site: sum((_counted(reader.of_room(room, first, last)) for room in rooms), Lessons())
                for site, rooms in schools(config).items()
            }

        return ctx.research.ask(all_of)

    try:
        return Indoors(until, first, last, read())
    except StoreUnavailable:
        return Indoors(until, first, last, None)


def _counted(air: LessonAir) -> Lessons:
    levels = [slot.level for slot in air.slots]
    return Lessons(len(levels), len(air.known), sum(level in GOOD for level in levels))


def outdoors(ctx: Context, site: str, language: str, now: int) -> Outdoors | None:
    """None where the school has no place outdoors; the value itself may be unknown."""
    config = ctx.config()
    yard = next((f"{site}.{key}" for key, room in config.sites[site].rooms.items() if room.outdoor), None)
    if yard is None:
        return None
    state = ctx.live.state(yard)
    if state is None:
        return Outdoors("unknown", "", ctx.t(language, "outdoor_play.unknown"), None, late=False)
    aged, words = state_as_of(state, now), texts_as_of(state, language, now)
    known = aged.pm25.status in ("ok", "late") and bool(aged.pm25.shown)
    said = words.action if words is not None else ctx.t(language, "outdoor_play.unknown")
    advice = said.replace("‹", "").replace("›", "")
    if not known:
        return Outdoors("unknown", "", advice, aged.pm25.newest_at or aged.pm25.last_at, late=False)
    return Outdoors(aged.pm25.level, aged.pm25.shown, advice, aged.pm25.newest_at, late=aged.pm25.status == "late")


def worst(found: list[Outdoors]) -> Outdoors | None:
    """The one with the highest known level, which decides what is said of the town."""
    known = [one for one in found if one.level in LEVELS]
    return max(known, key=lambda one: LEVELS.index(one.level), default=None)


def in_order(ctx: Context, language: str) -> list[str]:
    """Schools by their names."""
    names = {site: ctx.config().sites[site].name.in_(language) for site in schools(ctx.config())}
    return sorted(names, key=lambda site: parts.name_order(names[site]))
