"""What people set aside: a stretch of one sensor, with who, when and why; taken back, never deleted.

A wish concerns history: values younger than two hours follow as they settle, because a current number must mean the
same on every screen, and screens do not read this table. `classair flags` brings history into agreement with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from classair.model import QUANTITIES

TABLE: Final = """
create table if not exists manual_flag(
    id integer primary key autoincrement, ask text not null unique, sensor text not null, quantity text not null,
    start_ms integer not null, end_ms integer not null, who text not null, why text not null, set_at integer not null,
    back_by text, back_at integer)
"""
LONGEST_WHY: Final = 500
FOR_EVER_MS: Final = 2**53


class FlagRejected(ValueError):
    """Why a wish is not granted, in words."""


@dataclass(frozen=True, slots=True)
class ManualFlag:
    """From `start_ms` up to, not including, `end_ms`; `quantity` empty: everything the sensor said."""

    id: int
    sensor: str
    quantity: str
    start_ms: int
    end_ms: int
    who: str
    why: str
    set_at: int
    back_by: str | None = None
    back_at: int | None = None

    @property
    def in_force(self) -> bool:
        return self.back_at is None


class ManualFlags:
    """The table; its one owner calls `set` and `take_back` inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(TABLE)

    def set(self, ask: str, who: str, args: Mapping[str, Any], now_ms: int) -> ManualFlag:
        """`args`: sensor, from, to (UTC ms; without: no end), quantity (or none), why. Raises FlagRejected."""
        known = self._connection.execute("select id from manual_flag where ask=?", (ask,)).fetchone()
        if known is not None:
            return self.one(int(known[0]))  # asked twice
        sensor, quantity, why = args.get("sensor"), args.get("quantity") or "", args.get("why")
        start, end = args.get("from"), args.get("to")
        end = FOR_EVER_MS if end is None else end
        if (
            not isinstance(sensor, str)
            or self._connection.execute("select 1 from series where sensor=?", (sensor,)).fetchone() is None
        ):
            raise FlagRejected(f"sensor: {sensor!r} has no stored readings; write <site>.<sensor>")
        if quantity and quantity not in QUANTITIES:
            raise FlagRejected(f"quantity: unknown quantity {quantity!r}")
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= FOR_EVER_MS:
            raise FlagRejected("from, to: expected UTC milliseconds, from before to")
        if not isinstance(why, str) or not 0 < len(why.strip()) <= LONGEST_WHY:
            raise FlagRejected(f"why: give a reason of 1 to {LONGEST_WHY} characters; it is stored with the values")
        if not who.strip():
            raise FlagRejected("who: a name is required to exclude values")
        row = self._connection.execute(
            "insert into manual_flag(ask, sensor, quantity, start_ms, end_ms, who, why, set_at) "
            "values(?, ?, ?, ?, ?, ?, ?, ?) returning id",
            (ask, sensor, quantity, start, end, who.strip(), why.strip(), now_ms),
        ).fetchone()
        return self.one(int(row[0]))

    def take_back(self, identity: object, who: str, now_ms: int) -> ManualFlag:
        """The flag, no longer in force. Taking back twice changes nothing. Raises FlagRejected."""
        if (
            type(identity) is not int
            or not self._connection.execute("select 1 from manual_flag where id=?", (identity,)).fetchone()
        ):
            raise FlagRejected(f"id: there is no manual flag {identity!r}")
        if not who.strip():
            raise FlagRejected("who: a name is required to undo a flag")
        self._connection.execute(
            "update manual_flag set back_by=?, back_at=? where id=? and back_at is null",
            (who.strip(), now_ms, identity),
        )
        return self.one(identity)

    def all(self) -> list[ManualFlag]:
        return manual_flags(self._connection)

    def one(self, identity: int) -> ManualFlag:
        return next(flag for flag in self.all() if flag.id == identity)


def manual_flags(connection: sqlite3.Connection) -> list[ManualFlag]:
    """Every one there ever was, oldest first, as any reader of the file sees them."""
    if connection.execute("select 1 from sqlite_schema where name='manual_flag'").fetchone() is None:
        return []
    return [
        ManualFlag(*row)
        for row in connection.execute(
            "select id, sensor, quantity, start_ms, end_ms, who, why, set_at, back_by, back_at from manual_flag "
            "order by id"
        )
    ]
