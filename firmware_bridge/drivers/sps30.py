"""Sensirion SPS30 particle sensor at its serial port: SHDLC frames after the SPS30 datasheet V1.0, chapter 5."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from classair.model import QUANTITIES, Flag
from firmware_bridge.drivers import LARGEST, DriverSettings, Frame, Maker, Send
from firmware_bridge.drivers._framing import FramedDriver, flag, flag_order, word

EDGE: Final = 0x7E
_EDGE: Final = b"\x7e"
_START, _STOP, _READ, _SLEEP, _WAKE, _CLEAN, _CLEANING, _INFO, _VERSION, _STATUS, _RESET = (
    0x00,
    0x01,
    0x03,
    0x10,
    0x11,
    0x56,
    0x80,
    0xD0,
    0xD1,
    0xD2,
    0xD3,
)
_SERIAL: Final = b"\x03"
_MODES: Final = {_START: "measuring", _STOP: "idle", _SLEEP: "asleep"}

_STUFFED: Final = {raw: bytes((0x7D, raw ^ 0x20)) for raw in (0x7E, 0x7D, 0x11, 0x13)}
_MARK: Final = re.compile(rb"\x7D(.?)", re.DOTALL)
_TO_STUFF: Final = re.compile(rb"[\x7E\x7D\x11\x13]")
# address, command, state, length, 255 data bytes, check; twice that when every byte is stuffed
_LONGEST: Final = 2 * (5 + 255)

_MASS: Final = ("pm1", "pm25", "pm4", "pm10")
_COUNTS: Final = ("nc05", "nc1", "nc25", "nc4", "nc10")
_KEYS: Final = (*_MASS, *_COUNTS, "tps_um")
_FLOATS: Final = struct.Struct(">10f")
_WORDS: Final = struct.Struct(">10H")
_CEILING: Final = 1000.0  # µg/m³, the range the maker specifies
# Beyond what dust is: particles of 0.4 to 1.5 µm weigh 0.05 to 2 pg, so many µg/m³ come from one particle per cm³.
_SMALLEST_UM: Final = 0.2
_LARGEST_UM: Final = 10.0
_LIGHTEST: Final = 0.02
_HEAVIEST: Final = 3.0
_DEVICE_ERROR: Final = 0x80  # bit 7 of the state byte
_NOT_ALLOWED: Final = 0x43
_STATUS_BITS: Final = {21: "fan_speed", 5: "laser", 4: "fan"}
_FAILURES: Final = 1 << 5 | 1 << 4  # laser current out of range, fan does not turn; bit 21 only warns
_PAUSE_S: Final = 0.05  # an answer comes within 20 ms
_SIMULATED_SERIAL: Final = b"5350533330000001\0"


class Settings(DriverSettings):
    """`format` of the numbers: float (every firmware) or uint16 (firmware 2.0 and later, whole numbers)."""

    format: Literal["float", "uint16"] = "float"


class NotStuffed(ValueError):
    """A 7D stands before a byte that is never stuffed."""


def stuffed(data: bytes) -> bytes:
    """What travels between the two 7E."""
    return _TO_STUFF.sub(lambda match: _STUFFED[match[0][0]], data)


def unstuffed(data: bytes) -> bytes:
    """The reverse, in one pass: replacing pair by pair would undo 7D 5D 31 twice. Raises NotStuffed."""

    def plain(match: re.Match[bytes]) -> bytes:
        raw = match[1][0] ^ 0x20 if match[1] else -1
        if raw not in _STUFFED:
            raise NotStuffed
        return bytes((raw,))

    return _MARK.sub(plain, data)


def request(command: int, data: bytes = b"") -> bytes:
    """A command as it travels to the sensor."""
    return _travelling(bytes((0, command, len(data))) + data)


def _travelling(body: bytes) -> bytes:
    return _EDGE + stuffed(body + bytes((~sum(body) & 0xFF,))) + _EDGE


READ: Final = request(_READ)
PULSE: Final = b"\xff"  # wakes the interface; the command must follow within 100 ms


class Sps30(FramedDriver):
    """One SPS30, asked once a second. Read up to the closing 7E: stuffing makes most frames longer than 47 bytes."""

    baud = 115200
    warm_up_s = 30.0  # 8 s in much dust, 30 s in little
    frame_every_s = 1.5

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._opened = False  # the 7E before what is kept closed the frame before and is counted already
        self._starts = 0
        self._failing = False
        self._measuring = self._sleeping = False  # as a simulated sensor
        self._cleaning_s = 604_800

    @property
    def poll_every_s(self) -> float | None:
        return 1.0

    @property
    def speaks(self) -> bool:
        return False

    def start(self) -> Sequence[Send]:
        """From idle to measuring; when that did not help, it may be asleep."""
        self._starts += 1
        return (self._begin(),) if self._starts % 2 else (*_AWAKE, self._begin())

    def ask(self) -> bytes:
        self._forget()
        return READ

    def inquire(self) -> Sequence[Send]:
        return tuple(
            Send(one, _PAUSE_S)
            for one in (request(_INFO, _SERIAL), request(_VERSION), request(_CLEANING, b"\0"), request(_STATUS, b"\0"))
        )

    def sleep(self) -> Sequence[Send]:
        """To idle first: it does not sleep while measuring. Firmware before 2.0 stays idle, its fan off too."""
        return (Send(request(_STOP), _PAUSE_S), Send(request(_SLEEP), _PAUSE_S))

    def wake(self) -> Sequence[Send]:
        self._starts = 1
        return self.start()

    def changes(self, data: bytes) -> str:
        for piece in data.split(_EDGE):
            try:
                body = unstuffed(piece)
            except NotStuffed:
                body = piece
            if body[1:2] == bytes((_CLEANING,)) and len(body) > 5:  # five only ask
                return _cleaning(int.from_bytes(body[4:8], "big"))
            if body[1:2] == bytes((_RESET,)):
                return "device reset"
        return ""

    def kept(self) -> Mapping[str, bytes]:
        """The fan cleans itself after each such time of measuring; the maker's setting is a week."""
        return {
            "device reset": request(_RESET),
            **{
                _cleaning(seconds): request(_CLEANING, b"\0" + seconds.to_bytes(4, "big"))
                for seconds in (0, 86_400, 259_200, 604_800)
            },
        }

    def actions(self) -> Mapping[str, Sequence[Send]]:
        """Cleaning takes 10 s at full speed and is refused while the sensor does not measure."""
        return {
            "start measuring": (self._begin(),),
            "stop measuring": (Send(request(_STOP), _PAUSE_S),),
            "clean fan": (Send(request(_CLEAN), _PAUSE_S),),
            **super().actions(),
        }

    def accepted(self, command: bytes, answer: bytes) -> bool | None:
        wanted = unstuffed(command.strip(_EDGE + PULSE))[1:2]
        for piece in answer.split(_EDGE):
            try:
                body = unstuffed(piece)
            except NotStuffed:
                continue
            whole = len(body) >= 5 and len(body) == body[3] + 5 and ~sum(body[:-1]) & 0xFF == body[-1]
            if whole and body[1:2] == wanted:
                return not body[2] & ~_DEVICE_ERROR
        return None

    def _begin(self) -> Send:
        return Send(request(_START, b"\x01" + (b"\x03" if self._settings.format == "float" else b"\x05")), _PAUSE_S)

    # -- frames --------------------------------------------------------------------------------------------------------

    def _scan(self, buffer: bytes, found: list[Frame]) -> int:
        """Every 7E may end one frame and begin the next: what stands between two of them is a candidate."""
        counters, position = self.counters, 0
        while True:
            edge = position if self._opened else buffer.find(EDGE, position)
            if edge < 0:
                counters.skipped += len(buffer) - position
                return len(buffer)
            counters.skipped += edge - position
            position = edge
            begin = edge if self._opened else edge + 1
            close = buffer.find(EDGE, begin)
            if close < 0:
                if len(buffer) - begin <= _LONGEST:
                    return position
                close = len(buffer)
            if close == begin or close - begin > _LONGEST or not self._whole(buffer[begin:close], found):
                if close - begin > _LONGEST:
                    counters.length += 1
                counters.skipped += close - position
                position, self._opened = close, False
            else:
                counters.in_frames += close + 1 - position
                position, self._opened = close + 1, True

    def _whole(self, content: bytes, found: list[Frame]) -> bool:
        counters = self.counters
        try:
            body = unstuffed(content)
        except NotStuffed:
            counters.checksum += 1
            return False
        answer = len(body) >= 5 and len(body) == body[3] + 5
        # A half-duplex line echoes requests, which have no state byte.
        echo = not answer and 4 <= len(body) == body[2] + 4
        if not answer and not echo:
            counters.length += 1
            return False
        if ~sum(body[:-1]) & 0xFF != body[-1]:
            counters.checksum += 1
            return False
        frame = self._heard(body[1], body[2], body[4:-1]) if answer else None
        if frame is None:
            counters.other += 1
        else:
            counters.good += 1
            found.append(frame)
        return True

    def silence(self) -> list[Frame]:
        """An unfinished frame hides no other: what stands between two 7E is one frame at most."""
        self._forget()
        return []

    def _forget(self) -> None:
        super()._forget()
        self._opened = False

    def _heard(self, command: int, state: int, data: bytes) -> Frame | None:
        about = self.about
        if state & ~_DEVICE_ERROR:
            if command == _START and state & ~_DEVICE_ERROR == _NOT_ALLOWED:
                about.mode = "measuring"  # begun before we came
            else:
                about.notes["refused"] = f"command {command:02X} state {state:02X}"
            return None
        if command == _READ and len(data) in (_FLOATS.size, _WORDS.size):
            return self._measured(state, data)
        if command in _MODES:
            about.mode = _MODES[command]
        elif command == _INFO:
            about.identity = data.partition(b"\0")[0].decode("ascii", "replace")
        elif command == _VERSION and len(data) == 7:
            about.firmware = f"{data[0]}.{data[1]}"
            about.notes["hardware"] = str(data[3])
        elif command == _CLEANING and len(data) == 4:
            about.notes["cleaning_s"] = str(int.from_bytes(data, "big"))
        elif command == _STATUS and len(data) == 5:
            bits = int.from_bytes(data[:4], "big")
            self._failing = bool(bits & _FAILURES)
            about.notes["status"] = " ".join(name for bit, name in _STATUS_BITS.items() if bits >> bit & 1) or "ok"
        return None

    def _measured(self, state: int, data: bytes) -> Frame | None:
        floats = len(data) == _FLOATS.size
        values: tuple[float, ...] = _FLOATS.unpack(data) if floats else _WORDS.unpack(data)
        if not floats:
            values = (*values[:9], values[9] / 1000)
        frame = Frame({key: value for key, value in zip(_KEYS, values, strict=True) if abs(value) < LARGEST})
        for key in _KEYS:
            if key not in frame.values:  # what is no number, or 1e38
                self.about.could_not_read(key)
        if len(frame.values) < len(_KEYS):
            frame.flags |= Flag.ORDER
        if not frame.values:
            return None
        if state:
            frame.values["state"] = state
        if state or self._failing:
            frame.flags |= Flag.SENSOR_ERROR
        flag_order(frame, _MASS)
        flag_order(frame, _COUNTS)
        for key, value in frame.values.items():
            if value < 0:
                flag(frame, (key,), Flag.RANGE)
            elif value > _CEILING and key in _MASS:
                flag(frame, (key,), Flag.SATURATED)
            elif value > QUANTITIES[key].high:
                flag(frame, (key,), Flag.RANGE)
        _judge_sizes(frame)
        frame.doubt_zeros()
        return frame

    # -- as a simulated sensor -----------------------------------------------------------------------------------------

    def encode(self, values: Mapping[str, float]) -> bytes:
        numbers = [values.get(key, 0.0) for key in _KEYS]
        if self._settings.format == "float":
            data = _FLOATS.pack(*numbers)
        else:
            data = _WORDS.pack(*(word(number) for number in (*numbers[:9], numbers[9] * 1000)))
        return _answer(_READ, data, round(values.get("state", 0)) & _DEVICE_ERROR)

    def _command_size(self, data: bytes) -> int:
        close = data.find(EDGE, 1)
        return close + 1 if data[:1] == _EDGE and close > 1 else 0

    def _reply(self, command: bytes, values: Mapping[str, float]) -> bytes:
        try:
            body = unstuffed(command[1:-1])
        except NotStuffed:
            return b""
        if len(body) < 4 or len(body) != body[2] + 4 or ~sum(body[:-1]) & 0xFF != body[-1]:
            return b""
        what, data = body[1], body[3:-1]
        if self._sleeping and what != _WAKE:
            return b""
        if what == _READ:
            return self.encode(values) if self._measuring else _answer(what, b"", _NOT_ALLOWED)
        if what in (_START, _STOP, _SLEEP) and self._measuring != (what == _STOP):
            return _answer(what, b"", _NOT_ALLOWED)
        if what in (_START, _STOP):
            self._measuring = what == _START
        elif what in (_SLEEP, _WAKE):
            self._sleeping = what == _SLEEP
        elif what == _CLEANING and len(data) == 5:
            self._cleaning_s = int.from_bytes(data[1:], "big")
        elif what == _CLEAN and not self._measuring:
            return _answer(what, b"", _NOT_ALLOWED)
        elif what == _RESET:
            self._measuring = False
        told = {
            _INFO: _SIMULATED_SERIAL,
            _VERSION: b"\x02\x02\0\x07\0\x02\0",
            _STATUS: bytes(5),
            _CLEANING: self._cleaning_s.to_bytes(4, "big") if len(data) == 1 else b"",
        }
        return _answer(what, told.get(what, b""))


def _judge_sizes(frame: Frame) -> None:
    """What mass, number and size say of each other: the sensor works all of them out of one distribution."""
    mass, number, size = (frame.values.get(key, 0.0) for key in ("pm25", "nc25", "tps_um"))
    if (
        mass > 1
        and number > 1
        and not (_SMALLEST_UM <= size <= _LARGEST_UM and _LIGHTEST <= mass / number <= _HEAVIEST)
    ):
        frame.flags |= Flag.ORDER


def _answer(command: int, data: bytes, state: int = 0) -> bytes:
    return _travelling(bytes((0, command, state, len(data))) + data)


def _cleaning(seconds: int) -> str:
    return f"fan cleaning every {seconds} s" if seconds else "fan cleaning off"


_AWAKE: Final = (Send(PULSE, 0.02), Send(request(_WAKE), _PAUSE_S))
MODELS: Final[Mapping[str, Maker]] = {"sps30": Sps30}
