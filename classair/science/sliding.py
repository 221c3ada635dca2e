"""The mean of a window that moves with its newest sample, at a cost that does not grow with the window.

It gives what `averages.window_mean` gives for the same samples: sums go along as samples come and go, and only the few
samples that reach over the window's beginning are looked at again. Samples may come in any order.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

from classair.science.averages import COMPLETE, Sample, WindowMean

_FRESH_AFTER: Final = 512  # samples gone until a sum is added up anew, so that no rounding gathers


class Covered:
    """The union of spans, of which the beginning is cut off again and again."""

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        self._total = 0

    def add(self, begin: int, end: int) -> None:
        """Spans that touch or overlap become one; the usual one, behind all others, costs nothing more."""
        if end <= begin:
            return
        first = bisect_left(self._ends, begin)
        last = first
        while last < len(self._begins) and self._begins[last] <= end:
            begin, end = min(begin, self._begins[last]), max(end, self._ends[last])
            self._total -= self._ends[last] - self._begins[last]
            last += 1
        self._begins[first:last], self._ends[first:last] = [begin], [end]
        self._total += end - begin

    def since(self, start: int) -> int:
        """How much of what is behind `start` is covered, in ms. What is before is given up."""
        self._cut(start)
        return self._total

    def behind(self, start: int) -> int:
        """The same for a later `start`, with nothing given up."""
        return sum(end - max(begin, start) for begin, end in zip(self._begins, self._ends, strict=True) if end > start)

    def _cut(self, start: int) -> None:
        gone = 0
        while gone < len(self._ends) and self._ends[gone] <= start:
            self._total -= self._ends[gone] - self._begins[gone]
            gone += 1
        if gone:
            del self._begins[:gone], self._ends[:gone]
        if self._begins and self._begins[0] < start:
            self._total -= start - self._begins[0]
            self._begins[0] = start


class _Alike:
    """Samples of similar intervals, in order of time, with their sums."""

    def __init__(self, longest_ms: int) -> None:
        self._longest_ms = longest_ms
        self._samples: list[tuple[int, float, int]] = []
        self._head = 0
        self.weight = 0
        self.total = 0.0

    def __len__(self) -> int:
        return len(self._samples) - self._head

    def add(self, at: int, value: float, interval_ms: int) -> None:
        item = (at, value, interval_ms)
        if not self._samples or item >= self._samples[-1]:
            self._samples.append(item)
        else:
            insort(self._samples, item, lo=self._head)
        self.weight += interval_ms
        self.total += value * interval_ms

    def drop_upto(self, start: int) -> None:
        samples, head = self._samples, self._head
        while head < len(samples) and samples[head][0] <= start:
            self.weight -= samples[head][2]
            self.total -= samples[head][1] * samples[head][2]
            head += 1
        if head == len(samples) or head >= max(_FRESH_AFTER, len(samples) // 2):
            del samples[:head]
            head = 0
            self.total = sum(value * interval for _, value, interval in samples)
        self._head = head

    def before(self, start: int) -> tuple[int, float]:
        """Weight and sum of what lies before `start`, of samples that end behind it."""
        weight, total = 0, 0.0
        for index in range(self._head, len(self._samples)):
            at, value, interval = self._samples[index]
            if at >= start + self._longest_ms:
                break
            over = start - (at - interval)
            if over > 0:
                weight += over
                total += value * over
        return weight, total


class SlidingMean:
    """The mean over the `length_ms` that end at the newest sample, of pooled sensors. Values are as in `Sample`.

    `newest` is None while there is no sample. A sample behind the window is left out.
    """

    def __init__(self, length_ms: int) -> None:
        self.length_ms = length_ms
        self.newest: int | None = None
        self._alike: dict[int, _Alike] = {}
        self._covered = Covered()

    def add(self, sample: Sample) -> None:
        self.advance(sample.at)
        assert self.newest is not None
        if sample.at <= self.newest - self.length_ms:
            return
        size = sample.interval_ms.bit_length()
        alike = self._alike.get(size)
        if alike is None:
            alike = self._alike[size] = _Alike(1 << size)
        alike.add(sample.at, sample.value, sample.interval_ms)
        self._covered.add(sample.at - sample.interval_ms, sample.at)

    def advance(self, end: int) -> None:
        """Moves the window on to end at `end`; never back."""
        if self.newest is None or end > self.newest:
            self.newest = end

    def sums(self) -> tuple[int, float, int]:
        """(weight in ms, sum of value × ms, number) of what lies in the window."""
        if self.newest is None:
            return 0, 0.0, 0
        start = self.newest - self.length_ms
        weight, total, count = 0, 0.0, 0
        for size in list(self._alike):
            alike = self._alike[size]
            alike.drop_upto(start)
            if not len(alike):
                del self._alike[size]
                continue
            over_weight, over_total = alike.before(start)
            weight += alike.weight - over_weight
            total += alike.total - over_total
            count += len(alike)
        return weight, total, count

    def covered_ms(self) -> int:
        """How much of the window any sample covers."""
        return 0 if self.newest is None else self._covered.since(self.newest - self.length_ms)

    def covered_behind(self, start: int) -> int:
        """How much any sample covers behind a moment inside the window."""
        return self._covered.behind(start)

    def mean(self) -> WindowMean:
        """As `averages.window_mean` of the same samples."""
        weight, total, count = self.sums()
        covered = self.covered_ms()
        if not weight or covered < COMPLETE * self.length_ms:
            return WindowMean(None, covered, count)
        return WindowMean(round(total / weight, 6), covered, count)
