"""The table `event` of readings.db: what schools note beside the numbers (a new filter, a smoke day), by ingest alone.

Nothing is deleted: an event that was noted in error is withdrawn, and stays with who did so and when.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from classair.stores.sqlite.file import away_as_such

KINDS: Final = (
    "filter_change",
    "smoke_day",
    "sensor_moved",
    "cleaning",
    "building_work",
    "activity",
    "activity_cancelled",
    "airing",
    "experiment",
    "other",
)
"""An `experiment` is a class's own: it has a question, and a result once there is one."""
NOTE_LENGTH: Final = 200

TABLE: Final = """
create table if not exists event(
    id text primary key, site text not null, room text not null, kind text not null, start_ms integer not null,
    end_ms integer not null, note text not null, added_by text not null, added_at integer not null,
    withdrawn_by text not null, withdrawn_at integer, question text not null default '',
    result text not null default '') without rowid
"""
_LATER: Final = ("question", "result")
"""Columns that a file of an earlier version does not have."""


@dataclass(frozen=True, slots=True)
class SchoolEvent:
    """Something that happened at a school, in one room (`<site>.<room>`) or in all (`room` empty).

    Times are UTC ms, half-open. `note`, `question` and `result` are the school's own words; they are shown, never
    followed.
    """

    id: str
    site: str
    room: str
    kind: str
    start_ms: int
    end_ms: int
    note: str = ""
    added_by: str = ""
    added_at: int = 0
    withdrawn_by: str = ""
    withdrawn_at: int | None = None
    question: str = ""
    result: str = ""

    @property
    def valid(self) -> bool:
        return self.withdrawn_at is None


_COLUMNS: Final = (
    "id, site, room, kind, start_ms, end_ms, note, added_by, added_at, withdrawn_by, withdrawn_at, question, result"
)


def make_table(connection: sqlite3.Connection) -> None:
    """The table, or what it lacks in a file of an earlier version."""
    connection.execute(TABLE)
    there = _columns(connection)
    for column in _LATER:
        if column not in there:
            connection.execute(f"alter table event add column {column} text not null default ''")


def _columns(connection: sqlite3.Connection) -> set[str]:
    return {str(row[1]) for row in connection.execute("pragma table_info(event)")}


def noted_events(
    readings: Path, start_ms: int, end_ms: int, *, site: str | None = None, withdrawn: bool = False
) -> list[SchoolEvent]:
    """Those of a data folder (`places.readings`) that touch start <= t < end, oldest first.

    Raises StoreAway when the file is there and cannot be read; there are none where it is not there yet.
    """
    if not readings.exists():
        return []
    with (
        away_as_such(readings),
        contextlib.closing(sqlite3.connect(f"file:{readings}?mode=ro", uri=True, timeout=5)) as connection,
    ):
        there = _columns(connection)
        if not there:
            return []
        # Ingest has not been started since the version before.
        columns = ", ".join(name if name in there else f"'' as {name}" for name in _COLUMNS.split(", "))
        found = connection.execute(
            f"select {columns} from event where start_ms < ? and end_ms > ? and (? is null or site = ?) "
            "order by start_ms, site, room, id",
            (end_ms, start_ms, site, site),
        )
        return [one for row in found if (one := SchoolEvent(*row)).valid or withdrawn]


def find(connection: sqlite3.Connection, identity: str) -> SchoolEvent | None:
    row = connection.execute(f"select {_COLUMNS} from event where id=?", (identity,)).fetchone()
    return SchoolEvent(*row) if row else None


def put(connection: sqlite3.Connection, event: SchoolEvent) -> None:
    """Keeps an event, or its withdrawal; inside a transaction of the file's owner."""
    connection.execute(f"insert or replace into event({_COLUMNS}) values(?,?,?,?,?,?,?,?,?,?,?,?,?)", astuple(event))
