"""A selection's means page by page, each worked out from its own stretch of time and sensors alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from classair.stores.steps import bucket_start
from classair.units import DAY_MS
from research.mean_columns import MeanColumns
from research.means import MeansReader
from research.selection import Selection, SelectionRefused


class Place(NamedTuple):
    """The one row of a table that is of this sensor's quantity over the step from `start_ms`."""

    start_ms: int
    room: str
    sensor: str
    quantity: str

    def __str__(self) -> str:
        return "~".join(map(str, self))

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises ValueError."""
        start, room, sensor, quantity = text.split("~")
        return cls(int(start), room, sensor, quantity)


def stretches(
    reader: MeansReader, selection: Selection, until_ms: int | None, after: Place | None, wanted: Callable[[], int]
) -> Iterator[MeanColumns]:
    """The rows behind `after` in the order of a table (room, sensor, quantity, time), about as many at once as wanted.

    Raises SelectionRefused, also for an `after` that is no row of this selection, and StoreAway.
    """
    if after is not None and (
        after.room not in selection.rooms
        or after.quantity not in selection.quantities
        or not selection.start_ms <= after.start_ms < selection.end_ms
    ):
        raise SelectionRefused(["after: the value must be the `next` of a page of the same table"])
    asked = reader.asked(selection, until_ms)
    for room, sensor in reader.sensors(selection):
        for number, quantity in enumerate(selection.quantities):
            start = selection.start_ms
            if after is not None:
                here = (room, sensor, number)
                there = (after.room, after.sensor, selection.quantities.index(after.quantity))
                if here < there:
                    continue
                if here == there:
                    start = after.start_ms + asked.step_ms
            # Whole local days, so that no step and no lesson is cut.
            first, days = bucket_start(start, DAY_MS), 0
            while first < selection.end_ms:
                # Where there is less than expected, more of it at once.
                days = max(2 * days, 1 + wanted() * asked.step_ms // DAY_MS)
                part = replace(asked, start_ms=first, end_ms=min(first + days * DAY_MS, selection.end_ms))
                found = reader.columns(room, sensor, quantity, part)
                found = found.at(slice(int(np.searchsorted(found.start_ms, start)), None))
                if len(found):
                    yield found
                first = part.end_ms


def page(
    reader: MeansReader, selection: Selection, until_ms: int | None, after: Place | None, limit: int, skip: int = 0
) -> tuple[list[MeanColumns], bool]:
    """At most `limit` rows behind `after`, without the first `skip` of them; and whether there are more."""
    found: list[MeanColumns] = []

    def wanted() -> int:
        return skip + limit + 1

    for part in stretches(reader, selection, until_ms, after, wanted):
        if skip:
            part, skip = part.at(slice(skip, None)), max(0, skip - len(part))
        if limit < len(part):
            return [*found, part.at(slice(limit))] if limit else found, True
        limit -= len(part)
        if len(part):
            found.append(part)
    return found, False
