"""What happens to the oldest unacknowledged readings when a spool is full: one-minute means first, then nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from classair.units import MINUTE_MS
from firmware_bridge.averaging import joined
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


def thin(rows: Sequence[SpoolRow], shapes: Shapes) -> tuple[list[SpoolRow], list[MissingLogEntry]]:
    """Joins the readings of each sensor and minute that are of one shape, so with the same flags and quantities, and
    dated by the same kind of clock: bad ones never come together with good ones. What is no reading stays as it is.

    A mean has the number, time and place of its last reading, the frames of all (`n`), and their intervals added up.
    """
    groups: dict[tuple[int, int, int], list[SpoolRow]] = {}
    kept: list[SpoolRow] = []
    for row in rows:
        if row.at is None or row.clock == LOST or not shapes.is_reading(row.shape):
            kept.append(row)
        else:
            # The interval ends at `at`: a reading of 09:40:00 belongs to the minute before.
            groups.setdefault((row.shape, row.clock, (row.at - 1) // MINUTE_MS), []).append(row)
    known: dict[int, dict[str, Any]] = {}
    freed: list[SpoolRow] = []
    for (shape, _, _), members in groups.items():
        if len(members) == 1:
            kept.append(members[0])
            continue
        if shape not in known:
            known[shape] = shapes.text_of(shape)
        kept.append(_mean(members, known[shape], shapes))
        freed += members[:-1]
    return sorted(kept), _lines(freed, shapes, "thinned", apart=False)


def give_up(rows: Sequence[SpoolRow], shapes: Shapes) -> tuple[list[SpoolRow], list[MissingLogEntry]]:
    """What is left when readings go altogether: the lines of the ledger, which say why others are missing."""
    kept = [row for row in rows if not shapes.is_reading(row.shape) and shapes.sensor_of(row.shape)]
    gone = [row for row in rows if row.at is not None and row.clock != LOST and shapes.is_reading(row.shape)]
    return kept, _lines(gone, shapes, "spool_full", apart=True)


def _mean(members: Sequence[SpoolRow], shape: dict[str, Any], shapes: Shapes) -> SpoolRow:
    columns = zip(*([float(text) for text in row.given.split(",")] for row in members), strict=True)
    weights = [row.n for row in members]
    values = {key: joined(key, column, weights) for key, column in zip(shape["keys"], columns, strict=True)}
    item = {**shape, "values": values, "n": sum(weights), "interval_s": round(shape["interval_s"] * len(members), 3)}
    number, n, given = shapes.pack(item)
    last = members[-1]
    return last._replace(shape=number, n=n, given=given)


def _lines(gone: Iterable[SpoolRow], shapes: Shapes, reason: str, *, apart: bool) -> list[MissingLogEntry]:
    """One line a sensor; `apart`: one for each unbroken run, so that none lies over what is told of otherwise."""
    found: list[MissingLogEntry] = []
    of_sensor: dict[str, list[tuple[int, int, int, bool]]] = {}
    about: Callable[[int], dict[str, Any]] = _Remembered(shapes)
    for row in gone:
        shape = about(row.shape)
        each = round(shape["interval_s"] * 1000)
        assert row.at is not None
        of_sensor.setdefault(shape["sensor"], []).append((row.at, each, 1, bool(shape["simulated"])))
    for sensor, parts in of_sensor.items():
        parts.sort()
        start = end = expected = 0
        simulated = parts[0][3]
        for at, each, count, _ in parts:
            if expected and apart and at - each > end + each // 2:
                found.append(MissingLogEntry(sensor, end, end - start, expected, reason, simulated))
                expected = 0
            if not expected:
                start = at - each
            end, expected = at, expected + count
        found.append(MissingLogEntry(sensor, end, end - start, expected, reason, simulated))
    return found


class _Remembered:
    """What a shape says, read once."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._known: dict[int, dict[str, Any]] = {}

    def __call__(self, shape: int) -> dict[str, Any]:
        if shape not in self._known:
            self._known[shape] = self._shapes.text_of(shape)
        return self._known[shape]
