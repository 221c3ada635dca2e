"""A room minute by minute as arrays: what the estimates of research.rooms start from.

PM2.5 is as the tables have it: after the correction that was accepted, in means of five minutes where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from classair.config import Config
from classair.science.corrections import SHORTEST_MS, Corrections
from classair.stores import Store
from classair.timetable import HoursOfDay, day_start_ms, local_time
from classair.units import MINUTE_MS
from research.means import MeansAsked, MeansReader
from research.rooms.estimate import Bools, Floats


@dataclass(frozen=True, slots=True)
class Minutes:
    """From `start_ms` (UTC ms) on, one element a minute; NaN where nothing valid was measured.

    PM2.5 in µg/m³ after the accepted correction, CO2 in ppm. purifier: 1 on, 0 off, NaN where it was not seen; all zero
    in a room that has none. `occupied` and `lesson` by the room's timetable and the school calendar, `windows` open by
    its settings. volume_m3 and claimed_m3h (of all its purifiers) are None where nothing is known.
    """

    start_ms: int
    pm25: Floats
    co2: Floats
    outdoor_pm25: Floats
    outdoor_co2: Floats
    purifier: Floats
    occupied: Bools
    lesson: Bools
    windows: Bools
    volume_m3: float | None = None
    claimed_m3h: float | None = None


def minutes(store: Store, config: Config, corrections: Corrections, room: str, start_ms: int, end_ms: int) -> Minutes:
    """The room from `start_ms` up to `end_ms`, whole minutes. Raises StoreAway."""
    start_ms -= start_ms % MINUTE_MS
    size = max(0, (end_ms - start_ms) // MINUTE_MS)
    yard = config.outdoor_of(room)
    nothing = np.full(size, np.nan)
    reader = MeansReader(store, config, corrections)

    def measured(of: str | None, quantity: str) -> Floats:
        if not of:
            return nothing
        found = _means(store, of, quantity, start_ms, size)
        return _corrected(found, reader, corrections, of, start_ms) if quantity == "pm25" else found

    table, windows = config.timetable_of(room), config.room(room).windows
    units = config.purifiers_in(room)
    claimed = sum(unit.cadr_m3h for name, unit in config.purifiers() if name in units)
    return Minutes(
        start_ms,
        measured(room, "pm25"),
        measured(room, "co2_ppm"),
        measured(yard, "pm25"),
        measured(yard, "co2_ppm"),
        _purifier(store, units, start_ms, size),
        _marked(start_ms, size, table.occupied_spans),
        _marked(start_ms, size, table.lesson_spans),
        _marked(start_ms, size, lambda day: windows.open if windows.openable and table.school_day(day) else []),
        config.room(room).volume_m3,
        claimed or None,
    )


def _means(store: Store, room: str, quantity: str, start_ms: int, size: int) -> Floats:
    found = np.full(size, np.nan)
    for bucket in store.series(room, quantity, start_ms, start_ms + size * MINUTE_MS, MINUTE_MS):
        if bucket.n:
            found[(bucket.start_ms - start_ms) // MINUTE_MS] = bucket.sum / bucket.n
    return found


def _corrected(measured: Floats, reader: MeansReader, corrections: Corrections, room: str, start_ms: int) -> Floats:
    """As the one reader corrects it; untouched where no correction was ever accepted."""
    if not corrections.accepted:
        return measured
    end_ms = start_ms + measured.size * MINUTE_MS
    asked = MeansAsked(start_ms, end_ms, SHORTEST_MS, "accepted", completeness=0.0)
    found = np.full(measured.size, np.nan)
    for row in reader.of_room(room, "pm25", asked):
        if row.corrected is not None:
            at = (row.start_ms - start_ms) // MINUTE_MS
            found[max(0, at) : at + SHORTEST_MS // MINUTE_MS] = row.corrected
    return np.where(np.isfinite(measured), found, np.nan)


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
    while (midnight := day_start_ms(day)) < end_ms:
        for span in spans_of(day):
            first, last = midnight + span.begin_ms, midnight + span.end_ms
            found[max(0, (first - start_ms) // MINUTE_MS) : max(0, (last - start_ms) // MINUTE_MS)] = True
        day += timedelta(days=1)
    return found
