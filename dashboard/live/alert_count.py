"""How many alerts fire and wait for somebody: for the header of every working page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from classair.wire import ServiceStatus
from dashboard.live.hub import frame

KEY: Final = "alerts/count"
"""Under which the hub keeps the newest word; pages of every kind are sent it."""
FIGURE: Final = "alerts_unacknowledged"
"""Under which alerts says the number of all schools."""
OLD_MS: Final = 45_000
"""Alerts speaks every 10 s; older than this nobody knows the number."""


@dataclass(frozen=True, slots=True)
class AlertCount:
    """`unacknowledged` None: not known."""

    unacknowledged: int | None
    at: int

    def as_of(self, now_ms: int) -> int | None:
        return self.unacknowledged if now_ms - self.at < OLD_MS else None


NOT_KNOWN: Final = AlertCount(None, 0)


def count_of(status: ServiceStatus | None) -> AlertCount:
    """What alerts says of itself; an earlier version does not count."""
    if status is None or status.state != "online":
        return NOT_KNOWN
    said = status.figures.get(FIGURE)
    return AlertCount(int(said), status.at) if isinstance(said, int | float) and said >= 0 else NOT_KNOWN


def encoded(count: AlertCount) -> bytes:
    return frame("alerts", json.dumps({"unacknowledged": count.unacknowledged, "at": count.at}))
