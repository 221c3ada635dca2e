"""Lesson time as slots of equal length, from a room's timetable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from classair.stores import BANGKOK_MS
from classair.timetable import Timetable, local_time
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

SLOT_MS: Final = 15 * MINUTE_MS
"""Lesson time is counted in slots of so long; a slot belongs to it when it lies wholly inside a lesson."""

Stretch = tuple[int, int]
"""From … to, in ms."""


class LessonSlots:
    """Which stretches of `slot_ms` lie wholly inside a lesson."""

    def __init__(self, table: Timetable | None, slot_ms: int) -> None:
        self._table, self.slot_ms = table, slot_ms
        self._days: dict[int, tuple[tuple[int, int], ...]] = {}
        self._counted: dict[tuple[tuple[tuple[int, int], ...], int, int], int] = {}

    def holds(self, start_ms: int) -> bool:
        day, inside = divmod(start_ms + BANGKOK_MS, DAY_MS)
        return any(begin <= inside and inside + self.slot_ms <= end for begin, end in self._of(day))

    def counted_ms(self, start_ms: int, end_ms: int) -> int:
        """How much of a stretch that begins with a slot is counted."""
        return sum(min(self.slot_ms, end_ms - at) for at in range(start_ms, end_ms, self.slot_ms) if self.holds(at))

    def counted_of_step(self, start_ms: int, step_ms: int) -> int:
        """The same of a whole step of at most a day; lessons are alike on most days."""
        day, inside = divmod(start_ms + BANGKOK_MS, DAY_MS)
        key = (self._of(day), inside, step_ms)
        if key not in self._counted:
            self._counted[key] = self.counted_ms(start_ms, start_ms + step_ms)
        return self._counted[key]

    def stretches(self, start_ms: int, end_ms: int, piece_ms: int) -> tuple[list[Stretch], list[Stretch]]:
        """What counts of whole local days: whole hours, where pieces are made of hours, and runs of other slots."""
        found: tuple[list[Stretch], list[Stretch]] = ([], [])
        patterns: dict[tuple[tuple[int, int], ...], tuple[list[Stretch], list[Stretch]]] = {}
        for day in range((start_ms + BANGKOK_MS) // DAY_MS, (end_ms + BANGKOK_MS) // DAY_MS):
            lessons, midnight = self._of(day), day * DAY_MS - BANGKOK_MS
            if lessons not in patterns:
                patterns[lessons] = self._pattern(midnight, piece_ms)
            for kind, pattern in zip(found, patterns[lessons], strict=True):
                kind += [(midnight + begin, midnight + end) for begin, end in pattern]
        return found

    def _pattern(self, midnight: int, piece_ms: int) -> tuple[list[Stretch], list[Stretch]]:
        hours: list[Stretch] = []
        slots: list[Stretch] = []
        for begin in range(0, DAY_MS, HOUR_MS):
            counted = [at for at in range(begin, begin + HOUR_MS, self.slot_ms) if self.holds(midnight + at)]
            if piece_ms % HOUR_MS == 0 and len(counted) * self.slot_ms == HOUR_MS:
                _lengthen(hours, begin, begin + HOUR_MS)
            else:
                for at in counted:
                    _lengthen(slots, at, at + self.slot_ms)
        return hours, slots

    def spans(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
        """UTC ms from the first slot to behind the last of each local day that has lessons."""
        for day in range((start_ms + BANGKOK_MS) // DAY_MS, (end_ms + BANGKOK_MS) // DAY_MS):
            if lessons := self._of(day):
                begin = min(at for at, _ in lessons) // self.slot_ms * self.slot_ms
                end = -(-max(at for _, at in lessons) // self.slot_ms) * self.slot_ms
                yield day * DAY_MS - BANGKOK_MS + begin, day * DAY_MS - BANGKOK_MS + end

    def _of(self, day: int) -> tuple[tuple[int, int], ...]:
        if day not in self._days:
            spans = [] if self._table is None else self._table.lesson_spans(local_time(day * DAY_MS).date())
            self._days[day] = tuple((span.begin_ms, span.end_ms) for span in spans)
        return self._days[day]


def _lengthen(stretches: list[Stretch], begin: int, end: int) -> None:
    if stretches and stretches[-1][1] == begin:
        stretches[-1] = (stretches[-1][0], end)
    else:
        stretches.append((begin, end))
