"""Answers to what people write, by LINE's free replies, within LINE's minute; each event is worked on once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

from classair import i18n
from classair.asking import NoAnswer
from classair.line.answers import ReplyTokenInvalid
from classair.line.client import AsyncLineClient, LineError
from classair.units import HOUR_MS
from dashboard import telling
from dashboard.access.line_inbox import Event, LineInbox
from dashboard.context import Context
from dashboard.following.followers import Followers
from dashboard.line.answering import Answers
from dashboard.line.common import Common
from dashboard.line.conversations import Conversations
from dashboard.line.events import among_others, is_picture, text_of, unblocked, user_of
from dashboard.line.reply import Reply
from dashboard.line.topics import linking
from dashboard.line.understanding import understand

log = logging.getLogger(__name__)

REPLY_WITHIN_MS: Final = 50_000  # LINE takes a reply for a minute from the event
LATE_MS: Final = HOUR_MS  # an answer is of no use any more
LOOK_EVERY_S: Final = 30.0  # for events that an earlier process left, and after a disk that did not answer
TRY_AGAIN_S: Final = 5.0  # what has to wait for alerts or for the disk
AT_ONCE: Final = 20  # events that are worked on together: LINE takes its time for each reply


class Talk:
    """On the server's event loop. `replier`: None while LINE is not set up."""

    def __init__(self, ctx: Context, inbox: LineInbox, replier: Callable[[], AsyncLineClient | None]) -> None:
        self._ctx, self._inbox, self._replier = ctx, inbox, replier
        self._common = Common(ctx, Followers(ctx.desk, ctx.now_ms), Conversations(ctx.desk, ctx.now_ms), replier)
        self._answers = Answers(self._common, inbox)
        self._news = asyncio.Event()
        self._answered = False  # something has been since the last wipe
        self._task: asyncio.Task[None] | None = None
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._steps: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

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
                await self._wipe()
            self._news.clear()

    async def _wipe(self) -> None:
        """What people wrote is to leave no byte on the disk once it has been answered."""
        if self._answered and not self._in_hand:
            self._answered = False
            with contextlib.suppress(sqlite3.Error):
                await asyncio.to_thread(self._ctx.desk.wipe)

    async def _begin_new(self) -> None:
        for event in await asyncio.to_thread(self._inbox.waiting, frozenset(self._in_hand)):
            task = asyncio.get_running_loop().create_task(self._in_turn(event))
            self._in_hand[event.id] = task
            task.add_done_callback(partial(self._put_down, event.id))

    def _put_down(self, event: str, _: asyncio.Task[None]) -> None:
        self._in_hand.pop(event, None)

    async def _in_turn(self, event: Event) -> None:
        """What asks alerts to change something keeps its order; it may wait long, and no question waits for it."""
        user = user_of(event.body)
        if not (user and _asks_alerts(event.body)):
            await self._settle(event)
            return
        async with self._turns.setdefault(user, asyncio.Lock()):
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
                outcome = await self._failed(event)
                break
            await asyncio.sleep(TRY_AGAIN_S)
        while True:
            try:
                await asyncio.to_thread(self._inbox.done, event.id, outcome, self._ctx.now_ms())
                self._answered = True
                if outcome in ("stopped", "forgotten"):
                    await asyncio.to_thread(self._ctx.desk.wipe)
                return
            except sqlite3.Error as error:  # it has been answered: only this is tried again
                log.error("line_inbox_failed error=%s retry=true", error)
            await asyncio.sleep(TRY_AGAIN_S)

    async def _worked_on(self, event: Event) -> str:
        if (known := await asyncio.to_thread(self._inbox.outcome, event.id)) is not None:
            return known  # taken back while it waited
        user = user_of(event.body)
        if not user or among_others(event.body):
            async with self._gate:
                return await self._one(event)
        # A user's steps follow one another, however fast they are tapped.
        steps = self._steps.setdefault(user, asyncio.Lock())
        if _asks_alerts(event.body):
            async with steps:
                pass  # what was written before is done; what comes after need not wait for alerts
            return await self._one(event)
        async with steps, self._gate:
            return await self._one(event)

    async def _one(self, event: Event) -> str:
        """What became of it. Raises NoAnswer when it has to wait for another service."""
        body = event.body
        kind, user = body.get("type"), user_of(body)
        if kind == "unfollow" and user:
            return "forgotten" if await linking.forget(self._common, user) else "refused"
        if kind == "follow":
            # Somebody whose LINE user id stands in sensors.yaml may have unblocked the account.
            if user and unblocked(body):
                await self._ctx.live.ask("alerts", "welcome_contact", "line", {"channel": "line", "address": user})
            return await self._send(event, user, self._answers.welcome(user))
        if kind == "unsend":
            await self._answers.taken_back(body, user)
            return "unsent"
        if among_others(body):
            # People talk to each other there; nothing about one of them is done or told.
            reply = self._answers.of_a_room(text_of(body) or "")
            return await self._send(event, "", reply) if reply is not None else "ignored"
        if is_picture(body) and user:
            return await self._send(event, user, await self._answers.picture(event, user))
        if text_of(body) is None:
            return "ignored"
        return await self._send(event, user, await self._answers.words(event, user))

    async def _send(self, event: Event, user: str, reply: Reply) -> str:
        """Answers within LINE's minute, which costs nothing; later by a message, if the month's budget allows one."""
        token, replier = event.body.get("replyToken"), self._replier()
        if not isinstance(token, str) or not token or replier is None:
            return f"{reply.outcome}_unanswered"
        if self._ctx.now_ms() - event.at > REPLY_WITHIN_MS:
            return await self._push(event, user, reply)
        try:
            await replier.reply(token, reply.made())
        except ReplyTokenInvalid:
            return await self._push(event, user, reply)
        except LineError as error:
            log.warning("line_reply_failed error=%s", error)
            return f"{reply.outcome}_failed"
        return reply.outcome

    async def _failed(self, event: Event) -> str:
        """Nobody is left without an answer by a fault of ours."""
        user = user_of(event.body)
        try:
            if user and not among_others(event.body) and event.body.get("type") == "message":
                language = self._common.language(user, False)
                await self._send(event, user, Reply("failed", i18n.t(language, "line_talk.try_later")))
        except Exception as error:
            log.error("line_apology_failed error=%s", type(error).__name__)
        return "failed"

    async def _push(self, event: Event, user: str, reply: Reply) -> str:
        made = reply.made()
        if not user or not made:
            return f"{reply.outcome}_late"
        language = self._common.language(user, False)
        message = telling.Message(
            key=f"answer:{event.id}",
            channel="line",
            address=user,
            language=language,
            title=i18n.t(language, "line_talk.late_answer"),
            text=reply.words,
            severity="warning",
            kind="answer",
            until_ms=event.at + LATE_MS,
            card=made[-1],
        )
        try:
            await telling.tell(self._ctx, message)
        except (NoAnswer, telling.NotAccepted) as error:
            log.warning("line_late_answer_failed error=%s", type(error).__name__)
            return f"{reply.outcome}_late"
        return f"{reply.outcome}_pushed"


def _asks_alerts(body: dict[str, Any]) -> bool:
    """Whether alerts is asked to change something."""
    text = text_of(body)
    return (
        body.get("type") == "unfollow"
        or unblocked(body)
        or (text is not None and not among_others(body) and understand(text).wish in ("link", "stop"))
    )
