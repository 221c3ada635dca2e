"""A purifier's controller in a state that a test needs, and signals for it."""

from __future__ import annotations

from dataclasses import replace

from alerts.control import machine as control
from alerts.control.unit import Limits, Unit
from classair.control.signal import Signal

LIMITS = Limits()
MIN = 60_000
T0 = 1_790_000_000_000


def high(now: int, for_ms: int = 10 * MIN) -> Signal:
    return Signal(40.0, now, now - for_ms, None)


def low(now: int, for_ms: int = 20 * MIN) -> Signal:
    return Signal(5.0, now, None, now - for_ms)


def between(now: int) -> Signal:
    return Signal(20.0, now)


def silent(newest: int) -> Signal:
    return Signal(20.0, newest)


def settled(on: bool, now: int, **more: object) -> Unit:
    unit = Unit(
        watching_since=now - 60 * MIN,
        on=on,
        last_on=on,
        since=now - 60 * MIN,
        settling="",
        want=on,
        expires_at=now + 5 * MIN if on else None,
    )
    return replace(unit, **more)  # type: ignore[arg-type]


def only(actions: list[control.Action]) -> control.Action:
    assert len(actions) == 1, actions
    return actions[0]
