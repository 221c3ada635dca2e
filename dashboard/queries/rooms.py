"""What screens and the API ask of the past; the only reader of the store in the dashboard.

Every question is synchronous and may wait for a disk or a network: callbacks ask through `asyncio.to_thread`.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from classair.config import Config
from classair.model import QUANTITIES, Missing
from classair.science.corrections import SHORTEST_MS, Corrections
from classair.stores import GapLedger, SensorNewest, Store, StoreAway
from classair.stores.steps import bucket_start
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.access.reach import NotCovered
from dashboard.queries.last_day import LastDay
from dashboard.queries.lesson_days import LessonDays
from dashboard.queries.sight import SeesAll, Sight
from research.lesson_air import LessonReader
from research.means import MeanRow, MeansAsked, MeansReader

log = logging.getLogger(__name__)

STEPS: Final = (
    *(minutes * MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR_MS for hours in (1, 2, 3, 6, 12, 24)),
)
"""The bucket lengths that can be asked for; each divides a day, so buckets begin at round local times."""
MAX_RANGE_MS: Final = 400 * DAY_MS
MAX_BUCKETS: Final = 2000
FOR_EVER_MS: Final = 1 << 62


class StoreUnavailable(Exception):
    """The store of readings cannot be asked at the moment. Not the same as having no data."""


class RangeRefused(ValueError):
    """A question that no store should be asked: too long, backwards, or of an unknown quantity."""


@dataclass(frozen=True, slots=True)
class RoomMeans:
    """One room's quantity over time in equal steps, oldest first; steps without any reading are absent.

    `start_ms` and `end_ms` are those of the steps, so they can lie up to one step outside of what was asked.
    """

    room: str
    quantity: str
    step_ms: int
    start_ms: int
    end_ms: int
    rows: tuple[MeanRow, ...] = ()

    @property
    def correction(self) -> str:
        """Which corrections made these numbers, by their labels; `none`: as measured."""
        return ",".join(sorted({label for row in self.rows if row.n for label in row.correction.split(",")})) or "none"

    def completeness(self, until_ms: int) -> float | None:
        """The share of the time from the start to `until_ms` or the end that is covered; None before any has passed.

        `until_ms` is the present: time that has not come yet is not missing.
        """
        until = min(self.end_ms, until_ms)
        if until <= self.start_ms:
            return None
        covered = sum(
            row.completeness * min(self.step_ms, until - row.start_ms) for row in self.rows if row.start_ms < until
        )
        return min(1.0, covered / (until - self.start_ms))

    def mean(self) -> float | None:
        """The mean of all valid values in the range, None without any."""
        there = [(row.corrected, row.n) for row in self.rows if row.corrected is not None]
        return round(sum(mean * n for mean, n in there) / sum(n for _, n in there), 6) if there else None

    def low(self) -> float | None:
        return min((row.low for row in self.rows if row.low is not None), default=None)

    def high(self) -> float | None:
        return max((row.high for row in self.rows if row.high is not None), default=None)


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
    have accepted: PM2.5 is told as they make it, as everywhere else. `now_ms`: the present, for
    steps in progress; without it each counts whole.
    """

    def __init__(
        self,
        store: Callable[[], Store | None],
        config: Callable[[], Config],
        ledger: GapLedger | None = None,
        corrections: Callable[[], Corrections] = Corrections,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self._store = store
        self._config = config
        self._ledger = ledger
        self._corrections = corrections
        self._now_ms = now_ms
        self._sight: Sight = SeesAll()
        self.lately = LastDay(ledger)
        self.lesson_days = LessonDays(config, self.lessons, self._site_versions, now_ms)

    def seen_by(self, sight: Sight) -> Queries:
        """The same, answering only what is seen; whatever is remembered is shared. Its answers raise NotCovered."""
        other = copy.copy(self)
        other._sight = sight
        other.lesson_days = self.lesson_days.seen_by(sight)
        return other

    def series(
        self,
        room: str,
        quantity: str,
        start_ms: int,
        end_ms: int,
        *,
        step_ms: int | None = None,
        points: int = 720,
    ) -> RoomMeans:
        """A room's quantity per step as in docs/science.md, at most `points` of them unless `step_ms` is said.

        PM2.5 as the accepted corrections make it, where steps are long enough for them. Raises RangeRefused for a
        question out of bounds, StoreUnavailable when the store cannot answer.
        """
        step = _step(quantity, start_ms, end_ms, step_ms, points)
        start, end = bucket_start(start_ms, step), bucket_start(end_ms - 1, step) + step
        method = "accepted" if step >= SHORTEST_MS else "none"
        with self._asked(room) as store:
            reader = MeansReader(store, self._config(), self._corrections())
            asked = MeansAsked(start, end, step, method, until_ms=self._now_ms() if self._now_ms else None)
            return RoomMeans(room, quantity, step, start, end, tuple(reader.of_room(room, quantity, asked)))

    def outdoor_series(
        self,
        room: str,
        start_ms: int,
        end_ms: int,
        *,
        quantity: str = "pm25",
        step_ms: int | None = None,
        points: int = 720,
    ) -> RoomMeans | None:
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

    @contextmanager
    def lessons(self) -> Iterator[LessonReader]:
        """Reads lesson time of any rooms, up to the present. Raises StoreUnavailable, within the block too."""
        with self._asked("lesson time") as store:
            until = self._now_ms() if self._now_ms else FOR_EVER_MS
            yield LessonReader(MeansReader(store, self._config(), self._corrections()), self._config(), until)

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
        if not self._sight.sees_sensor(sensor):
            raise NotCovered(sensor)
        if self._ledger is None:
            raise StoreUnavailable("the missing-data log is not open yet")
        try:
            return self._ledger.missing_lines(sensor, start_ms, end_ms)
        except StoreAway as away:
            raise StoreUnavailable(str(away)) from away

    def _site_versions(self, site: str, first: date, last: date) -> Mapping[date, int]:
        with self._asked(site) as store:
            return store.versions(site, first, last + timedelta(days=1))

    @contextmanager
    def _asked(self, subject: str) -> Iterator[Store]:
        """The store, with whatever its library raises turned into one honest answer."""
        store = None
        try:
            store = self._store()
            if store is not None:
                yield self._sight.store(store)
        except NotCovered:
            raise
        except Exception as error:
            # Each store has a library of its own; their failures have no common name but mean the same to a reader.
            log.warning("database_query_failed subject=%s error=%s:%s", subject, type(error).__name__, error)
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
        if store is None:
            raise StoreUnavailable("the database is not open yet")


def _check_range(start_ms: int, end_ms: int) -> None:
    if end_ms <= start_ms:
        raise RangeRefused("the end of the range must be after its start")
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
        raise RangeRefused(f"more than {MAX_BUCKETS} points; choose a longer step or a shorter range")
    return step_ms
