"""Who cares for what needs attention: whoever has acknowledged it, was told of it, or works on the reported problem."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from classair.alerting.reading import NotKnown
from classair.alerting.records import AlertRecord, NotificationRecord
from dashboard.context import Context
from dashboard.live.cases import Kind
from dashboard.tickets.records import Ticket
from dashboard.tickets.words import OPEN

# Which rules' alerts are about which case of a room.
_KINDS: Mapping[Kind, frozenset[str]] = {
    "affects_health": frozenset({"above", "rising", "smoke_episode"}),
    "starts_to_affect_health": frozenset({"above", "rising", "smoke_episode"}),
    "unknown": frozenset({"silent"}),
    "suspect": frozenset({"silent", "disagree"}),
    "late": frozenset({"silent"}),
    "outdoor": frozenset({"silent"}),
    "purifier_unconfirmed": frozenset({"purifier_fault"}),
    "purifier_unknown": frozenset({"purifier_fault"}),
    "purifier_fail_safe": frozenset({"purifier_fault", "silent"}),
}
_TICKETS: Mapping[Kind, frozenset[str]] = {
    "unknown": frozenset({"wrong_value", "display_dark"}),
    "suspect": frozenset({"wrong_value"}),
    "late": frozenset({"wrong_value", "display_dark"}),
    "outdoor": frozenset({"wrong_value"}),
    "affects_health": frozenset({"smoke", "burning", "stuffy", "purifier_dead"}),
    "starts_to_affect_health": frozenset({"smoke", "burning", "stuffy", "purifier_dead"}),
    "purifier_unconfirmed": frozenset({"purifier_dead", "purifier_loud", "filter_dirty"}),
    "purifier_unknown": frozenset({"purifier_dead", "purifier_loud", "filter_dirty"}),
    "purifier_fail_safe": frozenset({"purifier_dead", "wrong_value"}),
}


@dataclass(frozen=True, slots=True)
class Owner:
    """`ticket`: a unit has it. `acknowledged`: somebody has said so, `by` role and name, at `at`. `told`: `by` people
    were told, the last at `at`. `nobody`: an alert fires and nobody was reached. `unknown`: the records cannot be read.
    `link`: the page behind it; `""` for none.
    """

    how: Literal["ticket", "acknowledged", "told", "nobody", "none", "unknown"]
    by: str = ""
    at: int | None = None
    number: str = ""
    link: str = ""


class Owners:
    """Open alerts and reported problems as they stand at this moment. Asks ledger and desk."""

    def __init__(self, ctx: Context, sites: Collection[str]) -> None:
        self._alerts: dict[str, list[AlertRecord]] | None = {}
        self._told: Mapping[str, Sequence[NotificationRecord]] = {}
        self._tickets: dict[str, list[Ticket]] = {}
        try:
            fires = [one for one in ctx.records.open_alerts() if one.state in ("firing", "acknowledged")]
            fires = [one for one in fires if one.site in sites or not one.site]
            self._told = ctx.records.notifications_of([one.id for one in fires])
            for one in fires:
                self._alerts.setdefault(full_room(one) or one.subject, []).append(one)
        except NotKnown:
            self._alerts = None
        for ticket in ctx.tickets.listed(sites, OPEN):
            self._tickets.setdefault(ticket.room, []).append(ticket)

    def of(self, room: str, kind: Kind) -> Owner:
        """Of a room's case."""
        ticket = next((one for one in self._tickets.get(room, ()) if one.kind in _TICKETS[kind]), None)
        if ticket is not None:
            return Owner("ticket", ticket.unit, ticket.assigned_at or ticket.received_at, ticket.number, str(ticket.id))
        return self._of_alerts([one for one in self._open(room) if one.kind in _KINDS[kind]])

    def of_part(self, part: str) -> Owner:
        """Of a part that is silent."""
        full = part.partition("/")[2]
        return self._of_alerts([one for one in self._open(full) if one.kind in ("system", "purifier_fault")])

    def _open(self, about: str) -> list[AlertRecord]:
        return (self._alerts or {}).get(about, [])

    def _of_alerts(self, alerts: Sequence[AlertRecord]) -> Owner:
        if self._alerts is None:
            return Owner("unknown")
        seen = [one for one in alerts if one.acknowledged_at is not None]
        if seen:
            one = max(seen, key=lambda it: it.acknowledged_at or 0)
            return Owner("acknowledged", one.acknowledged_by, one.acknowledged_at, link=one.id)
        for one in alerts:
            reached = [it for it in self._told.get(one.id, ()) if it.told_at is not None]
            if reached:
                people = len({it.person for it in reached})
                return Owner("told", str(people), max(it.told_at or 0 for it in reached), link=one.id)
        return Owner("nobody", link=alerts[0].id) if alerts else Owner("none")


def full_room(alert: AlertRecord) -> str:
    return alert.room if "." in alert.room or not alert.room else f"{alert.site}.{alert.room}"
