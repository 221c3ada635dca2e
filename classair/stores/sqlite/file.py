"""What makes a file readings.db, who may write it, and which errors of SQLite mean that it is unavailable."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from classair.stores import StoreAway

APPLICATION_ID: Final = 0x434C4149  # "CLAI"; a file of something else is never written into
VERSION: Final = 3
"""1: no local days; 2: no covered_ms in rollups. Older files are brought up when they are next opened for writing."""

_AWAY: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_PERM,
    }
)
DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; 0 when the error has none."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


@contextlib.contextmanager
def away_as_such(path: Path) -> Iterator[None]:
    """Turns SQLite's ways of saying "not now" into StoreAway; faults of a statement stay what they are."""
    try:
        yield
    except sqlite3.Error as error:
        if primary_code(error) not in _AWAY:
            raise
        raise StoreAway(f"{path.name}: {error}") from error


@contextlib.contextmanager
def reading_table(path: Path, table: str) -> Iterator[sqlite3.Connection | None]:
    """A connection for reading one table; None where the file or the table is not there yet.

    Raises StoreAway when the file is there and cannot be read.
    """
    if not path.exists():
        yield None
        return
    with (
        away_as_such(path),
        contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection,
    ):
        there = connection.execute("select 1 from sqlite_schema where name=?", (table,)).fetchone()
        yield connection if there else None


class OnlyWriter:
    """A file has one writer: what it keeps in memory would be wrong beside a second one.

    Holds `<name>.writer` locked until released or until the process ends, however it ends.
    """

    def __init__(self, path: Path) -> None:
        """Raises StoreAway when another writer has it, or when the folder cannot be written."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path.with_name(f"{path.name}.writer"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreAway(f"cannot open {path.name} for writing: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise StoreAway(f"{path.name} is in use by another process") from error

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
