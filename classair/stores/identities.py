"""What each sensor has said that it is, as ingest keeps it in readings.db; for every reader of the file."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from classair.stores.sqlite.file import away_as_such


@dataclass(frozen=True, slots=True)
class Identity:
    """`sensor` (`<site>.<id>`) said from `from_ms` (UTC ms) on that it is `identity`: a serial number, a board's id."""

    sensor: str
    from_ms: int
    identity: str


def identities(readings: Path) -> list[Identity]:
    """Everything noted in a data folder, by sensor and time; nothing where there is no file yet.

    Raises StoreAway when the file is there and cannot be read.
    """
    if not readings.exists():
        return []
    with (
        away_as_such(readings),
        contextlib.closing(sqlite3.connect(f"file:{readings}?mode=ro", uri=True, timeout=5)) as connection,
    ):
        if not connection.execute("select 1 from sqlite_schema where name='sensor_identity'").fetchone():
            return []
        return [
            Identity(*row)
            for row in connection.execute(
                "select sensor, from_ms, identity from sensor_identity order by sensor, from_ms"
            )
        ]
