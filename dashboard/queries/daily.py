"""The 24-hour mean that may be called AQI, from a table's hours: 18 complete hours of 24, or none. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from classair.science.averages import day_is_complete
from classair.stores import BANGKOK_MS
from classair.units import DAY_MS
from research.means import MeanRow

Key = tuple[str, str, str, int]


def day_means(hours: Iterable[MeanRow]) -> Mapping[Key, float]:
    """By (room, sensor, quantity, start of the local day): the mean of the hours that are three quarters complete.

    Hours weigh alike, as the index wants it; days with fewer than 18 such hours are absent.
    """
    found: dict[Key, list[float]] = {}
    for row in hours:
        if row.value is None:
            continue
        day = (row.start_ms + BANGKOK_MS) // DAY_MS * DAY_MS - BANGKOK_MS
        found.setdefault((row.room, row.sensor, row.quantity, day), []).append(row.value)
    return {key: round(sum(values) / len(values), 6) for key, values in found.items() if day_is_complete(len(values))}
