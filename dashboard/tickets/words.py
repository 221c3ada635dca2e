"""The fixed words of reported problems: kinds, states, what can be done in which state, and which evidence fits."""

from __future__ import annotations

from typing import Final, Literal, get_args

from classair.config import TicketKind
from classair.units import HOUR_MS

State = Literal["received", "assigned", "waiting", "resolved", "closed", "declined", "merged"]
Closing = Literal["", "confirmed", "unconfirmed", "cancelled"]
Channel = Literal["line", "web", "staff", "phone"]
Proof = Literal["readings", "purifier", "photo", "act", "none"]

KINDS: Final[tuple[TicketKind, ...]] = get_args(TicketKind)
STATES: Final[tuple[State, ...]] = get_args(State)
CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
PROOFS: Final[tuple[Proof, ...]] = get_args(Proof)

WORKED: Final[frozenset[State]] = frozenset({"received", "assigned"})
"""The clock runs."""
OPEN: Final[frozenset[State]] = frozenset({"received", "assigned", "waiting"})
UNDONE: Final[frozenset[State]] = OPEN | {"resolved"}
"""What may still change."""

ALLOWED: Final[dict[str, frozenset[State]]] = {
    "words": UNDONE,
    "followed": UNDONE,
    "assigned": WORKED,
    "asked": WORKED,
    "resumed": frozenset({"waiting"}),
    "promised": WORKED,
    "resolved": OPEN,
    "reopened": frozenset({"resolved"}),
    "closed": frozenset({"resolved"}),
    "cancelled": OPEN,
    "declined": OPEN,
    "merged": OPEN,
}
"""In which states a deed is possible; one that is not here is the clock's own."""

WITHIN_MS: Final = 48 * HOUR_MS
"""The time for solving a problem, of hours that count (see `dashboard.tickets.hours`)."""
OWNER_LEFT_MS: Final = 24 * HOUR_MS
SUPERVISOR_LEFT_MS: Final = 8 * HOUR_MS
"""With so much time left the owner is reminded, and then the supervisor: after 24 and after 40 hours."""
CONFIRM_WITHIN_MS: Final = 72 * HOUR_MS
"""Without an answer for so long, by the clock on the wall, a solved problem is closed without confirmation."""

WORDS_CHARS: Final = 1000

SENSOR_KINDS: Final[frozenset[TicketKind]] = frozenset({"wrong_value"})
PURIFIER_KINDS: Final[frozenset[TicketKind]] = frozenset({"purifier_dead", "purifier_loud", "filter_dirty"})


def fitting(kind: TicketKind, *, sensor: bool = True, purifier: bool = True) -> frozenset[Proof]:
    """Which evidence shows that a problem of this kind is solved. `sensor`, `purifier`: whether the room has one.

    `none`, with the reason why there can be none, is always possible: it is written down, never skipped.
    """
    if kind in SENSOR_KINDS and sensor:
        return frozenset({"readings", "none"})
    if kind in PURIFIER_KINDS and purifier:
        return frozenset({"purifier", "none"})
    return frozenset({"photo", "act", "none"})
