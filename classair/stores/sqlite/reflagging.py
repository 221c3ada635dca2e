"""A change of flags, by a person or a slow judgement: rewrites them and recomputes the hours concerned."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from classair.model import QUANTITIES, Flag
from classair.stores import local_day
from classair.stores.sqlite import local_days
from classair.stores.sqlite.rows import read_marks, trimmed_days, write_marks
from classair.stores.sqlite.writing import Writer
from classair.stores.tally import interval_ms


def reflag(
    connection: sqlite3.Connection,
    writer: Writer,
    sensor: str,
    span: tuple[int, int],
    add: Flag,
    remove: Flag,
    quantities: Sequence[str],
) -> int:
    """See SqliteStore.reflag; inside a transaction."""
    if unknown := [quantity for quantity in quantities if quantity not in QUANTITIES]:
        raise ValueError(f"unknown quantity {unknown[0]!r}")
    changed = 0
    if gone := trimmed_days(connection, local_day.site_of(sensor), *span):
        raise ValueError(
            f"the readings of {local_day.site_of(sensor)} on {gone[0]} are only in the archive; "
            "their flags cannot be changed here"
        )
    for (series,) in connection.execute("select id from series where sensor=?", (sensor,)).fetchall():
        rows = connection.execute(
            "select flags, vflags, at_ms, seq from reading where series=? and at_ms>=? and at_ms<?", (series, *span)
        ).fetchall()
        fresh: list[tuple[int, str | None, int, int, int]] = []
        for flags, vflags, at_ms, seq in rows:
            marks = read_marks(vflags)
            new_flags = flags
            if not quantities:
                new_flags = flags & ~int(remove) | int(add)
            for quantity in quantities:
                marks[quantity] = marks.get(quantity, 0) & ~int(remove) | int(add)
            text = write_marks(marks)
            if (new_flags, text) != (flags, vflags):
                fresh.append((new_flags, text, series, at_ms, seq))
        if fresh:
            connection.executemany("update reading set flags=?, vflags=? where series=? and at_ms=? and seq=?", fresh)
            moments = [row[3] for row in fresh]
            recompute(connection, writer, series, min(moments), max(moments))
            for moment in moments:
                writer.days.touch(local_day.site_of(sensor), moment, moment)
            writer.log_span(series, min(moments), max(moments))
            changed += len(fresh)
    writer.days.write()
    return changed


def recompute(connection: sqlite3.Connection, writer: Writer, series: int, first_ms: int, last_ms: int) -> None:
    """Makes the rollups of the hours around first…last anew from the readings; inside a transaction."""
    start, end = writer.rollups.clear(series, first_ms, last_ms)
    keys = tuple(QUANTITIES)
    rows: list[Any] = connection.execute(
        f"select at_ms, interval_s, flags, vflags, {', '.join(keys)} from reading "
        "where series=? and at_ms>=? and at_ms<?",
        (series, start, end),
    ).fetchall()
    for at_ms, interval_s, flags, vflags, *values in rows:
        present = [i for i, value in enumerate(values) if value is not None]
        # The way of flagged readings is right for all; it merely takes longer.
        writer.rollups.add_flagged(
            series,
            at_ms,
            interval_ms(interval_s),
            tuple(keys[i] for i in present),
            tuple(values[i] for i in present),
            flags,
            read_marks(vflags),
        )
    writer.rollups.write(days=False)
    local_days.remake(connection, series, local_day.day_number(first_ms), local_day.day_number(last_ms))
