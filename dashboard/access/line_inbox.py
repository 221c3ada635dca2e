"""Events of LINE's webhook and the codes that link a person to it, in desk.db.

An event is on disk before LINE is told that we have it. What people wrote is deleted with the answer; the event's id
stays for a week, so that an event that LINE delivers again does nothing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any, Final

from classair.units import DAY_MS, HOUR_MS
from dashboard.access.desk_file import DeskFile

KEPT_MS: Final = 7 * DAY_MS
CODE_MS: Final = DAY_MS
CODE_DIGITS: Final = 8
TRIES: Final = 5  # wrong codes of one user within an hour
TRIES_OF_ALL: Final = 100  # … and of all: whoever guesses may have many accounts
MOST: Final = 1000  # events in hand at once

SCHEMA: Final = """
create table if not exists line_event(
  id text primary key, at int not null, body text not null, done_at int, outcome text not null default ''
) without rowid;
create index if not exists line_event_waiting on line_event(at) where done_at is null;
create table if not exists line_code(
  hash blob primary key, person text not null, expires_at int not null
) without rowid;
create table if not exists line_wrong_code(at int not null, user blob not null);
"""


class TooManyTries(Exception):
    """Too many wrong codes within an hour, of one user or of all."""


@dataclass(frozen=True, slots=True)
class Event:
    """`id` is LINE's, or made from the event itself where LINE gives none; `at` UTC ms, when it reached us."""

    id: str
    at: int
    body: dict[str, Any]


class LineInbox:
    """Part of the desk; `change` and `ask` are its connection's."""

    def __init__(self, file: DeskFile) -> None:
        self._change, self._ask = file.change, file.ask

    def keep(self, events: Iterable[dict[str, Any]], now: int) -> int:
        """Puts what is new on disk and returns how many that were. Raises sqlite3.Error when the disk refuses."""
        new = 0
        with self._change() as db:
            db.execute("delete from line_event where at<? and done_at is not null", (now - KEPT_MS,))
            for event in events:
                # In ASCII: half an emoji, which JSON can hold, is no text that a database takes.
                text = json.dumps(event, sort_keys=True)
                given = event.get("webhookEventId")
                plain = isinstance(given, str) and 0 < len(given) <= 64 and given.isascii()
                known = given if plain else _digest(text).hex()
                row = db.execute("insert or ignore into line_event(id, at, body) values(?,?,?)", (known, now, text))
                new += row.rowcount
                if event.get("type") == "unsend":
                    _take_back(db, event.get("unsend"), now)
        return new

    def waiting(self, but: Container[str] = frozenset(), most: int = MOST) -> list[Event]:
        """What nobody has worked on, oldest first, without what is in hand already."""
        rows = self._ask("select id, at, body from line_event where done_at is null order by at, id")
        left = [(str(key), int(str(at)), body) for key, at, body in rows if str(key) not in but]
        return [Event(key, at, json.loads(str(body))) for key, at, body in left[:most]]

    def done(self, event: str, outcome: str, now: int) -> None:
        """It has been worked on: what people wrote is not kept."""
        with self._change() as db:
            db.execute(
                "update line_event set done_at=?, outcome=?, body='{}' where id=? and done_at is null",
                (now, outcome, event),
            )

    def outcome(self, event: str) -> str | None:
        """What became of an event; None while it waits, or where it is not known."""
        rows = self._ask("select outcome from line_event where id=? and done_at is not null", event)
        return str(rows[0][0]) if rows else None

    # -- codes --------------------------------------------------------------------------------------------------------

    def make_code(self, person: str, now: int) -> str:
        """A code that links whoever writes it within a day to this person, once. An earlier one ends."""
        code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
        with self._change() as db:
            db.execute("delete from line_code where person=? or expires_at<?", (person, now))
            db.execute("insert or replace into line_code values(?,?,?)", (_digest(code), person, now + CODE_MS))
        return code

    def whose(self, code: str, user: str, now: int) -> str | None:
        """The person of a code, None for a wrong one. Raises TooManyTries."""
        who = _digest(user)
        with self._change() as db:
            db.execute("delete from line_wrong_code where at<?", (now - HOUR_MS,))
            (wrong,) = db.execute("select count(*) from line_wrong_code where user=?", (who,)).fetchone()
            (of_all,) = db.execute("select count(*) from line_wrong_code").fetchone()
            if wrong >= TRIES or of_all >= TRIES_OF_ALL:
                raise TooManyTries
            found = db.execute(
                "select person from line_code where hash=? and expires_at>=?", (_digest(code), now)
            ).fetchone()
            if found is None:
                db.execute("insert into line_wrong_code values(?,?)", (now, who))
                return None
            return str(found[0])

    def used(self, code: str) -> None:
        with self._change() as db:
            db.execute("delete from line_code where hash=?", (_digest(code),))


def _take_back(db: sqlite3.Connection, unsent: object, now: int) -> None:
    """A user took a message back before it was worked on: it is as if they had not written it."""
    message = unsent.get("messageId") if isinstance(unsent, dict) else None
    if isinstance(message, str) and message.isascii():
        db.execute(
            "update line_event set done_at=?, outcome='unsent', body='{}' "
            "where done_at is null and case when json_valid(body) then json_extract(body, '$.message.id') end=?",
            (now, message),
        )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
