"""One change of one reported problem: what the clock owes it first, then the deed, then who is told, all or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from classair.config import Config
from dashboard.access.desk_file import DeskFile
from dashboard.tickets import life, log
from dashboard.tickets.hours import hours_of
from dashboard.tickets.records import Ticket
from dashboard.tickets.telling import notices
from dashboard.tickets.words import OWNER_LEFT_MS, SUPERVISOR_LEFT_MS

CLOCK: Final = "clock"
REPORTER: Final = "reporter"
"""Who did it, where it was no account. A reporter has no name in the log."""


_REMINDERS: Final = ("reminded_owner", "reminded_supervisor", "late")


class NotThere(KeyError):
    """There is no report with this id."""


class Turn:
    """A transaction around one ticket."""

    def __init__(self, db: sqlite3.Connection, config: Config, ticket: Ticket, now_ms: int) -> None:
        self.db, self.config, self.ticket, self.now_ms = db, config, ticket, max(now_ms, ticket.changed_at)

    def add(self, what: str, who: str, why: str = "", **data: Any) -> Ticket:
        """Writes a line into the log, and the messages it calls for."""
        self.ticket, entry = log.append(self.db, self.ticket, self.now_ms, what, who, why, **data)
        notices.make(self.db, self.config, self.ticket, entry)
        return self.ticket

    def resume(self, who: str, why: str) -> None:
        """The clock runs again with what was left; where nothing was, the deadline is the one that was missed."""
        left, missed = self.ticket.left_ms or 0, self.ticket.deadline_before
        if left > 0 or missed is None:
            times = clock(self.config, self.ticket.office, self.now_ms, left)
        else:
            times = {"deadline": missed, "remind_owner_at": missed, "remind_supervisor_at": missed}
        self.add("resumed", who, why, **times)

    def catch_up(self) -> bool:
        """What the clock owes at this moment; of several reminders that are due together only the last is sent."""
        owed = False
        while (at := life.next_at(self.ticket)) is not None and at <= self.now_ms:
            owed = True
            if self.ticket.state == "resolved":
                self.add("closed_unconfirmed", CLOCK)
                break
            due, following = _REMINDERS[min(self.ticket.reminded, 2)], _following(self.ticket)
            self.ticket, entry = log.append(self.db, self.ticket, self.now_ms, due, CLOCK)
            if following is None or following > self.now_ms:
                notices.make(self.db, self.config, self.ticket, entry)
        return owed


def clock(config: Config, office: bool, start_ms: int, left_ms: int) -> dict[str, int]:
    """The deadline of a clock that starts now with so much left, and when people are reminded of it."""
    hours = hours_of(config, office)
    return {
        "deadline": hours.after(start_ms, left_ms),
        "remind_owner_at": hours.after(start_ms, max(0, left_ms - OWNER_LEFT_MS)),
        "remind_supervisor_at": hours.after(start_ms, max(0, left_ms - SUPERVISOR_LEFT_MS)),
    }


def _following(ticket: Ticket) -> int | None:
    """When the reminder after the next one is due."""
    return {0: ticket.remind_supervisor_at, 1: ticket.deadline}.get(ticket.reminded)


class Changes:
    """Changes reports in desk.db, whose only writer the dashboard is."""

    def __init__(self, desk: DeskFile, config: Callable[[], Config], now_ms: Callable[[], int]) -> None:
        self.desk, self.config, self.now_ms = desk, config, now_ms

    @contextmanager
    def turn(self, ticket: int, deed: str = "") -> Iterator[Turn]:
        """Raises NotThere, and NotPossible for a deed that its state does not allow."""
        with self.desk.change() as db:
            found = log.get(db, ticket)
            if found is None:
                raise NotThere(ticket)
            turn = Turn(db, self.config(), found, self.now_ms())
            turn.catch_up()
            if deed:
                life.check(turn.ticket, deed)
            yield turn
