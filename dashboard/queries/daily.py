"""The 24-hour mean that may be called AQI, from complete hours: 18 of a local day's 24, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from classair.science.averages import COMPLETE, day_is_complete
from classair.stores.bucket_columns import rounded
from classair.stores.steps import bucket_start
from classair.units import DAY_MS, HOUR_MS
from research.mean_columns import MeanColumns
from research.means import MeansReader
from research.selection import Selection

if TYPE_CHECKING:
    from research.mean_columns import Floats, Ints


def day_means(reader: MeansReader, selection: Selection, until_ms: int | None, days: MeanColumns) -> Floats:
    """For each of `days` the mean of its hours that are three quarters complete; NaN with fewer than 18 of them."""
    hours = reader.columns(
        days.room,
        days.sensor,
        days.quantity,
        replace(
            reader.asked(selection, until_ms),
            start_ms=int(days.start_ms[0]),
            end_ms=int(days.start_ms[-1]) + DAY_MS,
            step_ms=HOUR_MS,
            completeness=COMPLETE,
            ends=False,
        ),
    )
    return means_by_day(hours.start_ms, hours.value, days.start_ms)


def means_by_day(start_ms: Ints, values: Floats, days_ms: Ints) -> Floats:
    """Hours (by their start, NaN where there is no value) weigh alike, as the index wants it. `days_ms` is ordered."""
    there, shift = ~np.isnan(values), bucket_start(0, DAY_MS)
    place = np.searchsorted(days_ms, (start_ms[there] - shift) // DAY_MS * DAY_MS + shift)
    count = np.bincount(place, minlength=len(days_ms))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = rounded(np.bincount(place, values[there], len(days_ms)) / count)
    return np.where([day_is_complete(hours) for hours in count.tolist()], means, np.nan)
