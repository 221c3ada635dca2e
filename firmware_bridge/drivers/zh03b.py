"""Winsen ZH03B and ZH06-I particle sensors. Frames after the ZH03 manual V2.0.

An uploaded frame begins like a PMS3003's and has its length; its first three words are reserved, so the model must be
configured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from classair.model import Flag
from firmware_bridge.drivers import DriverSettings, Frame, Maker, Send
from firmware_bridge.drivers._framing import MORE, CandidateDriver, Steady, flag, flag_order, word
from firmware_bridge.drivers._winsen import READ, SIZE, command, command_size, framed, intact

UPLOAD: Final = command(0x78, 0x40)
QUESTIONS: Final = command(0x78, 0x41)
SLEEP: Final = command(0xA7, 1)
WAKE: Final = command(0xA7, 0)
_ANSWER, _DORMANT = 0x86, 0xA7
_HEAD: Final = b"BM\x00\x14"
_UPLOAD_SIZE: Final = 24
_CEILING: Final = 1000  # µg/m³
_SIZES: Final = ("pm1", "pm25", "pm10")
_ANSWERED: Final = ("pm25", "pm10", "pm1")
_PAUSE_S: Final = 0.1


class Settings(DriverSettings):
    """`mode`: stream lets the sensor upload each second, poll asks it."""

    mode: Literal["stream", "poll"] = "stream"


class Zh03b(CandidateDriver):
    """One ZH03B. Both forms of its readings are understood in either mode."""

    STARTS = re.compile(rb"[\x42\xFF]")
    baud = 9600
    warm_up_s = 45.0  # stable that long after power-on
    frame_every_s = 2.0

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._starts = 0
        self._reserved = Steady()
        self._awake = True  # as a simulated sensor

    @property
    def poll_every_s(self) -> float | None:
        return 2.0 if self._settings.mode == "poll" else None

    @property
    def speaks(self) -> bool:
        return self._awake and self._speaking

    def start(self) -> Sequence[Send]:
        """The mode; when that did not help, it may be asleep. By the manual neither is kept over power-off."""
        self._starts += 1
        return (() if self._starts % 2 else (Send(WAKE, 1.0),)) + self._mode()

    def ask(self) -> bytes:
        if self._settings.mode == "stream":
            return b""
        self._forget()
        return READ

    def sleep(self) -> Sequence[Send]:
        return (Send(SLEEP, _PAUSE_S),)

    def wake(self) -> Sequence[Send]:
        return (Send(WAKE, 1.0), *self._mode())

    def accepted(self, command: bytes, answer: bytes) -> bool | None:
        return True if framed(_DORMANT, 1) in answer else False if framed(_DORMANT, 0) in answer else None

    def _mode(self) -> tuple[Send, ...]:
        return (Send(UPLOAD if self._settings.mode == "stream" else QUESTIONS, _PAUSE_S),)

    def _size_at(self, buffer: bytes, start: int) -> int:
        head = buffer[start : start + 4]
        if head[0] == 0xFF:
            if len(head) < 2:
                return MORE
            # An answer, an answer about sleeping, or the echo of a command.
            return SIZE if head[1] in (_ANSWER, _DORMANT, 0x01) else 0
        if head == _HEAD:
            return _UPLOAD_SIZE
        return MORE if len(head) < 4 and _HEAD.startswith(head) else 0

    def _intact(self, frame: bytes) -> bool:
        if len(frame) == SIZE:
            return intact(frame)
        return sum(frame[:22]) == frame[22] << 8 | frame[23]

    def _taken(self, frame: bytes) -> Frame | None:
        if len(frame) == SIZE:
            if frame[1] != _ANSWER:
                return None
            words, keys, reserved = frame[2:8], _ANSWERED, b""
        else:
            words, keys, reserved = frame[10:16], _SIZES, frame[4:10] + frame[16:22]
        found = Frame({key: words[2 * place] << 8 | words[2 * place + 1] for place, key in enumerate(keys)})
        flag_order(found, _SIZES)
        found.doubt_zeros()
        for key, value in found.values.items():
            if value >= _CEILING:
                flag(found, (key,), Flag.SATURATED)
        if reserved and self._reserved.departs(reserved):
            found.flags |= Flag.ORDER
        return found

    def encode(self, values: Mapping[str, float]) -> bytes:
        if self._settings.mode == "poll":
            return self._answer_of(values)
        frame = _HEAD + bytes(6) + _words(values, _SIZES) + bytes(6)
        return frame + sum(frame).to_bytes(2, "big")

    def _answer_of(self, values: Mapping[str, float]) -> bytes:
        return framed(_ANSWER, *_words(values, _ANSWERED))

    def _command_size(self, data: bytes) -> int:
        return command_size(data)

    def _reply(self, command: bytes, values: Mapping[str, float]) -> bytes:
        if command in (SLEEP, WAKE):
            self._awake = command == WAKE
            return framed(_DORMANT, 1)
        if command in (UPLOAD, QUESTIONS):
            self._speaking = command == UPLOAD
        return self._answer_of(values) if command == READ and self._awake else b""


def _words(values: Mapping[str, float], keys: tuple[str, ...]) -> bytes:
    return b"".join(word(values.get(key, 0)).to_bytes(2, "big") for key in keys)


MODELS: Final[Mapping[str, Maker]] = {"zh03b": Zh03b, "zh06": Zh03b}
