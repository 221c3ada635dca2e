"""Stretches of time with a flag; UTC ms, from `start` up to, not including, `end`."""

from __future__ import annotations

from dataclasses import dataclass

from classair.model import Flag


@dataclass(frozen=True, slots=True, order=True)
class FlagSpan:
    """`flag` holds for one sensor's `quantity` (empty: for the whole reading) during a stretch."""

    sensor: str
    quantity: str
    flag: Flag
    start: int
    end: int
