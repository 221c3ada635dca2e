"""What the gap ledger says of readings that a full spool gives up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from classair.model import PRESENT_REASONS
from firmware_bridge.spool.packing import LOST, Shapes, SpoolRow


class MissingLogEntry(NamedTuple):
    """A line of the missing-data log about readings that are gone, as health.missing.MissingReadings."""

    sensor: str
    end_ms: int
    length_ms: int
    expected: int
    reason: str
    simulated: bool

    def item(self) -> dict[str, Any]:
        return {
            "kind": "missing",
            "sensor": self.sensor,
            "reason": self.reason,
            "length_ms": self.length_ms,
            "expected": self.expected,
            "simulated": self.simulated,
        }


def lines_about(rows: Sequence[SpoolRow], shapes: Shapes) -> list[MissingLogEntry]:
    """One line for each unbroken run of a sensor's readings; lines among the rows are told again, what they say of
    readings that are there excepted. None when that would make hardly any room.
    """
    parts = [part for row in rows if (part := _part_of(row, shapes)) is not None]
    parts.sort(key=lambda part: (part.sensor, part.reason, part.end_ms))
    found: list[MissingLogEntry] = []
    for part in parts:
        last = found[-1] if found else None
        slack = part.length_ms // max(2 * part.expected, 1)
        if (
            last is None
            or (last.sensor, last.reason) != (part.sensor, part.reason)
            or part.end_ms - part.length_ms > last.end_ms + slack
        ):
            found.append(part)
            continue
        start, end = min(last.end_ms - last.length_ms, part.end_ms - part.length_ms), max(last.end_ms, part.end_ms)
        found[-1] = last._replace(end_ms=end, length_ms=end - start, expected=last.expected + part.expected)
    return found if len(found) <= len(rows) // 2 or len(rows) < 10 else []


def _part_of(row: SpoolRow, shapes: Shapes) -> MissingLogEntry | None:
    sensor = shapes.sensor_of(row.shape)
    if sensor is None or row.at is None or row.clock == LOST:
        return None
    shape = shapes.text_of(row.shape)
    simulated = bool(shape["simulated"])
    if shapes.is_reading(row.shape):
        return MissingLogEntry(sensor, row.at, round(shape["interval_s"] * 1000), 1, "spool_full", simulated)
    if shape["reason"] in PRESENT_REASONS:
        return None
    length, expected = map(int, row.given.split(","))
    return MissingLogEntry(sensor, row.at, length, expected, shape["reason"], simulated)
