"""What has arrived: of which alert, with whom, and when a person was first reached."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from alerts.ledger import Ledger
from alerts.outbox.rows import Row

_KEPT: Final = 50_000  # alerts; those that have been told the longest ago are forgotten first


@dataclass(slots=True)
class _Arrived:
    told_at: int | None = None
    people: set[str] = field(default_factory=set)


class Arrivals:
    def __init__(self, ledger: Ledger) -> None:
        self._of: OrderedDict[str, _Arrived] = OrderedDict()
        # A closed alert counts while its recovery message is still to be sent: only those who were told get one.
        for alert, person, at, reached in ledger.rows(
            "select i.alert, n.person, n.delivered_at, n.reached from alert a "
            "join notification_item i on i.alert=a.id join notification n on n.id=i.notification "
            "where (a.closed_at is null or a.id in (select i.alert from notification n join notification_item i "
            "on i.notification=n.id where n.state in ('waiting', 'sending'))) "
            "and n.state='delivered' and i.stage<>'recovered' order by n.delivered_at"
        ):
            self._add(alert, person, at, bool(reached))

    def add(self, row: Row, now: int, reached: bool) -> None:
        for item in row.items:
            if item.stage != "recovered":
                self._add(item.alert, row.person, now, reached)

    def told_at(self, alert: str) -> int | None:
        found = self._of.get(alert)
        return found.told_at if found is not None else None

    def people(self, alert: str) -> set[str]:
        found = self._of.get(alert)
        return found.people if found is not None else set()

    def _add(self, alert: str, person: str, at: int, reached: bool) -> None:
        found = self._of.setdefault(alert, _Arrived())
        found.people.add(person)
        if reached and found.told_at is None:
            found.told_at = at
        while len(self._of) > _KEPT:
            self._of.popitem(last=False)
