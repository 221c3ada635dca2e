"""Many items into a spool at once, such as the history of a simulated school."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from firmware_bridge.spool.packing import SpoolRow

AT_ONCE: Final = 4_000  # in one transaction


class Keeps(Protocol):
    """What is needed of a spool."""

    storage: str

    def append(self, item: Mapping[str, Any], at: int | None, clock: str = "sync") -> SpoolRow | None: ...

    def commit(self) -> bool: ...


def extend(spool: Keeps, items: Iterable[Mapping[str, Any]]) -> int:
    """Appends dated wire items (without bridge, epoch, seq; kinds reading and switch) and makes them durable.

    Returns how many. Raises ValueError for an item without numbers, sqlite3.OperationalError when the disk fails.
    """
    count = 0
    for count, item in enumerate(items, 1):
        row = spool.append(item, item["at"], item.get("clock", "sync"))
        if row is None or (count % AT_ONCE == 0 and not spool.commit()):
            raise sqlite3.OperationalError(spool.storage)
    if not spool.commit():
        raise sqlite3.OperationalError(spool.storage or "the spool is not on disk")
    return count
