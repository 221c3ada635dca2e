"""Winsen MH-Z19 CO2 sensors, B and C. Frames after the MH-Z19B manual and the MH-Z19C manual V1.2."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from classair.model import Flag
from firmware_bridge.drivers import DriverSettings, Frame, Maker, Send
from firmware_bridge.drivers._framing import MORE, CandidateDriver, Steady, flag, word
from firmware_bridge.drivers._winsen import READ, SIZE, command, command_size, framed, intact

_ANSWER: Final = 0x86
_ABC, _ABC_READ, _ZERO, _SPAN, _RANGE, _FIRMWARE = 0x79, 0x7D, 0x87, 0x88, 0x99, 0xA0
_ON: Final = 0xA0
# What else comes with this head and checksum: echoed commands (01), answers about calibration, range and firmware.
_OTHER: Final = frozenset((0x01, _ABC, _ABC_READ, _RANGE, _FIRMWARE))
READ_FIRMWARE: Final = command(_FIRMWARE)
READ_ABC: Final = command(_ABC_READ)

_TEMPERATURE_OFFSET: Final = 40  # °C; undocumented, 0 on units without it
_BOOT_WORD: Final = 15000  # seen in bytes 6-7 while starting
_CEILINGS: Final = frozenset((2000, 5000, 10000))  # ppm; the ranges the sensor can be set to
_HIGHEST: Final = 10000
_LOWEST_AIR: Final = 350  # ppm; nowhere on earth is air cleaner: the self-calibration has gone astray
_JUMP_C: Final = 6  # °C from one frame to the next; its own warming takes minutes
_PAUSE_S: Final = 0.2


class MhZ19(CandidateDriver):
    """One MH-Z19, asked for each value. Values: co2_ppm, internal_temp_c, and as `state` the undocumented bytes 5-7."""

    STARTS = re.compile(b"\xff")
    baud = 9600
    frame_every_s = 5.0

    def __init__(self, warm_up_s: float) -> None:
        super().__init__()
        self.warm_up_s = warm_up_s
        self._state, self._warmth = Steady(), Steady()
        self._most = 0  # ppm; a range below this is not the one it is set to
        self._abc = True  # as a simulated sensor

    @property
    def poll_every_s(self) -> float | None:
        return 5.0

    @property
    def speaks(self) -> bool:
        return False

    def ask(self) -> bytes:
        self._forget()
        return READ

    def inquire(self) -> Sequence[Send]:
        return (Send(READ_FIRMWARE, _PAUSE_S), Send(READ_ABC, _PAUSE_S))

    def changes(self, data: bytes) -> str:
        """Calibration, self-calibration and range, with any value, even with a wrong sum or cut short."""
        for match in re.finditer(rb"\xFF\x01([\x78\x79\x87\x88\x99])(.{0,5})", data, re.DOTALL):
            what, rest = match[1][0], match[2].ljust(5, b"\0")
            if what == _ABC:
                return "abc on" if rest[0] else "abc off"
            if what == _SPAN:
                return f"span calibration {rest[0] << 8 | rest[1]} ppm"
            if what == _RANGE:
                return f"range {rest[3] << 8 | rest[4]} ppm"
            return "zero calibration" if what == _ZERO else "factory reset"
        return ""

    def kept(self) -> Mapping[str, bytes]:
        """Zero calibration takes the air of this moment as 400 ppm; span calibration as 2000 ppm."""
        ranges = {f"range {ppm} ppm": command(_RANGE, 0, 0, 0, *ppm.to_bytes(2, "big")) for ppm in sorted(_CEILINGS)}
        return {
            "abc on": command(_ABC, _ON),
            "abc off": command(_ABC),
            "zero calibration": command(_ZERO),
            "span calibration 2000 ppm": command(_SPAN, *(2000).to_bytes(2, "big")),
            **ranges,
        }

    def accepted(self, command: bytes, answer: bytes) -> bool | None:
        """Newer firmware answers a setting by its number and 1; older says nothing."""
        return True if framed(command[2], 1) in answer else None

    def _size_at(self, buffer: bytes, start: int) -> int:
        if len(buffer) - start < 2:
            return MORE
        kind = buffer[start + 1]
        return SIZE if kind == _ANSWER or kind in _OTHER else 0

    def _intact(self, frame: bytes) -> bool:
        return intact(frame)

    def _taken(self, frame: bytes) -> Frame | None:
        kind = frame[1]
        if kind == _ANSWER:
            return self._measured(frame)
        if kind == _FIRMWARE and frame[2:6].isalnum():
            self.about.firmware = frame[2:6].decode("ascii")
        elif kind == _ABC_READ:
            self.about.notes["abc"] = "on" if frame[7] else "off"
        return None

    def _measured(self, data: bytes) -> Frame:
        co2 = data[2] << 8 | data[3]
        frame = Frame({"co2_ppm": co2})
        if data[4]:
            frame.values["internal_temp_c"] = data[4] - _TEMPERATURE_OFFSET
        state = int.from_bytes(data[5:8], "big")
        if state:
            frame.values["state"] = state
        booting = state & 0xFFFF == _BOOT_WORD
        if booting:
            frame.flags = Flag.WARMUP
        # The sum is weak; the bytes around the value do not change by themselves, so one frame that differs is doubted.
        elif self._state.departs(state) or not self._believable(data[4]):
            frame.flags = Flag.ORDER
        if not frame.flags:
            self._most = max(self._most, co2)
        if co2 in _CEILINGS and co2 >= self._most:
            flag(frame, ("co2_ppm",), Flag.SATURATED)
        elif co2 > _HIGHEST:
            flag(frame, ("co2_ppm",), Flag.RANGE)
        elif co2 < _LOWEST_AIR:
            flag(frame, ("co2_ppm",), Flag.DRIFT)
        return frame

    def _believable(self, warmth: int) -> bool:
        """Whether the temperature byte follows the one before; a step that stays is believed from its second frame."""
        if not warmth:
            return True
        known = self._warmth.known
        if isinstance(known, int) and abs(warmth - known) <= _JUMP_C:
            self._warmth = Steady()
        return not self._warmth.departs(warmth)

    def encode(self, values: Mapping[str, float]) -> bytes:
        temperature = values.get("internal_temp_c")
        coded = 0 if temperature is None else min(max(round(temperature) + _TEMPERATURE_OFFSET, 1), 0xFF)
        state = min(max(round(values.get("state", 0)), 0), 0xFFFFFF)
        return framed(_ANSWER, *word(values.get("co2_ppm", 0)).to_bytes(2, "big"), coded, *state.to_bytes(3, "big"))

    def _command_size(self, data: bytes) -> int:
        return command_size(data)

    def _reply(self, command: bytes, values: Mapping[str, float]) -> bytes:
        if command == READ:
            return self.encode(values)
        if command == READ_FIRMWARE:
            return framed(_FIRMWARE, *b"0502")
        if command == READ_ABC:
            return framed(_ABC_READ, 0, 0, 0, 0, 0, int(self._abc))
        if command[2] == _ABC:
            self._abc = command[3] == _ON
        return b""


def checksum(frame: bytes) -> int:
    """Of bytes 1-7. The last "mod 256" matters: without it each frame whose sum is 0 would be lost for ever."""
    return -sum(frame[1:8]) & 0xFF


def _maker(warm_up_s: float, settings: DriverSettings) -> MhZ19:
    return MhZ19(warm_up_s)


MODELS: Final[Mapping[str, Maker]] = {
    "mh-z19b": partial(_maker, 180.0),
    "mh-z19c": partial(_maker, 60.0),
    "mh-z19": partial(_maker, 180.0),
}
