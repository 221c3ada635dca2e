"""Sensors of a school on one grid of five minutes, read so that no flag changes what is seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from classair.model import QUANTITIES, Flag
from classair.science.comparison.slots import SLOT_MS, Array, Slots
from classair.stores import Series

_UNUSABLE: Final = int(Flag.CLOCK | Flag.WARMUP | Flag.SENSOR_ERROR | Flag.RANGE)
"""Of a whole reading. What is judged anew here must not hide itself."""


def read_slots(
    connection: sqlite3.Connection, known: Mapping[int, Series], outdoor: Mapping[str, bool], start: int, end: int
) -> list[Slots]:
    """Sensors that measure PM2.5, with `outdoor` by room; both ends on the grid (UTC ms)."""
    return [
        slots
        for identity, series in known.items()
        if (slots := _of_series(connection, identity, series, outdoor.get(series.room, False), start, end)) is not None
    ]


def _of_series(
    connection: sqlite3.Connection, identity: int, series: Series, outdoor: bool, start: int, end: int
) -> Slots | None:
    low, high = QUANTITIES["pm25"].low, QUANTITIES["pm25"].high
    scale = QUANTITIES["pm25"].scale
    rows: list[Any] = connection.execute(
        "select (at_ms-?)/?, count(*), sum(pm25), min(pm25), max(pm25), count(pm10), sum(pm10), min(pm10), max(pm10), "
        "avg(rh_pct), avg(temp_c) from reading where series=? and at_ms>=? and at_ms<? and flags&?=0 "
        "and pm25 between ? and ? group by 1",
        (start, SLOT_MS, identity, start, end, _UNUSABLE, low * scale, high * scale),
    ).fetchall()
    if not rows:
        return None
    table = np.array(rows, dtype=np.float64)  # None becomes NaN
    place, n = table[:, 0].astype(np.int64), (end - start) // SLOT_MS

    def column(values: Array, quantity: str) -> Array | None:
        if np.isnan(values).all():
            return None
        found = np.full(n, np.nan)
        found[place] = values / QUANTITIES[quantity].scale
        return found

    pm25 = column(_trimmed(*table[:, 1:5].T), "pm25")
    assert pm25 is not None
    return Slots(
        series.sensor,
        series.room,
        outdoor,
        pm25,
        column(_trimmed(*table[:, 5:9].T), "pm10"),
        column(table[:, 9], "rh_pct"),
        column(table[:, 10], "temp_c"),
    )


def _trimmed(count: Array, total: Array, low: Array, high: Array) -> Array:
    """Means without the highest and the lowest, where there are three."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count >= 3, (total - low - high) / (count - 2), total / count)
