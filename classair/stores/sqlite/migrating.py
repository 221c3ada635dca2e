"""Files of older versions, brought up inside the transaction that opens them: cut short, they stay what they were."""

from __future__ import annotations

import logging
import sqlite3
import time
from typing import Final

from classair.stores import local_day
from classair.stores.sqlite import local_days
from classair.stores.sqlite.rollups import KEPT, covered_by_first

log = logging.getLogger(__name__)

_SAY_EVERY_S: Final = 5.0


def bring_up(connection: sqlite3.Connection, version: int) -> None:
    """Fills what this version has and the file's did not; 0 is a new file. Inside a transaction, tables in place."""
    if version in (1, 2):
        _fill_covered(connection)
    if version == 1:
        _make_days(connection)
    if version in (1, 2) and connection.execute("select 1 from remembered where name='journal'").fetchone() is not None:
        # What is new to a store that is filled from here; what is carried again ends in the same state.
        from classair.stores.sqlite import change_log

        change_log.carry_again(connection, -(2**62), 2**62)


def _fill_covered(connection: sqlite3.Connection) -> None:
    """The time that rows of rollups cover, which files of version 2 did not keep."""
    begun = time.monotonic()
    log.info("database_migration_started what=covered_ms")
    for grain, _, _ in KEPT:
        connection.execute(f"update rollup_{grain} set covered_ms={covered_by_first(grain)} where covered_ms is null")
    log.info("database_migrated what=covered_ms seconds=%.1f", time.monotonic() - begun)


def _make_days(connection: sqlite3.Connection) -> None:
    """Local days from the hours and readings, series by series; every site-day begins with version 1."""
    begun = said = time.monotonic()
    series = connection.execute("select id, sensor from series order by id").fetchall()
    log.info("database_migration_started series=%d", len(series))
    for done, (identity, sensor) in enumerate(series):
        days = _count(connection, identity)
        if days:
            local_days.remake(connection, identity, days[0], days[-1])
            site = local_day.site_of(sensor)
            connection.executemany(
                "insert into day_version values(?, ?, 1) on conflict do nothing", [(site, day) for day in days]
            )
        if time.monotonic() - said >= _SAY_EVERY_S:
            said = time.monotonic()
            log.info("database_migrating series=%d done=%d", len(series), done + 1)
    for purifier, at_ms in connection.execute("select purifier, at_ms from switch").fetchall():
        connection.execute(
            "insert into day_version values(?, ?, 1) on conflict do nothing",
            (local_day.site_of(purifier), local_day.day_number(at_ms)),
        )
    log.info("database_migrated series=%d seconds=%.1f", len(series), time.monotonic() - begun)


def _count(connection: sqlite3.Connection, series: int) -> list[int]:
    """Counts the readings of each local day into series_day; returns the days that have any, in order."""
    days: list[int] = []
    after = -(2**62)
    while (
        row := connection.execute(
            "select min(at_ms) from reading where series=? and at_ms>=?", (series, after)
        ).fetchone()
    )[0] is not None:
        day = local_day.day_number(row[0])
        after = local_day.start_of(day + 1)
        connection.execute(
            "insert into series_day select ?, ?, count(*) from reading where series=? and at_ms>=? and at_ms<?",
            (series, day, series, row[0], after),
        )
        days.append(day)
    return days
