"""What the advice may ask of each room: windows, purifiers, a seat in a clean room. Follows the configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from classair.config import Config, Room
from classair.science.advice import Need, tenths
from classair.science.clean_rooms import CLEAN_UPTO_UGM3
from classair.timetable import Timetable
from classair.wire import RoomState

SENT_ROWS: Final = frozenset({"2", "7a"})  # who is told to go to the clean room


@dataclass(frozen=True, slots=True)
class Place:
    """One room at one moment, as the advice sees it."""

    has: frozenset[Need]
    is_clean: bool = False
    door: Literal["inside", "outside"] = "outside"
    empty: bool = False
    sensitive: bool = False


class Surroundings:
    """`dust` gives a room's PM2.5 as it is now, None while that is unknown."""

    def __init__(self, dust: Callable[[str, int], float | None]) -> None:
        self._dust = dust
        self._rooms: dict[str, Room] = {}
        self._fixed: dict[str, frozenset[Need]] = {}
        self._timetables: dict[str, Timetable] = {}
        self._clean: dict[str, list[str]] = {}  # site → its clean rooms
        self._sent: dict[str, str] = {}  # rooms on whose screens the clean room stands → their sites

    def follow(self, config: Config) -> None:
        self._rooms = dict(config.rooms())
        self._timetables = {name: config.timetable_of(name) for name in self._rooms}
        self._fixed, self._clean = {}, {}
        for name, room in self._rooms.items():
            has: set[Need] = set()
            if config.purifiers_in(name):
                has.add("purifier")
            if room.windows.openable and room.windows.count > 0:
                has.add("openings")
            self._fixed[name] = frozenset(has)
            if room.clean_room and not room.outdoor:
                self._clean.setdefault(_site(name), []).append(name)
        self._sent = {name: site for name, site in self._sent.items() if name in self._rooms}

    def at(self, name: str, now: int) -> Place:
        room, timetable = self._rooms[name], self._timetables[name]
        has = self._fixed[name]
        if self._has_seats_for(name, now):
            has |= {"clean_room"}
        return Place(
            has, room.clean_room, room.door, bool(timetable.occupied) and not timetable.is_occupied(now), room.sensitive
        )

    def told(self, state: RoomState) -> None:
        """A room's screen shows this state: whoever is sent to the clean room takes seats there."""
        if state.rule in SENT_ROWS:
            self._sent[state.room] = _site(state.room)
        else:
            self._sent.pop(state.room, None)

    def _has_seats_for(self, name: str, now: int) -> bool:
        """Whether the site's other clean rooms have seats for this room's class, beside those sent there before it.

        By capacity alone: a room whose capacity is not known sends nobody, a clean room of that kind takes nobody.
        """
        site, wanted = _site(name), self._rooms[name].capacity
        others = [clean for clean in self._clean.get(site, ()) if clean != name]
        if not others or wanted <= 0:
            return False
        free = sum(self._free_seats(clean, now) for clean in others)
        taken = sum(
            self._rooms[other].capacity for other, where in self._sent.items() if where == site and other != name
        )
        return free - taken >= wanted

    def _free_seats(self, clean: str, now: int) -> int:
        """All seats while its own class is not there, else none. A clean room without a timetable has no class."""
        if self._timetables[clean].is_occupied(now):
            return 0
        dust = tenths(self._dust(clean, now))
        return self._rooms[clean].capacity if dust is not None and dust <= CLEAN_UPTO_UGM3 * 10 else 0


def _site(room: str) -> str:
    return room.partition(".")[0]
