"""Opening readings.db as its one writer: alone in the data folder, as soon as it can be opened."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from contextlib import AbstractContextManager

from classair.places import Places, alone
from classair.stores import StoreAway
from ingest.books.books import Books
from ingest.writer import FIRST_PAUSE_S, LONGEST_PAUSE_S

log = logging.getLogger(__name__)


def only_one(places: Places) -> AbstractContextManager[bool]:
    """Whether nobody else writes readings.db in this data folder; holds the lock meanwhile."""
    return alone(places.run / "ingest.lock")


def open_books(places: Places, stop: threading.Event) -> Books | None:
    """The books, as soon as they can be opened; None when asked to stop first."""
    pause, said = FIRST_PAUSE_S, False
    while True:
        try:
            # Whether a journal is wanted says the configuration, which is in the books; asking for one costs little.
            return Books(places.readings, journal=had_journal(places))
        except StoreAway as away:
            if not said:
                log.error("database_unavailable error=%s retry=true", away)
                said = True
        if stop.wait(pause):
            return None
        pause = min(pause * 2, LONGEST_PAUSE_S)


def had_journal(places: Places) -> bool:
    """Whether the configuration in force names a store that is filled from a journal."""
    if not places.readings.exists():
        return False
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{places.readings}?mode=ro", uri=True)) as connection,
    ):
        return connection.execute("select 1 from remembered where name='journal'").fetchone() is not None
    return False
