"""The purifier's signal: the 5-minute median of valid PM2.5, and since when it is high or low. Pure, event time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from classair.science.averages import Sample

MEDIAN_MS: Final = 5 * 60_000
BLIND_MS: Final = 180_000
BLIND_INTERVALS: Final = 3


@dataclass(frozen=True, slots=True)
class Signal:
    """`newest_at`: end of the newest valid value; `high_since` / `low_since`: since when the median is at or beyond
    the limit without a break. A break is a median on the other side or a stretch without values of `blind_ms`.
    """

    median: float | None = None
    newest_at: int | None = None
    high_since: int | None = None
    low_since: int | None = None
    blind_ms: int = BLIND_MS


class SignalFollower:
    """Follows one room's valid values. A value that comes late is put in its place and the run is worked out anew."""

    KEEP_MS: Final = 40 * 60_000  # longer than any hold time, so that a rebuilt run is not cut short

    def __init__(self, on_above: float, off_below: float) -> None:
        self.on_above, self.off_below = on_above, off_below
        self._samples: deque[Sample] = deque()
        self._inside: deque[Sample] = deque()
        self._sorted: list[float] = []
        self.signal = Signal()

    def limits(self, on_above: float, off_below: float) -> None:
        """Takes on changed limits; the runs are judged anew by them."""
        if (on_above, off_below) != (self.on_above, self.off_below):
            self.on_above, self.off_below = on_above, off_below
            self._rebuild(self._samples)

    def add(self, samples: Iterable[Sample]) -> None:
        """Valid PM2.5 values, in any order; none of them dated in the future (the caller sets those aside)."""
        for sample in sorted(samples):
            newest = self.signal.newest_at
            if newest is not None and sample.at < newest - self.KEEP_MS:
                continue
            if newest is None or sample.at >= newest:
                self._samples.append(sample)
                self._advance(sample)
            else:
                self._rebuild(sorted((*self._samples, sample)))
            while self._samples and self._samples[0].at < (self.signal.newest_at or 0) - self.KEEP_MS:
                self._samples.popleft()

    def _rebuild(self, samples: Iterable[Sample]) -> None:
        self._samples = deque(samples)
        self._inside.clear()
        self._sorted.clear()
        self.signal = Signal()
        for sample in self._samples:
            self._advance(sample)

    def _advance(self, sample: Sample) -> None:
        old = self.signal
        self._inside.append(sample)
        insort(self._sorted, sample.value)
        while self._inside[0].at <= sample.at - MEDIAN_MS:
            gone = self._inside.popleft()
            del self._sorted[bisect_left(self._sorted, gone.value)]
        middle = len(self._sorted) // 2
        ordered = self._sorted
        median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
        median = round(median, 6)
        broken = old.newest_at is None or sample.at - old.newest_at > old.blind_ms
        high = None if median < self.on_above else sample.at if broken or old.high_since is None else old.high_since
        low = None if median > self.off_below else sample.at if broken or old.low_since is None else old.low_since
        self.signal = Signal(median, sample.at, high, low, max(BLIND_MS, BLIND_INTERVALS * sample.interval_ms))
