"""Sensors in the rooms: gain, offset and noise of ordinary ones, and what goes wrong with them in the second table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from benchmarks.control.hazeseason.world import DAY, Clock, Floats, dice

Fault = Literal["none", "silent", "stuck", "gain drift", "dead fan", "two disagree", "late"]
FAULTS: Final[tuple[Fault, ...]] = ("silent", "stuck", "gain drift", "dead fan", "two disagree", "late")


@dataclass(frozen=True, slots=True)
class Sensor:
    """It says C·gain + offset, a value for each minute; `stuck` minutes repeat their first value; `silent` say nothing.

    `late`: a minute's value arrives so many minutes later.
    """

    gain: Floats
    offset: Floats
    silent: npt.NDArray[np.bool_]
    stuck: npt.NDArray[np.bool_]
    late: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Instruments:
    """The room's sensors, and the yard's as control hears it: the 5-minute median of its values."""

    sensors: tuple[Sensor, ...]
    yard: Floats
    fault: Fault = "none"
    spans: tuple[tuple[int, int], ...] = field(default=())


def instruments(seed: int, timing: Clock, outdoor: Floats, fault: Fault = "none") -> Instruments:
    """The sensors of one room. A fault comes each week or two for hours to days; a gain drifts over the season."""
    first = _ordinary(seed, 0, timing.minutes)
    yard = _yard(seed, outdoor)
    if fault == "none":
        return Instruments((first,), yard)
    draw, n = dice(seed, "fault", fault), timing.minutes
    spans: list[tuple[int, int]] = []
    at = int(draw.integers(0, 10 * DAY))
    while at < n:
        long = int(draw.choice([30, 120, 480, 2 * DAY], p=[0.3, 0.3, 0.25, 0.15]))
        spans.append((at, min(n, at + long)))
        at += long + int(draw.exponential(9 * DAY))
    inside = np.zeros(n, bool)
    for begin, end in spans:
        inside[begin:end] = True
    if fault == "silent":
        first.silent[:] = inside
    elif fault == "stuck":
        first.stuck[:] = inside
    elif fault == "gain drift":
        first.gain[:] *= np.linspace(1, draw.choice([0.6, 1.5]), n)
    elif fault == "dead fan":
        # Air no longer passes: what is left is a slow, small answer to the room, and now and then nothing at all.
        first.gain[:] = np.where(inside, first.gain * 0.15, first.gain)
    elif fault == "two disagree":
        second = _ordinary(seed, 1, n)
        second.gain[:] = np.where(inside, second.gain * draw.choice([0.2, 2.5]), second.gain)
        return Instruments((first, second), yard, fault, tuple(spans))
    else:
        for begin, end in spans:
            end = min(end, begin + 480)
            first.late[begin:end] = end - np.arange(begin, end)
    return Instruments((first,), yard, fault, tuple(spans))


def _yard(seed: int, outdoor: Floats) -> Floats:
    sensor = _ordinary(seed // 1000, 2, len(outdoor))
    heard = np.maximum(outdoor * sensor.gain + sensor.offset, 0)
    return np.median(np.lib.stride_tricks.sliding_window_view(np.pad(heard, (4, 0), mode="edge"), 5), axis=1)


def _ordinary(seed: int, which: int, n: int) -> Sensor:
    draw = dice(seed, "sensor", which)
    gain = draw.lognormal(0, 0.08) * (1 + 0.03 * draw.standard_normal(n))
    offset = draw.normal(0, 1) + 0.8 * draw.standard_normal(n)
    return Sensor(gain, offset, np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, np.int64))
