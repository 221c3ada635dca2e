"""Up to when dated readings and lines of the gap ledger account for each sensor of a bridge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from firmware_bridge.spool.packing import Shapes, SpoolRow


class ElapsedRange(NamedTuple):
    """Elapsed ms from where to where something accounts for a sensor."""

    start_ms: int
    end_ms: int


def spans(rows: Iterable[SpoolRow], shapes: Shapes) -> dict[str, ElapsedRange]:
    """By sensor, from the beginning of the first to the end of the last of these rows, which wait for their date."""
    found: dict[str, ElapsedRange] = {}
    lengths: dict[int, int] = {}
    for row in rows:
        sensor = shapes.sensor_of(row.shape)
        if sensor is None or row.mono is None or not shapes.readable(row):
            continue
        if not shapes.is_reading(row.shape):
            length = int(row.given.partition(",")[0])
        else:
            if row.shape not in lengths:
                lengths[row.shape] = round(shapes.text_of(row.shape)["interval_s"] * 1000)
            length = lengths[row.shape]
        start, end = row.mono - length, row.mono
        known = found.get(sensor)
        found[sensor] = (
            ElapsedRange(start, end) if known is None else ElapsedRange(min(known[0], start), max(known[1], end))
        )
    return found


class Reach:
    """Moments in UTC ms by sensor (its id inside the site). Not locked: the spool does that."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        self._known = dict(known or {})
        self.unsaved: dict[str, int | None] = {}

    def to(self, sensor: str | None, at: int | None) -> None:
        """Something dated that ends at `at`; None is about no sensor, or not dated yet."""
        if at is not None and sensor is not None and at > self._known.get(sensor, -1):
            self._known[sensor] = self.unsaved[sensor] = at

    def of(self, sensor: str) -> int | None:
        return self._known.get(sensor)

    def forget(self, sensor: str) -> None:
        self._known.pop(sensor, None)
        self.unsaved[sensor] = None

    def take_unsaved(self) -> dict[str, int | None]:
        """What is to be written now; `put_back` when that failed."""
        taken, self.unsaved = self.unsaved, {}
        return taken

    def put_back(self, taken: Mapping[str, int | None]) -> None:
        self.unsaved = {**taken, **self.unsaved}

    def save_all(self) -> None:
        """A new file knows nothing yet."""
        self.unsaved = dict(self._known)
