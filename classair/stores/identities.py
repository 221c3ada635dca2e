"""What each sensor has said that it is, as ingest keeps it in readings.db; for every reader of the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from classair.stores.sqlite.file import reading_table


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
    with reading_table(readings, "sensor_identity") as connection:
        if connection is None:
            return []
        return [
            Identity(*row)
            for row in connection.execute(
                "select sensor, from_ms, identity from sensor_identity order by sensor, from_ms"
            )
        ]
