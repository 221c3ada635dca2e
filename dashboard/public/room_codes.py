"""The 6 digits on a room's door sign: whoever has them may follow the room. In desk.db, one in force for each room."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable
from typing import Final

from dashboard.access.desk_file import DeskFile

DIGITS: Final = 6
# A code that ended stays here, so that the sign of one room never leads to another.
_SCHEMA: Final = """
create table if not exists room_code(
  code text primary key, room text not null, made_at int not null, ended_at int
) without rowid;
create unique index if not exists room_code_in_force on room_code(room) where ended_at is null;
"""


class RoomCodes:
    """Rooms are `<site>.<room>`; whether such a room is (still) configured is for the caller to ask."""

    def __init__(self, desk: DeskFile, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._desk, self._now_ms = desk, now_ms
        desk.add_tables(_SCHEMA)

    def code_of(self, room: str) -> str:
        """The code in force, made at the first question. Raises sqlite3.Error."""
        return self._in_force(room) or self._make(room, renew=False)

    def renew(self, room: str) -> str:
        """A new code; the one before it leads nowhere from now on. Raises sqlite3.Error."""
        return self._make(room, renew=True)

    def room_of(self, code: str) -> str | None:
        """The room of a code in force (ASCII digits); None for any other text."""
        found = self._desk.ask("select room from room_code where code=? and ended_at is null", code)
        return str(found[0][0]) if found else None

    def _in_force(self, room: str) -> str:
        found = self._desk.ask("select code from room_code where room=? and ended_at is null", room)
        return str(found[0][0]) if found else ""

    def _make(self, room: str, *, renew: bool) -> str:
        with self._desk.change() as db:
            # Another process may have made one since it was asked for.
            if not renew and (known := self._in_force(room)):
                return known
            now = self._now_ms()
            db.execute("update room_code set ended_at=? where room=? and ended_at is null", (now, room))
            while True:
                code = str(secrets.randbelow(9 * 10 ** (DIGITS - 1)) + 10 ** (DIGITS - 1))
                try:
                    db.execute("insert into room_code values(?,?,?,null)", (code, room, now))
                except sqlite3.IntegrityError:
                    continue  # taken, now or once
                return code
