"""One event → one reply: a step of a conversation where one is open, else by what was written."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from classair.line import menus
from classair.line.answers import LineError
from classair.line.menus import alias_of
from dashboard.access.line_inbox import Event, LineInbox
from dashboard.line.common import CHANNEL, Common
from dashboard.line.conversations import Conversation
from dashboard.line.events import message_id_of, text_of
from dashboard.line.reply import Choice, Reply
from dashboard.line.topics import linking, my_tickets, now, summary, weekly
from dashboard.line.topics.following import WEEKLY, Following
from dashboard.line.topics.reporting import DONE, MORE, STEPS, Reporting
from dashboard.line.understanding import Asked, is_about_health, understand

log = logging.getLogger(__name__)


class Answers:
    """Raises classair.asking.NoAnswer where another service has to be waited for."""

    def __init__(self, common: Common, inbox: LineInbox) -> None:
        self._common, self._inbox = common, inbox
        self._following, self._reporting = Following(common), Reporting(common)

    def welcome(self, user: str) -> Reply:
        return Reply("welcomed", self._common.t(self._common.language(user, False), "welcome"))

    async def words(self, event: Event, user: str) -> Reply:
        """What somebody wrote to the account alone."""
        text = text_of(event.body) or ""
        asked, message = understand(text), message_id_of(event.body)
        known = await asyncio.to_thread(self._common.conversations.of, user) if user else None
        if known is not None and (reply := await self._step(known, asked, text, message, event.id)) is not None:
            return reply
        return await self._wish(asked, text, message, user, event.id)

    async def picture(self, event: Event, user: str) -> Reply:
        """A photo belongs to the report that is being made, was just made, or waits for it; else it begins one."""
        message, nothing = message_id_of(event.body), Asked("unknown")
        known = await asyncio.to_thread(self._common.conversations.of, user)
        if known is not None and known.step in STEPS:
            if known.event == event.id:
                return self._reporting.ask(known)
            if known.step != DONE:
                return await self._reporting.photo(known, message, user, event.id)
            ticket = self._common.ctx.tickets.get(int(known.about["ticket"]))
            if ticket is not None:
                taken = await self._reporting.add(ticket, {"id": message, "photo": True})
                said = self._common.t(known.language, "added" if taken else "photo_failed", id=ticket.number)
                return Reply("ticket_words", said)
        if (reply := await my_tickets.added(self._common, self._reporting, nothing, user, message)) is not None:
            return reply
        return await self._reporting.begin(nothing, user, event.id, message)

    async def taken_back(self, body: dict[str, Any], user: str) -> None:
        """A message that its writer took back is gone from a report, and from one that is being written."""
        if message := message_id_of(body):
            await asyncio.to_thread(my_tickets.take_back, self._common, message)
            if user:
                await asyncio.to_thread(self._common.conversations.take_back, user, message)

    def of_a_room(self, text: str) -> Reply | None:
        """In a group only a room's air is answered; people talk to each other there."""
        asked = understand(text)
        if asked.wish not in ("air", "unknown") or not asked.about or not self._common.rooms(asked.about):
            return None
        return now.answer(self._common, asked, "")

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _step(self, known: Conversation, asked: Asked, text: str, message: str, event: str) -> Reply | None:
        """The next step of a conversation; None for what is no answer to what was asked."""
        user = known.user
        if known.event == event:  # it was worked on before a process ended: only the answer is missing
            return (
                self._following.asked_weekly(known, known.language)
                if known.step == WEEKLY
                else self._reporting.ask(known)
            )
        if known.step == WEEKLY:
            return await self._following.weekly_answer(known, asked, user)
        if known.step not in STEPS or known.step == DONE:
            return None
        if asked.wish in ("stop", "code", "link") or (asked.bare and asked.wish not in ("ill", "unknown")):
            return None  # a tap on the menu, or somebody who has had enough
        if known.step != MORE and asked.wish not in ("unknown", "problem", "air"):
            return None
        reply = await self._reporting.go_on(known, asked, text, message, user, event)
        if is_about_health(asked.plain):
            ill = Reply("health", self._common.t(known.language, "ill")).made()
            return Reply(reply.outcome, reply.text, reply.choices, (*ill, *reply.messages), reply.listed)
        return reply

    async def _wish(self, asked: Asked, text: str, message: str, user: str, event: str) -> Reply:
        common, following = self._common, self._following
        language = common.language(user, asked.english)
        if not user and asked.wish not in ("air", "help", "ill", "unknown", "report"):
            return Reply("help", common.t(language, "not_understood"))
        match asked.wish:
            case "ill":
                return Reply("health", common.t(language, "ill"))
            case "link":
                return await linking.link(common, self._inbox, asked, user)
            case "code":
                return await following.code(asked, user, event)
            case "problem":
                return await self._reporting.begin(asked, user, event)
            case "tickets":
                return await my_tickets.mine(common, asked, user)
            case "stop":
                if (left := await following.leave(asked, user)) is not None:
                    return left
                done = await linking.forget(common, user)
                return Reply("stopped" if done else "refused", common.t(language, "stopped" if done else "try_later"))
            case "follow":
                return following.how(asked, user)
            case "weekly_on" | "weekly_off":
                return await following.set_weekly(asked, user, asked.wish == "weekly_on")
            case "report":
                return await weekly.answer(common, asked, user)
            case "summary":
                return await summary.answer(common, asked, user)
            case "alerts_on" | "alerts_off":
                return await following.set_alerts(asked, user, asked.wish == "alerts_on")
            case "rooms":
                return await following.mine(asked, user)
            case "air":
                return now.answer(common, asked, user)
            case "language":
                await asyncio.to_thread(common.followers.set_language, CHANNEL, user, asked.about)
                await self._menu(user, asked.about)
                return self._help(asked.about, "language")
            case "help":
                return self._help(language, "help")
            case _:
                return await self._unknown(asked, text, message, user, language)

    async def _unknown(self, asked: Asked, text: str, message: str, user: str, language: str) -> Reply:
        """A room's name alone is a question about its air; "not yet" answers about a report; else nothing is known."""
        if user and (reply := await my_tickets.answered(self._common, asked, user)) is not None:
            return reply
        if asked.about and self._common.rooms(asked.about):
            return now.answer(self._common, asked, user)
        if user:
            reply = await my_tickets.added(self._common, self._reporting, asked, user, message, text)
            if reply is not None:
                return reply
        return Reply("help", self._common.t(language, "not_understood"))

    async def _menu(self, user: str, language: str) -> None:
        """The menu in their language, where the account has one; the words are understood without it."""
        replier = self._common.replier()
        if replier is None:
            return
        try:
            await menus.show_to(replier, user, alias_of(language))
        except LineError as error:
            log.warning("line_menu_failed error=%s", error)

    def _help(self, language: str, outcome: str) -> Reply:
        keys = ("problem", "my_rooms_word", "my_tickets", "stop_word", "other_language")
        choices = tuple(Choice(self._common.t(language, key)) for key in keys)
        return Reply(outcome, self._common.t(language, "help"), choices)
