"""Answers to what people write, by LINE's free replies, within LINE's minute; each event is worked on once."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

from classair import i18n
from classair.asking import NoAnswer
from classair.line import flex
from classair.line.client import AsyncLineClient, LineError
from dashboard.access.line_inbox import Event, LineInbox, TooManyTries
from dashboard.context import Context
from dashboard.line import card
from dashboard.line.understanding import Asked, find_rooms, understand

log = logging.getLogger(__name__)

REPLY_WITHIN_MS: Final = 50_000  # LINE takes a reply for a minute from the event
LOOK_EVERY_S: Final = 30.0  # for events that an earlier process left, and after a disk that did not answer
TRY_AGAIN_S: Final = 5.0  # what has to wait for alerts or for the disk
AT_ONCE: Final = 20  # events that are worked on together: LINE takes its time for each reply
CHOICES: Final = 5


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str
    outcome: str
    choices: tuple[str, ...] = ()  # words that a tap on a button writes
    message: dict[str, Any] | None = None  # in place of the text


class Talk:
    """On the server's event loop. `replier`: None while LINE is not set up."""

    def __init__(self, ctx: Context, inbox: LineInbox, replier: Callable[[], AsyncLineClient | None]) -> None:
        self._ctx, self._inbox, self._replier = ctx, inbox, replier
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def end(self) -> None:
        tasks = [*self._in_hand.values(), *([self._task] if self._task is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def came(self) -> None:
        self._news.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._begin_new()
            except Exception as error:  # the next look may find the disk in order again
                log.error("line_inbox_failed error=%s retry=true", error)
            try:
                await asyncio.wait_for(self._news.wait(), LOOK_EVERY_S)
            except TimeoutError:
                pass
            self._news.clear()

    async def _begin_new(self) -> None:
        for event in await asyncio.to_thread(self._inbox.waiting, frozenset(self._in_hand)):
            task = asyncio.get_running_loop().create_task(self._in_turn(event))
            self._in_hand[event.id] = task
            task.add_done_callback(partial(self._put_down, event.id))

    def _put_down(self, event: str, _: asyncio.Task[None]) -> None:
        self._in_hand.pop(event, None)

    async def _in_turn(self, event: Event) -> None:
        """What changes something for a user keeps its order; it may wait for alerts, and no question waits for it."""
        user = _user(event.body)
        if not (user and _changes(event.body)):
            await self._settle(event)
            return
        turn = self._turns.setdefault(user, asyncio.Lock())
        async with turn:
            await self._settle(event)

    async def _settle(self, event: Event) -> None:
        while True:
            try:
                outcome = await self._worked_on(event)
                break
            except NoAnswer as error:
                log.warning("line_event_postponed error=%s retry=true", error)
            except sqlite3.Error as error:
                log.error("line_inbox_failed error=%s retry=true", error)
            except Exception as error:  # its words and those of its causes may be a person's
                log.error("line_event_failed error=%s", type(error).__name__)
                outcome = "failed"
                break
            await asyncio.sleep(TRY_AGAIN_S)
        while True:
            try:
                await asyncio.to_thread(self._inbox.done, event.id, outcome, self._ctx.now_ms())
                return
            except sqlite3.Error as error:  # it has been answered: only this is tried again
                log.error("line_inbox_failed error=%s retry=true", error)
            await asyncio.sleep(TRY_AGAIN_S)

    async def _worked_on(self, event: Event) -> str:
        if (known := await asyncio.to_thread(self._inbox.outcome, event.id)) is not None:
            return known  # taken back while it waited
        if _changes(event.body):
            return await self._one(event)
        async with self._gate:
            return await self._one(event)

    async def _one(self, event: Event) -> str:
        """What became of it. Raises NoAnswer when it has to wait for another service."""
        kind, user = event.body.get("type"), _user(event.body)
        if kind == "unfollow" and user:
            return "forgotten" if await self._forget(user) is not None else "refused"
        if kind == "follow":
            # Somebody whose LINE user id stands in sensors.yaml may have unblocked the account.
            if user and _unblocked(event.body):
                await self._ctx.live.ask("alerts", "welcome_contact", "line", {"channel": "line", "address": user})
            return await self._send(event, _Reply(self._t(False, "welcome"), "welcomed"))
        text = _text(event.body)
        if text is None:
            return "ignored"
        asked = understand(text)
        if _among_others(event.body) and not (asked.wish in ("air", "unknown") and self._rooms(asked.about)):
            return "ignored"  # people talk to each other there; nothing about one of them is done or told
        return await self._send(event, await self._answer(asked, user))

    async def _answer(self, asked: Asked, user: str) -> _Reply:
        match asked.wish:
            case "ill":
                return _Reply(self._t(asked.english, "ill"), "health")
            case "code":
                return await self._link(asked, user)
            case "stop":
                found = await self._forget(user) if user else False
                if found is None:
                    return _Reply(self._t(asked.english, "try_later"), "refused")
                return _Reply(self._t(asked.english, "stopped" if found else "nothing_to_stop"), "stopped")
            case "air":
                return self._air(asked)
            case _:
                # A room's name alone is a question about its air.
                rooms = self._rooms(asked.about) if asked.wish == "unknown" else []
                if rooms:
                    return self._air(asked)
                return _Reply(self._t(asked.english, "help" if asked.wish == "help" else "not_understood"), "help")

    def _rooms(self, about: str) -> list[str]:
        names = ((full, room.name.root.values()) for full, room in self._ctx.config().rooms() if not room.outdoor)
        return find_rooms(about, names)

    def _air(self, asked: Asked) -> _Reply:
        config, language = self._ctx.config(), self._language(asked.english)
        rooms = self._rooms(asked.about)
        if len(rooms) > 1:
            # The school's name beside the room's says which is meant.
            near = [room for room in rooms if _school_named(asked.about, self._site_names(room))]
            rooms = near or rooms
        if len(rooms) == 1:
            state = self._ctx.live.state(rooms[0])
            return _Reply("", "air", message=card.message(config, rooms[0], state, language, self._ctx.now_ms()))
        if rooms:
            choices = tuple(
                f"{i18n.t(language, 'line_talk.ask')} {config.room(room).name.in_(language)} "
                f"{config.sites[room.partition('.')[0]].name.in_(language)}"
                for room in rooms[:CHOICES]
            )
            return _Reply(self._t(asked.english, "which"), "which", choices)
        known = [room.name.in_(language) for _, room in config.rooms() if not room.outdoor][:CHOICES]
        if not asked.about.strip():
            return _Reply(self._t(asked.english, "which_room", rooms=", ".join(known)), "which")
        return _Reply(self._t(asked.english, "no_room", room=asked.about[:40], rooms=", ".join(known)), "no_room")

    def _site_names(self, room: str) -> list[str]:
        return list(self._ctx.config().sites[room.partition(".")[0]].name.root.values())

    async def _link(self, asked: Asked, user: str) -> _Reply:
        if not user:
            return _Reply(self._t(asked.english, "not_understood"), "help")
        try:
            person = await asyncio.to_thread(self._inbox.whose, asked.about, user, self._ctx.now_ms())
        except TooManyTries:
            return _Reply(self._t(asked.english, "too_many"), "too_many")
        if person is None or person not in self._ctx.config().people:
            return _Reply(self._t(asked.english, "wrong_code"), "wrong_code")
        answer = await self._ctx.live.ask(
            "alerts", "contact", "line", {"person": person, "channel": "line", "address": user}
        )
        if not answer.ok:
            log.warning("line_contact_refused person=%s error=%s", person, answer.error)
            return _Reply(self._t(asked.english, "try_later"), "refused")
        await asyncio.to_thread(self._inbox.used, asked.about)
        log.info("line_contact_linked person=%s", person)
        return _Reply(self._t(asked.english, "linked"), "linked")

    async def _forget(self, user: str) -> bool | None:
        """Ends all messages to a LINE user; whether there was anybody to forget, None where alerts refuses."""
        answer = await self._ctx.live.ask("alerts", "forget_contact", "line", {"channel": "line", "address": user})
        if not answer.ok:
            log.warning("line_contact_refused error=%s", answer.error)
            return None
        return bool(answer.result.get("forgotten"))

    async def _send(self, event: Event, reply: _Reply) -> str:
        token, replier = event.body.get("replyToken"), self._replier()
        if not isinstance(token, str) or not token or replier is None:
            return f"{reply.outcome}_unanswered"
        if self._ctx.now_ms() - event.at > REPLY_WITHIN_MS:
            return f"{reply.outcome}_late"
        message = dict(reply.message) if reply.message is not None else flex.text(reply.text)
        if reply.choices:
            message["quickReply"] = {
                "items": [
                    {"type": "action", "action": {"type": "message", "label": choice[:20], "text": choice[:300]}}
                    for choice in reply.choices
                ]
            }
        try:
            await replier.reply(token, [message])
        except LineError as error:
            log.warning("line_reply_failed error=%s", error)
            return f"{reply.outcome}_failed"
        return reply.outcome

    def _language(self, english: bool) -> str:
        return "en" if english else self._ctx.config().language

    def _t(self, english: bool, key: str, **places: Any) -> str:
        return i18n.t(self._language(english), f"line_talk.{key}", **places)


def _school_named(about: str, names: list[str]) -> bool:
    plain = about.casefold()
    return any(name.casefold() in plain for name in names)


def _changes(body: dict[str, Any]) -> bool:
    """Whether alerts is asked to change something."""
    text = _text(body)
    return (
        body.get("type") == "unfollow"
        or _unblocked(body)
        or (text is not None and not _among_others(body) and understand(text).wish in ("code", "stop"))
    )


def _unblocked(body: dict[str, Any]) -> bool:
    follow = body.get("follow")
    return isinstance(follow, dict) and follow.get("isUnblocked") is True


def _among_others(body: dict[str, Any]) -> bool:
    """Whether it was written in a group or a room."""
    source = body.get("source")
    return isinstance(source, dict) and source.get("type") in ("group", "room")


def _user(body: dict[str, Any]) -> str:
    source = body.get("source")
    user = source.get("userId") if isinstance(source, dict) else None
    return user if isinstance(user, str) and len(user) <= 64 else ""


def _text(body: dict[str, Any]) -> str | None:
    """The words of a message or of a button; None for a picture, a sticker or an unknown event."""
    message, postback = body.get("message"), body.get("postback")
    if body.get("type") == "message" and isinstance(message, dict) and message.get("type") == "text":
        text = message.get("text")
    elif body.get("type") == "postback" and isinstance(postback, dict):
        text = postback.get("data")
    else:
        return None
    return text if isinstance(text, str) else None
