"""Which sequence numbers of a bridge have been dealt with: ranges in one table, judged in memory by its one writer."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Final

_CHUNK: Final = 1024


class Runs:
    """Disjoint runs of integers that never touch each other. Quick for one more at the end and for any other order.

    `changed` and `removed` name the runs (by their first number) that the table does not know yet.
    """

    __slots__ = ("_chunks", "_heads", "_lasts", "changed", "removed")

    def __init__(self, runs: Iterable[tuple[int, int]] = ()) -> None:
        self._lasts: dict[int, int] = dict(sorted(runs))
        firsts = list(self._lasts)
        # First numbers in order, in pieces, so that one more in the middle moves only a piece.
        self._chunks: list[list[int]] = [firsts[i : i + _CHUNK] for i in range(0, len(firsts), _CHUNK)]
        self._heads: list[int] = [chunk[0] for chunk in self._chunks]
        self.changed: set[int] = set()
        self.removed: set[int] = set()

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for chunk in self._chunks:
            for first in chunk:
                yield first, self._lasts[first]

    @property
    def end(self) -> int:
        """The highest number of all; 0 when there is none."""
        return self._lasts[self._chunks[-1][-1]] if self._chunks else 0

    def last_of(self, first: int) -> int:
        return self._lasts[first]

    def _at_or_before(self, number: int) -> int | None:
        """The first number of the last run that begins at or before `number`."""
        where = bisect_right(self._heads, number) - 1
        if where < 0:
            return None
        chunk = self._chunks[where]
        return chunk[bisect_right(chunk, number) - 1]

    def __contains__(self, number: int) -> bool:
        first = self._at_or_before(number)
        return first is not None and self._lasts[first] >= number

    def add(self, number: int) -> bool:
        """Takes in one number; False when it was there."""
        lasts = self._lasts
        first = self._at_or_before(number)
        if first is not None:
            last = lasts[first]
            if last >= number:
                return False
            if last == number - 1:
                if number + 1 in lasts:
                    lasts[first] = lasts[number + 1]
                    self._drop(number + 1)
                else:
                    lasts[first] = number
                self.changed.add(first)
                return True
        last = number
        if number + 1 in lasts:
            last = lasts[number + 1]
            self._drop(number + 1)
        self._insert(number, last)
        return True

    def add_run(self, first: int, last: int) -> bool:
        """Takes in first…last; False when all of it was there."""
        before = self._at_or_before(first)
        if before is not None and self._lasts[before] >= last:
            return False
        start, end = first, last
        if before is not None and self._lasts[before] >= first - 1:
            start = before
        # Runs that begin inside the new one, or right behind it, become part of it.
        while (inner := self._at_or_before(end + 1)) is not None and inner > start:
            end = max(end, self._lasts[inner])
            self._drop(inner)
        if start == before:
            self._lasts[start] = end
            self.changed.add(start)
        else:
            self._insert(start, end)
        return True

    def take_out(self, number: int) -> bool:
        """Forgets one number; False when it was not there."""
        first = self._at_or_before(number)
        if first is None or self._lasts[first] < number:
            return False
        last = self._lasts[first]
        self._drop(first)
        if first < number:
            self._insert(first, number - 1)
        if number < last:
            self._insert(number + 1, last)
        return True

    def holes(self) -> list[tuple[int, int]]:
        """What is missing from 1 up to the highest number."""
        found, wanted = [], 1
        for first, last in self:
            if first > wanted:
                found.append((wanted, first - 1))
            wanted = last + 1
        return found

    def _insert(self, first: int, last: int) -> None:
        self._lasts[first] = last
        self.changed.add(first)
        self.removed.discard(first)
        where = bisect_right(self._heads, first) - 1
        if where < 0:
            if not self._chunks:
                self._chunks.append([first])
                self._heads.append(first)
                return
            where = 0
        chunk = self._chunks[where]
        if first > chunk[-1]:
            chunk.append(first)
        else:
            insort(chunk, first)
        self._heads[where] = chunk[0]
        if len(chunk) > 2 * _CHUNK:
            rest = chunk[_CHUNK:]
            del chunk[_CHUNK:]
            self._chunks.insert(where + 1, rest)
            self._heads.insert(where + 1, rest[0])

    def _drop(self, first: int) -> None:
        del self._lasts[first]
        self.removed.add(first)
        self.changed.discard(first)
        where = bisect_right(self._heads, first) - 1
        chunk = self._chunks[where]
        del chunk[bisect_right(chunk, first) - 1]
        if chunk:
            self._heads[where] = chunk[0]
        else:
            del self._chunks[where], self._heads[where]


class Received:
    """The table `received` and its image in memory, by (bridge, epoch). Only the one writer may have one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[tuple[str, str], int] = {}
        self._runs: dict[int, Runs] = {}

    def forget(self) -> None:
        """After a rollback: what is in memory may be ahead of the table, so it is read again when needed."""
        self._ids.clear()
        self._runs.clear()

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

    def runs(self, bridge_epoch: int) -> Runs:
        found = self._runs.get(bridge_epoch)
        if found is None:
            rows = self._connection.execute("select first, last from received where bridge_epoch=?", (bridge_epoch,))
            found = self._runs[bridge_epoch] = Runs(rows)
        return found

    def known_runs(self, bridge: str, epoch: str) -> Runs:
        """The runs of an epoch that may never have been heard of; changes nothing."""
        known = self._ids.get((bridge, epoch)) or self._find(bridge, epoch)
        return Runs() if known is None else self.runs(known)

    def flush(self) -> None:
        """Writes what changed into the table; before each commit."""
        for bridge_epoch, runs in self._runs.items():
            if runs.removed:
                self._connection.executemany(
                    "delete from received where bridge_epoch=? and first=?",
                    [(bridge_epoch, first) for first in sorted(runs.removed)],
                )
                runs.removed.clear()
            if runs.changed:
                self._connection.executemany(
                    "insert into received values(?, ?, ?) on conflict do update set last=excluded.last",
                    [(bridge_epoch, first, runs.last_of(first)) for first in sorted(runs.changed)],
                )
                runs.changed.clear()
