"""What a bridge has measured and not yet been told is stored; survives kill -9, damage and a full disk."""

from __future__ import annotations

import logging
import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from firmware_bridge.clock import UNKNOWN, boot_id, elapsed
from firmware_bridge.spool import bulk
from firmware_bridge.spool.contents import BLOCK, BURST, RATE, Contents, moment_of, move_aside
from firmware_bridge.spool.file import SpoolFile
from firmware_bridge.spool.giving_up import MissingLogEntry
from firmware_bridge.spool.holes import Holes, count_between, with_holes
from firmware_bridge.spool.lock import lock_for
from firmware_bridge.spool.making_room import find_room, make_room
from firmware_bridge.spool.packing import CLOCKS, Hole, Shapes, SpoolRow
from firmware_bridge.spool.reach import ElapsedRange, Reach, spans

log = logging.getLogger(__name__)
_T = TypeVar("_T")

LIMIT_BYTES: Final = 1024**3  # and never more than SpoolFile's share of the disk
MEMORY_ITEMS: Final = 10_000  # kept in memory while the disk fails; then the oldest go, as a gap
REOPEN_EVERY_S: Final = 5.0


class Spool:
    """One sequence of items under one epoch.

    `append` only touches memory and never waits for the disk; `commit` (called every quarter second by the service)
    makes everything appended durable in one transaction. Both and the readers may be called from different threads.
    """

    def __init__(self, path: Path, limit_bytes: int, memory_items: int, lock: IO[bytes] | None) -> None:
        self.path = path
        self.storage = ""  # what is wrong with the disk in words; empty when all is well
        self.moved_aside: Path | None = None
        self.epoch = secrets.token_hex(8)
        self.shapes = Shapes()
        self._limit, self._memory_items, self._lock_file = limit_bytes, memory_items, lock
        self._lock = threading.Lock()  # memory: held for microseconds
        self._disk = threading.Lock()  # writing: held through a commit; taken before the other, never after
        self._file: SpoolFile | None = None
        self._retry_at = 0.0
        self._fresh: deque[SpoolRow] = deque()
        self._next = 1
        self._reserved = 0  # 0 while nothing is on disk: an epoch that only memory knows needs no blocks
        self._acknowledged = self._acknowledged_on_disk = 0
        self._gaps = Holes()
        self._reach = Reach()
        self._boot = boot_id()
        self._issued_on_disk, self._written_at = 0, elapsed()
        self.given_up = 0  # readings dropped since the start because the limit was reached
        self._heard: dict[int, int] = {}  # messages of readings that are not on disk yet
        self._first_of_run = 1  # numbers before are of earlier runs
        self.dropped = 0  # the newest number that never came to the disk, because it failed for too long
        self.alive_s: float | None = None  # when an earlier run of this boot last wrote, elapsed seconds

    @classmethod
    def open(cls, path: Path, limit_bytes: int = LIMIT_BYTES, memory_items: int = MEMORY_ITEMS) -> Spool:
        """Opens or begins a spool. A damaged file is moved aside; where the disk fails, memory serves until it heals.

        Raises SpoolInUse.
        """
        spool = cls(path, limit_bytes, memory_items, lock_for(path))
        with spool._disk:
            spool._open_file()
        return spool

    # -- opening and healing -------------------------------------------------------------------------------------------

    def _open_file(self) -> None:
        for damaged_before in (False, True):
            file: SpoolFile | None = None
            try:
                file = SpoolFile(self.path)
                self._go_on_from(file)
            except sqlite3.DatabaseError as error:
                if file is not None:
                    file.close()
                if isinstance(error, sqlite3.OperationalError) or damaged_before:
                    self._fail(error)
                    return
                self.moved_aside = move_aside(self.path, str(error))
                continue
            self._file = file
            self._works()
            return

    def _go_on_from(self, file: SpoolFile) -> None:
        """Goes on from what the file holds; a new file takes over what memory holds."""
        held = file.contents()
        if held is None:
            with self._lock:
                self.shapes.unsaved, self._gaps.unsaved = self.shapes.texts(), True
                self._reach.save_all()
            file.write(epoch=self.epoch, reserved=0, issued=0, acknowledged=self._acknowledged)
        else:
            self._adopt(file, held)
        # Durably, before any of it is given out.
        reserved = self._next + BLOCK
        file.write(reserved=reserved)
        self._reserved, self._issued_on_disk, self._written_at = reserved, self._next - 1, elapsed()

    def _adopt(self, file: SpoolFile, held: Contents) -> None:
        try:
            shapes = Shapes(held.shapes)
        except (ValueError, KeyError, TypeError) as error:
            raise sqlite3.DatabaseError(f"contents make no sense: {error!r}") from None
        last, gaps = max(held.last, held.used_at_most(self._boot, elapsed())), Holes(held.gaps)
        if last > held.last:
            # These may have been sent before the crash: never again, and never awaited.
            gaps.add(held.last + 1, last, "bridge restarted")
            file.write(gaps=gaps.listed(), issued=last, reserved=last)
            gaps.unsaved = False
        with self._lock:
            if any(row.seq > self._acknowledged for row in self._fresh):
                raise sqlite3.OperationalError("works, but readings in memory wait to be acknowledged first")
            self.epoch, self.shapes, self._gaps = held.epoch, shapes, gaps
            self._reach = Reach(held.until)
            self._next, self._reserved = last + 1, last
            self._first_of_run = self._next
            self._acknowledged = self._acknowledged_on_disk = held.acknowledged
            self._fresh.clear()
            if held.moment is not None and held.moment[0] == self._boot != UNKNOWN:
                self.alive_s = held.moment[1] / 1000

    def _fail(self, error: sqlite3.DatabaseError) -> None:
        if not self.storage:
            log.error("spool_write_failed path=%s error=%s kept_in_memory=%d", self.path, error, self._memory_items)
        self.storage = f"{self.path}: {error}"
        self._retry_at = time.monotonic() + REOPEN_EVERY_S

    def _works(self) -> None:
        if self.storage:
            log.warning("spool_write_recovered path=%s", self.path)
        self.storage = ""

    # -- writing -------------------------------------------------------------------------------------------------------

    @property
    def next_seq(self) -> int:
        return self._next

    @property
    def sendable(self) -> int:  # behind it: not on disk, and told again under another number if this process died
        with self._lock:
            return min(self._heard.values(), default=self._next) - 1

    @property
    def acknowledged(self) -> int:  # every seq up to this is dealt with by ingest
        return self._acknowledged

    def _too_far(self) -> bool:
        """Whether more numbers are out than a new start would expect of a disk last written so long ago."""
        out = self._next - 1 - self._issued_on_disk
        return self._reserved > 0 and out >= BURST + RATE * int(max(elapsed() - self._written_at, 0.0))

    def append(
        self,
        item: Mapping[str, Any],
        at: int | None,
        clock: str = "sync",
        mono: int | None = None,
        boot: str = "",
        messages: Iterable[int] = (),
    ) -> SpoolRow | None:
        """Takes in one wire item (without bridge, epoch, seq, at, clock) and numbers it; durable after `commit`.

        `at` None leaves it undated until `date`; `messages` of a third-party device are what it was made of. Returns
        None, and says so, in the one case where nothing can be promised: the disk has failed for so long, or readings
        come so fast meanwhile, that no numbers are left.
        """
        if self._too_far():
            self.commit()
        with self._lock:
            if self._reserved and (self._next > self._reserved or self._too_far()):
                self.storage = f"{self.path}: the disk has failed for so long that no numbers for readings are left"
                return None
            row = self.shapes.row(self._next, item, at, clock, *((mono, boot or None) if at is None else ()))
            self._next += 1
            self._fresh.append(row)
            self._heard.update(dict.fromkeys(messages, row.seq))
            if len(self._fresh) > self._memory_items:
                self.dropped = lost = self._fresh.popleft().seq
                if lost > self._acknowledged:
                    self._gaps.add(lost, lost, "spool full")
        return row

    def commit(self) -> bool:
        """Makes durable what was appended and acknowledged; False while the disk fails (memory keeps it)."""
        with self._disk:
            file = self._usable_file()
            if file is None:
                return False
            with self._lock:
                rows = list(self._fresh)
                acknowledged = self._acknowledged
                changed = bool(rows or self._gaps.unsaved or self._reach.unsaved)
                changed = changed or acknowledged != self._acknowledged_on_disk
            if changed or self.storage:
                try:
                    try:
                        self._write(file, rows, acknowledged)
                    except sqlite3.OperationalError as error:
                        desperate = len(rows) > self._memory_items // 2
                        if not find_room(file, error, acknowledged, desperate, self.shapes, self._gone, self._numbered):
                            raise
                        self._write(file, rows, acknowledged)
                    with self._lock:
                        while self._fresh and rows and self._fresh[0].seq <= rows[-1].seq:
                            self._fresh.popleft()
                    make_room(file, self._limit, acknowledged, self.shapes, self._gone, self._numbered)
                except sqlite3.OperationalError as error:
                    self._fail(error)
                    return False
                self._works()
            return True

    def say_alive(self) -> None:
        """The next commit notes the time even if there is nothing else to write."""
        self._acknowledged_on_disk = -1

    def _usable_file(self) -> SpoolFile | None:
        """The file, when it is time to write to it; tries to open one that could not be opened."""
        if self.storage and time.monotonic() < self._retry_at:
            return None
        if self._file is None:
            # A file with an epoch of its own may take over only when nothing waits under memory's epoch.
            if self._acknowledged < self._next - 1 and SpoolFile.has_epoch(self.path):
                self._retry_at = time.monotonic() + REOPEN_EVERY_S
                return None
            self._open_file()
        return self._file

    def _write(self, file: SpoolFile, rows: list[SpoolRow], acknowledged: int) -> None:
        """One transaction with these rows, new shapes, changed gaps and, in good time, the next block of numbers."""
        now = elapsed()
        with self._lock:
            issued = self._next - 1
            gaps = self._gaps.listed() if self._gaps.unsaved else None
            shapes, self.shapes.unsaved, self._gaps.unsaved = self.shapes.unsaved, {}, False
            for row in rows:
                self._reach.to(self.shapes.sensor_of(row.shape), row.at)
            until = self._reach.take_unsaved()
            heard = [told for told in self._heard.items() if rows and told[1] <= rows[-1].seq]
        reserved = self._reserved if self._reserved - issued >= BLOCK // 2 else issued + BLOCK
        more: dict[str, object] = {"reserved": reserved, "moment": moment_of(self._boot, now)}
        try:
            file.write(rows, shapes, gaps, until, heard, issued=issued, acknowledged=acknowledged, **more)
        except sqlite3.OperationalError:
            with self._lock:
                self.shapes.unsaved = {**shapes, **self.shapes.unsaved}
                self._gaps.unsaved = self._gaps.unsaved or gaps is not None
                self._reach.put_back(until)
            raise
        with self._lock:
            self._reserved, self._issued_on_disk, self._written_at = reserved, issued, now
            self._heard = {message: seq for message, seq in self._heard.items() if not rows or seq > rows[-1].seq}
        self._acknowledged_on_disk = acknowledged

    def unpack(self) -> bool:
        """Takes one block of an earlier version apart; False when there is none, or not enough room."""
        with self._disk:
            return not self.storage and self._asked(lambda file: file.unpack(self._limit), False)

    def _gone(self, first: int, last: int, reason: str) -> list[Hole]:
        with self._lock:
            self._gaps.add(first, last, reason)
            return self._gaps.listed()

    def _numbered(self, lines: Sequence[MissingLogEntry], readings: int) -> list[SpoolRow]:
        """Lines of the gap ledger about so many readings given up; they go with the backlog."""
        found: list[SpoolRow] = []
        with self._lock:
            self.given_up += readings
            for line in lines:
                found.append(self.shapes.row(self._next, line.item(), line.end_ms))
                self._next += 1
        return found

    def until(self, sensor: str) -> int | None:
        """Up to when (UTC ms) dated readings and lines of the gap ledger account for a sensor (its id in the site)."""
        with self._lock:
            return self._reach.of(sensor)

    def forget(self, sensor: str) -> None:  # nothing is expected of this sensor any more
        with self._lock:
            self._reach.forget(sensor)

    def undated_of(self, boot: str) -> tuple[dict[str, ElapsedRange], set[str]]:
        """Spans of each sensor's rows of this boot that wait on disk for their date; sensors with such of others."""
        rows = self._asked(lambda file: file.undated_rows(boot), list[SpoolRow]())
        lost = self._asked(lambda file: file.undated_shapes(boot), set[int]())
        return spans(rows, self.shapes), {sensor for shape in lost if (sensor := self.shapes.sensor_of(shape))}

    extend = bulk.extend

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
                    self._reach.to(self.shapes.sensor_of(row.shape), at)
                    count += 1
        with self._disk:
            if self._file is not None:
                try:
                    dated, newest = self._file.date(boot, offset_ms, quality, floor_ms)
                    count += dated
                    with self._lock:
                        for shape, at in newest:
                            self._reach.to(self.shapes.sensor_of(shape), at)
                except sqlite3.OperationalError as error:
                    self._fail(error)
        return count

    def acknowledge(self, upto: int) -> None:
        """Ingest has dealt with everything up to `upto`. It may fall back when ingest has lost data."""
        with self._lock:
            self._acknowledged = min(upto, self._next - 1)
            self._gaps.forget(upto)

    # -- reading -------------------------------------------------------------------------------------------------------

    def after(self, seq: int, limit: int) -> list[SpoolRow | Hole]:
        """Up to `limit` rows behind `seq` in order, with the holes between and behind them; without undated rows."""
        with self._lock:
            memory, gaps, issued = list(self._fresh), self._gaps.listed(), self._next - 1
        kept = self._asked(lambda file: file.after(seq, limit), None) if self._file is not None else []
        if kept is None:
            return []
        newest = kept[-1].seq if len(kept) == limit else issued
        rows = {row.seq: row for row in kept if self.shapes.readable(row)}
        rows.update((row.seq, row) for row in memory if seq < row.seq <= newest)
        return with_holes(rows, gaps, seq + 1, newest, limit)

    def _asked(self, question: Callable[[SpoolFile], _T], otherwise: _T) -> _T:
        """What the file answers; `otherwise` without one, or while it cannot be read.

        Then nothing is said about what is there, in particular not that it is gone.
        """
        try:
            return question(self._file) if self._file is not None else otherwise
        except sqlite3.OperationalError as error:
            if not self.storage:
                log.error("spool_read_failed path=%s error=%s", self.path, error)
            self.storage = f"{self.path}: {error}"
            return otherwise

    @property
    def waiting(self) -> int:
        """How many items are not acknowledged; while blocks of an earlier version hold means, fewer than there are."""
        with self._lock:
            acknowledged, last, gaps = self._acknowledged, self._next - 1, self._gaps.listed()
            fresh = self._fresh[0].seq if self._fresh else last + 1
        kept = self._asked(lambda file: file.first(), None)
        return count_between(max(acknowledged + 1, min(fresh, kept or fresh)), last, gaps)

    def knows(self, message: int) -> SpoolRow | None:
        """The reading that an earlier run has made of a message, while it is kept."""
        row = self._asked(lambda file: file.heard(message), None)
        return row if row is not None and row.seq < self._first_of_run and self.shapes.readable(row) else None

    @property
    def undated(self) -> bool:  # whether items wait to be dated
        with self._lock:
            waits = any(row.at is None for row in self._fresh)
        return waits or (self._file is not None and self._asked(SpoolFile.any_undated, True))

    def close(self) -> None:
        """Commits and gives back the rest of the reserved numbers, so that a proper end leaves no gap."""
        done = self.commit()
        with self._disk:
            if self._file is not None:
                try:
                    if done:
                        last, moment = self._next - 1, moment_of(self._boot, elapsed())
                        self._file.write(reserved=last, issued=last, moment=moment)
                    self._file.close()
                except sqlite3.DatabaseError as error:
                    log.error("spool_close_failed error=%s", error)
                self._file = None
            if self._lock_file is not None:
                self._lock_file.close()
