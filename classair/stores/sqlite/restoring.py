"""Puts readings of an archive into a new file: no words to bridges, no judging, the same rows and rollups as before."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from classair.model import QUANTITIES
from classair.stores import Series, local_day
from classair.stores.sqlite.writing import EncodedRow, Layout, PendingRows, Writer


def add_series(
    connection: sqlite3.Connection, writer: Writer, series: Series, columns: Mapping[str, Sequence[Any]]
) -> int:
    """Inside a transaction: one series of one day, none of whose readings are there; how many they were.

    `columns` as in `research.archive.days.DaySeries`: steps of 1/scale, `bridge` and `epoch` by name.
    """
    identity = writer.series_number(series)
    site = local_day.site_of(series.sensor)
    quantities = [key for key in QUANTITIES if key in columns]
    pairs = list(zip(columns["bridge"], columns["epoch"], strict=True))
    numbers = {pair: writer.received.id_of(*pair) for pair in dict.fromkeys(pairs)}
    bridges = [numbers[pair] for pair in pairs]
    fixed = zip(
        columns["at_ms"],
        columns["seq"],
        bridges,
        columns["interval_s"],
        columns["n"],
        columns["flags"],
        columns["vflags"],
        columns["clock"],
        columns["late"],
        strict=True,
    )
    count = len(bridges)
    values = zip(*(columns[key] for key in quantities), strict=True) if quantities else [()] * count
    streams: dict[tuple[bool, ...], PendingRows] = {}
    for head, tail in zip(fixed, values, strict=True):
        present = tuple(value is not None for value in tail)
        stream = streams.get(present)
        if stream is None:
            keys = tuple(key for key, there in zip(quantities, present, strict=True) if there)
            stream = streams[present] = PendingRows(identity, site, Layout(keys, writer.rollups))
        row: EncodedRow = (identity, *head, *(value for value in tail if value is not None))
        stream.rows.append(row)
        if row[6] or row[7] is not None:
            stream.flagged.append(row)
    for stream in streams.values():
        writer.put(stream)
        connection.executemany(stream.layout.statement, stream.rows)
    writer.rollups.write()
    writer.days.write()
    return count
