"""The board of reported problems for those who work on them: what is new, in work, waiting or late; and one in full."""

from __future__ import annotations

from dashboard.access.roles import Need, Principal
from dashboard.context import Context
from dashboard.pages.tickets.board import Board
from dashboard.pages.tickets.detail import Detail
from dashboard.tickets.words import KINDS

PATH = "/tickets"
ORDER = 18
TITLE_KEY = "tickets_page.title"
NEED = Need.TICKETS


def view(
    ctx: Context, language: str, reader: Principal, ticket: str = "", unit: str = "", site: str = "", kind: str = ""
) -> Board | Detail | None:
    """`ticket`: one in full, by its id. `unit`, `site`, `kind`: only those; empty is all."""
    config = ctx.config()
    if ticket:
        known = ctx.tickets.get(int(ticket)) if ticket.isdecimal() and len(ticket) < 16 else None
        if known is None or not reader.may("tickets", known.room or known.site):
            return None
        return Detail(ctx, language, known.id)
    if unit not in ("", *config.tickets.units) or site not in ("", *config.sites) or kind not in ("", *KINDS):
        return None
    return Board(ctx, language, reader, unit, site, kind)
