"""Pure: a device is asked for its state, not more often than it could answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from alerts.control.unit import Outcome, Query, Unit

CONFIRM_MS: Final = 10_000  # so long a device may take to answer a question or to confirm a command
RETRY_MS: Final = 60_000  # one that does not is tried again this often


def ask(unit: Unit, now: int) -> Outcome:
    if unit.asked_at is not None and now - unit.asked_at < CONFIRM_MS:
        return unit, []
    return replace(unit, asked_at=now, asks=unit.asks + 1), [Query()]


def ask_due(unit: Unit, now: int) -> bool:
    return unit.asked_at is None or now - unit.asked_at >= RETRY_MS
