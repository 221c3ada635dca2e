"""Means of one room over one stretch of days as a table: the rows that explorer and API show, side by side."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from classair.model import BAD_CLASS_NAMES
from classair.science.corrections import Corrections
from research.export.columns import columns, value_name
from research.export.lessons import lessons
from research.export.request import Request
from research.export.shapes import same, text_column
from research.export.shapes import table as shaped
from research.export.sources import Sources
from research.means import MeanRow, MeansReader


def room_days(
    sources: Sources, request: Request, corrections: Corrections, room: str, first: date, last: date
) -> pa.Table:
    """Every mean of a room's sensors on these local days, ordered by sensor and time. Raises SelectionRefused,
    StoreAway."""
    chosen = request.selection
    part = chosen.model_copy(update={"rooms": (room,), "first": first, "last": last})
    by_place: dict[tuple[str, int], dict[str, MeanRow]] = {}
    for row in MeansReader(sources.store, sources.config, corrections).selected(part):
        by_place.setdefault((row.sensor, row.start_ms), {})[row.quantity] = row
    places = sorted(by_place)
    found = [by_place[place] for place in places]
    at = np.array([start for _, start in places], np.int64)
    site = room.partition(".")[0]
    plain: dict[str, Any] = {
        "time": at,
        "time_utc": at,
        "school_id": same(site, len(at)),
        "room_id": same(room, len(at)),
        "sensor_id": text_column(sensor for sensor, _ in places),
        "n_expected": pa.array([_expected(each) for each in found], pa.float64()),
        "simulated": pa.repeat(pa.scalar(sources.simulated(site)), len(at)),
        "lesson": pa.repeat(pa.scalar(True), len(at))
        if chosen.lesson
        else lessons(sources.timetable(room), at, chosen.step_ms),
    }
    for place, key in enumerate(chosen.quantities):
        of = [each.get(key) for each in found]
        plain["n" if place == 0 else f"{key}_n"] = pa.array([row.n if row else 0 for row in of], pa.int64())
        plain["flags" if place == 0 else f"{key}_flags"] = text_column(_flags(row) for row in of)
        if key != "pm25":
            plain[value_name(key)] = _numbers(row.value if row else None for row in of)
            continue
        # As measured wherever there are readings enough; the correction may still have nothing to say.
        plain["pm25_raw_ugm3"] = _numbers(row.mean if row and row.complete else None for row in of)
        plain["pm25_corrected_ugm3"] = _numbers(row.value if row and row.correction != "none" else None for row in of)
        plain["correction_id"] = text_column(row.correction if row else None for row in of)
    wanted = columns(request)
    return shaped(wanted, [_typed(plain[column.name], column.name) for column in wanted])


def _typed(array: Any, name: str) -> Any:
    if name in ("time", "time_utc"):
        return pa.array(array).cast(pa.timestamp("ms", tz="UTC" if name == "time_utc" else "Asia/Bangkok"))
    return array


def _numbers(values: Any) -> pa.Array:
    return pa.array(values, pa.float64())


def _expected(each: dict[str, MeanRow]) -> float | None:
    return next((round(row.expected, 6) for row in each.values() if row.expected is not None), None)


def _flags(row: MeanRow | None) -> str | None:
    """`warmup:30;suspect:2;incomplete`: how many values were left out and why, how many are doubted, why no mean."""
    if row is None:
        return None
    said = [f"{name}:{row.bad[name]}" for name in BAD_CLASS_NAMES if row.bad.get(name)]
    said += [f"suspect:{row.suspect}"] if row.suspect else []
    said += [row.why] if row.why else []
    return ";".join(said) or None
