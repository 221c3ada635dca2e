"""The path of readings into SQLite: seen before or not, scaled to integers, inserted, summed up."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter, mul
from typing import Any, Final, NoReturn

from classair.model import QUANTITIES, SHOWN, Reading
from classair.stores import Series, StoreConflict
from classair.stores.local_day import site_of
from classair.stores.sqlite.local_days import Days
from classair.stores.sqlite.received import Received
from classair.stores.sqlite.rollups import GRAINS, Rollups, Shape
from classair.stores.sqlite.rows import CLOCKS, read_marks, write_marks
from classair.stores.tally import LIMIT, interval_ms, steps_of

CHANGE_SPAN_MS: Final = 60_000
"""Readings of a series this close together are one entry of the change log."""

MOST_STREAMS: Final = 20_000
"""Series and sets of quantities that are remembered; a bridge that sends ever new sets must not fill the memory."""

SWITCHES: Final = 0
"""In the change log in place of a series' number: switch events of any purifier."""

VERSIONS: Final = -1
"""In the change log in place of a series' number: the versions of days alone."""

_CLOCK_CODES: Final = {name: code for code, name in enumerate(CLOCKS)}
_FIXED: Final = ("series", "at_ms", "seq", "bridge_epoch", "interval_s", "n", "flags", "vflags", "clock", "late")

_VALUES: Final = len(_FIXED)
"""Where the values begin in a row."""

EncodedRow = tuple[Any, ...]


class Layout:
    """How readings with one set of quantities are written, in the order in which they name them."""

    __slots__ = ("grains", "keys", "scales", "statement")

    def __init__(self, keys: tuple[str, ...], rollups: Rollups) -> None:
        self.keys = keys
        self.scales = tuple(QUANTITIES[key].scale for key in keys)
        columns = (*_FIXED, *keys)
        # Only what is present is bound; the other columns are null by default.
        self.statement = f"insert into reading({', '.join(columns)}) values({', '.join('?' * len(columns))})"
        self.grains: list[tuple[int, Shape, Callable[[Sequence[Any]], tuple[Any, ...]]]] = []
        for grain, unit in GRAINS:
            places = [i for i, key in enumerate(keys) if grain == "1h" or key in SHOWN]
            if places:
                shape = rollups.shape(grain, tuple(keys[i] for i in places))
                self.grains.append((unit, shape, _picker([_VALUES + i for i in places])))


class PendingRows:
    """Rows of one series and layout that wait to be written; `flagged` are those among them that have flags."""

    __slots__ = ("flagged", "layout", "rows", "scales", "series", "site")

    def __init__(self, series: int, site: str, layout: Layout) -> None:
        self.series = series
        self.site = site
        self.layout = layout
        self.scales = layout.scales
        self.rows: list[EncodedRow] = []
        self.flagged: list[EncodedRow] = []

    def sum_up(self) -> None:
        """Hands the minutes and hours of its sorted rows without flags to the shapes. Raises _TooLarge."""
        rows = [row for row in self.rows if not row[6] and row[7] is None] if self.flagged else self.rows
        if not rows or not self.layout.grains:
            return
        series, columns = self.series, list(zip(*rows, strict=True))
        covered = list(map(interval_ms, columns[4]))
        moments, count = columns[1], len(rows)
        for unit, shape, pick in self.layout.grains:
            wanted, identity, waiting, begin = pick(columns), shape.identity, shape.waiting, 0
            while begin < count:
                t = moments[begin] // unit
                end = begin + 1
                if end < count and moments[end] < (t + 1) * unit:
                    end = bisect_left(moments, (t + 1) * unit, end)
                    parts = [column[begin:end] for column in wanted]
                    lows, highs = tuple(map(min, parts)), tuple(map(max, parts))
                    spent = sum(covered[begin:end])
                    waiting.append((series, t, identity, end - begin, spent, *map(sum, parts), *lows, *highs))
                else:
                    lows = highs = pick(rows[begin])
                    waiting.append((series, t, identity, 1, covered[begin], *lows, *lows, *lows))
                if max(highs) > LIMIT or min(lows) < -LIMIT:
                    raise _TooLarge
                begin = end


class _TooLarge(Exception):
    """A value beyond LIMIT is among the rows."""


def _picker(places: list[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    only = places[0]
    return lambda values: (values[only],)


class Writer:
    """Adds readings inside an open transaction. One thread at a time; after a rollback `forget` must be called."""

    def __init__(self, connection: sqlite3.Connection, *, journal: bool) -> None:
        self._connection = connection
        self._journal = journal
        self.received = Received(connection)
        self.rollups = Rollups(connection)
        self.days = Days(connection)
        self._layouts: dict[tuple[str, ...], Layout] = {}
        self._streams: dict[tuple[Any, ...], PendingRows] = {}

    def forget(self) -> None:
        """Drops everything remembered, which may be ahead of the tables."""
        self.received.forget()
        self.rollups.forget()
        self.days.forget()
        self._layouts.clear()
        self._streams.clear()

    def add(self, readings: Sequence[Reading]) -> int:
        """Adds those never received before and marks them received; how many those were. Raises StoreConflict."""
        if len(self._streams) > MOST_STREAMS:
            self._streams.clear()
            self._layouts.clear()
            self.rollups.forget()
        new: list[Reading] = []
        touched: dict[int, PendingRows] = {}
        for bridge_epoch, group in self._unseen(readings):
            self._collect(bridge_epoch, group, touched)
            new += group
        by_layout: dict[Layout, list[EncodedRow]] = {}
        try:
            for stream in sorted(touched.values(), key=lambda stream: stream.series):
                stream.rows.sort()
                self.put(stream)
                by_layout.setdefault(stream.layout, []).extend(stream.rows)
                stream.rows, stream.flagged = [], []
            for layout, rows in by_layout.items():
                self._connection.executemany(layout.statement, rows)
        except sqlite3.IntegrityError as error:
            self._name_conflict(new, error)
        except (_TooLarge, OverflowError) as error:
            self._name_too_large(new, error)
        if self._journal:
            self._log_changes(row for rows in by_layout.values() for row in rows)
        self.rollups.write()
        self.days.write()
        self.received.flush()
        return len(new)

    def log_span(self, series: int, first_ms: int, last_ms: int) -> None:
        """Puts a stretch of a series into the change log, when one is kept."""
        if self._journal:
            self._connection.execute(
                "insert into change(series, first_ms, last_ms) values(?, ?, ?)", (series, first_ms, last_ms)
            )

    def log_switches(self, first_ms: int, last_ms: int) -> None:
        self.log_span(SWITCHES, first_ms, last_ms)

    def log_versions(self, first_ms: int, last_ms: int) -> None:
        self.log_span(VERSIONS, first_ms, last_ms)

    # -- once is once --------------------------------------------------------------------------------------------------

    def _unseen(self, readings: Sequence[Reading]) -> Iterator[tuple[int, Sequence[Reading]]]:
        """By bridge and epoch, the readings never received before, which now are."""
        by_epoch: dict[tuple[str, str], list[Reading]] = {}
        for reading in readings:
            key = (reading.bridge, reading.epoch)
            group = by_epoch.get(key)
            if group is None:
                by_epoch[key] = [reading]
            else:
                group.append(reading)
        for (bridge, epoch), group in by_epoch.items():
            bridge_epoch = self.received.id_of(bridge, epoch)
            numbers = self.received.numbers(bridge_epoch)
            first, last = group[0].seq, group[-1].seq
            if (
                first >= numbers.end
                and last - first + 1 == len(group)
                and [reading.seq for reading in group] == list(range(first, last + 1))
            ):
                # What a healthy bridge sends: the next numbers, in order.
                numbers.add_interval(first, last + 1)
                yield bridge_epoch, group
            else:
                add = numbers.add
                yield bridge_epoch, [reading for reading in group if add(reading.seq)]

    # -- one reading ---------------------------------------------------------------------------------------------------

    def _collect(self, bridge_epoch: int, readings: Sequence[Reading], touched: dict[int, PendingRows]) -> None:
        """Turns readings into rows of their streams. The hot path: what happens here happens for every reading."""
        streams = self._streams
        for reading in readings:
            values = reading.values
            stream = streams.get((reading.sensor, reading.room, reading.simulated, *values))
            if stream is None:
                stream = self._new_stream(reading)
            rows = stream.rows
            if not rows:
                touched[id(stream)] = stream
            try:
                scaled = tuple(map(round, map(mul, values.values(), stream.scales)))
                flags, value_flags = reading.flags, reading.value_flags
                # SQLite takes plain integers at once and asks its adapters about every subclass.
                # Two tuples joined cost half of one unpacked into another.
                row = (  # noqa: RUF005
                    stream.series,
                    reading.at_ms,
                    reading.seq,
                    bridge_epoch,
                    reading.interval_s,
                    reading.n,
                    int(flags) if flags else 0,
                    write_marks(value_flags) if value_flags else None,
                    _CLOCK_CODES[reading.clock],
                    1 if reading.late else 0,
                ) + scaled
            except (ValueError, OverflowError, TypeError, KeyError) as error:
                raise StoreConflict(reading, f"it has something no reading has: {error}") from error
            rows.append(row)
            if flags or (value_flags and row[7] is not None):
                stream.flagged.append(row)

    def put(self, stream: PendingRows) -> None:
        """Sums up the sorted rows of a stream, which the caller inserts."""
        stream.sum_up()
        self._sum_up_flagged(stream)
        self.days.note(stream.site, stream.series, stream.rows)

    def _sum_up_flagged(self, stream: PendingRows) -> None:
        for row in stream.flagged:
            if any(abs(value) > LIMIT for value in row[_VALUES:]):
                raise _TooLarge
            self.rollups.add_flagged(
                stream.series,
                row[1],
                interval_ms(row[4]),
                stream.layout.keys,
                row[_VALUES:],
                row[6],
                read_marks(row[7]),
            )

    def _new_stream(self, reading: Reading) -> PendingRows:
        keys = tuple(reading.values)
        layout = self._layouts.get(keys)
        if layout is None:
            if unknown := [key for key in keys if key not in QUANTITIES]:
                raise StoreConflict(reading, f"unknown quantity {unknown[0]!r}")
            layout = self._layouts[keys] = Layout(keys, self.rollups)
        stream = PendingRows(self.series_number(reading), site_of(reading.sensor), layout)
        self._streams[reading.sensor, reading.room, reading.simulated, *keys] = stream
        return stream

    def series_number(self, of: Reading | Series) -> int:
        """The series' number, made when it is new; inside a transaction."""
        key = (of.sensor, of.room, of.simulated)
        row = self._connection.execute(
            "select id from series where sensor=? and room=? and simulated=?", key
        ).fetchone()
        row = (
            row
            or self._connection.execute(
                "insert into series(sensor, room, simulated) values(?, ?, ?) returning id", key
            ).fetchone()
        )
        return int(row[0])

    # -- what cannot be kept -------------------------------------------------------------------------------------------

    def _name_conflict(self, new: Sequence[Reading], error: sqlite3.IntegrityError) -> NoReturn:
        """Finds the reading whose place is taken by another key. Raises StoreConflict."""
        for reading in new:
            place = (self.series_number(reading), reading.at_ms, reading.seq)
            own = self.received.id_of(reading.bridge, reading.epoch)
            taken = self._connection.execute(
                "select bridge_epoch from reading where series=? and at_ms=? and seq=?", place
            ).fetchone()
            if taken is not None and taken[0] != own:
                raise StoreConflict(reading, "another reading has its series, time and number") from error
        # Only readings of this very batch stand where they should: one stood there before without being received.
        self._connection.execute("rollback")
        for reading in new:
            taken = self._connection.execute(
                "select 1 from reading, series on series.id=reading.series "
                "where sensor=? and room=? and simulated=? and at_ms=? and seq=?",
                (reading.sensor, reading.room, reading.simulated, reading.at_ms, reading.seq),
            ).fetchone()
            if taken is not None:
                raise StoreConflict(reading, "it is already stored, although never marked as received") from error
        raise error

    def _name_too_large(self, new: Sequence[Reading], error: Exception) -> NoReturn:
        """Finds the reading with a number that cannot be kept. Raises StoreConflict."""
        for reading in new:
            numbers = (reading.at_ms, reading.seq, reading.n, int(reading.flags))
            if not all(-(2**63) <= number < 2**63 for number in numbers):
                raise StoreConflict(reading, "its time, sequence number or n does not fit into eight bytes") from error
            if any(abs(steps_of(value, key)) > LIMIT for key, value in reading.values.items()):
                raise StoreConflict(reading, "a value is too large to store") from error
        raise error

    def _log_changes(self, rows: Iterable[EncodedRow]) -> None:
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
