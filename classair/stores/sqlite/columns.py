"""A local day of a site as columns: what archives and exports are made from, without a Reading for each row."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from classair.model import QUANTITIES
from classair.stores import Series, StoreAway, local_day
from classair.units import DAY_MS

FIXED: Final = ("at_ms", "seq", "bridge_epoch", "interval_s", "n", "flags", "vflags", "clock", "late")
"""Columns every block has: `vflags` is `pm25:3,rh_pct:1` or None, `clock` an index into CLOCKS, `late` 0 or 1."""


@dataclass(frozen=True, slots=True)
class Block:
    """Readings of one series on one local day, in order of (at_ms, seq).

    `columns` holds FIXED and each quantity that the series has on that day, as integers in steps of 1/scale
    (`classair.model.QUANTITIES`), None where a reading does not have it. All columns are equally long.
    `bridges` says what the numbers in `bridge_epoch` stand for: (bridge, epoch).
    """

    identity: int
    series: Series
    columns: Mapping[str, Sequence[Any]]
    bridges: Mapping[int, tuple[str, str]]

    def __len__(self) -> int:
        return len(self.columns["at_ms"])

    @property
    def quantities(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if name not in FIXED)


class StoredDay:
    """One local day of one site in one state of the file; usable while the context that made it is open.

    `version` is 0 when the site has nothing on that day. Of a `trimmed` day only what came later is here; the archive
    has the rest.
    """

    def __init__(self, connection: sqlite3.Connection, site: str, day: date) -> None:
        self._connection = connection
        self.site, self.day = site, day
        self.number = local_day.number_of(day)
        place = (site, self.number)
        row = connection.execute("select version from day_version where site=? and day=?", place).fetchone()
        self.version = int(row[0]) if row else 0
        self.trimmed = connection.execute("select 1 from trimmed where site=? and day=?", place).fetchone() is not None
        self._series: dict[int, Series] = {
            identity: Series(sensor, room, bool(simulated))
            for identity, sensor, room, simulated in connection.execute(
                "select id, sensor, room, simulated from series join series_day on series=id "
                "where day=? and sensor glob ? order by sensor, room, simulated",
                (self.number, f"{site}.*"),
            )
        }

    @property
    def series(self) -> list[Series]:
        """Every series with readings on this day, in order of (sensor, room, simulated)."""
        return list(self._series.values())

    def blocks(
        self, sensors: Collection[str] | None = None, quantities: Collection[str] | None = None
    ) -> Iterator[Block]:
        """One series after the other, in the order of `series`; only those of `sensors`, and of what they have only
        `quantities`, when given."""
        for identity, series in self._series.items():
            if sensors is None or series.sensor in sensors:
                yield self._block(identity, series, quantities)

    def _block(self, identity: int, series: Series, quantities: Collection[str] | None) -> Block:
        present = self._quantities(identity)
        names = (*FIXED, *(key for key in present if quantities is None or key in quantities))
        start = local_day.start_of(self.number)
        rows = self._connection.execute(
            f"select {', '.join(names)} from reading where series=? and at_ms>=? and at_ms<? order by at_ms, seq",
            (identity, start, start + DAY_MS),
        ).fetchall()
        columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
        bridges = {number: self._bridge(number) for number in sorted(set(columns["bridge_epoch"]))}
        return Block(identity, series, columns, bridges)

    def _quantities(self, identity: int) -> list[str]:
        place = (identity, self.number)
        present = {
            key
            for (text,) in self._connection.execute(
                "select quantities from shape where id in (select shape from rollup_1d where series=? and t=?)", place
            )
            for key in text.split(",")
        }
        present |= {
            key for (key,) in self._connection.execute("select quantity from flagged_1d where series=? and t=?", place)
        }
        return [key for key in QUANTITIES if key in present]

    def _bridge(self, number: int) -> tuple[str, str]:
        bridge, epoch = self._connection.execute(
            "select bridge, epoch from bridge_epoch where id=?", (number,)
        ).fetchone()
        return bridge, epoch


@contextlib.contextmanager
def stored_day(connection: sqlite3.Connection, site: str, day: date) -> Iterator[StoredDay]:
    """Holds one state of the file open, so that version and readings belong together."""
    if connection.execute("pragma user_version").fetchone()[0] < 2:
        raise StoreAway("the file is of an older version. Start ingest once to migrate it")
    connection.execute("begin")
    try:
        yield StoredDay(connection, site, day)
    finally:
        connection.execute("rollback")
