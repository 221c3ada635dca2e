"""What drivers share: keeping an unfinished frame, finding frames behind damage, and counting every byte."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar, Final

from classair.model import Flag
from firmware_bridge.drivers import About, Counters, Frame, Send

MORE: Final = -1
"""A candidate of which not enough bytes are there to know how long it is."""

_SHORT: Final = 4  # bytes; frames so short prove nothing where they overlap another


class FramedDriver(ABC):
    """A driver that finds frames in a stream. Whoever inherits writes `_scan` and what its sensor understands."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.about = About()
        self._rest = b""
        self._speaking = True  # as a simulated sensor

    @property
    def poll_every_s(self) -> float | None:
        return None

    @property
    def speaks(self) -> bool:
        return self._speaking

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
        return ""

    def kept(self) -> Mapping[str, bytes]:
        return {}

    def actions(self) -> Mapping[str, Sequence[Send]]:
        return {name: sends for name, sends in (("sleep", self.sleep()), ("wake", self.wake())) if sends}

    def accepted(self, command: bytes, answer: bytes) -> bool | None:
        return None

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
        self._rest = buffer[self._scan(buffer, found) :]
        return found

    def silence(self) -> list[Frame]:
        found: list[Frame] = []
        while self._rest:
            # The candidate will not be finished; a whole frame may begin behind its first byte.
            self.counters.skipped += 1
            buffer = self._rest[1:]
            self._rest = buffer[self._scan(buffer, found) :]
        return found

    def _forget(self) -> None:
        """Skips what is kept: a new exchange begins."""
        self.counters.skipped += len(self._rest)
        self._rest = b""

    # -- as a simulated sensor -----------------------------------------------------------------------------------------

    def answer(self, request: bytes, values: Mapping[str, float]) -> bytes:
        """Takes the request apart: a host may have sent several commands since somebody last looked."""
        answers, position = b"", 0
        while position < len(request):
            size = self._command_size(request[position : position + 64])
            if size:
                answers += self._reply(request[position : position + size], values)
            position += size or 1
        return answers

    def _command_size(self, data: bytes) -> int:
        """How many bytes the command has with which `data` begins; 0 when none does."""
        return 0

    def _reply(self, command: bytes, values: Mapping[str, float]) -> bytes:
        """What the simulated sensor answers to one command, which it obeys."""
        return b""


class CandidateDriver(FramedDriver):
    """Frames that begin with one of some bytes, say their size in the first few, and carry a check.

    A candidate that fails costs one byte and the search goes on behind it, so that a frame which begins inside it is
    found. What is behind a whole frame is looked at next: start bytes in its payload are harmless.

    Eight bits of check let one false candidate in 256 pass, above all a frame that lost a byte equal to the first one
    of the frame behind it, which it then swallows. So a candidate is whole too when it begins inside a frame just taken
    and ends behind it.
    """

    STARTS: ClassVar[re.Pattern[bytes]]

    def __init__(self) -> None:
        super().__init__()
        self._taken_bytes = 0  # of what is kept: the end of the frame before, counted already

    @abstractmethod
    def _size_at(self, buffer: bytes, start: int) -> int:
        """Bytes of the frame that begins here, 0 when none does, MORE when that cannot be said yet."""

    @abstractmethod
    def _intact(self, frame: bytes) -> bool:
        """Whether the check of a whole candidate is right."""

    @abstractmethod
    def _taken(self, frame: bytes) -> Frame | None:
        """The measurement in an intact frame, None when it carries none."""

    def _scan(self, buffer: bytes, found: list[Frame]) -> int:
        counters, end, search = self.counters, len(buffer), self.STARTS.search
        position, self._taken_bytes, known = 0, 0, self._taken_bytes
        while True:
            if position < known:
                position, known = self._astride(buffer, position, known, found)
                if position < known:
                    self._taken_bytes = known - position
                    return position
            match = search(buffer, position)
            start = match.start() if match else end
            counters.skipped += start - position
            position = start
            if start == end:
                return end
            size = self._size_at(buffer, start)
            if size == MORE or (size and end - start < size):
                return start
            if size:
                data = buffer[start : start + size]
                if self._intact(data):
                    self._take(data, found)
                    counters.in_frames += size
                    known = start + size
                    position += 1
                    continue
                counters.checksum += 1
            else:
                counters.length += 1
            counters.skipped += 1
            position += 1

    def _take(self, data: bytes, found: list[Frame]) -> None:
        frame = self._taken(data)
        if frame is None:
            self.counters.other += 1
        else:
            self.counters.good += 1
            found.append(frame)

    def _astride(self, buffer: bytes, position: int, known: int, found: list[Frame]) -> tuple[int, int]:
        """Looks for a frame that begins before `known`, where the one before ended, and ends behind it.

        Returns where to go on, and `known`; while that cannot be said yet, the first is less than the second.
        """
        end = len(buffer)
        while True:
            match = self.STARTS.search(buffer, position, known)
            if match is None:
                return known, known
            start = match.start()
            size = self._size_at(buffer, start)
            if size == MORE or (start + size > known and end < start + size):
                return start, known
            data = buffer[start : start + size]
            if start + size > known and size > _SHORT and self._intact(data):
                self._take(data, found)
                self.counters.in_frames += start + size - known
                known = start + size
            position = start + 1

    @property
    def pending(self) -> int:
        return len(self._rest) - self._taken_bytes

    def silence(self) -> list[Frame]:
        found: list[Frame] = []
        while self._rest:
            # First what kept an earlier frame's end waiting is given up, then byte by byte as without it.
            buffer = self._rest[self._taken_bytes or 1 :]
            self.counters.skipped += not self._taken_bytes
            self._taken_bytes = 0
            self._rest = buffer[self._scan(buffer, found) :]
        return found

    def _forget(self) -> None:
        self._rest, self._taken_bytes = self._rest[self._taken_bytes :], 0
        super()._forget()


class Steady:
    """Something a device says alike in every frame. Two frames in a row that say another thing make that the known one.

    What a weak checksum lets pass often shows here: one damaged frame does not repeat itself.
    """

    def __init__(self) -> None:
        self.known: Hashable = None
        self._other: Hashable = None

    def departs(self, value: Hashable) -> bool:
        """Takes the next frame's word; True when it is not the known one."""
        if value == self.known:
            self._other = None
            return False
        if self.known is None:
            self.known = value
            return False
        if value == self._other:
            self.known, self._other = value, None
            return False
        self._other = value
        return True


def flag(frame: Frame, keys: Sequence[str], what: Flag) -> None:
    """Adds a flag to some values of a frame."""
    for key in keys:
        frame.value_flags[key] = frame.value_flags.get(key, Flag.NONE) | what


def flag_order(frame: Frame, keys: Sequence[str]) -> None:
    """Flags all of `keys`, given from fine to coarse, when what contains more is smaller."""
    values = [frame.values[key] for key in keys if key in frame.values]
    if any(smaller > larger for smaller, larger in pairwise(values)):
        flag(frame, [key for key in keys if key in frame.values], Flag.ORDER)


def word(value: float) -> int:
    """A number as an unsigned 16-bit word, rounded and held inside what fits."""
    return min(max(round(value), 0), 0xFFFF)


def complement(data: bytes) -> int:
    """The byte that brings the sum of `data` to a multiple of 256. The last "mod 256" matters: else 00 would be 100."""
    return -sum(data) & 0xFF
