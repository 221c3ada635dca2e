"""Pure: whether children are in a room, as control needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from classair.timetable import Timetable
from classair.units import MINUTE_MS

LEAD_MS: Final = 20 * MINUTE_MS  # pre-cleaning where nothing better is known of the room


@dataclass(frozen=True, slots=True)
class Occupancy:
    """`occupied` until the end of the block (`until`); `empty`, and when the next block begins; or `unknown`.

    A room without a timetable is not known to be empty: it is unknown. `pre_clean`: the next block is so near that an
    empty room is made clean for it.
    """

    kind: Literal["occupied", "empty", "unknown"]
    until: int | None = None
    next_start: int | None = None
    pre_clean: bool = False

    @property
    def children(self) -> bool:
        return self.kind == "occupied"


UNKNOWN: Final = Occupancy("unknown")


def occupied(until: int) -> Occupancy:
    return Occupancy("occupied", until=until)


def empty(next_start: int | None = None, pre_clean: bool = False) -> Occupancy:
    return Occupancy("empty", next_start=next_start, pre_clean=pre_clean)


def of(timetable: Timetable | None, lead_ms: int, now: int) -> Occupancy:
    """By a room's timetable, None where it has none. `lead_ms`: how long before a block it is made clean, 0 never."""
    if timetable is None:
        return UNKNOWN
    end = timetable.block_end_ms(now)
    if end is not None:
        return occupied(end)
    start = timetable.next_block_start_ms(now)
    return empty(start, start is not None and 0 < start - now <= lead_ms)
