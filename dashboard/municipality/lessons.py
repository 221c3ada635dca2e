"""Lesson time of many rooms added up: shares, hours, and protected pupil-hours. Pure.

A protected pupil-hour is an hour of lessons of one pupil in a room whose quarter-hour means are at most 25 µg/m³, the
upper end of the level "good". Pupils are counted by the room's capacity, so it is an estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dashboard.queries.lesson_days import RoomDay
from research.lesson_air import ABOVE_MODERATE, GOOD, LEVELS, NO_DATA, largest_remainder
from research.lesson_slots import SLOT_MS

HOURS: Final = SLOT_MS / 3_600_000
_GOOD: Final = tuple(level in GOOD for level in LEVELS)
_ABOVE: Final = tuple(level in ABOVE_MODERATE for level in LEVELS)
LEAST_KNOWN: Final = 0.5
"""With less of its lesson time known a range of days says nothing of its air."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """`counts`: slots in each of LEVELS. Pupil-slots are slots times capacity; `uncounted`: rooms without one."""

    counts: tuple[int, ...] = (0,) * len(LEVELS)
    pupil_slots: int = 0
    protected_slots: int = 0
    known_pupil_slots: int = 0
    uncounted: frozenset[str] = frozenset()

    @property
    def slots(self) -> int:
        return sum(self.counts)

    @property
    def known(self) -> int:
        return self.slots - self.counts[LEVELS.index(NO_DATA)]

    @property
    def known_share(self) -> float | None:
        """The part of lesson time with a value, 0 to 1; None of no lessons."""
        return self.known / self.slots if self.slots else None

    @property
    def tells(self) -> bool:
        """Whether enough of the lesson time is known to say something of its air."""
        return self.slots > 0 and self.known / self.slots >= LEAST_KNOWN

    @property
    def good_share(self) -> float | None:
        """The part of lesson time *with* data that was good or very good, 0 to 1; None where too little is known."""
        good = _sum(self.counts, _GOOD)
        return good / self.known if self.tells else None

    @property
    def hours_above(self) -> float | None:
        """Room-hours of lessons above "moderate"; None where too little is known."""
        above = _sum(self.counts, _ABOVE)
        return above * HOURS if self.tells else None

    @property
    def protected_hours(self) -> float | None:
        """Pupil-hours; None where too little is known, or no room has a capacity."""
        return self.protected_slots * HOURS if self.tells and self.known_pupil_slots else None

    @property
    def pupil_hours(self) -> float:
        """Of all lesson time, known or not."""
        return self.pupil_slots * HOURS

    @property
    def percent(self) -> list[int]:
        """Shares of all lesson time by LEVELS: whole per cent that add up to 100."""
        return largest_remainder(self.counts)


def _sum(counts: Iterable[int], which: Iterable[bool]) -> int:
    return sum(count for count, wanted in zip(counts, which, strict=True) if wanted)


def add_up(days: Iterable[Mapping[str, RoomDay]], capacity: Mapping[str, int], until_ms: int | None = None) -> Lessons:
    """Of some site-days. `capacity` by room, 0 for not known; `until_ms`: only what was over by then."""
    counts = [0] * len(LEVELS)
    every = protected = known_pupils = 0
    uncounted: set[str] = set()
    for rooms in days:
        for room, whole in rooms.items():
            day = whole if until_ms is None else whole.until(until_ms)
            here = day.counts
            pupils = capacity.get(room, 0)
            for place, count in enumerate(here):
                counts[place] += count
            if not pupils and any(here):
                uncounted.add(room)
            every += pupils * sum(here)
            protected += pupils * _sum(here, _GOOD)
            known_pupils += pupils * (sum(here) - here[LEVELS.index(NO_DATA)])
    return Lessons(tuple(counts), every, protected, known_pupils, frozenset(uncounted))


def together(parts: Iterable[Lessons]) -> Lessons:
    """Several schools as one."""
    known = list(parts)
    return Lessons(
        tuple(sum(column) for column in zip(*(one.counts for one in known), strict=True)) or Lessons().counts,
        sum(one.pupil_slots for one in known),
        sum(one.protected_slots for one in known),
        sum(one.known_pupil_slots for one in known),
        frozenset().union(*(one.uncounted for one in known)),
    )
