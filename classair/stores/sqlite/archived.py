"""Days in the archive: their readings leave the file, or come back into a new one; rollups and versions stay."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from classair.intervals import Intervals
from classair.model import QUANTITIES
from classair.stores import Series, local_day
from classair.stores.sqlite.writing import EncodedRow, Layout, PendingRows, Writer
from classair.units import DAY_MS


def trim(connection: sqlite3.Connection, site: str, day: date, version: int) -> int | None:
    """Inside a transaction: removes a site's readings of a local day; how many.

    None, and nothing is done, when the day is no longer at `version`: the archive that was verified is not it.
    Which numbers those readings had is kept, so that every number stays accounted for.
    """
    number = local_day.number_of(day)
    row = connection.execute("select version from day_version where site=? and day=?", (site, number)).fetchone()
    if row is None or row[0] != version:
        return None
    span = (local_day.start_of(number), local_day.start_of(number) + DAY_MS)
    numbers: dict[int, Intervals] = {}
    removed = 0
    for (series,) in connection.execute("select id from series where sensor glob ?", (f"{site}.*",)).fetchall():
        where = "from reading where series=? and at_ms>=? and at_ms<?"
        for bridge_epoch, seq in connection.execute(f"select bridge_epoch, seq {where} order by 1, 2", (series, *span)):
            numbers.setdefault(bridge_epoch, Intervals()).add(seq)
        removed += connection.execute(f"delete {where}", (series, *span)).rowcount
    for bridge_epoch, gone in numbers.items():
        connection.executemany(
            "insert into trimmed_run values(?, ?, ?) on conflict do update set last=max(last, excluded.last)",
            [(bridge_epoch, first, end - 1) for first, end in gone],
        )
    connection.execute("insert into trimmed values(?, ?) on conflict do nothing", (site, number))
    return removed


def trimmed_sites(connection: sqlite3.Connection, start_ms: int, end_ms: int) -> set[str]:
    """Sites of which a day that start <= at < end touches has been trimmed."""
    days = (local_day.day_number(start_ms), local_day.day_number(end_ms - 1))
    return {site for (site,) in connection.execute("select distinct site from trimmed where day between ? and ?", days)}


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
