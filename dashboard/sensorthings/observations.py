"""Observations from the store: a page of them in either order of time, or how many there are. Synchronous.

The order is (time, sensor, sequence number, datastream), so that a page can go on exactly behind the one before it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from classair.model import Reading
from classair.stores import Store
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.sensorthings.entities import Datastream
from dashboard.sensorthings.filters import InvalidQuery

FAR_MS: Final = 2**50
MOST_LOOKED_AT: Final = 400_000
"""Observations that one request may look at: a day of a sensor has 8,640 readings."""
_FIRST_MS: Final = 10 * MINUTE_MS

Place = tuple[int, str, int, str]
Found = tuple[Datastream, Reading]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of these datastreams, start <= time < end where said. `after`: the place to go on behind."""

    streams: Sequence[Datastream]
    since: int | None = None
    until: int | None = None
    descending: bool = False
    after: Place | None = None
    holds: Callable[[Datastream, Reading], bool] | None = None


def place(stream: Datastream, reading: Reading) -> Place:
    return reading.at_ms, reading.sensor, reading.seq, stream.id


def page(store: Store, wanted: Wanted, skip: int, limit: int) -> list[Found]:
    """Raises StoreAway, and InvalidQuery when too much would have to be looked at."""
    if limit <= 0:
        return []
    return list(islice(_each(store, wanted, skip + limit), skip, skip + limit))


def count(store: Store, wanted: Wanted) -> int:
    """How many there are in all; from rollups where nothing but whole hours is asked for. Raises StoreAway,
    InvalidQuery."""
    if wanted.holds is not None:
        return sum(1 for _ in _each(store, wanted))
    since, until = wanted.since or 0, wanted.until if wanted.until is not None else FAR_MS
    first, last = -(-since // HOUR_MS) * HOUR_MS, until // HOUR_MS * HOUR_MS
    if first >= last:
        return sum(1 for _ in _each(store, wanted))
    edges = [
        Wanted(wanted.streams, begin, end) for begin, end in ((since, first), (last, until)) if begin < end < FAR_MS
    ]
    whole = 0
    for stream in wanted.streams:
        found = store.series(stream.room, stream.quantity, first, last, HOUR_MS, stream.sensor)
        whole += sum(bucket.n + sum(bucket.bad.values()) for bucket in found)
    return whole + sum(1 for edge in edges for _ in _each(store, edge))


def _each(store: Store, wanted: Wanted, limit: int = 0) -> Iterator[Found]:
    """In order; `limit`: how many will be taken, as far as that is known."""
    by_room: dict[str, list[Datastream]] = {}
    for stream in wanted.streams:
        by_room.setdefault(stream.room, []).append(stream)
    rooms = [_of_room(store, room, streams, wanted, limit) for room, streams in sorted(by_room.items())]
    merged = heapq.merge(*rooms, key=lambda found: place(*found), reverse=wanted.descending)
    for looked_at, one in enumerate(merged, 1):
        if looked_at > MOST_LOOKED_AT:
            raise InvalidQuery(
                f"more than {MOST_LOOKED_AT:,} observations would be looked at; narrow phenomenonTime in $filter"
            )
        if wanted.holds is None or wanted.holds(*one):
            yield one


def _of_room(store: Store, room: str, streams: Sequence[Datastream], wanted: Wanted, limit: int) -> Iterator[Found]:
    by_sensor: dict[str, list[Datastream]] = {}
    for stream in sorted(streams, key=lambda one: one.id):
        by_sensor.setdefault(stream.sensor, []).append(stream)
    after = wanted.after

    def found(readings: Iterator[Reading]) -> Iterator[Found]:
        for reading in readings:
            for stream in by_sensor.get(reading.sensor, ()):
                if stream.quantity in reading.values:
                    yield stream, reading

    for begin, end in _stretches(store, room, streams, wanted, limit):
        inside: Iterator[Found] = found(store.readings(room, begin, end))
        if wanted.descending:
            inside = reversed(list(inside))
        for one in inside:
            if after is None or (place(*one) < after if wanted.descending else place(*one) > after):
                yield one


def _stretches(
    store: Store, room: str, streams: Sequence[Datastream], wanted: Wanted, limit: int
) -> Iterator[tuple[int, int]]:
    """Half-open stretches of time in the order asked for that together hold everything: short ones first, because few
    values are asked for more than many."""
    since = wanted.since or 0
    until = min(wanted.until if wanted.until is not None else FAR_MS, max(stream.newest_ms for stream in streams) + 1)
    if wanted.after is not None:
        if wanted.descending:
            until = min(until, wanted.after[0] + 1)
        else:
            since = max(since, wanted.after[0])
    if since >= until:
        return
    if wanted.descending:
        # The newest value is asked for more than anything else: a few intervals hold it.
        interval_s = max((one.newest.interval_s for one in streams if one.newest is not None), default=0.0)
        first = min(_FIRST_MS, round(1000 * interval_s * (limit + 1))) if limit and interval_s else _FIRST_MS
        yield max(since, until - first), until
        until -= first
    days = _days(store, room, streams, since, until) if since < until else []
    if not days:
        return
    if not wanted.descending:
        begin, length = max(since, days[0]), _FIRST_MS
        while begin < until:
            yield begin, min(begin + length, until)
            begin, length = begin + length, min(2 * length, DAY_MS)
        return
    for day in reversed(days):
        for hour in range(day + DAY_MS - HOUR_MS, day - 1, -HOUR_MS):
            begin, end = max(since, hour), min(until, hour + HOUR_MS)
            if begin < end:
                yield begin, end


def _days(store: Store, room: str, streams: Sequence[Datastream], since: int, until: int) -> list[int]:
    """The starts of the local days on which any of these has a value."""
    return sorted(
        {
            bucket.start_ms
            for stream in streams
            for bucket in store.series(room, stream.quantity, max(0, since - DAY_MS), until, DAY_MS, stream.sensor)
        }
    )
