"""Pure: whether children are in a room, as control needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from alerts.control.losses import AIR_CHANGES, DEPOSITION
from classair.timetable import Timetable


@dataclass(frozen=True, slots=True)
class Occupancy:
    """`occupied` until the end of the block (`until`); `empty`, and when the next block begins; or `unknown`.

    A room without a timetable is not known to be empty: it is unknown. `pre_clean`: the next block is so near that an
    empty room is made clean for it. `stay_on`: without its purifier the room would not stay clean, so that an OFF would
    not last. `lesson`: what is loud disturbs. `off_loss`: dust the room loses without purifier, 1/h.
    """

    kind: Literal["occupied", "empty", "unknown"]
    until: int | None = None
    next_start: int | None = None
    pre_clean: bool = False
    stay_on: bool = False
    lesson: bool = False
    off_loss: float = AIR_CHANGES + DEPOSITION

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
