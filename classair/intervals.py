"""Sets of whole numbers (sequence numbers, moments in ms) as intervals from `start` up to, not including, `end`.

Functions take and give sorted lists of intervals that do not touch; `Intervals` is a set that grows number by number.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Final

Interval = tuple[int, int]

_CHUNK: Final = 1024


def of_numbers(numbers: Iterable[int]) -> tuple[list[Interval], int]:
    """The intervals of rising numbers, and how many of these stood there more than once."""
    found: list[Interval] = []
    doubled = start = end = 0
    for number in numbers:
        if start < end and number == end:
            end += 1
        elif start < end and number == end - 1:
            doubled += 1
        else:
            if start < end:
                found.append((start, end))
            start, end = number, number + 1
    if start < end:
        found.append((start, end))
    return found, doubled


def union(*many: Iterable[Interval]) -> list[Interval]:
    """Everything that is in any of them, which may be in any order and empty."""
    found: list[Interval] = []
    for start, end in sorted(interval for intervals in many for interval in intervals):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def without(intervals: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """What is in `intervals` and in none of `others`."""
    left: list[Interval] = []
    taken, at = list(others), 0
    for start, end in intervals:
        while at < len(taken) and taken[at][1] <= start:
            at += 1
        here = at
        while here < len(taken) and taken[here][0] < end:
            if taken[here][0] > start:
                left.append((start, taken[here][0]))
            start = max(start, taken[here][1])
            here += 1
        if start < end:
            left.append((start, end))
    return left


def within(intervals: Iterable[Interval], start: int, end: int) -> list[Interval]:
    """What of them lies between start and end."""
    return [(max(first, start), min(last, end)) for first, last in intervals if first < end and last > start]


def holds(intervals: list[Interval], numbers: Iterable[int]) -> list[bool]:
    """For each of rising numbers whether an interval holds it."""
    found, here, count = [], 0, len(intervals)
    for number in numbers:
        while here < count and intervals[here][1] <= number:
            here += 1
        found.append(here < count and intervals[here][0] <= number)
    return found


def size(intervals: Iterable[Interval]) -> int:
    return sum(end - start for start, end in intervals)


def shown(intervals: list[Interval], at_most: int = 5) -> str:
    """`3, 7–9 …` for people: first and last number of each."""
    parts = [str(start) if start == end - 1 else f"{start}–{end - 1}" for start, end in intervals[:at_most]]
    return ", ".join(parts) + (" …" if len(intervals) > at_most else "")


class Intervals:
    """A set of numbers. Quick for one more at the end and for any other order.

    `changed` and `removed` name the intervals (by their start) that a table of them does not know yet.
    """

    __slots__ = ("_chunks", "_ends", "_heads", "changed", "removed")

    def __init__(self, intervals: Iterable[Interval] = ()) -> None:
        self._ends: dict[int, int] = dict(sorted(intervals))
        starts = list(self._ends)
        # Starts in order, in pieces, so that one more in the middle moves only a piece.
        self._chunks: list[list[int]] = [starts[i : i + _CHUNK] for i in range(0, len(starts), _CHUNK)]
        self._heads: list[int] = [chunk[0] for chunk in self._chunks]
        self.changed: set[int] = set()
        self.removed: set[int] = set()

    def __iter__(self) -> Iterator[Interval]:
        for chunk in self._chunks:
            for start in chunk:
                yield start, self._ends[start]

    @property
    def end(self) -> int:
        """The end of the last interval; 0 when there is none."""
        return self._ends[self._chunks[-1][-1]] if self._chunks else 0

    def end_of(self, start: int) -> int:
        return self._ends[start]

    def _at_or_before(self, number: int) -> int | None:
        """The start of the last interval that begins at or before `number`."""
        where = bisect_right(self._heads, number) - 1
        if where < 0:
            return None
        chunk = self._chunks[where]
        return chunk[bisect_right(chunk, number) - 1]

    def __contains__(self, number: int) -> bool:
        start = self._at_or_before(number)
        return start is not None and number < self._ends[start]

    def add(self, number: int) -> bool:
        """Takes in one number; False when it was there."""
        ends = self._ends
        start = self._at_or_before(number)
        if start is not None:
            end = ends[start]
            if number < end:
                return False
            if number == end:
                if number + 1 in ends:
                    ends[start] = ends[number + 1]
                    self._drop(number + 1)
                else:
                    ends[start] = number + 1
                self.changed.add(start)
                return True
        end = number + 1
        if end in ends:
            end = ends[end]
            self._drop(number + 1)
        self._insert(number, end)
        return True

    def add_interval(self, start: int, end: int) -> bool:
        """Takes in all of it; False when all of it was there."""
        before = self._at_or_before(start)
        if before is not None and self._ends[before] >= end:
            return False
        if before is not None and self._ends[before] >= start:
            start = before
        # Intervals that begin inside the new one, or right behind it, become part of it.
        while (inner := self._at_or_before(end)) is not None and inner > start:
            end = max(end, self._ends[inner])
            self._drop(inner)
        if start == before:
            self._ends[start] = end
            self.changed.add(start)
        else:
            self._insert(start, end)
        return True

    def remove(self, number: int) -> bool:
        """Forgets one number; False when it was not there."""
        start = self._at_or_before(number)
        if start is None or number >= self._ends[start]:
            return False
        end = self._ends[start]
        self._drop(start)
        if start < number:
            self._insert(start, number)
        if number + 1 < end:
            self._insert(number + 1, end)
        return True

    def _insert(self, start: int, end: int) -> None:
        self._ends[start] = end
        self.changed.add(start)
        self.removed.discard(start)
        where = bisect_right(self._heads, start) - 1
        if where < 0:
            if not self._chunks:
                self._chunks.append([start])
                self._heads.append(start)
                return
            where = 0
        chunk = self._chunks[where]
        if start > chunk[-1]:
            chunk.append(start)
        else:
            insort(chunk, start)
        self._heads[where] = chunk[0]
        if len(chunk) > 2 * _CHUNK:
            rest = chunk[_CHUNK:]
            del chunk[_CHUNK:]
            self._chunks.insert(where + 1, rest)
            self._heads.insert(where + 1, rest[0])

    def _drop(self, start: int) -> None:
        del self._ends[start]
        self.removed.add(start)
        self.changed.discard(start)
        where = bisect_right(self._heads, start) - 1
        chunk = self._chunks[where]
        del chunk[bisect_right(chunk, start) - 1]
        if chunk:
            self._heads[where] = chunk[0]
        else:
            del self._chunks[where], self._heads[where]
