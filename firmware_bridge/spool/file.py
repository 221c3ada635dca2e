"""The SQLite file of a spool: what is on disk, in transactions. Knows nothing of numbers given out or of memory.

One connection writes and one reads, so that a slow commit never holds up who reads. sqlite3.OperationalError means
that the disk fails (full, read-only, gone); any other sqlite3.DatabaseError that the file is damaged.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from firmware_bridge.spool.ballast import Ballast
from firmware_bridge.spool.contents import SCHEMA, SCHEMA_VERSION, UPGRADE, Contents, is_sound, row_sum, suspect
from firmware_bridge.spool.old_blocks import GROWTH, OldBlocks
from firmware_bridge.spool.packing import LOST, Hole, SpoolRow

HEARD: Final = 50_000  # messages of third-party devices that are known when they are told again after a restart
_AT_ONCE: Final = 2_000  # rows given up in one transaction
_WAL_BYTES: Final = 4 * 1024 * 1024
_COLUMNS: Final = "seq, shape, at, n, clock, given, mono, boot"
_ALL: Final = f"{_COLUMNS}, sum"
_UNTIL: Final = "until:"
_INSERT: Final = f"insert into item({_ALL}) values(?,?,?,?,?,?,?,?,?)"
# The checksum of a row that is dated; one that does not fit already must not be made to fit.
_DATED_SUM: Final = (
    "case when sum = row_sum(seq, shape, at, n, clock, given, mono, boot)"
    " then row_sum(seq, shape, {at}, n, {clock}, given, null, null) else sum end"
)


class Oldest(NamedTuple):
    """The oldest rows and the numbers between which nothing else is kept."""

    first: int
    last: int
    rows: list[SpoolRow]


class SpoolFile:
    """Opens or makes the file; raises sqlite3.DatabaseError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = self._reader = self._connect()
        self._reading = threading.Lock()
        self._disk_full = False
        self._ballast = Ballast(path.with_name(path.name + ".ballast"), _WAL_BYTES + _WAL_BYTES // 4)
        try:
            self._prepare()
            self.blocks = OldBlocks(self._db)
            (self._heard_at_most,) = self._db.execute("select count(*) from heard").fetchone()
            self._reader = self._connect()
            self._reader.execute("pragma cache_size=-512")
            self._ballast.lay()
            self._share = self._share_of_disk()
        except sqlite3.DatabaseError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise sqlite3.OperationalError(str(error)) from None
        except UnicodeDecodeError as error:
            # Letters of the schema have rotted, and the module stumbles over its own message about them.
            self.close()
            raise sqlite3.DatabaseError(f"malformed schema: {error.reason}") from None

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, timeout=5, check_same_thread=False)
        db.text_factory = lambda text: text.decode("utf-8", "replace")  # a rotten letter fails the checksum, no more
        return db

    def _prepare(self) -> None:
        db = self._db
        for setting in ("journal_mode=wal", "synchronous=full", f"journal_size_limit={_WAL_BYTES}", "cache_size=-1024"):
            db.execute(f"pragma {setting}")
        (version,) = db.execute("pragma user_version").fetchone()
        if not 0 <= version <= SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"format {version} is not known to this version")
        db.create_function("row_sum", 8, row_sum, deterministic=True)
        if suspect(self._path).exists():
            if (verdict := is_sound(db)) != "ok":
                raise sqlite3.DatabaseError(verdict)
            with suppress(OSError):
                suspect(self._path).unlink(missing_ok=True)
        if version < SCHEMA_VERSION:
            made = UPGRADE if version else SCHEMA
            db.executescript(f"begin immediate; {made} pragma user_version={SCHEMA_VERSION}; commit;")

    def _share_of_disk(self) -> int:
        """Bytes that a spool may use: a quarter of what is free, itself included. One that is larger, because others
        have filled the disk, gives up nothing for that and grows no more.
        """
        own = self._path.stat().st_size
        quarter = (self._free() + own) // 4
        return quarter if own <= quarter else own + own // 16

    def _free(self) -> int:
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

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
            boot, _, elapsed_ms = meta.get("moment", "").rpartition(" ")
            return Contents(
                meta["epoch"],
                int(meta["reserved"]),
                max(int(meta["issued"]), newest, self.blocks.newest_seq(db)),
                int(meta["acknowledged"]),
                {int(number): str(text) for number, text in db.execute("select number, text from shape")},
                [Hole(*gap) for gap in db.execute("select first, last, reason from gap order by first")],
                {key.removeprefix(_UNTIL): int(value) for key, value in meta.items() if key.startswith(_UNTIL)},
                (boot, int(elapsed_ms)) if boot else None,
            )
        except (KeyError, ValueError, TypeError) as error:
            raise sqlite3.DatabaseError(f"contents make no sense: {error!r}") from None

    def write(
        self,
        rows: Sequence[SpoolRow] = (),
        shapes: Mapping[int, str] | None = None,
        gaps: list[Hole] | None = None,
        until: Mapping[str, int | None] | None = None,
        heard: Sequence[tuple[int, int]] = (),
        **meta: object,
    ) -> None:
        """All of it or nothing, durably. `gaps` replaces those kept; None leaves them. `until` None forgets one."""
        with self._transaction() as db:
            self._put(rows, shapes, gaps)
            db.executemany("insert or replace into heard values(?,?)", heard)
            if self._heard_at_most > HEARD + _AT_ONCE:
                db.execute(
                    "delete from heard where seq <= (select seq from heard order by seq desc limit 1 offset ?)",
                    (HEARD,),
                )
            meta.update({_UNTIL + sensor: at for sensor, at in (until or {}).items()})
            db.executemany("delete from meta where key=?", [(k,) for k, v in meta.items() if v is None])
            db.executemany(
                "insert or replace into meta values(?,?)", [(k, str(v)) for k, v in meta.items() if v is not None]
            )
        if self._heard_at_most > HEARD + _AT_ONCE:
            self._heard_at_most = HEARD
        self._heard_at_most += len(heard)

    def _put(self, rows: Iterable[SpoolRow], shapes: Mapping[int, str] | None, gaps: list[Hole] | None) -> None:
        self._db.executemany("insert or ignore into shape values(?,?)", (shapes or {}).items())
        self._db.executemany(_INSERT, [(*row, row_sum(*row)) for row in rows])
        if gaps is not None:
            self._db.execute("delete from gap")
            self._db.executemany("insert into gap values(?,?,?)", gaps)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("begin immediate")
            yield self._db
            self._db.execute("commit")
        except BaseException:
            try:
                if self._db.in_transaction:
                    self._db.execute("rollback")
            except sqlite3.OperationalError:
                pass  # the next `begin` says it
            raise

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"pragma {name}").fetchone()[0])

    def used(self) -> int:
        """Bytes of the file that hold something."""
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size")

    def settle(self) -> None:
        """On a full disk: moves what stands in the write-ahead log into the file, so that the log's room serves again.

        The file may have to grow for that, for which the ballast goes.
        """
        self._disk_full = True
        self._ballast.drop()
        self._db.execute("pragma wal_checkpoint(passive)").fetchone()

    def limit(self, wanted: int) -> int:
        """How many bytes may be used of `wanted`: the share of the disk, and since it was full not quite those the file
        has already.
        """
        self._disk_full = not self._ballast.lay() and self._disk_full and self._free() < _WAL_BYTES // 4
        wanted = min(wanted, self._share)
        return (
            min(wanted, self._pragma("page_count") * self._pragma("page_size") * 15 // 16)
            if self._disk_full
            else wanted
        )

    def date(self, boot: str, offset_ms: int, clock: int, floor_ms: int) -> tuple[int, list[tuple[int, int]]]:
        """See Spool.date; returns how many were dated, and of each shape of this boot the newest time."""
        newest_of = "select shape, max(mono) from item where at is null and boot = ? group by shape"
        packed = self.blocks.newest(self._db)
        before = (
            "max(:floor, coalesce((select b.at from item b where b.seq < item.seq and b.at is not null"
            " order by b.seq desc limit 1), :packed, 0))"
        )
        given = {"offset": offset_ms, "clock": clock, "boot": boot, "lost": LOST, "floor": floor_ms}
        given["packed"] = packed[2][-1].at if packed and packed[2] else None
        with self._transaction() as db:
            newest = [(shape, mono + offset_ms) for shape, mono in db.execute(newest_of, (boot,))]
            dated = db.execute(
                f"update item set sum = {_DATED_SUM.format(at='mono + :offset', clock=':clock')},"
                " at = mono + :offset, clock = :clock, mono = null, boot = null where at is null and boot = :boot",
                given,
            ).rowcount
            dated += db.execute(
                f"update item set sum = {_DATED_SUM.format(at=before, clock=':lost')}, at = {before}, clock = :lost,"
                " mono = null, boot = null where at is null and boot <> :boot",
                given,
            ).rowcount
        return dated, newest

    # -- giving up, and the blocks of earlier versions; one thread at a time -------------------------------------------

    def oldest(self, upto: int = 2**62) -> Oldest | None:
        """The oldest rows up to this number; None when there are none."""
        if block := self.blocks.oldest(self._db, upto):
            return Oldest(*block)
        query = f"select {_ALL} from item where seq <= ? order by seq limit ?"
        rows = [_row(row) for row in self._db.execute(query, (upto, _AT_ONCE))]
        return Oldest(rows[0].seq, rows[-1].seq, rows) if rows else None

    def drop(
        self,
        first: int,
        last: int,
        gaps: list[Hole] | None = None,
        shapes: Mapping[int, str] | None = None,
        fresh: Sequence[SpoolRow] = (),
    ) -> None:
        """Takes away what lies between these numbers, with what is then missing and rows that say so."""
        with self._transaction() as db:
            self.blocks.drop(db, first, last)
            db.execute("delete from item where seq between ? and ?", (first, last))
            self._put(fresh, shapes, gaps)

    def unpack(self, limit: int) -> bool:
        """Takes the newest block of an earlier version apart; False when there is none, or not enough room."""
        block = self.blocks.newest(self._db)
        if block is None:
            return False
        waiting = self.blocks.size(self._db) * GROWTH
        if self.used() + waiting > self.limit(limit) or self._free() < waiting:
            return False
        with self._transaction() as db:
            self.blocks.drop(db, block[0], block[1])
            self._put(block[2], None, None)
        return True

    # -- reading; any thread -------------------------------------------------------------------------------------------

    def after(self, seq: int, limit: int) -> list[SpoolRow]:
        """Up to `limit` rows behind `seq` in order. One that has rotted keeps its place and is not readable."""
        with self._reading:
            self._reader.execute("begin")  # one state of the file: a row is either in a block or alone
            try:
                found = self.blocks.after(self._reader, seq, limit)
                if len(found) < limit:
                    query = f"select {_ALL} from item where seq > ? order by seq limit ?"
                    behind = (max(seq, found[-1].seq if found else 0), limit - len(found))
                    found += [_row(row) for row in self._reader.execute(query, behind)]
            finally:
                self._reader.execute("rollback")
        return found[:limit]

    def first(self) -> int | None:
        """The oldest number that is kept."""
        with self._reading:
            found = self.blocks.after(self._reader, 0, 1)
            (loose,) = self._reader.execute("select min(seq) from item").fetchone()
        return found[0].seq if found else loose

    def heard(self, message: int) -> SpoolRow | None:
        """The newest row that was made of a message."""
        query = f"select {_ALL} from item where seq = (select seq from heard where message = ?)"
        with self._reading:
            row = self._reader.execute(query, (message,)).fetchone()
        return None if row is None else _row(row)

    def any_undated(self) -> bool:
        with self._reading:
            return self._reader.execute("select 1 from item where at is null limit 1").fetchone() is not None

    def undated_rows(self, boot: str) -> list[SpoolRow]:
        """The rows measured under this boot that wait for their date, in order."""
        query = f"select {_ALL} from item where at is null and boot = ? order by seq"
        with self._reading:
            return [_row(row) for row in self._reader.execute(query, (boot,))]

    def undated_shapes(self, boot: str) -> set[int]:
        """The shapes of rows that were measured under another boot and never dated."""
        query = "select distinct shape from item where at is null and boot <> ?"
        with self._reading:
            return {shape for (shape,) in self._reader.execute(query, (boot,))}


def _row(record: tuple[Any, ...]) -> SpoolRow:
    *parts, kept = record
    row = SpoolRow(*parts)
    # Without a checksum: from an earlier version.
    return row if kept is None or kept == row_sum(*row) else SpoolRow(row.seq, -1, None, 0, 0, "")
