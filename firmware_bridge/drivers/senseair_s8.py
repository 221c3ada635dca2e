"""Senseair S8 CO2 sensor: Modbus RTU after TDE2067 "Modbus on Senseair S8" and PSP103."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from pydantic import Field as Limits
from pydantic import field_validator

from classair.model import Flag
from firmware_bridge.drivers import DriverSettings, Frame, Maker, Send
from firmware_bridge.drivers._framing import MORE, CandidateDriver, word

ANY: Final = 0xFE  # the address every S8 answers to
_READ_INPUT, _READ_HOLDING, _WRITE_ONE, _WRITE_SOME = 0x04, 0x03, 0x06, 0x10
_EXCEPTION: Final = 0x80


def crc(data: bytes) -> bytes:
    """CRC-16/Modbus (start FFFF, polynomial A001 reflected), low byte first as it travels."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC: Final = tuple(_crc_of(byte) for byte in range(256))


def closed(frame: bytes) -> bytes:
    return frame + crc(frame)


class Settings(DriverSettings):
    """`address`: its Modbus address, where several share a line; 254 is the one that every S8 answers to."""

    address: Annotated[
        int, Limits(ge=1, le=ANY, description="Modbus address, 1 to 247; 254 for whatever is on the line")
    ] = ANY

    @field_validator("address")
    @classmethod
    def _no_reserved(cls, value: int) -> int:
        if 247 < value < ANY:
            raise ValueError("248 to 253 are reserved; expected 1 to 247, or 254 for whatever is on the line")
        return value


def request(function: int, register: int, value: int, address: int = ANY) -> bytes:
    """Reads `value` registers from `register` (counted from 0), or writes `value` into it."""
    return closed(bytes((address, function)) + register.to_bytes(2, "big") + value.to_bytes(2, "big"))


# Status and CO2 in one question: a value without its status may come from a sensor that declares a fault.
READ: Final = request(_READ_INPUT, 0, 4)
READ_CO2_ALONE: Final = request(_READ_INPUT, 3, 1)
# IR29 to IR31 in one question: an answer does not say which register it is about, but this one has a length of its own,
# while firmware alone would look like a CO2 value.
READ_IDENTITY: Final = request(_READ_INPUT, 0x1C, 3)
READ_ABC: Final = request(_READ_HOLDING, 0x1F, 1)
_WAKE: Final = b"\0"

_COMMAND_REGISTER, _ABC_REGISTER = 0x01, 0x1F
_CALIBRATIONS: Final = {0x7C06: "background calibration", 0x7C07: "zero calibration"}
_FAULTS: Final = 0x7F  # meter status bits 0-6
_OUT_OF_RANGE: Final = 0x20  # meter status bit 5
_CEILING: Final = 10000  # ppm; the highest number it sends
_PAUSE_S: Final = 0.2
_SIMULATED_ID: Final = bytes.fromhex("0106001E4C2B")  # firmware 1.6, sensor id


class SenseairS8(CandidateDriver):
    """One S8, asked for each value. Values: co2_ppm and meter_status."""

    baud = 9600
    warm_up_s = 60.0  # no flag exists for it
    frame_every_s = 4.0

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._address = settings.address
        self.STARTS = re.compile(re.escape(bytes((self._address,))))  # type: ignore[misc]
        self._abc_h = 180  # as a simulated sensor

    @property
    def poll_every_s(self) -> float | None:
        return 4.0

    @property
    def speaks(self) -> bool:
        return False

    def start(self) -> Sequence[Send]:
        """Some units sleep until the first byte."""
        return (Send(_WAKE, 0.005),)

    def ask(self) -> bytes:
        self._forget()
        return self._for(READ)

    def inquire(self) -> Sequence[Send]:
        return (Send(_WAKE, 0.005), *(Send(self._for(what), _PAUSE_S) for what in (READ_IDENTITY, READ_ABC)))

    def _for(self, anybody: bytes) -> bytes:
        """A question or command to any S8, for the one at this address."""
        return closed(bytes((self._address,)) + anybody[1:-2])

    def changes(self, data: bytes) -> str:
        """Every register written, by whatever address and with any value; only clearing HR1 changes nothing kept."""
        for match in re.finditer(rb"(?=(.)([\x06\x10])(..)(..)(.{0,4}))", data, re.DOTALL):
            several = match[2][0] == _WRITE_SOME
            size = 9 + 2 * int.from_bytes(match[4], "big") if several else 8
            whole = data[match.start() : match.start() + size]
            # Bytes that only look so inside a question are told from a command by their check.
            if match[1][0] not in (ANY, self._address) and crc(whole[:-2]) != whole[-2:]:
                continue
            register = int.from_bytes(match[3], "big")
            value = int.from_bytes(match[5][1:3] if several else match[4], "big")
            if register == _COMMAND_REGISTER:
                return _CALIBRATIONS.get(value, f"special command {value:04X}")
            if register == _ABC_REGISTER:
                return f"abc {value} h" if value else "abc off"
            if register or several:
                return f"register {register + 1}"
        return ""

    def kept(self) -> Mapping[str, bytes]:
        """Background calibration takes the air of this moment as 400 ppm, zero calibration as free of CO2."""
        at = self._address
        return {
            "abc 180 h": request(_WRITE_ONE, _ABC_REGISTER, 180, at),
            "abc off": request(_WRITE_ONE, _ABC_REGISTER, 0, at),
            **{name: request(_WRITE_ONE, _COMMAND_REGISTER, what, at) for what, name in _CALIBRATIONS.items()},
        }

    def accepted(self, command: bytes, answer: bytes) -> bool | None:
        """A write is answered by its echo, a refusal by an exception."""
        if command in answer:
            return True
        at = answer.find(bytes((command[0], command[1] | _EXCEPTION)))
        return False if at >= 0 and crc(answer[at : at + 3]) == answer[at + 3 : at + 5] else None

    def _size_at(self, buffer: bytes, start: int) -> int:
        return _size_of(buffer[start + 1], buffer[start + 2]) if len(buffer) - start >= 3 else MORE

    def _intact(self, frame: bytes) -> bool:
        return crc(frame[:-2]) == frame[-2:]

    def _taken(self, frame: bytes) -> Frame | None:
        about = self.about
        if frame[1] == _READ_INPUT and len(frame) in (7, 13):
            return _frame_of(frame)
        if frame[1:3] == b"\x04\x06":
            about.firmware = f"{frame[3]}.{frame[4]}"
            about.identity = frame[5:9].hex().upper()
        elif frame[1:3] == b"\x04\x04":
            about.identity = frame[3:7].hex().upper()
        elif frame[1:3] == b"\x03\x02":
            about.notes["abc_hours"] = str(frame[3] << 8 | frame[4])
        elif frame[1] & _EXCEPTION:
            about.notes["refused"] = f"function {frame[1] & 0x7F:02X} code {frame[2]:02X}"
        return None

    def encode(self, values: Mapping[str, float]) -> bytes:
        status, co2 = word(values.get("meter_status", 0)), word(values.get("co2_ppm", 0))
        return closed(
            bytes((self._address, _READ_INPUT, 8)) + status.to_bytes(2, "big") + bytes(4) + co2.to_bytes(2, "big")
        )

    def _command_size(self, data: bytes) -> int:
        return 8 if len(data) >= 8 and data[0] in (ANY, self._address) and crc(data[:6]) == data[6:8] else 0

    def _reply(self, command: bytes, values: Mapping[str, float]) -> bytes:
        at, question = command[0], closed(bytes((ANY,)) + command[1:-2])
        if question == READ:
            return self.encode(values)
        if question == READ_CO2_ALONE:
            return closed(bytes((at, _READ_INPUT, 2)) + word(values.get("co2_ppm", 0)).to_bytes(2, "big"))
        if question == READ_IDENTITY:
            return closed(bytes((at, _READ_INPUT, 6)) + _SIMULATED_ID)
        if question == READ_ABC:
            return closed(bytes((at, _READ_HOLDING, 2)) + self._abc_h.to_bytes(2, "big"))
        if command[1] == _WRITE_ONE and int.from_bytes(command[2:4], "big") == _ABC_REGISTER:
            self._abc_h = int.from_bytes(command[4:6], "big")
            return command
        return closed(bytes((at, command[1] | _EXCEPTION, 1)))  # illegal function


def _size_of(function: int, third: int) -> int:
    """Bytes of the frame that begins so, 0 when none does. An echoed question has 8 bytes and begins 04 00."""
    if function == _READ_INPUT:
        return {2: 7, 4: 9, 6: 11, 8: 13, 0: 8}.get(third, 0)
    if function == _READ_HOLDING:
        return {2: 7, 0: 8}.get(third, 0)
    if function == _WRITE_ONE:
        return 8
    return 5 if function in (_READ_INPUT | _EXCEPTION, _READ_HOLDING | _EXCEPTION, _WRITE_ONE | _EXCEPTION) else 0


def _frame_of(data: bytes) -> Frame:
    """The measurement in an answer with CO2 alone, or with the status before it."""
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


MODELS: Final[Mapping[str, Maker]] = {"s8": SenseairS8}
