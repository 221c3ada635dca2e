"""Readings for a spool, and what is in it."""

from __future__ import annotations

import json
import random
from typing import Any

from firmware_bridge.spool.packing import Hole, SpoolRow, prefix_for
from firmware_bridge.spool.spool import Spool

AT = 1_800_000_000_000


def reading(value: float = 18.0, sensor: str = "blue-pm") -> dict[str, Any]:
    return {"sensor": sensor, "values": {"pm25": value}, "interval_s": 10.0, "n": 10}


def noisy(number: int, sensor: str = "blue-pm") -> dict[str, Any]:
    """A reading that compresses little."""
    chance = random.Random(number)
    return {
        "sensor": sensor,
        "values": {key: round(chance.uniform(0, 90), 3) for key in ("pm1", "pm25", "pm10")},
        "interval_s": 10.0,
        "n": 10,
        "at": AT + number * 10_000,
    }


def rows(spool: Spool, after: int = 0, limit: int = 100_000) -> list[SpoolRow]:
    return [it for it in spool.after(after, limit) if isinstance(it, SpoolRow)]


def holes(spool: Spool, after: int = 0) -> list[Hole]:
    return [it for it in spool.after(after, 100_000) if isinstance(it, Hole)]


def told_of(spool: Spool) -> list[dict[str, Any]]:
    """Everything that is kept, as it would go out."""
    prefix = prefix_for("pi", spool.epoch)
    told = [json.loads(spool.shapes.wire(row, prefix, True)) for row in rows(spool, limit=10**6)]
    return [{"kind": "reading", **item} for item in told]


def crash(spool: Spool) -> None:
    """What is left after kill -9: nothing more is written, the lock is gone."""
    assert spool._lock_file is not None
    spool._lock_file.close()
