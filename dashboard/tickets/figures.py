"""The figures that are published of reported problems, counted from the reports themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from classair.timetable import day_start_ms
from classair.units import HOUR_MS
from dashboard.tickets.records import Ticket
from dashboard.tickets.words import OPEN


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the reports received in a range of days, as they stand now; each report is counted where it applies.

    `in_time`: solved (and not opened again since) and never late. `late`: not solved within its time, whatever came of
    it. `median_hours`: from receipt to solution without the time in which an answer was waited for; None: none solved.
    `unconfirmed`: closed because nobody answered. `overdue`: late and still open.
    """

    received: int = 0
    in_time: int = 0
    late: int = 0
    median_hours: float | None = None
    reopened: int = 0
    unconfirmed: int = 0
    confirmed: int = 0
    cancelled: int = 0
    declined: int = 0
    merged: int = 0
    open: int = 0
    overdue: int = 0

    @property
    def on_time(self) -> float | None:
        """The share of those that were solved or are late which were solved in time; None: there are none yet."""
        judged = self.in_time + self.late
        return self.in_time / judged if judged else None


def bounds(first: date, last: date) -> tuple[int, int]:
    """UTC ms of the days from `first` to `last`, the end exclusive."""
    return day_start_ms(first), day_start_ms(last + timedelta(days=1))


def solved(ticket: Ticket) -> bool:
    """Solved as far as anybody has said."""
    return ticket.state == "resolved" or ticket.closing in ("confirmed", "unconfirmed")


def count(tickets: Iterable[Ticket], now_ms: int) -> Figures:
    known = list(tickets)
    late = [one.late(now_ms) for one in known]
    hours = [
        (one.resolved_at - one.received_at - one.waited_ms) / HOUR_MS
        for one in known
        if solved(one) and one.resolved_at is not None
    ]
    return Figures(
        received=len(known),
        in_time=sum(solved(one) and not over for one, over in zip(known, late, strict=True)),
        late=sum(late),
        median_hours=median(hours) if hours else None,
        reopened=sum(one.reopened > 0 for one in known),
        unconfirmed=sum(one.closing == "unconfirmed" for one in known),
        confirmed=sum(one.closing == "confirmed" for one in known),
        cancelled=sum(one.closing == "cancelled" for one in known),
        declined=sum(one.state == "declined" for one in known),
        merged=sum(one.state == "merged" for one in known),
        open=sum(one.state in OPEN for one in known),
        overdue=sum(one.state in OPEN and over for one, over in zip(known, late, strict=True)),
    )
