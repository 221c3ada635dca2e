"""Codes that somebody types wrong are counted, so that nobody finds one by trying."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from classair.units import HOUR_MS
from dashboard.access.desk_file import DeskFile

OF_ONE: Final = 5
OF_ALL: Final = 500  # whoever guesses may have many accounts; a school's first evening has many who mistype
_SCHEMA: Final = "create table if not exists line_wrong_room(at int not null, user blob not null);"


class Tries:
    """Wrong room codes within the last hour. Of a user only a hash is kept, also of one who wants to be forgotten."""

    def __init__(self, file: DeskFile, now_ms: Callable[[], int]) -> None:
        self._file, self._now_ms = file, now_ms
        file.add_tables(_SCHEMA)

    def left(self, user: str) -> bool:
        """Whether this user may try another code."""
        (wrong, of_all), *_ = self._file.ask(
            "select coalesce(sum(user=?), 0), count(*) from line_wrong_room where at>=?",
            _hash(user),
            self._now_ms() - HOUR_MS,
        )
        return int(str(wrong)) < OF_ONE and int(str(of_all)) < OF_ALL

    def wrong(self, user: str) -> None:
        now = self._now_ms()
        with self._file.change() as db:
            db.execute("delete from line_wrong_room where at<?", (now - HOUR_MS,))
            db.execute("insert into line_wrong_room values(?,?)", (now, _hash(user)))


def _hash(user: str) -> bytes:
    return hashlib.sha256(user.encode()).digest()
