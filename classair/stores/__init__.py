"""The Store contract: what every store of readings can be asked, and what it promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from classair.model import Bucket, Reading, SwitchEvent

MINUTE_MS = 60_000
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class SensorNewest:
    """The newest reading of one sensor in a room, whatever its flags."""

    sensor: str
    reading: Reading


class Store(Protocol):
    """Synchronous; callers that must not wait use a thread. Ids are `<site>.<id>`, times UTC milliseconds.

    Promises, held by one contract suite over every store:
    writing a reading again (same bridge, epoch, seq) changes nothing; order of arrival changes nothing; rollups equal
    a recomputation from the readings after every write; a reading keeps the room it was written with; values survive
    to the step of their quantity's scale; bad values (classair.model.BAD) are kept, counted by class, and in no mean.
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

    def series(self, room: str, quantity: str, start_ms: int, end_ms: int, step_ms: int) -> list[Bucket]:
        """Buckets of a room's quantity with start <= bucket start < end, oldest first, empty ones absent.

        `step_ms` is a multiple of one minute (shown quantities) or of one hour (all); buckets begin at multiples of
        it counted from midnight in Asia/Bangkok. With several sensors in the room their samples are pooled. A bucket
        that has only bad values is present, with n = 0.
        """
        ...

    def switches(self, purifier: str, start_ms: int, end_ms: int) -> list[SwitchEvent]:
        """Changes with start <= at < end, oldest first, preceded by the one in force at `start` if there is one."""
        ...

    def rooms(self) -> list[str]:
        """Every room that has readings."""
        ...

    def close(self) -> None: ...
