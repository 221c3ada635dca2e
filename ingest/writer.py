"""The writer's thread: drains the inbox, decides, commits once, then acknowledges and tells the bridges."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from classair.broker import Link, Message
from classair.config import ConfigFaults
from classair.science.quality_checks.realtime import Memories
from classair.stores import StoreAway, StoreConflict
from ingest.acknowledgement import Acknowledgements
from ingest.books.books import Books, Outcome, as_refused
from ingest.clock import Synchronised, now_ms
from ingest.config_acceptance import ConfigAcceptance
from ingest.decided import Decided
from ingest.inbox import Inbox
from ingest.intake import Intake
from ingest.rechecking.restored_memory import restore_memory

log = logging.getLogger(__name__)

BATCH: Final = 2_000  # messages in one transaction
FIRST_PAUSE_S: Final = 0.5  # between tries while the store is away
LONGEST_PAUSE_S: Final = 30.0
FAILING_AT_ONCE: Final = 20  # readings of one batch at which we fail: more is no matter of single readings
JOB_AT_MOST_S: Final = 300.0
LOOK_FOR_HOLES_S: Final = 5.0
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(slots=True)
class Figures:
    """Counts since the start, written by the writer alone."""

    messages: int = 0
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    gaps: int = 0
    missing: int = 0
    in_quarantine: int = 0
    newest_at: int = 0
    store_away: str = ""
    set_aside: str = ""


class Writer(threading.Thread):
    """Owns the books. When it ends by itself (`failed`), the process should end too and be started anew."""

    def __init__(
        self,
        books: Books,
        inbox: Inbox,
        accepting: ConfigAcceptance,
        telling: Acknowledgements,
        link: Link,
        stop: threading.Event,
        announced: Callable[[], None],
    ) -> None:
        super().__init__(name="writer", daemon=True)
        self.books, self.accepting = books, accepting
        self.figures = Figures()
        self.failed = False
        self.beat = time.monotonic()
        self.synchronised = Synchronised()
        self._inbox, self._telling, self._link, self._ended = inbox, telling, link, stop
        self._announced = announced
        assert accepting.current is not None
        books.org = accepting.current.config.org
        self._memories = Memories()
        restore_memory(books.store, self._memories)
        self.intake = Intake(accepting.current.config, books.deployments, self._memories)
        self._edit: str | ConfigFaults | None = None
        self._next_look = 0.0
        self._overflowed = 0
        self._connection = 0
        self._note_books()

    def edited(self, text: str | ConfigFaults) -> None:
        """The configuration file says something new. From any thread."""
        self._inbox.do(lambda: setattr(self, "_edit", text))

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                self.round(0.02 if self._telling.owing else 0.25)
        except Exception:
            # The one broad place: whatever it is, a new process with a fresh view of the disk has a better chance.
            log.exception("writer_failed")
            self.failed = True

    def round(self, timeout: float) -> None:
        """Waits for work at most `timeout` seconds and does it."""
        arrived, jobs = self._inbox.take(BATCH, timeout)
        if arrived:
            self._take_in(arrived)
        for job in jobs:
            # Somebody's question may concern years; a commit may not.
            self.beat = time.monotonic() + JOB_AT_MOST_S
            self._trying(job)
            self.beat = time.monotonic()
        if self._edit is not None:
            self._trying(self._consider)
        self.beat = now = time.monotonic()
        if self._connection != self._inbox.connection:
            self._connection = self._inbox.connection
            self._telling.owe_all(now)
        self._telling.tell(self.books, now, now_ms())
        if now >= self._next_look:
            self._next_look = now + LOOK_FOR_HOLES_S
            self._telling.ask_for_missing(self.books, now)
            self.figures.missing = self._telling.missing(self.books)
        if self._inbox.overflowed > self._overflowed and not len(self._inbox):
            # What found no room was never acknowledged; the broker sends it again on a new connection.
            self._overflowed = self._inbox.overflowed
            self._link.again()

    # -- messages ------------------------------------------------------------------------------------------------------

    def _take_in(self, arrived: list[tuple[int, Message]]) -> None:
        decided = self.intake.decide([message for _, message in arrived], now_ms(), self.synchronised())
        try:
            outcome = self._keep(decided)
        except Exception:
            log.exception("batch_failed readings=%d action=isolate", len(decided.readings))
            outcome = self._keep_apart(decided)
        if outcome is None:
            return
        figures = self.figures
        figures.messages += len(arrived)
        self._count(outcome)
        if decided.readings:
            figures.newest_at = max(figures.newest_at, decided.readings[-1].at_ms)
        # A message number means nothing on another connection: there the broker has sent the message again.
        connection = self._inbox.connection
        self._link.ack_many([message.mid for number, message in arrived if number == connection and message.qos == 1])
        self._telling.owe(outcome.touched, time.monotonic())

    def _count(self, outcome: Outcome) -> None:
        figures = self.figures
        figures.stored += outcome.stored
        figures.duplicates += outcome.duplicates
        figures.quarantined += outcome.quarantined
        figures.gaps += outcome.gaps
        if outcome.quarantined:
            self._note_books()
            log.warning("messages_quarantined messages=%d kept=%d", outcome.quarantined, self.books.quarantine.count)

    def _keep(self, decided: Decided) -> Outcome | None:
        """Keeps a batch, however long the store is away; None when asked to stop first, and nothing is acknowledged."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                outcome = self.books.keep(decided, now_ms())
            except StoreAway as away:
                self._say_away(away)
                self.beat = time.monotonic()  # an attempt that fails is progress, one that hangs is not
                if self._ended.wait(pause):
                    return None
                pause = min(pause * 2, LONGEST_PAUSE_S)
                self.beat = time.monotonic()
            else:
                self._say_back()
                return outcome

    def _keep_apart(self, decided: Decided) -> Outcome | None:
        """Keeps a batch that brought a fault of ours to light: the readings it fails at are quarantined, so that one
        of them cannot stop all others for ever. Raises when it fails without readings, or at too many of them.
        """
        outcome, failed = self._keep(replace(decided, readings=[])), 0
        waiting = [decided.readings]
        while waiting:
            part = waiting.pop()
            try:
                kept = self._keep(Decided(part))
            except Exception as error:
                if len(part) > 1:
                    waiting += [part[len(part) // 2 :], part[: len(part) // 2]]
                    continue
                failed += 1
                if failed > FAILING_AT_ONCE:
                    raise
                why = f"internal error in ingest ({type(error).__name__}: {error})"
                log.exception("reading_failed sensor=%s seq=%d", part[0].sensor, part[0].seq)
                kept = self._keep(Decided(refused=[as_refused(StoreConflict(part[0], why), self.books.org)]))
            if outcome is None or kept is None:
                return None
            outcome.add(kept)
        return outcome

    def _say_away(self, away: StoreAway) -> None:
        if not self.figures.store_away:
            log.error("database_unavailable error=%s acknowledging=false", away)
        self.figures.store_away = str(away)
        cause = away.__cause__
        if isinstance(cause, sqlite3.Error) and (getattr(cause, "sqlite_errorcode", 0) or 0) & 0xFF in _DAMAGED:
            try:
                self.books.set_damaged_aside()
                self._begin_anew()
            except StoreAway as still:
                self.figures.store_away = str(still)

    def _say_back(self) -> None:
        if self.figures.store_away:
            log.info("database_available")
            self.figures.store_away = ""

    def _begin_anew(self) -> None:
        """New books know neither versions nor deployments: what is in force becomes their first."""
        current = self.accepting.current
        self.accepting = ConfigAcceptance(self.books)
        self.accepting.current = None
        if current is not None:
            self.accepting.consider(current.text, now_ms())
            self.intake = Intake(current.config, self.books.deployments, self._memories)
        self._note_books()
        self._announced()

    def _note_books(self) -> None:
        self.figures.in_quarantine = self.books.quarantine.count
        self.figures.set_aside = str(self.books.set_aside or "")

    # -- everything else -----------------------------------------------------------------------------------------------

    def _trying(self, job: Callable[[], object]) -> None:
        try:
            job()
        except StoreAway as away:
            self._say_away(away)
        except Exception:
            # A job is somebody's question; its fault must not end the taking in of readings.
            log.exception("job_failed")
        else:
            self._note_books()

    def _consider(self) -> None:
        """Takes in the newest edit; one that could not be kept is tried again at the next round."""
        assert self._edit is not None
        edit, self._edit = self._edit, None
        try:
            fresh = self.accepting.consider(edit, now_ms())
        except StoreAway:
            self._edit = edit
            raise
        self._say_back()
        if fresh and self.accepting.current is not None:
            config = self.accepting.current.config
            journal = config.store.startswith("influxdb")
            if journal != self.books.journal:
                self.books.reopen(journal=journal)
            self.intake = Intake(config, self.books.deployments, self._memories)
        self._announced()

    def replay(self, identity: int | None) -> Outcome:
        """Takes quarantined rows in again, one or all; on the writer's thread."""
        outcome = Outcome()
        for row in self.books.quarantine.rows(identity):
            message = Message(row.topic, row.payload, False, 0, 0)
            decided = self.intake.decide([message], now_ms(), self.synchronised())
            outcome.add(self.books.take_again(row, decided, now_ms()))
        self.figures.stored += outcome.stored
        self.figures.duplicates += outcome.duplicates
        self._telling.owe(outcome.touched, time.monotonic())
        self._note_books()
        log.info(
            "quarantine_replayed stored=%d duplicates=%d still=%d",
            outcome.stored,
            outcome.duplicates,
            outcome.quarantined,
        )
        return outcome
