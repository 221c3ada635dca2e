"""What the last day was like, for pages that are drawn again every few seconds: asked of the disk now and then only."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from classair.model import Missing
from classair.stores import GapLedger, StoreAway
from classair.units import DAY_MS

ANEW_MS: Final = 20_000
"""The gap ledger grows when a gap ends or has lasted an hour; so old may an answer be."""


class LastDay:
    """The gap ledger's last 24 hours by sensor. Callable from any thread; nothing is asked twice within ANEW_MS."""

    def __init__(self, ledger: GapLedger | None) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[int, Mapping[str, Sequence[Missing]] | None]] = {}

    def missing(self, site: str, now_ms: int) -> Mapping[str, Sequence[Missing]] | None:
        """Lines that touch the 24 hours before `now_ms`, by sensor of the site; None when the ledger cannot be read."""
        with self._lock:
            asked_ms, found = self._kept.get(site, (0, None))
            if abs(now_ms - asked_ms) < ANEW_MS:
                return found
            found = self._asked(site, now_ms)
            self._kept[site] = (now_ms, found)
            return found

    def _asked(self, site: str, now_ms: int) -> Mapping[str, Sequence[Missing]] | None:
        if self._ledger is None:
            return None
        by_sensor: dict[str, list[Missing]] = {}
        try:
            for line in self._ledger.missing_lines(f"{site}.", now_ms - DAY_MS, now_ms):
                by_sensor.setdefault(line.sensor, []).append(line)
        except StoreAway:
            return None
        return by_sensor
