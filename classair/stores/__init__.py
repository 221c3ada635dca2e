"""The Store contract: what every store of readings can be asked, and what it promises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Protocol

from classair import plugins
from classair.model import Bucket, Missing, Reading, SwitchEvent
from classair.units import HOUR_MS

if TYPE_CHECKING:
    from classair.places import Places
    from classair.stores.bucket_columns import BucketColumns

BANGKOK_MS = 7 * HOUR_MS
"""Asia/Bangkok is seven hours ahead of UTC all year round, and has been since 1920."""


class StoreAway(Exception):
    """The store cannot be asked or written now: full, locked, damaged, unreachable. Nothing was kept by halves.

    The message says why in words; trying again later is right.
    """


class StoreConflict(Exception):
    """One reading that can never be kept, named, so that the caller can set it aside and go on with the others.

    Either another reading with another key stands at the same series, time and sequence number, or a value is not a
    number that an integer of eight bytes can hold. Nothing of the batch was kept.
    """

    def __init__(self, reading: Reading, reason: str) -> None:
        super().__init__(f"{reading.sensor} seq {reading.seq} of {reading.bridge}: {reason}")
        self.reading = reading
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SensorNewest:
    """The newest reading of one sensor in a room, whatever its flags."""

    sensor: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class Series:
    """What stands together in a store: one sensor in one room, measured or simulated."""

    sensor: str
    room: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class Rollup:
    """What one series knows about one minute, hour or local day beginning at `start_ms`; exact to the step."""

    series: Series
    start_ms: int
    buckets: Mapping[str, Bucket]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a journal of readings has committed between two positions, for copying into another store.

    `position` is what to remember once all of it has arrived. Rollups are whole and as they stand now, so that
    copying twice, or in pieces, ends in the same state.
    """

    position: int
    readings: list[Reading] = field(default_factory=list)
    minutes: list[Rollup] = field(default_factory=list)
    hours: list[Rollup] = field(default_factory=list)
    switches: list[SwitchEvent] = field(default_factory=list)
    days: list[Rollup] = field(default_factory=list)
    versions: dict[tuple[str, date], int] = field(default_factory=dict)


class Store(Protocol):
    """Synchronous; callers that must not wait use a thread. Ids are `<site>.<id>`, times UTC milliseconds.

    Promises, held by one contract suite over every store:
    writing a reading again (same bridge, epoch, seq) changes nothing; order of arrival changes nothing; rollups equal
    a recomputation from the readings after every write; a reading keeps the room it was written with; values survive
    to the step of their quantity's scale; bad values (classair.model.BAD) are kept, counted by class, and in no mean.
    Every call raises StoreAway when the store cannot be reached.
    """

    def write(self, readings: Iterable[Reading]) -> int:
        """Keeps readings (each with its room) and their rollups, all or none; returns how many were new."""
        ...

    def write_switches(self, events: Iterable[SwitchEvent]) -> None:
        """Keeps when purifiers were seen on or off; repeating is harmless."""
        ...

    def latest(self, room: str) -> list[SensorNewest]:
        """The newest reading of each sensor that has measured in this room."""
        ...

    def readings(self, room: str, start_ms: int, end_ms: int) -> Iterator[Reading]:
        """Every reading of a room with start <= at < end, in order of (at, sensor, seq)."""
        ...

    def series(
        self, room: str, quantity: str, start_ms: int, end_ms: int, step_ms: int, sensor: str | None = None
    ) -> list[Bucket]:
        """Buckets of a room's quantity with start <= bucket start < end, oldest first, empty ones absent.

        `step_ms` is a multiple of one minute (shown quantities) or one hour (all); buckets begin at multiples of it
        counted from midnight in Asia/Bangkok. Samples of several sensors are pooled, unless `sensor` is said. A bucket
        that has only bad values is present, with n = 0. Raises ValueError for a step it has no rollups for.
        """
        ...

    def columns(
        self, room: str, quantity: str, spans: Sequence[tuple[int, int]], step_ms: int, sensor: str | None = None
    ) -> BucketColumns:
        """What `series` says of each of `spans` (start, end), put together, as arrays. Needs numpy."""
        ...

    def switches(self, purifier: str, start_ms: int, end_ms: int) -> list[SwitchEvent]:
        """Changes with start <= at < end, oldest first, preceded by the one in force at `start` if there is one."""
        ...

    def rooms(self) -> list[str]:
        """Every room that has readings."""
        ...

    def sensors(self, room: str) -> list[str]:
        """Every sensor that has readings from this room, also those that have left it."""
        ...

    def interval_at(self, room: str, sensor: str, at_ms: int) -> float | None:
        """Seconds that the first reading of a sensor in a room at or after `at_ms` stands for; None without any."""
        ...

    def counts(self, start_ms: int, end_ms: int) -> dict[Series, int]:
        """How many readings each series has with start <= at < end; those with none are absent."""
        ...

    def versions(self, site: str, start: date, end: date) -> dict[date, int]:
        """The version of each local day (Asia/Bangkok) of a site with start <= day < end; days without data are absent.

        A version rises with every commit that changes what the day holds: readings new to it however late, flags,
        switches, an accepted correction. Two questions of the same day with the same version have the same answer.
        """
        ...

    def close(self) -> None: ...


class GapLedger(Protocol):
    """Which expected readings are not there, and why. Kept by the stores on this machine: readings.db holds the ledger
    whatever `store:` says, because it is written in the transaction that says "stored"; InfluxDB has no copy of it.
    """

    def write_missing(self, lines: Iterable[Missing]) -> None:
        """Keeps lines; repeating is harmless."""
        ...

    def missing_lines(self, sensor: str, start_ms: int, end_ms: int) -> list[Missing]:
        """Lines of a sensor that touch start <= t < end, whole, in order of their start.

        `<site>.` (with the dot) for `sensor` gives those of every sensor of the site.
        """
        ...


def open_store(address: str, places: Places, *, readonly: bool) -> Store:
    """The store that `store:` in sensors.yaml names: sqlite, memory, influxdb://host:port/database (or +https).

    The name before any sign is that of a folder here, whose store.py opens it. `readonly` is for everyone but ingest.
    Raises ValueError for another name or address and StoreAway when a file that is there cannot be opened.
    """
    kind = re.split(r"\W", address, maxsplit=1)[0]
    if kind not in plugins.names(__name__):
        raise ValueError(f"store: unknown kind {kind!r}")
    opened: Store = plugins.load(f"{__name__}.{kind}", "store").open_store(address, places, readonly=readonly)
    return opened
