"""What could not be stored: kept whole with its reason, in bounds, until a person looks or it is taken in again."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_ITEM: Final = 256 * 1024  # bytes kept of one payload
MAX_TOTAL: Final = 64 * 1024 * 1024  # bytes kept of all payloads
_THIN_TO: Final = 0.9  # of MAX_TOTAL; thinning a little at a time would cost at every message
_ROW: Final = 256  # bytes a row costs beside its payload

TABLES: Final = (
    """create table if not exists quarantine(
        id integer primary key autoincrement, at_ms integer not null, last_ms integer not null, times integer not null,
        topic text not null, reason text not null, payload blob not null, size integer not null,
        bridge text, epoch text, seq integer, digest blob not null)""",
    "create unique index if not exists quarantine_digest on quarantine(digest)",
    # Numbers that are dealt with and stand in no other table: thinned from here, or of a purifier's switching.
    """create table if not exists numbered(
        bridge text not null, epoch text not null, seq integer not null, as_what text not null, at_ms integer not null,
        primary key(bridge, epoch, seq)) without rowid""",
)


@dataclass(frozen=True, slots=True)
class Key:
    """The number an unstorable item has in its bridge's sequence; `bridge` is `<site>.<id>`."""

    bridge: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One row. `size` is what it arrived with, in bytes; the payload is cut when that is more than MAX_ITEM."""

    id: int
    at_ms: int
    last_ms: int
    times: int
    topic: str
    reason: str
    payload: bytes
    size: int
    key: Key | None


class Quarantine:
    """The tables; every change is made inside a transaction of its owner."""

    def __init__(self, connection: sqlite3.Connection, max_total: int = MAX_TOTAL) -> None:
        self._connection = connection
        self._max_total = max_total
        for statement in TABLES:
            connection.execute(statement)
        self.count = 0
        self.bytes = 0
        self._doubted = False
        self.read()

    def read(self) -> None:
        """Counts afresh; also after a rollback."""
        row = self._connection.execute(f"select count(*), total(length(payload) + {_ROW}) from quarantine").fetchone()
        self.count, self.bytes = int(row[0]), int(row[1])
        self._doubted = False

    def doubt(self) -> None:
        """A transaction was undone: what is remembered here may be ahead of the tables."""
        self._doubted = True

    @property
    def thinned(self) -> int:
        """How many numbered items had to make room for newer ones, ever."""
        row = self._connection.execute("select count(*) from numbered where as_what='thinned'").fetchone()
        return int(row[0])

    def note(self, key: Key, as_what: str, at_ms: int) -> None:
        """Records what became of a number that no other table names."""
        self._connection.execute(
            "insert into numbered values(?, ?, ?, ?, ?) on conflict do nothing",
            (key.bridge, key.epoch, key.seq, as_what, at_ms),
        )

    def keep(self, topic: str, payload: bytes, reason: str, at_ms: int, key: Key | None = None) -> int:
        """Keeps one item, once however often it comes; returns how many had to make room for it."""
        if self._doubted:
            self.read()
        digest = hashlib.sha256(topic.encode("utf-8", "replace") + b"\0" + payload).digest()
        known = self._connection.execute(
            "update quarantine set last_ms=?, times=times+1, reason=? where digest=? returning id",
            (at_ms, reason, digest),
        ).fetchall()
        if known:
            return 0
        part = payload[:MAX_ITEM]
        self._connection.execute(
            "insert into quarantine(at_ms, last_ms, times, topic, reason, payload, size, bridge, epoch, seq, digest) "
            "values(?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                at_ms,
                at_ms,
                topic,
                reason,
                part,
                len(payload),
                key and key.bridge,
                key and key.epoch,
                key and key.seq,
                digest,
            ),
        )
        self.count += 1
        self.bytes += len(part) + _ROW
        return self._thin(at_ms) if self.bytes > self._max_total else 0

    def _thin(self, at_ms: int) -> int:
        """Lets the oldest go until there is room; their numbers are noted, so that each is accounted for."""
        gone: list[int] = []
        oldest = self._connection.execute("select id, length(payload), bridge, epoch, seq from quarantine order by id")
        for row in oldest:
            if self.bytes <= self._max_total * _THIN_TO:
                break
            gone.append(row[0])
            self.bytes -= row[1] + _ROW
            if row[2] is not None:
                self.note(Key(row[2], row[3], row[4]), "thinned", at_ms)
        oldest.close()
        self._connection.executemany("delete from quarantine where id=?", [(identity,) for identity in gone])
        self.count -= len(gone)
        return len(gone)

    def rows(self, identity: int | None = None) -> Iterator[Kept]:
        """All that is kept, oldest first, or the one with this id."""
        yield from quarantined(self._connection, identity)

    def again(self, identity: int, reason: str, at_ms: int) -> None:
        """It was tried again and still cannot be stored."""
        self._connection.execute("update quarantine set reason=?, last_ms=? where id=?", (reason, at_ms, identity))

    def remove(self, row: Kept) -> None:
        self._connection.execute("delete from quarantine where id=?", (row.id,))
        self.count -= 1
        self.bytes -= len(row.payload) + _ROW


_COLUMNS: Final = "id, at_ms, last_ms, times, topic, reason, payload, size, bridge, epoch, seq"


def quarantined(connection: sqlite3.Connection, identity: int | None = None) -> Iterator[Kept]:
    """The rows as any reader of the file sees them, oldest first; the table may change while they are gone through."""
    wanted = (
        [(identity,)]
        if identity is not None
        else connection.execute("select id from quarantine order by id").fetchall()
    )
    for one in wanted:
        row = connection.execute(f"select {_COLUMNS} from quarantine where id=?", one).fetchone()
        if row is not None:
            identity, at_ms, last_ms, times, topic, reason, payload, size, bridge, epoch, seq = row
            key = None if bridge is None else Key(bridge, epoch, seq)
            yield Kept(identity, at_ms, last_ms, times, topic, reason, payload, size, key)
