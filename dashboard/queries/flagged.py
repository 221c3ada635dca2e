"""Stretches in which something is known against a sensor's values, put together from its readings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from classair.model import BAD, Flag, Reading

JOINED_INTERVALS: Final = 3
"""Readings so many of their intervals apart still belong to one stretch; a longer pause ends it."""


@dataclass(slots=True)
class FlaggedRange:
    """From `start_ms`, where the first flagged reading began, to `end_ms`, when the last one was taken.

    `quantity` empty: the flag applies to the whole reading. `count`: flagged readings. `bad`: left out of means.
    """

    sensor: str
    room: str
    quantity: str
    flag: str
    bad: bool
    start_ms: int
    end_ms: int
    count: int
    simulated: bool


def stretches(readings: Iterable[Reading]) -> Iterator[FlaggedRange]:
    """Of readings in order of time, each stretch as it ends, so not in order of their beginnings."""
    running: dict[tuple[str, str, str, str], tuple[FlaggedRange, int]] = {}
    for reading in readings:
        interval_ms = round(reading.interval_s * 1000)
        for key, (stretch, patience) in [*running.items()]:
            if reading.at_ms - stretch.end_ms > patience:
                del running[key]
                yield stretch
        for quantity, flags in [
            ("", reading.flags),
            *((q, Flag(f) & ~reading.flags) for q, f in reading.value_flags.items()),
        ]:
            for flag in Flag:
                if not flag & flags or not flag.name:
                    continue
                key = (reading.sensor, reading.room, quantity, flag.name)
                if key in running:
                    stretch = running[key][0]
                    stretch.end_ms, stretch.count = reading.at_ms, stretch.count + 1
                else:
                    stretch = FlaggedRange(
                        reading.sensor,
                        reading.room,
                        quantity,
                        flag.name,
                        bool(flag & BAD),
                        reading.at_ms - interval_ms,
                        reading.at_ms,
                        1,
                        reading.simulated,
                    )
                running[key] = (stretch, JOINED_INTERVALS * interval_ms)
    yield from (stretch for stretch, _ in running.values())
