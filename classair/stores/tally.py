"""Rollups worked out from readings, plainly: what every other way of keeping them must equal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from classair.model import BAD_CLASS_NAMES, QUANTITIES, Bucket, Reading, bad_class
from classair.stores import StoreConflict

LIMIT: Final = 2**46
"""Largest value in steps that is kept: no sensor means more, and sums of a day stay within eight bytes."""


class Tally:
    """One quantity of one bucket, in whole steps of its scale so that sums are exact in any order."""

    __slots__ = ("bad", "covered", "high", "low", "n", "sum", "suspect")

    def __init__(self) -> None:
        self.n = self.suspect = self.sum = self.covered = 0
        self.low: int | None = None
        self.high: int | None = None
        self.bad = [0] * len(BAD_CLASS_NAMES)

    def add(self, scaled: int, flags: int, interval_ms: int) -> None:
        why = bad_class(flags)
        if why is not None:
            self.bad[why] += 1
            return
        self.n += 1
        self.suspect += bool(flags)
        self.sum += scaled
        self.covered += interval_ms
        self.low = scaled if self.low is None else min(self.low, scaled)
        self.high = scaled if self.high is None else max(self.high, scaled)

    def bucket(self, start_ms: int, scale: int) -> Bucket:
        return Bucket(
            start_ms,
            self.n,
            self.suspect,
            {name: count for name, count in zip(BAD_CLASS_NAMES, self.bad, strict=True) if count},
            self.sum / scale,
            None if self.low is None else self.low / scale,
            None if self.high is None else self.high / scale,
            self.covered,
        )


def steps_of(value: float, quantity: str) -> int:
    """A value in whole steps of its quantity's scale."""
    return round(value * QUANTITIES[quantity].scale)


def interval_ms(seconds: float) -> int:
    """The time a reading stands for, in whole milliseconds so that sums are exact in any order."""
    return round(seconds * 1000)


def tallied(
    readings: Iterable[Reading], start_of: Callable[[int], int], wanted: Iterable[str]
) -> dict[int, dict[str, Bucket]]:
    """Buckets by start and quantity; `start_of` gives the start of the bucket a moment falls into."""
    keys = frozenset(wanted)
    found: dict[tuple[int, str], Tally] = {}
    for reading in readings:
        start = start_of(reading.at_ms)
        for key, value in reading.values.items():
            if key in keys:
                tally = found.get((start, key))
                if tally is None:
                    tally = found[start, key] = Tally()
                tally.add(steps_of(value, key), int(reading.flags_of(key)), interval_ms(reading.interval_s))
    buckets: dict[int, dict[str, Bucket]] = {}
    for (start, key), tally in found.items():
        buckets.setdefault(start, {})[key] = tally.bucket(start, QUANTITIES[key].scale)
    return buckets


def in_steps(reading: Reading) -> Reading:
    """The reading as every store gives it back: values on the steps of their scale. Raises StoreConflict."""
    values: dict[str, float] = {}
    for key, value in reading.values.items():
        try:
            scaled = steps_of(value, key)
        except (KeyError, ValueError, OverflowError, TypeError) as error:
            raise StoreConflict(reading, f"it has something no reading has: {error}") from error
        if abs(scaled) > LIMIT:
            raise StoreConflict(reading, "a value is too large to store")
        values[key] = scaled / QUANTITIES[key].scale
    return replace(reading, values=values, value_flags={key: int(m) for key, m in reading.value_flags.items() if m})
