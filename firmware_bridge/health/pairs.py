"""Whether two sensors of one room agree, hour by hour. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from classair.units import HOUR_MS

COMPLETE_S: Final = 2700.0
"""An hour's mean needs 45 of its 60 minutes."""


class Tolerance(NamedTuple):
    """Two sensors disagree when they differ by more than `units` and by more than `share` of their mean."""

    units: float
    share: float


TOLERANCES: Final[Mapping[str, Tolerance]] = {
    # The rule for the two channels of a PurpleAir in the US fire and smoke map: 5 µg/m³ and 70 %.
    "pm25": Tolerance(5.0, 0.7),
    # Twice the coarsest datasheet (MH-Z19B: 50 ppm + 5 %), as of two sensors that err in opposite directions.
    "co2_ppm": Tolerance(100.0, 0.1),
}


class Agreement(NamedTuple):
    """Hourly means of a sensor and its neighbour, their difference, and that relative to the mean of both."""

    quantity: str
    mine: float
    other: float
    difference: float
    relative: float
    disagrees: bool


def compare(quantity: str, mine: float, other: float) -> Agreement:
    """`difference` = |A − B| in the quantity's unit; `relative` = 2·|A − B| / (A + B), 0 unless the sum is above 0."""
    tolerance = TOLERANCES[quantity]
    difference = abs(mine - other)
    relative = 2 * difference / (mine + other) if mine + other > 0 else 0.0
    return Agreement(
        quantity, mine, other, difference, relative, difference > tolerance.units and relative > tolerance.share
    )


@dataclass(slots=True)
class _Hour:
    seconds: float = 0.0
    weighted: float = 0.0

    def mean(self) -> float | None:
        return self.weighted / self.seconds if self.seconds >= COMPLETE_S else None


@dataclass(slots=True)
class _Sensor:
    room: str
    hour: int = 0
    running: dict[str, _Hour] = field(default_factory=dict)
    done: tuple[int, dict[str, float]] = (0, {})  # the last hour that has ended, and its complete means


class Pairs:
    """Keeps hourly means of every sensor of this bridge; each is compared with its neighbours in the room."""

    def __init__(self) -> None:
        self._sensors: dict[str, _Sensor] = {}

    def place(self, sensor: str, room: str) -> None:
        """Says in which room a sensor is; what it measured elsewhere counts no longer."""
        known = self._sensors.get(sensor)
        if known is None or known.room != room:
            self._sensors[sensor] = _Sensor(room)

    def remove(self, sensor: str) -> None:
        self._sensors.pop(sensor, None)

    def add(self, sensor: str, at_ms: int, seconds: float, good: Mapping[str, float]) -> None:
        """Takes a reading: its time, how long it is the mean of, and its values that are not set aside."""
        mine = self._sensors.get(sensor)
        if mine is None:
            return
        hour = at_ms // HOUR_MS
        if hour > mine.hour:
            means = {key: mean for key, it in mine.running.items() if (mean := it.mean()) is not None}
            mine.done = (mine.hour, means)
            mine.hour, mine.running = hour, {}
        elif hour < mine.hour:
            return  # dated late; its hour is over
        for key in TOLERANCES:
            if key in good:
                it = mine.running.setdefault(key, _Hour())
                it.seconds += seconds
                it.weighted += seconds * good[key]

    def mean(self, sensor: str, quantity: str) -> float | None:
        """The mean of the last hour that has ended, None when it was not complete."""
        mine = self._sensors.get(sensor)
        return mine.done[1].get(quantity) if mine is not None else None

    def agreement(self, sensor: str) -> tuple[str, Agreement] | None:
        """The neighbour that differs most in the same hour, None without one that measures the same."""
        mine = self._sensors.get(sensor)
        if mine is None:
            return None
        found = [
            (name, compare(key, value, other.done[1][key]))
            for key, value in mine.done[1].items()
            for name, other in self._sensors.items()
            if name != sensor and other.room == mine.room and other.done[0] == mine.done[0] and key in other.done[1]
        ]
        return max(found, key=lambda pair: (pair[1].disagrees, pair[1].relative), default=None)
