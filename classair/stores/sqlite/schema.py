"""The tables of readings.db that belong to the store, and how the file is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from classair.model import BAD_CLASS_NAMES, QUANTITIES, SHOWN
from classair.stores import StoreAway
from classair.stores.sqlite import local_days
from classair.stores.sqlite.file import APPLICATION_ID, VERSION, away_as_such
from classair.stores.sqlite.migrating import bring_up
from classair.stores.sqlite.missing_log import TABLE as MISSING_TABLE

_BAD_COLUMNS: Final = ", ".join(f"{name} integer not null default 0" for name in BAD_CLASS_NAMES)

# A rollup row covers one *shape*: readings in which the same quantities were valid, so that one n serves them all and
# nothing in the row is null that belongs to it. Nearly every minute and hour has exactly one shape. Counting n for
# each quantity in one row costs twice the time to merge, a row for each quantity four times.
_TABLES: Final = f"""
create table if not exists quantity(key text primary key, scale integer not null) without rowid;
create table if not exists series(
    id integer primary key, sensor text not null, room text not null, simulated integer not null,
    unique(sensor, room, simulated));
create index if not exists series_of_room on series(room);
create table if not exists bridge_epoch(
    id integer primary key, bridge text not null, epoch text not null, unique(bridge, epoch));
create table if not exists shape(id integer primary key, quantities text not null unique);
create table if not exists reading(
    series integer not null, at_ms integer not null, seq integer not null, bridge_epoch integer not null,
    interval_s real not null, n integer not null, flags integer not null, vflags text, clock integer not null,
    late integer not null, primary key(series, at_ms, seq)) without rowid;
create table if not exists rollup_1m(
    series integer not null, t integer not null, shape integer not null, n integer not null,
    primary key(series, t, shape)) without rowid;
create table if not exists rollup_1h(
    series integer not null, t integer not null, shape integer not null, n integer not null,
    primary key(series, t, shape)) without rowid;
create table if not exists flagged_1m(
    series integer not null, t integer not null, quantity text not null, suspect integer not null default 0,
    {_BAD_COLUMNS}, primary key(series, t, quantity)) without rowid;
create table if not exists flagged_1h(
    series integer not null, t integer not null, quantity text not null, suspect integer not null default 0,
    {_BAD_COLUMNS}, primary key(series, t, quantity)) without rowid;
create table if not exists received(
    bridge_epoch integer not null, first integer not null, last integer not null,
    primary key(bridge_epoch, first)) without rowid;
create table if not exists gap(
    bridge_epoch integer not null, first integer not null, last integer not null, reason text not null,
    at_ms integer not null, primary key(bridge_epoch, first, last)) without rowid;
create table if not exists switch(
    purifier text not null, at_ms integer not null, "on" integer, reason text not null, simulated integer not null,
    primary key(purifier, at_ms)) without rowid;
create table if not exists change(
    position integer primary key autoincrement, series integer not null, first_ms integer not null,
    last_ms integer not null);
{MISSING_TABLE.strip()};
create table if not exists remembered(name text primary key, value integer not null) without rowid;
"""


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes, with every table and column in place. Raises StoreAway."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with away_as_such(path):
        connection = sqlite3.connect(
            path, isolation_level=None, timeout=5, check_same_thread=False, cached_statements=512
        )
        try:
            _set_up(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    for pragma in (
        "journal_mode=wal",
        "synchronous=full",
        "journal_size_limit=67108864",
        # A larger log means that a page touched by many commits is copied into the database once.
        "wal_autocheckpoint=4000",
        "cache_size=-65536",
        "temp_store=memory",
        "foreign_keys=off",
    ):
        connection.execute(f"pragma {pragma}")
    connection.execute("begin immediate")
    try:
        owner = connection.execute("pragma application_id").fetchone()[0]
        version = connection.execute("pragma user_version").fetchone()[0]
        if owner not in (0, APPLICATION_ID) or (owner == 0 and _has_tables(connection)):
            raise StoreAway("the file is a database of another program. Choose another data folder")
        if version > VERSION:
            raise StoreAway(f"the file was written by a newer version (schema {version}, this one knows {VERSION})")
        for statement in (_TABLES + local_days.TABLES).split(";\n"):
            if statement.strip():
                connection.execute(statement)
        _add_quantities(connection)
        bring_up(connection, version)
        connection.execute(f"pragma application_id={APPLICATION_ID}")
        connection.execute(f"pragma user_version={VERSION}")
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("select count(*) from sqlite_schema").fetchone()[0])


def _add_quantities(connection: sqlite3.Connection) -> None:
    """Gives each quantity its columns; a scale once stored cannot change, or old values would change with it."""
    stored = dict(connection.execute("select key, scale from quantity"))
    for quantity in QUANTITIES.values():
        if (scale := stored.get(quantity.key)) is not None and scale != quantity.scale:
            raise StoreAway(f"{quantity.key} is stored in steps of 1/{scale}, this version has 1/{quantity.scale}")
        connection.execute("insert into quantity values(?, ?) on conflict do nothing", (quantity.key, quantity.scale))
    _add_columns(connection, "reading", list(QUANTITIES))
    for table, keys in (("rollup_1m", SHOWN), ("rollup_1h", tuple(QUANTITIES)), ("rollup_1d", tuple(QUANTITIES))):
        sums = [f"{part}_{key}" for key in keys for part in ("sum", "low", "high")]
        _add_columns(connection, table, ["covered_ms", *sums])


def _add_columns(connection: sqlite3.Connection, table: str, wanted: list[str]) -> None:
    there = {row[1] for row in connection.execute(f"pragma table_info({table})")}
    for column in wanted:
        if column not in there:
            connection.execute(f"alter table {table} add column {column} integer")
