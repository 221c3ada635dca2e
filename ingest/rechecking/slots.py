"""Sensors of a school on one grid of five minutes, read so that no flag changes what is seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from classair.model import QUANTITIES, Flag
from classair.science.comparison.slots import SLOT_MS, Array, Slots
from classair.stores import Series

_KEYS: Final = ("pm25", "pm10", "rh_pct", "temp_c")
_UNUSABLE: Final = int(Flag.CLOCK | Flag.WARMUP | Flag.SENSOR_ERROR | Flag.RANGE)
"""Of a whole reading. What is judged anew here must not hide itself."""


class SlotReader:
    """Remembers what it has read: week after week is judged with the same weeks around it."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int, Array]] = {}

    def read(
        self,
        connection: sqlite3.Connection,
        known: Mapping[int, Series],
        outdoor: Mapping[str, bool],
        start: int,
        end: int,
    ) -> list[Slots]:
        """Sensors that measure PM2.5, with `outdoor` by room; both ends on the grid (UTC ms)."""
        found = []
        for identity, series in known.items():
            table = self._table(connection, identity, start, end)
            pm25, pm10, rh, temp = (None if np.isnan(column).all() else column for column in table)
            if pm25 is not None:
                found.append(Slots(series.sensor, series.room, outdoor.get(series.room, False), pm25, pm10, rh, temp))
        return found

    def _table(self, connection: sqlite3.Connection, identity: int, start: int, end: int) -> Array:
        table = np.full((len(_KEYS), (end - start) // SLOT_MS), np.nan)
        since, until, before = self._known.get(identity, (start, start, table[:, :0]))
        first, last = max(start, since), min(end, until)
        if first < last:
            table[:, (first - start) // SLOT_MS : (last - start) // SLOT_MS] = before[
                :, (first - since) // SLOT_MS : (last - since) // SLOT_MS
            ]
            _fill(connection, identity, start, first, start, table)
            _fill(connection, identity, last, end, start, table)
        else:
            _fill(connection, identity, start, end, start, table)
        self._known[identity] = start, end, table
        return table


def _fill(connection: sqlite3.Connection, identity: int, first: int, last: int, start: int, table: Array) -> None:
    """Puts the means from `first` to `last` into the table that begins at `start`."""
    if first >= last:
        return
    scale = QUANTITIES["pm25"].scale
    rows: list[Any] = connection.execute(
        "select (at_ms-?)/?, count(*), sum(pm25), min(pm25), max(pm25), count(pm10), sum(pm10), min(pm10), max(pm10), "
        "avg(rh_pct), avg(temp_c) from reading where series=? and at_ms>=? and at_ms<? and flags&?=0 "
        "and pm25 between ? and ? group by 1",
        (
            start,
            SLOT_MS,
            identity,
            first,
            last,
            _UNUSABLE,
            QUANTITIES["pm25"].low * scale,
            QUANTITIES["pm25"].high * scale,
        ),
    ).fetchall()
    if not rows:
        return
    means = np.array(rows, dtype=np.float64)  # None becomes NaN
    place = means[:, 0].astype(np.int64)
    columns = (_trimmed(*means[:, 1:5].T), _trimmed(*means[:, 5:9].T), means[:, 9], means[:, 10])
    for row, (key, column) in enumerate(zip(_KEYS, columns, strict=True)):
        table[row, place] = column / QUANTITIES[key].scale


def _trimmed(count: Array, total: Array, low: Array, high: Array) -> Array:
    """Means without the highest and the lowest, where there are three."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count >= 3, (total - low - high) / (count - 2), total / count)
