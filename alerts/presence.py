"""Who is in each room now, by its timetable: worked out anew only when it can have changed, not at each reading."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.control import occupancy
from alerts.control.occupancy import UNKNOWN, Occupancy
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

    def __init__(self) -> None:
        self._timetables: dict[str, Timetable] = {}
        self._known: dict[str, _Known] = {}
        self._pre_clean = True

    def follow(self, config: Config) -> None:
        self._timetables = {name: config.timetable_of(name) for name, room in config.rooms() if room.timetable}
        self._pre_clean = config.purifier_rule().pre_clean
        self._known.clear()

    def of(self, room: str, now: int) -> Occupancy:
        known = self._known.get(room)
        if known is not None and known.since <= now < known.until:
            return known.occupancy
        timetable = self._timetables.get(room)
        if timetable is None:
            return UNKNOWN
        lead = self.lead_ms(room)
        found = occupancy.of(timetable, lead, now)
        until = found.until or min(now + HOUR_MS, found.next_start or now + HOUR_MS)
        if found.next_start is not None and not found.pre_clean:
            until = min(until, max(now + 1, found.next_start - lead))
        self._known[room] = _Known(found, now, until)
        return found

    def lead_ms(self, room: str) -> int:
        """How long before a block the room is made clean; 0 for never."""
        return occupancy.LEAD_MS if self._pre_clean else 0
