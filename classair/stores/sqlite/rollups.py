"""Rollups in SQLite: a batch is summed up in dicts first, then merged into each minute and hour by one upsert."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from classair.model import BAD_CLASS_NAMES, SHOWN, bad_class
from classair.stores import BANGKOK_MS
from classair.stores.sqlite import local_days
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

GRAINS: Final[tuple[tuple[str, int], ...]] = (("1m", MINUTE_MS), ("1h", HOUR_MS))
"""What readings are summed up to; local days are summed up from hours."""

KEPT: Final[tuple[tuple[str, int, int], ...]] = (
    *((name, unit, 0) for name, unit in GRAINS),
    ("1d", DAY_MS, BANGKOK_MS),
)
"""Every grain with its length and what is added to a moment before it is divided by it: t = (at + shift) // length."""

_FLAGGED_COLUMNS: Final = ("suspect", *BAD_CLASS_NAMES)
_NOTHING: Final = [0] * len(_FLAGGED_COLUMNS)


class Shape:
    """Sums of readings in which exactly these quantities were valid; `waiting` is what `write` merges."""

    __slots__ = ("_statement", "identity", "quantities", "waiting")

    def __init__(self, table: str, identity: int, keys: Iterable[str]) -> None:
        keys = list(keys)
        sums, lows, highs = ([f"{part}_{key}" for key in keys] for part in ("sum", "low", "high"))
        columns = ["series", "t", "shape", "n", "covered_ms", *sums, *lows, *highs]
        merges = [
            "n=n+excluded.n",
            "covered_ms=covered_ms+excluded.covered_ms",
            *(f"{c}={c}+excluded.{c}" for c in sums),
            *(f"{c}=min({c}, excluded.{c})" for c in lows),
            *(f"{c}=max({c}, excluded.{c})" for c in highs),
        ]
        self._statement = (
            f"insert into {table}({', '.join(columns)}) values({', '.join('?' * len(columns))}) "
            f"on conflict do update set {', '.join(merges)}"
        )
        self.identity = identity
        self.quantities = len(keys)
        self.waiting: list[tuple[int, ...]] = []

    def write(self, connection: sqlite3.Connection) -> None:
        """One upsert for each (series, t), in the order of the key so that neighbours share pages."""
        self.waiting.sort()
        connection.executemany(self._statement, self.waiting)
        self.waiting = []


class Rollups:
    """Collects readings of a transaction's batch and merges them into rollup_1m, 1h and 1d and the flagged tables."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[tuple[str, ...], int] = {}
        self._shapes: dict[tuple[str, tuple[str, ...]], Shape] = {}
        self._flagged: dict[str, dict[tuple[int, int, str], list[int]]] = {"1m": {}, "1h": {}, "1d": {}}

    def forget(self) -> None:
        """After a rollback."""
        self._ids.clear()
        self._shapes.clear()
        for waiting in self._flagged.values():
            waiting.clear()

    def shape(self, grain: str, keys: tuple[str, ...]) -> Shape:
        """The shape of these quantities; `grain` is 1m, 1h or 1d. The order of keys makes no other shape."""
        found = self._shapes.get((grain, keys))
        if found is None:
            found = self._shapes[grain, keys] = Shape(f"rollup_{grain}", self._id_of(tuple(sorted(keys))), keys)
        return found

    def _id_of(self, keys: tuple[str, ...]) -> int:
        known = self._ids.get(keys)
        if known is None:
            text = ",".join(keys)
            row = self._connection.execute("select id from shape where quantities=?", (text,)).fetchone()
            row = (
                row
                or self._connection.execute("insert into shape(quantities) values(?) returning id", (text,)).fetchone()
            )
            known = self._ids[keys] = int(row[0])
        return known

    def add_flagged(
        self,
        series: int,
        at_ms: int,
        covered_ms: int,
        keys: tuple[str, ...],
        scaled: tuple[int, ...],
        flags: int,
        value_flags: Mapping[str, int],
    ) -> None:
        """One reading that has flags; readings without go straight into their shape's rows."""
        marks = {key: flags | value_flags.get(key, 0) for key in keys}
        classes = {key: bad_class(mark) for key, mark in marks.items()}
        for grain, unit in GRAINS:
            t = at_ms // unit
            wanted = [i for i, key in enumerate(keys) if grain == "1h" or key in SHOWN]
            valid = [i for i in wanted if classes[keys[i]] is None]
            if valid:
                shape = self.shape(grain, tuple(keys[i] for i in valid))
                values = tuple(scaled[i] for i in valid)
                shape.waiting.append((series, t, shape.identity, 1, covered_ms, *values, *values, *values))
            flagged = self._flagged[grain]
            for i in wanted:
                key = keys[i]
                if marks[key]:
                    place = classes[key]
                    counts = flagged.setdefault((series, t, key), _NOTHING.copy())
                    counts[0 if place is None else place + 1] += 1

    def write(self, *, days: bool = True) -> None:
        """Merges what waits into the tables; without `days` the caller remakes those."""
        if days:
            for (grain, keys), hours in list(self._shapes.items()):
                if grain == "1h" and hours.waiting:
                    self.shape("1d", keys).waiting = local_days.days_of_hours(hours.waiting, hours.quantities)
            self._flagged["1d"] = local_days.days_of_flagged(self._flagged["1h"])
        for shape in self._shapes.values():
            if shape.waiting:
                shape.write(self._connection)
        for grain, waiting in self._flagged.items():
            if waiting:
                self._connection.executemany(
                    _flagged_statement(grain), [(*key, *counts) for key, counts in sorted(waiting.items())]
                )
                waiting.clear()

    def clear(self, series: int, first_ms: int, last_ms: int) -> tuple[int, int]:
        """Removes minutes and whole hours around first…last; returns that span, whose readings must come again."""
        start, end = first_ms // HOUR_MS * HOUR_MS, (last_ms // HOUR_MS + 1) * HOUR_MS
        for grain, unit in GRAINS:
            for table in (f"rollup_{grain}", f"flagged_{grain}"):
                self._connection.execute(
                    f"delete from {table} where series=? and t>=? and t<?", (series, start // unit, end // unit)
                )
        return start, end


def covered_of(connection: sqlite3.Connection, grain: str) -> str:
    """What to select for the time covered. In rows of older files every reading counts as long as their first one."""
    if any(row[1] == "covered_ms" for row in connection.execute(f"pragma table_info(rollup_{grain})")):
        return "covered_ms"
    return covered_by_first(grain)


def covered_by_first(grain: str) -> str:
    """n times the interval of the first reading from the row's beginning on, or else of the last before it."""
    unit, shift = next((unit, shift) for name, unit, shift in KEPT if name == grain)
    begin = f"t * {unit} - {shift}"
    first, last = (
        f"(select round(interval_s * 1000) from reading where reading.series=rollup_{grain}.series "
        f"and at_ms {where} order by at_ms {order} limit 1)"
        for where, order in ((f">= {begin}", "asc"), (f"< {begin}", "desc"))
    )
    return f"n * cast(coalesce({first}, {last}, 0) as integer)"


def _flagged_statement(grain: str) -> str:
    columns = ", ".join(_FLAGGED_COLUMNS)
    merges = ", ".join(f"{c}={c}+excluded.{c}" for c in _FLAGGED_COLUMNS)
    marks = ", ".join("?" * (3 + len(_FLAGGED_COLUMNS)))
    return (
        f"insert into flagged_{grain}(series, t, quantity, {columns}) values({marks}) "
        f"on conflict do update set {merges}"
    )
