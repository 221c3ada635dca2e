"""The store of readings as its reader sees it: questions about other places are refused, lists leave them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from classair.config import Config
from classair.model import Bucket, Reading, SwitchEvent
from classair.stores import SensorNewest, Series, Store
from dashboard.access.reach import NotCovered, Reach, reader

if TYPE_CHECKING:
    from classair.stores.bucket_columns import BucketColumns


class Sight:
    """What `queries` and `research` ask before they answer. Implements dashboard.queries.sight.Sight."""

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config

    def store(self, store: Store) -> Store:
        reach = reader()
        return store if reach.everything else SeenStore(store, self._config(), reach)

    def sees_room(self, room: str) -> bool:
        return reader().sees_room(self._config(), room)

    def sees_sensor(self, sensor: str) -> bool:
        return reader().sees_sensor(self._config(), sensor)

    def touches(self, site: str) -> bool:
        return reader().touches(site)


class SeenStore:
    """Implements Store for reading. Raises NotCovered."""

    def __init__(self, store: Store, config: Config, reach: Reach) -> None:
        self._store, self._config, self._reach = store, config, reach

    def _room(self, room: str) -> str:
        if not self._reach.sees_room(self._config, room):
            raise NotCovered(room)
        return room

    def write(self, readings: Iterable[Reading]) -> int:
        raise NotCovered("writing")

    def write_switches(self, events: Iterable[SwitchEvent]) -> None:
        raise NotCovered("writing")

    def latest(self, room: str) -> list[SensorNewest]:
        return self._store.latest(self._room(room))

    def readings(self, room: str, start_ms: int, end_ms: int) -> Iterator[Reading]:
        return self._store.readings(self._room(room), start_ms, end_ms)

    def series(
        self, room: str, quantity: str, start_ms: int, end_ms: int, step_ms: int, sensor: str | None = None
    ) -> list[Bucket]:
        return self._store.series(self._room(room), quantity, start_ms, end_ms, step_ms, sensor)

    def columns(
        self, room: str, quantity: str, spans: Sequence[tuple[int, int]], step_ms: int, sensor: str | None = None
    ) -> BucketColumns:
        return self._store.columns(self._room(room), quantity, spans, step_ms, sensor)

    def switches(self, purifier: str, start_ms: int, end_ms: int) -> list[SwitchEvent]:
        if not self._reach.sees_purifier(self._config, purifier):
            raise NotCovered(purifier)
        return self._store.switches(purifier, start_ms, end_ms)

    def rooms(self) -> list[str]:
        return [room for room in self._store.rooms() if self._reach.sees_room(self._config, room)]

    def sensors(self, room: str) -> list[str]:
        return self._store.sensors(self._room(room))

    def interval_at(self, room: str, sensor: str, at_ms: int) -> float | None:
        return self._store.interval_at(self._room(room), sensor, at_ms)

    def counts(self, start_ms: int, end_ms: int) -> dict[Series, int]:
        found = self._store.counts(start_ms, end_ms)
        return {series: n for series, n in found.items() if self._reach.sees_room(self._config, series.room)}

    def versions(self, site: str, start: date, end: date) -> dict[date, int]:
        if not self._reach.touches(site):
            raise NotCovered(site)
        return self._store.versions(site, start, end)

    def close(self) -> None:
        """The store belongs to all readers and stays open."""
