"""The log of reported problems and what is kept beside it, inside transactions of desk.db."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from classair.i18n import BUDDHIST_OFFSET
from classair.timetable import local_time
from dashboard.tickets.life import fold, next_at, step
from dashboard.tickets.records import Entry, NewTicket, Ticket

_ENTRY = "select seq, ticket, at, what, who, why, data from ticket_log"


def begin(
    db: sqlite3.Connection, new: NewTicket, key: str, prefix: str, at: int, data: Mapping[str, Any], who: str
) -> Ticket:
    """Its row, the next number of the Buddhist year, and the first line of its log."""
    year = local_time(at).year + BUDDHIST_OFFSET
    serial = db.execute(
        "select coalesce(max(serial), 0) + 1 from ticket where prefix=? and year=?", (prefix, year)
    ).fetchone()[0]
    ticket = db.execute(
        "insert into ticket (prefix, year, serial, key, kind, site, room, received_at, state, folded)"
        " values (?,?,?,?,?,?,?,?,'received','')",
        (prefix, year, serial, key, new.kind, new.site, new.room, at),
    ).lastrowid
    assert ticket is not None
    said = {**data, "number": f"{prefix}{year}-{serial:05d}", "kind": new.kind, "site": new.site, "room": new.room}
    _append(db, ticket, at, "received", who, "", said)
    folded = fold(entries(db, ticket))
    _keep(db, folded)
    return folded


def append(
    db: sqlite3.Connection, ticket: Ticket, now_ms: int, what: str, who: str, why: str = "", **data: Any
) -> tuple[Ticket, Entry]:
    """One more line, and the ticket after it. Time in a log never goes back, whatever the clock does."""
    entry = _append(db, ticket.id, max(now_ms, ticket.changed_at), what, who, why, data)
    changed = step(ticket, entry)
    _keep(db, changed)
    return changed, entry


def get(db: sqlite3.Connection, ticket: int) -> Ticket | None:
    found = db.execute("select folded from ticket where id=?", (ticket,)).fetchone()
    return of_row(found[0]) if found is not None else None


def entries(db: sqlite3.Connection, ticket: int) -> list[Entry]:
    return [entry_of(row) for row in db.execute(f"{_ENTRY} where ticket=? order by seq", (ticket,))]


def of_row(folded: object) -> Ticket:
    return Ticket(**json.loads(str(folded)))


def entry_of(row: tuple[Any, ...]) -> Entry:
    seq, ticket, at, what, who, why, data = row
    return Entry(seq, ticket, at, what, who, why, json.loads(data))


def _append(
    db: sqlite3.Connection, ticket: int, at: int, what: str, who: str, why: str, data: Mapping[str, Any]
) -> Entry:
    text = json.dumps(data, ensure_ascii=False)
    seq = db.execute(
        "insert into ticket_log (ticket, at, what, who, why, data) values (?,?,?,?,?,?)",
        (ticket, at, what, who, why, text),
    ).lastrowid
    assert seq is not None
    return Entry(seq, ticket, at, what, who, why, json.loads(text))


def _keep(db: sqlite3.Connection, ticket: Ticket) -> None:
    db.execute(
        "update ticket set state=?, next_at=?, evidence=?, folded=? where id=?",
        (
            ticket.state,
            next_at(ticket),
            ticket.evidence_at is not None,
            json.dumps(asdict(ticket), ensure_ascii=False),
            ticket.id,
        ),
    )
