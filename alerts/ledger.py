"""What happened and who was told: states as told, commands, overrides, deliveries. SQLite, written by alerts alone.

`Ledger` writes behind a queue on a thread of its own, so that no purifier waits for a disk; `sync` waits where a
promise is given. `ledger_reader` is for everybody else, read-only.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from alerts.ledger_schema import BUSY_MS, NOTICES, SCHEMA, Notice, bring_up, connect

log = logging.getLogger(__name__)

QUEUE_LIMIT: Final = 100_000  # statements waiting for a disk that does not answer
_RETRY_S: Final = 1.0
_LOOK_UP_S: Final = 1.0

Call = Callable[[sqlite3.Connection], None]
Statement = tuple[str, tuple[Any, ...]]
# Of what is written together: a fault of the rows themselves. Trying again would keep everything else from the disk.
_NEVER = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)


@dataclass(frozen=True, slots=True)
class _After:
    call: Callable[[], object]


class Ledger:
    """The writer. `lost` counts what a full queue made us give up; `failing` says why the disk refuses, "" when not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failing = ""
        self.lost = 0
        self._to_wipe = False
        self._queue: queue.Queue[Call | _After | None] = queue.Queue(QUEUE_LIMIT)
        try:
            self._connection = _open(path)
            self._kept = True
        except (sqlite3.Error, OSError) as error:
            # Purifiers must be switched on a full disk, too: what happens is then kept until the next start only.
            log.error("ledger_open_failed path=%s error=%s action=continue_in_memory", path, error)
            self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            self._connection.executescript(SCHEMA)
            self._kept = False
            self.failing = str(error)
        self.moved_at = time.monotonic()  # a write that fails is progress, one that hangs is not
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    # -- read at the start, before anything is queued ------------------------------------------------------------------

    def next_term(self) -> int:
        """Raises the durable term by one; it is on disk when this returns. Call once, at the start."""
        done: list[int] = []

        def raise_it(connection: sqlite3.Connection) -> None:
            row = connection.execute("select value from meta where key='term'").fetchone()
            term = (int(row[0]) if row else 0) + 1
            connection.execute("insert or replace into meta values('term', ?)", (str(term),))
            done.append(term)

        if self._kept:
            self.put(raise_it)
            self.sync(5)
        # With a disk that refuses, the clock stands in: it rises as well.
        return done[0] if done else int(time.time())

    def memories(self) -> dict[str, str]:
        return dict(self._ask("select purifier, memory from purifier_memory"))

    def usage(self) -> list[tuple[Any, ...]]:
        """What purifiers have done, day by day: purifier, day, and the totals of alerts.control.usage.Day."""
        return self._ask("select * from purifier_usage order by purifier, day")

    def held(self) -> list[tuple[str, str, int, float]]:
        """Silent sensors that still count: sensor, room, moment and median of the last value."""
        return self._ask("select sensor, room, at, median from held")

    def losses(self) -> dict[str, str]:
        """What rooms' runs have taught, as JSON."""
        return dict(self._ask("select room, memory from room_losses"))

    def open_notices(self) -> list[Notice]:
        """What people were told and what is not over."""
        return [Notice(*row) for row in self._ask(f"{NOTICES} where over_at is null order by at, id")]

    def rows_shown(self) -> dict[str, str]:
        """The row of the advice that each room's screen showed last."""
        rows = self._ask("select room, rule from state_told where id in (select max(id) from state_told group by room)")
        return {room: str(row) for room, row in rows}

    def retained(self) -> set[str]:
        """Topics on which something of ours is retained at the broker."""
        return {topic for (topic,) in self._ask("select topic from retained")}

    def following(self) -> dict[str, tuple[str, str, list[Any]]]:
        """Of each sensor: its room, its memory as JSON, and its quarters (start, level, beside, doubted)."""
        found: dict[str, tuple[str, str, list[Any]]] = {
            sensor: (room, memory, []) for sensor, room, memory in self._ask("select * from followed")
        }
        for sensor, *quarter in self._ask("select * from followed_quarter order by sensor, start"):
            if sensor in found:
                found[sensor][2].append(quarter)
        return found

    def remembered(self, key: str) -> str | None:
        """What was kept under a name in `meta`."""
        rows = self._ask("select value from meta where key=?", key)
        return str(rows[0][0]) if rows else None

    def answered(self, request: str) -> str | None:
        """The answer given to an ask of this id, as JSON."""
        rows = self._ask(
            "select answer from answered where id=? union all select answer from override where id=?", request, request
        )
        return str(rows[0][0]) if rows else None

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What is on disk; nothing where the disk refuses."""
        return self._ask(sql, *values)

    # -- written behind ------------------------------------------------------------------------------------------------

    def write(self, sql: str, *values: Any) -> None:
        """Queues one statement."""
        self.put(lambda connection: void(connection.execute(sql, values)))

    def together(self, statements: Sequence[Statement], then: Callable[[], object] | None = None) -> None:
        """Queues statements that are kept all or not at all.

        `then` is called on the ledger's thread once they are on disk; at once, here, where the disk refuses.
        """
        kept = tuple(statements)
        taken = self.put(partial(self._all, kept)) if kept else True
        if then is None:
            return
        if self.failing or not taken:
            then()
        else:
            self.after(then)

    def put(self, call: Call) -> bool:
        """Queues what is to be written; False where too much waits already."""
        try:
            self._queue.put_nowait(call)
        except queue.Full:
            self.lost += 1
            if self.lost == 1:
                log.error("ledger_full error=%s recording=false", self.failing or "slow disk")
            return False
        return True

    def sync(self, timeout: float = 5) -> bool:
        """True once everything queued so far is on disk."""
        done = threading.Event()
        try:
            self._queue.put(_After(done.set), timeout=timeout)
        except queue.Full:
            return False
        return done.wait(timeout)

    def after(self, call: Callable[[], object]) -> None:
        """Calls, on the ledger's thread, once everything queued so far is on disk."""
        try:
            self._queue.put_nowait(_After(call))
        except queue.Full:
            self.lost += 1

    def wipe(self) -> None:
        """Called once a deletion is on disk: leaves nothing of what was deleted in the write-ahead log either.

        The file itself holds nothing of it (pragma secure_delete). Where a reader is in the way, it is done when it has
        gone.
        """
        self._to_wipe = True

    def close(self) -> None:
        """Writes what waits, for a few seconds at most."""
        with contextlib.suppress(queue.Full):  # the disk refuses: what waits is lost anyhow
            self._queue.put(None, timeout=2)
        self._thread.join(3)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _all(self, statements: Sequence[Statement], connection: sqlite3.Connection) -> None:
        connection.execute("savepoint together")
        try:
            for sql, values in statements:
                connection.execute(sql, values)
        except _NEVER as error:
            connection.execute("rollback to together")
            self.lost += len(statements)
            log.error("ledger_rows_refused rows=%d error=%s", len(statements), error)
        connection.execute("release together")

    def _ask(self, sql: str, *values: Any) -> list[Any]:
        if not self._kept:
            return []
        try:
            reader = connect(self.path, read_only=True)
            try:
                return reader.execute(sql, values).fetchall()
            finally:
                reader.close()
        except sqlite3.Error as error:
            log.error("ledger_read_failed error=%s", error)
            return []

    def _run(self) -> None:
        stopping = False
        while not stopping:
            self.moved_at = time.monotonic()
            try:
                first = self._queue.get(timeout=_LOOK_UP_S)
            except queue.Empty:
                self._wipe()
                continue
            calls: list[Call] = []
            afterwards: list[_After] = []
            item: Call | _After | None = first
            while True:
                if item is None:
                    stopping = True
                elif isinstance(item, _After):
                    afterwards.append(item)
                else:
                    calls.append(item)
                if len(calls) >= 1000:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            written = self._write(calls, give_up=stopping)
            while not written and not stopping:
                self.moved_at = time.monotonic()
                time.sleep(_RETRY_S)
                written = self._write(calls, give_up=False)
            if written:
                for after in afterwards:
                    try:
                        after.call()
                    except Exception:  # what waits for the disk must not end all writing
                        log.exception("ledger_waiter_failed")
        self._connection.close()

    def _wipe(self) -> None:
        if not self._to_wipe or not self._kept:
            return
        try:
            self._connection.execute("pragma busy_timeout=50")
            busy = self._connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
            self._to_wipe = bool(busy)
        except sqlite3.Error as error:
            log.warning("ledger_wipe_failed error=%s retry=true", error)
        finally:
            self._connection.execute(f"pragma busy_timeout={BUSY_MS}")

    def _write(self, calls: list[Call], give_up: bool) -> bool:
        try:
            self._connection.execute("begin immediate")
            for call in calls:
                call(self._connection)
            self._connection.execute("commit")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                try:
                    self._connection.execute("rollback")
                except sqlite3.Error:
                    pass
            if not self.failing:
                log.error("ledger_write_failed error=%s retry=%s", error, str(not give_up).lower())
            self.failing = str(error)
            return False
        if self.failing and self._kept:
            log.info("ledger_write_recovered")
            self.failing = ""
        return True


def void(_: object) -> None:
    """Drops a result."""


def _open(path: Path) -> sqlite3.Connection:
    """Opens or makes the file; one that is damaged is moved aside, because purifiers must not wait for a repair."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for again in (True, False):
        try:
            connection = connect(path)
            try:
                connection.execute("pragma journal_mode=wal")
                connection.execute("pragma secure_delete=on")  # people's addresses are erased, not only hidden
                if connection.execute("pragma quick_check(1)").fetchone()[0] != "ok":
                    raise sqlite3.DatabaseError("quick_check found damage")
                bring_up(connection)
                connection.executescript(SCHEMA)
            except sqlite3.Error:
                connection.close()
                raise
            return connection
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or not again:
                raise
            aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
            path.rename(aside)
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            log.error("ledger_damaged moved_to=%s error=%s action=start_new", aside.name, error)
    raise AssertionError("unreachable")
