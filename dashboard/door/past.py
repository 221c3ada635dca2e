"""A room's lesson time of today and of this week, read every few minutes at most, whoever asks."""

from __future__ import annotations

import threading
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from classair.timetable import local_time
from classair.units import MINUTE_MS
from dashboard.context import Context
from dashboard.queries.rooms import StoreUnavailable
from dashboard.reports.week.asking import as_told
from dashboard.reports.week.numbers import WeekReport, monday_of
from research.lesson_air import LessonAir
from research.lesson_slots import SLOT_MS

KEPT_MS: Final = 5 * MINUTE_MS  # late data of a lesson that is over are shown as late as this
SPREAD_MS: Final = MINUTE_MS
"""Within this after the end of a quarter-hour all rooms are read again, each at a moment of its own."""


@dataclass(frozen=True, slots=True)
class Past:
    """`today` and `week` as known at `at` (UTC ms); None where the database could not be read.

    `week` is the weekly report of the week that has lessons so far, on a Monday morning that of the week before.
    """

    at: int
    today: LessonAir | None
    week: WeekReport | None


class RoomPasts:
    """Callable from any thread."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._kept: dict[str, Past] = {}
        self._lock = threading.Lock()

    def of(self, room: str) -> Past:
        """The past of a room that is configured."""
        # One after the other: a hundred phones at the start of a lesson are one question to the disk.
        with self._lock:
            now = self._ctx.now_ms()
            kept = self._kept.get(room)
            # Time may have been set back.
            late = zlib.crc32(room.encode()) % SPREAD_MS
            same = kept is not None and (kept.at - late) // SLOT_MS == (now - late) // SLOT_MS
            if kept is None or not same or not 0 <= now - kept.at < KEPT_MS:
                kept = self._kept[room] = self._read(room, now)
            return kept

    def _read(self, room: str, now: int) -> Past:
        ctx, today = self._ctx, local_time(now).date()
        try:
            with ctx.queries.lessons() as lessons:
                of_today = lessons.of_room(room, today, today)
            week = as_told(ctx, room, monday_of(today))
            if not week.days:
                week = as_told(ctx, room, monday_of(today) - timedelta(days=7))
        except StoreUnavailable:
            return Past(now, None, None)
        return Past(now, of_today, week)


def gaps(air: LessonAir) -> list[tuple[int, int]]:
    """Lesson time without a value, in order: (begin, end) in UTC ms; neighbouring quarter-hours are one gap."""
    found: list[tuple[int, int]] = []
    for slot in air.slots:
        if slot.pm25 is not None:
            continue
        if found and found[-1][1] == slot.start_ms:
            found[-1] = (found[-1][0], slot.start_ms + SLOT_MS)
        else:
            found.append((slot.start_ms, slot.start_ms + SLOT_MS))
    return found
