"""Honeywell HPMA115S0 and HPMA115C0 particle sensors. Frames after the HPM Series datasheet 32322550, tables 4 to 7."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Literal

from classair.model import Flag
from firmware_bridge.drivers import DriverSettings, Frame, Maker, Send
from firmware_bridge.drivers._framing import MORE, CandidateDriver, Steady, complement, flag, flag_order, word

START: Final = bytes.fromhex("68010196")
STOP: Final = bytes.fromhex("68010295")
READ: Final = bytes.fromhex("68010493")
READ_COEFFICIENT: Final = bytes.fromhex("68011087")
STOP_AUTO: Final = bytes.fromhex("68012077")
AUTO: Final = bytes.fromhex("68014057")
YES: Final = b"\xa5\xa5"
NO: Final = b"\x96\x96"
_SET_COEFFICIENT: Final = b"\x68\x02\x08"
_COEFFICIENT_ANSWER: Final = b"\x40\x02\x10"

_AUTO_SIZE: Final = 32
_CEILING: Final = 1000  # µg/m³
_PAUSE_S: Final = 0.1
# The words of an auto-sent frame and of an answer, from their first data byte; "" is a reserved one.
_WORDS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "hpma115s0": (("", "pm25", "pm10"), ("pm25", "pm10")),
    "hpma115c0": (("pm1", "pm25", "pm4", "pm10"), ("pm1", "pm25", "pm4", "pm10", "", "")),
}
_SIZES: Final = ("pm1", "pm25", "pm4", "pm10")


class Settings(DriverSettings):
    """`mode`: stream lets the sensor send each second, poll asks it."""

    mode: Literal["stream", "poll"] = "stream"


class Hpma115(CandidateDriver):
    """One HPMA115. Both forms of its readings are understood in either mode."""

    STARTS = re.compile(rb"[\x40\x42\x96\xA5]")
    baud = 9600
    warm_up_s = 10.0  # 6 s until it responds
    frame_every_s = 1.5

    def __init__(self, model: str, settings: Settings) -> None:
        super().__init__()
        self._auto_words, self._answer_words = _WORDS[model]
        self._settings = settings
        self._reserved: dict[int, Steady] = {}
        self._measuring, self._coefficient = True, 100  # as a simulated sensor

    @property
    def poll_every_s(self) -> float | None:
        return 1.0 if self._settings.mode == "poll" else None

    @property
    def speaks(self) -> bool:
        return self._measuring and self._speaking

    def start(self) -> Sequence[Send]:
        """Measuring, and sending by itself or not; neither is kept over power-off."""
        return (Send(START, _PAUSE_S), Send(AUTO if self._settings.mode == "stream" else STOP_AUTO, _PAUSE_S))

    def ask(self) -> bytes:
        if self._settings.mode == "stream":
            return b""
        self._forget()
        return READ

    def inquire(self) -> Sequence[Send]:
        return (Send(READ_COEFFICIENT, _PAUSE_S),)

    def sleep(self) -> Sequence[Send]:
        return (Send(STOP, _PAUSE_S),)

    def wake(self) -> Sequence[Send]:
        return self.start()

    def changes(self, data: bytes) -> str:
        """The coefficient, with any value; even cut short it is named."""
        _, found, rest = data.partition(_SET_COEFFICIENT)
        if not found:
            return ""
        return f"coefficient {rest[0]}" if rest else "coefficient"

    def kept(self) -> Mapping[str, bytes]:
        """The adjustment coefficient, in percent; 100 is the maker's."""
        return {f"coefficient {n}": _closed(_SET_COEFFICIENT + bytes((n,))) for n in range(30, 201, 5)}

    def accepted(self, command: bytes, answer: bytes) -> bool | None:
        return True if YES in answer else False if NO in answer else None

    def _size_at(self, buffer: bytes, start: int) -> int:
        first, there = buffer[start], len(buffer) - start
        if first in (YES[0], NO[0]):
            if there < 2:
                return MORE
            return 2 if buffer[start + 1] == first else 0
        if first == 0x42:
            head = buffer[start : start + 4]
            if head == b"BM\x00\x1c":
                return _AUTO_SIZE
            return MORE if there < 4 and b"BM\x00\x1c".startswith(head) else 0
        if there < 3:
            return MORE if there < 2 or buffer[start + 1] in (2, 5, 0x0D) else 0
        if buffer[start : start + 3] == _COEFFICIENT_ANSWER:
            return 5
        # Some sheets print 05 for the long answer as well; the sensors send 0D.
        length = 2 * len(self._answer_words) + 1
        return length + 3 if buffer[start + 1] == length and buffer[start + 2] == 4 else 0

    def _intact(self, frame: bytes) -> bool:
        if frame[0] == 0x42:
            return sum(frame[:30]) == frame[30] << 8 | frame[31]
        return len(frame) == 2 or not sum(frame) & 0xFF

    def _taken(self, frame: bytes) -> Frame | None:
        if frame[0] == 0x42:
            return self._measured(frame[4:30], self._auto_words)
        if len(frame) > 5:
            return self._measured(frame[3:-1], self._answer_words)
        if len(frame) == 5:
            self.about.notes["coefficient"] = str(frame[3])
        elif frame == NO:
            self.about.notes["refused"] = str(int(self.about.notes.get("refused", "0")) + 1)
        return None

    def _measured(self, body: bytes, words: tuple[str, ...]) -> Frame:
        frame, reserved = Frame({}), bytearray(body[2 * len(words) :])
        for place, key in enumerate(words):
            if key:
                frame.values[key] = body[2 * place] << 8 | body[2 * place + 1]
            else:
                reserved += body[2 * place : 2 * place + 2]
        flag_order(frame, _SIZES)
        frame.doubt_zeros()
        for key, value in frame.values.items():
            if value >= _CEILING:
                flag(frame, (key,), Flag.SATURATED)
        # Nobody says what the reserved bytes mean, but one frame in which they differ was damaged.
        if self._reserved.setdefault(len(body), Steady()).departs(bytes(reserved)):
            frame.flags |= Flag.ORDER
        return frame

    def encode(self, values: Mapping[str, float]) -> bytes:
        if self._settings.mode == "poll":
            return self._answer_of(values)
        frame = b"BM\x00\x1c" + _body(self._auto_words, values).ljust(26, b"\0")
        return frame + sum(frame).to_bytes(2, "big")

    def _answer_of(self, values: Mapping[str, float]) -> bytes:
        body = _body(self._answer_words, values)
        return _closed(bytes((0x40, len(body) + 1, 4)) + body)

    def _command_size(self, data: bytes) -> int:
        if len(data) < 4 or data[0] != 0x68 or data[1] not in (1, 2):
            return 0
        size = data[1] + 3
        return size if len(data) >= size and not sum(data[:size]) & 0xFF else 0

    def _reply(self, command: bytes, values: Mapping[str, float]) -> bytes:
        what = command[2]
        if command == READ:
            return self._answer_of(values) if self._measuring else NO
        if command == READ_COEFFICIENT:
            return _closed(_COEFFICIENT_ANSWER + bytes((self._coefficient,)))
        if what in (1, 2):
            self._measuring = what == 1
        elif what in (0x20, 0x40):
            self._speaking = what == 0x40
        elif what == 8 and 30 <= command[3] <= 200:
            self._coefficient = command[3]
        else:
            return NO
        return YES


def _body(words: tuple[str, ...], values: Mapping[str, float]) -> bytes:
    return b"".join(word(values.get(key, 0) if key else 0).to_bytes(2, "big") for key in words)


def _closed(frame: bytes) -> bytes:
    return frame + bytes((complement(frame),))


def _maker(model: str, settings: Settings) -> Hpma115:
    return Hpma115(model, settings)


MODELS: Final[Mapping[str, Maker]] = {model: partial(_maker, model) for model in _WORDS}
