"""Who is in each room now, by its timetable, and what is to be done for them: pre-cleaning, no OFF that would not last.

The timetable is worked out anew only when it can have changed, not at each reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alerts.air.rooms import RoomWatch
from alerts.control import occupancy
from alerts.control.occupancy import UNKNOWN, Occupancy
from alerts.control.overrides import is_fresh
from alerts.control.preparing import Preparing
from alerts.ledger import Ledger
from classair.config import Config
from classair.timetable import Timetable
from classair.units import HOUR_MS


@dataclass(frozen=True, slots=True)
class _Known:
    """Who is in a room between two moments."""

    occupancy: Occupancy
    since: int
    until: int


class Presence:
    """All rooms of the organisation; those without a timetable are of unknown presence."""

    def __init__(self, ledger: Ledger) -> None:
        self._preparing = Preparing(ledger)
        self._timetables: dict[str, Timetable] = {}
        self._known: dict[str, _Known] = {}
        self._watches: Mapping[str, RoomWatch] = {}
        self._yard_of: dict[str, str] = {}
        self._with_speeds: set[str] = set()

    def follow(self, config: Config, watches: Mapping[str, RoomWatch]) -> None:
        self._timetables = {name: config.timetable_of(name) for name, room in config.rooms() if room.timetable}
        self._watches = watches
        self._yard_of = {name: yard for name in watches if (yard := config.outdoor_of(name)) is not None}
        self._with_speeds = {
            f"{name.partition('.')[0]}.{part.room}" for name, part in config.purifiers() if part.speeds
        }
        self._preparing.follow(config)
        self._known.clear()

    def of(self, room: str, now: int) -> Occupancy:
        """Who is there, and what is to be done for them by the air in the room and outdoors."""
        plain = self._plain(room, now)
        if not self._preparing.knows(room):
            return plain
        yard = self._yard_of.get(room, "")
        outdoor = self._level(yard, now) if yard != room else None
        lesson = room in self._with_speeds and self._is_lesson(room, plain, now)
        return self._preparing.occupancy(room, plain, self._level(room, now), outdoor, lesson, now)

    def learn(self, room: str, who: Occupancy, running: Iterable[bool | None]) -> None:
        """The room's signal as it stands, its purifiers at full speed (True), off (False) or between."""
        watch = self._watches.get(room)
        if watch is not None and self._preparing.knows(room):
            self._preparing.learn(room, watch.signal.signal, running, who.kind == "empty")

    def _plain(self, room: str, now: int) -> Occupancy:
        known = self._known.get(room)
        if known is not None and known.since <= now < known.until:
            return known.occupancy
        timetable = self._timetables.get(room)
        if timetable is None:
            return UNKNOWN
        found = occupancy.of(timetable, 0, now)
        until = found.until or min(now + HOUR_MS, found.next_start or now + HOUR_MS)
        self._known[room] = _Known(found, now, until)
        return found

    def _level(self, room: str, now: int) -> float | None:
        watch = self._watches.get(room)
        signal = watch.signal.signal if watch is not None else None
        return signal.median if signal is not None and is_fresh(signal, now) else None

    def _is_lesson(self, room: str, plain: Occupancy, now: int) -> bool:
        """Where no timetable says when there are lessons, there may be one."""
        timetable = self._timetables.get(room)
        return timetable is None or (plain.children and timetable.is_lesson(now))
