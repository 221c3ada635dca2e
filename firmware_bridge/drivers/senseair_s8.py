"""Senseair S8 CO2 sensor: Modbus RTU after TDE2067 "Modbus on Senseair S8" and PSP103."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from classair.model import Flag
from firmware_bridge.drivers import DriverSettings, Frame, Maker, Send
from firmware_bridge.drivers._framing import FramedDriver, word

ANY: Final = 0xFE                # the address every S8 answers to
_READ_INPUT: Final = 0x04
_EXCEPTION: Final = 0x80
# Status and CO2 in one question: a value without its status may come from a sensor that declares a fault.
READ: Final = bytes.fromhex("FE0400000004E5C6")
READ_CO2_ALONE: Final = bytes.fromhex("FE0400030001D5C5")
_WAKE: Final = b"\0"

_FAULTS: Final = 0x7F            # meter status bits 0-6
_OUT_OF_RANGE: Final = 0x20      # meter status bit 5
_CEILING: Final = 10000          # ppm; the highest number it sends


class SenseairS8(FramedDriver):
    """One S8, asked for each value. Values: co2_ppm and meter_status."""

    baud = 9600
    warm_up_s = 60.0             # no flag exists for it
    frame_every_s = 4.0

    @property
    def poll_every_s(self) -> float | None:
        return 4.0

    def start(self) -> Sequence[Send]:
        """Some units sleep until the first byte."""
        return (Send(_WAKE, 0.005),)

    def ask(self) -> bytes:
        self._forget()
        return READ

    def _scan(self, buffer: bytes, found: list[Frame]) -> int:
        counters, end = self.counters, len(buffer)
        position = 0
        while True:
            start = buffer.find(ANY, position)
            if start < 0:
                counters.skipped += end - position
                return end
            counters.skipped += start - position
            position = start
            if end - start < 3:
                return start
            size = _size_of(buffer[start + 1], buffer[start + 2])
            if size:
                if end - start < size:
                    return start
                data = buffer[start:start + size]
                if crc(data[:-2]) == data[-2:]:
                    position += size
                    counters.in_frames += size
                    frame = _frame_of(data)
                    if frame is None:
                        counters.other += 1
                    else:
                        counters.good += 1
                        found.append(frame)
                    continue
                counters.checksum += 1
            else:
                counters.length += 1
            counters.skipped += 1
            position += 1

    def encode(self, values: Mapping[str, float]) -> bytes:
        status, co2 = word(values.get("meter_status", 0)), word(values.get("co2_ppm", 0))
        return _closed(bytes((ANY, _READ_INPUT, 8)) + status.to_bytes(2, "big") + bytes(4) + co2.to_bytes(2, "big"))

    def answer(self, request: bytes, values: Mapping[str, float]) -> bytes:
        if request.endswith(READ):
            return self.encode(values)
        if request.endswith(READ_CO2_ALONE):
            return _closed(bytes((ANY, _READ_INPUT, 2)) + word(values.get("co2_ppm", 0)).to_bytes(2, "big"))
        if len(request) == 8 and request[0] == ANY and crc(request[:-2]) == request[-2:]:
            return _closed(bytes((ANY, request[1] | _EXCEPTION, 1)))  # illegal function
        return b""


def crc(data: bytes) -> bytes:
    """CRC-16/Modbus (start FFFF, polynomial A001 reflected), low byte first as it travels."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


def _closed(frame: bytes) -> bytes:
    return frame + crc(frame)


def _size_of(function: int, third: int) -> int:
    """Bytes of the frame that begins so, 0 when none does. An echoed question has 8 bytes and begins 04 00."""
    if function == _READ_INPUT:
        return {2: 7, 4: 9, 8: 13, 0: 8}.get(third, 0)
    if function == 0x03:
        return {2: 7, 0: 8}.get(third, 0)
    if function == 0x06:
        return 8
    return 5 if function in (_READ_INPUT | _EXCEPTION, 0x83, 0x86) else 0


def _frame_of(data: bytes) -> Frame | None:
    """The measurement in a whole frame, None when it carries none (echo, exception, another register)."""
    if data[1] != _READ_INPUT or len(data) not in (7, 13):
        return None
    co2 = data[-4] << 8 | data[-3]
    frame = Frame({"co2_ppm": co2})
    if len(data) == 13:
        status = data[3] << 8 | data[4]
        frame.values["meter_status"] = status
        if status & _FAULTS:
            frame.flags = Flag.SENSOR_ERROR
        if status & _OUT_OF_RANGE:
            frame.value_flags["co2_ppm"] = Flag.RANGE
    if co2 >= _CEILING:
        frame.value_flags["co2_ppm"] = frame.value_flags.get("co2_ppm", Flag.NONE) | Flag.SATURATED
    return frame


def _maker(settings: DriverSettings) -> SenseairS8:
    return SenseairS8()


MODELS: Final[Mapping[str, Maker]] = {"s8": _maker}
