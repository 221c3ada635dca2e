"""readings.db as ingest keeps it: readings, gaps, switches, quarantine, deployments, versions; one transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from classair.config import Config
from classair.model import Flag, Reading
from classair.science.corrections import Correction
from classair.stores import StoreConflict
from classair.stores.events import SchoolEvent
from classair.stores.sqlite.damaged import set_aside
from classair.stores.sqlite.store import SqliteStore
from classair.wire import ITEM, Ask, ReadingItem, Topics
from ingest.books.corrections import AcceptedCorrections
from ingest.books.deployments import END_MS, Deployments
from ingest.books.events import NotedEvents
from ingest.books.identities import Identities
from ingest.books.manual_flags import ManualFlags
from ingest.books.quarantine import Kept, Key, Quarantine
from ingest.books.versions import Versions
from ingest.decided import Decided, RejectedItem

log = logging.getLogger(__name__)

_CONFLICTS_AT_ONCE: Final = 8
_PIECE: Final = 64  # readings committed together once conflicts turn out to be many

Epoch = tuple[str, str]
"""A bridge, `<site>.<id>`, and the epoch of its spool."""


@dataclass(slots=True)
class Outcome:
    """What became of a batch; `touched` are the bridges that are owed a word on how far they have come."""

    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    gaps: int = 0
    touched: set[Epoch] = field(default_factory=set)

    def add(self, other: Outcome) -> None:
        self.stored += other.stored
        self.duplicates += other.duplicates
        self.quarantined += other.quarantined
        self.gaps += other.gaps
        self.touched |= other.touched


class Books:
    """The one writer of the file. One thread at a time. Every call raises StoreAway when the file cannot be written."""

    def __init__(self, path: Path, *, journal: bool) -> None:
        self.path = path
        self.journal = journal
        self.set_aside: Path | None = None
        self.org = ""
        self.open()

    def open(self) -> None:
        self.store, aside = SqliteStore.open_or_set_aside(self.path, journal=self.journal)
        self.set_aside = aside or self.set_aside
        with self.store.transaction() as connection:
            self.deployments = Deployments(connection)
            self.manual_flags = ManualFlags(connection)
            self.quarantine = Quarantine(connection)
            self.versions = Versions(connection)
            self.corrections = AcceptedCorrections(connection)
            self.events = NotedEvents(connection)
            self.identities = Identities(connection)

    def reopen(self, *, journal: bool | None = None) -> None:
        """Opens the file anew: with or without a journal, or because it turned out to be damaged."""
        self.journal = self.journal if journal is None else journal
        self.store.close()
        self.open()

    def set_damaged_aside(self) -> None:
        """Moves a file that opens but cannot be written out of the way, and begins a new one."""
        accepted = self.corrections.known
        self.store.close()
        self.set_aside = set_aside(self.path, time.time(), "it opens but cannot be written")
        self.open()
        with self.store.transaction():
            self.corrections.keep(accepted)

    def close(self) -> None:
        self.store.close()

    def note_identity(self, sensor: str, identity: str, at_ms: int) -> None:
        with self.store.transaction():
            self.identities.note(sensor, identity, at_ms)

    def take_again(self, row: Kept, decided: Decided, now_ms: int) -> Outcome:
        """A quarantined row decided about anew: stored now, already there, or kept for a new reason."""
        if decided.refused:
            return self._again(row, decided.refused[0].reason, now_ms)
        there = any(
            found.key == reading.key
            for reading in decided.readings
            for found in self.store.readings(reading.room, reading.at_ms, reading.at_ms + 1)
        )
        outcome = Outcome(duplicates=1) if there else Outcome()
        try:
            with self.store.transaction():
                if not there:
                    if row.key is not None:
                        self.store.unmark(row.key.bridge, row.key.epoch, row.key.seq)
                    self._keep_inside(outcome, decided, decided.readings, (), now_ms)
                self.quarantine.remove(row)
        except StoreConflict as conflict:
            self.quarantine.doubt()
            return self._again(row, conflict.reason, now_ms)
        except BaseException:
            self.quarantine.doubt()
            raise
        return outcome

    def _again(self, row: Kept, reason: str, now_ms: int) -> Outcome:
        with self.store.transaction():
            self.quarantine.again(row.id, reason, now_ms)
        return Outcome(quarantined=1)

    # -- a batch -------------------------------------------------------------------------------------------------------

    def keep(self, decided: Decided, now_ms: int) -> Outcome:
        """Keeps a batch: one transaction, more only when readings turn out to be impossible to keep."""
        conflicts = 0
        readings: Sequence[Reading] = decided.readings
        refused = list(decided.refused)
        while True:
            try:
                return self._keep_once(decided, readings, refused, now_ms)
            except StoreConflict as conflict:
                refused.append(as_refused(conflict, self.org))
                readings = [reading for reading in readings if reading is not conflict.reading]
                conflicts += 1
                if conflicts >= _CONFLICTS_AT_ONCE and len(readings) > _PIECE:
                    outcome = self._keep_once(decided, [], refused, now_ms)
                    for start in range(0, len(readings), _PIECE):
                        outcome.add(self.keep(Decided(list(readings[start : start + _PIECE])), now_ms))
                    return outcome

    def _keep_once(
        self, decided: Decided, readings: Sequence[Reading], refused: Sequence[RejectedItem], now_ms: int
    ) -> Outcome:
        outcome = Outcome()
        try:
            with self.store.transaction():
                self._keep_inside(outcome, decided, readings, refused, now_ms)
        except BaseException:
            self.quarantine.doubt()
            raise
        return outcome

    def _keep_inside(
        self,
        outcome: Outcome,
        decided: Decided,
        readings: Sequence[Reading],
        refused: Sequence[RejectedItem],
        now_ms: int,
    ) -> None:
        store, touched = self.store, outcome.touched
        if readings:
            outcome.stored = store.add(readings)
            outcome.duplicates = len(readings) - outcome.stored
            touched.update({(reading.bridge, reading.epoch) for reading in readings})
        for gap in decided.gaps:
            touched.add((gap.bridge, gap.epoch))
            if store.add_gap(gap, now_ms):
                outcome.gaps += 1
            else:
                outcome.duplicates += 1
        events = []
        for key, event in decided.switches:
            touched.add((key.bridge, key.epoch))
            if store.mark(key.bridge, key.epoch, key.seq, key.seq):
                events.append(event)
                self.quarantine.note(key, "switch", now_ms)
            else:
                outcome.duplicates += 1
        outcome.stored += len(events)
        for key, line in decided.missing:
            touched.add((key.bridge, key.epoch))
            if store.mark(key.bridge, key.epoch, key.seq, key.seq):
                # A line about nothing only has its number dealt with.
                if line.expected:
                    store.add_missing([line])
                self.quarantine.note(key, "missing", now_ms)
                outcome.stored += 1
            else:
                outcome.duplicates += 1
        if events or decided.states:
            store.add_switches([*events, *decided.states])
        for item in refused:
            if item.key is not None:
                touched.add((item.key.bridge, item.key.epoch))
                if not store.mark(item.key.bridge, item.key.epoch, item.key.seq, item.key.seq):
                    outcome.duplicates += 1
                    continue
            self.quarantine.keep(item.topic, item.payload, item.reason, now_ms, item.key)
            outcome.quarantined += 1

    def note_event(self, ask: Ask, config: Config, now_ms: int) -> SchoolEvent:
        """Keeps or withdraws what a school noted, and raises the versions of its days. Raises events.EventRejected."""
        with self.store.transaction():
            noted, changed = self.events.decide(ask, config, now_ms)
            if changed:
                self.store.raise_versions(noted.site, noted.start_ms, noted.end_ms)
        return noted

    def decide_correction(self, ask: Ask, config: Config, now_ms: int) -> Correction:
        """Accepts or ends a correction; days that change get a new version. Raises CorrectionRejected."""
        with self.store.transaction():
            decision = self.corrections.decide(ask, config, now_ms)
            for site in decision.sites:
                self.store.raise_versions(site, decision.since, END_MS)
        return decision.correction

    def newest_reading(self, sensor: str) -> int | None:
        """When the sensor measured last in the room it stands in, UTC ms."""
        stay = self.deployments.newest(sensor)
        if stay is None:
            return None
        return next((it.reading.at_ms for it in self.store.latest(stay.room) if it.sensor == sensor), None)

    def kinds_of(self, site: str) -> set[bool]:
        """Whether the site has simulated readings (True) and measured ones (False) here."""
        rooms = [room for room in self.store.rooms() if room.partition(".")[0] == site]
        return {it.reading.simulated for room in rooms for it in self.store.latest(room)}


def as_refused(conflict: StoreConflict, org: str) -> RejectedItem:
    """A reading that cannot be kept, as the item it came as, under its number."""
    reading = conflict.reading
    site, _, bridge = reading.bridge.partition(".")
    item = ReadingItem(
        bridge=bridge,
        epoch=reading.epoch,
        seq=reading.seq,
        sensor=reading.sensor.partition(".")[2],
        at=reading.at_ms,
        values=dict(reading.values),
        interval_s=reading.interval_s,
        n=reading.n,
        clock=reading.clock,  # type: ignore[arg-type]
        flags=_names(reading.flags) or None,
        value_flags={key: _names(mark) for key, mark in reading.value_flags.items()} or None,
        late=reading.late,
        simulated=reading.simulated,
    )
    topic = Topics(org).bridge(site, bridge, "reading")
    return RejectedItem(
        topic, ITEM.dump_json(item, exclude_none=True), conflict.reason, Key(reading.bridge, reading.epoch, reading.seq)
    )


def _names(flags: int) -> list[str]:
    return [flag.name for flag in Flag if flag & flags and flag.name]
