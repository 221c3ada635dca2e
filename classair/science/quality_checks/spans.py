"""Stretches of time with a flag, and the set arithmetic on them; UTC ms, from `start` up to, not including, `end`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from classair.model import Flag

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True, order=True)
class FlagSpan:
    """`flag` holds for one sensor's `quantity` (empty: for the whole reading) during a stretch."""

    sensor: str
    quantity: str
    flag: Flag
    start: int
    end: int


def joined(stretches: Iterable[Interval]) -> list[Interval]:
    """The same time in as few stretches as possible, in order."""
    found: list[Interval] = []
    for start, end in sorted(stretches):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def within(stretches: Iterable[Interval], start: int, end: int) -> list[Interval]:
    """What of them lies between start and end."""
    return [(max(first, start), min(last, end)) for first, last in stretches if first < end and last > start]


def holds(stretches: list[Interval], moments: Iterable[int]) -> list[bool]:
    """For each of rising moments whether a stretch holds it; `stretches` as `joined` gives them."""
    found, here, count = [], 0, len(stretches)
    for at in moments:
        while here < count and stretches[here][1] <= at:
            here += 1
        found.append(here < count and stretches[here][0] <= at)
    return found
