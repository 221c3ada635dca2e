"""A room minute by minute as arrays: what the estimates of research.rooms start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from classair.config import Config
from classair.stores import Store
from classair.timetable import ZONE, HoursOfDay, local_time, to_ms
from classair.units import MINUTE_MS
from research.rooms.estimate import Bools, Floats


@dataclass(frozen=True, slots=True)
class Minutes:
    """From `start_ms` on, one element a minute; NaN where nothing valid was measured.

    purifier: 1 on, 0 off, NaN where it was not seen; all zero in a room that has none. `occupied` and `lesson` by the
    room's timetable and the school calendar.
    """

    room: str
    start_ms: int
    pm25: Floats
    co2: Floats
    outdoor_pm25: Floats
    outdoor_co2: Floats
    purifier: Floats
    occupied: Bools
    lesson: Bools


def minutes(store: Store, config: Config, room: str, start_ms: int, end_ms: int) -> Minutes:
    """The room from `start_ms` up to `end_ms`, whole minutes. Raises StoreAway."""
    start_ms -= start_ms % MINUTE_MS
    size = max(0, (end_ms - start_ms) // MINUTE_MS)
    yard = config.outdoor_of(room)
    nothing = np.full(size, np.nan)

    def measured(of: str | None, quantity: str) -> Floats:
        return _means(store, of, quantity, start_ms, size) if of else nothing

    table = config.timetable_of(room)
    return Minutes(
        room,
        start_ms,
        measured(room, "pm25"),
        measured(room, "co2_ppm"),
        measured(yard, "pm25"),
        measured(yard, "co2_ppm"),
        _purifier(store, config.purifiers_in(room), start_ms, size),
        _marked(start_ms, size, table.occupied_spans),
        _marked(start_ms, size, table.lesson_spans),
    )


def _means(store: Store, room: str, quantity: str, start_ms: int, size: int) -> Floats:
    found = np.full(size, np.nan)
    for bucket in store.series(room, quantity, start_ms, start_ms + size * MINUTE_MS, MINUTE_MS):
        if bucket.n:
            found[(bucket.start_ms - start_ms) // MINUTE_MS] = bucket.sum / bucket.n
    return found


def _purifier(store: Store, units: list[str], start_ms: int, size: int) -> Floats:
    """On when any of the room's purifiers is; off only when all are known to be."""
    if not units:
        return np.zeros(size)
    states = []
    for unit in units:
        state = np.full(size, np.nan)
        for event in store.switches(unit, start_ms, start_ms + size * MINUTE_MS):
            # A minute belongs to the state at its end.
            at = max(0, -(-(event.at_ms - start_ms) // MINUTE_MS))
            state[at:] = np.nan if event.on is None else float(event.on)
        states.append(state)
    whole = np.array(states)
    anyone = (whole == 1).any(axis=0)
    return np.where(anyone, 1.0, np.where(np.isnan(whole).any(axis=0), np.nan, 0.0))


def _marked(start_ms: int, size: int, spans_of: Callable[[date], list[HoursOfDay]]) -> Bools:
    """Which minutes lie inside the spans of their day."""
    found = np.zeros(size, bool)
    end_ms = start_ms + size * MINUTE_MS
    day = local_time(start_ms).date()
    while to_ms(datetime.combine(day, datetime.min.time(), ZONE)) < end_ms:
        for span in spans_of(day):
            first, last = (to_ms(datetime.combine(day, at, ZONE)) for at in (span.start, span.end))
            found[max(0, (first - start_ms) // MINUTE_MS) : max(0, (last - start_ms) // MINUTE_MS)] = True
        day += timedelta(days=1)
    return found
