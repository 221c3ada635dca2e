"""The true air of one classroom: well-mixed, with what drifts in from outside, what settles and what is cleaned.

dC/dt = a·Cout − (a + k + CADR/V)·C, solved exactly over each step. It shares no code with the simulator or with what
ClassAir works out of readings, so that neither can excuse the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

UNSAFE = 25.0  # µg/m³ of PM2.5; above this a purifier that can run must run while children are there


class Second(NamedTuple):
    """One second of a room. `able`: its purifier obeys and cleans when it is on."""

    at: float
    pm25: float
    cleaning: bool
    able: bool
    occupied: bool

    @property
    def unsafe(self) -> bool:
        return self.occupied and self.able and not self.cleaning and self.pm25 > UNSAFE


@dataclass
class Air:
    """`outdoors` is what drifts in; `air_changes` and `settling` are per hour."""

    pm25: float
    volume_m3: float = 180.0
    cadr_m3h: float = 900.0
    air_changes: float = 2.0
    settling: float = 0.3
    outdoors: float = 0.0
    seconds: list[Second] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.jump(self.pm25)

    def jump(self, to: float) -> None:
        """The room fills with dust at once, and as much drifts in as keeps it there while no purifier runs."""
        self.pm25 = to
        self.outdoors = to * (self.air_changes + self.settling) / self.air_changes

    def pass_by(self, now: float, seconds: float, cleaning: bool, able: bool, occupied: bool) -> None:
        loss = self.air_changes + self.settling + (self.cadr_m3h / self.volume_m3 if cleaning else 0.0)
        steady = self.air_changes * self.outdoors / loss
        self.pm25 = steady + (self.pm25 - steady) * math.exp(-loss * seconds / 3600.0)
        self.seconds.append(Second(now, self.pm25, cleaning, able, occupied))

    def unsafe_s(self, since: float, until: float) -> float:
        """Seconds of `since` to `until` in which children breathed more than 25 µg/m³ beside an idle purifier."""
        spent = 0.0
        for before, second in zip(self.seconds, self.seconds[1:], strict=False):
            if since <= second.at <= until and second.unsafe:
                spent += second.at - before.at
        return spent

    def cleaned_s(self, since: float, until: float) -> float:
        spent = 0.0
        for before, second in zip(self.seconds, self.seconds[1:], strict=False):
            if since <= second.at <= until and second.cleaning:
                spent += second.at - before.at
        return spent
