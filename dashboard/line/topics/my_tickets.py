"""What one has reported: where it stands, whether it is solved, and what is still asked."""

from __future__ import annotations

import asyncio
from typing import Final

from classair import i18n
from dashboard.line.common import CHANNEL, Common
from dashboard.line.reply import Choice, Reply
from dashboard.line.topics.reporting import Reporting, message_key
from dashboard.line.understanding import NOT_WELL, WELL, Asked
from dashboard.tickets import texts
from dashboard.tickets.life import NotPossible
from dashboard.tickets.records import Reporter, Ticket
from dashboard.tickets.words import UNDONE

MOST: Final = 5


async def mine(common: Common, asked: Asked, user: str) -> Reply:
    language = common.language(user, asked.english)
    found = (await asyncio.to_thread(common.ctx.tickets.of, Reporter(CHANNEL, user)))[:MOST]
    if not found:
        return Reply("tickets", common.t(language, "no_tickets"), (Choice(common.t(language, "problem")),))
    lines = [_line(common, ticket, language) for ticket in found]
    choices = _answers(common, found, language)
    return Reply("tickets", "\n\n".join(lines), choices)


async def answered(common: Common, asked: Asked, user: str) -> Reply | None:
    """ "All well" or "not yet", with the number where several are solved; None where it is no such answer."""
    words = asked.plain
    number = next((part for part in words.split() if any(letter.isdigit() for letter in part)), "")
    said = words.replace(number, " ").strip() if number else words
    if said not in WELL | NOT_WELL:
        return None
    language = common.language(user, asked.english)
    solved = [one for one in await _of(common, user) if one.state == "resolved"]
    meant = [one for one in solved if not number or one.number.casefold() == number]
    if not meant:
        return None
    if len(meant) > 1:
        return Reply("which_ticket", common.t(language, "which_ticket"), _answers(common, meant, language), listed=True)
    well = said in WELL
    try:
        await asyncio.to_thread(common.ctx.tickets.answer, meant[0].id, well)
    except NotPossible:
        return None  # somebody else who reported it has answered meanwhile
    told = texts.told(common.config, meant[0], "closed" if well else "reopened", language)
    return Reply("ticket_closed" if well else "ticket_reopened", told)


async def added(
    common: Common, reporting: Reporting, asked: Asked, user: str, message: str, text: str = ""
) -> Reply | None:
    """Words, or a photo where `text` is empty, for the one report that waits for them; None where none does."""
    waiting = [one for one in await _of(common, user) if one.state == "waiting"]
    if len(waiting) != 1 or not message:
        return None
    language = common.language(user, asked.english)
    part = {"id": message, "text": text} if text else {"id": message, "photo": True}
    taken = await reporting.add(waiting[0], part)
    return Reply("ticket_words", common.t(language, "added" if taken else "photo_failed", id=waiting[0].number))


def take_back(common: Common, message: str) -> None:
    common.ctx.tickets.take_back(message_key(message))


async def _of(common: Common, user: str) -> list[Ticket]:
    found = await asyncio.to_thread(common.ctx.tickets.of, Reporter(CHANNEL, user))
    return [one for one in found if one.state in UNDONE]


def _line(common: Common, ticket: Ticket, language: str) -> str:
    state = i18n.t(language, f"ticket.state.{ticket.state}")
    lines = [texts.title(ticket, language), texts.place(common.config, ticket, language), state]
    if ticket.state in ("received", "assigned"):
        lines.append(common.t(language, "by_when", when=texts.deadline(ticket, language)))
    elif ticket.state in ("waiting", "resolved", "declined"):
        lines[-1] = texts.told(common.config, ticket, ticket.state, language)
    return "\n".join(lines)


def _answers(common: Common, tickets: list[Ticket], language: str) -> tuple[Choice, ...]:
    solved = [one for one in tickets if one.state == "resolved"]
    return tuple(
        Choice(f"{common.t(language, key)} {one.number[-5:]}", f"{common.t(language, key)} {one.number}")
        for one in solved
        for key in ("well", "not_well")
    )
