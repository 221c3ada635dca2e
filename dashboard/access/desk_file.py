"""desk.db itself: one connection behind a lock. Whoever keeps something in it brings tables of its own."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class DeskFile:
    """Every question is short, every change one transaction. Callable from any thread. Only the dashboard writes it."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` None: in memory, for what is asked without a data folder. Raises OSError, sqlite3.Error."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self.damaged = False  # a page turned out to be: the next start sets the file aside (desk_damage.py)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=5, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")

    def verdict(self) -> str:
        """Reads every page; "ok", or what is wrong. Raises sqlite3.DatabaseError."""
        with self._lock:
            (found,) = self._db.execute("pragma quick_check(1)").fetchone()
        return str(found)

    def add_tables(self, schema: str) -> None:
        """`create … if not exists` statements of one part of the dashboard."""
        with self._lock:
            self._db.executescript(schema)

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it, or nothing when anything is raised."""
        with self._lock, self._watched():
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                with suppress(sqlite3.Error):  # what was raised says more
                    self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def ask(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock, self._watched():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in _DAMAGE and not self.damaged:
                self.damaged = True
                log.critical("desk_damaged error=%s action=restart", error)
            raise

    def wipe(self) -> None:
        """Leaves nothing in the write-ahead log of what was deleted; with `secure_delete` the file has none of it."""
        with self._lock:
            self._db.execute("pragma wal_checkpoint(truncate)").fetchall()

    def close(self) -> None:
        with self._lock:
            self._db.close()
