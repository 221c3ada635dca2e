"""Keeps the gap ledger of every sensor of a bridge: across restarts, unknown time, entries that come and go."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Final

from firmware_bridge.clock import Clock
from firmware_bridge.health.missing import BacklogLedger, MissingReadings, SensorLedger, damaged_of, reason_of
from firmware_bridge.health.values import AbsentSpells
from firmware_bridge.sensor_line import SensorLine
from firmware_bridge.spool.spool import Spool

log = logging.getLogger(__name__)

SHORTEST_MS: Final = 100

Keep = Callable[[SensorLine, MissingReadings], None]
"""Dates, numbers, keeps and sends a line of the ledger."""


class Accounting:
    """On the bridge's one thread. Times are seconds of elapsed(), as everywhere in the bridge."""

    def __init__(self, spool: Spool, clock: Clock, boot: str, keep: Keep) -> None:
        self._spool, self._clock, self._keep = spool, clock, keep
        self._ledgers: dict[str, SensorLedger] = {}
        self._absent: dict[str, AbsentSpells] = {}
        self._lines: dict[str, SensorLine] = {}
        # What was before a sensor began is told once the time is known: since when (UTC ms), until when (elapsed ms).
        # Both are looked up before anything of this run is dated, or this run would hide what was before it.
        self._unopened: dict[str, tuple[int | None, int]] = {}
        self._waiting, self._lost = spool.undated_of(boot)

    def begin(self, line: SensorLine, now_s: float) -> None:
        """An entry of the configuration; one that only changed its port or pace goes on."""
        self._lines[line.id] = line
        known = self._ledgers.get(line.id)
        if known is not None:
            known.every_ms = _every_ms(line)
            return
        state = line.port.state if line.port is not None else None
        reason = reason_of(state.state, state.cause) if state is not None else "unplugged"
        kind = BacklogLedger if line.port is not None and line.port.brings_backlog else SensorLedger
        ledger = self._ledgers[line.id] = kind(_every_ms(line), _ms(now_s), reason)
        waiting = self._waiting.pop(line.id, None)
        self._unopened[line.id] = self._spool.until(line.id), waiting.start_ms if waiting else ledger.began_ms
        if waiting is not None:
            # A run of this boot ended before it knew the time: between the two no date is needed to say how long.
            self._was_away(line, ledger, ledger.began_ms - waiting.end_ms, "off", ledger.began_ms)

    def end(self, line: SensorLine, now_s: float) -> None:
        """An entry was taken away: from now on nothing is expected of it."""
        ledger = self._ledgers.pop(line.id, None)
        if ledger is None:
            return
        for stretch in [*ledger.close(_ms(now_s)), *self._closed(line)]:
            self._keep(line, stretch)
        self._spool.forget(line.id)
        self._unopened.pop(line.id, None)
        self._lines.pop(line.id, None)

    def end_all(self, now_s: float) -> None:
        """The bridge ends; what comes until its next start is told then."""
        for sensor, ledger in self._ledgers.items():
            line = self._lines[sensor]
            for stretch in [*ledger.close(_ms(now_s)), *self._closed(line)]:
                self._keep(line, stretch)

    def _closed(self, line: SensorLine) -> list[MissingReadings]:
        absent = self._absent.pop(line.id, None)
        return absent.close(_ms(line.patience_s)) if absent is not None else []

    def is_now(self, line: SensorLine, state: str, cause: str, now_s: float) -> None:
        ledger = self._ledgers.get(line.id)
        if ledger is not None:
            ledger.is_now(reason_of(state, cause), _ms(now_s))

    def reading(self, line: SensorLine, end_s: float, present: Collection[str]) -> None:
        """Before a reading is kept: what is missing in front of it, and what in it. `present`: its quantities."""
        ledger = self._ledgers.get(line.id)
        if ledger is None:
            return
        absent = self._absent.setdefault(line.id, AbsentSpells())
        for stretch in absent.reading(_ms(end_s), _every_ms(line), line.watched, present, _ms(line.patience_s)):
            self._keep(line, stretch)
        damaged = damaged_of(line.port.counts()) if line.port is not None else 0
        for stretch in ledger.reading(_ms(end_s), damaged):
            self._keep(line, stretch)

    def late(self, line: SensorLine, end_s: float) -> None:
        """The reading just kept could not be sent."""
        ledger = self._ledgers.get(line.id)
        if ledger is not None:
            ledger.late(_ms(end_s))

    def tick(self, now_s: float, *, connected: bool, dated: bool) -> None:
        """`dated`: nothing waits for its time any more."""
        for sensor, ledger in self._ledgers.items():
            line = self._lines[sensor]
            if dated and line.id in self._unopened:
                self._open(line, ledger)
            for stretch in ledger.due(_ms(now_s), connected=connected):
                self._keep(line, stretch)

    def _open(self, line: SensorLine, ledger: SensorLedger) -> None:
        """Tells of the time before this run, once it is known what time it is."""
        offset = self._clock.offset()
        if offset is None:
            return
        since, end_ms = self._unopened.pop(line.id)
        if since is None:
            return
        # Readings of a run that never knew the time lie somewhere in this stretch; where, nobody can say.
        reason = "clock_unknown" if line.id in self._lost else "off"
        self._was_away(line, ledger, end_ms + offset.at_ms - since, reason, end_ms)

    def _was_away(self, line: SensorLine, ledger: SensorLedger, length_ms: int, reason: str, end_ms: int) -> None:
        if length_ms < SHORTEST_MS:
            return
        stretch = ledger.was_away(end_ms, length_ms, reason)
        if stretch is not None:
            log.info("sensor_gap_closed sensor=%s seconds=%d reason=%s", line.sensor, length_ms // 1000, reason)
            self._keep(line, stretch)


def _every_ms(line: SensorLine) -> int:
    return round(line.every_s * 1000)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
