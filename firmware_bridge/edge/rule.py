"""The edge rule: when the server counts as away, which room needs its purifier, and when an order is given again. Pure.

Seconds are of a clock that never steps. Only ever ON, which ends in the device: so two who switch cannot fight.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from classair.config.purifiers import HEAVY, PurifierRule
from classair.timetable import Timetable
from classair.wire import PurifierState

LOST_S: Final = 20.0  # four beats of alerts
JITTER_S: Final = 5.0  # all bridges of a town lose the server in the same moment
LATE_S: Final = 5.0  # who looks this late has stood still itself
LEASE_S: Final = 300  # where nobody knows until when children are there
SHORT_S: Final = 30.0  # for so little a purifier is not switched on any more
CONFIRM_WITHIN_S: Final = 10.0
_UNCONFIRMED_S: Final = (30.0, 60.0, 600.0)  # pauses before the second, the third and every later order
_OVERLAP_S: Final = 100.0  # a lease is renewed so long before its end

Reason = Literal["high", "blind"]


class Beats:
    """Whether the server is away: no beat, whatever it says of terms and times, for long enough."""

    def __init__(self, now_s: float, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._heard_s = self._looked_s = now_s
        self._patience_s = LOST_S + JITTER_S * chance()

    def heard(self, now_s: float) -> None:
        """Callable from any thread."""
        self._heard_s = now_s

    def lost(self, now_s: float) -> bool:
        """Asked once a second."""
        if now_s - self._looked_s > LATE_S:
            self._heard_s = max(self._heard_s, now_s)  # what was said meanwhile may be unheard
        self._looked_s = now_s
        if now_s - self._heard_s < LOST_S:
            self._patience_s = LOST_S + JITTER_S * self._chance()
            return False
        return now_s - self._heard_s >= self._patience_s


@dataclass(frozen=True, slots=True)
class Need:
    """A purifier should run for `seconds` from now."""

    seconds: int
    reason: Reason


def need(*, high: bool, blind: bool, timetable: Timetable | None, now_ms: int | None) -> Need | None:
    """`timetable` None: the room has none; `now_ms` None: the time is not known. Then only dust itself counts."""
    if timetable is None or now_ms is None:
        return Need(LEASE_S, "high") if high else None
    end = timetable.block_end_ms(now_ms)
    if end is None or end - now_ms < SHORT_S * 1000 or not (high or blind):
        return None
    return Need(-(-(end - now_ms) // 1000), "high" if high else "blind")


@dataclass(slots=True)
class Wish:
    """What is known of a person's wish for one purifier: what alerts said last, and when that was heard."""

    state: PurifierState | None = None
    heard_s: float = 0.0
    heavy_s: float | None = None  # since when the dust has been heavy

    def hear(self, state: PurifierState, now_s: float) -> None:
        self.state, self.heard_s = state, now_s

    def dust(self, level: float | None, now_s: float) -> None:
        """The room's level, None while it is not known."""
        if level is not None:
            self.heavy_s = None if level <= HEAVY else now_s if self.heavy_s is None else self.heavy_s


def forbidden(wish: Wish, now_s: float, now_ms: int | None, rule: PurifierRule) -> bool:
    """Whether a person wants it off, for as long as is allowed, by the same limits as in alerts."""
    state, heard_s = wish.state, wish.heard_s
    if state is None or (wish.heavy_s is not None and now_s - wish.heavy_s >= rule.off_in_heavy_dust):
        return False
    off = state.override_on is False or (state.override_on is None and state.mode == "person" and state.on is False)
    if not off or now_s - heard_s > rule.off_at_most:
        return False
    until = state.override_until
    if until is None:
        return True
    if now_ms is None:
        return now_s - heard_s < (until - state.at) / 1000
    return now_ms < until


@dataclass(slots=True)
class Orders:
    """What was ordered of one purifier since the server went away."""

    sent_s: float | None = None
    covers_until_s: float = 0.0
    tries: int = 0
    over_broker: bool = False
    called: bool = False  # its own address was tried, too
    confirmed: bool = False

    def due(self, now_s: float, wanted: Need, again_s: float) -> bool:
        """Whether an order is due. A confirmed one is given again after `again_s`: somebody may have switched it off
        meanwhile, which nobody here can know, and a person's OFF lasts as long.
        """
        if self.sent_s is None or now_s >= self.covers_until_s:
            return True
        if self.covers_until_s - now_s <= _OVERLAP_S and now_s + wanted.seconds > self.covers_until_s + 5:
            return True
        pause_s = again_s if self.confirmed else _UNCONFIRMED_S[min(self.tries, len(_UNCONFIRMED_S)) - 1]
        return now_s - self.sent_s >= pause_s

    def send(self, now_s: float, wanted: Need, over_broker: bool) -> None:
        fresh = self.sent_s is None or self.confirmed or now_s >= self.covers_until_s
        self.tries = 1 if fresh else self.tries + 1
        self.sent_s, self.covers_until_s, self.over_broker = now_s, now_s + wanted.seconds, over_broker
        self.called = self.confirmed = False

    def not_sent(self) -> None:
        """There was no way at all: it is due again as soon as there is one."""
        self.sent_s = None

    def call_due(self, now_s: float) -> bool:
        """Over the broker it was not confirmed in time."""
        waits = self.sent_s is not None and not self.called and not self.confirmed
        return waits and now_s - (self.sent_s or 0.0) >= CONFIRM_WITHIN_S

    def answered(self, took_it: bool) -> None:
        """The device's own word. One that certainly heard nothing is asked again soon: nobody's OFF is at stake."""
        self.confirmed = took_it
        if not took_it and not self.over_broker:
            self.tries = min(self.tries, 1)
