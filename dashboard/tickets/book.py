"""Reported problems: receiving them, what reporters do with them, and how everybody reads them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final, Literal

from classair.config import Config
from classair.i18n import REFERENCE
from dashboard.access.desk_file import DeskFile
from dashboard.tickets import figures, log
from dashboard.tickets.changes import REPORTER, Changes, clock
from dashboard.tickets.clock import Clock
from dashboard.tickets.photos import Photos
from dashboard.tickets.records import Entry, NewTicket, Notice, Reporter, Ticket, Written
from dashboard.tickets.schema import SCHEMA
from dashboard.tickets.telling import notices
from dashboard.tickets.words import KINDS, UNDONE, WITHIN_MS, WORDS_CHARS, State
from dashboard.tickets.work import Work

MOST: Final = 500
"""The longest list that is given."""


class NotReportable(ValueError):
    """A report about a kind, school or room that does not exist; `field` names which."""

    def __init__(self, field: str) -> None:
        super().__init__(f"unknown {field}")
        self.field = field


class Tickets:
    """The log of reported problems in desk.db. Every change is one transaction; callable from any thread.

    `version` gives the version of the configuration in force, None while it is not known. What staff do is in `work`,
    what becomes due in `clock`.
    """

    def __init__(
        self,
        desk: DeskFile,
        config: Callable[[], Config],
        now_ms: Callable[[], int],
        photos: Path | None = None,
        version: Callable[[], int | None] = lambda: None,
    ) -> None:
        desk.add_tables(SCHEMA)
        self._desk, self._config, self._now_ms, self._version = desk, config, now_ms, version
        self._changes = Changes(desk, config, now_ms)
        self.photos = Photos(photos)
        self.work = Work(self._changes)
        self.clock = Clock(self._changes, self.photos)

    # -- reporting -----------------------------------------------------------------------------------------------------

    def receive(self, new: NewTicket, key: str) -> Ticket:
        """Takes a report, once for each `key`: a second time gives the ticket of the first.

        Raises NotReportable, PhotoRefused, OSError for a photo that cannot be kept.
        """
        config = self._config()
        if new.kind not in KINDS:
            raise NotReportable("kind")
        if new.site not in config.sites:
            raise NotReportable("site")
        if new.room and (not config.has_room(new.room) or new.room.partition(".")[0] != new.site):
            raise NotReportable("room")
        if (known := self._by_key(key)) is not None:
            return known
        with self._photo(new.photo, new.kept) as photo, self._desk.change() as db:
            if (known := self._by_key(key)) is not None:
                self.photos.remove(photo)
                return known
            now, office = self._now_ms(), config.tickets.hours == "office"
            data = {
                "channel": new.reporter.channel,
                "config_version": self._version(),
                "office": office,
                "unit": notices.unit_of(config, new.kind, new.site, new.room),
                **clock(config, office, now, WITHIN_MS),
            }
            who = new.by or REPORTER
            ticket = log.begin(db, new, key, prefix_of(config), now, data, who)
            if new.words.strip() or photo:
                _write(db, ticket.id, now, who, new.words, photo, new.message_key)
            _reach(db, ticket.id, now, new.reporter, follows=False)
            if new.mail:
                _reach(db, ticket.id, now, Reporter("mail", new.mail, new.reporter.language), follows=False)
            notices.make(db, config, ticket, log.entries(db, ticket.id)[0])
            return ticket

    def add_words(
        self, ticket: int, text: str = "", photo: bytes | None = None, *, by: str = "", message_key: str = ""
    ) -> Ticket:
        """More words or a photo, once for each `message_key`; an answer of the reporter makes the clock run again.

        `by`: the account that adds them, empty for the reporter. Raises NotThere, NotPossible, PhotoRefused, OSError.
        """
        with self._photo(photo) as name, self._changes.turn(ticket, "words") as turn:
            known = (
                message_key
                and turn.db.execute("select 1 from ticket_words where message_key=?", (message_key,)).fetchone()
            )
            if known or not (text.strip() or name):
                self.photos.remove(name)
                return turn.ticket
            number = _write(turn.db, ticket, turn.now_ms, by or REPORTER, text, name, message_key)
            turn.add("words", by or REPORTER, words=number)
            if turn.ticket.state == "waiting" and not by:
                turn.resume(REPORTER, "")
            return turn.ticket

    def take_back(self, message_key: str) -> bool:
        """Removes the words and the photo of one message; that there were some stays in the log."""
        photo = ""
        with self._desk.change() as db:
            found = db.execute(
                "select id, ticket, photo from ticket_words where message_key=? and taken_back=0", (message_key,)
            ).fetchone()
            if found is None:
                return False
            number, ticket, photo = found
            db.execute("update ticket_words set text='', photo='', taken_back=1 where id=?", (number,))
            known = log.get(db, ticket)
            assert known is not None
            log.append(db, known, self._now_ms(), "taken_back", REPORTER, words=number)
        self.photos.remove(photo)
        return True

    def follow(self, ticket: int, reporter: Reporter) -> Ticket:
        """Somebody else wants to hear of it too. Raises NotThere, NotPossible."""
        with self._changes.turn(ticket, "followed") as turn:
            if _reach(turn.db, ticket, turn.now_ms, reporter, follows=True):
                turn.add("followed", REPORTER, channel=reporter.channel)
            return turn.ticket

    def answer(self, ticket: int, well: bool, by: str = "", why: str = "") -> Ticket:
        """The reporter says whether a solved problem is solved; if not, it is open again under its old clock.

        Raises NotThere, NotPossible: it is not waiting for that answer.
        """
        with self._changes.turn(ticket, "closed" if well else "reopened") as turn:
            turn.add("closed" if well else "reopened", by or REPORTER, why[:WORDS_CHARS])
            turn.catch_up()
            return turn.ticket

    def cancel(self, ticket: int, by: str = "", why: str = "") -> Ticket:
        """The reporter no longer needs it. Raises NotThere, NotPossible."""
        with self._changes.turn(ticket, "cancelled") as turn:
            return turn.add("cancelled", by or REPORTER, why[:WORDS_CHARS])

    def forget(self, channel: str, address: str) -> int:
        """Removes how somebody can be reached from every report; the reports stay. Gives how many had it."""
        with self._desk.change() as db:
            db.execute(
                "update ticket_notice set address='', next_at=null, ended=case when told_at is null and ended='' then"
                " 'forgotten' else ended end where channel=? and address=?",
                (channel, address),
            )
            return db.execute("delete from ticket_reporter where channel=? and address=?", (channel, address)).rowcount

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, ticket: int) -> Ticket | None:
        found = self._desk.ask("select folded from ticket where id=?", ticket)
        return log.of_row(found[0][0]) if found else None

    def find(self, name: str) -> Ticket | None:
        """The one with this number, as people write it, or this id."""
        prefix, _, serial = name.strip().rpartition("-")
        if not prefix and serial.isdecimal() and len(serial) < 16:
            return self.get(int(serial))
        if not serial.isdecimal() or len(serial) > 15:
            return None
        return next(
            iter(self._listed("prefix||year=? and serial=?", [prefix, int(serial)], 1)),
            None,
        )

    def of(self, reporter: Reporter) -> list[Ticket]:
        """What somebody has reported or follows, the newest first."""
        return self._listed(
            "id in (select ticket from ticket_reporter where channel=? and address=?)",
            [reporter.channel, reporter.address],
        )

    def open_in(self, room: str, kind: str = "") -> list[Ticket]:
        """What is not finished in a room, for its next report: "already reported"."""
        states = sorted(UNDONE)
        where = f"room=? and state in ({_marks(states)})" + (" and kind=?" if kind else "")
        return self._listed(where, [room, *states, *([kind] if kind else [])])

    def listed(
        self,
        sites: Iterable[str] | None = None,
        states: Iterable[State] | None = None,
        *,
        kind: str = "",
        limit: int = MOST,
    ) -> list[Ticket]:
        """The newest first; `sites`, `states` None: all."""
        where, values = ["1"], []
        for column, wanted in (("site", sites), ("state", states)):
            if wanted is not None:
                chosen = sorted(wanted)
                where.append(f"{column} in ({_marks(chosen)})")
                values += chosen
        if kind:
            where.append("kind=?")
            values.append(kind)
        return self._listed(" and ".join(where), values, limit)

    def history(self, ticket: int) -> list[Entry]:
        """The whole log of one, from the beginning."""
        rows = self._desk.ask(
            "select seq, ticket, at, what, who, why, data from ticket_log where ticket=? order by seq", ticket
        )
        return [log.entry_of(row) for row in rows]

    def written(self, ticket: int) -> list[Written]:
        rows = self._desk.ask(
            "select id, at, who, text, photo, taken_back from ticket_words where ticket=? order by id", ticket
        )
        return [Written(*row) for row in rows]  # type: ignore[arg-type]

    def notices(self, ticket: int) -> list[Notice]:
        """Every message about one, from the beginning."""
        rows = self._desk.ask(f"select {notices.COLUMNS} from ticket_notice where ticket=? order by at, key", ticket)
        return [notices.read(row) for row in rows]

    def reporters(self, ticket: int) -> list[tuple[Reporter, bool]]:
        """Who can be reached about it, and whether they only follow it."""
        rows = self._desk.ask(
            "select channel, address, language, follows from ticket_reporter where ticket=? order by since", ticket
        )
        return [(Reporter(*row[:3]), bool(row[3])) for row in rows]  # type: ignore[arg-type]

    def own(self, ticket: Ticket, channel: str, address: str) -> tuple[Ticket, Literal["reporter", "follower"]]:
        """The report that somebody who hears of `ticket` made: that one, or one which was merged into it."""
        rows = self._desk.ask(
            "select t.folded from ticket_reporter r join ticket t on t.id=r.ticket"
            " where r.channel=? and r.address=? and r.follows=0 and r.since=t.received_at order by t.id",
            channel,
            address,
        )
        for (folded,) in rows:
            one: Ticket | None = (made := log.of_row(folded))
            while one is not None and one.id != ticket.id:
                one = self.get(one.merged_into) if one.merged_into is not None else None
            if one is not None:
                return made, "reporter"
        return ticket, "follower"

    def figures(self, first: date, last: date, sites: Iterable[str] | None = None) -> figures.Figures:
        """What is published of the reports received on these days, both included; `sites` None: all."""
        start, end = figures.bounds(first, last)
        chosen = sorted(sites) if sites is not None else None
        where = "received_at>=? and received_at<?" + (f" and site in ({_marks(chosen)})" if chosen is not None else "")
        found = self._listed(where, [start, end, *(chosen or [])], -1)
        return figures.count(found, self._now_ms())

    # -- inside --------------------------------------------------------------------------------------------------------

    def _listed(self, where: str, values: Sequence[object], limit: int = MOST) -> list[Ticket]:
        rows = self._desk.ask(f"select folded from ticket where {where} order by id desc limit ?", *values, limit)
        return [log.of_row(row[0]) for row in rows]

    def _by_key(self, key: str) -> Ticket | None:
        found = self._desk.ask("select folded from ticket where key=?", key)
        return log.of_row(found[0][0]) if found else None

    @contextmanager
    def _photo(self, raw: bytes | None, kept: str = "") -> Iterator[str]:
        """The name of a photo that is kept when all else succeeds, "" for none."""
        name = self.photos.keep(raw) if raw else kept
        try:
            yield name
        except BaseException:
            self.photos.remove(name)
            raise


def prefix_of(config: Config) -> str:
    """What stands in front of the numbers: as configured, else the initials of the organisation."""
    return config.tickets.prefix or "".join(part[:1] for part in config.org.split("-")).upper()[:6]


def _write(db: sqlite3.Connection, ticket: int, at: int, who: str, text: str, photo: str, message_key: str) -> int:
    number = db.execute(
        "insert into ticket_words (ticket, at, who, text, photo, message_key, taken_back) values (?,?,?,?,?,?,0)",
        (ticket, at, who, text.strip()[:WORDS_CHARS], photo, message_key or None),
    ).lastrowid
    assert number is not None
    return number


def _reach(db: sqlite3.Connection, ticket: int, at: int, reporter: Reporter, *, follows: bool) -> bool:
    """Remembers how somebody can be reached; False: that was known."""
    return (
        db.execute(
            "insert or ignore into ticket_reporter (ticket, channel, address, language, follows, since)"
            " values (?,?,?,?,?,?)",
            (ticket, reporter.channel, reporter.address, reporter.language or REFERENCE, follows, at),
        ).rowcount
        == 1
    )


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
