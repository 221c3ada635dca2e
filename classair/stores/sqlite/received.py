"""Which sequence numbers of a bridge have been dealt with: ranges in one table, judged in memory by its one writer."""

from __future__ import annotations

import sqlite3

from classair.intervals import Intervals
from classair.model import Gap


class Received:
    """The table `received` and its image in memory, by (bridge, epoch). Only the one writer may have one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[tuple[str, str], int] = {}
        self._numbers: dict[int, Intervals] = {}

    def forget(self) -> None:
        """After a rollback: what is in memory may be ahead of the table, so it is read again when needed."""
        self._ids.clear()
        self._numbers.clear()

    def id_of(self, bridge: str, epoch: str) -> int:
        """The number of a bridge's epoch, made when it is new; inside a transaction."""
        known = self._ids.get((bridge, epoch))
        if known is None:
            known = self._find(bridge, epoch)
            if known is None:
                known = self._connection.execute(
                    "insert into bridge_epoch(bridge, epoch) values(?, ?) returning id", (bridge, epoch)
                ).fetchone()[0]
            self._ids[bridge, epoch] = known
        return known

    def _find(self, bridge: str, epoch: str) -> int | None:
        row = self._connection.execute(
            "select id from bridge_epoch where bridge=? and epoch=?", (bridge, epoch)
        ).fetchone()
        return None if row is None else int(row[0])

    def numbers(self, bridge_epoch: int) -> Intervals:
        found = self._numbers.get(bridge_epoch)
        if found is None:
            rows = self._connection.execute(
                "select first, last + 1 from received where bridge_epoch=?", (bridge_epoch,)
            )
            found = self._numbers[bridge_epoch] = Intervals(rows)
        return found

    def known_numbers(self, bridge: str, epoch: str) -> Intervals:
        """The numbers of an epoch that may never have been heard of; changes nothing."""
        known = self._ids.get((bridge, epoch)) or self._find(bridge, epoch)
        return Intervals() if known is None else self.numbers(known)

    def flush(self) -> None:
        """Writes what changed into the table; before each commit."""
        for bridge_epoch, numbers in self._numbers.items():
            if numbers.removed:
                self._connection.executemany(
                    "delete from received where bridge_epoch=? and first=?",
                    [(bridge_epoch, first) for first in sorted(numbers.removed)],
                )
                numbers.removed.clear()
            if numbers.changed:
                self._connection.executemany(
                    "insert into received values(?, ?, ?) on conflict do update set last=excluded.last",
                    [(bridge_epoch, first, numbers.end_of(first) - 1) for first in sorted(numbers.changed)],
                )
                numbers.changed.clear()


def gaps(connection: sqlite3.Connection) -> list[tuple[Gap, int]]:
    """Every gap with the moment it was learnt of."""
    return [
        (Gap(bridge, epoch, first, last, reason), at_ms)
        for bridge, epoch, first, last, reason, at_ms in connection.execute(
            "select bridge, epoch, first, last, reason, at_ms from gap join bridge_epoch "
            "on id=bridge_epoch order by at_ms, bridge, epoch, first"
        )
    ]
