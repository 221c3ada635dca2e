"""Takes readings out of the file once the archive has them; rollups, counts and versions of their days stay."""

from __future__ import annotations

import sqlite3
from datetime import date

from classair.intervals import Intervals
from classair.stores import local_day
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
