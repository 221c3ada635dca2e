"""desk.db itself: one connection behind a lock. Whoever keeps something in it brings tables of its own."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DeskFile:
    """Every question is short, every change one transaction. Callable from any thread. Only the dashboard writes it."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` None: in memory, for what is asked without a data folder. Raises OSError, sqlite3.Error."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
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
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def ask(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def wipe(self) -> None:
        """Leaves nothing in the write-ahead log of what was deleted; with `secure_delete` the file has none of it."""
        with self._lock:
            self._db.execute("pragma wal_checkpoint(truncate)").fetchall()

    def close(self) -> None:
        with self._lock:
            self._db.close()
