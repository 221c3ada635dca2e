"""What a random room is like: its rates, sensors, clocks, purifier and habits, all drawn from a seed.

docs/rooms.md lists the ranges. One array element per room; rates 1/h, volumes m³, delivery rates m³/h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CONTROLS: Final = ("hysteresis", "timer", "manual")
WINDOWS: Final = ("shut", "lessons", "some days", "breaks", "mornings")
LOGGERS_S: Final = (5, 10, 60, 120, 300, 600)


@dataclass(frozen=True, slots=True)
class Kinds:
    """The drawn rooms; `control` and `windows` index CONTROLS and WINDOWS."""

    volume: Floats
    shut_empty: Floats  # air changes of the shut room, nobody in it
    shut_taught: Floats  # with the door opened now and then
    windows_add: Floats
    gusts: Floats  # standard deviation of the logarithm of the air changes, from hour to hour
    deposition: Floats
    penetration: Floats
    claimed: Floats
    cadr: Floats  # what the purifier really delivers
    control: Ints
    windows: Ints
    pupils: Floats
    breath: Floats  # CO2, litres/s a pupil
    lateness: Floats  # minutes by which the class comes and leaves off the timetable, standard deviation
    leaving: Floats  # minutes, time constant of leaving
    teacher_stays: Floats  # probability that a few people stay after school
    dust_taught: Floats  # µg/(m³·h)
    puffs_a_day: Floats
    outdoor_pm: Floats
    outdoor_co2: Floats
    outdoor_co2_swing: Floats
    logger_s: Ints
    averaging: npt.NDArray[np.bool_]  # the logger reports means of its interval, else single values at its end
    pm_noise: Floats  # relative, of a single value
    pm_wander: Floats  # relative, wandering over some twenty minutes
    pm_gain: Floats
    outdoor_gain: Floats
    co2_noise: Floats
    co2_gain: Floats
    co2_offset: Floats
    pm_clock: Floats  # minutes that the sensor's clock is ahead
    outdoor_clock: Floats
    co2_clock: Floats

    @property
    def size(self) -> int:
        return self.volume.size


def draw(chance: np.random.Generator, size: int) -> Kinds:
    def between(low: float, high: float) -> Floats:
        return chance.uniform(low, high, size)

    def spread(low: float, high: float) -> Floats:
        return np.exp(chance.uniform(np.log(low), np.log(high), size))

    shut = spread(0.2, 1.5)
    claimed = between(200, 800)
    works = chance.choice(4, size, p=[0.1, 0.5, 0.2, 0.2])
    # Not plugged in behind its socket, as good as new, aged, hardly any.
    share = np.choose(works, [np.zeros(size), between(0.85, 1.1), between(0.4, 0.85), between(0.1, 0.4)])
    return Kinds(
        volume=between(120, 260),
        shut_empty=shut,
        shut_taught=shut * between(1.0, 3.0),
        windows_add=between(1.5, 10.0),
        gusts=between(0.05, 0.25),
        deposition=between(0.1, 0.4),
        penetration=between(0.7, 1.0),
        claimed=claimed,
        cadr=claimed * share,
        control=chance.choice(3, size, p=[0.5, 0.25, 0.25]),
        windows=chance.choice(5, size, p=[0.25, 0.25, 0.2, 0.15, 0.15]),
        pupils=between(15, 42),
        breath=between(0.003, 0.005),
        lateness=between(0.0, 4.0),
        leaving=between(1.0, 6.0),
        teacher_stays=between(0.0, 0.4),
        dust_taught=between(0.0, 12.0),
        puffs_a_day=between(0.0, 2.0),
        outdoor_pm=spread(20, 130),
        outdoor_co2=between(400, 520),
        outdoor_co2_swing=between(0, 25),
        logger_s=chance.choice(LOGGERS_S, size),
        averaging=chance.random(size) < 0.5,
        pm_noise=between(0.02, 0.08),
        pm_wander=between(0.0, 0.03),
        pm_gain=between(0.7, 1.3),
        outdoor_gain=between(0.7, 1.3),
        co2_noise=between(5, 25),
        co2_gain=between(0.95, 1.05),
        co2_offset=between(-30, 30),
        pm_clock=between(-10, 10),
        outdoor_clock=between(-10, 10),
        co2_clock=between(-10, 10),
    )
