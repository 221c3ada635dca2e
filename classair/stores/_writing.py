"""The path of readings into SQLite: seen before or not, scaled to integers, inserted, summed up."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from operator import itemgetter, mul
from typing import Any, Final, NoReturn

from classair.model import QUANTITIES, SHOWN, Reading
from classair.stores import HOUR_MS, MINUTE_MS, StoreConflict
from classair.stores._received import Received
from classair.stores._rollups import Rollups, Shape
from classair.stores._schema import CLOCKS
from classair.stores._tally import LIMIT

CHANGE_SPAN_MS: Final = 60_000
"""Readings of a series this close together are one entry of the change log."""

SWITCHES: Final = 0
"""In the change log in place of a series' number: switch events of any purifier."""

_CLOCK_CODES: Final = {name: code for code, name in enumerate(CLOCKS)}
_FIXED: Final = ("series", "at_ms", "seq", "bridge_epoch", "interval_s", "n", "flags", "vflags", "clock", "late")

Row = tuple[Any, ...]


class Layout:
    """How readings with one set of quantities are written, in the order in which they name them."""

    __slots__ = ("hour", "keys", "minute", "rows", "scales", "shown", "statement")

    def __init__(self, keys: tuple[str, ...], rollups: Rollups) -> None:
        self.keys = keys
        self.scales = tuple(QUANTITIES[key].scale for key in keys)
        columns = (*_FIXED, *keys)
        # Only what is present is bound; the other columns are null by default.
        self.statement = f"insert into reading({', '.join(columns)}) values({', '.join('?' * len(columns))})"
        self.rows: list[Row] = []
        places = [i for i, key in enumerate(keys) if key in SHOWN]
        self.shown = _picker(places)
        self.minute: Shape | None = rollups.shape("1m", tuple(keys[i] for i in places)) if places else None
        self.hour: Shape | None = rollups.shape("1h", keys) if keys else None


def _picker(places: list[int]) -> Callable[[tuple[int, ...]], tuple[int, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    if places:
        only = places[0]
        return lambda values: (values[only],)
    return lambda _values: ()


class Writer:
    """Adds readings inside an open transaction. One thread at a time; after a rollback `forget` must be called."""

    def __init__(self, connection: sqlite3.Connection, *, journal: bool) -> None:
        self._connection = connection
        self._journal = journal
        self.received = Received(connection)
        self.rollups = Rollups(connection)
        self._layouts: dict[tuple[str, ...], Layout] = {}
        self._series: dict[tuple[str, str, bool], int] = {}

    def forget(self) -> None:
        """Drops everything remembered, which may be ahead of the tables."""
        self.received.forget()
        self.rollups.forget()
        self._layouts.clear()
        self._series.clear()

    def add(self, readings: Sequence[Reading]) -> int:
        """Adds those never received before and marks them received; how many those were. Raises StoreConflict."""
        new = self._unseen(readings)
        for reading in new:
            try:
                self._collect(reading)
            except StoreConflict:
                raise
            except (ValueError, OverflowError, TypeError, KeyError) as error:
                raise StoreConflict(reading, f"it has something no reading has: {error}") from error
        try:
            for layout in self._layouts.values():
                if layout.rows:
                    layout.rows.sort(key=_primary_key)
                    self._connection.executemany(layout.statement, layout.rows)
        except sqlite3.IntegrityError as error:
            self._name_conflict(new, error)
        except OverflowError as error:
            self._name_overflow(new, error)
        if self._journal:
            self._log_changes(row for layout in self._layouts.values() for row in layout.rows)
        for layout in self._layouts.values():
            layout.rows = []
        self.rollups.write()
        self.received.flush()
        return len(new)

    def log_span(self, series: int, first_ms: int, last_ms: int) -> None:
        """Puts a stretch of a series into the change log, when one is kept."""
        if self._journal:
            self._connection.execute("insert into change(series, first_ms, last_ms) values(?, ?, ?)",
                                     (series, first_ms, last_ms))

    def log_switches(self, first_ms: int, last_ms: int) -> None:
        self.log_span(SWITCHES, first_ms, last_ms)

    # -- once is once --------------------------------------------------------------------------------------------------

    def _unseen(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        by_epoch: dict[tuple[str, str], list[Reading]] = {}
        for reading in readings:
            key = (reading.bridge, reading.epoch)
            group = by_epoch.get(key)
            if group is None:
                by_epoch[key] = [reading]
            else:
                group.append(reading)
        new: list[Reading] = []
        for (bridge, epoch), group in by_epoch.items():
            runs = self.received.runs(self.received.id_of(bridge, epoch))
            numbers = [reading.seq for reading in group]
            first, last = numbers[0], numbers[-1]
            if first > runs.end and last - first + 1 == len(numbers) and all(b - a == 1 for a, b in pairwise(numbers)):
                # What a healthy bridge sends: the next numbers, in order.
                runs.add_run(first, last)
                new += group
            else:
                add = runs.add
                new += [reading for reading in group if add(reading.seq)]
        return new

    # -- one reading ---------------------------------------------------------------------------------------------------

    def _collect(self, reading: Reading) -> None:
        values = reading.values
        keys = tuple(values)
        layout = self._layouts.get(keys)
        if layout is None:
            layout = self._new_layout(reading, keys)
        scaled = tuple(map(round, map(mul, values.values(), layout.scales)))
        if scaled and (max(scaled) > LIMIT or min(scaled) < -LIMIT):
            raise StoreConflict(reading, "a value is larger than any that can be kept")
        series = self._series.get((reading.sensor, reading.room, reading.simulated))
        if series is None:
            series = self._new_series(reading)
        at_ms = reading.at_ms
        flags, value_flags = int(reading.flags), reading.value_flags
        sparse = None
        if flags or value_flags:
            sparse = ",".join(f"{key}:{int(mark)}" for key, mark in value_flags.items() if mark) or None
            self.rollups.add_flagged(series, at_ms, keys, scaled, flags, value_flags)
        elif layout.hour is not None:
            minute = layout.minute
            if minute is not None:
                place = (series, at_ms // MINUTE_MS)
                rows = minute.rows.get(place)
                if rows is None:
                    minute.rows[place] = [layout.shown(scaled)]
                else:
                    rows.append(layout.shown(scaled))
            hours = layout.hour.rows
            place = (series, at_ms // HOUR_MS)
            rows = hours.get(place)
            if rows is None:
                hours[place] = [scaled]
            else:
                rows.append(scaled)
        layout.rows.append((
            series, at_ms, reading.seq, self.received.id_of(reading.bridge, reading.epoch), reading.interval_s,
            reading.n, flags, sparse, _CLOCK_CODES[reading.clock], reading.late, *scaled))

    def _new_layout(self, reading: Reading, keys: tuple[str, ...]) -> Layout:
        if unknown := [key for key in keys if key not in QUANTITIES]:
            raise StoreConflict(reading, f"unknown quantity {unknown[0]!r}")
        layout = self._layouts[keys] = Layout(keys, self.rollups)
        return layout

    def _new_series(self, reading: Reading) -> int:
        key = (reading.sensor, reading.room, reading.simulated)
        row = self._connection.execute(
            "select id from series where sensor=? and room=? and simulated=?", key).fetchone()
        row = row or self._connection.execute(
            "insert into series(sensor, room, simulated) values(?, ?, ?) returning id", key).fetchone()
        self._series[key] = int(row[0])
        return int(row[0])

    # -- what cannot be kept -------------------------------------------------------------------------------------------

    def _name_conflict(self, new: Sequence[Reading], error: sqlite3.IntegrityError) -> NoReturn:
        """Finds the reading whose place is taken by another key. Raises StoreConflict."""
        for reading in new:
            place = (self._new_series(reading), reading.at_ms, reading.seq)
            own = self.received.id_of(reading.bridge, reading.epoch)
            taken = self._connection.execute(
                "select bridge_epoch from reading where series=? and at_ms=? and seq=?", place).fetchone()
            if taken is not None and taken[0] != own:
                raise StoreConflict(reading, "another reading has its series, time and number") from error
        # Only readings of this very batch stand where they should: one stood there before without being received.
        self._connection.execute("rollback")
        for reading in new:
            taken = self._connection.execute(
                "select 1 from reading, series on series.id=reading.series "
                "where sensor=? and room=? and simulated=? and at_ms=? and seq=?",
                (reading.sensor, reading.room, reading.simulated, reading.at_ms, reading.seq)).fetchone()
            if taken is not None:
                raise StoreConflict(reading, "it is there already although never marked as received") from error
        raise error

    def _name_overflow(self, new: Sequence[Reading], error: OverflowError) -> NoReturn:
        for reading in new:
            if not all(-2**63 <= number < 2**63 for number in (reading.at_ms, reading.seq, reading.n)):
                raise StoreConflict(reading, "its time, number or n does not fit into eight bytes") from error
        raise error

    def _log_changes(self, rows: Iterable[Row]) -> None:
        spans: list[tuple[int, int, int]] = []
        series, first, last = 0, 0, 0
        for row in sorted(map(_primary_key, rows)):
            if row[0] == series and row[1] - last <= CHANGE_SPAN_MS:
                last = row[1]
            else:
                if series:
                    spans.append((series, first, last))
                series, first, last = row[0], row[1], row[1]
        if series:
            spans.append((series, first, last))
        self._connection.executemany("insert into change(series, first_ms, last_ms) values(?, ?, ?)", spans)


_primary_key: Final = itemgetter(0, 1, 2)
