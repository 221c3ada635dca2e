"""A store in dicts: simple, forgetful, and the yardstick for the others."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from classair.model import Bucket, Missing, Reading, SwitchEvent
from classair.places import Places
from classair.stores import SensorNewest, Series, Store, StoreConflict
from classair.stores.local_day import date_of, dated, day_number, site_of
from classair.stores.sqlite.missing_log import sorted_lines
from classair.stores.steps import bucket_start, grain_for, span_of
from classair.stores.tally import in_steps, tallied

if TYPE_CHECKING:
    from classair.stores.bucket_columns import BucketColumns

Place = tuple[int, str, bool, int]


class MemoryStore:
    """See the Store contract. Lives inside one process; rollups are worked out from the readings at each question."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: set[tuple[str, str, int]] = set()
        self._rooms: dict[str, dict[Place, Reading]] = {}
        self._switches: dict[str, dict[int, SwitchEvent]] = {}
        self._missing: set[Missing] = set()
        self._versions: dict[tuple[str, int], int] = {}

    def write(self, readings: Iterable[Reading]) -> int:
        with self._lock:
            fresh: dict[tuple[str, str, int], Reading] = {}
            places: dict[tuple[str, Place], Reading] = {}
            for reading in readings:
                if reading.key in self._received or reading.key in fresh:
                    continue
                place = (reading.at_ms, reading.sensor, reading.simulated, reading.seq)
                if (reading.room, place) in places or place in self._rooms.get(reading.room, {}):
                    raise StoreConflict(reading, "another reading has its series, time and number")
                fresh[reading.key] = places[reading.room, place] = in_steps(reading)
            for (room, place), reading in places.items():
                self._rooms.setdefault(room, {})[place] = reading
            self._received.update(fresh)
            self._raise({(site_of(r.sensor), day_number(r.at_ms)) for r in fresh.values()})
            return len(fresh)

    def write_switches(self, events: Iterable[SwitchEvent]) -> None:
        with self._lock:
            touched: set[tuple[str, int]] = set()
            for event in events:
                self._switches.setdefault(event.purifier, {})[event.at_ms] = event
                touched.add((site_of(event.purifier), day_number(event.at_ms)))
            self._raise(touched)

    def _raise(self, touched: Iterable[tuple[str, int]]) -> None:
        for place in touched:
            self._versions[place] = self._versions.get(place, 0) + 1

    def versions(self, site: str, start: date, end: date) -> dict[date, int]:
        with self._lock:
            found = {
                date_of(day): version for (its, day), version in self._versions.items() if its == site and dated(day)
            }
        return {day: found[day] for day in sorted(found) if start <= day < end}

    def write_missing(self, lines: Iterable[Missing]) -> None:
        with self._lock:
            self._missing.update(lines)

    def missing_lines(self, sensor: str, start_ms: int, end_ms: int) -> list[Missing]:
        with self._lock:
            return sorted_lines(self._missing, sensor, start_ms, end_ms)

    def latest(self, room: str) -> list[SensorNewest]:
        newest: dict[str, Reading] = {}
        for reading in self._sorted(room):
            there = newest.get(reading.sensor)
            if there is None or (there.at_ms, there.seq) < (reading.at_ms, reading.seq):
                newest[reading.sensor] = reading
        return [SensorNewest(sensor, newest[sensor]) for sensor in sorted(newest)]

    def readings(self, room: str, start_ms: int, end_ms: int) -> Iterator[Reading]:
        return (reading for reading in self._sorted(room) if start_ms <= reading.at_ms < end_ms)

    def series(
        self, room: str, quantity: str, start_ms: int, end_ms: int, step_ms: int, sensor: str | None = None
    ) -> list[Bucket]:
        grain_for(quantity, step_ms)
        first, end = span_of(start_ms, end_ms, step_ms)
        readings = (r for r in self.readings(room, first, end) if sensor in (None, r.sensor))
        found = tallied(readings, lambda at_ms: bucket_start(at_ms, step_ms), [quantity])
        return [found[start][quantity] for start in sorted(found)]

    def columns(
        self, room: str, quantity: str, spans: Sequence[tuple[int, int]], step_ms: int, sensor: str | None = None
    ) -> BucketColumns:
        from classair.stores.bucket_columns import of_buckets

        parts = [self.series(room, quantity, start, end, step_ms, sensor) for start, end in spans]
        return of_buckets(quantity, (bucket for part in parts for bucket in part))

    def switches(self, purifier: str, start_ms: int, end_ms: int) -> list[SwitchEvent]:
        with self._lock:
            events = sorted(self._switches.get(purifier, {}).values(), key=lambda event: event.at_ms)
        before = [event for event in events if event.at_ms < start_ms]
        return before[-1:] + [event for event in events if start_ms <= event.at_ms < end_ms]

    def rooms(self) -> list[str]:
        with self._lock:
            return sorted(self._rooms)

    def sensors(self, room: str) -> list[str]:
        return sorted({reading.sensor for reading in self._sorted(room)})

    def interval_at(self, room: str, sensor: str, at_ms: int) -> float | None:
        return next((r.interval_s for r in self._sorted(room) if r.sensor == sensor and r.at_ms >= at_ms), None)

    def counts(self, start_ms: int, end_ms: int) -> dict[Series, int]:
        found: dict[Series, int] = {}
        for room in self.rooms():
            for reading in self.readings(room, start_ms, end_ms):
                series = Series(reading.sensor, room, reading.simulated)
                found[series] = found.get(series, 0) + 1
        return found

    def close(self) -> None:
        with self._lock:
            self._received.clear()
            self._rooms.clear()
            self._switches.clear()
            self._missing.clear()
            self._versions.clear()

    def _sorted(self, room: str) -> list[Reading]:
        with self._lock:
            return sorted(self._rooms.get(room, {}).values(), key=lambda r: (r.at_ms, r.sensor, r.seq))


def open_store(address: str, places: Places, *, readonly: bool) -> Store:
    """An empty one, whatever is asked for."""
    return MemoryStore()
