"""What is asked of readings.db, over read-only connections that never hold up the writer."""

from __future__ import annotations

import contextlib
import heapq
import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classair.model import BAD_CLASS_NAMES, QUANTITIES, Bucket, Flag, Reading, SwitchEvent
from classair.stores import BANGKOK_MS, Rollup, SensorNewest, Series, StoreAway, local_day
from classair.stores.sqlite.connections import Connections
from classair.stores.sqlite.rollups import KEPT, covered_of
from classair.stores.sqlite.rows import CLOCKS, all_series, read_marks
from classair.stores.steps import grain_for, span_of
from classair.units import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from classair.stores.bucket_columns import BucketColumns

PAGE: Final = 2000
"""Rows fetched at once: a short read does not keep the write-ahead log from being taken over."""

_FIXED: Final = ("at_ms", "seq", "bridge_epoch", "interval_s", "n", "flags", "vflags", "clock", "late")


_UNITS: Final = {name: unit for name, unit, _ in KEPT}
_SHIFTS: Final = {name: shift for name, _, shift in KEPT}


class Queries:
    """Answers from one file; see the Store contract. Sees what is committed."""

    def __init__(self, path: Path) -> None:
        self._connections = Connections(path)

    def close(self) -> None:
        self._connections.close()

    def rooms(self) -> list[str]:
        with self._connections.use() as connection:
            return [row[0] for row in connection.execute("select distinct room from series order by room")]

    def sensors(self, room: str) -> list[str]:
        with self._connections.use() as connection:
            return sorted({series.sensor for _, series in _series_of(connection, room)})

    def interval_at(self, room: str, sensor: str, at_ms: int) -> float | None:
        found: list[tuple[int, float]] = []
        with self._connections.use() as connection:
            for identity, series in _series_of(connection, room):
                if series.sensor == sensor:
                    found += connection.execute(
                        "select at_ms, interval_s from reading where series=? and at_ms>=? order by at_ms limit 1",
                        (identity, at_ms),
                    ).fetchall()
        return min(found)[1] if found else None

    def latest(self, room: str) -> list[SensorNewest]:
        newest: dict[str, Reading] = {}
        with self._connections.use() as connection:
            for identity, series in _series_of(connection, room):
                rows = _Rows(connection, identity, series)
                for reading in rows.page("order by at_ms desc, seq desc limit 1", ()):
                    there = newest.get(series.sensor)
                    if there is None or (there.at_ms, there.seq) < (reading.at_ms, reading.seq):
                        newest[series.sensor] = reading
        return [SensorNewest(sensor, newest[sensor]) for sensor in sorted(newest)]

    def readings(self, room: str, start_ms: int, end_ms: int) -> Iterator[Reading]:
        with self._connections.use() as connection:
            parts = [
                self._of_series(identity, series, start_ms, end_ms) for identity, series in _series_of(connection, room)
            ]
        return heapq.merge(*parts, key=_in_order)

    def readings_of(self, identity: int, series: Series, start_ms: int, end_ms: int) -> Iterator[Reading]:
        """Readings of one series, in order of time."""
        return self._of_series(identity, series, start_ms, end_ms)

    def _of_series(self, identity: int, series: Series, start_ms: int, end_ms: int) -> Iterator[Reading]:
        at_ms, seq = start_ms, -(2**63)
        while True:
            with self._connections.use() as connection:
                page = _Rows(connection, identity, series).page(
                    "and (at_ms, seq) > (?, ?) and at_ms < ? order by at_ms, seq limit ?", (at_ms, seq, end_ms, PAGE)
                )
            yield from page
            if len(page) < PAGE:
                return
            at_ms, seq = page[-1].at_ms, page[-1].seq

    def series(
        self, room: str, quantity: str, start_ms: int, end_ms: int, step_ms: int, sensor: str | None = None
    ) -> list[Bucket]:
        scale = QUANTITIES[quantity].scale if quantity in QUANTITIES else 1
        buckets: dict[int, Bucket] = {}
        with self._connections.use() as connection:
            asked = _Sums(connection, room, quantity, step_ms, sensor, grouped=True)
            for start, n, covered, total, low, high in asked.valid([(start_ms, end_ms)]):
                buckets[start] = Bucket(
                    start, n, sum=total / scale, low=low / scale, high=high / scale, covered_ms=covered
                )
            for start, suspect, *bad in asked.flagged([(start_ms, end_ms)]):
                bucket = buckets.setdefault(start, Bucket(start))
                bucket.suspect = suspect
                bucket.bad = {name: count for name, count in zip(BAD_CLASS_NAMES, bad, strict=True) if count}
        return [buckets[start] for start in sorted(buckets)]

    def columns(
        self, room: str, quantity: str, spans: Sequence[tuple[int, int]], step_ms: int, sensor: str | None = None
    ) -> BucketColumns:
        from classair.stores.bucket_columns import of_sums

        with self._connections.use() as connection:
            asked = _Sums(connection, room, quantity, step_ms, sensor, grouped=False)
            return of_sums(quantity, asked.valid(spans), asked.flagged(spans))

    def switches(self, purifier: str, start_ms: int, end_ms: int) -> list[SwitchEvent]:
        with self._connections.use() as connection:
            before = connection.execute(
                'select at_ms, "on", reason, simulated from switch where purifier=? and at_ms<? '
                "order by at_ms desc limit 1",
                (purifier, start_ms),
            ).fetchall()
            inside = connection.execute(
                'select at_ms, "on", reason, simulated from switch where purifier=? and at_ms>=? and at_ms<? '
                "order by at_ms",
                (purifier, start_ms, end_ms),
            ).fetchall()
        return [
            SwitchEvent(purifier, at_ms, None if on is None else bool(on), reason, bool(simulated))
            for at_ms, on, reason, simulated in [*before, *inside]
        ]

    def all_switches(self, start_ms: int, end_ms: int) -> list[SwitchEvent]:
        """Those of every purifier with start <= at <= end."""
        with self._connections.use() as connection:
            rows = connection.execute(
                'select purifier, at_ms, "on", reason, simulated from switch '
                "where at_ms between ? and ? order by at_ms, purifier",
                (start_ms, end_ms),
            )
            return [
                SwitchEvent(purifier, at_ms, None if on is None else bool(on), reason, bool(simulated))
                for purifier, at_ms, on, reason, simulated in rows
            ]

    def counts(self, start_ms: int, end_ms: int) -> dict[Series, int]:
        found: dict[Series, int] = {}
        with self._connections.use() as connection:
            parts = _parts(start_ms, end_ms) if _has_days(connection) else [(start_ms, end_ms)]
            for identity, series in all_series(connection).items():
                n = 0
                for first, end in parts:
                    if first == end:
                        continue
                    n += connection.execute(
                        "select count(*) from reading where series=? and at_ms>=? and at_ms<?", (identity, first, end)
                    ).fetchone()[0]
                if len(parts) == 2:
                    n += connection.execute(
                        "select coalesce(sum(readings), 0) from series_day where series=? and day>=? and day<?",
                        (identity, local_day.day_number(parts[0][1]), local_day.day_number(parts[1][0])),
                    ).fetchone()[0]
                if n:
                    found[series] = n
        return found

    def versions(self, site: str, start: date, end: date) -> dict[date, int]:
        with self._connections.use() as connection:
            if not _has_days(connection):
                raise StoreAway("the file is of an older version. Start ingest once to migrate it")
            return {
                local_day.date_of(day): version
                for day, version in connection.execute(
                    "select day, version from day_version where site=? and day>=? and day<? order by day",
                    (site, local_day.number_of(start), local_day.number_of(end)),
                )
            }

    def holds(self, site: str, day: date) -> bool:
        start = local_day.start_of(local_day.number_of(day))
        with self._connections.use() as connection:
            return (
                connection.execute(
                    "select 1 from series where sensor glob ? and exists (select 1 from reading where series=id "
                    "and at_ms>=? and at_ms<?)",
                    (f"{site}.*", start, start + DAY_MS),
                ).fetchone()
                is not None
            )

    def sites(self) -> list[str]:
        with self._connections.use() as connection:
            if not _has_days(connection):
                raise StoreAway("the file is of an older version. Start ingest once to migrate it")
            return [row[0] for row in connection.execute("select distinct site from day_version order by site")]

    def versions_of(self, site: str | None, first_ms: int, last_ms: int) -> dict[tuple[str, date], int]:
        """Those of a site, or of every one, for the days that first…last touches."""
        days = (local_day.day_number(first_ms), local_day.day_number(last_ms))
        where, its = ("", ()) if site is None else ("site=? and ", (site,))
        with self._connections.use() as connection:
            return {
                (of, local_day.date_of(day)): version
                for of, day, version in connection.execute(
                    f"select site, day, version from day_version where {where}day between ? and ?", (*its, *days)
                )
                if local_day.dated(day)
            }

    def rollups(self, identity: int, series: Series, grain: str, start_ms: int, end_ms: int) -> list[Rollup]:
        """Whole rollups of one series whose start lies in start…end, by quantity."""
        unit, shift = _UNITS[grain], _SHIFTS[grain]
        span = (identity, (start_ms + shift) // unit, -(-(end_ms + shift) // unit))
        found: dict[int, dict[str, Bucket]] = {}
        with self._connections.use() as connection:
            shapes = {row[0]: row[1].split(",") for row in connection.execute("select id, quantities from shape")}
            cursor = connection.execute(
                f"select *, {covered_of(connection, grain)} covered from rollup_{grain} "
                "where series=? and t>=? and t<?",
                span,
            )
            names = [column[0] for column in cursor.description]
            for values in cursor:
                row = dict(zip(names, values, strict=True))
                buckets = found.setdefault(row["t"], {})
                for key in shapes[row["shape"]]:
                    if key in QUANTITIES:
                        _merge(buckets.setdefault(key, Bucket(row["t"] * unit - shift)), row, key)
            for t, key, suspect, *bad in connection.execute(
                f"select t, quantity, suspect, {', '.join(BAD_CLASS_NAMES)} from flagged_{grain} "
                "where series=? and t>=? and t<?",
                span,
            ):
                bucket = found.setdefault(t, {}).setdefault(key, Bucket(t * unit - shift))
                bucket.suspect = suspect
                bucket.bad = {name: count for name, count in zip(BAD_CLASS_NAMES, bad, strict=True) if count}
        return [Rollup(series, t * unit - shift, found[t]) for t in sorted(found)]

    def connection(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """For questions of neighbours in this folder."""
        return self._connections.use()


def _merge(bucket: Bucket, row: dict[str, int], key: str) -> None:
    scale = QUANTITIES[key].scale
    low, high = row[f"low_{key}"] / scale, row[f"high_{key}"] / scale
    # Sums are whole steps; rounding them after each addition keeps them so.
    bucket.sum = round(bucket.sum * scale + row[f"sum_{key}"]) / scale
    bucket.n += row["n"]
    bucket.covered_ms += row["covered"]
    bucket.low = low if bucket.low is None else min(bucket.low, low)
    bucket.high = high if bucket.high is None else max(bucket.high, high)


def _has_days(connection: sqlite3.Connection) -> bool:
    """Files of schema 1 are read as they are until ingest opens them for writing."""
    return int(connection.execute("pragma user_version").fetchone()[0]) >= 2


def _parts(start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """What lies before the first and behind the last whole local day of a span; the span itself when it has none."""
    first, end = -(-(start_ms + BANGKOK_MS) // DAY_MS), local_day.day_number(end_ms)
    if end <= first:
        return [(start_ms, end_ms)]
    return [(start_ms, local_day.start_of(first)), (local_day.start_of(end), end_ms)]


def _series_of(connection: sqlite3.Connection, room: str) -> list[tuple[int, Series]]:
    rows = connection.execute(
        "select id, sensor, simulated from series where room=? order by sensor, simulated", (room,)
    )
    return [(identity, Series(sensor, room, bool(simulated))) for identity, sensor, simulated in rows]


def _columns(connection: sqlite3.Connection) -> list[str]:
    """Quantities that the file has columns for; a newer reader may know more, a newer writer may have more."""
    there = {row[0] for row in connection.execute("select key from quantity")}
    return [key for key in QUANTITIES if key in there]


def _in_order(reading: Reading) -> tuple[int, str, int]:
    return (reading.at_ms, reading.sensor, reading.seq)


class _Sums:
    """What rollups say of a quantity in a room: by step, or as many rows of each as are there, unordered.

    Rows as stored are quicker where each is a step of its own. Raises ValueError for a step without rollups.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        room: str,
        quantity: str,
        step_ms: int,
        sensor: str | None,
        *,
        grouped: bool,
    ) -> None:
        grain, self._unit = grain_for(quantity, step_ms)
        self._connection, self._quantity, self._step_ms = connection, quantity, step_ms
        among = [str(identity) for identity, its in _series_of(connection, room) if sensor in (None, its.sensor)]
        self._known = bool(among) and quantity in _columns(connection)
        self._there = bool(among)
        if grain == "1d" and not _has_days(connection):
            grain, self._unit = "1h", HOUR_MS
        self._shift = _SHIFTS[grain]
        place = f"(t + {(BANGKOK_MS - self._shift) // self._unit}) / {step_ms // self._unit} * {step_ms} - {BANGKOK_MS}"
        within = "(select value ->> 0 as first, value ->> 1 as behind from json_each(?)) cross join"
        where = f"where series in ({','.join(among)}) and t>=first and t<behind"
        grouped = grouped or step_ms != self._unit
        sums, flags = ["n", covered_of(connection, grain), f"sum_{quantity}"], ["suspect", *BAD_CLASS_NAMES]
        ends, last = [f"low_{quantity}", f"high_{quantity}"], ""
        if grouped:
            sums, flags = [f"sum({name})" for name in sums], [f"sum({name})" for name in flags]
            ends, last = [f"min({ends[0]})", f"max({ends[1]})"], " group by place"
        self._sums = (
            f"select {place} place, {', '.join(sums + ends)} from {within} rollup_{grain} {where} "
            f"and low_{quantity} is not null{last}"
        )
        self._flags = (
            f"select {place} place, {', '.join(flags)} from {within} flagged_{grain} {where} and quantity=?{last}"
        )

    def _spans(self, spans: Sequence[tuple[int, int]]) -> str:
        """As JSON, so that hundreds of lessons are one statement."""
        found = (span_of(start, end, self._step_ms) for start, end in spans)
        return json.dumps([[(at + self._shift) // self._unit for at in span] for span in found])

    def valid(self, spans: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
        """(start, n, covered, sum, low, high), in steps of the quantity's scale."""
        return self._connection.execute(self._sums, (self._spans(spans),)).fetchall() if self._known else []

    def flagged(self, spans: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
        """(start, suspect, *bad)."""
        if not self._there:
            return []
        return self._connection.execute(self._flags, (self._spans(spans), self._quantity)).fetchall()


class _Rows:
    """Rows of one series as readings."""

    def __init__(self, connection: sqlite3.Connection, identity: int, series: Series) -> None:
        self._connection = connection
        self._identity = identity
        self._series = series
        self._keys = _columns(connection)
        self._scales = [QUANTITIES[key].scale for key in self._keys]
        self._epochs: dict[int, tuple[str, str]] = {}

    def page(self, where: str, parameters: tuple[Any, ...]) -> list[Reading]:
        rows = self._connection.execute(
            f"select {', '.join((*_FIXED, *self._keys))} from reading where series=? {where}",
            (self._identity, *parameters),
        ).fetchall()
        return [self._reading(row) for row in rows]

    def _reading(self, row: tuple[Any, ...]) -> Reading:
        at_ms, seq, bridge_epoch, interval_s, n, flags, vflags, clock, late = row[: len(_FIXED)]
        bridge, epoch = self._epoch(bridge_epoch)
        values = {
            key: value / scale
            for key, scale, value in zip(self._keys, self._scales, row[len(_FIXED) :], strict=True)
            if value is not None
        }
        series = self._series
        return Reading(
            sensor=series.sensor,
            bridge=bridge,
            epoch=epoch,
            seq=seq,
            at_ms=at_ms,
            values=values,
            interval_s=interval_s,
            n=n,
            clock=CLOCKS[clock],
            flags=Flag(flags),
            value_flags=read_marks(vflags),
            room=series.room,
            simulated=series.simulated,
            late=bool(late),
        )

    def _epoch(self, identity: int) -> tuple[str, str]:
        found = self._epochs.get(identity)
        if found is None:
            row = self._connection.execute("select bridge, epoch from bridge_epoch where id=?", (identity,)).fetchone()
            found = self._epochs[identity] = (row[0], row[1])
        return found
