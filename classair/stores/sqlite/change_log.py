"""The change log: which stretches of which series each commit touched, in order of commit, to be copied elsewhere."""

from __future__ import annotations

import sqlite3
from datetime import date

from classair.intervals import union
from classair.model import Reading, SwitchEvent
from classair.stores import Changes, Rollup
from classair.stores.local_day import day_number, site_of, start_of
from classair.stores.sqlite.queries import Queries
from classair.stores.sqlite.rollups import KEPT
from classair.stores.sqlite.rows import all_series
from classair.stores.sqlite.writing import SWITCHES, VERSIONS
from classair.units import DAY_MS


def begin(connection: sqlite3.Connection) -> None:
    """Inside a transaction: a log that was never kept, or not lately, begins with everything there is."""
    if connection.execute("select 1 from remembered where name='journal'").fetchone() is None:
        connection.execute("insert into remembered values('journal', 1)")
        carry_again(connection, -(2**62), 2**62)


def end(connection: sqlite3.Connection) -> None:
    """Inside a transaction: nothing is logged from here on, so that a later beginning starts afresh."""
    connection.execute("delete from remembered where name='journal'")
    connection.execute("delete from change")


def carry_again(connection: sqlite3.Connection, start_ms: int, end_ms: int) -> None:
    """Inside a transaction: logs every series that has readings in start <= at < end, a day at a time."""
    days: list[tuple[int, int, int]] = []
    for identity in all_series(connection):
        first = start_ms
        while (
            row := connection.execute(
                "select min(at_ms) from reading where series=? and at_ms>=? and at_ms<?", (identity, first, end_ms)
            ).fetchone()
        )[0] is not None:
            last = min(row[0] // DAY_MS * DAY_MS + DAY_MS, end_ms) - 1
            days.append((row[0], identity, last))
            first = last + 1
    connection.executemany(
        "insert into change(series, first_ms, last_ms) values(?, ?, ?)",
        [(identity, first, last) for first, identity, last in sorted(days)],
    )
    found = connection.execute(
        "select min(at_ms), max(at_ms) from switch where at_ms>=? and at_ms<?", (start_ms, end_ms)
    ).fetchone()
    if found[0] is not None:
        connection.execute("insert into change(series, first_ms, last_ms) values(?, ?, ?)", (SWITCHES, *found))


def next_changes(queries: Queries, after: int, limit: int) -> Changes | None:
    """See SqliteStore.next_changes. Ends at the entry that reaches `limit`, so one day of a series is the most."""
    with queries.connection() as connection:
        entries = connection.execute(
            "select position, series, first_ms, last_ms from change where position>? order by position limit ?",
            (after, limit),
        ).fetchall()
        names = all_series(connection)
    if not entries:
        return None
    readings: dict[tuple[str, str, str, int], Reading] = {}
    stretches: dict[int, list[tuple[int, int]]] = {}
    switches: list[SwitchEvent] = []
    versions: dict[tuple[str, date], int] = {}
    days: set[tuple[str, int]] = set()
    position = after
    for entry, identity, first_ms, last_ms in entries:
        if len(readings) >= limit:
            break
        position = entry
        if identity == VERSIONS:
            versions.update(queries.versions_of(None, first_ms, last_ms))
            continue
        if identity == SWITCHES:
            events = queries.all_switches(first_ms, last_ms)
            switches += events
            days |= {(site_of(event.purifier), day_number(event.at_ms)) for event in events}
            continue
        stretches.setdefault(identity, []).append((first_ms, last_ms))
        site = site_of(names[identity].sensor)
        days |= {(site, day) for day in range(day_number(first_ms), day_number(last_ms) + 1)}
        for reading in queries.readings_of(identity, names[identity], first_ms, last_ms + 1):
            readings[(reading.sensor, *reading.key)] = reading
    rollups: dict[str, list[Rollup]] = {"1m": [], "1h": [], "1d": []}
    for grain, unit, shift in KEPT:
        for identity, parts in stretches.items():
            for first, end in union(((first + shift) // unit, (last + shift) // unit + 1) for first, last in parts):
                rollups[grain] += queries.rollups(
                    identity, names[identity], grain, first * unit - shift, end * unit - shift
                )
    for site, day in sorted(days):
        versions.update(queries.versions_of(site, start_of(day), start_of(day)))
    return Changes(position, list(readings.values()), rollups["1m"], rollups["1h"], switches, rollups["1d"], versions)


def span(queries: Queries) -> tuple[int, int] | None:
    """From the beginning of the first to the end of the last local day that has readings."""
    firsts, lasts = [], []
    with queries.connection() as connection:
        for identity in all_series(connection):
            low, high = (
                connection.execute(f"select {end}(at_ms) from reading where series=?", (identity,)).fetchone()[0]
                for end in ("min", "max")
            )
            if low is not None:
                firsts.append(start_of(day_number(low)))
                lasts.append(start_of(day_number(high) + 1))
    return (min(firsts), max(lasts)) if firsts else None
