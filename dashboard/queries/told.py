"""Past quarters of an hour of a room: what its screens showed at their ends, beside what is known now."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from classair.alerting.reading import Records
from classair.alerting.records import ToldRecord
from classair.config import Config
from classair.stores.steps import bucket_start
from dashboard.queries.research import Research
from research.lesson_slots import SLOT_MS
from research.means import MeansAsked, MeansReader
from research.told_then import READ_BEFORE_MS, Explained, explain


@dataclass(frozen=True, slots=True)
class Quarter:
    """`told`: the row in force at the end of the quarter; None where there is none."""

    told: ToldRecord | None
    known: Explained


def quarters(
    research: Research, records: Records, config: Config, room: str, start_ms: int, end_ms: int, now_ms: int
) -> Iterator[Quarter]:
    """Those that begin in start <= t < end and are over, oldest first. Raises NotKnown and StoreUnavailable."""
    first = bucket_start(start_ms + SLOT_MS - 1, SLOT_MS)
    starts = [at for at in range(first, end_ms, SLOT_MS) if at + SLOT_MS <= now_ms]
    if not starts:
        return
    until = starts[-1] + SLOT_MS
    rows = records.told(room, starts[0] + SLOT_MS, until)
    corrections = research.corrections()
    asked = MeansAsked(starts[0], until, SLOT_MS, "accepted", ends=False)
    means = research.ask(lambda store: MeansReader(store, config, corrections).of_room(room, "pm25", asked))
    readings = research.ask(lambda store: list(store.readings(room, first + SLOT_MS - READ_BEFORE_MS, until + 1)))
    values = {row.start_ms: row.value for row in means}
    models = {full: sensor.model for full, sensor in config.sensors()}
    at = attrgetter("at")
    for start in starts:
        place = bisect_right(rows, start + SLOT_MS, key=at) - 1
        told = rows[place] if place >= 0 else None
        near = readings[
            bisect_left(readings, start + SLOT_MS - READ_BEFORE_MS, key=attrgetter("at_ms")) : bisect_right(
                readings, start + SLOT_MS, key=attrgetter("at_ms")
            )
        ]
        yield Quarter(told, explain(start, told, values.get(start), near, corrections, models))
