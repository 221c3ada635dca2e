"""What people are told of a reported problem, in words."""

from __future__ import annotations

from typing import Final

from classair import i18n
from classair.config import Config
from classair.timetable import local_time
from dashboard.tickets.records import Ticket

TOLD: Final = ("received", "assigned", "waiting", "late", "resolved", "reopened", "closed", "declined")
"""What a reporter hears."""
STAFF_TOLD: Final = ("new", "yours", "answered", "reminder", "supervisor", "late", "reopened")


def moment(at_ms: int, language: str) -> str:
    """A promise is told as weekday, date and time."""
    at = local_time(at_ms)
    day, words = i18n.weekday(at.weekday(), language), i18n.show_date(at, language, "day_time")
    # Some languages' dates begin with the weekday as they are.
    return words if words.startswith(day) else i18n.t(language, "ticket.moment", weekday=day, moment=words)


def told(config: Config, ticket: Ticket, what: str, language: str) -> str:
    """The notice to a reporter; `what` is one of TOLD."""
    key = f"ticket.told.{what}"
    if what == "late":
        return i18n.t(
            language,
            key,
            reason=ticket.why_late or i18n.t(language, "ticket.no_reason"),
            deadline2=i18n.t(language, "ticket.no_date")
            if ticket.promised is None
            else moment(ticket.promised, language),
        )
    return i18n.t(
        language,
        key,
        id=ticket.number,
        deadline=deadline(ticket, language),
        unit=unit_name(config, ticket.unit, language),
        question=ticket.question,
        what=ticket.what,
        evidence=proof(ticket, language),
        reason=ticket.why,
        where=ticket.where,
    )


def told_staff(config: Config, ticket: Ticket, what: str, language: str) -> str:
    """What somebody in charge is told; `what` is one of STAFF_TOLD."""
    return i18n.t(
        language,
        f"ticket.staff.{what}",
        place=place(config, ticket, language),
        kind=i18n.t(language, f"ticket.kind.{ticket.kind}"),
        deadline=deadline(ticket, language),
    )


def title(ticket: Ticket, language: str) -> str:
    return i18n.t(language, "ticket.title", id=ticket.number, kind=i18n.t(language, f"ticket.kind.{ticket.kind}"))


def deadline(ticket: Ticket, language: str) -> str:
    return i18n.t(language, "ticket.stopped") if ticket.deadline is None else moment(ticket.deadline, language)


def unit_name(config: Config, unit: str, language: str) -> str:
    known = config.tickets.units.get(unit)
    return known.name.in_(language) if known is not None else unit or i18n.t(language, "ticket.no_unit")


def place(config: Config, ticket: Ticket, language: str) -> str:
    """Room and school, as far as they still exist; else their ids."""
    site = config.sites.get(ticket.site)
    school = site.name.in_(language) if site is not None else ticket.site
    if not ticket.room:
        return school
    room = config.room(ticket.room).name.in_(language) if config.has_room(ticket.room) else ticket.room
    return i18n.t(language, "ticket.place", room=room, school=school)


def proof(ticket: Ticket, language: str) -> str:
    """What shows that it is solved, in one sentence."""
    return proof_words(ticket.proof, ticket.proof_words, language) if ticket.proof else ""


def proof_words(kind: str, words: str, language: str) -> str:
    return i18n.t(language, f"ticket.proof.{kind}", words=words)
