"""What a bridge has measured and not yet been told is stored, on disk; survives kill -9, damage and a full disk."""

from __future__ import annotations

import fcntl
import logging
import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from firmware_bridge.packing import CLOCKS, LOST, Hole, Row, Shapes

log = logging.getLogger(__name__)

LIMIT_BYTES: Final = 64 * 1024 * 1024
MEMORY_ITEMS: Final = 10_000         # kept in memory while the disk fails; then the oldest go, as a gap
BLOCK: Final = 1_000_000             # seqs reserved at a time: days of measuring while the disk cannot be written
REOPEN_EVERY_S: Final = 5.0
_BULK: Final = 5_000                 # items in one transaction of `extend`
_EVICTED_AT_ONCE: Final = 2_000
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


class SpoolInUse(Exception):
    """Another process has this spool open; two would give out the same numbers."""


class Spool:
    """One sequence of items under one epoch.

    `append` only touches memory and never waits for the disk; `commit` (called every quarter second by the service)
    makes everything appended durable in one transaction. Both and the readers may be called from different threads.
    """

    def __init__(self, path: Path, limit_bytes: int, memory_items: int, lock: IO[bytes] | None) -> None:
        self.path = path
        self.storage = ""                # what is wrong with the disk in words; empty when all is well
        self.moved_aside: Path | None = None
        self._limit, self._memory_items, self._lock_file = limit_bytes, memory_items, lock
        self._lock = threading.Lock()        # memory: held for microseconds
        self._disk = threading.Lock()        # the writing connection: held through a commit
        self._reading = threading.Lock()     # the reading connection
        self._db: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._retry_at = 0.0
        self._fresh: deque[Row] = deque()
        self._forget_all()

    def _forget_all(self) -> None:
        self.epoch = secrets.token_hex(8)
        self._next = 1
        self._reserved = 0               # 0 while nothing is on disk: an epoch that only memory knows needs no blocks
        self._acknowledged = 0
        self._acknowledged_on_disk = 0
        self.shapes = Shapes()
        self._gaps: list[Hole] = []
        self._gaps_unsaved = False

    @classmethod
    def open(cls, path: Path, limit_bytes: int = LIMIT_BYTES, memory_items: int = MEMORY_ITEMS) -> Spool:
        """Opens or begins a spool. A damaged file is moved aside; where the disk fails, memory serves until it heals.

        Raises SpoolInUse.
        """
        lock: IO[bytes] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.with_name(path.name + ".lock").open("ab")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SpoolInUse(f"{path} is in use by another process; one bridge runs once") from None
        except OSError as error:
            log.error("spool_folder_failing at=%s why=%s", path.parent, error.strerror)
        spool = cls(path, limit_bytes, memory_items, lock)
        with spool._disk:
            spool._open_disk()
        return spool

    # -- opening and healing -------------------------------------------------------------------------------------------

    def _open_disk(self) -> None:
        try:
            self._take(self._connect())
        except sqlite3.OperationalError as error:
            self._fail(error)
        except sqlite3.DatabaseError as error:
            self._move_aside(str(error))
            try:
                self._take(self._connect())
            except sqlite3.DatabaseError as again:
                self._fail(again)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, timeout=5, check_same_thread=False)
        try:
            db.execute("pragma journal_mode=wal")
            db.execute("pragma synchronous=full")
            db.execute(f"pragma journal_size_limit={4 * 1024 * 1024}")
            db.execute("pragma cache_size=-1024")
            (version,) = db.execute("pragma user_version").fetchone()
            if version not in (0, _SCHEMA_VERSION):
                raise sqlite3.DatabaseError(f"format {version} is not known to this version")
            (verdict,) = db.execute("pragma quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            if version == 0:
                db.executescript(f"begin immediate; {_SCHEMA} pragma user_version={_SCHEMA_VERSION}; commit;")
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def _take(self, db: sqlite3.Connection) -> None:
        """Goes on from what the file holds; a new file takes over what memory holds."""
        try:
            meta = dict(db.execute("select key, value from meta"))
            if meta:
                self._read(db, meta)
            else:
                with self._lock:
                    self.shapes.unsaved = self.shapes.texts()
                    self._gaps_unsaved = True
                db.execute("begin immediate")
                self._write_meta(db, epoch=self.epoch, reserved=0, issued=0, acknowledged=self._acknowledged)
                db.execute("commit")
            self._reserve(db)
            reader = sqlite3.connect(self.path, isolation_level=None, timeout=5, check_same_thread=False)
            reader.execute("pragma cache_size=-512")
        except (sqlite3.DatabaseError, ValueError, KeyError) as error:
            db.close()
            if isinstance(error, sqlite3.DatabaseError):
                raise
            raise sqlite3.DatabaseError(f"contents make no sense: {error!r}") from None
        with self._reading:
            self._reader = reader
        self._db = db
        if self.storage:
            log.warning("spool_works_again at=%s", self.path)
        self.storage = ""

    def _read(self, db: sqlite3.Connection, meta: Mapping[str, str]) -> None:
        epoch, reserved, issued = meta["epoch"], int(meta["reserved"]), int(meta["issued"])
        acknowledged = int(meta["acknowledged"])
        shapes = Shapes({int(number): str(text) for number, text in db.execute("select number, text from shape")})
        gaps = [Hole(*gap) for gap in db.execute("select first, last, reason from gap order by first")]
        (newest,) = db.execute("select coalesce(max(seq), 0) from item").fetchone()
        last = max(issued, newest)
        if reserved > last:
            # Numbers of the open block may have been sent before the crash: never again, and never awaited.
            gaps.append(Hole(last + 1, reserved, "bridge restarted"))
            db.execute("begin immediate")
            db.execute("insert into gap values(?,?,?)", gaps[-1])
            self._write_meta(db, issued=reserved)
            db.execute("commit")
        with self._lock:
            if any(row.seq > self._acknowledged for row in self._fresh):
                raise sqlite3.OperationalError("works, but readings in memory wait to be acknowledged first")
            self.epoch, self.shapes, self._gaps = epoch, shapes, gaps
            self._next = max(reserved, last) + 1
            self._reserved = self._next - 1
            self._acknowledged = self._acknowledged_on_disk = acknowledged
            self._fresh.clear()

    @staticmethod
    def _write_meta(db: sqlite3.Connection, **values: object) -> None:
        db.executemany("insert or replace into meta values(?,?)", [(k, str(v)) for k, v in values.items()])

    def _reserve(self, db: sqlite3.Connection) -> None:
        """Makes sure that half a block lies ahead, durably, before any of it is given out."""
        if self._reserved - self._next < BLOCK // 2:
            reserved = self._next + BLOCK
            self._write_meta(db, reserved=reserved)
            self._reserved = reserved

    def _fail(self, error: sqlite3.DatabaseError) -> None:
        if not self.storage:
            log.error("spool_failing at=%s why=%s; keeping up to %d readings in memory", self.path, error,
                      self._memory_items)
        self.storage = f"{self.path}: {error}"
        self._retry_at = time.monotonic() + REOPEN_EVERY_S

    def _move_aside(self, why: str) -> None:
        aside = self.path.with_name(self.path.name + ".damaged")
        for suffix in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + suffix)
            try:
                if part.exists():
                    part.replace(aside.with_name(aside.name + suffix))
            except OSError as error:
                log.error("spool_not_moved_aside at=%s why=%s", part, error.strerror)
        self.moved_aside = aside
        log.critical("spool_damaged at=%s why=%s; moved to %s, a new epoch begins", self.path, why, aside.name)

    # -- writing -------------------------------------------------------------------------------------------------------

    @property
    def next_seq(self) -> int:
        return self._next

    @property
    def acknowledged(self) -> int:
        """Every seq up to this is dealt with by ingest."""
        return self._acknowledged

    def append(self, item: Mapping[str, Any], at: int | None, clock: str = "unsync", mono: int | None = None,
               boot: str | None = None) -> Row | None:
        """Takes in one wire item (without bridge, epoch, seq, at, clock) and numbers it; durable after `commit`.

        `at` None leaves it undated until `date`. Returns None, and says so, in the one case where nothing can be
        promised: the disk has failed for so long that the reserved numbers are used up.
        """
        with self._lock:
            if self._reserved and self._next > self._reserved:
                self.storage = f"{self.path}: the disk has failed for so long that no numbers for readings are left"
                return None
            shape, n, given = self.shapes.pack(item)
            waits = (mono, boot) if at is None else (None, None)
            row = Row(self._next, shape, at, n, CLOCKS.index(clock), given, *waits)
            self._next += 1
            self._fresh.append(row)
            if len(self._fresh) > self._memory_items:
                lost = self._fresh.popleft().seq
                if lost > self._acknowledged:
                    self._add_gap(lost, lost, "spool full")
        return row

    def _add_gap(self, first: int, last: int, reason: str) -> None:
        if self._gaps and self._gaps[-1].reason == reason and self._gaps[-1].last == first - 1:
            first = self._gaps.pop().first
        self._gaps.append(Hole(first, last, reason))
        self._gaps_unsaved = True

    def commit(self) -> bool:
        """Makes durable what was appended and acknowledged; False while the disk fails (memory keeps it)."""
        with self._disk:
            if self._db is None or self.storage:
                if time.monotonic() < self._retry_at:
                    return False
                if self._db is None:
                    # A file with an epoch of its own may take over only when nothing waits under memory's epoch.
                    if self.path.exists() and self._acknowledged < self._next - 1 and self._file_has_epoch():
                        self._retry_at = time.monotonic() + REOPEN_EVERY_S
                        return False
                    self._open_disk()
                    if self._db is None:
                        return False
            with self._lock:
                rows = list(self._fresh)
                gaps = list(self._gaps) if self._gaps_unsaved else None
                self._gaps_unsaved = False
                issued, acknowledged = self._next - 1, self._acknowledged
                shapes, self.shapes.unsaved = self.shapes.unsaved, {}
            if not rows and gaps is None and acknowledged == self._acknowledged_on_disk:
                if self.storage:
                    self._say_healed()
                return True
            try:
                self._write(rows, gaps, shapes, issued, acknowledged)
            except sqlite3.OperationalError as error:
                self._roll_back()
                with self._lock:
                    self.shapes.unsaved = {**shapes, **self.shapes.unsaved}
                    self._gaps_unsaved = self._gaps_unsaved or gaps is not None
                self._fail(error)
                return False
            self._acknowledged_on_disk = acknowledged
            written = rows[-1].seq if rows else 0
            with self._lock:
                while self._fresh and self._fresh[0].seq <= written:
                    self._fresh.popleft()
            if self.storage:
                self._say_healed()
            try:
                self._make_room(self._db, acknowledged)
            except sqlite3.OperationalError as error:
                self._roll_back()
                self._fail(error)
            return True

    def _file_has_epoch(self) -> bool:
        try:
            db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
            try:
                return db.execute("select 1 from meta where key='epoch'").fetchone() is not None
            finally:
                db.close()
        except sqlite3.DatabaseError:
            return False

    def _say_healed(self) -> None:
        log.warning("spool_works_again at=%s", self.path)
        self.storage = ""

    def _roll_back(self) -> None:
        assert self._db is not None
        try:
            if self._db.in_transaction:
                self._db.execute("rollback")
        except sqlite3.DatabaseError as error:
            log.error("spool_rollback_failed why=%s", error)

    def _write(self, rows: list[Row], gaps: list[Hole] | None, shapes: Mapping[int, str], issued: int,
               acknowledged: int) -> None:
        db = self._db
        assert db is not None
        db.execute("begin immediate")
        db.executemany("insert or ignore into shape values(?,?)", shapes.items())
        db.executemany(_INSERT, rows)
        if gaps is not None:
            db.execute("delete from gap")
            db.executemany("insert into gap values(?,?,?)", gaps)
        reserved = self._reserved
        if reserved - issued < BLOCK // 2:
            reserved = max(issued, self._next) + BLOCK
            self._write_meta(db, reserved=reserved)
        self._write_meta(db, issued=issued, acknowledged=acknowledged)
        db.execute("commit")
        with self._lock:
            self._reserved = reserved

    def _make_room(self, db: sqlite3.Connection, acknowledged: int) -> None:
        """Oldest acknowledged items go first, then the oldest others, which leave a gap."""
        while self._used(db) > self._limit:
            old = [seq for (seq,) in db.execute("select seq from item order by seq limit ?", (_EVICTED_AT_ONCE,))]
            if not old:
                return
            unread = [seq for seq in old if seq > acknowledged]
            last = unread[0] - 1 if unread and unread[0] != old[0] else old[-1]
            db.execute("begin immediate")
            db.execute("delete from item where seq between ? and ?", (old[0], last))
            if last > acknowledged:
                with self._lock:
                    self._add_gap(old[0], last, "spool full")
                    gap = self._gaps[-1]
                db.execute("delete from gap where first between ? and ?", (gap.first, gap.last))
                db.execute("insert into gap values(?,?,?)", gap)
                log.error("spool_full dropped=%d..%d; they were not acknowledged in time", old[0], last)
            db.execute("commit")

    @staticmethod
    def _used(db: sqlite3.Connection) -> int:
        (pages,), (free,), (size,) = (
            db.execute(f"pragma {name}").fetchone() for name in ("page_count", "freelist_count", "page_size"))
        return int((pages - free) * size)

    def extend(self, items: Iterable[Mapping[str, Any]]) -> int:
        """Appends many dated wire items (without bridge, epoch, seq; kinds reading and switch) and makes them durable.

        Returns how many. Raises ValueError for an item without numbers, sqlite3.OperationalError when the disk fails.
        """
        count, feed = 0, iter(items)
        self.commit()
        while chunk := list(islice(feed, _BULK)):
            with self._disk:
                if self._db is None:
                    raise sqlite3.OperationalError(self.storage or "the spool is not on disk")
                with self._lock:
                    packed = [(self.shapes.pack(item), item) for item in chunk]
                    rows = [
                        Row(self._next + i, shape, item["at"], n, CLOCKS.index(item.get("clock", "sync")), given)
                        for i, ((shape, n, given), item) in enumerate(packed)
                    ]
                    self._next += len(rows)
                    issued, acknowledged = self._next - 1, self._acknowledged
                    shapes, self.shapes.unsaved = self.shapes.unsaved, {}
                try:
                    self._write(rows, None, shapes, issued, acknowledged)
                    self._make_room(self._db, acknowledged)
                except sqlite3.OperationalError:
                    self._roll_back()
                    raise
            count += len(rows)
        return count

    def date(self, boot: str, offset_ms: int, clock: str, floor_ms: int) -> int:
        """Dates what waits for the time: at = mono + offset for this boot. Returns how many were dated.

        Items of other boots cannot be dated any more: they get the time of the last dated item before them (at least
        `floor_ms`), and with it the flag CLOCK, so that they are kept and enter no mean.
        """
        self.commit()
        quality, count = CLOCKS.index(clock), 0
        with self._lock:
            for index, row in enumerate(self._fresh):
                if row.at is None and row.boot == boot:
                    at = (row.mono or 0) + offset_ms
                    self._fresh[index] = row._replace(at=at, clock=quality, mono=None, boot=None)
                    count += 1
        with self._disk:
            if self._db is None:
                return count
            try:
                self._db.execute("begin immediate")
                count += self._db.execute(
                    "update item set at = mono + ?, clock = ?, mono = null, boot = null where at is null and boot = ?",
                    (offset_ms, quality, boot)).rowcount
                count += self._db.execute(
                    "update item set clock = ?, mono = null, boot = null, at = max(?, coalesce((select b.at from item b"
                    " where b.seq < item.seq and b.at is not null order by b.seq desc limit 1), 0))"
                    " where at is null and boot <> ?", (LOST, floor_ms, boot)).rowcount
                self._db.execute("commit")
            except sqlite3.OperationalError as error:
                self._roll_back()
                self._fail(error)
        return count

    def acknowledge(self, upto: int) -> None:
        """Ingest has dealt with everything up to `upto`. It may fall back when ingest has lost data."""
        with self._lock:
            self._acknowledged = min(upto, self._next - 1)
            left = [gap for gap in self._gaps if gap.last > upto]
            if len(left) != len(self._gaps):
                self._gaps, self._gaps_unsaved = left, True

    # -- reading -------------------------------------------------------------------------------------------------------

    def after(self, seq: int, limit: int) -> list[Row | Hole]:
        """Up to `limit` rows behind `seq` in order, with the holes between and behind them; without undated rows."""
        with self._lock:
            memory = list(self._fresh)
            issued = self._next - 1
            gaps = list(self._gaps)
        try:
            kept = self._select(seq, limit)
        except sqlite3.OperationalError as error:
            self._unreadable(error)
            return []
        full = len(kept) == limit
        newest = kept[-1].seq if full else issued
        rows = {row.seq: row for row in kept if self.shapes.readable(row)}
        rows.update((row.seq, row) for row in memory if seq < row.seq <= newest)
        found: list[Row | Hole] = []
        expected, taken = seq + 1, 0
        for number in sorted(rows):
            if taken == limit:
                return found
            if number > expected:
                found += _holes(expected, number - 1, gaps)
            expected = number + 1
            if rows[number].at is not None:
                found.append(rows[number])
                taken += 1
        if taken < limit and expected <= newest:
            found += _holes(expected, newest, gaps)
        return found

    def _select(self, seq: int, limit: int) -> list[Row]:
        with self._reading:
            if self._reader is None:
                return []
            query = f"select {_COLUMNS} from item where seq > ? order by seq limit ?"
            return [Row(*row) for row in self._reader.execute(query, (seq, limit))]

    def _unreadable(self, error: sqlite3.DatabaseError) -> None:
        """Reading fails: nothing is said about what is there, in particular not that it is gone."""
        if not self.storage:
            log.error("spool_not_readable at=%s why=%s", self.path, error)
        self.storage = f"{self.path}: {error}"

    @property
    def waiting(self) -> int:
        """How many items are not acknowledged."""
        with self._lock:
            memory = len([row for row in self._fresh if row.seq > self._acknowledged])
            acknowledged = self._acknowledged
        with self._reading:
            if self._reader is None:
                return memory
            query = "select count(*) from item where seq > ?"
            try:
                (on_disk,) = self._reader.execute(query, (acknowledged,)).fetchone()
            except sqlite3.OperationalError as error:
                self._unreadable(error)
                return memory
        return int(on_disk) + memory

    @property
    def undated(self) -> bool:
        """Whether items wait to be dated."""
        with self._lock:
            if any(row.at is None for row in self._fresh):
                return True
        with self._reading:
            if self._reader is None:
                return False
            try:
                return self._reader.execute("select 1 from item where at is null limit 1").fetchone() is not None
            except sqlite3.OperationalError as error:
                self._unreadable(error)
                return True

    def close(self) -> None:
        """Commits and gives back the rest of the reserved numbers, so that a proper end leaves no gap."""
        done = self.commit()
        with self._disk, self._reading:
            if self._db is not None:
                try:
                    if done:
                        self._write_meta(self._db, reserved=self._next - 1, issued=self._next - 1)
                    self._db.close()
                except sqlite3.DatabaseError as error:
                    log.error("spool_not_closed_properly why=%s", error)
            if self._reader is not None:
                self._reader.close()
            self._db = self._reader = None
            if self._lock_file is not None:
                self._lock_file.close()


def _holes(first: int, last: int, gaps: list[Hole]) -> Iterator[Hole]:
    """What is known about numbers that hold nothing: the declared gaps among them, and what was evicted after use."""
    for gap in sorted(gaps):
        if gap.last < first or gap.first > last:
            continue
        if gap.first > first:
            yield Hole(first, gap.first - 1, "no longer kept")
        yield Hole(max(first, gap.first), min(last, gap.last), gap.reason)
        first = gap.last + 1
    if first <= last:
        yield Hole(first, last, "no longer kept")
