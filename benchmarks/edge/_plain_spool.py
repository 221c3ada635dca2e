"""A bridge's spool as plain rows, for spool_plain_rows.py: what file, packing, thinning and making_room would be
without blocks. Runs under today's Spool; `plain(texts=…)` puts it there.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from firmware_bridge.spool import spool as spool_module
from firmware_bridge.spool.ballast import Ballast
from firmware_bridge.spool.contents import Contents
from firmware_bridge.spool.file import SpoolFile
from firmware_bridge.spool.packing import CLOCKS, LOST, Hole, Shapes, SpoolRow
from firmware_bridge.spool.thinning import MissingLogEntry

_AT_ONCE: Final = 2_000
_WAL_BYTES: Final = 4 * 1024 * 1024
_SCHEMA: Final = """
create table meta(key text primary key, value text not null) without rowid;
create table shape(number integer primary key, text text not null);
create table item(seq integer primary key, shape integer not null, at integer, n integer not null,
                  clock integer not null, given text not null, mono integer, boot text, sum integer not null);
create index item_undated on item(boot) where at is null;
create table gap(first integer primary key, last integer not null, reason text not null);
"""
_COLUMNS: Final = "seq, shape, at, n, clock, given, mono, boot"
_INSERT: Final = f"insert into item({_COLUMNS}, sum) values(?,?,?,?,?,?,?,?,?)"
_UNTIL: Final = "until:"

Gone = Callable[[int, int, str], list[Hole]]
Numbered = Callable[[Sequence[MissingLogEntry]], list[SpoolRow]]


def plain(*, texts: bool) -> None:
    """From now on Spool.open in this process keeps plain rows."""
    place: Any = spool_module
    place.SpoolFile, place.make_room, place.find_room = PlainFile, make_room, find_room
    if texts:
        place.Shapes = Texts


class PlainFile:
    """Same face as SpoolFile. `checks`: whether opening reads the whole file for damage, as SpoolFile does."""

    checks = True
    has_epoch = staticmethod(SpoolFile.has_epoch)

    def __init__(self, path: Path) -> None:
        self._db = self._reader = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
        self._reading = threading.Lock()
        self._disk_full = False
        self._ballast = Ballast(path.with_name(path.name + ".ballast"), _WAL_BYTES + _WAL_BYTES // 4)
        try:
            self._prepare()
            self._reader = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
            self._reader.execute("pragma cache_size=-512")
            self._ballast.lay()
        except sqlite3.DatabaseError:
            self.close()
            raise
        except UnicodeDecodeError as error:
            self.close()
            raise sqlite3.DatabaseError(f"malformed schema: {error.reason}") from None

    def _prepare(self) -> None:
        db = self._db
        for setting in ("journal_mode=wal", "synchronous=full", f"journal_size_limit={_WAL_BYTES}", "cache_size=-1024"):
            db.execute(f"pragma {setting}")
        (version,) = db.execute("pragma user_version").fetchone()
        if version not in (0, 3):
            raise sqlite3.DatabaseError(f"format {version} is not known to this version")
        (verdict,) = db.execute("pragma quick_check(1)").fetchone() if self.checks else ("ok",)
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        if not version:
            db.executescript(f"begin immediate; {_SCHEMA} pragma user_version=3; commit;")

    def close(self) -> None:
        with self._reading:
            if self._reader is not self._db:
                self._reader.close()
            self._db.close()

    # -- writing -------------------------------------------------------------------------------------------------------

    def contents(self) -> Contents | None:
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
        with self._transaction() as db:
            db.executemany("insert or ignore into shape values(?,?)", (shapes or {}).items())
            db.executemany(_INSERT, [(*row, zlib.crc32(row.given.encode())) for row in rows])
            self._put_gaps(gaps)
            meta.update({_UNTIL + sensor: at for sensor, at in (until or {}).items()})
            db.executemany("delete from meta where key=?", [(k,) for k, v in meta.items() if v is None])
            db.executemany(
                "insert or replace into meta values(?,?)", [(k, str(v)) for k, v in meta.items() if v is not None]
            )

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
                pass
            raise

    def _put_gaps(self, gaps: list[Hole] | None) -> None:
        if gaps is not None:
            self._db.execute("delete from gap")
            self._db.executemany("insert into gap values(?,?,?)", gaps)

    def used(self) -> int:
        pages, free, page = (
            self._db.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * page)

    def settle(self) -> None:
        self._disk_full = True
        self._ballast.drop()
        self._db.execute("pragma wal_checkpoint(passive)").fetchone()

    def limit(self, wanted: int) -> int:
        """On a full disk not quite what the file has: to grow, even in a checkpoint, there is no room."""
        self._disk_full = self._disk_full and not self._ballast.lay()
        if not self._disk_full:
            return wanted
        (pages,), (page,) = (self._db.execute(f"pragma {name}").fetchone() for name in ("page_count", "page_size"))
        return min(wanted, int(pages * page) * 15 // 16)

    def date(self, boot: str, offset_ms: int, clock: int, floor_ms: int) -> tuple[int, list[tuple[int, int]]]:
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
                " where b.seq < item.seq and b.at is not null order by b.seq desc limit 1), 0))"
                " where at is null and boot <> ?",
                (LOST, floor_ms, boot),
            ).rowcount
        return dated, newest

    def oldest(self, upto: int) -> list[SpoolRow]:
        query = f"select {_COLUMNS} from item where seq <= ? order by seq limit ?"
        return [SpoolRow(*row) for row in self._db.execute(query, (upto, _AT_ONCE))]

    def drop(
        self, rows: list[SpoolRow], gaps: list[Hole] | None, shapes: Mapping[int, str], fresh: Sequence[SpoolRow]
    ) -> None:
        """Takes away what lies from the first to the last of these; `fresh` say so in the gap ledger."""
        with self._transaction() as db:
            db.execute("delete from item where seq between ? and ?", (rows[0].seq, rows[-1].seq))
            self._put_gaps(gaps)
            db.executemany("insert or ignore into shape values(?,?)", shapes.items())
            db.executemany(_INSERT, [(*row, zlib.crc32(row.given.encode())) for row in fresh])

    def pack(self, *_: Any) -> bool:
        return False

    # -- reading -------------------------------------------------------------------------------------------------------

    def after(self, seq: int, limit: int) -> list[SpoolRow]:
        with self._reading:
            found = self._reader.execute(
                f"select {_COLUMNS}, sum from item where seq > ? order by seq limit ?", (seq, limit)
            ).fetchall()
        # One that has rotted keeps its place and is not readable.
        return [
            SpoolRow(*row) if _sum(row[5]) == check else SpoolRow(row[0], -1, None, 0, 0, "") for *row, check in found
        ]

    def count_after(self, seq: int) -> int:
        with self._reading:
            return int(self._reader.execute("select count(*) from item where seq > ?", (seq,)).fetchone()[0])

    def any_undated(self) -> bool:
        with self._reading:
            return self._reader.execute("select 1 from item where at is null limit 1").fetchone() is not None

    def undated_rows(self, boot: str) -> list[SpoolRow]:
        query = f"select {_COLUMNS} from item where at is null and boot = ? order by seq"
        with self._reading:
            return [SpoolRow(*row) for row in self._reader.execute(query, (boot,))]

    def undated_shapes(self, boot: str) -> set[int]:
        query = "select distinct shape from item where at is null and boot <> ?"
        with self._reading:
            return {shape for (shape,) in self._reader.execute(query, (boot,))}


def _sum(given: object) -> int:
    return zlib.crc32(given.encode() if isinstance(given, str) else b"")


# -- a full spool ------------------------------------------------------------------------------------------------------


def make_room(file: PlainFile, limit: int, acknowledged: int, shapes: Shapes, gone: Gone, numbered: Numbered) -> None:
    _drop(file, file.limit(limit), acknowledged, shapes, gone, numbered, 2**62)


def _drop(
    file: PlainFile, limit: int, acknowledged: int, shapes: Shapes, gone: Gone, numbered: Numbered, most: int
) -> None:
    """The oldest rows go: acknowledged ones first, then others with a gap and lines of the gap ledger."""
    while file.used() > limit:
        if rows := file.oldest(acknowledged):
            file.drop(rows, None, {}, ())
        elif rows := file.oldest(most):
            gaps = gone(rows[0].seq, rows[-1].seq, "spool full")
            fresh = numbered(given_up(rows, shapes))
            file.drop(rows, gaps, dict(shapes.unsaved), fresh)
        else:
            return


def find_room(
    file: PlainFile,
    error: sqlite3.OperationalError,
    acknowledged: int,
    desperate: bool,
    shapes: Shapes,
    gone: Gone,
    numbered: Numbered,
) -> bool:
    if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_FULL:
        return False
    try:
        file.settle()
        limit = file.used() * 7 // 8
        _drop(file, limit, acknowledged, shapes, gone, numbered, 2**62 if desperate else 0)
        return file.used() <= limit
    except sqlite3.OperationalError:
        return False


def given_up(rows: Sequence[SpoolRow], shapes: Shapes) -> list[MissingLogEntry]:
    """One line for each unbroken run of a sensor's readings; lines that go themselves are told of again."""
    runs: dict[str, list[MissingLogEntry]] = {}
    for row in rows:
        if row.at is None or row.clock == LOST or not shapes.is_reading(row.shape):
            continue
        shape = shapes.text_of(row.shape)
        each, found = round(shape.get("interval_s", 10.0) * 1000), runs.setdefault(shape["sensor"], [])
        last = found[-1] if found else None
        if last is None or row.at - each > last.end_ms + each // 2:
            found.append(MissingLogEntry(shape["sensor"], row.at, each, 1, "spool_full", bool(shape.get("simulated"))))
        else:
            found[-1] = last._replace(
                end_ms=row.at, length_ms=row.at - last.end_ms + last.length_ms, expected=last.expected + 1
            )
    return [line for lines in runs.values() for line in lines]


# -- rows that hold the wire's JSON ------------------------------------------------------------------------------------


class Texts(Shapes):
    """Readings as they go over the wire; a shape only says whose they are. For the benchmark: no flags, no switches."""

    def pack(self, item: Mapping[str, Any]) -> tuple[int, int, str]:
        if "values" not in item:
            return super().pack(item)
        sensor = item["sensor"]
        number = self._by_key.get((sensor,)) or self._number((sensor,), {"sensor": sensor})
        kept = {key: value for key, value in item.items() if key not in ("at", "clock")}
        return number, item.get("n", 1), json.dumps(kept, separators=(",", ":"))

    def _learn(self, number: int, text: str) -> None:
        shape = json.loads(text)
        if set(shape) != {"sensor"}:
            super()._learn(number, text)
            return
        self._ids[text], self._sensors[number] = number, shape["sensor"]

    def readable(self, row: SpoolRow) -> bool:
        return row.shape in self._sensors and not (row.shape in self._missing and not super().readable(row))

    def wire(self, row: SpoolRow, prefix: str, late: bool) -> str:
        if row.shape in self._templates:
            return super().wire(row, prefix, late)
        end = ',"late":true}' if late else "}"
        return f'{prefix}{row.seq},"at":{row.at},"clock":"{CLOCKS[row.clock]}",{row.given[1:-1]}{end}'
