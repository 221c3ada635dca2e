"""The preview of an export: rows, size, share of missing data, three rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa

from classair.timetable import local_time
from classair.units import DAY_MS
from research.export import BACKGROUND_ROWS
from research.export.columns import columns
from research.export.parts import Part, make
from research.export.request import Request
from research.export.shapes import as_csv
from research.export.sources import Sources
from research.means import MeansReader

_SAMPLE: Final = 3
_PARQUET_SHARE: Final = 0.2
"""Of a CSV file's size; measured on a year of five quantities at one minute."""


@dataclass(frozen=True, slots=True)
class Preview:
    """`rows` and `bytes` (data.csv and data.parquet together) are estimates; `gaps` is the share of expected readings
    that are not there, between each sensor's first and last day, None when that cannot be told."""

    rows: int
    bytes: int
    gaps: float | None
    names: list[str]
    sample: list[list[str]]
    background: bool
    simulated: list[str]

    def as_record(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def preview(sources: Sources, request: Request) -> Preview:
    """Raises SelectionRefused, StoreAway, ArchiveFault, ExportFault."""
    sources.check(request)
    chosen = request.selection
    wanted = [column.name for column in columns(request)]
    count, gaps, day = _counted(sources, request)
    sample = _first_rows(sources, request, day) if day is not None else None
    names = [site for site in sources.sites(chosen) if sources.simulated(site)]
    if sample is None or not sample.num_rows:
        return Preview(0, 0, None, wanted, [], False, names)
    text = as_csv(sample.slice(0, 500), millis=not chosen.step_ms)
    size = round(count * len(text) / min(500, sample.num_rows) * (1 + _PARQUET_SHARE))
    shown = as_csv(sample.slice(0, _SAMPLE), millis=not chosen.step_ms).decode().splitlines()
    return Preview(count, size, gaps, wanted, [line.split(",") for line in shown], count > BACKGROUND_ROWS, names)


def _counted(sources: Sources, request: Request) -> tuple[int, float | None, date | None]:
    """Rows, share of gaps and the first day with data, from daily rollups."""
    chosen = request.selection
    # Of what was measured, whatever is made of it: the correction and lesson time change neither days nor sensors.
    daily = chosen.model_copy(update={"step": "1d", "method": "none", "lesson": False, "completeness": 0.0})
    by_series: dict[tuple[str, str], dict[int, tuple[int, float | None]]] = {}
    for row in MeansReader(sources.store, sources.config, sources.corrections()).selected(daily):
        there = by_series.setdefault((row.room, row.sensor), {})
        n, expected = there.get(row.start_ms, (0, None))
        there[row.start_ms] = max(n, row.n + sum(row.bad.values())), row.expected or expected
    readings, valid, whole, means = 0, 0.0, 0.0, 0.0
    for days in by_series.values():
        readings += sum(n for n, _ in days.values())
        usual = [expected for _, expected in days.values() if expected]
        if usual:
            span = (max(days) - min(days)) // DAY_MS + 1
            whole += sum(usual) / len(usual) * span
            valid += sum(n for n, _ in days.values())
        if chosen.step_ms:
            steps = DAY_MS // chosen.step_ms
            means += sum(
                min(steps, n, max(1, round(steps * min(1.0, n / expected))) if expected else steps)
                for n, expected in days.values()
            )
    share = _lesson_share(sources, request) if chosen.lesson else 1.0
    first = min((start for days in by_series.values() for start in days), default=None)
    day = None if first is None else local_time(first).date()
    gaps = None if not whole else round(max(0.0, 1 - valid / whole), 4)
    return round((means if chosen.step_ms else readings) * share), gaps, day


def _lesson_share(sources: Sources, request: Request) -> float:
    """How much of a usual day is lesson time."""
    chosen = request.selection
    seconds = days = 0
    for room in chosen.rooms:
        table = sources.timetable(room)
        for day in chosen.days()[:62]:
            days += 1
            for span in table.lesson_spans(day) if table else ():
                seconds += (span.end_ms - span.begin_ms) // 1000
    return seconds / days / 86_400 if days else 0.0


def _first_rows(sources: Sources, request: Request, day: date) -> pa.Table | None:
    """Of the first day that has rows, within a week: lesson time may be days away."""
    for number in range(7):
        at = day + timedelta(days=number)
        if at > request.selection.last:
            return None
        for room in request.selection.rooms:
            site = room.partition(".")[0]
            averaged = bool(request.selection.step_ms)
            last = min(at + timedelta(days=_SAMPLE), request.selection.last) if averaged else at
            part = Part(0, site, at, last, room if averaged else "")
            made = make(sources, request, sources.corrections(), part)
            if made.table.num_rows:
                return made.table
    return None
