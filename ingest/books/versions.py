"""Which configuration was accepted when: the text of every version, kept for ever."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Final

TABLE: Final = """
create table if not exists config_version(
    version integer primary key, accepted_at integer not null, text text not null, sha256 text not null)
"""


@dataclass(frozen=True, slots=True)
class Version:
    """A configuration as it was accepted; `accepted_at` is UTC ms and rises with the number."""

    version: int
    accepted_at: int
    text: str


class Versions:
    """The table `config_version`; `add` inside a transaction of its owner."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(TABLE)

    def newest(self, before: int = 2**62) -> Version | None:
        """The newest version whose number is smaller than `before`."""
        return newest_version(self._connection, before)

    def add(self, text: str, now_ms: int) -> Version:
        last = self.newest()
        fresh = Version(last.version + 1 if last else 1, max(now_ms, last.accepted_at + 1 if last else 0), text)
        self._connection.execute(
            "insert into config_version values(?, ?, ?, ?)", (fresh.version, fresh.accepted_at, text, digest(text))
        )
        return fresh


def newest_version(connection: sqlite3.Connection, before: int = 2**62) -> Version | None:
    """The newest version below `before`, as any reader of the file sees it."""
    row = connection.execute(
        "select version, accepted_at, text from config_version where version<? order by version desc limit 1", (before,)
    ).fetchone()
    return Version(*row) if row else None


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
