"""Rooms whose air goes up and down for a day's lessons, and what stands on their screens meanwhile."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

from classair.science import state
from classair.science.advice import Need
from classair.science.state import Measure, RoomMemory, Sight
from classair.wire import Current, PurifierState, RoomState

T0 = 1_790_000_000_000
SEC, MIN = 1000, 60_000
ALL: frozenset[Need] = frozenset({"purifier", "openings", "clean_room"})

Noise = Callable[[random.Random], Iterator[float]]


def even(rng: random.Random) -> Iterator[float]:
    while True:
        yield rng.uniform(-2, 2)


def normal(rng: random.Random) -> Iterator[float]:
    while True:
        yield max(-2.0, min(2.0, rng.gauss(0, 1)))


def drifting(rng: random.Random) -> Iterator[float]:
    """Moves about at random with a memory of one to sixty minutes, within ±2."""
    keep = math.exp(-10 / (60 * rng.uniform(1, 60)))
    value = 0.0
    while True:
        value = keep * value + rng.gauss(0, 1) * math.sqrt(1 - keep * keep)
        yield max(-2.0, min(2.0, value))


def waving(rng: random.Random) -> Iterator[float]:
    """A wave of ±2 with a period from five minutes to three hours."""
    period, begin, n = rng.uniform(30, 1080), rng.uniform(0, 2 * math.pi), 0
    while True:
        yield 2 * math.sin(begin + 2 * math.pi * n / period)
        n += 1


def jumping(rng: random.Random) -> Iterator[float]:
    """Between −2 and +2, staying for half a minute to forty minutes."""
    while True:
        value = rng.choice((-2.0, 2.0))
        for _ in range(rng.randint(3, 240)):
            yield value


NOISES: tuple[Noise, ...] = (even, normal, drifting, waving, jumping)


def unit(on: bool | None, since: int, now: int, **more: object) -> PurifierState:
    told = {"mode": "auto", "confirmed": True, **more}
    return PurifierState(purifier="s.f", room="s.r", on=on, since=since, at=now, **told)  # type: ignore[arg-type]


def outdoors(value: float | None) -> Current:
    if value is None:
        return Current(status="unknown")
    return Current(status="ok", value=value, shown=str(value), level=state.pm25_level(value))


def eight_hours(
    noise: Noise, seed: int, outdoor: float | None, has: frozenset[Need], on: bool | None, about: float = 25.0
) -> list[RoomState]:
    """A reading every ten seconds for eight hours, and the state after each; nothing else changes."""
    rng = random.Random(seed)
    values = noise(rng)
    window: list[float] = []
    memory, told = RoomMemory(), []
    units = (unit(on, T0 - 8 * 60 * MIN, T0),) if "purifier" in has else ()
    sight = Sight("s.r", has=has, outdoor=outdoors(outdoor), purifiers=units)
    for n in range(8 * 360):
        now = T0 + n * 10 * SEC
        window = [*window[-89:], about + next(values)]
        if len(window) < 68:
            continue
        mean = math.fsum(window) / len(window)
        seen, memory = state.room_state(replace(sight, pm25=Measure(now, mean)), memory, now)
        told.append(seen)
    return told


def eight_hours_outside(noise: Noise, seed: int, about: float, has: frozenset[Need]) -> list[RoomState]:
    """The same with the air outside moving about and 15 µg/m³ inside."""
    values = noise(random.Random(seed))
    window: list[float] = []
    memory, yard, told = RoomMemory(), RoomMemory(), []
    for n in range(8 * 360):
        now = T0 + n * 10 * SEC
        window = [*window[-89:], about + next(values)]
        if len(window) < 68:
            continue
        seen = Measure(now, math.fsum(window) / len(window))
        yard = state.remember(yard, Sight("s.yard", pm25=seen))
        sight = Sight(
            "s.r", has=has, pm25=Measure(now, 15.0), outdoor=state.current(yard.pm25, seen, now), play_level=2
        )
        one, memory = state.room_state(sight, memory, now)
        told.append(one)
    return told


def changes(told: list[RoomState]) -> int:
    """How often the words of the action changed on the screen."""
    words = [state.texts["en"]["ok"].action for state in told]
    return sum(one != other for one, other in pairwise(words))
