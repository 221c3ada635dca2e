"""What drivers share: keeping an unfinished frame, and counting what became of every byte."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from firmware_bridge.drivers import About, Counters, Frame, Send


class FramedDriver(ABC):
    """A driver that finds frames in a stream. Whoever inherits writes `_scan` and what its sensor understands."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.about = About()
        self._rest = b""

    @property
    def poll_every_s(self) -> float | None:
        return None

    def start(self) -> Sequence[Send]:
        return ()

    def ask(self) -> bytes:
        return b""

    def inquire(self) -> Sequence[Send]:
        return ()

    def sleep(self) -> Sequence[Send]:
        return ()

    def wake(self) -> Sequence[Send]:
        return ()

    def changes(self, data: bytes) -> str:
        return next((name for name, command in self.kept().items() if command and command in data), "")

    def kept(self) -> Mapping[str, bytes]:
        return {}

    @abstractmethod
    def _scan(self, buffer: bytes, found: list[Frame]) -> int:
        """Appends the measurements in `buffer`, counts, and returns how many bytes are dealt with.

        Bytes may be dealt with only when no byte to come could change the judgement: that makes the result
        independent of chunks.
        """

    @property
    def pending(self) -> int:
        return len(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        self.counters.bytes_in += len(data)
        found: list[Frame] = []
        buffer = self._rest + data
        self._rest = buffer[self._scan(buffer, found):]
        return found

    def silence(self) -> list[Frame]:
        found: list[Frame] = []
        while self._rest:
            # The candidate will not be finished; a whole frame may begin behind its first byte.
            self.counters.skipped += 1
            buffer = self._rest[1:]
            self._rest = buffer[self._scan(buffer, found):]
        return found

    def _forget(self) -> None:
        """Skips what is kept: a new exchange begins."""
        self.counters.skipped += len(self._rest)
        self._rest = b""


def word(value: float) -> int:
    """A number as an unsigned 16-bit word, rounded and held inside what fits."""
    return min(max(round(value), 0), 0xFFFF)
