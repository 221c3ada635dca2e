"""Read-only connections to readings.db, for the store's questions and for programs that read its tables themselves."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from classair.stores import StoreAway
from classair.stores.sqlite.file import APPLICATION_ID, VERSION, away_as_such

Identity = tuple[int, int]
"""Device and inode: which file a connection was opened to."""


class Connections:
    """Read-only connections, lent to one thread at a time; as many as were ever needed at once.

    Opened when first needed, and again when the file was replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._free: list[tuple[Identity, sqlite3.Connection]] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Raises StoreAway when there is no file, or none that can be read."""
        with away_as_such(self._path):
            identity = self._identity()
            connection = self._lent(identity) or self._opened()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            with self._lock:
                if not self._closed:
                    self._free.append((identity, connection))
                    return
            connection.close()

    def _identity(self) -> Identity:
        try:
            stat = self._path.stat()
        except OSError as error:
            raise StoreAway(
                f"cannot open {self._path.name} ({error.strerror}); ingest creates it at its first start"
            ) from error
        return stat.st_dev, stat.st_ino

    def _lent(self, identity: Identity) -> sqlite3.Connection | None:
        """A connection that nobody uses; those to a file that has been replaced are closed."""
        with self._lock:
            if self._closed:
                raise StoreAway(f"{self._path.name} was closed")
            while self._free:
                to, connection = self._free.pop()
                if to == identity:
                    return connection
                connection.close()
        return None

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            timeout=5,
            check_same_thread=False,
        )
        try:
            connection.execute("pragma cache_size=-16384")
            owner = connection.execute("pragma application_id").fetchone()[0]
            version = connection.execute("pragma user_version").fetchone()[0]
            if owner != APPLICATION_ID or not 0 < version <= VERSION:
                raise StoreAway(f"{self._path.name} is incomplete, or not a database of ClassAir (schema {version})")
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for _, connection in self._free:
                connection.close()
            self._free.clear()
