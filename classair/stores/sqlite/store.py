"""The store every installation has: one SQLite file, one writer, readers that never hold it up."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classair import intervals
from classair.model import Bucket, Flag, Gap, Missing, Reading, SwitchEvent
from classair.places import Places
from classair.stores import Changes, SensorNewest, Series, Store, StoreAway, local_day
from classair.stores.sqlite import archived, change_log, local_days, missing_log, received, reflagging
from classair.stores.sqlite.columns import StoredDay, stored_day
from classair.stores.sqlite.damaged import set_aside
from classair.stores.sqlite.file import DAMAGED, OnlyWriter, away_as_such, primary_code
from classair.stores.sqlite.queries import Queries
from classair.stores.sqlite.schema import open_writer
from classair.stores.sqlite.writing import Writer

if TYPE_CHECKING:
    from classair.stores.bucket_columns import BucketColumns


class SqliteStore:
    """See the Store contract. Not readonly, it is the file's one writer, used from one thread at a time.

    Queries go over connections of their own, one per thread, and see what is committed. A readonly store may be opened
    before the file exists: until then every question raises StoreAway. `journal` keeps a log of changes, so that
    another store can be filled from this one; `next_changes` reads it.
    """

    def __init__(self, path: Path, *, readonly: bool = False, journal: bool = False) -> None:
        self.path = Path(path)
        self._queries = Queries(self.path)
        self._connection: sqlite3.Connection | None = None
        self._only_writer: OnlyWriter | None = None
        self._in_transaction = False
        self._half_done = False
        if not readonly:
            self._only_writer = OnlyWriter(self.path)
            try:
                self._connection = open_writer(self.path)
                self._writer = Writer(self._connection, journal=journal)
                with self.transaction() as connection:
                    (change_log.begin if journal else change_log.end)(connection)
            except BaseException:
                self.close()
                raise

    @classmethod
    def open_or_set_aside(
        cls, path: Path, *, journal: bool = False, now_ms: int | None = None
    ) -> tuple[SqliteStore, Path | None]:
        """The writer; a damaged file is moved to `<name>.damaged-<UTC time>` and a new one begun.

        Returns the store and where the damaged file went, None when it was sound. A full disk, missing rights or a
        file of something else move nothing: StoreAway.
        """
        path = Path(path)
        try:
            return cls(path, journal=journal), None
        except StoreAway as away:
            cause = away.__cause__
            if not isinstance(cause, sqlite3.Error) or primary_code(cause) not in DAMAGED:
                raise
            reason = str(cause)
        aside = set_aside(path, time.time() if now_ms is None else now_ms / 1000, reason)
        return cls(path, journal=journal), aside

    # -- writing -------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: BEGIN IMMEDIATE … COMMIT, undone on any exception. Raises StoreAway.

        The connection may be used for tables of the caller's own. Not nested.
        """
        connection = self._writing()
        if self._in_transaction:
            raise RuntimeError("a transaction is open already")
        with away_as_such(self.path):
            connection.execute("begin immediate")
            self._in_transaction, self._half_done = True, False
            try:
                yield connection
                if self._half_done:
                    raise RuntimeError("a batch was added by half; its exception must end the transaction")
                self._writer.received.flush()
                connection.execute("commit")
            except BaseException:
                self._writer.forget()
                # A full disk has ended the transaction by itself.
                if connection.in_transaction:
                    connection.execute("rollback")
                raise
            finally:
                self._in_transaction = False

    def write(self, readings: Iterable[Reading]) -> int:
        """One transaction with `add`."""
        batch = readings if isinstance(readings, Sequence) else list(readings)
        with self.transaction():
            return self.add(batch)

    def add(self, readings: Sequence[Reading]) -> int:
        """Inside a transaction: keeps those never received before, marks them received; returns how many.

        Raises StoreConflict naming a reading that cannot be kept. The transaction must then end by that exception;
        do it again without the reading.
        """
        self._inside()
        self._half_done = True
        new = self._writer.add(readings)
        self._half_done = False
        return new

    def add_switches(self, events: Iterable[SwitchEvent]) -> None:
        """Inside a transaction."""
        connection = self._inside()
        rows = [(e.purifier, e.at_ms, None if e.on is None else int(e.on), e.reason, int(e.simulated)) for e in events]
        connection.executemany(
            "insert into switch values(?, ?, ?, ?, ?) on conflict do update set "
            '"on"=excluded."on", reason=excluded.reason, simulated=excluded.simulated',
            rows,
        )
        if rows:
            for purifier, at_ms, *_ in rows:
                self._writer.days.touch(local_day.site_of(purifier), at_ms, at_ms)
            self._writer.days.write()
            self._writer.log_switches(min(row[1] for row in rows), max(row[1] for row in rows))

    def write_switches(self, events: Iterable[SwitchEvent]) -> None:
        with self.transaction():
            self.add_switches(events)

    def add_missing(self, lines: Iterable[Missing]) -> int:
        """Inside a transaction: adds to the gap ledger; returns how many lines were new."""
        lines = list(lines)
        new = missing_log.add(self._inside(), lines)
        for line in lines if new else ():
            self.raise_versions(local_day.site_of(line.sensor), line.start_ms, line.end_ms)
        return new

    def write_missing(self, lines: Iterable[Missing]) -> None:
        with self.transaction():
            self.add_missing(lines)

    def mark(self, bridge: str, epoch: str, first: int, last: int) -> bool:
        """Inside a transaction: first…last are dealt with (quarantined, a switch, a gap); False when all were."""
        self._inside()
        if not 1 <= first <= last < 2**63:
            raise ValueError(f"{first}…{last} is no range of sequence numbers")
        return self._writer.received.numbers(self._writer.received.id_of(bridge, epoch)).add_interval(first, last + 1)

    def unmark(self, bridge: str, epoch: str, seq: int) -> bool:
        """Inside a transaction: what was set aside under this number is about to be added; False when none was."""
        self._inside()
        return self._writer.received.numbers(self._writer.received.id_of(bridge, epoch)).remove(seq)

    def add_gap(self, gap: Gap, at_ms: int | None = None) -> bool:
        """Inside a transaction: keeps a gap learnt of at `at_ms` (default now) and marks it dealt with.

        False when every number of it had been dealt with before; then nothing is kept.
        """
        connection = self._inside()
        if not self.mark(gap.bridge, gap.epoch, gap.first, gap.last):
            return False
        at_ms = int(time.time() * 1000) if at_ms is None else at_ms
        connection.execute(
            "insert into gap values(?, ?, ?, ?, ?) on conflict do nothing",
            (self._writer.received.id_of(gap.bridge, gap.epoch), gap.first, gap.last, gap.reason, at_ms),
        )
        return True

    def reflag(
        self,
        sensor: str,
        start_ms: int,
        end_ms: int,
        *,
        add: Flag = Flag.NONE,
        remove: Flag = Flag.NONE,
        quantity: str | Sequence[str] | None = None,
    ) -> int:
        """Changes flags of a sensor's readings with start <= at < end, in every room, and recomputes their rollups.

        With `quantity`, one or several, only the flags of those values change. In the open transaction or one of its
        own; returns how many readings changed.
        """
        if not self._in_transaction:
            with self.transaction():
                return self.reflag(sensor, start_ms, end_ms, add=add, remove=remove, quantity=quantity)
        quantities = (quantity,) if isinstance(quantity, str) else tuple(quantity or ())
        return reflagging.reflag(self._inside(), self._writer, sensor, (start_ms, end_ms), add, remove, quantities)

    def raise_versions(self, site: str, start_ms: int, end_ms: int) -> int:
        """Raises the version of a site's days with data that start <= at < end touches; returns how many.

        For what changes the meaning of a day's numbers without a reading or flag, such as an accepted correction.
        In the open transaction or one of its own.
        """
        if not self._in_transaction:
            with self.transaction():
                return self.raise_versions(site, start_ms, end_ms)
        risen = local_days.raise_versions(self._inside(), site, start_ms, end_ms)
        if risen:
            self._writer.log_versions(start_ms, end_ms - 1)
        return risen

    def add_archived(self, series: Series, columns: Mapping[str, Sequence[Any]]) -> int:
        """Inside a transaction: one series of one day from an archive into a store that has none of it; how many rows.

        Marks nothing received; whoever restores does so in the end.
        """
        connection = self._inside()
        self._half_done = True
        rows = archived.add_series(connection, self._writer, series, columns)
        self._half_done = False
        return rows

    def trim(self, site: str, day: date, version: int) -> int | None:
        """Removes a site's readings of a local day that a verified archive holds in this version; how many.

        None, and nothing is removed, when the day has changed since. Rollups, counts and the version stay. In the open
        transaction or one of its own.
        """
        if not self._in_transaction:
            with self.transaction():
                return self.trim(site, day, version)
        return archived.trim(self._inside(), site, day, version)

    def upto(self, bridge: str, epoch: str) -> int:
        """The end of the unbroken run from 1 of what is dealt with; 0 when 1 is missing. By the writer only."""
        for first, end in self._known_numbers(bridge, epoch):
            return end - 1 if first == 1 else 0
        return 0

    def missing(self, bridge: str, epoch: str) -> list[tuple[int, int]]:
        """Ranges below the highest number dealt with that are not. By the writer only."""
        known = self._known_numbers(bridge, epoch)
        return [(first, end - 1) for first, end in intervals.without([(1, known.end)], known)]

    def gaps(self) -> list[tuple[Gap, int]]:
        """Every gap with the moment it was learnt of."""
        with self._queries.connection() as connection:
            return received.gaps(connection)

    # -- asking --------------------------------------------------------------------------------------------------------

    def latest(self, room: str) -> list[SensorNewest]:
        return self._queries.latest(room)

    def readings(self, room: str, start_ms: int, end_ms: int) -> Iterator[Reading]:
        return self._queries.readings(room, start_ms, end_ms)

    def series(
        self, room: str, quantity: str, start_ms: int, end_ms: int, step_ms: int, sensor: str | None = None
    ) -> list[Bucket]:
        return self._queries.series(room, quantity, start_ms, end_ms, step_ms, sensor)

    def columns(
        self, room: str, quantity: str, spans: Sequence[tuple[int, int]], step_ms: int, sensor: str | None = None
    ) -> BucketColumns:
        return self._queries.columns(room, quantity, spans, step_ms, sensor)

    def switches(self, purifier: str, start_ms: int, end_ms: int) -> list[SwitchEvent]:
        return self._queries.switches(purifier, start_ms, end_ms)

    def rooms(self) -> list[str]:
        return self._queries.rooms()

    def sensors(self, room: str) -> list[str]:
        return self._queries.sensors(room)

    def interval_at(self, room: str, sensor: str, at_ms: int) -> float | None:
        return self._queries.interval_at(room, sensor, at_ms)

    def counts(self, start_ms: int, end_ms: int) -> dict[Series, int]:
        return self._queries.counts(start_ms, end_ms)

    def missing_lines(self, sensor: str, start_ms: int, end_ms: int) -> list[Missing]:
        with self._queries.connection() as connection:
            return missing_log.lines(connection, sensor, start_ms, end_ms)

    def versions(self, site: str, start: date, end: date) -> dict[date, int]:
        return self._queries.versions(site, start, end)

    def holds(self, site: str, day: date) -> bool:
        """Whether any readings of a site's local day are in this file."""
        return self._queries.holds(site, day)

    def sites(self) -> list[str]:
        """Every site that has a day with data."""
        return self._queries.sites()

    @contextlib.contextmanager
    def day(self, site: str, day: date) -> Iterator[StoredDay]:
        """A local day of a site as columns, in one state of the file: what archives and exports are made from.

            with store.day("school", date(2026, 6, 1)) as stored:
                for block in stored.blocks():
                    block.series, block.columns["at_ms"], block.columns["pm25"]

        Values are integers in steps of 1/scale (see `Block`). Fetches a series at a time: about 9,000 rows of 10 s.
        """
        with self._queries.connection() as connection, stored_day(connection, site, day) as stored:
            yield stored

    # -- filling another store -----------------------------------------------------------------------------------------

    def next_changes(self, after: int, limit: int = 5000) -> Changes | None:
        """What was committed behind position `after`, about `limit` readings of it; None when there is nothing new.

        Positions follow the order of commit, so late readings come too. Works on a readonly store as well.
        """
        return change_log.next_changes(self._queries, after, limit)

    def changes_left(self, after: int) -> int:
        """How many commits' stretches wait behind position `after` to be copied."""
        with self._queries.connection() as connection:
            return int(connection.execute("select count(*) from change where position>?", (after,)).fetchone()[0])

    def carry_again(self, start_ms: int, end_ms: int) -> None:
        """Puts everything measured with start <= at < end behind the end of the log, to be copied once more.

        In the open transaction or one of its own.
        """
        if not self._in_transaction:
            with self.transaction():
                return self.carry_again(start_ms, end_ms)
        return change_log.carry_again(self._inside(), start_ms, end_ms)

    def forget_changes(self, upto: int) -> None:
        """Drops the log up to a position that has been carried. In the open transaction or one of its own."""
        if not self._in_transaction:
            with self.transaction():
                return self.forget_changes(upto)
        self._inside().execute("delete from change where position<=?", (upto,))
        return None

    def trimmed(self, start_ms: int, end_ms: int) -> set[str]:
        """Sites of which readings in the local days that start <= at < end touches have been taken out."""
        with self._queries.connection() as connection:
            return archived.trimmed_sites(connection, start_ms, end_ms)

    def span(self) -> tuple[int, int] | None:
        """From the first local day that has readings to behind the last; None when there are none."""
        return change_log.span(self._queries)

    def remember(self, name: str, value: int) -> None:
        """Keeps a number of the caller's, such as a position. In the open transaction or one of its own."""
        if not self._in_transaction:
            with self.transaction():
                return self.remember(name, value)
        self._inside().execute(
            "insert into remembered values(?, ?) on conflict do update set value=excluded.value", (name, value)
        )
        return None

    def remembered(self, name: str) -> int | None:
        with self._queries.connection() as connection:
            row = connection.execute("select value from remembered where name=?", (name,)).fetchone()
            return None if row is None else int(row[0])

    # -- the end -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        self._queries.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._only_writer is not None:
            self._only_writer.release()

    def _writing(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreAway(f"{self.path.name} is open for reading only, or closed")
        return self._connection

    def _inside(self) -> sqlite3.Connection:
        connection = self._writing()
        if not self._in_transaction:
            raise RuntimeError("this belongs inside a transaction")
        return connection

    def _known_numbers(self, bridge: str, epoch: str) -> intervals.Intervals:
        self._writing()
        return self._writer.received.known_numbers(bridge, epoch)


def open_store(address: str, places: Places, *, readonly: bool) -> Store:
    """readings.db of the data folder. Raises StoreAway when a file that is there cannot be opened."""
    return SqliteStore(places.readings, readonly=readonly)
