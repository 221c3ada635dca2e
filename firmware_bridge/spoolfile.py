"""The SQLite file of a spool: what is on disk, in transactions. Knows nothing of numbers given out or of memory.

One connection writes and one reads, so that a slow commit never holds up who reads. sqlite3.OperationalError means
that the disk fails (full, read-only, gone); any other sqlite3.DatabaseError that the file is damaged.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware_bridge.packing import LOST, Hole, Row

_EVICTED_AT_ONCE: Final = 2_000
_WAL_BYTES: Final = 4 * 1024 * 1024
_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
create table meta(key text primary key, value text not null) without rowid;
create table shape(number integer primary key, text text not null);
create table item(seq integer primary key, shape integer not null, at integer, n integer not null,
                  clock integer not null, given text not null, mono integer, boot text);
create index item_undated on item(boot) where at is null;
create table gap(first integer primary key, last integer not null, reason text not null);
"""
_COLUMNS: Final = "seq, shape, at, n, clock, given, mono, boot"
_INSERT: Final = f"insert into item({_COLUMNS}) values(?,?,?,?,?,?,?,?)"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds beside its items. `last`: the highest seq known to have been given out."""

    epoch: str
    reserved: int
    last: int
    acknowledged: int
    shapes: dict[int, str]
    gaps: list[Hole]


class SpoolFile:
    """Opens or makes the file; raises sqlite3.DatabaseError."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
        self._reader = self._db
        self._reading = threading.Lock()
        try:
            self._prepare()
            self._reader = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
            self._reader.execute("pragma cache_size=-512")
        except sqlite3.DatabaseError:
            self.close()
            raise

    def _prepare(self) -> None:
        db = self._db
        db.execute("pragma journal_mode=wal")
        db.execute("pragma synchronous=full")
        db.execute(f"pragma journal_size_limit={_WAL_BYTES}")
        db.execute("pragma cache_size=-1024")
        (version,) = db.execute("pragma user_version").fetchone()
        if version not in (0, _SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"format {version} is not known to this version")
        (verdict,) = db.execute("pragma quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        if version == 0:
            db.executescript(f"begin immediate; {_SCHEMA} pragma user_version={_SCHEMA_VERSION}; commit;")

    @staticmethod
    def has_epoch(path: Path) -> bool:
        """Whether there is a readable file at `path` with a sequence of its own."""
        try:
            db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            try:
                return db.execute("select 1 from meta where key='epoch'").fetchone() is not None
            finally:
                db.close()
        except sqlite3.DatabaseError:
            return False

    def close(self) -> None:
        with self._reading:
            if self._reader is not self._db:
                self._reader.close()
            self._db.close()

    # -- writing; one thread at a time ---------------------------------------------------------------------------------

    def contents(self) -> Contents | None:
        """None in a new file. Raises sqlite3.DatabaseError also when the contents make no sense."""
        db = self._db
        meta = dict(db.execute("select key, value from meta"))
        if not meta:
            return None
        (newest,) = db.execute("select coalesce(max(seq), 0) from item").fetchone()
        try:
            return Contents(
                meta["epoch"], int(meta["reserved"]), max(int(meta["issued"]), newest), int(meta["acknowledged"]),
                {int(number): str(text) for number, text in db.execute("select number, text from shape")},
                [Hole(*gap) for gap in db.execute("select first, last, reason from gap order by first")],
            )
        except (KeyError, ValueError, TypeError) as error:
            raise sqlite3.DatabaseError(f"contents make no sense: {error!r}") from None

    def write(self, rows: Iterable[Row] = (), shapes: Mapping[int, str] | None = None, gaps: list[Hole] | None = None,
              **meta: object) -> None:
        """All of it or nothing, durably. `gaps` replaces those kept; None leaves them."""
        db = self._db
        try:
            db.execute("begin immediate")
            db.executemany("insert or ignore into shape values(?,?)", (shapes or {}).items())
            db.executemany(_INSERT, rows)
            if gaps is not None:
                db.execute("delete from gap")
                db.executemany("insert into gap values(?,?,?)", gaps)
            db.executemany("insert or replace into meta values(?,?)", [(k, str(v)) for k, v in meta.items()])
            db.execute("commit")
        except sqlite3.OperationalError:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("rollback")
        except sqlite3.OperationalError:
            pass  # the next `begin` says it

    def used(self) -> int:
        """Bytes of the file that hold something."""
        pages, free, size = (
            self._db.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
        return int((pages - free) * size)

    def oldest(self, acknowledged: int) -> tuple[int, int] | None:
        """The next stretch of items to give up: acknowledged ones, others if there are none of these."""
        query = "select seq from item order by seq limit ?"
        old = [seq for (seq,) in self._db.execute(query, (_EVICTED_AT_ONCE,))]
        if not old:
            return None
        used = [seq for seq in old if seq <= acknowledged]
        return old[0], (used or old)[-1]

    def drop(self, first: int, last: int, gaps: list[Hole] | None) -> None:
        """Gives up items; with `gaps`, replaces the gaps kept in the same transaction."""
        try:
            self._db.execute("begin immediate")
            self._db.execute("delete from item where seq between ? and ?", (first, last))
            if gaps is not None:
                self._db.execute("delete from gap")
                self._db.executemany("insert into gap values(?,?,?)", gaps)
            self._db.execute("commit")
        except sqlite3.OperationalError:
            self._roll_back()
            raise

    def date(self, boot: str, offset_ms: int, clock: int, floor_ms: int) -> int:
        """See Spool.date; returns how many were dated."""
        try:
            self._db.execute("begin immediate")
            count = self._db.execute(
                "update item set at = mono + ?, clock = ?, mono = null, boot = null where at is null and boot = ?",
                (offset_ms, clock, boot)).rowcount
            count += self._db.execute(
                "update item set clock = ?, mono = null, boot = null, at = max(?, coalesce((select b.at from item b"
                " where b.seq < item.seq and b.at is not null order by b.seq desc limit 1), 0))"
                " where at is null and boot <> ?", (LOST, floor_ms, boot)).rowcount
            self._db.execute("commit")
        except sqlite3.OperationalError:
            self._roll_back()
            raise
        return count

    # -- reading; any thread -------------------------------------------------------------------------------------------

    def after(self, seq: int, limit: int) -> list[Row]:
        query = f"select {_COLUMNS} from item where seq > ? order by seq limit ?"
        with self._reading:
            return [Row(*row) for row in self._reader.execute(query, (seq, limit))]

    def count_after(self, seq: int) -> int:
        with self._reading:
            (count,) = self._reader.execute("select count(*) from item where seq > ?", (seq,)).fetchone()
        return int(count)

    def any_undated(self) -> bool:
        with self._reading:
            return self._reader.execute("select 1 from item where at is null limit 1").fetchone() is not None
