"""A notice as it leaves: by LINE with the answers under the finger, by mail with the link of the report."""

from __future__ import annotations

from typing import Any

from classair import i18n
from classair.line import flex
from dashboard.context import Context
from dashboard.line.reply import Choice, Reply
from dashboard.telling import Message
from dashboard.tickets import texts
from dashboard.tickets.clock import NOTICE_FOR_MS
from dashboard.tickets.records import Notice, Ticket
from dashboard.tickets.telling import links


def of(ctx: Context, notice: Notice, ticket: Ticket | None) -> Message:
    """Reads desk.db."""
    return Message(
        key=notice.key,
        channel=notice.channel,  # type: ignore[arg-type]  # one of those by which notices are made
        address=notice.address,
        language=notice.language,
        title=notice.title,
        text="\n".join(filter(None, [notice.text, _link(ctx, notice, ticket)])),
        severity=notice.severity,  # type: ignore[arg-type]  # likewise
        kind="ticket",
        until_ms=notice.at + NOTICE_FOR_MS,
        site=ticket.site if ticket is not None else "",
        card=_card(ctx, notice, ticket),
    )


def _link(ctx: Context, notice: Notice, ticket: Ticket | None) -> str:
    """Of their own report, though the notice be of another that it was merged with."""
    if notice.channel != "mail" or ticket is None:
        return ""
    own, part = ctx.tickets.own(ticket, notice.channel, notice.address)
    address = links.address(ctx, own, part, mail=notice.address)
    return i18n.t(notice.language, "ticket.mail.link", link=address) if address else ""


def _card(ctx: Context, notice: Notice, ticket: Ticket | None) -> dict[str, Any] | None:
    """Of what is solved, with "all well" and "not yet" to be tapped while that is asked; other notices are plain."""
    if notice.channel != "line" or notice.what != "resolved" or ticket is None or ticket.state != "resolved":
        return None
    card = flex.Card(
        head=notice.title,
        place=texts.place(ctx.config(), ticket, notice.language),
        lines=(notice.text,),
        colour=flex.LEVEL_COLOURS["good"],
    )
    answers = tuple(
        Choice(label := i18n.t(notice.language, f"line_talk.{key}"), f"{label} {ticket.number}")
        for key in ("well", "not_well")
    )
    message = flex.message(card, f"{notice.title}\n{notice.text}")
    return Reply("ticket_resolved", choices=answers, messages=(message,)).made()[-1]
