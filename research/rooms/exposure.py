"""What pupils breathed in lesson time: mean, dose and highest hour, from the same means as every table.

E = ΣC·Δt over the time that was really measured, mean = E/ΣΔt, coverage = ΣΔt / time taught. Nothing is filled in: a
dose of 60 measured hours of 80 taught is that of 60 hours, and says so. No mean below three quarters of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from classair.config import Config
from classair.science.averages import COMPLETE
from classair.units import HOUR_MS
from research.lesson_slots import SLOT_MS, LessonSlots
from research.means import MeanRow, MeansAsked, MeansReader

VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Exposure:
    """Over the lesson time of a stretch. mean and peak_hour µg/m³, dose µg·h/m³; None below 75 % coverage.

    hours: lesson time taught; hours_covered: how much of it was measured, which alone is in the dose. peak_hour: the
    highest mean of four valid slots of 15 minutes that follow each other without a pause. correction: its label.
    """

    mean: float | None
    dose: float | None
    peak_hour: float | None
    hours: float
    hours_covered: float
    coverage: float
    correction: str = "none"
    version: int = VERSION


def exposure(reader: MeansReader, config: Config, room: str, start_ms: int, end_ms: int) -> Exposure:
    """Of a room from `start_ms` up to `end_ms` (UTC ms), with the corrections that were accepted. Raises StoreAway."""
    slots = LessonSlots(config.timetable_of(room), SLOT_MS)
    taught = sum(slots.counted_ms(*span) for span in slots.spans(start_ms, end_ms)) / HOUR_MS
    # Hours, as the table of a day is put together from them.
    asked = MeansAsked(start_ms, end_ms, HOUR_MS, "accepted", lesson=True)
    rows = [row for row in reader.of_room(room, "pm25", asked) if row.corrected is not None]
    lengths = [slots.counted_ms(row.start_ms, row.start_ms + HOUR_MS) / HOUR_MS for row in rows]
    covered = sum(row.completeness * length for row, length in zip(rows, lengths, strict=True))
    coverage = covered / taught if taught else 0.0
    if coverage < COMPLETE:
        return Exposure(None, None, None, taught, covered, coverage)
    dose = sum((row.corrected or 0.0) * row.completeness * length for row, length in zip(rows, lengths, strict=True))
    mean = sum((row.corrected or 0.0) * row.n for row in rows) / sum(row.n for row in rows)
    quarter = MeansAsked(start_ms, end_ms, SLOT_MS, "accepted", lesson=True)
    labels = sorted({label for row in rows for label in row.correction.split(",")})
    return Exposure(
        mean,
        dose,
        _peak(reader.of_room(room, "pm25", quarter)),
        taught,
        covered,
        coverage,
        ",".join(labels) or "none",
    )


def _peak(rows: list[MeanRow]) -> float | None:
    """The highest mean of four complete slots in a row."""
    valid = [(row.start_ms, row.value) for row in rows if row.value is not None]
    runs = [
        sum(value for _, value in valid[i : i + 4]) / 4
        for i in range(len(valid) - 3)
        if all(after - before == SLOT_MS for (before, _), (after, _) in pairwise(valid[i : i + 4]))
    ]
    return max(runs, default=None)
