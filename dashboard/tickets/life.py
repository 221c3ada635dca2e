"""How a log becomes a ticket: one line after the other, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from dashboard.tickets.records import Entry, Ticket
from dashboard.tickets.words import ALLOWED, CONFIRM_WITHIN_MS, WORKED


class NotPossible(Exception):
    """A deed that the state of a ticket does not allow; `state` names it."""

    def __init__(self, state: str) -> None:
        super().__init__(f"not possible while the report is {state}")
        self.state = state


def check(ticket: Ticket, deed: str) -> None:
    """Raises NotPossible."""
    if ticket.state not in ALLOWED[deed]:
        raise NotPossible(ticket.state)


def fold(entries: Iterable[Entry]) -> Ticket:
    """The ticket that a whole log makes. Raises ValueError for a log that does not begin with `received`."""
    ticket: Ticket | None = None
    for entry in entries:
        if ticket is None:
            if entry.what != "received":
                raise ValueError(f"the log of ticket {entry.ticket} does not begin with its receipt")
            ticket = _received(entry)
        else:
            ticket = step(ticket, entry)
    if ticket is None:
        raise ValueError("a log without a line")
    return ticket


def step(ticket: Ticket, entry: Entry) -> Ticket:
    """The ticket after one more line."""
    changed = _STEPS[entry.what](ticket, entry.at, entry.data, entry.why)
    return replace(ticket, changed_at=entry.at, **changed)


def next_at(ticket: Ticket) -> int | None:
    """When the clock has to do something to a ticket; None: never, as it stands."""
    if ticket.state in WORKED and ticket.late_at is None:
        return (ticket.remind_owner_at, ticket.remind_supervisor_at, ticket.deadline)[min(ticket.reminded, 2)]
    if ticket.state == "resolved" and ticket.resolved_at is not None:
        return ticket.resolved_at + CONFIRM_WITHIN_MS
    return None


def _received(entry: Entry) -> Ticket:
    data = entry.data
    return Ticket(
        id=entry.ticket,
        number=data["number"],
        kind=data["kind"],
        site=data["site"],
        room=data["room"],
        channel=data["channel"],
        received_at=entry.at,
        config_version=data["config_version"],
        office=data["office"],
        state="received",
        unit=data["unit"],
        changed_at=entry.at,
        **_clock(data),
    )


def _clock(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in ("deadline", "remind_owner_at", "remind_supervisor_at")}


_Step = Callable[[Ticket, int, Mapping[str, Any], str], dict[str, Any]]


def _nothing(_ticket: Ticket, _at: int, _data: Mapping[str, Any], _why: str) -> dict[str, Any]:
    return {}


def _asked(ticket: Ticket, at: int, data: Mapping[str, Any], why: str) -> dict[str, Any]:
    return {
        "state": "waiting",
        "state_before": ticket.state,
        "question": why,
        "waiting_since": at,
        "left_ms": data["left_ms"],
        "deadline_before": ticket.deadline,
        "deadline": None,
        "remind_owner_at": None,
        "remind_supervisor_at": None,
    }


def _resumed(ticket: Ticket, at: int, data: Mapping[str, Any], _why: str) -> dict[str, Any]:
    waited = at - ticket.waiting_since if ticket.waiting_since is not None else 0
    return {
        "state": ticket.state_before,
        "waiting_since": None,
        "waited_ms": ticket.waited_ms + waited,
        "left_ms": None,
        **_clock(data),
    }


def _resolved(ticket: Ticket, at: int, data: Mapping[str, Any], why: str) -> dict[str, Any]:
    return {
        "state": "resolved",
        "state_before": ticket.state,
        "resolved_at": at,
        "what": why,
        "proof": data["proof"],
        "proof_words": data["words"],
        "proof_photo": data["photo"],
    }


def _reopened(ticket: Ticket, _at: int, _data: Mapping[str, Any], _why: str) -> dict[str, Any]:
    return {"state": ticket.state_before, "reopened": ticket.reopened + 1, "resolved_at": None}


def _ended(closing: str) -> _Step:
    return lambda _ticket, at, _data, why: {"state": "closed", "closing": closing, "closed_at": at, "why": why}


_STEPS: Final[Mapping[str, _Step]] = {
    "words": _nothing,
    "taken_back": _nothing,
    "followed": _nothing,
    "joined": _nothing,
    "evidence": lambda _ticket, at, _data, _why: {"evidence_at": at},
    "assigned": lambda _ticket, at, data, _why: {
        "state": "assigned",
        "assigned_at": at,
        "unit": data["unit"],
        "owner": data["owner"],
    },
    "asked": _asked,
    "resumed": _resumed,
    "reminded_owner": lambda _ticket, _at, _data, _why: {"reminded": 1},
    "reminded_supervisor": lambda _ticket, _at, _data, _why: {"reminded": 2},
    "late": lambda _ticket, at, _data, _why: {"reminded": 3, "late_at": at},
    "promised": lambda _ticket, _at, data, why: {"why_late": why, "promised": data["until"]},
    "resolved": _resolved,
    "reopened": _reopened,
    "closed": _ended("confirmed"),
    "closed_unconfirmed": _ended("unconfirmed"),
    "cancelled": _ended("cancelled"),
    "declined": lambda _ticket, at, data, why: {
        "state": "declined",
        "closed_at": at,
        "why": why,
        "where": data["where"],
    },
    "merged": lambda _ticket, at, data, why: {
        "state": "merged",
        "closed_at": at,
        "why": why,
        "merged_into": data["into"],
    },
}
