"""Boards that print their readings over USB: one JSON object, one row of a table, or key=value pairs a line.

The forms are described in docs/sensors.md. Without a check at its end (`*hh`, the XOR of all bytes before it) a flipped
digit of a line cannot be seen.
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import xor
from typing import Any, Final, Literal

from pydantic import Field as Limits

from classair.model import Flag
from firmware_bridge.drivers import DriverSettings, Frame, Maker
from firmware_bridge.drivers._fieldmap import Field, FieldMap, number_of, printed
from firmware_bridge.drivers._framing import FramedDriver, Steady, flag_order

LONGEST: Final = 1024  # bytes of a line
_ANSI: Final = re.compile(rb"\x1B(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
_CHECK: Final = re.compile(rb"(.*)\*([0-9A-Fa-f]{2})", re.DOTALL)
_PAIR: Final = re.compile(
    r"(?:^|(?<=[\s,;|{('\"]))([^\W\d][\w.]*)['\"]?\s*[:=]\s*['\"]?"
    r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\d.:])(?=\s*([^\s\d,;:=|'\"][^\s,;:=|'\"]*)?)"
)
_SEPARATORS: Final = (",", ";", "\t")
_MASSES: Final = ("pm1", "pm25", "pm4", "pm10")
_ABSENT: Final = frozenset(("", "nan", "null", "none", "inf", "-inf", "infinity", "-infinity", "-"))
_IDENTITY: Final = re.compile(r"[\x21-\x7E]{1,64}")


class Settings(DriverSettings):
    """What the board prints. `fields`: key in the line → quantity, or {quantity, unit} where the units differ.

    `columns` (table only): the names of the columns from left to right; without it a line of names is waited for.
    `check`: required refuses lines without `*hh`. `warm_up_s` counts from power-on, or by the board's own `up_ms`.
    """

    baud: Literal[9600, 19200, 38400, 57600, 74880, 115200, 230400, 460800, 921600] = 115200
    fields: dict[str, Field] = Limits(default={})
    columns: list[str] = Limits(default=[])
    check: Literal["optional", "required"] = "optional"
    every_s: float = Limits(default=10.0, gt=0, le=60)
    warm_up_s: float = Limits(default=30.0, ge=0, le=3600)


class LineRejected(ValueError):
    """A line that holds no reading and no known names: boot text, a log, damage."""


class WrongCheck(LineRejected):
    """The check at the end of the line is not that of the line."""


class TextLines(FramedDriver):
    """One board. Values whose key is not in the map are left out; what a line does not say is absent."""

    _check_lasts = True
    """A board that once wrote a check writes it always: a line without one has lost it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.baud: int = settings.baud
        self.warm_up_s = settings.warm_up_s
        self.frame_every_s = settings.every_s
        self._check_required = settings.check == "required"
        self._map = FieldMap(settings.fields)
        self._cut = False  # the line being received has lost its beginning, for being too long
        self._id = Steady()
        self._sequence: int | None = None
        self._up_ms: float | None = None

    def _scan(self, buffer: bytes, found: list[Frame]) -> int:
        position = 0
        while (end := buffer.find(b"\n", position)) >= 0:
            self._line(buffer[position : end + 1], found)
            position = end + 1
        surplus = len(buffer) - position - LONGEST
        if surplus > 0:
            # What is written behind a lot of noise is a whole line's end all the same, so the newest bytes are kept.
            self._cut = True
            self.counters.skipped += surplus
            position += surplus
        return position

    def _line(self, line: bytes, found: list[Frame]) -> None:
        counters = self.counters
        surplus = len(line) - 1 - LONGEST
        if surplus > 0:
            self._cut = True
            counters.skipped += surplus
            line = line[surplus:]
        cut, self._cut = self._cut, False
        try:
            size, frame = self._read(line, cut)
        except LineRejected as refused:
            counters.skipped += len(line)
            if isinstance(refused, WrongCheck):
                counters.checksum += 1
            elif line.strip():
                counters.length += 1
            if line.strip():
                self._count("lines_skipped")
            return
        counters.skipped += len(line) - size
        counters.in_frames += size
        if frame is None:
            counters.other += 1
        else:
            counters.good += 1
            found.append(frame)

    def silence(self) -> list[Frame]:
        """A line without its end is unfinished, and whole lines do not wait here."""
        self._forget()
        self._cut = False
        return []

    def _read(self, line: bytes, cut: bool) -> tuple[int, Frame | None]:
        """The bytes of the line that count as a frame (up to its end), and the reading. Raises LineRejected."""
        if cut:
            raise LineRejected
        text = self._checked(_ANSI.sub(b"", line).strip(b" \r\n"))  # a tab may be an empty field's edge
        try:
            return len(line), self._parsed(text.decode("utf-8"))
        except UnicodeDecodeError:
            raise LineRejected from None

    def _checked(self, body: bytes) -> bytes:
        """The line without its check. Raises LineRejected when that is wrong, or missing though required."""
        match = _CHECK.fullmatch(body)
        if match is None:
            if self._check_required:
                raise LineRejected
            return body
        if reduce(xor, match[1], 0) != int(match[2], 16):
            raise WrongCheck
        self._check_required |= self._check_lasts
        return match[1]

    def _parsed(self, text: str) -> Frame | None:
        """The reading in a line of text, None when it is well formed but holds none. Raises LineRejected."""
        pairs = list(self._pairs(text))
        values: dict[str, float] = {}
        for key, given, unit in pairs:
            self._map.put(values, key, given, unit)
        own = {key.lower(): given for key, given, _ in pairs}
        if not values:
            if not any(self._map.knows(key) for key, _, _ in pairs):
                raise LineRejected
            return None
        frame = Frame(values)
        flag_order(frame, _MASSES)
        frame.doubt_zeros()
        self._hear(own, frame)
        return frame

    @abstractmethod
    def _pairs(self, text: str) -> Iterator[tuple[str, Any, str]]:
        """Key, value and unit ("" when none stands there) of all that the line says. Raises LineRejected."""

    def _hear(self, own: Mapping[str, Any], frame: Frame) -> None:
        """`id`, `fw`, `seq` (loss and restart) and `up_ms` (restart, warming up), where the line has them."""
        name, firmware = (_named(own.get(key)) for key in ("id", "fw"))
        if name:
            if self._id.departs(name):
                self.about.notes["other_id"] = name
                frame.flags |= Flag.ORDER
            self.about.identity = str(self._id.known)
        self.about.firmware = firmware or self.about.firmware
        restarted = False
        up_ms = number_of(own.get("up_ms"))
        if up_ms is not None:
            before, self._up_ms = self._up_ms, up_ms
            restarted = before is not None and up_ms < before
            if 0 <= up_ms < self.warm_up_s * 1000 and up_ms != before:  # a counter that stands still says nothing
                frame.flags |= Flag.WARMUP
        number = number_of(own.get("seq"))
        if number is not None:
            if self._sequence is not None and not restarted:
                restarted = number < self._sequence
                if number > self._sequence + 1:
                    self._count("lines_lost", int(number) - self._sequence - 1)
            self._sequence = int(number)
        if restarted:
            self._count("restarts")

    def _count(self, what: str, more: int = 1) -> None:
        self.about.notes[what] = str(int(self.about.notes.get(what, "0")) + more)

    def _printed(self, values: Mapping[str, float]) -> dict[str, float]:
        return {key: printed(values.get(field.quantity, 0.0), field) for key, field in self._map.written}

    def encode(self, values: Mapping[str, float]) -> bytes:
        return _closed(json.dumps(self._printed(values), separators=(",", ":")))


class JsonLines(TextLines):
    """`{"pm25":18.2,"rh":62.1}`, one object a line."""

    _check_lasts = False  # nothing can follow an object unseen

    def _read(self, line: bytes, cut: bool) -> tuple[int, Frame | None]:
        """Also an object behind the rest of something else: two sketches may print into one line."""
        body = _ANSI.sub(b"", line).strip()
        refused = LineRejected()
        for match in re.finditer(rb"\{", body):
            try:
                frame = self._parsed(self._checked(body[match.start() :]).decode("utf-8"))
            except LineRejected as why:
                refused = why if match.start() == 0 else refused
                continue
            except UnicodeDecodeError:
                continue
            return len(line) - max(0, line.rfind(body[match.start() :])), frame
        raise refused

    def _pairs(self, text: str) -> Iterator[tuple[str, Any, str]]:
        try:
            # Each pair on its own, so that of doubled keys the last one holds whatever its case.
            said = json.loads(text, object_pairs_hook=_Object)
        except (ValueError, RecursionError):
            raise LineRejected from None
        if not isinstance(said, _Object):
            raise LineRejected
        for key, given in said:
            yield key, given, ""


class _Object(list[tuple[str, Any]]):
    """A JSON object as its pairs, told from a list."""


class CsvLines(TextLines):
    """`18.2,24.9,811`, with configured columns or a line of names before; separated by comma, semicolon or tab."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._configured = bool(settings.columns)
        self._columns = [name.strip() for name in settings.columns]

    def _checked(self, body: bytes) -> bytes:
        required = self._check_required
        plain = super()._checked(body)
        if self._check_required and not required and not self._configured:
            self._columns = []  # names from a line that had lost its check
        return plain

    def _pairs(self, text: str) -> Iterator[tuple[str, Any, str]]:
        separator = max(_SEPARATORS, key=text.count)
        fields = [field.strip().strip('"') for field in text.split(separator)]
        named = [self._map.knows(field) for field in fields]
        if any(named) and not any(number_of(field) is not None for field in fields):
            if not self._configured:
                self._columns = fields
            return ((name, None, "") for name in fields)
        if len(fields) != len(self._columns):
            raise LineRejected
        if any(
            number_of(field) is None and field.lower() not in _ABSENT and self._map.knows(name)
            for name, field in zip(self._columns, fields, strict=True)
        ):
            raise LineRejected
        return ((name, field, "") for name, field in zip(self._columns, fields, strict=True) if name)

    def encode(self, values: Mapping[str, float]) -> bytes:
        if self._configured:
            fields = [self._map.field(name) for name in self._columns]
            return _closed(
                ",".join(str(printed(values.get(field.quantity, 0.0), field)) if field else "" for field in fields)
            )
        said = self._printed(values)
        return _closed(",".join(said)) + _closed(",".join(str(value) for value in said.values()))


class PairLines(TextLines):
    """`PM2.5: 18 ug/m3  PM10: 24 ug/m3` or `pm25=18 pm10=24`; text between the pairs is passed over."""

    def _pairs(self, text: str) -> Iterator[tuple[str, Any, str]]:
        for match in _PAIR.finditer(text):
            yield match[1], match[2], match[3] or ""
        for match in re.finditer(r"\b(id|fw)\s*[:=]\s*['\"]?([^\s,;'\"]+)", text):
            yield match[1], match[2], ""

    def encode(self, values: Mapping[str, float]) -> bytes:
        return _closed(" ".join(f"{key}={value}" for key, value in self._printed(values).items()) + " ")


def _named(told: object) -> str:
    return told if isinstance(told, str) and _IDENTITY.fullmatch(told) else ""


def _closed(text: str) -> bytes:
    data = text.encode()
    return data + b"*%02X\n" % reduce(xor, data, 0)


MODELS: Final[Mapping[str, Maker]] = {"json-lines": JsonLines, "csv-lines": CsvLines, "text-lines": PairLines}
