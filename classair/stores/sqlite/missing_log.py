"""The gap ledger in readings.db: which expected readings are not there, and why; lines are added, never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from classair.model import Missing

TABLE: Final = """
create table if not exists missing(
    sensor text not null, start_ms integer not null, end_ms integer not null, reason text not null,
    bridge text not null, simulated integer not null, expected integer not null,
    primary key(sensor, start_ms, end_ms, reason, bridge, simulated)) without rowid
"""
_COLUMNS: Final = "sensor, start_ms, end_ms, expected, reason, bridge, simulated"


def add(connection: sqlite3.Connection, lines: Iterable[Missing]) -> int:
    """Inside a transaction; a line that stands already changes nothing. Returns how many were new."""
    rows = [(m.sensor, m.start_ms, m.end_ms, m.reason, m.bridge, int(m.simulated), m.expected) for m in lines]
    before = connection.total_changes
    connection.executemany("insert into missing values(?, ?, ?, ?, ?, ?, ?) on conflict do nothing", rows)
    return connection.total_changes - before


def lines(connection: sqlite3.Connection, sensor: str, start_ms: int, end_ms: int) -> list[Missing]:
    """Those that touch start <= t < end, in order of start; `sensor` may be a site with a dot behind it."""
    # A file that an older version wrote, and ingest has not opened since, has no ledger yet.
    if not connection.execute("select 1 from sqlite_schema where name='missing'").fetchone():
        return []
    # "/" is the character behind ".": the site's sensors are one stretch of the primary key.
    condition = "sensor > ?1 and sensor < ?4" if sensor.endswith(".") else "sensor = ?1 and ?4 = ?4"
    found = connection.execute(
        f"select {_COLUMNS} from missing where {condition} and start_ms < ?3 and end_ms > ?2 "
        "order by start_ms, sensor, end_ms, reason",
        (sensor, start_ms, end_ms, sensor[:-1] + "/"),
    )
    return [
        Missing(whose, first, end, expected, reason, bridge, bool(simulated))
        for whose, first, end, expected, reason, bridge, simulated in found
    ]


def sorted_lines(kept: Iterable[Missing], sensor: str, start_ms: int, end_ms: int) -> list[Missing]:
    """The same of lines in memory."""
    mine = (
        line
        for line in kept
        if (line.sensor.startswith(sensor) if sensor.endswith(".") else line.sensor == sensor)
        and line.start_ms < end_ms
        and line.end_ms > start_ms
    )
    return sorted(mine, key=lambda line: (line.start_ms, line.sensor, line.end_ms, line.reason))
