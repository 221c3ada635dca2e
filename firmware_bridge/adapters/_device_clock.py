"""How far a device's own clock is wrong, judged from when its messages come. Pure: time is an argument.

A message cannot arrive before it was measured, so a clock that is ahead shows at once. A clock that is behind looks
like a message that waited, and a device that could not send for a while sends what waited together with what is new.
So the newest that it sends within a minute counts, and only what stays the same for three such rounds is its clock.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from classair.model import Flag
from firmware_bridge.clock import BUILT_MS

AHEAD_MS: Final = 60_000  # clocks may disagree by so much, and the bridge's own may be the wrong one
BEHIND_MS: Final = 120_000  # so long a message may take: measuring, joining the network, sending
STEADY_MS: Final = 60_000  # within which the wait of a message varies
ZONES_MS: Final = 26 * 3_600_000  # between the first and the last time zone; more is no zone, and perhaps no clock
BURST_MS: Final = 15 * 60_000  # how far ahead a message among many that waited may be, and still be the newest of them
ROUND_S: Final = 60.0
ROUNDS: Final = 3

_UNKNOWN: Final = (None, Flag.RECEIPT_TIME | Flag.CLOCK)
"""Nobody knows when that was."""


class _Heard(NamedTuple):
    said_ms: int
    now_ms: int


class DeviceClock:
    """Of one device. `keeps`: it sends later what it could not send at once.

    `wrong_ms`: how far its clock is ahead (negative: behind), 0 while there is nothing against it.
    """

    def __init__(self, keeps: bool, wrong_ms: int = 0) -> None:
        self.wrong_ms = wrong_ms
        self._keeps = keeps
        self._before: _Heard | None = None
        self._round_s: float | None = None
        self._best_ms = 0
        self._rounds: deque[int] = deque(maxlen=ROUNDS - 1)

    def date(self, said_ms: int, now_ms: int, now_s: float, *, live: bool) -> tuple[int | None, Flag]:
        """When a message was measured (UTC ms; None: now, on receipt) and what is to be said against that.

        `live`: the device sent it just now; what a broker kept says nothing of the clock.
        """
        ahead = said_ms - now_ms  # of its clock, less what the message waited
        at_pace = self._at_pace(said_ms, now_ms)
        known = abs(ahead - self.wrong_ms) <= 2 * STEADY_MS
        if live:
            self._judge(said_ms, ahead, at_pace, now_s)
            self._before = _Heard(said_ms, now_ms)
        if not self.wrong_ms:
            return (min(said_ms, now_ms), Flag.NONE) if BUILT_MS <= said_ms <= now_ms + AHEAD_MS else _UNKNOWN
        if not live or self.wrong_ms - ahead > STEADY_MS:  # it waited
            at_ms = said_ms - self.wrong_ms
            return (at_ms, Flag.RECEIPT_TIME) if BUILT_MS <= at_ms <= now_ms else _UNKNOWN
        return (None, Flag.RECEIPT_TIME) if known or at_pace or ahead <= BURST_MS else _UNKNOWN

    def _at_pace(self, said_ms: int, now_ms: int) -> bool:
        """Whether its times go on about as fast as its messages come; those of a backlog go on faster."""
        if self._before is None:
            return True
        passed = now_ms - self._before.now_ms
        return passed >= ROUND_S * 1000 or said_ms - self._before.said_ms <= 2 * passed + 2000

    def _judge(self, said_ms: int, ahead: int, at_pace: bool, now_s: float) -> None:
        wrong, before = self.wrong_ms, self._before
        if max(wrong, AHEAD_MS) < ahead <= ZONES_MS:
            self.wrong_ms = ahead
        elif abs(ahead - wrong) <= STEADY_MS < abs(wrong):
            self.wrong_ms = ahead if at_pace else max(wrong, ahead)
        elif ahead > wrong + STEADY_MS:
            self.wrong_ms = 0  # too new for the clock that was known
        elif _right(ahead) and before is not None and at_pace and _right(before.said_ms - before.now_ms):
            self.wrong_ms = 0  # twice in a row: it has been set right
        elif not self._keeps and before is not None and said_ms > before.said_ms and not _right(ahead):
            self.wrong_ms = ahead  # it waits for nothing, and this is no old state told again
        if self._round_s is None or now_s - self._round_s >= ROUND_S:
            if self._round_s is not None:
                self._rounds.append(self._best_ms)
            self._round_s, self._best_ms = now_s, ahead
        self._best_ms = max(self._best_ms, ahead)
        found = (*self._rounds, self._best_ms)
        if len(found) == ROUNDS and max(found) - min(found) <= STEADY_MS:
            self.wrong_ms = 0 if _right(max(found)) else max(found)


def _right(ahead: int) -> bool:
    return -BEHIND_MS <= ahead <= AHEAD_MS
