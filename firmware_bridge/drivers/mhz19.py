"""Winsen MH-Z19 CO2 sensors, B and C. Frames after the MH-Z19B manual and the MH-Z19C manual V1.2."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from classair.model import Flag
from firmware_bridge.drivers import DriverSettings, Frame, Maker
from firmware_bridge.drivers._framing import FramedDriver, word

READ: Final = bytes.fromhex("FF0186000000000079")
SIZE: Final = 9
_ANSWER: Final = 0x86
# What else comes with this head and checksum: echoed commands (01), answers about calibration, range and firmware.
_OTHER: Final = frozenset((0x01, 0x79, 0x99, 0xA0))

_TEMPERATURE_OFFSET: Final = 40      # °C; undocumented, 0 on units without it
_BOOT_WORD: Final = 15000            # seen in bytes 6-7 while starting
_CEILINGS: Final = frozenset((2000, 5000, 10000))   # ppm; the ranges the sensor can be set to
_LOWEST_AIR: Final = 350             # ppm; nowhere on earth is air cleaner: the self-calibration has gone astray


class MhZ19(FramedDriver):
    """One MH-Z19, asked for each value. Values: co2_ppm, internal_temp_c, and as `state` the undocumented bytes 5-7."""

    baud = 9600
    frame_every_s = 5.0

    def __init__(self, warm_up_s: float) -> None:
        super().__init__()
        self.warm_up_s = warm_up_s

    @property
    def poll_every_s(self) -> float | None:
        return 5.0

    def ask(self) -> bytes:
        self._forget()
        return READ

    def _scan(self, buffer: bytes, found: list[Frame]) -> int:
        counters, end = self.counters, len(buffer)
        position = 0
        while True:
            start = buffer.find(0xFF, position)
            if start < 0:
                counters.skipped += end - position
                return end
            counters.skipped += start - position
            position = start
            if end - start < 2:
                return start
            kind = buffer[start + 1]
            if kind == _ANSWER or kind in _OTHER:
                if end - start < SIZE:
                    return start
                frame = buffer[start:start + SIZE]
                if checksum(frame) == frame[8]:
                    position += SIZE
                    counters.in_frames += SIZE
                    if kind == _ANSWER:
                        counters.good += 1
                        found.append(_frame_of(frame))
                    else:
                        counters.other += 1
                    continue
                counters.checksum += 1
            counters.skipped += 1
            position += 1

    def encode(self, values: Mapping[str, float]) -> bytes:
        temperature = values.get("internal_temp_c")
        coded = 0 if temperature is None else min(max(round(temperature) + _TEMPERATURE_OFFSET, 1), 0xFF)
        state = min(max(round(values.get("state", 0)), 0), 0xFFFFFF)
        frame = (bytes((0xFF, _ANSWER)) + word(values.get("co2_ppm", 0)).to_bytes(2, "big") + bytes((coded,))
                 + state.to_bytes(3, "big"))
        return frame + bytes((checksum(frame),))

    def answer(self, request: bytes, values: Mapping[str, float]) -> bytes:
        return self.encode(values) if request.endswith(READ) else b""


def checksum(frame: bytes) -> int:
    """Of bytes 1-7. The last "mod 256" matters: without it each frame whose sum is 0 would be lost for ever."""
    return -sum(frame[1:8]) & 0xFF


def _frame_of(data: bytes) -> Frame:
    co2 = data[2] << 8 | data[3]
    frame = Frame({"co2_ppm": co2})
    if data[4]:
        frame.values["internal_temp_c"] = data[4] - _TEMPERATURE_OFFSET
    state = int.from_bytes(data[5:8], "big")
    if state:
        frame.values["state"] = state
    if state & 0xFFFF == _BOOT_WORD:
        frame.flags = Flag.WARMUP
    if co2 in _CEILINGS:
        frame.value_flags["co2_ppm"] = Flag.SATURATED
    elif co2 < _LOWEST_AIR:
        frame.value_flags["co2_ppm"] = Flag.DRIFT
    return frame


def _maker(warm_up_s: float, settings: DriverSettings) -> MhZ19:
    return MhZ19(warm_up_s)


MODELS: Final[Mapping[str, Maker]] = {
    "mh-z19b": partial(_maker, 180.0), "mh-z19c": partial(_maker, 60.0), "mh-z19": partial(_maker, 180.0),
}
