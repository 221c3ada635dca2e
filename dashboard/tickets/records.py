"""Reported problems as everybody but their log passes them along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from classair.config import TicketKind
from dashboard.tickets.words import Channel, Closing, Proof, State


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reported something, as far as a message can reach them.

    `address`: of LINE the user id, of mail the address, of a phone its number, else empty.
    """

    channel: Channel | Literal["mail"]
    address: str = ""
    language: str = "th"


@dataclass(frozen=True, slots=True)
class NewTicket:
    """What somebody reports. `room` is `<site>.<room>`, empty for the school as a whole.

    `photo`: a picture as it came, or `kept`: the name of one that is kept already. `by`: the account that enters it for
    somebody, empty for the reporters themselves. `message_key`: of the message with these words, by which they can
    be taken back. `mail`: an address to which reporters want news of it as well.
    """

    kind: TicketKind
    site: str
    room: str = ""
    words: str = ""
    photo: bytes | None = None
    kept: str = ""
    reporter: Reporter = field(default_factory=lambda: Reporter("web"))
    by: str = ""
    message_key: str = ""
    mail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that a problem is solved: numbers that were looked at, a kept photo's name, or written words."""

    proof: Proof
    words: str = ""
    photo: str = ""
    seen: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A reported problem as its log makes it. Times are UTC ms.

    `deadline` None: the clock stands, and `left_ms` of hours that count are left. `office`: only office hours count.
    `late_at`: when it was found late; it stays late. `why_late`, `promised`: the reason and the new date, once given.
    `state_before`, `deadline_before`: what it goes back to after waiting, or when it was not solved after all.
    `closing`: how it was closed.
    """

    id: int
    number: str
    kind: TicketKind
    site: str
    room: str
    channel: Channel
    received_at: int
    config_version: int | None
    office: bool
    state: State
    unit: str
    state_before: State = "received"
    owner: str = ""
    assigned_at: int | None = None
    deadline: int | None = None
    remind_owner_at: int | None = None
    remind_supervisor_at: int | None = None
    left_ms: int | None = None
    reminded: int = 0
    late_at: int | None = None
    why_late: str = ""
    promised: int | None = None
    question: str = ""
    waiting_since: int | None = None
    deadline_before: int | None = None
    waited_ms: int = 0
    resolved_at: int | None = None
    what: str = ""
    proof: str = ""
    proof_words: str = ""
    proof_photo: str = ""
    reopened: int = 0
    closed_at: int | None = None
    closing: Closing = ""
    why: str = ""
    where: str = ""
    merged_into: int | None = None
    evidence_at: int | None = None
    changed_at: int = 0

    def late(self, now_ms: int) -> bool:
        """Not solved within its time, whatever happened since."""
        return self.late_at is not None or self.over(now_ms)

    def over(self, now_ms: int) -> bool:
        """The clock runs and has passed the deadline."""
        return self.state in ("received", "assigned") and self.deadline is not None and now_ms >= self.deadline


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a log: what was done when, by whom and why; `data` is what the deed says beside that."""

    seq: int
    ticket: int
    at: int
    what: str
    who: str
    why: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """Words or a photo that belong to a problem. `taken_back`: somebody has withdrawn them, and they are gone."""

    id: int
    at: int
    who: str
    text: str
    photo: str
    taken_back: int


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person. `told_at`: taken by the one who delivers it. `ended`: why it never will be."""

    key: str
    ticket: int
    what: str
    channel: str
    address: str
    language: str
    severity: str
    title: str
    text: str
    at: int
    tries: int
    told_at: int | None
    ended: str
