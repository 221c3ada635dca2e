"""The tables of ledger.db, and the way to them from ledgers of earlier versions."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from classair.alerting import tables

BUSY_MS: Final = 5_000  # how long a connection waits for another one
SCHEMA: Final = (
    """
create table if not exists meta(key text primary key, value text not null) without rowid;
create table if not exists command(
    id integer primary key, purifier text not null, at integer not null, "on" integer not null, mode text not null,
    reason text not null, seconds integer, attempt integer not null, signal real, signal_at integer,
    config_version integer not null);
create index if not exists command_purifier on command(purifier, at);
create table if not exists purifier_seen(
    id integer primary key, purifier text not null, at integer not null, "on" integer, mode text not null,
    reason text not null);
create index if not exists purifier_seen_purifier on purifier_seen(purifier, at);
create table if not exists purifier_memory(purifier text primary key, at integer not null, memory text not null)
    without rowid;
create table if not exists override(
    id text primary key, purifier text not null, at integer not null, wish text not null, until integer,
    who text not null, answer text not null) without rowid;
create table if not exists matter(
    rule text not null, subject text not null, since integer not null, told_at integer,
    primary key(rule, subject)) without rowid;
create table if not exists notice(
    id integer primary key, at integer not null, what text not null, subject text not null, room text not null,
    detail text not null, over_at integer);
create index if not exists notice_at on notice(at);
create index if not exists notice_open on notice(what, subject) where over_at is null;
create table if not exists delivery(
    id integer primary key, rule text not null, subject text not null, kind text not null, person text not null,
    channel text not null, at integer not null, attempt integer not null, ok integer not null, error text not null);
create index if not exists delivery_subject on delivery(rule, subject, at);
create table if not exists followed(sensor text primary key, room text not null, memory text not null) without rowid;
create table if not exists followed_quarter(
    sensor text not null, start integer not null, level real not null, beside real, doubted integer not null,
    primary key(sensor, start)) without rowid;
create table if not exists room_losses(room text primary key, at integer not null, memory text not null)
    without rowid;
create table if not exists held(sensor text primary key, room text not null, at integer not null, median real not null)
    without rowid;
create table if not exists retained(topic text primary key) without rowid;
create table if not exists answered(id text primary key, at integer not null, answer text not null) without rowid;
"""
    + tables.SCHEMA
)


def bring_up(connection: sqlite3.Connection) -> None:
    """Makes an older ledger as `SCHEMA` has it. Call before it: the schema makes only what is missing.

    Each step is one transaction and does nothing the second time.
    """
    _rows_are_text(connection)


def _rows_are_text(connection: sqlite3.Connection) -> None:
    """Rows of the advice had whole numbers before 2026-12; a column of numbers would keep "13" beside "13a" as 13."""
    kinds = {name: kind for _, name, kind, *_ in connection.execute("pragma table_info(state_told)")}
    if kinds.get("rule", "text").lower() == "text":
        return
    connection.execute("begin immediate")
    try:
        (written,) = connection.execute("select sql from sqlite_master where name='state_told'").fetchone()
        connection.execute("alter table state_told rename to state_told_numbered")
        connection.execute(written.replace("rule integer not null", "rule text not null"))
        names = ", ".join(kinds)
        values = names.replace("rule", "cast(rule as text)")
        connection.execute(f"insert into state_told({names}) select {values} from state_told_numbered")
        connection.execute("drop table state_told_numbered")
        connection.execute("create index if not exists state_told_room on state_told(room, at)")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


@dataclass(frozen=True, slots=True)
class Notice:
    """What people were told at `at`, until it was over. `subject`: a purifier, a room or a service."""

    at: int
    what: str
    subject: str
    room: str
    detail: str = ""
    over_at: int | None = None


def connect(path: Path, read_only: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_MS / 1000,
        check_same_thread=False,
    )
    connection.execute("pragma synchronous=full")
    return connection


NOTICES: Final = "select at, what, subject, room, detail, over_at from notice"
