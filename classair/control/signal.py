"""The purifier's signal: one 5-minute median a sensor, the highest of them for the room, and since when. Pure.

By event time alone. A sensor's death never makes a room cleaner: one that falls silent, or is not to be trusted any
more, while its median is above `off_below` is held at that value until it speaks again, is taken out of the
configuration, or the room is empty (`forget_silent`). docs/control.md is this file in words.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from classair.science.averages import Sample
from classair.units import SECOND_MS

MEDIAN_MS: Final = 5 * 60_000
FAST_MS: Final = 60_000
BLIND_MS: Final = 180_000
BLIND_INTERVALS: Final = 3
DIFFER_UGM3: Final = 10.0  # sensors differ that are further apart than this …
DIFFER_SHARE: Final = 0.5  # … and than this share of the mean of the highest and the lowest …
DIFFER_MS: Final = 5 * 60_000  # … for so long; and they agree again when they are not, for as long


@dataclass(frozen=True, slots=True)
class Signal:
    """`median`: the highest of the sensors' medians; `newest_at`: end of the newest valid value of any of them.

    `high_since` / `low_since`: since when the room is at or beyond the limit without a break; low needs every sensor
    low. A break is a value on the other side or a stretch without values of `blind_ms`. `fast_since`: since when a
    1-minute median is at or above the limit of the fast path. `highest`: the living sensor with the highest median.
    `disagree_since`: since when the sensors differ, None while they do not, or not for long enough. `gone`: somebody
    who knows says that no sensor of the room speaks any more.
    """

    median: float | None = None
    newest_at: int | None = None
    high_since: int | None = None
    low_since: int | None = None
    blind_ms: int = BLIND_MS
    fast_since: int | None = None
    highest: str = ""
    disagree_since: int | None = None
    gone: bool = False

    def lasts(self, since: int | None, for_ms: int) -> bool:
        """Whether a run has lasted so long, by the time its values stand for: silence proves nothing."""
        return since is not None and self.newest_at is not None and self.newest_at - since >= for_ms


@dataclass(slots=True)
class _Second:
    """The values of one sensor in one second, and what its medians and runs are after them.

    They count as one, so that a fast sensor costs no more than a slow one.
    """

    at: int
    interval_ms: int
    total: float
    count: int
    value: float = 0.0
    median: float = 0.0
    fast: float = 0.0
    high_since: int | None = None
    low_since: int | None = None
    fast_since: int | None = None
    blind_ms: int = BLIND_MS


@dataclass(frozen=True, slots=True)
class _Limits:
    on_above: float
    off_below: float
    fast_above: float


class _Sensor:
    """One sensor's seconds. A value that comes late is put in its place, and all behind it is worked out anew."""

    def __init__(self) -> None:
        self.seconds: list[_Second] = []
        self._ordered: list[float] = []  # the values of the last 5 minutes …
        self._from = 0  # … which begin here
        self._fast: list[float] = []
        self._fast_from = 0

    @property
    def last(self) -> _Second:
        return self.seconds[-1]

    def put(self, sample: Sample) -> int:
        """Puts a value in; the place from which on the rest has to be worked out."""
        second = sample.at // SECOND_MS
        place = len(self.seconds)
        while place and self.seconds[place - 1].at // SECOND_MS >= second:
            place -= 1
            if self.seconds[place].at // SECOND_MS == second:
                known = self.seconds[place]
                known.at, known.interval_ms = max(known.at, sample.at), max(known.interval_ms, sample.interval_ms)
                known.total, known.count = known.total + sample.value, known.count + 1
                return place
        self.seconds.insert(place, _Second(sample.at, sample.interval_ms, sample.value, 1))
        return place

    def work_out(self, place: int, limits: _Limits) -> None:
        """Medians and runs from a place on."""
        if place < len(self.seconds) - 1 or self.seconds[place].count > 1:
            self._windows_before(place)
        for index in range(place, len(self.seconds)):
            self._advance(index, limits)

    def trim(self, before: int) -> None:
        """Drops what is older, now and then."""
        if len(self.seconds) < 64 or self.seconds[len(self.seconds) // 4].at >= before:
            return
        gone = bisect_left(self.seconds, before, key=lambda second: second.at)
        gone = min(gone, self._from, self._fast_from)
        del self.seconds[:gone]
        self._from -= gone
        self._fast_from -= gone

    def _windows_before(self, place: int) -> None:
        """The windows as they were before the second at this place came."""
        if not place:
            self._ordered, self._from, self._fast, self._fast_from = [], 0, [], 0
            return
        newest = self.seconds[place - 1].at
        self._from = bisect_left(self.seconds, newest - MEDIAN_MS + 1, hi=place, key=lambda second: second.at)
        self._fast_from = bisect_left(self.seconds, newest - FAST_MS + 1, hi=place, key=lambda second: second.at)
        self._ordered = sorted(second.value for second in self.seconds[self._from : place])
        self._fast = sorted(second.value for second in self.seconds[self._fast_from : place])

    def _advance(self, index: int, limits: _Limits) -> None:
        it, old = self.seconds[index], self.seconds[index - 1] if index else None
        it.value = it.total / it.count
        insort(self._ordered, it.value)
        insort(self._fast, it.value)
        self._from = self._without(self._ordered, self._from, it.at - MEDIAN_MS)
        self._fast_from = self._without(self._fast, self._fast_from, it.at - FAST_MS)
        it.median, it.fast = _middle(self._ordered), _middle(self._fast)
        patience = max(BLIND_MS, BLIND_INTERVALS * it.interval_ms)
        gap = it.at - old.at if old is not None else None
        if old is None or gap is None or gap > old.blind_ms:
            high = low = fast = it.at
        else:
            high = it.at if old.high_since is None else old.high_since
            low = it.at if old.low_since is None else old.low_since
            # A minute's median is none of before a pause of more than a minute.
            broken = gap > max(FAST_MS, BLIND_INTERVALS * old.interval_ms)
            fast = it.at if old.fast_since is None or broken else old.fast_since
        it.high_since = high if it.median >= limits.on_above else None
        it.low_since = low if it.median <= limits.off_below else None
        it.fast_since = fast if it.fast >= limits.fast_above else None
        it.blind_ms = patience

    def _without(self, ordered: list[float], start: int, until: int) -> int:
        while self.seconds[start].at <= until:
            del ordered[bisect_left(ordered, self.seconds[start].value)]
            start += 1
        return start


class SignalFollower:
    """Follows one room: `Sample.sensor` says whose value it is."""

    KEEP_MS: Final = 40 * 60_000  # longer than any hold time, so that a rebuilt run is not cut short

    def __init__(self, on_above: float, off_below: float, fast_above: float = 50.0) -> None:
        self._limits = _Limits(on_above, off_below, fast_above)
        self._sensors: dict[str, _Sensor] = {}
        self._suspects: frozenset[str] = frozenset()
        self._differ_since: int | None = None
        self._agree_since: int | None = None
        self.signal = Signal()
        self.held: dict[str, tuple[int, float]] = {}  # silent sensors that still count: the last value's time, median

    def limits(self, on_above: float, off_below: float, fast_above: float = 50.0) -> None:
        """Takes on changed limits; the runs are judged anew by them."""
        fresh = _Limits(on_above, off_below, fast_above)
        if fresh != self._limits:
            self._limits = fresh
            for sensor in self._sensors.values():
                sensor.work_out(0, fresh)
            self._combine(anew=True)

    def only(self, sensors: Collection[str]) -> None:
        """Forgets every sensor that is not among these: it was taken out of the room."""
        if gone := self._sensors.keys() - set(sensors):
            for name in gone:
                del self._sensors[name]
            self._combine(anew=True)

    def suspect(self, sensors: Collection[str]) -> None:
        """Which sensors are not to be trusted: they count as silent, and their values are not taken in."""
        suspects = frozenset(sensors)
        if suspects != self._suspects:
            for name in self._suspects - suspects:
                self._sensors.pop(name, None)  # what it said before it was doubted proves nothing now
            self._suspects = suspects
            self._combine(anew=True)

    def forget_silent(self) -> None:
        """The room is empty: sensors that have fallen silent hold nothing any more."""
        newest = self.signal.newest_at
        gone = [name for name, it in self._sensors.items() if newest is None or not self._lives(name, it, newest)]
        for name in gone:
            del self._sensors[name]
        if gone:
            self._combine(anew=True)

    def last_at(self, sensor: str) -> int | None:
        """When a sensor's newest value was, None when nothing is known of it."""
        known = self._sensors.get(sensor)
        return known.last.at if known is not None and known.seconds else None

    def add(self, samples: Iterable[Sample]) -> None:
        """Valid PM2.5 values, in any order; none of them dated in the future (the caller sets those aside)."""
        late: dict[str, int] = {}
        for sample in sorted(samples):
            if sample.sensor in self._suspects:
                continue
            sensor = self._sensors.setdefault(sample.sensor, _Sensor())
            if sensor.seconds and sample.at < sensor.last.at - self.KEEP_MS:
                continue
            place = sensor.put(sample)
            if place < len(sensor.seconds) - 1:
                late[sample.sensor] = min(place, late.get(sample.sensor, place))
            elif sample.sensor not in late:
                sensor.work_out(place, self._limits)
                self._combine()
            sensor.trim(sensor.last.at - self.KEEP_MS - MEDIAN_MS if sample.sensor not in late else 0)
        for name, place in late.items():
            self._sensors[name].work_out(place, self._limits)
        if late:
            self._combine(anew=True)

    def _lives(self, name: str, sensor: _Sensor, newest: int) -> bool:
        return name not in self._suspects and sensor.last.at + sensor.last.blind_ms >= newest

    def _combine(self, anew: bool = False) -> None:
        """The room's signal from its sensors. `anew`: what was concluded from older values may be wrong."""
        trusted = [it.last for name, it in self._sensors.items() if name not in self._suspects and it.seconds]
        newest = max((last.at for last in trusted), default=None)
        if newest is None:
            self.signal, self.held = Signal(), {}
            self._differ_since = self._agree_since = None
            return
        counted: dict[str, _Second] = {}
        living: dict[str, _Second] = {}
        for name, sensor in self._sensors.items():
            lives = self._lives(name, sensor, newest)
            if lives:
                living[name] = sensor.last
            if lives or sensor.last.median > self._limits.off_below:
                counted[name] = sensor.last
        self.held = {name: (last.at, last.median) for name, last in counted.items() if name not in living}
        fast = [last.at - last.fast_since for last in living.values() if last.fast_since is not None]
        lows = [last.low_since for last in counted.values()]
        self.signal = Signal(
            median=max(last.median for last in counted.values()),
            newest_at=newest,
            high_since=self._high_since(counted.values(), newest, anew),
            low_since=max((low for low in lows if low is not None), default=None) if None not in lows else None,
            blind_ms=max(last.at + last.blind_ms for last in living.values()) - newest,
            fast_since=newest - max(fast) if fast else None,
            highest=max(sorted(living), key=lambda name: living[name].median),
            disagree_since=self._disagree_since([last.median for last in counted.values()], newest),
        )

    def _high_since(self, counted: Iterable[_Second], newest: int, anew: bool) -> int | None:
        """One sensor may have been high before another: the room was, without a break."""
        began = min((last.high_since for last in counted if last.high_since is not None), default=None)
        old = self.signal
        if anew or began is None or old.high_since is None or old.newest_at is None:
            return began
        return min(began, old.high_since) if newest - old.newest_at <= old.blind_ms else began

    def _disagree_since(self, medians: list[float], newest: int) -> int | None:
        high, low = max(medians), min(medians)
        if high - low > max(DIFFER_UGM3, DIFFER_SHARE * (high + low) / 2):
            self._agree_since = None
            self._differ_since = newest if self._differ_since is None else min(self._differ_since, newest)
        elif self._differ_since is not None:
            self._agree_since = newest if self._agree_since is None else min(self._agree_since, newest)
            told = self.signal.disagree_since is not None
            if not told or newest - self._agree_since >= DIFFER_MS:
                self._differ_since = self._agree_since = None
        since = self._differ_since
        if since is None or (self.signal.disagree_since is None and newest - since < DIFFER_MS):
            return None
        return since


def _middle(ordered: list[float]) -> float:
    middle = len(ordered) // 2
    found = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return round(found, 6)
