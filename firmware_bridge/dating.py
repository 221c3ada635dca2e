"""Gives a reading its time and its number and hands it to spool and delivery; dates later what waits for the time."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from firmware_bridge.averaging import Mean
from firmware_bridge.clock import BUILT_MS, Clock, elapsed
from firmware_bridge.delivery import Delivery
from firmware_bridge.health.missing import MissingReadings
from firmware_bridge.spool.packing import SpoolRow
from firmware_bridge.spool.spool import Spool

log = logging.getLogger(__name__)


class Dating:
    """On the bridge's one thread. `undated`: something waits for the time."""

    def __init__(self, spool: Spool, clock: Clock, delivery: Delivery, boot: str) -> None:
        self._spool, self._clock, self._delivery, self._boot = spool, clock, delivery, boot
        self.undated = spool.undated

    def told_before(self, mean: Mean) -> bool:
        """Whether an earlier run has kept the reading of these messages: told again because it was killed before it
        could confirm them.
        """
        rows = [self._spool.knows(message) for message in mean.messages]
        return bool(rows) and all(row is not None and self._same(row, mean) for row in rows)

    def _same(self, row: SpoolRow, mean: Mean) -> bool:
        if mean.again_s is None:
            return True
        if row.at is None:
            return row.boot == self._boot and abs((row.mono or 0) - mean.end_s * 1000) <= mean.again_s * 1000
        moment = self._clock.date(mean.end_s)
        return moment is not None and abs(moment.at_ms - row.at) <= mean.again_s * 1000

    def append(
        self, item: Mapping[str, Any], end_ms: int, at_ms: int | None = None, messages: tuple[int, ...] = ()
    ) -> SpoolRow | None:
        """Numbers an item that ends at `end_ms` of elapsed time, or at `at_ms` UTC where its device says so, and sends
        it. None when no number is left to give (Spool.append).
        """
        moment = self._clock.date(end_ms / 1000)
        if moment is None:
            row = self._spool.append(item, None, mono=end_ms, boot=self._boot, messages=messages)
            self.undated, late = True, False
        else:
            at = moment.at_ms if at_ms is None else at_ms
            until = self._spool.until(item["sensor"])
            late = until is not None and at < until
            on_receipt = "RECEIPT_TIME" in item.get("flags", ()) and moment.quality in ("sync", "server")
            row = self._spool.append(item, at, "receipt" if on_receipt else moment.quality, messages=messages)
        if row is not None:
            self._delivery.live(row, elapsed(), late=late, told=bool(messages))
        return row

    def missing(self, sensor: str, stretch: MissingReadings, simulated: bool) -> None:
        """A line of the gap ledger, in the same sequence as the readings."""
        about = {"kind": "missing", "sensor": sensor, "reason": stretch.reason, "simulated": simulated}
        self.append({**about, "length_ms": stretch.length_ms, "expected": stretch.expected}, stretch.end_ms)

    def date_what_waits(self) -> None:
        """Once, as soon as the time is known."""
        offset = self._clock.offset() if self.undated else None
        if offset is None:
            return
        count = self._spool.date(self._boot, offset.at_ms, offset.quality, BUILT_MS)
        self.undated = self._spool.undated
        if count:
            log.info("readings_timestamped readings=%d clock=%s", count, offset.quality)
            self._delivery.dated()
