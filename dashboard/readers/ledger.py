"""Which of alerts' records the reader sees."""

from __future__ import annotations

from collections.abc import Callable

from classair.alerting.reading import Scope
from classair.config import Config
from dashboard.access.reach import reader


def seen_ledger(config: Callable[[], Config]) -> Callable[[], Scope | None]:
    def scope() -> Scope | None:
        reach = reader()
        if reach.everything:
            return None
        touched = frozenset(place.partition(".")[0] for place in reach.places)
        known = config()
        outdoors = {
            f"{site}.{room}"
            for site in touched & known.sites.keys()
            for room, settings in known.sites[site].rooms.items()
            if settings.outdoor
        }
        rooms = frozenset(place for place in reach.places if "." in place) | outdoors
        return Scope(
            touched,
            frozenset(place for place in reach.places if "." not in place),
            rooms,
            frozenset(full for full, unit in known.purifiers() if f"{full.partition('.')[0]}.{unit.room}" in rooms),
        )

    return scope
