"""Local days in SQLite: rollup_1d, how many readings each series has, and the version of each site's day."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from operator import add
from typing import Any, Final

from classair.model import BAD_CLASS_NAMES
from classair.stores import BANGKOK_MS
from classair.stores.local_day import day_number
from classair.units import DAY_MS, HOUR_MS

HOURS: Final = DAY_MS // HOUR_MS
SHIFT: Final = BANGKOK_MS // HOUR_MS
"""A day of rollup_1d is (hour of rollup_1h + SHIFT) // HOURS: days since 1970-01-01 as Bangkok counts them."""

_FLAGGED: Final = ("suspect", *BAD_CLASS_NAMES)

TABLES: Final = f"""
create table if not exists rollup_1d(
    series integer not null, t integer not null, shape integer not null, n integer not null,
    primary key(series, t, shape)) without rowid;
create table if not exists flagged_1d(
    series integer not null, t integer not null, quantity text not null,
    {", ".join(f"{name} integer not null default 0" for name in _FLAGGED)},
    primary key(series, t, quantity)) without rowid;
create table if not exists series_day(
    series integer not null, day integer not null, readings integer not null,
    primary key(series, day)) without rowid;
create table if not exists day_version(
    site text not null, day integer not null, version integer not null, primary key(site, day)) without rowid;
create table if not exists trimmed(
    site text not null, day integer not null, primary key(site, day)) without rowid;
create table if not exists trimmed_run(
    bridge_epoch integer not null, first integer not null, last integer not null,
    primary key(bridge_epoch, first)) without rowid;
"""


def days_of_hours(hours: Iterable[tuple[int, ...]], quantities: int) -> list[tuple[int, ...]]:
    """Rows of one shape (series, t, shape, n, covered_ms, sums, lows, highs) of hours, summed up to local days."""
    found: dict[tuple[int, int], tuple[int, ...]] = {}
    lows, highs = 5 + quantities, 5 + 2 * quantities
    for row in hours:
        place = (row[0], (row[1] + SHIFT) // HOURS)
        there = found.get(place)
        found[place] = (
            row[2:]
            if there is None
            else (
                there[0],
                there[1] + row[3],
                *map(add, there[2 : lows - 2], row[4:lows]),
                *map(min, there[lows - 2 : highs - 2], row[lows:highs]),
                *map(max, there[highs - 2 :], row[highs:]),
            )
        )
    return [place + row for place, row in found.items()]


def days_of_flagged(hours: Mapping[tuple[int, int, str], list[int]]) -> dict[tuple[int, int, str], list[int]]:
    """Counts of flagged values by (series, hour, quantity), summed up to local days."""
    found: dict[tuple[int, int, str], list[int]] = {}
    for (series, t, key), counts in hours.items():
        place = (series, (t + SHIFT) // HOURS, key)
        there = found.get(place)
        found[place] = counts if there is None else list(map(add, there, counts))
    return found


class Days:
    """Notes which days a transaction touches; `write` counts their readings and raises their versions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._readings: dict[tuple[int, int], int] = {}
        self._touched: set[tuple[str, int]] = set()

    def forget(self) -> None:
        """After a rollback."""
        self._readings.clear()
        self._touched.clear()

    def note(self, site: str, series: int, rows: Sequence[tuple[Any, ...]]) -> None:
        """New rows of one series, in order of time; the time is their second column."""
        first, last = day_number(rows[0][1]), day_number(rows[-1][1])
        if first == last:
            self._count(site, series, first, len(rows))
            return
        for row in rows:
            self._count(site, series, day_number(row[1]), 1)

    def _count(self, site: str, series: int, day: int, readings: int) -> None:
        self._readings[series, day] = self._readings.get((series, day), 0) + readings
        self._touched.add((site, day))

    def touch(self, site: str, first_ms: int, last_ms: int) -> None:
        """What stands in the days of first…last has changed, without a reading more or less."""
        self._touched.update((site, day) for day in range(day_number(first_ms), day_number(last_ms) + 1))

    def write(self) -> list[tuple[str, int]]:
        """Into the tables; returns the site-days whose version rose, once for all that was noted since."""
        if self._readings:
            self._connection.executemany(
                "insert into series_day values(?, ?, ?) on conflict do update set readings=readings+excluded.readings",
                [(*place, readings) for place, readings in sorted(self._readings.items())],
            )
            self._readings.clear()
        risen = sorted(self._touched)
        if risen:
            self._connection.executemany(
                "insert into day_version values(?, ?, 1) on conflict do update set version=version+1", risen
            )
            self._touched.clear()
        return risen


def raise_versions(connection: sqlite3.Connection, site: str, start_ms: int, end_ms: int) -> int:
    """Raises every day of a site that is known and that start <= at < end touches; how many. In a transaction."""
    return connection.execute(
        "update day_version set version=version+1 where site=? and day>=? and day<=?",
        (site, day_number(start_ms), day_number(end_ms - 1)),
    ).rowcount


def remake(connection: sqlite3.Connection, series: int, first: int, last: int) -> None:
    """Makes rollup_1d and flagged_1d of the days first…last anew from the hours; inside a transaction."""
    parts = [row[1] for row in connection.execute("pragma table_info(rollup_1d)")]
    parts = [part for part in parts if part.partition("_")[0] in _AGGREGATE]
    sums = ", ".join(f"{_AGGREGATE[part.partition('_')[0]]}({part})" for part in parts)
    counts = ", ".join(_FLAGGED)
    totals = ", ".join(f"sum({name})" for name in _FLAGGED)
    hours = (series, first * HOURS - SHIFT, (last + 1) * HOURS - SHIFT)
    for table in ("rollup_1d", "flagged_1d"):
        connection.execute(f"delete from {table} where series=? and t>=? and t<=?", (series, first, last))
    connection.execute(
        f"insert into rollup_1d(series, t, shape, n, {', '.join(parts)}) "
        f"select series, (t + {SHIFT}) / {HOURS} day, shape, sum(n), {sums} from rollup_1h "
        "where series=? and t>=? and t<? group by series, day, shape",
        hours,
    )
    connection.execute(
        f"insert into flagged_1d(series, t, quantity, {counts}) "
        f"select series, (t + {SHIFT}) / {HOURS} day, quantity, {totals} from flagged_1h "
        "where series=? and t>=? and t<? group by series, day, quantity",
        hours,
    )


_AGGREGATE: Final = {"covered": "sum", "sum": "sum", "low": "min", "high": "max"}
