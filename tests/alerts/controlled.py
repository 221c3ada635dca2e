"""A purifier's controller in a state that a test needs, and signals for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alerts.control import machine as control
from alerts.control.occupancy import UNKNOWN, Occupancy, occupied
from alerts.control.unit import Limits, Told, Unit
from alerts.purifiers import Said
from classair.control.signal import Signal

LIMITS = Limits()  # of a device that names nobody
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


def who(block_end: int | None) -> Occupancy:
    """Children until the end of a block; None: a room of which nobody knows."""
    return UNKNOWN if block_end is None else occupied(block_end)


def step(unit: Unit, signal: Signal, block_end: int | None, limits: Limits, now: int) -> control.Outcome:
    """With a device that has just been heard; what is told beside a command is looked at by its own tests."""
    unit, actions = control.step(replace(unit, heard_at=now), signal, who(block_end), limits, now)
    return unit, [action for action in actions if not isinstance(action, Told) or action.what == "not_obeying"]


def observed(
    unit: Unit, on: bool, answer: bool, block_end: int | None, now: int, limits: Limits = LIMITS, **more: Any
) -> control.Outcome:
    unit, heard = control.heard(unit, now)
    unit, actions = control.observed(unit, Said(on=on, answer=answer, **more), who(block_end), limits, now)
    return unit, [*heard, *actions]


def order(unit: Unit, on: bool | None, minutes: float | None, name: str, block_end: int | None, now: int) -> Unit:
    return control.order(unit, on, minutes, name, who(block_end), LIMITS, now)


def settled(on: bool, now: int, **more: object) -> Unit:
    unit = Unit(
        watching_since=now - 60 * MIN,
        on=on,
        last_on=on,
        since=now - 60 * MIN,
        settling="",
        known_at=now,
        heard_at=now,
        want=on,
        expires_at=now + 5 * MIN if on else None,
    )
    return replace(unit, **more)  # type: ignore[arg-type]


def only(actions: list[control.Action]) -> control.Action:
    assert len(actions) == 1, actions
    return actions[0]
