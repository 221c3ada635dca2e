"""Reads what third-party devices write: JSON objects, numbers as numbers or text, units that are not ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from classair.model import QUANTITIES, Flag
from classair.parsing.json_objects import NotReadable, read_object
from classair.parsing.numbers import number_in, says_nothing
from firmware_bridge.adapters import Measured, MessageRejected
from firmware_bridge.drivers import LARGEST, About, Frame

LONGEST: Final = 64 * 1024  # bytes of a message; all known ones are below 4 KB

HPA_PER_MMHG: Final = 1.333224
HPA_PER_INHG: Final = 33.86389


class Said(dict[str, Any]):
    """What a message says. `damaged`: more than values was wrong in it, so that what is missing may have been there."""

    damaged = False


def object_of(payload: bytes, about: About) -> Said | MessageRejected:
    """The JSON object in a message. One bad token costs itself only; damage to braces and quotes is counted."""
    if len(payload) > LONGEST:
        return MessageRejected("malformed", f"longer than {LONGEST} bytes")
    try:
        found, damaged = read_object(payload)
    except NotReadable as error:
        return MessageRejected("malformed", str(error))
    said = Said(found)
    if damaged:
        said.damaged = True
        about.could_not_read("JSON")
    return said


def number(value: Any) -> float | None:
    """A finite number, also one written as text, with a decimal comma too; None for everything else."""
    return number_in(value, LARGEST)


def sound(key: str, value: float) -> bool:
    """Whether a number can be a measurement at all: concentrations and CO2 are never negative, 0 ppm is no air."""
    return value > 0 if key == "co2_ppm" else value >= 0 or key in ("temp_c", "internal_temp_c")


_AIR_NAMES: Final = re.compile(r"(^|[^a-z])(pm|cf|p|nc?pm)[ _]?\d|co2|carbon_?dioxide|dust|partic", re.IGNORECASE)
_NOT_AIR: Final = re.compile(r"^e(co2|quivalent)", re.IGNORECASE)


def carries_air(name: str) -> bool:
    """Whether something of this name is likely to be a concentration of particles or CO2, which a room needs."""
    return _AIR_NAMES.search(name) is not None and not _NOT_AIR.search(name)


class Values:
    """The values of one message. What stands where one belongs and is none is counted by its name, and costs itself."""

    def __init__(self, about: About) -> None:
        self.found: dict[str, float] = {}
        self.unread: list[str] = []
        self._about = about

    def put(
        self,
        key: str,
        given: Any,
        name: str,
        change: Callable[[float], float | None] | None = None,
        least: float | None = None,
    ) -> bool:
        """Keeps `given` as the quantity `key` when it is a measurement (at least `least`); `name` is the device's.

        `change` makes it one in our unit, None when it cannot.
        """
        value = number(given)
        if value is not None and not (sound(key, value) if least is None else value >= least):
            value = None
        if value is not None and change is not None:
            value = change(value)
        if value is None:
            self.miss(name)
            return False
        self.found[key] = value
        return True

    def miss(self, name: str) -> None:
        self._about.could_not_read(name)
        self.unread.append(name)

    def unknown(self, said: Mapping[str, Any]) -> None:
        """Counts what nobody reads, in a message without a value that a room needs: `pm2_5` where `pm25` is known."""
        if "pm25" in self.found or "co2_ppm" in self.found:
            return
        for name, given in said.items():
            if carries_air(name) and name not in self.unread and number(given) not in (None, -1):
                self.miss(name)

    def measured(self, **more: Any) -> list[Measured] | MessageRejected:
        """One measurement, as `measured`; refused with the names of what was not read when there are no values."""
        self._about.unread_air = tuple(name for name in self.unread if carries_air(name))
        if not self.found and self.unread:
            return MessageRejected("unread", ", ".join(self.unread)[:200])
        return measured(self.found, **more)


def celsius(value: float, unit: str) -> float | None:
    """°C from C or F; None for another unit."""
    return {"C": value, "F": (value - 32.0) / 1.8}.get(unit)


def hectopascal(value: float, unit: str) -> float | None:
    """hPa from hPa, mmHg, inHg or Pa; None for another unit."""
    factor = {"hpa": 1.0, "mmhg": HPA_PER_MMHG, "inhg": HPA_PER_INHG, "pa": 0.01}.get(unit.lower())
    return None if factor is None else value * factor


def rounded(key: str, value: float) -> float:
    """To the step in which the quantity is stored."""
    scale = QUANTITIES[key].scale
    return round(value * scale) / scale


def utc_ms(value: Any) -> int | None:
    """UTC ms of a moment in ISO 8601 with its zone, such as `2022-09-01T17:30:00Z`; None when it is not that."""
    try:
        moment = datetime.fromisoformat(value)
        return int(moment.astimezone(UTC).timestamp() * 1000) if moment.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):  # the last: the year 1 in a zone east of Greenwich
        return None


def measured(
    values: Mapping[str, float],
    *,
    at_ms: int | None = None,
    value_flags: Mapping[str, Flag] | None = None,
) -> list[Measured] | MessageRejected:
    """One measurement of these values, dated on receipt unless the device says a time; refused when there are none."""
    if not values:
        return MessageRejected("empty", "no known value")
    kept = {key: rounded(key, value) for key, value in values.items()}
    flags = Flag.RECEIPT_TIME if at_ms is None else Flag.NONE
    frame = Frame(kept, flags, dict(value_flags or {}))
    frame.doubt_zeros()
    return [Measured(frame, at_ms)]


def identity_of(value: Any) -> str:
    """Whose a message says it is; "" when it does not, or when just that was damaged."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return "" if says_nothing(text) or "\ufffd" in text or not text.isprintable() else text


def text_of(value: Any) -> str:
    """A short plain text, empty when it is none; for what a device says of itself."""
    return "".join(char for char in value if char.isprintable())[:64] if isinstance(value, str) else ""
