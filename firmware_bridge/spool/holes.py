"""Which sequence numbers hold nothing, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from firmware_bridge.spool.packing import Hole, SpoolRow

NO_LONGER_KEPT = "no longer kept"


class Holes:
    """Declared gaps, none over another. `unsaved` until they are on disk. A range may have rows among its numbers,
    those that stayed when the others were joined to means; only what holds nothing is told of.
    """

    def __init__(self, gaps: Iterable[Hole] = (), *, unsaved: bool = False) -> None:
        self._gaps = sorted(gaps)
        self.unsaved = unsaved

    def listed(self) -> list[Hole]:
        return list(self._gaps)

    def add(self, first: int, last: int, reason: str) -> None:
        """Numbers that were declared for another reason before are now gone for this one."""
        left: list[Hole] = []
        for gap in self._gaps:
            if gap.last < first or gap.first > last:
                left.append(gap)
                continue
            if gap.first < first:
                left.append(gap._replace(last=first - 1))
            if gap.last > last:
                left.append(gap._replace(first=last + 1))
        left.append(Hole(first, last, reason))
        left.sort()
        merged: list[Hole] = []
        for gap in left:
            if merged and merged[-1].reason == gap.reason and merged[-1].last == gap.first - 1:
                merged[-1] = merged[-1]._replace(last=gap.last)
            else:
                merged.append(gap)
        self._gaps, self.unsaved = merged, True

    def forget(self, upto: int) -> None:
        """Everything up to this is dealt with."""
        left = [gap for gap in self._gaps if gap.last > upto]
        if len(left) != len(self._gaps):
            self._gaps, self.unsaved = left, True


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
