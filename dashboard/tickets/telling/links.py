"""Addresses by which a reporter sees a report, and by which a photo is seen: signed, for one thing, until they end."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

from classair.alerting import links
from classair.units import DAY_MS, HOUR_MS
from dashboard.context import Context
from dashboard.tickets.records import Ticket

Part = Literal["reporter", "follower"]

KEPT_MS: Final = 200 * DAY_MS
"""How long the page of a report can be opened after its receipt."""
PHOTO_MS: Final = HOUR_MS
_TICKET: Final = "ticket"
_PHOTO: Final = "ticket-photo"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever has a link: what it is about, and whether they reported it or only follow it.

    `mail`: of a link that came by mail, what tells its address from others without naming it.
    """

    ticket: int
    part: Part
    mail: str = ""


def path(ctx: Context, ticket: Ticket, part: Part = "reporter", *, mail: str = "") -> str:
    """The page of a report for its reporter; "" where links cannot be signed. `mail`: the address it is sent to."""
    about = (str(ticket.id), part, *([digest(mail)] if mail else []))
    token = ctx.shares.token(_TICKET, about, ticket.received_at + KEPT_MS)
    return f"/ticket/{token}" if token else ""


def address(ctx: Context, ticket: Ticket, part: Part = "reporter", *, mail: str = "") -> str:
    """The same as a phone anywhere can open it; "" where no address of this server is configured."""
    base, own = links.base(ctx.config()), path(ctx, ticket, part, mail=mail)
    return f"{base}{own}" if base and own else ""


def holder(ctx: Context, token: str) -> Holder | None:
    """None for a link that was not made here or has ended."""
    about = ctx.shares.read(_TICKET, token, ctx.now_ms())
    if (
        about is None
        or len(about) not in (2, 3)
        or not about[0].isdecimal()
        or about[1] not in ("reporter", "follower")
    ):
        return None
    return Holder(int(about[0]), "reporter" if about[1] == "reporter" else "follower", "".join(about[2:]))


def digest(mail: str) -> str:
    return hashlib.sha256(mail.encode()).hexdigest()[:32]


def photo_token(ctx: Context, name: str) -> str:
    """For whoever was found entitled to see a photo; the same for an hour, so that a page does not change by it."""
    return ctx.shares.token(_PHOTO, (name,), (ctx.now_ms() // PHOTO_MS + 2) * PHOTO_MS)


def photo_of(ctx: Context, token: str) -> str | None:
    about = ctx.shares.read(_PHOTO, token, ctx.now_ms())
    return about[0] if about is not None and len(about) == 1 else None
