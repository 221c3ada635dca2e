"""Reporting a problem in four steps: what, where, words or a photo, send. Each event acts once, whoever is killed."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from classair import i18n
from classair.config import TicketKind
from classair.line.answers import LineError
from dashboard.line.common import CHANNEL, MOST_ROOMS, Common
from dashboard.line.conversations import Conversation
from dashboard.line.reply import Choice, Reply
from dashboard.line.spelling import tidy
from dashboard.line.topics.now import no_room
from dashboard.line.understanding import CANCEL, CHANGE, SEND, SKIP, YES, Asked
from dashboard.tickets import texts
from dashboard.tickets.photos import PhotoRefused
from dashboard.tickets.records import NewTicket, Reporter, Ticket
from dashboard.tickets.words import KINDS, WORDS_CHARS

log = logging.getLogger(__name__)

KIND, WHERE, ALREADY, MORE, CHECK, DONE = "kind", "where", "already", "more", "check", "done"
STEPS: Final = (KIND, WHERE, ALREADY, MORE, CHECK, DONE)
MOST_PARTS: Final = 10  # messages with words of one report


class Reporting:
    def __init__(self, common: Common) -> None:
        self._common = common

    async def begin(self, asked: Asked, user: str, event: str, photo: str = "") -> Reply:
        """`asked.about` may name the room, as the button of a room's card does. `photo`: the message it came with."""
        common = self._common
        about: dict[str, Any] = {"language": common.language(user, asked.english), "parts": []}
        if photo:
            about["parts"] = [{"id": photo, "photo": True}]
        if asked.about and len(rooms := common.rooms(asked.about)) == 1:
            about["place"] = rooms[0]
        return self.ask(await self._go(user, KIND, about, event))

    async def go_on(self, known: Conversation, asked: Asked, text: str, message: str, user: str, event: str) -> Reply:
        """What the user said at a step. `text`: their words as they are; `message`: LINE's id of them."""
        about, language = known.about, known.language
        if asked.plain in CANCEL and known.step != DONE:
            await asyncio.to_thread(self._common.conversations.end, user)
            return Reply("cancelled", self._common.t(language, "report_cancelled"))
        if known.step == KIND:
            kind = _kind(asked.plain)
            if kind is None:
                return self.ask(known)
            return self.ask(await self._after_kind(user, {**about, "kind": kind}, event))
        if known.step == WHERE:
            return await self._where(known, text, user, event)
        if known.step == ALREADY:
            if asked.plain in YES:
                return await self._follow(known, user, event)
            return self.ask(await self._go(user, MORE, about, event))
        if known.step == MORE:
            return self.ask(await self._go(user, CHECK, _more(about, asked.plain, text, message), event))
        if asked.plain in SEND:
            return await self._send(known, user, event)
        if asked.plain in CHANGE:
            left = {"language": language, "parts": []}
            return self.ask(await self._go(user, KIND, left, event))
        return self.ask(await self._go(user, CHECK, _more(about, asked.plain, text, message), event))

    async def photo(self, known: Conversation, message: str, user: str, event: str) -> Reply:
        """A picture at a step: it belongs to this report, the last one counts."""
        parts = [part for part in known.about["parts"] if not part.get("photo")]
        about = {**known.about, "parts": [*parts, {"id": message, "photo": True}]}
        step = CHECK if known.step == MORE else known.step
        return self.ask(await self._go(user, step, about, event))

    def ask(self, known: Conversation) -> Reply:
        """What is asked at a step, from what is known: the same each time, however often the event is worked on."""
        common, language, about = self._common, known.language, known.about
        match known.step:
            case "kind":
                choices = tuple(Choice(kind_name(kind, language)) for kind in KINDS)
                return Reply("report_kind", common.t(language, "what_happened"), choices, listed=True)
            case "where":
                return Reply("report_where", common.t(language, "where"), self._places(known))
            case "already":
                return Reply("report_already", common.t(language, "already"), self._yes_or_no(language))
            case "more":
                skip = (Choice(common.t(language, "skip")),)
                text = f"{common.t(language, 'more')}\n{common.t(language, 'only_equipment')}"
                return Reply("report_more", text, skip)
            case "check":
                words = [part["text"] for part in about["parts"] if "text" in part]
                photo = [common.t(language, "a_photo")] if any(part.get("photo") for part in about["parts"]) else []
                lines = [f"{kind_name(about['kind'], language)} · {self._place(about['place'], language)}"]
                lines += [*words, *photo, common.t(language, "send_this")]
                choices = (Choice(common.t(language, "send")), Choice(common.t(language, "change")))
                return Reply("report_check", "\n".join(lines), choices)
            case _:
                found = common.ctx.tickets.get(int(about["ticket"]))
                if found is None:
                    return Reply("report_done", common.t(language, "not_understood"))
                if about.get("followed"):
                    return Reply("report_followed", common.t(language, "followed_ticket", id=found.number))
                lines = [texts.told(common.config, found, "received", language)]
                if about.get("photo_failed"):
                    lines.append(common.t(language, "photo_failed"))
                return Reply("report_done", "\n".join(lines), (Choice(common.t(language, "my_tickets")),))

    # -- steps ---------------------------------------------------------------------------------------------------------

    async def _after_kind(self, user: str, about: dict[str, Any], event: str) -> Conversation:
        if "place" not in about:
            return await self._go(user, WHERE, about, event)
        return await self._after_place(user, about, event)

    async def _after_place(self, user: str, about: dict[str, Any], event: str) -> Conversation:
        """Somebody may have reported it already."""
        tickets, place = self._common.ctx.tickets, about["place"]
        same = await asyncio.to_thread(tickets.open_in, place, about["kind"]) if "." in place else []
        if same:
            return await self._go(user, ALREADY, {**about, "ticket": same[0].id}, event)
        return await self._go(user, MORE, about, event)

    async def _where(self, known: Conversation, text: str, user: str, event: str) -> Reply:
        common, language = self._common, known.language
        rooms = common.rooms(text)
        if len(rooms) == 1:
            return self.ask(await self._after_place(user, {**known.about, "place": rooms[0]}, event))
        if rooms:
            return Reply(
                "report_where", common.t(language, "where_of"), common.schools(rooms, "", language), listed=True
            )
        plain = tidy(text)
        schools = [
            site
            for site, one in common.config.sites.items()
            if any(tidy(name) in plain for name in one.name.root.values())
        ]
        if len(schools) == 1:
            return self.ask(await self._after_place(user, {**known.about, "place": schools[0]}, event))
        return no_room(common, text, language, "")

    async def _follow(self, known: Conversation, user: str, event: str) -> Reply:
        ticket = int(known.about["ticket"])
        reporter = Reporter(CHANNEL, user, known.language)
        await asyncio.to_thread(self._common.ctx.tickets.follow, ticket, reporter)
        about = {"language": known.language, "parts": [], "ticket": ticket, "followed": True}
        return self.ask(await self._go(user, DONE, about, event))

    async def _send(self, known: Conversation, user: str, event: str) -> Reply:
        """Hands it over, once for this event; words and photo each under LINE's id of the message they came in."""
        about, tickets = known.about, self._common.ctx.tickets
        place = about["place"]
        new = NewTicket(
            about["kind"],
            place.partition(".")[0],
            place if "." in place else "",
            reporter=Reporter(CHANNEL, user, known.language),
        )
        ticket = await asyncio.to_thread(tickets.receive, new, f"line:{about['sending']}")
        failed = False
        for part in about["parts"]:
            failed |= not await self.add(ticket, part)
        done = {"language": known.language, "parts": [], "ticket": ticket.id, "photo_failed": failed}
        log.info("line_report_received kind=%s parts=%d", about["kind"], len(about["parts"]))
        return self.ask(await self._go(user, DONE, done, event))

    async def add(self, ticket: Ticket, part: dict[str, Any]) -> bool:
        """Words or a photo to a report; False for a photo that could not be had."""
        tickets, key = self._common.ctx.tickets, message_key(part["id"])
        if not part.get("photo"):
            await asyncio.to_thread(lambda: tickets.add_words(ticket.id, part["text"], message_key=key))
            return True
        replier = self._common.replier()
        try:
            if replier is None:
                return False
            _, picture = await replier.content(part["id"])
            await asyncio.to_thread(lambda: tickets.add_words(ticket.id, photo=picture, message_key=key))
        except (LineError, PhotoRefused, OSError) as error:
            log.warning("line_photo_failed error=%s", type(error).__name__)
            return False
        return True

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _go(self, user: str, step: str, about: dict[str, Any], event: str) -> Conversation:
        # The key of what will be sent is made before the first try, so that a second one is the same report.
        if step == CHECK and "sending" not in about:
            about = {**about, "sending": event}
        return await asyncio.to_thread(self._common.conversations.go_to, user, step, about, event)

    def _places(self, known: Conversation) -> tuple[Choice, ...]:
        """The rooms one follows, and schools as a whole for what is in no room; any other room is written."""
        common, language = self._common, known.language
        names = {room: common.config.room(room).name.in_(language) for room in common.followed(known.user)[:MOST_ROOMS]}
        rooms = [Choice(name, f"{name} {common.site(room, language)}") for room, name in names.items()]
        schools = [Choice(site.name.in_(language)) for site in list(common.config.sites.values())[:MOST_ROOMS]]
        return (*rooms, *schools)

    def _place(self, place: str, language: str) -> str:
        config = self._common.config
        school = config.sites[place.partition(".")[0]].name.in_(language)
        return f"{self._common.called(place, language)} {school}" if config.has_room(place) else school

    def _yes_or_no(self, language: str) -> tuple[Choice, Choice]:
        return Choice(self._common.t(language, "yes")), Choice(self._common.t(language, "no"))


def message_key(message: str) -> str:
    """By which the words of a LINE message can be taken back."""
    return f"line:{message}"


def kind_name(kind: str, language: str) -> str:
    return i18n.t(language, f"ticket.kind.{kind}")


def _kind(plain: str) -> TicketKind | None:
    """The kind that was tapped, written, or named by its number in the list."""
    if plain.isdecimal() and 1 <= int(plain) <= len(KINDS):
        return KINDS[int(plain) - 1]
    for kind in KINDS:
        if any(tidy(kind_name(kind, language)) == plain.rstrip(".") for language in i18n.LANGUAGES):
            return kind
    return None


def _more(about: dict[str, Any], plain: str, text: str, message: str) -> dict[str, Any]:
    """With these words, unless they only say that there are none."""
    words = text.strip()[:WORDS_CHARS]
    if plain in SKIP or not words or not message or len(about["parts"]) >= MOST_PARTS:
        return about
    return {**about, "parts": [*about["parts"], {"id": message, "text": words}]}
