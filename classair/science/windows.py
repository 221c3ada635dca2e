"""The valid samples of one room: in order of time, no reading twice, with means that go along as samples come.

What a reading costs does not grow with a window: the usual question, a stretch that ends at the newest sample, is
answered by sums that are kept; only questions about the past walk through samples.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from classair.science.averages import COMPLETE, Sample, covered_ms
from classair.science.sliding import SlidingMean
from classair.science.state import Measure
from classair.units import HOUR_MS, MINUTE_MS

KEEP_MS: Final = HOUR_MS + 5 * MINUTE_MS  # the longest window: the last hour, for playing outdoors


class SensorSamples:
    """One sensor's samples of one quantity."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._sliding: dict[int, SlidingMean] = {}

    def add(self, sample: Sample) -> None:
        if not self.samples or sample >= self.samples[-1]:
            self.samples.append(sample)
        else:
            insort(self.samples, sample)
        for sliding in self._sliding.values():
            sliding.add(sample)

    def drop_before(self, at: int) -> None:
        if self.samples and self.samples[0].at < at:
            del self.samples[: bisect_left(self.samples, at, key=_at)]

    def discard(self, at: int) -> None:
        self.samples = [sample for sample in self.samples if sample.at != at]
        self._sliding.clear()

    def over(self, start: int, end: int) -> tuple[int, float | None]:
        """(covered ms, mean) of (start, end], each sample weighed by its part inside."""
        length = end - start
        sliding = self._sliding.get(length)
        if sliding is None:
            sliding = self._sliding[length] = SlidingMean(length)
            for sample in self.between(self.samples[-1].at - length if self.samples else 0, None):
                sliding.add(sample)
        if sliding.newest is not None and end < sliding.newest:
            return _walked(self.between(start, end), start)
        sliding.advance(end)
        weight, total, _ = sliding.sums()
        return (sliding.covered_ms(), total / weight) if weight else (0, None)

    def between(self, start: int, end: int | None) -> list[Sample]:
        """Those with start < at <= end, in order."""
        last = len(self.samples) if end is None else bisect_right(self.samples, end, key=_at)
        return self.samples[bisect_right(self.samples, start, key=_at) : last]


class Window:
    """One quantity, all sensors."""

    def __init__(self) -> None:
        self.filled_behind = False  # a sample came that others had overtaken: what was concluded may be wrong
        self.sensors: dict[str, SensorSamples] = {}
        self._newest: int | None = None
        self._seen: set[tuple[str, int]] = set()
        self._seen_from = 0
        self._pooled: dict[int, tuple[frozenset[str], SlidingMean]] = {}

    def add(self, sample: Sample) -> bool:
        if (sample.sensor, sample.at) in self._seen:
            return False
        newest = sample.at if self._newest is None else self._newest
        if sample.at < newest - KEEP_MS:
            return False
        self._seen.add((sample.sensor, sample.at))
        if sample.at < newest - MINUTE_MS:
            self.filled_behind = True
        self._newest = max(newest, sample.at)
        own = self.sensors.get(sample.sensor)
        if own is None:
            own = self.sensors[sample.sensor] = SensorSamples()
        own.add(sample)
        for without, sliding in self._pooled.values():
            if sample.sensor not in without:
                sliding.add(sample)
        if self._newest - KEEP_MS >= self._seen_from + MINUTE_MS:
            self._drop(self._newest - KEEP_MS)
        return True

    def discard(self, sensor: str, at: int) -> bool:
        """Takes a sample out again; whether it was there."""
        if (sensor, at) not in self._seen:
            return False
        self._seen.discard((sensor, at))
        self.sensors[sensor].discard(at)
        self._pooled.clear()
        return True

    def _drop(self, before: int) -> None:
        self._seen_from = before
        self._seen = {key for key in self._seen if key[1] >= before}
        for sensor in self.sensors.values():
            sensor.drop_before(before)

    def pooled(self, length_ms: int, without: frozenset[str] = frozenset()) -> SlidingMean:
        """The mean that ends at the newest sample of all sensors but these."""
        kept = self._pooled.get(length_ms)
        if kept is not None and kept[0] == without:
            return kept[1]
        sliding = SlidingMean(length_ms)
        for sample in self.last(length_ms, None, without):
            sliding.add(sample)
        self._pooled[length_ms] = (without, sliding)
        return sliding

    def newest(self, without: frozenset[str] = frozenset()) -> int | None:
        """When the newest sample of all sensors but these was measured."""
        return max(
            (own.samples[-1].at for name, own in self.sensors.items() if own.samples and name not in without),
            default=None,
        )

    def oldest(self) -> int | None:
        return min((own.samples[0].at for own in self.sensors.values() if own.samples), default=None)

    def last(self, length_ms: int, until: int | None = None, without: frozenset[str] = frozenset()) -> Sequence[Sample]:
        """The samples of the stretch of this length that ends at the newest one (not after `until`)."""
        mine = [own for name, own in self.sensors.items() if name not in without]
        ends = [bisect_right(own.samples, until, key=_at) if until is not None else len(own.samples) for own in mine]
        newest = max((own.samples[end - 1].at for own, end in zip(mine, ends, strict=True) if end), default=None)
        if newest is None:
            return ()
        return sorted(chain.from_iterable(own.between(newest - length_ms, until) for own in mine))

    def walk(self, without: frozenset[str] = frozenset()) -> Iterator[Sample]:
        """Every sample of all sensors but these, in order of time."""
        yield from sorted(chain.from_iterable(own.samples for name, own in self.sensors.items() if name not in without))

    def measures(
        self, length_ms: int, moments: Iterable[int], without: frozenset[str] = frozenset()
    ) -> Iterator[Measure]:
        """What the window that ends at the newest sample until each of these moments, which rise, gave then."""
        samples, place, sliding = list(self.walk(without)), 0, SlidingMean(length_ms)
        for moment in moments:
            while place < len(samples) and samples[place].at <= moment:
                sliding.add(samples[place])
                place += 1
            yield measured(sliding)

    def over(self, sensor: str, start: int, end: int) -> tuple[int, float | None]:
        """(covered ms, mean) of one sensor in (start, end]."""
        own = self.sensors.get(sensor)
        return (0, None) if own is None else own.over(start, end)


def measured(sliding: SlidingMean) -> Measure:
    """What a window gives, as `state.measure` gives it for its samples."""
    newest = sliding.newest
    if newest is None:
        return Measure()
    found = sliding.mean()
    if found.mean is not None:
        return Measure(newest, found.mean)
    length = sliding.length_ms
    for minutes in range(1, length // MINUTE_MS + 1):
        covered = sliding.covered_behind(newest + minutes * MINUTE_MS - length)
        if covered + minutes * MINUTE_MS >= COMPLETE * length:
            return Measure(newest, None, minutes)
    return Measure(newest, None, length // MINUTE_MS)


def _walked(samples: Sequence[Sample], start: int) -> tuple[int, float | None]:
    parts = [(sample.value, max(sample.at - sample.interval_ms, start), sample.at) for sample in samples]
    weight = sum(until - since for _, since, until in parts)
    if not weight:
        return 0, None
    covered = covered_ms([(since, until) for _, since, until in parts])
    return covered, sum(value * (until - since) for value, since, until in parts) / weight


def _at(sample: Sample) -> int:
    return sample.at
