"""Means of one room over one stretch of days as a table: the rows that explorer and API show, side by side."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from classair.model import BAD_CLASS_NAMES
from classair.science.corrections import Corrections
from classair.science.heat import heat_index_c
from research.export.columns import HEAT, columns, has_heat, value_name
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
    measured = sources.measured(chosen)
    at = np.array([start for _, start in places], np.int64)
    site = room.partition(".")[0]
    plain: dict[str, Any] = {
        "time": at,
        "time_utc": at,
        "school_id": same(site, len(at)),
        "room_id": same(room, len(at)),
        "sensor_id": text_column(sensor for sensor, _ in places),
        "simulated": pa.repeat(pa.scalar(sources.simulated(site)), len(at)),
        "lesson": pa.repeat(pa.scalar(True), len(at))
        if chosen.lesson
        else lessons(sources.timetable(room), at, chosen.step_ms),
    }
    for place, key in enumerate(chosen.quantities):
        of = [each.get(key) for each in found]
        there = [start >= measured.get(sensor, {}).get(key, start + 1) for sensor, start in places]
        before = "" if place == 0 else f"{key}_"
        plain[f"{before}n"] = pa.array([_n(*each) for each in zip(of, there, strict=True)], pa.int64())
        plain[f"{before}n_expected"] = _numbers(
            _expected(row, each) if row or measures else None
            for row, each, measures in zip(of, found, there, strict=True)
        )
        plain[f"{before}flags"] = text_column(_flags(*each) for each in zip(of, there, strict=True))
        if key != "pm25":
            plain[value_name(key)] = _numbers(row.value if row else None for row in of)
            continue
        # As measured wherever there are readings enough; the correction may still have nothing to say.
        plain["pm25_raw_ugm3"] = _numbers(row.mean if row and row.complete else None for row in of)
        plain["pm25_corrected_ugm3"] = _numbers(row.value if row and row.correction != "none" else None for row in of)
        plain["correction_id"] = text_column(row.correction if row else None for row in of)
    if has_heat(request):
        plain[HEAT] = _numbers(_heat(each) for each in found)
    wanted = columns(request)
    return shaped(wanted, [_typed(plain[column.name], column.name) for column in wanted])


def _typed(array: Any, name: str) -> Any:
    if name in ("time", "time_utc"):
        return pa.array(array).cast(pa.timestamp("ms", tz="UTC" if name == "time_utc" else "Asia/Bangkok"))
    return array


def _heat(means: dict[str, MeanRow]) -> float | None:
    """Of the mean temperature and the mean humidity; nothing where one of them is incomplete."""
    temp, rh = means.get("temp_c"), means.get("rh_pct")
    felt = heat_index_c(temp.value if temp else None, rh.value if rh else None)
    return None if felt is None else round(felt, 1)


def _numbers(values: Any) -> pa.Array:
    return pa.array(values, pa.float64())


def _n(row: MeanRow | None, measures: bool) -> int | None:
    """Nothing for what the sensor has never measured, 0 for what is lost."""
    return row.n if row else 0 if measures else None


def _expected(row: MeanRow | None, beside: dict[str, MeanRow]) -> float | None:
    """Of the quantity itself; where its readings are all lost, as many as the sensor's others."""
    rows = [row] if row else beside.values()
    return next((round(one.expected, 6) for one in rows if one.expected is not None), None)


def _flags(row: MeanRow | None, measures: bool) -> str | None:
    """`warmup:30;suspect:2;incomplete`: how many values were left out and why, how many are doubted, why no mean."""
    if row is None:
        return "incomplete" if measures else None
    said = [f"{name}:{row.bad[name]}" for name in BAD_CLASS_NAMES if row.bad.get(name)]
    said += [f"suspect:{row.suspect}"] if row.suspect else []
    said += [row.why] if row.why else []
    return ";".join(said) or None
