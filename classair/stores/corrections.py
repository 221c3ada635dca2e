"""The table `correction` of readings.db: every version ever accepted, never changed, written by ingest alone."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Final

from classair.science.corrections import Correction, Corrections, as_record, of_record
from classair.stores import StoreAway
from classair.stores.sqlite.file import away_as_such

TABLE: Final = """
create table if not exists correction(
    id text not null, version integer not null, method text not null, formula text not null,
    coefficients text not null, input text not null, quantity text not null,
    valid_from integer not null, valid_to integer, sites text not null, sensors text not null, models text not null,
    low real, high real, data_set text not null, metrics text not null, author text not null,
    accepted_at integer not null, source text not null, primary key(id, version)) without rowid
"""
_COLUMNS: Final = (
    "id",
    "version",
    "method",
    "formula",
    "coefficients",
    "input",
    "quantity",
    "valid_from",
    "valid_to",
    "sites",
    "sensors",
    "models",
    "low",
    "high",
    "data_set",
    "metrics",
    "author",
    "accepted_at",
    "source",
)
_JSON: Final = frozenset({"coefficients", "sites", "sensors", "models", "metrics"})


def accepted_corrections(readings: Path) -> Corrections:
    """What was ever accepted in this data folder (`places.readings`), read anew; nothing where there is no file yet.

    Raises StoreAway when the file is there and cannot be read, or holds one that this version does not know.
    """
    if not readings.exists():
        return Corrections()
    with (
        away_as_such(readings),
        contextlib.closing(sqlite3.connect(f"file:{readings}?mode=ro", uri=True, timeout=5)) as connection,
    ):
        return read(connection)


def read(connection: sqlite3.Connection) -> Corrections:
    """The same from an open connection."""
    if not connection.execute("select 1 from sqlite_schema where name='correction'").fetchone():
        return Corrections()
    rows = connection.execute(f"select {', '.join(_COLUMNS)} from correction order by accepted_at, id, version")
    return Corrections(tuple(_of_row(row) for row in rows))


def add(connection: sqlite3.Connection, one: Correction) -> None:
    """Keeps a version for ever; inside a transaction of the file's owner."""
    record = as_record(one)
    row = [
        json.dumps(record[name], ensure_ascii=False, sort_keys=True) if name in _JSON else record[name]
        for name in _COLUMNS
    ]
    connection.execute(f"insert into correction({', '.join(_COLUMNS)}) values({', '.join('?' * len(row))})", row)


def _of_row(row: tuple[object, ...]) -> Correction:
    record = dict(zip(_COLUMNS, row, strict=True))
    try:
        return of_record({name: json.loads(str(value)) if name in _JSON else value for name, value in record.items()})
    except ValueError as error:
        # Going on without it would put other numbers on the screens than were accepted.
        raise StoreAway(f"correction {record['id']}@{record['version']} cannot be read: {error}") from error
