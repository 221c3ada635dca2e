"""Chance that is the same every time: numbers drawn from a name and an index, not from a running generator.

Whoever asks for the same name and moment gets the same number, so a stretch of simulated time comes out alike however
it is cut into pieces.
"""

from __future__ import annotations

import hashlib
import random
from functools import lru_cache
from typing import Final

_TABLE_SIZE: Final = 8191  # prime, so that strided walks through the table visit every place


@lru_cache(maxsize=65536)
def uniform(name: str, index: int = 0) -> float:
    """A number in [0, 1) that belongs to `name` and `index`."""
    digest = hashlib.blake2b(f"{name}|{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64


def between(low: float, high: float, name: str, index: int = 0) -> float:
    return low + (high - low) * uniform(name, index)


def wave(name: str, position: float) -> float:
    """A smooth wandering line in [−1, 1] through one random point for each whole `position`."""
    index = int(position // 1)
    part = position - index
    eased = part * part * (3.0 - 2.0 * part)
    before = uniform(name, index)
    return 2.0 * (before + (uniform(name, index + 1) - before) * eased) - 1.0


@lru_cache(maxsize=8)
def normals(seed: str) -> tuple[float, ...]:
    """A table of normally distributed numbers (mean 0, deviation 1); sensors walk through it each in its own way."""
    source = random.Random(seed)  # noqa: S311  weather is no secret
    return tuple(source.gauss(0.0, 1.0) for _ in range(_TABLE_SIZE))


class Noise:
    """A sensor's own noise: `at(minute, channel)` is a normal number that is the same whenever it is asked for."""

    __slots__ = ("_offset", "_table")

    def __init__(self, seed: str, name: str) -> None:
        self._table = normals(seed)
        self._offset = int(uniform(name) * _TABLE_SIZE)

    def at(self, minute: int, channel: int) -> float:
        # Different strides for the channels keep them from being copies of each other.
        return self._table[(minute * (2 * channel + 1) + self._offset + channel * 1009) % _TABLE_SIZE]
