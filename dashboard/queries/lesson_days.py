"""Lesson time of many rooms, remembered by day: each site-day is read once for each version of its data.

A week of fifty schools is some thousand room-days. Whoever shows it asks for the days again and again; only days whose
version has changed, and the day that is under way, are read anew. What is remembered are levels, not numbers.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from classair.config import Config
from classair.timetable import day_start_ms, local_time
from classair.units import DAY_MS
from dashboard.access.reach import NotCovered
from dashboard.queries.sight import SeesAll, Sight
from research.lesson_air import LEVELS, LessonReader
from research.lesson_slots import SLOT_MS

MOST_DAYS: Final = 6_000
"""Site-days that are remembered: fifty schools for a term."""


@dataclass(frozen=True, slots=True)
class RoomDay:
    """A room's lesson time of a day: when each quarter of an hour begins (UTC ms), and its place in LEVELS."""

    starts: tuple[int, ...]
    levels: bytes

    def until(self, until_ms: int) -> RoomDay:
        """Only what was over by then."""
        if not self.starts or self.starts[-1] + SLOT_MS <= until_ms:
            return self
        over = sum(start + SLOT_MS <= until_ms for start in self.starts)
        return RoomDay(self.starts[:over], self.levels[:over])

    @property
    def counts(self) -> tuple[int, ...]:
        """Slots in each of LEVELS."""
        return tuple(self.levels.count(place) for place in range(len(LEVELS)))


@dataclass(frozen=True, slots=True)
class _Kept:
    about: tuple[object, ...]
    rooms: Mapping[str, RoomDay]


class LessonDays:
    """Site-days as they are known now. Thread-safe; asks the store, so not for the event loop's thread.

    `lessons` gives a reader of lesson time up to the present, `versions` the version of each local day of a site.
    Without `now_ms` every day counts whole.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        lessons: Callable[[], AbstractContextManager[LessonReader]],
        versions: Callable[[str, date, date], Mapping[date, int]],
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self._config, self._lessons, self._versions, self._now_ms = config, lessons, versions, now_ms
        self._sight: Sight = SeesAll()
        self._kept: OrderedDict[tuple[str, date], _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self.read = 0
        """Site-days that were read from the store since the start."""

    def seen_by(self, sight: Sight) -> LessonDays:
        """The same, of what is seen; days are remembered for all. Its answers raise NotCovered."""
        other = copy.copy(self)
        other._sight = sight
        return other

    def of(self, site: str, first: date, last: date) -> Iterator[tuple[date, Mapping[str, RoomDay]]]:
        """Each local day from `first` to `last`, with the rooms indoors that had lessons. Raises StoreUnavailable."""
        config, now = self._config(), self._now_ms() if self._now_ms is not None else None
        last = last if now is None else min(last, local_time(now).date())
        if last < first or site not in config.sites:
            return
        if not self._sight.touches(site):
            raise NotCovered(site)
        with self._lock:
            versions = self._versions(site, first, last)
            asked = [first + timedelta(days=n) for n in range((last - first).days + 1)]
            about = {day: self._about(config, site, day, versions.get(day), now) for day in asked}
            stale = [day for day in asked if (kept := self._kept.get((site, day))) is None or kept.about != about[day]]
            if stale:
                with self._lessons() as reader:
                    for day in stale:
                        self._keep((site, day), _Kept(about[day], _read(reader, config, site, day)))
            found = [(day, self._kept[(site, day)].rooms) for day in asked]
        for day, rooms in found:
            yield day, {room: slots for room, slots in rooms.items() if self._sight.sees_room(room)}

    @staticmethod
    def _about(config: Config, site: str, day: date, version: int | None, now: int | None) -> tuple[object, ...]:
        """What a day's levels depend on. Of a day that is under way, which quarters of an hour are over, too."""
        under_way = now // SLOT_MS if now is not None and now < day_start_ms(day) + DAY_MS else None
        return (id(config.sites[site]), id(config.timetables), version, under_way)

    def _keep(self, key: tuple[str, date], day: _Kept) -> None:
        self.read += 1
        self._kept[key] = day
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_DAYS:
            self._kept.popitem(last=False)


def _read(reader: LessonReader, config: Config, site: str, day: date) -> dict[str, RoomDay]:
    found: dict[str, RoomDay] = {}
    starts: dict[tuple[int, ...], tuple[int, ...]] = {}
    for key, room in config.sites[site].rooms.items():
        if room.outdoor:
            continue
        slots = reader.of_room(f"{site}.{key}", day, day).slots
        if slots:
            begins = tuple(slot.start_ms for slot in slots)
            found[f"{site}.{key}"] = RoomDay(
                starts.setdefault(begins, begins), bytes(LEVELS.index(slot.level) for slot in slots)
            )
    return found
