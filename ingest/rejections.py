"""What InfluxDB refuses point by point: counted by sensor, told, noted there for readers, and tried again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

RETRY_S: Final = 60.0
"""How often one of the rejected points is sent again, to see whether somebody has removed the cause."""


class Point(Protocol):
    """A rejected point, as the store tells it; `room` is empty for the switching of a purifier."""

    @property
    def room(self) -> str: ...
    @property
    def sensor(self) -> str: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def line(self) -> str: ...
    @property
    def reason(self) -> str: ...


class Server(Protocol):
    """What is needed of the store that refuses."""

    def accepts(self, line: str) -> bool: ...

    def note_rejected(self, rejected: Mapping[tuple[str, str], tuple[int, str]], at_ms: int) -> None: ...


class Rejections:
    """The points that one server refuses now. Readings are safe in the journal; they are missing only over there.

    `remember` keeps the time range of what is missing across a restart (None: nothing is missing).
    """

    def __init__(self, remember: Callable[[tuple[int, int] | None], None], now_ms: Callable[[], int]) -> None:
        self._remember, self._now_ms = remember, now_ms
        self._by_sensor: dict[tuple[str, str], tuple[int, str]] = {}
        self._range: tuple[int, int] | None = None
        self._probe = ""
        self._tried_at = 0.0

    @property
    def points(self) -> int:
        return sum(points for points, _ in self._by_sensor.values())

    @property
    def sensors(self) -> list[str]:
        return sorted({sensor for _, sensor in self._by_sensor})

    @property
    def reason(self) -> str:
        return next(iter(self._by_sensor.values()))[1] if self._by_sensor else ""

    def add(self, server: Server, points: Sequence[Point]) -> None:
        """Counts and notes points that the server has just refused."""
        if not points:
            return
        counted = dict(self._by_sensor)
        for point in points:
            before = counted.get((point.room, point.sensor), (0, ""))[0]
            counted[point.room, point.sensor] = (before + 1, point.reason)
        first, last = min(point.at_ms for point in points), max(point.at_ms for point in points)
        known = self._range or (first, last)
        widened = (min(first, known[0]), max(last, known[1]))
        if widened != self._range:
            self._range = widened
            self._remember(widened)
        self._probe, self._tried_at = points[-1].line, time.monotonic()
        server.note_rejected(counted, self._now_ms())
        self._by_sensor = counted

    def due(self) -> bool:
        return bool(self._probe) and time.monotonic() - self._tried_at >= RETRY_S

    def try_again(self, server: Server) -> tuple[int, int] | None:
        """The range of times to be carried again, when the server accepts what it refused; None while it does not."""
        self._tried_at = time.monotonic()
        if not server.accepts(self._probe):
            return None
        server.note_rejected(dict.fromkeys(self._by_sensor, (0, "")), self._now_ms())
        missing, self._range, self._probe = self._range, None, ""
        self._by_sensor.clear()
        self._remember(None)
        return missing
