"""What each sensor says that it is, such as its serial number, and since when it has said so."""

from __future__ import annotations

import sqlite3
from typing import Final

TABLE: Final = """
create table if not exists sensor_identity(
    sensor text not null, from_ms integer not null, identity text not null, primary key(sensor, from_ms)) without rowid
"""


class Identities:
    """The table `sensor_identity`; `note` inside a transaction of its owner."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(TABLE)

    def note(self, sensor: str, identity: str, at_ms: int) -> None:
        """Kept when it is another than the newest."""
        row = self._connection.execute(
            "select identity from sensor_identity where sensor=? order by from_ms desc limit 1", (sensor,)
        ).fetchone()
        if row is None or row[0] != identity:
            self._connection.execute(
                "insert or replace into sensor_identity values(?, ?, ?)", (sensor, at_ms, identity)
            )
