"""Lesson time as slots of equal length, from a room's timetable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Final

from classair.stores import BANGKOK_MS
from classair.timetable import Timetable, local_time
from classair.units import DAY_MS, MINUTE_MS

SLOT_MS: Final = 15 * MINUTE_MS
"""Lesson time is counted in slots of so long; a slot belongs to it when it lies wholly inside a lesson."""


class LessonSlots:
    """Which stretches of `slot_ms` lie wholly inside a lesson."""

    def __init__(self, table: Timetable | None, slot_ms: int) -> None:
        self._table, self.slot_ms = table, slot_ms
        self._days: dict[int, list[tuple[int, int]]] = {}

    def holds(self, start_ms: int) -> bool:
        day, inside = divmod(start_ms + BANGKOK_MS, DAY_MS)
        return any(begin <= inside and inside + self.slot_ms <= end for begin, end in self._of(day))

    def counted_ms(self, start_ms: int, end_ms: int) -> int:
        """How much of a stretch that begins with a slot is counted."""
        return sum(min(self.slot_ms, end_ms - at) for at in range(start_ms, end_ms, self.slot_ms) if self.holds(at))

    def spans(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
        """UTC ms from the first slot to behind the last of each local day that has lessons."""
        for day in range((start_ms + BANGKOK_MS) // DAY_MS, (end_ms + BANGKOK_MS) // DAY_MS):
            if lessons := self._of(day):
                begin = min(at for at, _ in lessons) // self.slot_ms * self.slot_ms
                end = -(-max(at for _, at in lessons) // self.slot_ms) * self.slot_ms
                yield day * DAY_MS - BANGKOK_MS + begin, day * DAY_MS - BANGKOK_MS + end

    def _of(self, day: int) -> list[tuple[int, int]]:
        if day not in self._days:
            spans = [] if self._table is None else self._table.lesson_spans(local_time(day * DAY_MS).date())
            self._days[day] = [(_ms_of_day(span.start), _ms_of_day(span.end)) for span in spans]
        return self._days[day]


def _ms_of_day(at: time) -> int:
    return (at.hour * 3600 + at.minute * 60 + at.second) * 1000
