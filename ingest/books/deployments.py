"""Which room a sensor stood in when: kept from the first day, asked for every reading at its time of measuring."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from classair.config import Config
from classair.timetable import ZONE, local_time, to_ms

BEGINNING_MS: Final = 0
"""A sensor's first deployment reaches back to here: what it measured before we heard of it belongs to its room."""
END_MS: Final = 2**53

TABLE: Final = """
create table if not exists deployment(
    sensor text not null, room text not null, from_ms integer not null, to_ms integer, config_version integer not null,
    primary key(sensor, from_ms)) without rowid
"""


@dataclass(frozen=True, slots=True)
class Stay:
    """One sensor in one room, from `from_ms` up to, not including, `to_ms`. Ids are `<site>.<id>`."""

    sensor: str
    room: str
    from_ms: int
    to_ms: int = END_MS


@dataclass(frozen=True, slots=True)
class Move:
    """What a new configuration changes about a sensor: `stay` begins (None: it is taken away) at `at_ms`."""

    sensor: str
    at_ms: int
    stay: Stay | None


class Deployments:
    """The table `deployment` and its image in memory. Its one owner calls `apply` inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(TABLE)
        self._stays: dict[str, list[Stay]] = {}
        self.read()

    def read(self) -> None:
        """Takes the table in again; also after a rollback."""
        self._stays = {}
        rows = self._connection.execute("select sensor, room, from_ms, to_ms from deployment order by sensor, from_ms")
        for sensor, room, start, end in rows:
            self._stays.setdefault(sensor, []).append(Stay(sensor, room, start, END_MS if end is None else end))

    def newest(self, sensor: str) -> Stay | None:
        stays = self._stays.get(sensor)
        return stays[-1] if stays else None

    def room(self, sensor: str, at_ms: int) -> str | None:
        """The room a sensor measured in at that time; None when it stood nowhere."""
        stays = self._stays.get(sensor)
        if not stays:
            return None
        last = stays[-1]
        if at_ms >= last.from_ms:
            return last.room if at_ms < last.to_ms else None
        where = bisect_right(stays, at_ms, key=lambda stay: stay.from_ms) - 1
        return stays[where].room if where >= 0 and at_ms < stays[where].to_ms else None

    def plan(
        self,
        config: Config,
        now_ms: int,
        newest_reading: Callable[[str], int | None],
    ) -> tuple[list[Move], list[str]]:
        """What a configuration would change, and what speaks against it in words; changes nothing.

        A move counts from `now_ms`, or from the Bangkok midnight that begins the day of `since:`, which must lie
        after everything the sensor has measured in its old room: history is not rewritten by an edit.
        """
        moves: list[Move] = []
        against: list[str] = []
        for full, sensor in config.sensors():
            site, _, local = full.partition(".")
            room = f"{site}.{sensor.room}"
            stay = self.newest(full)
            if stay is None:
                moves.append(Move(full, BEGINNING_MS, Stay(full, room, BEGINNING_MS)))
            elif stay.room == room:
                if stay.to_ms != END_MS:  # put back where it was: it never left
                    moves.append(Move(full, stay.from_ms, Stay(full, room, stay.from_ms)))
            else:
                at_ms = now_ms
                if sensor.since is not None:
                    at_ms = to_ms(datetime.combine(sensor.since, time(), ZONE))
                    wrong = _against_since(at_ms, now_ms, stay, newest_reading(full))
                    if wrong:
                        against.append(f"sites.{site}.sensors.{local}.since: {wrong}")
                moves.append(Move(full, at_ms, Stay(full, room, at_ms)))
        present = {full for full, _ in config.sensors()}
        moves += [
            Move(sensor, now_ms, None)
            for sensor, stays in self._stays.items()
            if sensor not in present and stays[-1].to_ms == END_MS
        ]
        return moves, against

    def apply(self, moves: list[Move], config_version: int) -> None:
        """Writes a plan into the table and takes it in."""
        for move in moves:
            self._connection.execute(
                "update deployment set to_ms=? where sensor=? and (to_ms is null or to_ms>?) and from_ms<?",
                (move.at_ms, move.sensor, move.at_ms, move.at_ms),
            )
            if move.stay is not None:
                self._connection.execute(
                    "insert into deployment values(?, ?, ?, null, ?) on conflict do update set to_ms=null, "
                    "room=excluded.room, config_version=excluded.config_version",
                    (move.sensor, move.stay.room, move.stay.from_ms, config_version),
                )
        self.read()

    def __iter__(self) -> Iterator[Stay]:
        for stays in self._stays.values():
            yield from stays


def _against_since(at_ms: int, now_ms: int, stay: Stay, newest_ms: int | None) -> str | None:
    day = local_time(at_ms).date()
    if at_ms > now_ms:
        return f"{day} is in the future; enter the move on the day it happens"
    if newest_ms is not None and at_ms <= newest_ms:
        newest = local_time(newest_ms).strftime("%Y-%m-%d %H:%M")
        return (
            f"the sensor measured in {stay.room} until {newest}, and stored readings keep their room; "
            f"remove since: (the move then counts from now) or give a later day"
        )
    if at_ms <= stay.from_ms:
        return (
            f"the sensor has been in {stay.room} since {local_time(stay.from_ms).date()}; the next move must be later"
        )
    return None
