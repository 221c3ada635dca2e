"""Who is told of what: a row for each message and person, made in the transaction that makes it true."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from typing import Final

from classair.config import Config
from dashboard.tickets import texts
from dashboard.tickets.records import Entry, Notice, Ticket

PERSON: Final = "person"
PUSHED: Final = ("line", "mail")
"""Channels by which a reporter can be reached; whoever reported otherwise sees it on the page of the report."""

# By what was written into the log: the notice for reporters, and for people in charge the notice and who of them.
_REPORTERS: Final = {"asked": "waiting", "late": "late", "resolved": "resolved", "declined": "declined"}
_STAFF: Final = {
    "received": ("new", "people"),
    "resumed": ("answered", "owner"),
    "reminded_owner": ("reminder", "owner"),
    "reminded_supervisor": ("supervisor", "supervisor"),
    "late": ("late", "both"),
    "reopened": ("reopened", "both"),
}
_URGENT: Final = frozenset({"late", "supervisor"})


def make(db: sqlite3.Connection, config: Config, ticket: Ticket, entry: Entry) -> None:
    """The messages that one line of the log calls for."""
    what = _REPORTERS.get(entry.what, "")
    if entry.what == "promised" and ticket.late_at is not None:
        what = "late"  # the reason was still missing when it became late
    # By LINE the reply says that it was received, on the web the page does; a mail brings the link of the page.
    only = ("mail",) if entry.what == "received" else PUSHED
    what = "received" if entry.what == "received" else what
    if what:
        for channel, address, language in _reporters(db, ticket, only):
            text = texts.told(config, ticket, what, language)
            _put(db, ticket, entry, what, channel, address, language, text)
    if entry.what in _STAFF:
        what, whom = _STAFF[entry.what]
        for person in people(config, ticket, whom):
            language = config.people[person].language
            text = texts.told_staff(config, ticket, what, language)
            _put(db, ticket, entry, what, PERSON, person, language, text)
    elif entry.what == "assigned" and ticket.owner in config.people and ticket.owner != entry.who.partition(":")[2]:
        language = config.people[ticket.owner].language
        text = texts.told_staff(config, ticket, "yours", language)
        _put(db, ticket, entry, "yours", PERSON, ticket.owner, language, text)


def people(config: Config, ticket: Ticket, whom: str) -> list[str]:
    """Those in charge: `owner` is who has taken it, or while nobody has, the unit's people; `both` with supervisor."""
    unit = config.tickets.units.get(ticket.unit)
    in_charge = list(unit.people) if unit is not None else []
    supervisor = [unit.supervisor] if unit is not None and unit.supervisor else []
    owner = [ticket.owner] if ticket.owner and whom != "people" else in_charge
    chosen = supervisor if whom == "supervisor" else [*owner, *supervisor] if whom == "both" else owner
    return [person for person in dict.fromkeys(chosen) if person in config.people]


def unit_of(config: Config, kind: str, site: str, room: str) -> str:
    """The first unit that works on such a report, "" for none."""
    for name, unit in config.tickets.units.items():
        if (not unit.kinds or kind in unit.kinds) and (not unit.places or site in unit.places or room in unit.places):
            return name
    return ""


def read(row: tuple[object, ...]) -> Notice:
    return Notice(*row)  # type: ignore[arg-type]


COLUMNS: Final = "key, ticket, what, channel, address, language, severity, title, text, at, tries, told_at, ended"


def _reporters(db: sqlite3.Connection, ticket: Ticket, channels: Collection[str]) -> Iterator[tuple[str, str, str]]:
    rows = db.execute(
        "select channel, address, language from ticket_reporter where ticket=? and address<>'' order by since",
        (ticket.id,),
    ).fetchall()
    yield from (row for row in rows if row[0] in channels)


def _put(
    db: sqlite3.Connection,
    ticket: Ticket,
    entry: Entry,
    what: str,
    channel: str,
    address: str,
    language: str,
    text: str,
) -> None:
    """The key says which line of the log and to whom without saying whom, so it may stand in logs and at LINE."""
    place = db.execute("select count(*) from ticket_notice where ticket=?", (ticket.id,)).fetchone()[0]
    db.execute(
        f"insert into ticket_notice ({COLUMNS}, next_at) values (?,?,?,?,?,?,?,?,?,?,0,null,'',?)",
        (
            f"ticket-{ticket.id}-{entry.seq}-{place}",
            ticket.id,
            what,
            channel,
            address,
            language,
            "warning" if what in _URGENT else "info",
            texts.title(ticket, language),
            text,
            entry.at,
            entry.at,
        ),
    )
