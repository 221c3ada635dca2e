"""Which sequence numbers hold nothing, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from classair.intervals import Interval, union, without
from firmware_bridge.spool.packing import Hole, SpoolRow

NO_LONGER_KEPT = "no longer kept"


class Holes:
    """Declared gaps, none over another. `unsaved` until they are on disk. A range of an earlier version may have rows
    among its numbers, the means of the others; only what holds nothing is told of.
    """

    def __init__(self, gaps: Iterable[Hole] = (), *, unsaved: bool = False) -> None:
        self._by_reason: dict[str, list[Interval]] = {}
        for gap in gaps:
            self._by_reason.setdefault(gap.reason, []).append((gap.first, gap.last + 1))
        self.unsaved = unsaved

    def listed(self) -> list[Hole]:
        return sorted(
            Hole(start, end - 1, reason) for reason, numbers in self._by_reason.items() for start, end in numbers
        )

    def add(self, first: int, last: int, reason: str) -> None:
        """Numbers that were declared for another reason before are now gone for this one."""
        new = [(first, last + 1)]
        self._by_reason = {other: without(sorted(numbers), new) for other, numbers in self._by_reason.items()}
        self._by_reason[reason] = union(self._by_reason.get(reason, []), new)
        self.unsaved = True

    def forget(self, upto: int) -> None:
        """Every gap that ends there or before is dealt with."""
        for reason, numbers in self._by_reason.items():
            left = [gap for gap in numbers if gap[1] - 1 > upto]
            self.unsaved |= len(left) != len(numbers)
            self._by_reason[reason] = left


def within(first: int, last: int, gaps: Iterable[Hole]) -> Iterator[Hole]:
    """What is known about numbers that hold nothing: the declared gaps among them, and what was evicted after use."""
    for gap in sorted(gaps):
        if gap.last < first or gap.first > last:
            continue
        if gap.first > first:
            yield Hole(first, gap.first - 1, NO_LONGER_KEPT)
        yield Hole(max(first, gap.first), min(last, gap.last), gap.reason)
        first = gap.last + 1
    if first <= last:
        yield Hole(first, last, NO_LONGER_KEPT)


def count_between(first: int, last: int, gaps: Iterable[Hole]) -> int:
    """How many numbers from `first` to `last` are in no gap."""
    gone = sum(max(min(gap.last, last) - max(gap.first, first) + 1, 0) for gap in gaps)
    return max(last - first + 1 - gone, 0)


def with_holes(
    rows: Mapping[int, SpoolRow], gaps: list[Hole], first: int, newest: int, limit: int
) -> list[SpoolRow | Hole]:
    """Up to `limit` dated rows from `first` to `newest` in order, with the holes between and behind them."""
    found: list[SpoolRow | Hole] = []
    expected, taken = first, 0
    for number in sorted(rows):
        if taken == limit:
            return found
        if number > expected:
            found += within(expected, number - 1, gaps)
        expected = number + 1
        if rows[number].at is not None:
            found.append(rows[number])
            taken += 1
    if taken < limit and expected <= newest:
        found += within(expected, newest, gaps)
    return found
