"""Plantower PMS particle sensors: PMS1003, 3003, 5003, 7003, A003 and the 5003 with T, S and ST.

Frames after the PMS5003 series manual V2.3 and the PMS5003ST manual V2.6. The type cannot be told from the header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from struct import Struct
from typing import Final, Literal

from classair.model import Flag
from firmware_bridge.drivers import DriverSettings, Frame, Maker, Send
from firmware_bridge.drivers._framing import FramedDriver, Steady, flag, word

HEAD: Final = b"BM"
ACTIVE: Final = bytes.fromhex("424DE100010171")
PASSIVE: Final = bytes.fromhex("424DE100000170")
READ: Final = bytes.fromhex("424DE200000171")
SLEEP: Final = bytes.fromhex("424DE400000173")
WAKE: Final = bytes.fromhex("424DE400010174")
_ACKNOWLEDGEMENTS: Final = {
    PASSIVE: bytes.fromhex("424D0004E1000174"),
    ACTIVE: bytes.fromhex("424D0004E1010175"),
    SLEEP: bytes.fromhex("424D0004E4000177"),
}
_MODES: Final = {b"\xe1\0": "passive", b"\xe1\1": "active", b"\xe4\0": "asleep"}
_WAKING_S: Final = 2.0  # some units do not hear what is sent sooner after a wake
_ACKNOWLEDGEMENT_LENGTH: Final = 4

_MASS: Final = ("pm1_cf1", "pm25_cf1", "pm10_cf1", "pm1", "pm25", "pm10")
_COUNTS: Final = ("n03", "n05", "n1", "n25", "n5", "n10")

# The manual promises values up to 1000 µg/m³ "and more"; from there on only the direction can be believed.
_MASS_CEILING: Final = 1000
_COUNT_CEILING: Final = 0xFFFF
# CF=1 and atmospheric words are alike in clean air; in haze the atmospheric one falls to two thirds.
_ALIKE_UP_TO: Final = 15  # µg/m³; PM2.5 parts near 30, and its ratio holds for the smaller PM1 word as well
# Tenths of a degree, tenths of a percent, µg/m³: more than air does from one frame to the next, even after a pause.
_LEAPS: Final = {"temp_c": 400, "rh_pct": 300, "hcho_ugm3": 200}
# Some batches report 0 µg/m³ in air that holds particles. 500 of them per 0.1 L are about 4 µg/m³ in ordinary frames.
_COUNTED_BUT_ZERO: Final = 500


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a model keeps what behind the six mass words: keys in order of the words, "" for a reserved one.

    `version`, `error`: offsets of those bytes, None when the model has none.
    """

    length: int
    keys: tuple[str, ...]
    version: int | None
    error: int | None
    counts: int  # how many of n03 … n10 the frame carries
    usual_version: int
    takes_commands: bool = True

    @property
    def size(self) -> int:
        return self.length + 4


_PLAIN: Final = Layout(28, _MASS + _COUNTS, 28, 29, 6, 0x97)
_LAYOUTS: Final[Mapping[str, Layout]] = {
    "pms1003": _PLAIN,
    "pms5003": _PLAIN,
    "pms7003": _PLAIN,
    "pmsa003": _PLAIN,
    "pms3003": Layout(20, (*_MASS, "", ""), 20, 21, 0, 0x51, takes_commands=False),
    "pms5003t": Layout(28, (*_MASS, *_COUNTS[:4], "temp_c", "rh_pct"), 28, 29, 4, 0x9A),
    "pms5003s": Layout(28, (*_MASS, *_COUNTS, "hcho_ugm3"), None, None, 6, 0),
    "pms5003st": Layout(36, (*_MASS, *_COUNTS, "hcho_ugm3", "temp_c", "rh_pct", ""), 36, 37, 6, 0x9B),
}


class Settings(DriverSettings):
    """`mode`: active lets the sensor send by itself, passive asks it; a PMS3003 knows only active."""

    mode: Literal["active", "passive"] = "active"


class Pmsx003(FramedDriver):
    """One Plantower sensor, streaming by itself or asked for each frame."""

    baud = 9600
    warm_up_s = 30.0
    frame_every_s = 2.5  # 2.3 s in stable air

    def __init__(self, layout: Layout, settings: Settings) -> None:
        super().__init__()
        self._passive = settings.mode == "passive" and layout.takes_commands
        self._version = Steady()
        self._known_version: object = None
        self._awake = True  # as a simulated sensor
        self._layout = layout
        self._starts = 0
        tail = [key for key in layout.keys if key not in _MASS and key not in _COUNTS]
        signs = "".join("h" if key == "temp_c" else "H" for key in tail)
        # Behind the words stand the version and error bytes (or nothing), then the checksum.
        has_version = layout.version is not None
        self._body = Struct(f">{6 + layout.counts}H{signs}{'2B' if has_version else ''}")
        self._keys = layout.keys + (("version", "error") if has_version else ())
        self._odd_tail = bool(tail)
        self._tail = [Steady() for _ in tail]
        self._plain = "temp_c" not in self._keys and "" not in self._keys

    @property
    def poll_every_s(self) -> float | None:
        return 2.0 if self._passive else None

    @property
    def speaks(self) -> bool:
        return self._awake and self._speaking

    def start(self) -> Sequence[Send]:
        """The mode first; when that did not help, wake: after a wake the sensor is in active mode by itself."""
        if not self._layout.takes_commands:
            return ()
        self._starts += 1
        return (Send(PASSIVE if self._passive else ACTIVE),) if self._starts % 2 else self.wake()

    def ask(self) -> bytes:
        if not self._passive:
            return b""
        self._forget()
        return READ

    def sleep(self) -> Sequence[Send]:
        return (Send(SLEEP),) if self._layout.takes_commands else ()

    def wake(self) -> Sequence[Send]:
        """After every wake the sensor is active, so passive mode is said again."""
        if not self._layout.takes_commands:
            return ()
        return (Send(WAKE, _WAKING_S), Send(PASSIVE)) if self._passive else (Send(WAKE),)

    def accepted(self, command: bytes, answer: bytes) -> bool | None:
        """Sleep and the modes are acknowledged, a wake is not."""
        acknowledgement = _ACKNOWLEDGEMENTS.get(command)
        return True if acknowledgement and acknowledgement in answer else None

    def _scan(self, buffer: bytes, found: list[Frame]) -> int:
        counters, end = self.counters, len(buffer)
        length_wanted, size_wanted = self._layout.length, self._layout.size
        unpack, frame_of, find = self._body.unpack_from, self._frame_of, buffer.find
        position = 0
        while True:
            start = find(HEAD, position)
            if start < 0:
                start = end - 1 if end > position and buffer[-1] == HEAD[0] else end
                counters.skipped += start - position
                return start
            counters.skipped += start - position
            position = start
            if end - start < 4:
                return start
            length = buffer[start + 2] << 8 | buffer[start + 3]
            if length == length_wanted:
                size = size_wanted
            elif length == _ACKNOWLEDGEMENT_LENGTH:
                size = 8
            else:
                counters.length += 1
                counters.skipped += 1
                position += 1
                continue
            after = start + size
            if end < after:
                return start
            if sum(buffer[start : after - 2]) != buffer[after - 2] << 8 | buffer[after - 1]:
                counters.checksum += 1
                counters.skipped += 1
                position += 1
                continue
            position = after
            counters.in_frames += size
            if size == 8:
                counters.other += 1
                self.about.mode = _MODES.get(buffer[start + 4 : start + 6], self.about.mode)
                continue
            counters.good += 1
            found.append(frame_of(unpack(buffer, start + 4)))

    def _frame_of(self, words: tuple[int, ...]) -> Frame:
        values: dict[str, float] = dict(zip(self._keys, words, strict=True))
        if not self._plain:
            values.pop("", None)
            if "temp_c" in values:
                values["temp_c"] /= 10
                values["rh_pct"] /= 10
        frame = Frame(values)
        if values.get("error"):
            frame.flags = Flag.SENSOR_ERROR
        if values.get("version") != self._known_version:
            departs = self._version.departs(values["version"])
            if departs:
                # The same device does not change its version: another one was plugged in, or the frame was damaged.
                frame.flags |= Flag.ORDER
            self._known_version = None if departs else self._version.known
        if self._odd_tail:
            self._judge_tail(frame, words[6 + self._layout.counts :])
        c1, c25, c10, a1, a25, a10 = words[:6]
        if not (
            c1 <= c25 <= c10 < _MASS_CEILING
            and a1 <= a25 <= a10
            and (a1 == c1 or _belong(c1, a1))
            and (a25 == c25 or _belong(c25, a25))
            and (a10 == c10 or _belong(c10, a10))
        ):
            self._judge_mass(frame, words[:6])
        if self._layout.counts:
            n03, n05, n1, n25 = words[6:10]
            n5, n10 = words[10:12] if self._layout.counts == 6 else (0, 0)
            if not (_COUNT_CEILING > n03 >= n05 >= n1 >= n25 >= n5 >= n10 and n03) or (not c25 and not a25):
                self._judge_counts(frame, words)
        elif not any(words[:6]):
            frame.doubt_zeros()
        return frame

    def _judge_mass(self, frame: Frame, words: tuple[int, ...]) -> None:
        for place in range(3):
            cf1, atmospheric = words[place], words[place + 3]
            if cf1 != atmospheric and not _belong(cf1, atmospheric):
                flag(frame, (_MASS[place], _MASS[place + 3]), Flag.ORDER)
        for keys, (pm1, pm25, pm10) in ((_MASS[:3], words[:3]), (_MASS[3:], words[3:])):
            if not pm1 <= pm25 <= pm10:
                flag(frame, keys, Flag.ORDER)
        for key, value in zip(_MASS, words, strict=True):
            if value >= _MASS_CEILING:
                flag(frame, (key,), Flag.SATURATED)

    def _judge_tail(self, frame: Frame, words: tuple[int, ...]) -> None:
        """No leaps of temperature, humidity and formaldehyde; reserved words stay as they are."""
        for place, (key, given) in enumerate(zip(self._layout.keys[6 + self._layout.counts :], words, strict=False)):
            before, leap = self._tail[place], _LEAPS.get(key, 0)
            if isinstance(before.known, int) and abs(given - before.known) <= leap:
                before.known = given
            elif before.departs(given):
                if key:
                    flag(frame, (key,), Flag.ORDER)
                else:
                    frame.flags |= Flag.ORDER

    def _judge_counts(self, frame: Frame, words: tuple[int, ...]) -> None:
        keys = _COUNTS[: self._layout.counts]
        counts = words[6 : 6 + len(keys)]
        if any(larger > smaller for smaller, larger in pairwise(counts)):
            flag(frame, keys, Flag.ORDER)
        for key, value in zip(keys, counts, strict=True):
            if value == _COUNT_CEILING:
                flag(frame, (key,), Flag.SATURATED)
        if not any(counts):
            # Mass without a single particle: just woken. Nothing at all: clean air, or a blocked inlet or dead laser.
            flag(frame, _MASS + keys, Flag.ORDER if any(words[:6]) else Flag.ZERO)
        elif not words[4] and counts[0] >= _COUNTED_BUT_ZERO:
            flag(frame, _MASS, Flag.ZERO)

    def encode(self, values: Mapping[str, float]) -> bytes:
        layout = self._layout
        body = bytearray()
        for key in layout.keys:
            value = values.get(key, 0.0)
            if key == "temp_c":
                body += min(max(round(value * 10), -0x8000), 0x7FFF).to_bytes(2, "big", signed=True)
            else:
                body += word(value * 10 if key == "rh_pct" else value).to_bytes(2, "big")
        if layout.version is not None:
            version, error = round(values.get("version", layout.usual_version)), round(values.get("error", 0))
            body += bytes((version & 0xFF, error & 0xFF))
        return _closed(HEAD + layout.length.to_bytes(2, "big") + bytes(body).ljust(layout.length - 2, b"\0"))

    def _command_size(self, data: bytes) -> int:
        whole = len(data) >= 7 and data[:2] == HEAD and sum(data[:5]) == data[5] << 8 | data[6]
        return 7 if whole and self._layout.takes_commands else 0

    def _reply(self, command: bytes, values: Mapping[str, float]) -> bytes:
        if command == WAKE:
            self._awake = self._speaking = True
        if not self._awake:
            return b""
        if command == SLEEP:
            self._awake = False
        elif command in (ACTIVE, PASSIVE):
            self._speaking = command == ACTIVE
        return self.encode(values) if command == READ else _ACKNOWLEDGEMENTS.get(command, b"")


def _belong(cf1: int, atmospheric: int) -> bool:
    """Whether two words of one size that differ can come from one measurement."""
    return cf1 > _ALIKE_UP_TO and 3 * cf1 - 5 <= 5 * atmospheric <= 5 * cf1


def _closed(frame: bytes) -> bytes:
    return frame + (sum(frame) & 0xFFFF).to_bytes(2, "big")


def _maker(layout: Layout, settings: Settings) -> Pmsx003:
    return Pmsx003(layout, settings)


MODELS: Final[Mapping[str, Maker]] = {model: partial(_maker, layout) for model, layout in _LAYOUTS.items()}
