"""What staff do with reported problems. Whether somebody may is judged before; whether it is possible, here."""

from __future__ import annotations

from dashboard.tickets import life, log
from dashboard.tickets.changes import Changes, NotThere
from dashboard.tickets.hours import hours_of
from dashboard.tickets.records import Evidence, Ticket
from dashboard.tickets.words import PROOFS


class Incomplete(ValueError):
    """A deed without what it must say; `field` names it."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is missing")
        self.field = field


class Work:
    """Each method is one change by an account (`by`), and raises NotThere, NotPossible, Incomplete."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def assign(self, ticket: int, unit: str, owner: str, by: str, why: str = "") -> Ticket:
        """`unit` of `tickets.units`, `owner` of its people; both may be empty where nothing is configured."""
        config = self._changes.config()
        if unit and unit not in config.tickets.units:
            raise Incomplete("unit")
        if owner and owner not in config.people:
            raise Incomplete("owner")
        with self._changes.turn(ticket, "assigned") as turn:
            return turn.add("assigned", by, why, unit=unit, owner=owner)

    def ask(self, ticket: int, question: str, by: str) -> Ticket:
        """A question to the reporter; the clock stands until it is answered."""
        _said(question, "question")
        with self._changes.turn(ticket, "asked") as turn:
            assert turn.ticket.deadline is not None
            left = hours_of(turn.config, turn.ticket.office).between(turn.now_ms, turn.ticket.deadline)
            return turn.add("asked", by, question, left_ms=max(0, left))

    def resume(self, ticket: int, by: str, why: str) -> Ticket:
        """The answer came by other ways, or is no longer needed."""
        _said(why, "why")
        with self._changes.turn(ticket, "resumed") as turn:
            turn.resume(by, why)
            return turn.ticket

    def promise(self, ticket: int, reason: str, until_ms: int, by: str) -> Ticket:
        """Why it is not, or will not be, done in time, and the new date. The deadline itself stays."""
        _said(reason, "reason")
        with self._changes.turn(ticket, "promised") as turn:
            if until_ms <= turn.now_ms:
                raise Incomplete("until")
            return turn.add("promised", by, reason, until=until_ms)

    def resolve(self, ticket: int, what: str, evidence: Evidence, fits: frozenset[str], by: str) -> Ticket:
        """`fits`: which evidence this problem asks for (`dashboard.tickets.showing.proving`)."""
        _said(what, "what")
        if evidence.proof not in PROOFS or evidence.proof not in fits:
            raise Incomplete("proof")
        if evidence.proof == "photo" and not evidence.photo:
            raise Incomplete("photo")
        if evidence.proof in ("act", "none"):
            _said(evidence.words, "words")
        if evidence.proof in ("readings", "purifier") and not evidence.seen:
            raise Incomplete("seen")
        with self._changes.turn(ticket, "resolved") as turn:
            if turn.ticket.state == "waiting":
                turn.resume(by, "")
            return turn.add(
                "resolved",
                by,
                what,
                proof=evidence.proof,
                words=evidence.words,
                photo=evidence.photo,
                seen=dict(evidence.seen),
            )

    def decline(self, ticket: int, reason: str, where: str, by: str) -> Ticket:
        """It is nobody's task here: why, and who can help."""
        _said(reason, "reason")
        _said(where, "where")
        with self._changes.turn(ticket, "declined") as turn:
            return turn.add("declined", by, reason, where=where)

    def merge(self, ticket: int, into: int, by: str, why: str) -> Ticket:
        """The same problem as another open report of the school: its reporters hear of that one from now on."""
        _said(why, "why")
        with self._changes.turn(ticket, "merged") as turn:
            other = log.get(turn.db, into)
            if other is None:
                raise NotThere(into)
            if into == ticket or other.site != turn.ticket.site:
                raise Incomplete("into")
            life.check(other, "merged")
            turn.db.execute(
                "insert or ignore into ticket_reporter (ticket, channel, address, language, follows, since)"
                " select ?, channel, address, language, follows, since from ticket_reporter where ticket=?",
                (into, ticket),
            )
            log.append(turn.db, other, turn.now_ms, "joined", by, why, other=ticket)
            return turn.add("merged", by, why, into=into)


def _said(text: str, field: str) -> None:
    if not text.strip():
        raise Incomplete(field)
