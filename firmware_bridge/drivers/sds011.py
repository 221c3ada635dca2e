"""Nova SDS011, SDS018 and SDS021 particle sensors. Frames after the Laser Dust Sensor Control Protocol V1.3."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from pydantic import Field, field_validator

from classair.model import Flag
from firmware_bridge.drivers import DriverSettings, Frame, Maker, Send
from firmware_bridge.drivers._framing import MORE, CandidateDriver, Steady, flag, flag_order, word

SIZE: Final = 10
COMMAND_SIZE: Final = 19
_HEAD, _TAIL, _COMMAND = 0xAA, 0xAB, 0xB4
_MEASUREMENT, _REPLY, _PM100 = 0xC0, 0xC5, 0xCF
_MODE, _QUERY, _SET_ID, _SLEEP, _FIRMWARE, _PERIOD = 2, 4, 5, 6, 7, 8
_READ, _WRITE = 0, 1

_CEILINGS: Final = {"pm25": 999.9, "pm10": 1999.9}  # µg/m³; the highest numbers seen
_HIGHEST_PERIOD: Final = 30  # minutes
_PAUSE_S: Final = 0.1  # the reply takes some 40 ms
_SIMULATED_ID: Final = b"\x58\xd9"


ANY: Final = b"\xff\xff"  # the id to which every sensor on the line listens


class Settings(DriverSettings):
    """`address`: only the sensor with this device id is spoken to, as `identity` shows it; else whatever is there."""

    address: Annotated[str, Field(pattern=r"^([0-9A-F]{4})?$", description="device id, four hexadecimal digits")] = ""

    @field_validator("address", mode="before")
    @classmethod
    def _digits(cls, value: object) -> object:
        # YAML takes 5801 for a number.
        return f"{value:04}" if isinstance(value, int) else value.upper() if isinstance(value, str) else value


def command(what: int, how: int = 0, value: int = 0, device: bytes = ANY) -> bytes:
    """A command for one sensor, or whatever is on the line; 19 bytes."""
    body = bytes((what, how, value)) + bytes(10) + device
    return bytes((_HEAD, _COMMAND)) + body + bytes((sum(body) & 0xFF, _TAIL))


READ_ONCE: Final = command(_QUERY)
READ_MODE: Final = command(_MODE, _READ)
READ_PERIOD: Final = command(_PERIOD, _READ)
READ_FIRMWARE: Final = command(_FIRMWARE)
STREAM: Final = command(_MODE, _WRITE, 0)
QUERY_MODE: Final = command(_MODE, _WRITE, 1)
SLEEP: Final = command(_SLEEP, _WRITE, 0)
WORK: Final = command(_SLEEP, _WRITE, 1)


class Sds011(CandidateDriver):
    """One SDS. Its mode survives power-off, so it is read and followed, never set."""

    STARTS = re.compile(b"\xaa")
    baud = 9600
    warm_up_s = 30.0

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._device = bytes.fromhex(settings.address) or ANY
        self._starts = 0
        self._asked_for = False  # query mode
        self._period_min = 0  # 0: works all the time
        self._id = Steady()
        self._plays = {_MODE: 0, _SLEEP: 1, _PERIOD: 0}  # as a simulated sensor
        self._is = _SIMULATED_ID if self._device == ANY else self._device

    @property
    def frame_every_s(self) -> float:
        """One to two seconds; with a working period one report each period."""
        return self._period_min * 60.0 or (3.0 if self._asked_for else 1.5)

    @property
    def poll_every_s(self) -> float | None:
        """Only in query mode, and no more often than the sensor allows."""
        return (self._period_min * 60.0 or 3.0) if self._asked_for else None

    @property
    def speaks(self) -> bool:
        return bool(self._plays[_SLEEP]) and not self._plays[_MODE]

    def start(self) -> Sequence[Send]:
        """Reads mode and period, which alone wakes most sleepers; a sensor that stays silent is told to work."""
        self._starts += 1
        work = self.wake() if self._starts % 2 == 0 else ()
        return (*work, *(Send(self._for(what), _PAUSE_S) for what in (READ_MODE, READ_PERIOD)))

    def ask(self) -> bytes:
        if not self._asked_for:
            return b""
        self._forget()
        return self._for(READ_ONCE)

    def inquire(self) -> Sequence[Send]:
        return tuple(Send(self._for(what), _PAUSE_S) for what in (READ_FIRMWARE, READ_MODE, READ_PERIOD))

    def sleep(self) -> Sequence[Send]:
        return (Send(self._for(SLEEP), _PAUSE_S),)

    def wake(self) -> Sequence[Send]:
        return (Send(self._for(WORK), 0.5),)

    def _for(self, any_sensors: bytes) -> bytes:
        """A command to whatever is on the line, for this sensor."""
        what, how, value = any_sensors[2:5]
        return command(what, how, value, self._device)

    def changes(self, data: bytes) -> str:
        """Mode, period and id written, with any value and even with a wrong sum; reading them passes."""
        for match in re.finditer(rb"\xAA\xB4([\x02\x08]\x01|\x05.)(.?)", data, re.DOTALL):
            what, value = match[1][0], (match[2] or b"\0")[0]
            if what == _MODE:
                return "query mode" if value else "stream mode"
            if what == _PERIOD:
                return f"working period {value} min" if value else "work continuously"
            return "set id"
        return ""

    def kept(self) -> Mapping[str, bytes]:
        """The id stays what it is: nothing here sets it."""
        period = {n: command(_PERIOD, _WRITE, n, self._device) for n in range(_HIGHEST_PERIOD + 1)}
        return {
            "stream mode": self._for(STREAM),
            "query mode": self._for(QUERY_MODE),
            "work continuously": period.pop(0),
            **{f"working period {n} min": one for n, one in period.items()},
        }

    def accepted(self, command: bytes, answer: bytes) -> bool | None:
        """The reply repeats what was written, with the sensor's own id; a sensor that is asked for a value sends it."""
        said: bool | None = None
        for start in range(len(answer) - SIZE + 1):
            frame = answer[start : start + SIZE]
            if frame[0] != _HEAD or not self._intact(frame) or self._device not in (ANY, frame[6:8]):
                continue
            if frame[1] == _REPLY and frame[2] == command[2]:
                said = frame[3:5] == command[3:5]
        return said

    def _size_at(self, buffer: bytes, start: int) -> int:
        if len(buffer) - start < 2:
            return MORE
        return SIZE if buffer[start + 1] in (_MEASUREMENT, _REPLY, _PM100) else 0

    def _intact(self, frame: bytes) -> bool:
        return frame[9] == _TAIL and sum(frame[2:8]) & 0xFF == frame[8]

    def _taken(self, frame: bytes) -> Frame | None:
        if frame[1] == _MEASUREMENT:
            return self._measured(frame)
        if frame[1] == _REPLY:
            self._heard(frame[2], frame[4], frame[5], frame[3])
            if frame[2] in (_MODE, _QUERY, _SLEEP, _FIRMWARE, _PERIOD):
                self._who(frame[6:8])
        return None

    def _measured(self, data: bytes) -> Frame:
        frame = Frame({"pm25": (data[2] | data[3] << 8) / 10, "pm10": (data[4] | data[5] << 8) / 10})
        flag_order(frame, ("pm25", "pm10"))
        for key, ceiling in _CEILINGS.items():
            if frame.values[key] >= ceiling:
                # Nothing above was ever seen from a sound sensor.
                flag(frame, (key,), Flag.SATURATED | (Flag.RANGE if frame.values[key] > ceiling + 0.05 else Flag.NONE))
        frame.doubt_zeros()
        if self._who(data[6:8]):
            frame.flags |= Flag.ORDER
        return frame

    def _who(self, number: bytes) -> bool:
        """Whether another id speaks than before: two sensors on one line, or a damaged frame."""
        departs = self._id.departs(number)
        if departs:
            self.about.notes["other_id"] = number.hex().upper()
        elif isinstance(self._id.known, bytes):
            self.about.identity = self._id.known.hex().upper()
        return departs

    def _heard(self, what: int, value: int, third: int, second: int) -> None:
        """A reply about a setting: c1, then get or set, then the value (for the firmware: year, month, day)."""
        if what == _FIRMWARE:
            self.about.firmware = f"20{second:02}-{value:02}-{third:02}"
        elif what == _MODE:
            self._asked_for = value == 1
        elif what == _PERIOD:
            self._period_min = value if value <= _HIGHEST_PERIOD else 0
        if what in (_MODE, _PERIOD):
            period = f", period {self._period_min} min" if self._period_min else ""
            self.about.mode = ("query" if self._asked_for else "stream") + period
        elif what == _SLEEP and not value:
            self.about.mode = "asleep"

    def encode(self, values: Mapping[str, float]) -> bytes:
        fine, coarse = (word(values.get(key, 0) * 10).to_bytes(2, "little") for key in ("pm25", "pm10"))
        return _closed(_MEASUREMENT, fine + coarse, self._is)

    def _command_size(self, data: bytes) -> int:
        whole = len(data) >= COMMAND_SIZE and data[:2] == bytes((_HEAD, _COMMAND)) and data[18] == _TAIL
        return COMMAND_SIZE if whole and sum(data[2:17]) & 0xFF == data[17] else 0

    def _reply(self, command: bytes, values: Mapping[str, float]) -> bytes:
        if command[15:17] not in (ANY, self._is):
            return b""
        what, how, value = command[2:5]
        asleep = not self._plays[_SLEEP]
        self._plays[_SLEEP] = 1  # any command wakes it
        if what == _QUERY:
            return self.encode(values) if not asleep else b""
        if what == _FIRMWARE:
            return _closed(_REPLY, bytes((what, 18, 11, 16)), self._is)
        if what not in self._plays:
            return b""
        if how == _WRITE:
            self._plays[what] = value
        return _closed(_REPLY, bytes((what, how, self._plays[what], 0)), self._is)


def _closed(kind: int, body: bytes, device: bytes) -> bytes:
    body += device
    return bytes((_HEAD, kind)) + body + bytes((sum(body) & 0xFF, _TAIL))


MODELS: Final[Mapping[str, Maker]] = {"sds011": Sds011, "sds018": Sds011, "sds021": Sds011}
