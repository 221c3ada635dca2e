"""This week's reports for parents, of one's own rooms, with their links."""

from __future__ import annotations

from datetime import date

from dashboard.access.roles import Need, Principal
from dashboard.context import Context
from dashboard.pages.reports.sheet import Sheet
from dashboard.reports.week.numbers import monday_of

PATH = "/reports"
ORDER = 35
TITLE_KEY = "reports.title"
NEED = Need.READ


def view(ctx: Context, language: str, reader: Principal, week: str = "") -> Sheet | None:
    """`week`: any day of it; empty for the newest that is over."""
    try:
        monday = monday_of(date.fromisoformat(week)) if week else None
    except (ValueError, OverflowError):
        return None
    return Sheet(ctx, language, reader, monday)
