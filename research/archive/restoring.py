"""Makes readings.db again from an archive alone. Cut short, the same command goes on where it was."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from classair.places import Places, sync_folder
from classair.stores import local_day
from classair.stores.sqlite.store import SqliteStore
from research.archive import TABLES, ArchiveFault, Entry, manifest_of, sites_of
from research.archive.days import checked_series, metadata
from research.archive.tables import load_tables

_NAME: Final = "restoring"
_MARK: Final = "create table if not exists restored(site text, day integer, sha256 text, primary key(site, day))"

Progress = Callable[[str], None]


def restore(archive: Path, places: Places, progress: Progress = lambda _: None) -> int:
    """A new readings.db in a data folder that has none; returns how many readings it has.

    It is built beside and put in place when it is whole. Raises ArchiveFault for a file that is damaged or missing,
    FileExistsError when there is a readings.db, StoreAway when the disk refuses.
    """
    if places.readings.exists():
        raise FileExistsError(f"{places.readings} already exists. Choose another --data folder")
    if not (archive / TABLES).is_file():
        raise ArchiveFault(f"{archive / TABLES} is missing; {archive} is not an archive, or is incomplete")
    days = [
        (site, day, entry) for site in sites_of(archive) for day, entry in sorted(manifest_of(archive, site).items())
    ]
    beside = places.root / _NAME
    store, rows = _begun(archive, beside / "readings.db", days, progress), 0
    try:
        with store.transaction() as connection:
            done = {(site, day) for site, day in connection.execute("select site, day from restored")}
        for number, (site, day, entry) in enumerate(days, 1):
            place = (site, local_day.number_of(day))
            if place not in done:
                rows = _add_day(store, archive / site / entry.file, site, day, entry)
                progress(f"{site} {day}: {rows:,} readings ({number} of {len(days)} days)")
        with store.transaction() as connection:
            _set_versions(connection, days)
            _receive(store, connection)
            connection.execute("drop table restored")
            connection.execute("drop table restored_version")
            connection.execute("delete from remembered where name=?", (_NAME,))
            rows = int(connection.execute("select coalesce(sum(readings), 0) from series_day").fetchone()[0])
    finally:
        store.close()
    with sqlite3.connect(beside / "readings.db") as plain:
        plain.execute("pragma wal_checkpoint(truncate)")
        plain.execute("pragma journal_mode=delete")
    plain.close()
    (beside / "readings.db").rename(places.readings)
    sync_folder(places.root)
    for left in beside.iterdir():
        left.unlink()
    beside.rmdir()
    return rows


def _begun(archive: Path, path: Path, days: list[tuple[str, date, Entry]], progress: Progress) -> SqliteStore:
    """The file that is being built: one begun from this same archive, or a new one."""
    wanted = int.from_bytes(hashlib.sha256((archive / TABLES).read_bytes()).digest()[:7])
    if path.exists():
        store = SqliteStore(path)
        if store.remembered(_NAME) == wanted and _is_part_of(store, days):
            progress("resuming the interrupted restore")
            return store
        store.close()
        progress("the interrupted restore used another state of the archive; starting from scratch")
        for part in path.parent.iterdir():
            part.unlink()
    store = SqliteStore(path)
    try:
        with store.transaction() as connection:
            connection.execute(_MARK)
            load_tables(archive, connection)
            connection.execute("create table restored_version as select * from day_version")
            store.remember(_NAME, wanted)
    except BaseException:
        store.close()
        raise
    return store


def _is_part_of(store: SqliteStore, days: list[tuple[str, date, Entry]]) -> bool:
    wanted = {(site, local_day.number_of(day)): entry.sha256 for site, day, entry in days}
    with store.transaction() as connection:
        try:
            done = connection.execute("select site, day, sha256 from restored").fetchall()
        except sqlite3.OperationalError:  # it was whole already and only not yet in its place
            return False
    return all(wanted.get((site, day)) == sha256 for site, day, sha256 in done)


def _add_day(store: SqliteStore, path: Path, site: str, day: date, entry: Entry) -> int:
    if not path.is_file():
        raise ArchiveFault(f"{path} is in the manifest, but missing on disk")
    told = metadata(path)
    if (told["site"], told["day"]) != (site, day.isoformat()):
        raise ArchiveFault(f"{path} belongs to {told['site']} {told['day']}")
    rows = 0
    with store.transaction() as connection:
        for part in checked_series(path):
            rows += store.add_archived(part.series, part.columns)
        connection.execute("insert into restored values(?, ?, ?)", (site, local_day.number_of(day), entry.sha256))
    return rows


def _set_versions(connection: sqlite3.Connection, days: list[tuple[str, date, Entry]]) -> None:
    """Versions as they were. A day that had changed after it was archived gets a newer one than both."""
    known = {
        (site, day): version
        for site, day, version in connection.execute("select site, day, version from restored_version")
    }
    versions = dict(known)
    for site, day, entry in days:
        place = (site, local_day.number_of(day))
        last = known.get(place, 0)
        versions[place] = entry.version if entry.version >= last else last + 1
    connection.execute("delete from day_version")
    connection.executemany(
        "insert into day_version values(?, ?, ?)", [(*place, version) for place, version in sorted(versions.items())]
    )


def _receive(store: SqliteStore, connection: sqlite3.Connection) -> None:
    """Every number that stands in a table is dealt with; what the archive did not have may come again."""
    names = dict(connection.execute("select id, bridge || char(0) || epoch from bridge_epoch").fetchall())
    for identity, name in names.items():
        bridge, epoch = name.split("\0")
        first = last = None
        for (seq,) in connection.execute("select seq from reading where bridge_epoch=? order by seq", (identity,)):
            if last is not None and seq == last + 1:
                last = seq
                continue
            if first is not None and last is not None:
                store.mark(bridge, epoch, first, last)
            first = last = seq
        if first is not None and last is not None:
            store.mark(bridge, epoch, first, last)
        for first_of, last_of in connection.execute(
            "select first, last from gap where bridge_epoch=?", (identity,)
        ).fetchall():
            store.mark(bridge, epoch, first_of, last_of)
    for table in ("quarantine", "numbered"):
        if connection.execute("select 1 from sqlite_schema where name=?", (table,)).fetchone():
            for bridge, epoch, seq in connection.execute(
                f"select bridge, epoch, seq from {table} where seq is not null"
            ).fetchall():
                store.mark(bridge, epoch, seq, seq)
