"""Boards that print their readings over USB: one JSON object, one row of a table, or key=value pairs a line.

The forms are described in docs/sensors.md. Without a check at its end (`*hh`, the XOR of all bytes before it) a flipped
digit of a line cannot be seen.
"""

from __future__ import annotations

import csv
import json
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import xor
from typing import Any, Final, Literal, NamedTuple

from pydantic import Field as Limits

from classair.model import Flag
from classair.parsing.json_objects import NotReadable, read_pairs
from classair.parsing.numbers import plain_text, says_nothing
from firmware_bridge.drivers import DriverSettings, Frame, Maker
from firmware_bridge.drivers._fieldmap import Field, FieldMap, number_of, printed
from firmware_bridge.drivers._framing import FramedDriver, Steady, flag_order
from firmware_bridge.drivers._sketches import BEFORE_SIGN, NAMES, STANDARD, Sketch, heading

_END: Final = re.compile(rb"\n|(?<=[^\r\n])\r(?=[^\r\n])")
LONGEST: Final = 1024  # bytes of a line
_ANSI: Final = re.compile(rb"\x1B(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
_CHECK: Final = re.compile(rb"(.*)\*([0-9A-Fa-f]{2})", re.DOTALL)
_SEPARATORS: Final = (";", "\t", ",")  # a comma beside another separator is a decimal one
_MASSES: Final = ("pm1", "pm25", "pm4", "pm10")
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
        self._bare = False  # lines end with a carriage return alone
        self._cut = False  # the line being received has lost its beginning, for being too long
        self._id = Steady()
        self._sequence: int | None = None
        self._up_ms: float | None = None

    def _scan(self, buffer: bytes, found: list[Frame]) -> int:
        position = 0
        for end in self._ends(buffer):
            self._line(buffer[position:end], found)
            position = end
        surplus = len(buffer) - position - LONGEST
        if surplus > 0:
            # What is written behind a lot of noise is a whole line's end all the same, so the newest bytes are kept.
            self._cut = True
            self.counters.skipped += surplus
            position += surplus
        return position

    def _ends(self, buffer: bytes) -> Iterator[int]:
        """Behind each line. Lines end with a line feed; two bare carriage returns without one end lines as well."""
        bare: list[int] = []
        for match in _END.finditer(buffer):
            if match[0] == b"\n":
                self._bare = False
                yield match.end()
                bare = []
            elif self._bare:
                yield match.end()
            else:
                bare.append(match.end())
                if len(bare) > 1:
                    self._bare = True
                    yield from bare

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
        if frame is None:
            counters.in_frames += size
            counters.other += 1
        else:
            self._take(frame, size, found)

    def _take(self, frame: Frame, size: int, found: list[Frame]) -> None:
        self.counters.in_frames += size
        flag_order(frame, _MASSES)
        frame.doubt_zeros()
        self.counters.good += 1
        found.append(frame)

    def silence(self) -> list[Frame]:
        """A line without its end is unfinished; what ends with a bare carriage return is none."""
        found: list[Frame] = []
        if self._bare and self._rest.endswith(b"\r"):
            self._line(self._rest, found)
            self._rest = b""
        self._forget()
        self._cut = False
        return found

    def _read(self, line: bytes, cut: bool) -> tuple[int, Frame | None]:
        """The bytes of the line that count as a frame (up to its end), and the reading. Raises LineRejected."""
        if cut:
            raise LineRejected
        text = self._checked(_ANSI.sub(b"", line).strip(b" \r\n"))  # a tab may be an empty field's edge
        return len(line), self._parsed(plain_text(text.decode("utf-8", "replace")))

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
        unread = [key for key, given, unit in pairs if not self._map.put(values, key, given, unit)]
        if not values and not any(self._map.knows(key) and self._no_value(given) for key, given, _ in pairs):
            raise LineRejected
        for key in unread:
            self.about.could_not_read(key)
        if not values:
            return None
        frame = Frame(values)
        self._hear({key.lower(): given for key, given, _ in pairs}, frame)
        return frame

    def _no_value(self, given: Any) -> bool:
        """Whether what stands beside a known name makes the line a reading's, although it is no value."""
        return True

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
                frame = self._parsed(self._checked(body[match.start() :]).decode("utf-8", "replace"))
            except LineRejected as why:
                refused = why if match.start() == 0 else refused
                continue
            return len(line) - max(0, line.rfind(body[match.start() :])), frame
        raise refused

    def _pairs(self, text: str) -> Iterator[tuple[str, Any, str]]:
        try:
            # Each pair on its own, so that of doubled keys the last one holds whatever its case.
            said = read_pairs(text, _Object)
        except NotReadable:
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
        rows = [_split(text, sign) for sign in _SEPARATORS if sign in text] or [[text]]
        fields = next((row for row in rows if len(row) == len(self._columns)), rows[0])
        named = [self._map.knows(field) for field in fields]
        if any(named) and not any(number_of(field) is not None for field in fields):
            if not self._configured:
                self._columns = fields
            return ((name, None, "") for name in fields)
        if len(fields) != len(self._columns):
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


def _split(text: str, separator: str) -> list[str]:
    """The fields of a row, also in quotes. Raises LineRejected."""
    try:
        return [field.strip() for field in next(csv.reader([text], delimiter=separator, skipinitialspace=True), [])]
    except csv.Error:
        raise LineRejected from None


class _Word(NamedTuple):
    """What stands in the place of a number and is none."""

    said: str


class PairLines(TextLines):
    """`PM2.5: 18 ug/m3  PM10: 24 ug/m3`, `PM 2.5 (ug/m3): 7`, `pm25=18 pm10=24`; other text is passed over.

    Lines with one value each are a block: one reading, ended by an empty line, a name that comes again, or a pause.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._map = FieldMap(settings.fields, {**NAMES, **BEFORE_SIGN})
        self._sketch = Sketch(self._map.keys)
        self._block: Frame | None = None
        self._held = 0  # bytes of its lines
        self._standard = False  # below a heading "(standard)": the words of CF=1

    def _line(self, line: bytes, found: list[Frame]) -> None:
        if not line.strip():
            self._end_block(found)
            self._standard = False
        super()._line(line, found)

    def _take(self, frame: Frame, size: int, found: list[Frame]) -> None:
        if self._block and (len(frame.values) > 1 or self._block.values.keys() & frame.values.keys()):
            self._end_block(found)
        if len(frame.values) > 1:
            super()._take(frame, size, found)
            return
        if self._block:
            self._block.values.update(frame.values)
            self._block.flags |= frame.flags
        else:
            self._block = frame
        self._held += size

    def _end_block(self, found: list[Frame]) -> None:
        if self._block:
            super()._take(self._block, self._held, found)
        self._block, self._held = None, 0

    @property
    def pending(self) -> int:
        return super().pending + self._held

    def silence(self) -> list[Frame]:
        found: list[Frame] = []
        self._end_block(found)
        return found + super().silence()

    def _pairs(self, text: str) -> Iterator[tuple[str, Any, str]]:
        pairs = list(self._sketch.pairs(text))
        if not any(pair.numeric for pair in pairs) and (standard := heading(text)) is not None:
            self._standard = standard
        for name, given, unit, numeric in pairs:
            field = self._map.field(name)
            cf1 = field is not None and (self._standard or heading(unit) is True)
            yield (
                STANDARD.get(field.quantity, name) if cf1 and field else name,
                given if numeric else _Word(given),
                unit,
            )
        for match in re.finditer(r"\b(id|fw)\s*[:=]\s*['\"]?([^\s,;'\"]+)", text):
            yield match[1], match[2], ""

    def _no_value(self, given: Any) -> bool:
        # A number that could be two (1,234) is one that was not read; another word is the text of a log.
        return not isinstance(given, _Word) or says_nothing(given.said)

    def encode(self, values: Mapping[str, float]) -> bytes:
        return _closed(" ".join(f"{key}={value}" for key, value in self._printed(values).items()) + " ")


def _named(told: object) -> str:
    return told if isinstance(told, str) and _IDENTITY.fullmatch(told) else ""


def _closed(text: str) -> bytes:
    data = text.encode()
    return data + b"*%02X\n" % reduce(xor, data, 0)


MODELS: Final[Mapping[str, Maker]] = {"json-lines": JsonLines, "csv-lines": CsvLines, "text-lines": PairLines}
