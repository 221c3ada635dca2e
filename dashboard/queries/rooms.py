"""What screens and the API ask of the past; the only reader of the store in the dashboard.

Every question is synchronous and may wait for a disk or a network: callbacks ask through `asyncio.to_thread`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from classair.config import Config
from classair.model import QUANTITIES, Bucket, Missing
from classair.science.corrections import SHORTEST_MS, Correction, Corrections
from classair.stores import GapLedger, SensorNewest, Store, StoreAway
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.queries.last_day import LastDay

log = logging.getLogger(__name__)

STEPS: Final = (
    *(minutes * MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR_MS for hours in (1, 2, 3, 6, 12, 24)),
)
"""The bucket lengths that can be asked for; each divides a day, so buckets begin at round local times."""
MAX_RANGE_MS: Final = 400 * DAY_MS
MAX_BUCKETS: Final = 2000
COMPLETE: Final = 0.75
"""The share of its slots that a bucket needs before its mean stands for the whole of it."""

# Buckets are counted from midnight in Asia/Bangkok, which has been UTC+7 without interruption since 1920.
_MIDNIGHT_MS: Final = 17 * HOUR_MS
# How finely presence is looked at inside a bucket: an hour that knows ten minutes must not pass for an hour.
_SLOTS: Final = (
    (5 * MINUTE_MS, MINUTE_MS),
    (30 * MINUTE_MS, 5 * MINUTE_MS),
    (2 * HOUR_MS, 15 * MINUTE_MS),
    (DAY_MS, HOUR_MS),
)


class StoreUnavailable(Exception):
    """The store of readings cannot be asked at the moment. Not the same as having no data."""


class RangeRefused(ValueError):
    """A question that no store should be asked: too long, backwards, or of an unknown quantity."""


@dataclass(frozen=True, slots=True)
class Series:
    """One room's quantity over time in equal buckets, oldest first; buckets without any reading are absent.

    `start_ms` and `end_ms` are those of the buckets, so they can lie up to one step outside of what was asked.
    `filled[i]` says how many of the `expected` slots of `slot_ms` inside `buckets[i]` hold a valid value.
    """

    room: str
    quantity: str
    step_ms: int
    start_ms: int
    end_ms: int
    buckets: tuple[Bucket, ...]
    slot_ms: int
    filled: tuple[int, ...]
    correction: str = "none"

    @property
    def expected(self) -> int:
        """Slots in a whole bucket."""
        return self.step_ms // self.slot_ms

    def completeness(self, until_ms: int) -> float | None:
        """The share of slots with a valid value from the start to `until_ms` or the end; None before one slot passed.

        `until_ms` is the present: time that has not come yet is not missing.
        """
        slots = (min(self.end_ms, until_ms) - self.start_ms) // self.slot_ms
        return None if slots <= 0 else min(1.0, sum(self.filled) / slots)

    def complete(self, index: int) -> bool:
        """Whether `buckets[index]` has enough slots for its mean to stand for all of it."""
        return self.filled[index] >= COMPLETE * self.expected

    def mean(self) -> float | None:
        """The mean of all valid values in the range, None without any."""
        count = sum(bucket.n for bucket in self.buckets)
        return round(sum(bucket.sum for bucket in self.buckets) / count, 6) if count else None

    def low(self) -> float | None:
        return min((b.low for b in self.buckets if b.low is not None), default=None)

    def high(self) -> float | None:
        return max((b.high for b in self.buckets if b.high is not None), default=None)


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch in which a purifier was seen on or off; `on` None: nobody knows."""

    purifier: str
    start_ms: int
    end_ms: int
    on: bool | None


class Queries:
    """Answers from the store that is in force; `store` gives None while there is none to read.

    `ledger` is where the gap ledger is kept, on this machine whatever the store. `corrections` are those that schools
    have accepted: PM2.5 is told as they make it, as everywhere else.
    """

    def __init__(
        self,
        store: Callable[[], Store | None],
        config: Callable[[], Config],
        ledger: GapLedger | None = None,
        corrections: Callable[[], Corrections] = Corrections,
    ) -> None:
        self._store = store
        self._config = config
        self._ledger = ledger
        self._corrections = corrections
        self.lately = LastDay(ledger)

    def series(
        self,
        room: str,
        quantity: str,
        start_ms: int,
        end_ms: int,
        *,
        step_ms: int | None = None,
        points: int = 720,
    ) -> Series:
        """Mean, low, high and count of a room's quantity per bucket, at most `points` of them unless `step_ms` is said.

        Raises RangeRefused for a question out of bounds, StoreUnavailable when the store cannot answer.
        """
        step = _step(quantity, start_ms, end_ms, step_ms, points)
        slot = self._slot(room, quantity, step)
        start, end = floor_to(start_ms, step), floor_to(end_ms - 1, step) + step
        with self._asked(room) as store:
            corrections = self._corrections() if quantity == "pm25" and step >= SHORTEST_MS else Corrections()
            if corrections.accepted:
                # They are for means over five minutes and more.
                slot = max(slot, SHORTEST_MS)
            fine, label = self._fine(store, corrections, (room, quantity, start, end, slot))
        buckets, filled = _gather(fine, step, slot)
        return Series(room, quantity, step, start, end, tuple(buckets), slot, tuple(filled), label)

    def _fine(
        self,
        store: Store,
        corrections: Corrections,
        asked: tuple[str, str, int, int, int],
    ) -> tuple[list[Bucket], str]:
        """Slots as measured, or sensor by sensor as the accepted corrections make them, and which those are."""
        room, quantity, start, end, slot = asked
        if not corrections.accepted:
            return store.series(room, quantity, start, end, slot), "none"
        models = {full: sensor.model for full, sensor in self._config().sensors()}
        slots: dict[int, Bucket] = {}
        labels: set[str] = set()
        for sensor in store.sensors(room):
            spans = corrections.spans(sensor, start, end, models.get(sensor, ""))
            beside = [
                {bucket.start_ms: bucket.mean for bucket in store.series(room, key, start, end, slot, sensor)}
                if any(one.method != "none" for _, _, one in spans)
                else {}
                for key in ("rh_pct", "temp_c")
            ]
            for bucket in store.series(room, quantity, start, end, slot, sensor):
                one = next(one for begin, until, one in spans if begin <= bucket.start_ms < until)
                at = bucket.start_ms
                labels.add(one.label)
                _pool(
                    slots.setdefault(at, Bucket(at)),
                    _corrected(bucket, one, beside[0].get(at), beside[1].get(at), slot),
                )
        return [slots[at] for at in sorted(slots)], ",".join(sorted(labels)) or "none"

    def outdoor_series(
        self,
        room: str,
        start_ms: int,
        end_ms: int,
        *,
        quantity: str = "pm25",
        step_ms: int | None = None,
        points: int = 720,
    ) -> Series | None:
        """The same of the school's own place outdoors; None when it has none."""
        yard = self._config().outdoor_of(room) if self._config().has_room(room) else None
        if yard is None or yard == room:
            return None
        return self.series(yard, quantity, start_ms, end_ms, step_ms=step_ms, points=points)

    def purifier_bands(self, room: str, start_ms: int, end_ms: int) -> list[Band]:
        """When each purifier of a room was on, off or unknown, by purifier and time; unseen time is left out.

        The state in force at the end is taken to last until `end_ms`: let that not lie in the future.
        """
        _check_range(start_ms, end_ms)
        bands: list[Band] = []
        with self._asked(room) as store:
            for purifier in self._config().purifiers_in(room) if self._config().has_room(room) else []:
                events = store.switches(purifier, start_ms, end_ms)
                for event, following in zip(events, [*events[1:], None], strict=False):
                    begin = max(event.at_ms, start_ms)
                    end = following.at_ms if following is not None else end_ms
                    if bands and bands[-1].purifier == purifier and bands[-1].on == event.on:
                        bands[-1] = Band(purifier, bands[-1].start_ms, end, event.on)
                    elif end > begin:
                        bands.append(Band(purifier, begin, end, event.on))
        return bands

    def latest(self, room: str) -> list[SensorNewest]:
        """The newest reading of each sensor that has measured in this room, whatever its flags."""
        with self._asked(room) as store:
            return store.latest(room)

    def rooms(self) -> list[str]:
        """Every room that has readings, also those no longer in sensors.yaml."""
        with self._asked("all rooms") as store:
            return store.rooms()

    def missing(self, sensor: str, start_ms: int, end_ms: int) -> list[Missing]:
        """Lines of the gap ledger that touch the range, oldest first. Raises RangeRefused, StoreUnavailable."""
        _check_range(start_ms, end_ms)
        if self._ledger is None:
            raise StoreUnavailable("no gap ledger is open")
        try:
            return self._ledger.missing_lines(sensor, start_ms, end_ms)
        except StoreAway as away:
            raise StoreUnavailable(str(away)) from away

    def _slot(self, room: str, quantity: str, step: int) -> int:
        if not QUANTITIES[quantity].shown:
            return HOUR_MS
        config = self._config()
        sensors = dict(config.sensors())
        slowest = max((sensors[s].every for s in config.sensors_in(room)), default=0) if config.has_room(room) else 0
        finest = next(slot for longest, slot in _SLOTS if step <= longest)
        # A sensor that speaks every ten minutes is complete with one value in ten minutes.
        fitting = (s for s in STEPS if s >= max(finest, slowest * 1000) and step % s == 0 and s <= step)
        return next(fitting, step)

    @contextmanager
    def _asked(self, subject: str) -> Iterator[Store]:
        """The store, with whatever its library raises turned into one honest answer."""
        store = None
        try:
            store = self._store()
            if store is not None:
                yield store
        except Exception as error:
            # Each store has a library of its own; their failures have no common name but mean the same to a reader.
            log.warning("database_query_failed subject=%s error=%s:%s", subject, type(error).__name__, error)
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
        if store is None:
            raise StoreUnavailable("no store is open yet")


def floor_to(at_ms: int, step_ms: int) -> int:
    """The beginning of the bucket that holds a moment, counted from midnight in Asia/Bangkok."""
    return (at_ms - _MIDNIGHT_MS) // step_ms * step_ms + _MIDNIGHT_MS


def _check_range(start_ms: int, end_ms: int) -> None:
    if end_ms <= start_ms:
        raise RangeRefused("the range must end after it begins")
    if end_ms - start_ms > MAX_RANGE_MS:
        raise RangeRefused(f"the range must not be longer than {MAX_RANGE_MS // DAY_MS} days")


def _step(quantity: str, start_ms: int, end_ms: int, step_ms: int | None, points: int) -> int:
    if quantity not in QUANTITIES:
        raise RangeRefused(f"unknown quantity {quantity!r}; known: {', '.join(QUANTITIES)}")
    _check_range(start_ms, end_ms)
    possible = [step for step in STEPS if QUANTITIES[quantity].shown or step >= HOUR_MS]
    if step_ms is None:
        if not 1 <= points <= MAX_BUCKETS:
            raise RangeRefused(f"points must be 1 to {MAX_BUCKETS}")
        return next((step for step in possible if end_ms - start_ms <= step * points), possible[-1])
    if step_ms not in possible:
        raise RangeRefused(
            "step must be one of "
            + ", ".join(f"{s // MINUTE_MS}m" if s < HOUR_MS else f"{s // HOUR_MS}h" for s in possible)
        )
    if end_ms - start_ms > step_ms * MAX_BUCKETS:
        raise RangeRefused(f"more than {MAX_BUCKETS} buckets; ask for a longer step or a shorter range")
    return step_ms


def _corrected(bucket: Bucket, correction: Correction, rh: float | None, temp_c: float | None, slot: int) -> Bucket:
    """A slot after its correction; without a corrected mean it has no valid value. Low and high go the same way."""
    if correction.method == "none" or not bucket.n:
        return bucket

    def told(value: float | None) -> float | None:
        return correction.correct(value, rh, temp_c, span_ms=slot).value

    mean = told(bucket.mean)
    if mean is None:
        return Bucket(bucket.start_ms, bad={**bucket.bad, "no_correction": bucket.n})
    low, high = told(bucket.low), told(bucket.high)
    return Bucket(
        bucket.start_ms,
        bucket.n,
        bucket.suspect,
        bucket.bad,
        mean * bucket.n,
        mean if low is None else low,
        mean if high is None else high,
    )


def _pool(whole: Bucket, part: Bucket) -> None:
    whole.n += part.n
    whole.suspect += part.suspect
    whole.sum += part.sum
    for reason, count in part.bad.items():
        whole.bad[reason] = whole.bad.get(reason, 0) + count
    if part.low is not None:
        whole.low = part.low if whole.low is None else min(whole.low, part.low)
    if part.high is not None:
        whole.high = part.high if whole.high is None else max(whole.high, part.high)


def _gather(fine: Iterable[Bucket], step: int, slot: int) -> tuple[list[Bucket], list[int]]:
    """Slots put together into buckets; a sum of sums and a low of lows are exactly those of the values."""
    buckets: list[Bucket] = []
    filled: list[int] = []
    for part in fine:
        start = floor_to(part.start_ms, step)
        if not buckets or buckets[-1].start_ms != start:
            buckets.append(Bucket(start))
            filled.append(0)
        whole = buckets[-1]
        filled[-1] += part.n > 0
        _pool(whole, part)
    return buckets, filled
