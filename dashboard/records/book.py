"""Requests for records in desk.db: who decides what, and when. Contacts are erased 90 days after the decision."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, get_args

from classair.i18n import show_date, show_days
from classair.units import DAY_MS
from dashboard.context import Context

State = Literal["open", "given", "declined"]
STATES: Final[tuple[State, ...]] = get_args(State)
KIND: Final = "record"
"""Of the link that leads to a request."""
FIELDS: Final = ("first", "last", "purpose", "contact")
"""What the form asks for."""
OLDEST_DAYS: Final = 400
"""How far back a record can be asked for."""
LONGEST_DAYS: Final = 31
LONGEST_PURPOSE: Final = 500
LONGEST_CONTACT: Final = 120
LONGEST_REASON: Final = 500
MOST_OPEN: Final = 100
"""Of one school; a school that is asked more than it can answer is better telephoned."""
CONTACT_KEPT_MS: Final = 90 * DAY_MS
LINK_MS: Final = 400 * DAY_MS

_SCHEMA: Final = """
pragma secure_delete=on;
create table if not exists record_request(
  id text primary key, room text not null, first text not null, last text not null, purpose text not null,
  contact text not null, language text not null, asked_at int not null, state text not null default 'open',
  decided_at int, decided_by text not null default '', reason text not null default ''
) without rowid;
create index if not exists record_request_room on record_request(state, room);
"""
_COLUMNS: Final = "id, room, first, last, purpose, contact, language, asked_at, state, decided_at, decided_by, reason"


class TooManyOpen(Exception):
    """The school has more undecided requests than it can answer."""


class Decided(Exception):
    """Somebody has decided this request already."""


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """`first` and `last` are local days, both included. `decided_by`: `<role>:<name>`, for the school alone."""

    id: str
    room: str
    first: date
    last: date
    purpose: str = field(repr=False)
    contact: str = field(repr=False)
    language: str
    asked_at: int
    state: State
    decided_at: int | None
    decided_by: str
    reason: str = field(repr=False)

    def days(self, language: str) -> str:
        """The days as people write them."""
        if self.first == self.last:
            return show_date(self.first, language)
        return show_days(self.first, self.last, language)

    @property
    def site(self) -> str:
        return self.room.partition(".")[0]


class RecordBook:
    """Callable from any thread."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        ctx.desk.add_tables(_SCHEMA)

    def ask(self, room: str, first: date, last: date, purpose: str, contact: str, language: str) -> RecordRequest:
        """A new request. Raises TooManyOpen."""
        now, identity = self._ctx.now_ms(), secrets.token_hex(8)
        with self._ctx.desk.change() as db:
            self._expire(db, now)
            site = room.partition(".")[0]
            waiting = db.execute(
                "select count(*) from record_request where state='open' and substr(room, 1, ?)=?",
                (len(site) + 1, f"{site}."),
            ).fetchone()[0]
            if waiting >= MOST_OPEN:
                raise TooManyOpen
            db.execute(
                f"insert into record_request({_COLUMNS}) values(?,?,?,?,?,?,?,?,'open',null,'','')",
                (
                    identity,
                    room,
                    first.isoformat(),
                    last.isoformat(),
                    purpose[:LONGEST_PURPOSE],
                    contact[:LONGEST_CONTACT],
                    language,
                    now,
                ),
            )
        found = self.get(identity)
        assert found is not None
        return found

    def get(self, identity: str) -> RecordRequest | None:
        found = self._read("where id=?", identity)
        return found[0] if found else None

    def listed(self, states: Sequence[State] = STATES, limit: int = 200) -> list[RecordRequest]:
        """Newest first."""
        with self._ctx.desk.change() as db:
            self._expire(db, self._ctx.now_ms())
        marks = ",".join("?" * len(states))
        return self._read(f"where state in ({marks}) order by asked_at desc, id limit ?", *states, limit)

    def decide(self, identity: str, state: Literal["given", "declined"], by: str, reason: str = "") -> RecordRequest:
        """Raises Decided for one that is decided or not there."""
        with self._ctx.desk.change() as db:
            changed = db.execute(
                "update record_request set state=?, decided_at=?, decided_by=?, reason=? where id=? and state='open'",
                (state, self._ctx.now_ms(), by[:80], reason[:LONGEST_REASON], identity),
            ).rowcount
            if not changed:
                raise Decided
        found = self.get(identity)
        assert found is not None
        return found

    def token(self, request: RecordRequest) -> str:
        """For the requester's address; "" where links cannot be signed."""
        return self._ctx.shares.token(KIND, (request.id,), request.asked_at + LINK_MS)

    def of_token(self, token: str) -> RecordRequest | None:
        about = self._ctx.shares.read(KIND, token, self._ctx.now_ms())
        return self.get(about[0]) if about is not None and len(about) == 1 else None

    def _read(self, where: str, *values: object) -> list[RecordRequest]:
        rows = self._ctx.desk.ask(f"select {_COLUMNS} from record_request {where}", *values)
        return [_of(row) for row in rows]

    @staticmethod
    def _expire(db: object, now: int) -> None:
        db.execute(  # type: ignore[attr-defined]
            "update record_request set contact='' where contact<>'' and decided_at is not null and decided_at<=?",
            (now - CONTACT_KEPT_MS,),
        )


def _of(row: tuple[object, ...]) -> RecordRequest:
    identity, room, first, last, purpose, contact, language, asked_at, state, decided_at, by, reason = row
    known: State = "given" if state == "given" else "declined" if state == "declined" else "open"
    return RecordRequest(
        str(identity),
        str(room),
        date.fromisoformat(str(first)),
        date.fromisoformat(str(last)),
        str(purpose),
        str(contact),
        str(language),
        int(str(asked_at)),
        known,
        int(str(decided_at)) if decided_at is not None else None,
        str(by),
        str(reason),
    )
