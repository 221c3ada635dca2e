"""Books with a journal that a real carrier empties into another store."""

from __future__ import annotations

import threading
from typing import Any

from classair.model import Reading
from classair.stores import Store, StoreAway
from ingest.books.books import Books
from ingest.inbox import Inbox
from ingest.replication import Replicator

START = 1_790_000_000_000
ALL = (0, 2 * START)


class Journal:
    """Books with a journal, and a thread that does what the carrier asks of the writer."""

    def __init__(self, school: Any) -> None:
        self.places = school.places
        self.books = Books(school.places.readings, journal=True)
        self.inbox = Inbox()
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        self.carrier: Replicator | None = None

    def _work(self) -> None:
        while not self.stop.is_set():
            for job in self.inbox.take(100, 0.05)[1]:
                with self._lock:
                    job()

    def write(self, first: int, last: int) -> None:
        with self._lock:
            self.books.store.write(
                [
                    Reading(
                        "north.a-pm",
                        "north.pi-1",
                        "abcdef012345",
                        seq,
                        START + seq * 10_000,
                        {"pm25": 5.0 + seq % 7},
                        room="north.a",
                    )
                    for seq in range(first, last + 1)
                ]
            )

    def start(self, store: str) -> Replicator:
        self.carrier = Replicator(self.places, self.inbox.do, self.books, self.stop)
        self.carrier.follow(store)
        self.carrier.start()
        return self.carrier

    def start_again(self, store: str) -> Replicator:
        """Another carrier, as after a restart of ingest."""
        assert self.carrier is not None
        self.stop.set()
        self.carrier.join(10)
        self._thread.join(10)
        self.stop.clear()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self.start(store)

    def close(self) -> None:
        self.stop.set()
        if self.carrier is not None:
            self.carrier.join(10)
        self._thread.join(10)
        self.books.close()


def arrived(target: Store) -> int:
    """How many readings the store has, -1 while it cannot say."""
    try:
        return sum(target.counts(*ALL).values())
    except StoreAway:
        return -1
