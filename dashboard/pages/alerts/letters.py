"""Messages to followers and reporters that were not sent, or not yet: about what, to how many, since when, how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from classair import i18n
from classair.alerting.records import LettersHeld
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.frame.markup import html
from dashboard.pages.alerts import wording

_OF_THE_MONTH: Final = ("quota", "budget")


def rows(ctx: Context, language: str, found: Sequence[LettersHeld]) -> list[list[Any]]:
    """Nobody's address is named: only alerts knows it, and wipes it with the message."""
    return [
        [
            wording.time(ctx, language, one.since),
            ctx.t(language, "alerts_page.letters_to", n=one.count),
            html.Span(one.title),
            wording.why_not(ctx, language, one.state, one.reason),
            _until(ctx, language, one),
        ]
        for one in found
    ]


def _until(ctx: Context, language: str, one: LettersHeld) -> str:
    if one.state != "abandoned":
        return ctx.t(language, "alerts_page.letters_wait", time=wording.time(ctx, language, one.due_at))
    if one.reason not in _OF_THE_MONTH:
        return ctx.t(language, "alerts_page.letters_never")
    anew = month_after(local_time(one.latest).date())
    return ctx.t(language, "alerts_page.letters_month", date=i18n.show_date(anew, language, "short"))


def month_after(day: date) -> date:
    """When LINE counts from nothing again."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
