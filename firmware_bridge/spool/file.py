"""The SQLite file of a spool: what is on disk, in transactions. Knows nothing of numbers given out or of memory.

One connection writes and one reads, so that a slow commit never holds up who reads. sqlite3.OperationalError means
that the disk fails (full, read-only, gone); any other sqlite3.DatabaseError that the file is damaged.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from classair.intervals import of_numbers
from firmware_bridge.spool import blocks
from firmware_bridge.spool.ballast import Ballast
from firmware_bridge.spool.blocks import BadBlock
from firmware_bridge.spool.contents import BLOCKS, SCHEMA, SCHEMA_VERSION, Block, Contents
from firmware_bridge.spool.packing import LOST, Hole, SpoolRow

log = logging.getLogger(__name__)

_EVICTED_AT_ONCE: Final = 2_000
_WAL_BYTES: Final = 4 * 1024 * 1024
_COLUMNS: Final = "seq, shape, at, n, clock, given, mono, boot"
_UNTIL: Final = "until:"
_INSERT: Final = f"insert into item({_COLUMNS}) values(?,?,?,?,?,?,?,?)"


class SpoolFile:
    """Opens or makes the file; raises sqlite3.DatabaseError."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
        self._reader = self._db
        self._reading = threading.Lock()
        self._disk_full = False
        self._ballast = Ballast(path.with_name(path.name + ".ballast"), _WAL_BYTES + _WAL_BYTES // 4)
        self._unpacked: tuple[int, list[SpoolRow]] = (0, [])
        self.loose = 0  # rows that are not packed yet
        try:
            self._prepare()
            self._reader = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
            self._reader.execute("pragma cache_size=-512")
            self._ballast.lay()
        except sqlite3.DatabaseError:
            self.close()
            raise
        except UnicodeDecodeError as error:
            # Letters of the schema have rotted, and the module stumbles over its own message about them.
            self.close()
            raise sqlite3.DatabaseError(f"malformed schema: {error.reason}") from None

    def _prepare(self) -> None:
        db = self._db
        db.execute("pragma journal_mode=wal")
        db.execute("pragma synchronous=full")
        db.execute(f"pragma journal_size_limit={_WAL_BYTES}")
        db.execute("pragma cache_size=-1024")
        (version,) = db.execute("pragma user_version").fetchone()
        if not 0 <= version <= SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"format {version} is not known to this version")
        (verdict,) = db.execute("pragma quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        if version < SCHEMA_VERSION:
            made = BLOCKS if version else SCHEMA + BLOCKS
            db.executescript(f"begin immediate; {made} pragma user_version={SCHEMA_VERSION}; commit;")
        (self.loose,) = db.execute("select count(*) from item").fetchone()

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
        (newest,) = db.execute(
            "select max(coalesce((select max(seq) from item), 0), coalesce((select max(last) from block), 0))"
        ).fetchone()
        try:
            boot, _, elapsed_ms = meta.get("moment", "").rpartition(" ")
            return Contents(
                meta["epoch"],
                int(meta["reserved"]),
                max(int(meta["issued"]), newest),
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
        **meta: object,
    ) -> None:
        """All of it or nothing, durably. `gaps` replaces those kept; None leaves them. `until` None forgets one."""
        with self._transaction() as db:
            db.executemany("insert or ignore into shape values(?,?)", (shapes or {}).items())
            db.executemany(_INSERT, rows)
            self._put_gaps(gaps)
            meta.update({_UNTIL + sensor: at for sensor, at in (until or {}).items()})
            db.executemany("delete from meta where key=?", [(k,) for k, v in meta.items() if v is None])
            db.executemany(
                "insert or replace into meta values(?,?)", [(k, str(v)) for k, v in meta.items() if v is not None]
            )
        self.loose += len(rows)

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

    def _put_gaps(self, gaps: list[Hole] | None) -> None:
        if gaps is not None:
            self._db.execute("delete from gap")
            self._db.executemany("insert into gap values(?,?,?)", gaps)

    def used(self) -> int:
        """Bytes of the file that hold something."""
        pages, free, size = (
            self._db.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def settle(self) -> None:
        """On a full disk: moves what stands in the write-ahead log into the file, so that the log's room serves again.

        The file may have to grow for that, for which the ballast goes.
        """
        self._disk_full = True
        self._ballast.drop()
        self._db.execute("pragma wal_checkpoint(passive)").fetchone()

    def limit(self, wanted: int) -> int:
        """How many bytes may be used of `wanted`: since the disk was full not quite those the file has already."""
        self._disk_full = self._disk_full and not self._ballast.lay()
        if not self._disk_full:
            return wanted
        (pages,), (size,) = (self._db.execute(f"pragma {name}").fetchone() for name in ("page_count", "page_size"))
        return min(wanted, int(pages * size) * 15 // 16)

    def date(self, boot: str, offset_ms: int, clock: int, floor_ms: int) -> tuple[int, list[tuple[int, int]]]:
        """See Spool.date; returns how many were dated, and of each shape of this boot the newest time."""
        with self._transaction() as db:
            newest = [
                (shape, mono + offset_ms)
                for shape, mono in db.execute(
                    "select shape, max(mono) from item where at is null and boot = ? group by shape", (boot,)
                )
            ]
            dated = db.execute(
                "update item set at = mono + ?, clock = ?, mono = null, boot = null where at is null and boot = ?",
                (offset_ms, clock, boot),
            ).rowcount
            dated += db.execute(
                "update item set clock = ?, mono = null, boot = null, at = max(?, coalesce((select b.at from item b"
                " where b.seq < item.seq and b.at is not null order by b.seq desc limit 1), ?, 0))"
                " where at is null and boot <> ?",
                (LOST, floor_ms, self._newest_packed(), boot),
            ).rowcount
        return dated, newest

    def _newest_packed(self) -> int | None:
        row = self._db.execute("select first, data from block order by first desc limit 1").fetchone()
        rows = self._unpack(*row) if row is not None else []
        return rows[-1].at if rows else None

    # -- packing and giving up; one thread at a time -------------------------------------------------------------------

    def pack(self, readable: Callable[[SpoolRow], bool], at_least: int = 2 * blocks.ROWS) -> bool:
        """Packs the oldest rows into a block when so many are loose; False when there is nothing to pack.

        Rows wait loose until they are dated. One that has rotted is not taken along.
        """
        if self.loose < at_least:
            return False
        found = [
            SpoolRow(*row)
            for row in self._db.execute(f"select {_COLUMNS} from item order by seq limit ?", (blocks.ROWS,))
        ]
        undated = next((index for index, row in enumerate(found) if row.at is None), len(found))
        found = found[:undated]
        if not found:
            return False
        self._put_block([row for row in found if readable(row)], 0, (found[0].seq, found[-1].seq), len(found))
        return True

    def _put_block(
        self,
        rows: list[SpoolRow],
        thinned: int,
        span: tuple[int, int],
        loose: int = 0,
        gaps: list[Hole] | None = None,
        shapes: Mapping[int, str] | None = None,
        fresh: Sequence[SpoolRow] = (),
    ) -> None:
        """Puts these rows in the place of everything between the ends of `span`; none: only takes that away."""
        data = blocks.encode(rows) if rows else b""
        with self._transaction() as db:
            db.executemany("insert or ignore into shape values(?,?)", (shapes or {}).items())
            db.execute("delete from block where first between ? and ?", span)
            db.execute("delete from item where seq between ? and ?", span)
            self._put_gaps(gaps)
            db.executemany(_INSERT, fresh)
            if rows:
                db.execute(
                    "insert into block values(?,?,?,?,?,?)",
                    (rows[0].seq, rows[-1].seq, len(rows), thinned, _runs(row.seq for row in rows), data),
                )
        self.loose += len(fresh) - loose

    def replace(
        self,
        block: Block,
        rows: list[SpoolRow],
        thinned: int,
        gaps: list[Hole],
        shapes: Mapping[int, str],
        fresh: Sequence[SpoolRow],
    ) -> None:
        """Puts fewer rows in the place of a block, with what is then missing, new shapes and fresh rows, at once."""
        self._put_block(rows, thinned, (block.first, block.last), 0, gaps, shapes, fresh)

    def oldest_block(self, thinned: int) -> Block | None:
        """The oldest block that has been given up no further than this."""
        row = self._db.execute(
            "select first, last, thinned from block where thinned <= ? order by first limit 1", (thinned,)
        ).fetchone()
        return None if row is None else Block(*row)

    def rows_of(self, block: Block) -> list[SpoolRow]:
        row = self._db.execute("select first, data from block where first = ?", (block.first,)).fetchone()
        return self._unpack(*row)

    def drop_acknowledged(self, acknowledged: int) -> bool:
        """Gives up the oldest acknowledged rows; False when there are none."""
        row = self._db.execute("select first, last from block order by first limit 1").fetchone()
        if row is not None:
            if row[1] > acknowledged:
                return False
            self._put_block([], 0, (row[0], row[1]))
            return True
        return self._drop_loose(acknowledged) is not None

    def _drop_loose(self, upto: int, gaps: Callable[[int, int], list[Hole]] | None = None) -> tuple[int, int] | None:
        query = "select seq from item where seq <= ? order by seq limit ?"
        old = [seq for (seq,) in self._db.execute(query, (upto, _EVICTED_AT_ONCE))]
        if not old:
            return None
        span = (old[0], old[-1])
        self._put_block([], 0, span, len(old), gaps(*span) if gaps is not None else None)
        return span

    def drop_oldest(self, gaps: Callable[[int, int], list[Hole]]) -> tuple[int, int] | None:
        """Gives up loose rows as they are: the last resort, for what waits undated."""
        return self._drop_loose(2**62, gaps)

    # -- reading; any thread -------------------------------------------------------------------------------------------

    def after(self, seq: int, limit: int) -> list[SpoolRow]:
        """Up to `limit` rows behind `seq`, packed and loose, in order."""
        found: list[SpoolRow] = []
        with self._reading:
            self._reader.execute("begin")  # one state of the file: a row is either packed or loose
            try:
                behind = seq
                while len(found) < limit:
                    row = self._reader.execute(
                        "select first, last, data from block where last > ? order by first limit 1", (behind,)
                    ).fetchone()
                    if row is None:
                        break
                    behind = row[1]
                    found += [it for it in self._unpack(row[0], row[2]) if it.seq > seq]
                if len(found) < limit:
                    query = f"select {_COLUMNS} from item where seq > ? order by seq limit ?"
                    found += [
                        SpoolRow(*row) for row in self._reader.execute(query, (max(seq, behind), limit - len(found)))
                    ]
            finally:
                self._reader.execute("rollback")
        return found[:limit]

    def _unpack(self, first: int, data: bytes) -> list[SpoolRow]:
        """The rows of a block; the newest one asked for is remembered. One that has rotted holds nothing."""
        key = hash((first, data))
        known, rows = self._unpacked
        if known != key:
            try:
                rows = blocks.decode(data)
            except BadBlock as bad:
                log.error("spool_block_damaged first=%d error=%s readings_lost=true", first, bad)
                rows = []
            self._unpacked = (key, rows)
        return rows

    def count_after(self, seq: int) -> int:
        with self._reading:
            (loose,) = self._reader.execute("select count(*) from item where seq > ?", (seq,)).fetchone()
            (packed,) = self._reader.execute(
                "select coalesce(sum(items), 0) from block where first > ?", (seq,)
            ).fetchone()
            cut = self._reader.execute("select runs from block where first <= ? and last > ?", (seq, seq)).fetchone()
        try:
            runs = [(int(first), int(last)) for first, last in json.loads(cut[0])] if cut is not None else []
        except (TypeError, ValueError):
            runs = []  # rotted; it is only a number for people
        return int(loose) + int(packed) + sum(max(0, last - max(first, seq + 1) + 1) for first, last in runs)

    def any_undated(self) -> bool:
        with self._reading:
            return self._reader.execute("select 1 from item where at is null limit 1").fetchone() is not None

    def undated_rows(self, boot: str) -> list[SpoolRow]:
        """The rows measured under this boot that wait for their date, in order."""
        with self._reading:
            return [
                SpoolRow(*row)
                for row in self._reader.execute(
                    f"select {_COLUMNS} from item where at is null and boot = ? order by seq", (boot,)
                )
            ]

    def undated_shapes(self, boot: str) -> set[int]:
        """The shapes of rows that were measured under another boot and never dated."""
        with self._reading:
            return {
                shape
                for (shape,) in self._reader.execute(
                    "select distinct shape from item where at is null and boot <> ?", (boot,)
                )
            }


def _runs(numbers: Iterable[int]) -> str:
    """Ascending numbers as JSON of their unbroken runs."""
    return json.dumps([(start, end - 1) for start, end in of_numbers(numbers)[0]], separators=(",", ":"))
