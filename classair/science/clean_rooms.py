"""Which rooms need somebody first on a day of smoke, how many seats clean rooms have, and how many pupils need one.

Pure: rooms as they are at one moment in, counts out. What is not known is counted apart, never as clean and never as
zero. Pupils are counted by the rooms' capacity; nothing is known of single pupils.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from classair.science.advice import tenths
from classair.timetable import Timetable

CLEAN_UPTO_UGM3: Final = 25
"""A clean room is one as long as its dust is known and no higher: the Department of Health's surveillance value."""
NEEDS_PLACE_ABOVE_UGM3: Final = 37.5  # the Thai index's orange band begins
SEVERE_ABOVE_UGM3: Final = 75.0  # and its red one


@dataclass(frozen=True, slots=True)
class RoomNow:
    """A room at one moment. `pm25` None: not known. `class_there`: see `class_is_there`; `capacity` 0: not known."""

    room: str
    pm25: float | None
    capacity: int
    clean_room: bool
    class_there: bool

    @property
    def is_clean(self) -> bool:
        dust = tenths(self.pm25)
        return dust is not None and dust <= CLEAN_UPTO_UGM3 * 10

    def above(self, limit: float) -> bool:
        """Whether its dust is known to be higher."""
        dust = tenths(self.pm25)
        return dust is not None and dust > limit * 10


@dataclass(frozen=True, slots=True)
class Seats:
    """Clean-room seats of one school and the pupils who need them.

    `free` counts the rooms in `open`. `used`: clean, but their own class is there. `unknown`: clean rooms whose dust is
    not known; `unknown_seats` is what they would add. `uncounted`: rooms that take part, but have no `capacity`.
    `severe` is the part of `need` in rooms above 75 µg/m³; `need_unknown`: pupils in rooms whose dust is not known.
    """

    free: int = 0
    open: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    too_dusty: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    unknown_seats: int = 0
    need: int = 0
    severe: int = 0
    need_unknown: int = 0
    uncounted: tuple[str, ...] = ()

    @property
    def lacking(self) -> int:
        return max(0, self.need - self.free)


def class_is_there(clean_room: bool, timetable: Timetable, at_ms: int) -> bool:
    """Whether a room's own class is in it. Without a timetable a clean room has no class, any other may have one."""
    return timetable.is_occupied(at_ms) if timetable.occupied else not clean_room


def counted_for(timetables: Iterable[Timetable], now_ms: int) -> int:
    """The moment for which seats are counted: now during school, otherwise when the next classes come."""
    known = [timetable for timetable in timetables if timetable.occupied]
    if any(timetable.is_occupied(now_ms) for timetable in known):
        return now_ms
    starts = [start for timetable in known if (start := timetable.next_block_start_ms(now_ms)) is not None]
    return min(starts, default=now_ms)


def count_seats(rooms: Iterable[RoomNow]) -> Seats:
    """The seats of one school; `rooms` are its rooms indoors."""
    free = unknown_seats = need = severe = need_unknown = 0
    open_, used, too_dusty, unknown, uncounted = [], [], [], [], []
    for room in sorted(rooms, key=lambda one: one.room):
        takes_part = False
        if room.clean_room:
            if room.class_there:
                used.append(room.room)
            elif room.pm25 is None:
                unknown.append(room.room)
                unknown_seats += room.capacity
                takes_part = True
            elif room.is_clean:
                open_.append(room.room)
                free += room.capacity
                takes_part = True
            else:
                too_dusty.append(room.room)
        if room.class_there:
            if room.pm25 is None:
                need_unknown += room.capacity
                takes_part = True
            elif room.above(NEEDS_PLACE_ABOVE_UGM3):
                need += room.capacity
                severe += room.capacity if room.above(SEVERE_ABOVE_UGM3) else 0
                takes_part = True
        if takes_part and room.capacity <= 0:
            uncounted.append(room.room)
    return Seats(
        free,
        tuple(open_),
        tuple(used),
        tuple(too_dusty),
        tuple(unknown),
        unknown_seats,
        need,
        severe,
        need_unknown,
        tuple(uncounted),
    )


def rank(rooms: Iterable[RoomNow]) -> list[RoomNow]:
    """Exceptions first: known to be above 37.5 µg/m³ with the worst first, then those not known, then all others."""

    def key(room: RoomNow) -> tuple[int, float, int, str]:
        group = 1 if room.pm25 is None else 0 if room.above(NEEDS_PLACE_ABOVE_UGM3) else 2
        return (group, -(room.pm25 or 0.0), -room.capacity, room.room)

    return sorted(rooms, key=key)
