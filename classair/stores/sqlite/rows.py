"""How rows of readings.db are written, for whoever reads its tables beside the store: codes, marks, series, days."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import date
from typing import Final

from classair.stores import Series, local_day

CLOCKS: Final = ("sync", "holdover", "server", "receipt", "unsync")
"""Clock qualities by the number they are stored as."""


def read_marks(text: str | None) -> dict[str, int]:
    """Flags of single quantities as they are stored: `pm25:3,rh_pct:1`."""
    return {key: int(mark) for key, mark in (part.split(":") for part in text.split(","))} if text else {}


def write_marks(marks: Mapping[str, int]) -> str | None:
    return ",".join([f"{key}:{int(mark)}" for key, mark in marks.items() if mark]) or None


def all_series(connection: sqlite3.Connection) -> dict[int, Series]:
    """Every series by the number that rows name it by."""
    return {
        identity: Series(sensor, room, bool(simulated))
        for identity, sensor, room, simulated in connection.execute(
            "select id, sensor, room, simulated from series order by id"
        )
    }


def trimmed_days(connection: sqlite3.Connection, site: str, start_ms: int, end_ms: int) -> list[date]:
    """Days of a site that start <= at < end touches and whose readings have been taken out."""
    return [
        local_day.date_of(day)
        for (day,) in connection.execute(
            "select day from trimmed where site=? and day between ? and ? order by day",
            (site, local_day.day_number(start_ms), local_day.day_number(end_ms - 1)),
        )
    ]
