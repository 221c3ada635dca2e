"""The loop that keeps the promises: reminders, lateness, evidence, messages, photos. It can be ended at any moment:
everything it does is written down before, and done again without harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final

from classair.asking import NoAnswer
from classair.units import HOUR_MS
from dashboard.context import Context
from dashboard.telling import Message, NotAccepted, tell
from dashboard.tickets.records import Notice, Ticket
from dashboard.tickets.showing.circumstances import gather
from dashboard.tickets.telling import messages

log = logging.getLogger(__name__)

EVERY_S: Final = 1.0
CLEAR_EVERY_MS: Final = HOUR_MS

Send = Callable[[Context, Message], Awaitable[object]]


class Keeping:
    """`send` hands a message over; in tests it is another one."""

    def __init__(self, ctx: Context, send: Send = tell) -> None:
        self._ctx, self._send = ctx, send
        self._task: asyncio.Task[None] | None = None
        self._cleared_at: int | None = None

    def begin(self) -> None:
        """On the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._always())

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def once(self) -> None:
        """One round: what is due, what is to be looked up, what is to be sent. Raises sqlite3.Error, OSError."""
        tickets = self._ctx.tickets
        await asyncio.to_thread(tickets.clock.run)
        for ticket in await asyncio.to_thread(tickets.clock.without_evidence):
            await asyncio.to_thread(self._attach, ticket)
        for notice in await asyncio.to_thread(tickets.clock.notices):
            await self._hand_over(notice)
        now = self._ctx.now_ms()
        if self._cleared_at is None or not 0 <= now - self._cleared_at < CLEAR_EVERY_MS:
            self._cleared_at = now
            await asyncio.to_thread(tickets.clock.clear)

    def _attach(self, ticket: Ticket) -> None:
        try:
            found = gather(self._ctx, ticket)
        except Exception:
            # What one report is about must not stop the clock of all others.
            log.exception("ticket_evidence_failed ticket=%d", ticket.id)
            found = {"at": self._ctx.now_ms(), "failed": True}
        self._ctx.tickets.clock.attach(ticket.id, found)

    async def _always(self) -> None:
        failing = ""
        while True:
            try:
                await self.once()
                failing = ""
            except Exception as error:
                # A full disk or a fault in one report must not end the clock of all others.
                if type(error).__name__ != failing:
                    failing = type(error).__name__
                    level = logging.WARNING if isinstance(error, sqlite3.Error | OSError) else logging.ERROR
                    log.log(level, "ticket_clock_failed error=%s retry=true", failing, exc_info=level == logging.ERROR)
            await asyncio.sleep(EVERY_S)

    async def _hand_over(self, notice: Notice) -> None:
        clock = self._ctx.tickets.clock
        ticket = await asyncio.to_thread(self._ctx.tickets.get, notice.ticket)
        message = await asyncio.to_thread(messages.of, self._ctx, notice, ticket)
        try:
            await self._send(self._ctx, message)
        except (NoAnswer, NotAccepted) as error:
            if notice.tries == 0:
                log.warning("ticket_notice_waiting key=%s error=%s", notice.key, type(error).__name__)
            await asyncio.to_thread(
                clock.not_told, notice, "not_accepted" if isinstance(error, NotAccepted) else "no_answer"
            )
        else:
            await asyncio.to_thread(clock.told, notice)
