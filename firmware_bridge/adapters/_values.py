"""Reads what foreign devices write: JSON objects, numbers as numbers or text, units that are not ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from classair.model import QUANTITIES, Flag
from firmware_bridge.adapters import Measured, MessageRejected
from firmware_bridge.clock import BUILT_MS
from firmware_bridge.drivers import LARGEST, Frame

FUTURE_MS: Final = 120_000  # clocks may disagree by so much
LONGEST: Final = 64 * 1024  # bytes of a message; all known ones are below 4 KB

HPA_PER_MMHG: Final = 1.333224
HPA_PER_INHG: Final = 33.86389


def object_of(payload: bytes) -> dict[str, Any] | MessageRejected:
    """The JSON object in a message."""
    if len(payload) > LONGEST:
        return MessageRejected("malformed", f"longer than {LONGEST} bytes")
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return MessageRejected("malformed", "not JSON")
    return found if isinstance(found, dict) else MessageRejected("malformed", "not a JSON object")


def number(value: Any) -> float | None:
    """A finite number, also one written as text; None for everything else, which means "not measured"."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        try:
            # Python would take 1_8 for 18.
            value = float(value.strip()) if "_" not in value else None
        except ValueError:
            return None
    if not isinstance(value, int | float):
        return None
    # A comparison, because a whole number may be too large for a float; it is never true of nan.
    return float(value) if -LARGEST < value < LARGEST else None


def celsius(value: float, unit: Any) -> float:
    """°C from °C or °F."""
    return (value - 32.0) / 1.8 if str(unit).upper().startswith("F") else value


def hectopascal(value: float, unit: Any) -> float:
    """hPa from hPa, mmHg, inHg or Pa."""
    factor = {"mmhg": HPA_PER_MMHG, "inhg": HPA_PER_INHG, "pa": 0.01}.get(str(unit).lower(), 1.0)
    return value * factor


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


def believed(at_ms: int | None, now_ms: int | None) -> tuple[int | None, Flag]:
    """A device's own time as far as it can be believed, and what is then to be said against the measurement.

    A clock that is ahead, or stands before this software was made, says nothing; then nobody knows when that was.
    """
    if at_ms is None:
        return None, Flag.RECEIPT_TIME
    if at_ms < BUILT_MS or (now_ms is not None and at_ms > now_ms + FUTURE_MS):
        return None, Flag.RECEIPT_TIME | Flag.CLOCK
    return at_ms, Flag.NONE


def measured(
    values: Mapping[str, float],
    *,
    at_ms: int | None = None,
    flags: Flag = Flag.RECEIPT_TIME,
    value_flags: Mapping[str, Flag] | None = None,
) -> list[Measured] | MessageRejected:
    """One measurement of these values, dated on receipt unless the device dates it; refused when there are none."""
    if not values:
        return MessageRejected("empty", "no known value")
    kept = {key: rounded(key, value) for key, value in values.items()}
    return [Measured(Frame(kept, flags, dict(value_flags or {})), at_ms)]


def text_of(value: Any) -> str:
    """A short plain text, empty when it is none; for what a device says of itself."""
    return "".join(char for char in value if char.isprintable())[:64] if isinstance(value, str) else ""
