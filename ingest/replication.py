"""Carries the journal into InfluxDB from a remembered place, and finds out whether everything is still there."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol, cast

from classair.places import Places
from classair.stores import Changes, Series, StoreAway, open_store
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS
from ingest.books.books import Books
from ingest.clock import now_ms
from ingest.rejections import Point, Rejections, Server

log = logging.getLogger(__name__)

AT_ONCE: Final = 5_000  # readings in one step
IDLE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 15.0
RECONCILE_EVERY_S: Final = 24 * 3600.0
REMEMBER_EVERY_S: Final = 2.0
LOOK_FOR_LOSS_S: Final = 30.0
"""How often the note over there is looked for: a server that lost its data may answer as if nothing had been."""


class Target(Server, Protocol):
    """What the carrier needs of a store it fills."""

    def carry(self, changes: Changes) -> Sequence[Point]: ...

    def counts(self, start_ms: int, end_ms: int) -> dict[Series, int]: ...

    def mark_carried(self, journal: str, position: int, at_ms: int) -> None: ...

    def carried(self, journal: str) -> int | None: ...

    def close(self) -> None: ...


class Replicator(threading.Thread):
    """Idle until `follow` names a store to fill. Days of its absence cost nothing but time.

    Everything is written whole and may be written twice, so the place is remembered only now and then, and always
    after what it stands for has arrived.
    """

    def __init__(
        self, places: Places, do: Callable[[Callable[[], Any]], None], books: Books, stop: threading.Event
    ) -> None:
        super().__init__(name="carrier", daemon=True)
        self._places, self._do, self._books, self._ended = places, do, books, stop
        self._wanted = "sqlite"
        self._news = threading.Event()
        self.state = "sqlite"
        self.trouble = ""
        self.left = 0
        self.rejections: Rejections | None = None
        self._caught_up_at: float | None = None

    def follow(self, store: str) -> None:
        """`store:` of the configuration in force."""
        if store != self._wanted:
            self._wanted = store
            self._caught_up_at = None
            self._news.set()

    @property
    def behind(self) -> float | None:
        """Seconds since everything committed had been carried, 0 when it has been, None when nothing is carried."""
        if not self._wanted.startswith("influxdb"):
            return None
        caught_up = self._caught_up_at
        return None if caught_up is None else round(max(0.0, time.monotonic() - caught_up - IDLE_S - 1.0), 1)

    def run(self) -> None:
        while not self._ended.is_set():
            store = self._wanted
            self._news.clear()
            if not store.startswith("influxdb"):
                self.state, self.trouble, self.left, self.rejections = store, "", 0, None
                self._wait(IDLE_S)
                continue
            self.state = "influxdb"
            try:
                self._fill(store)
            except Exception as error:
                # Readings are safe in the journal; whatever is wrong over there is told and tried again.
                log.exception("replication_failed")
                self.trouble = f"{type(error).__name__}: {error}"
                self._wait(LONGEST_PAUSE_S)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._ended.is_set() and not self._news.is_set():
            self._ended.wait(min(left, 0.2))

    def _going_on(self, store: str) -> bool:
        return not self._ended.is_set() and self._wanted == store

    # -- one target ----------------------------------------------------------------------------------------------------

    def _fill(self, store: str) -> None:
        """Fills one store until another is wanted."""
        name = "carried " + hashlib.sha256(store.encode()).hexdigest()[:16]
        journal = SqliteStore(self._places.readings, readonly=True)
        self.rejections = Rejections(lambda missing: self._remember_missing(name, missing), now_ms)
        pause = 0.5
        try:
            while self._going_on(store):
                target: Target | None = None
                try:
                    target = cast(Target, open_store(store, self._places, readonly=False))
                    self._carry(store, journal, target, name)
                except StoreAway as away:
                    if not self.trouble:
                        log.error("influxdb_unavailable error=%s action=keep_local", away)
                    self.trouble = str(away)
                    self._wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_S)
                else:
                    pause = 0.5
                finally:
                    if target is not None:
                        target.close()
        finally:
            journal.close()

    def _carry(self, store: str, journal: SqliteStore, target: Target, name: str) -> None:
        position = journal.remembered(name)
        if position is None:
            # A target never filled before: the whole journal is put behind the end of the log.
            self._on_writer(lambda: self._begin(name))
            position = journal.remembered(name) or 0
        assert self.rejections is not None
        if (missing := self._missing(journal, name)) is not None:
            # Rejected before a restart, or while the server was away in between: seen afresh.
            self._carry_again(*missing)
        reconciled_at: float | None = None
        noted, noted_at = None, time.monotonic()
        while self._going_on(store):
            changes = journal.next_changes(position, AT_ONCE)
            if changes is not None:
                self.rejections.add(target, target.carry(changes))
                self._works()
                position = changes.position
            now = time.monotonic()
            since = now - noted_at
            if since >= LOOK_FOR_LOSS_S or (position != noted and (changes is None or since > REMEMBER_EVERY_S)):
                if not self._note(target, name, position, noted):
                    log.error("influxdb_data_lost action=recount")
                    reconciled_at = None
                noted, noted_at = position, now
            self.left = journal.changes_left(position) if changes is not None else 0
            if changes is not None:
                continue
            if self.rejections.due() and (missing := self.rejections.try_again(target)) is not None:
                log.info("influxdb_accepts_again action=refill from=%d to=%d", *missing)
                self._carry_again(*missing)
                reconciled_at = None
                continue
            # While points are rejected the counts differ, and why is known.
            if not self.rejections.points and (reconciled_at is None or now - reconciled_at >= RECONCILE_EVERY_S):
                reconciled_at = now
                if self._refill(journal, target):
                    continue
            self._caught_up_at = now
            self._works()
            self._wait(IDLE_S)

    def _works(self) -> None:
        if self.trouble:
            log.info("influxdb_available")
            self.trouble = ""

    def _note(self, target: Target, name: str, position: int, before: int | None) -> bool:
        """Remembers the place over there and here; False when the note before is gone there, and data with it."""
        found = target.carried(name) if before is not None else None
        target.mark_carried(name, position, now_ms())
        self._remember(name, position)
        return before is None or (found is not None and found >= before)

    def _begin(self, name: str) -> None:
        with self._books.store.transaction():
            self._books.store.carry_again(-(2**62), 2**62)
            self._books.store.remember(name, 0)

    def _remember(self, name: str, position: int) -> None:
        def write() -> None:
            with self._books.store.transaction():
                self._books.store.remember(name, position)
                self._books.store.forget_changes(position)

        self._do(write)

    def _carry_again(self, first_ms: int, last_ms: int) -> None:
        self._on_writer(lambda: self._books.store.carry_again(first_ms, last_ms + 1))

    def _remember_missing(self, name: str, missing: tuple[int, int] | None) -> None:
        """Remembers the range of rejected points; an empty range for none."""
        first, last = missing or (0, -1)

        def write() -> None:
            with self._books.store.transaction():
                self._books.store.remember(f"{name} rejected from", first)
                self._books.store.remember(f"{name} rejected to", last)

        self._do(write)

    @staticmethod
    def _missing(journal: SqliteStore, name: str) -> tuple[int, int] | None:
        first, last = (journal.remembered(f"{name} rejected {end}") for end in ("from", "to"))
        return None if first is None or last is None or last < first else (first, last)

    def _on_writer(self, job: Callable[[], None]) -> None:
        """Runs a job on the writer's thread and waits for it. Raises StoreAway when it could not be done."""
        done, failed = threading.Event(), True

        def run() -> None:
            nonlocal failed
            try:
                job()
                failed = False
            finally:
                done.set()

        self._do(run)
        while not done.wait(0.2):
            if self._ended.is_set():
                raise StoreAway("ingest is stopping")
        if failed:
            raise StoreAway("cannot write to readings.db")

    # -- is it all there? ----------------------------------------------------------------------------------------------

    def _refill(self, journal: SqliteStore, target: Target) -> int:
        """Puts every day of which the target has another count than the journal to be carried again; how many."""
        span = journal.span()
        if span is None:
            return 0
        different = list(_different(journal, target, span[0], span[1]))
        for start, end in different:
            log.warning("influxdb_refill_started from=%d to=%d", start, end)
            self._on_writer(lambda start=start, end=end: self._books.store.carry_again(start, end))  # type: ignore[misc]
        if not different:
            log.info("influxdb_reconciled")
        return len(different)


def _different(journal: SqliteStore, target: Target, start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """Stretches, of whole days, in which the counts of any series differ; halves what differs until it is a day."""
    if journal.counts(start_ms, end_ms) == target.counts(start_ms, end_ms):
        return
    days = -(-(end_ms - start_ms) // DAY_MS)
    if days <= 1:
        yield start_ms, end_ms
        return
    middle = start_ms + days // 2 * DAY_MS
    yield from _different(journal, target, start_ms, middle)
    yield from _different(journal, target, middle, end_ms)
