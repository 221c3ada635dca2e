"""The way of a report in steps, as its reporter sees it: no names of people, no notes of staff to each other."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from classair.alerting.reading import NotKnown
from dashboard.context import Context
from dashboard.frame.parts import duration
from dashboard.telling import told
from dashboard.tickets import texts
from dashboard.tickets.hours import hours_of
from dashboard.tickets.records import Entry, Ticket
from dashboard.tickets.telling.notices import PERSON
from dashboard.tickets.texts import moment, place
from dashboard.tickets.words import WORKED

SHOWN: Final = frozenset(
    {
        "received",
        "assigned",
        "asked",
        "resumed",
        "late",
        "promised",
        "resolved",
        "reopened",
        "closed",
        "closed_unconfirmed",
        "cancelled",
        "declined",
        "merged",
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """`how`: `done`, `ahead` for what is promised, `over` for what was missed. `more`: a sentence, or ""."""

    how: str
    title: str
    when: str
    more: str = ""


def of(ctx: Context, ticket: Ticket, log: Sequence[Entry], language: str) -> list[Step]:
    """What has happened, and last what is promised."""
    found = [_done(ctx, ticket, entry, language) for entry in log if entry.what in SHOWN]
    if ticket.state in WORKED and ticket.deadline is not None:
        found.append(_ahead(ctx, ticket, ticket.deadline, language))
    return found


def left(ctx: Context, ticket: Ticket, language: str) -> str:
    """How much time is left, or by how much it is over: of the hours that count."""
    if ticket.deadline is None:
        span = ticket.left_ms or 0
        return ctx.t(language, "ticket.left.stopped", time=duration(ctx, language, span))
    now = ctx.now_ms()
    span = hours_of(ctx.config(), ticket.office).between(now, ticket.deadline)
    if now >= ticket.deadline:
        return ctx.t(language, "ticket.left.over", time=duration(ctx, language, now - ticket.deadline))
    key = "ticket.left.office" if ticket.office else "ticket.left.clock"
    return ctx.t(language, key, time=duration(ctx, language, span))


def _ahead(ctx: Context, ticket: Ticket, deadline: int, language: str) -> Step:
    over = ticket.over(ctx.now_ms())
    if over and ticket.promised is not None:
        title = ctx.t(language, "ticket.step.promised_by")
        return Step("ahead", title, moment(ticket.promised, language), left(ctx, ticket, language))
    key = "ticket.step.missed" if over else "ticket.step.fix_by"
    return Step(
        "over" if over else "ahead", ctx.t(language, key), moment(deadline, language), left(ctx, ticket, language)
    )


def _done(ctx: Context, ticket: Ticket, entry: Entry, language: str) -> Step:
    unit = texts.unit_name(ctx.config(), str(entry.data.get("unit", "")), language)
    title = ctx.t(language, f"ticket.step.{entry.what}", unit=unit)
    return Step(
        "over" if entry.what == "late" else "done", title, moment(entry.at, language), _more(ctx, entry, language)
    )


def _more(ctx: Context, entry: Entry, language: str) -> str:
    if entry.what == "resolved":
        shown = texts.proof_words(str(entry.data["proof"]), str(entry.data["words"]), language)
        return ctx.t(language, "ticket.step.what", what=entry.why, evidence=shown)
    if entry.what == "declined":
        return ctx.t(language, "ticket.step.where", reason=entry.why, where=entry.data["where"])
    if entry.what == "promised":
        return ctx.t(language, "ticket.step.reason", reason=entry.why, until=moment(int(entry.data["until"]), language))
    if entry.what == "asked":
        return entry.why
    if entry.what == "reopened" and (at := _told(ctx, entry)) is not None:
        return ctx.t(language, "ticket.step.told", when=moment(at, language))
    return ""


def _told(ctx: Context, entry: Entry) -> int | None:
    """When somebody in charge was first reached with what a line of the log says: by the receipt, else nothing."""
    found: list[int] = []
    for notice in ctx.tickets.notices(entry.ticket):
        if notice.channel == PERSON and notice.key.startswith(f"ticket-{entry.ticket}-{entry.seq}-"):
            with contextlib.suppress(NotKnown):
                fate = told(ctx, notice.key)
                if fate is not None and fate.told_at is not None:
                    found.append(fate.told_at)
    return min(found, default=None)


__all__ = ["Step", "left", "moment", "of", "place"]
