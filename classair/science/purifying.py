"""What a room's purifiers are to the people in it: whether one works, whether it runs, whether it will start by itself.

A purifier with a fault of the device, or one that is on and draws no power, counts as none: nothing is asked of it and
nothing is said of it while another one of the room works.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from classair.science.advice import FLAT_AFTER_MS, Purifier, is_falling
from classair.wire import PurifierState

DEVICE: Final = "device: "
"""Before what a device says of itself, among the faults of a purifier."""
# Faults after which the air of a room is not cleaned, whatever the switch says; so are the device's own words.
NOT_WORKING: Final = frozenset({"not_obeying", "silent", "no_draw", "no_effect"})
DRAW_AFTER_MS: Final = 20_000  # a meter has told by then what was switched on
NO_DRAW_W: Final = 0.5


def works(unit: PurifierState, now: int) -> bool:
    if any(fault in NOT_WORKING or fault.startswith(DEVICE) for fault in unit.faults):
        return False
    return not (
        unit.on is True and unit.watts is not None and unit.watts <= NO_DRAW_W and now - unit.since >= DRAW_AFTER_MS
    )


def counted(units: Sequence[PurifierState], now: int) -> tuple[PurifierState, ...]:
    """The purifiers that the advice speaks of: those that work."""
    return tuple(unit for unit in units if works(unit, now))


def word(units: Sequence[PurifierState]) -> Purifier:
    """On only if all are, off if any is: more clean air can be had."""
    if any(unit.on is False for unit in units):
        return "off"
    return "on" if units and all(unit.on for unit in units) else "unknown"


def shown(units: Sequence[PurifierState], now: int) -> PurifierState | None:
    """The one on the screen. Of those the advice speaks of (else of all) the one that needs a look: off first."""
    order = {False: 0, None: 1, True: 2}
    return min(counted(units, now) or units, key=lambda unit: order[unit.on], default=None)


def starts_itself(units: Sequence[PurifierState], empty: bool) -> bool:
    """Whether every unit that is off will be started by its control when dust rises. In an empty room none is."""
    off = [unit for unit in units if unit.on is False]
    return not empty and bool(off) and all(_is_automatic(unit) for unit in off)


def _is_automatic(unit: PurifierState) -> bool:
    return unit.mode == "auto" and unit.confirmed and unit.override_until is None and not unit.faults


def is_flat(
    units: Sequence[PurifierState], value: float | None, at: int | None, trail: Sequence[tuple[int, float]], now: int
) -> bool:
    """Whether the purifiers have run for half an hour and the dust, `value` at `at`, is not falling."""
    if not units or value is None or at is None:
        return False
    if not all(unit.on and now - unit.since >= FLAT_AFTER_MS for unit in units):
        return False
    then = [earlier for moment, earlier in trail if moment <= at - FLAT_AFTER_MS]
    return bool(then) and not is_falling(value, then[-1])
