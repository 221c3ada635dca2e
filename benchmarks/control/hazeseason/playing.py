"""The air of one room under a purifier, exactly over each minute, and the ways to run it that need no controller."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.control.hazeseason.instruments import Sensor
from benchmarks.control.hazeseason.world import Clock, Floats, Room

Speeds = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Played:
    """One minute a column: the speed (0 off, 1 the slowest …), the level at its end, the mean within it."""

    speed: Speeds
    level: Floats
    mean: Floats


def play(room: Room, speed: Speeds) -> Played:
    """A schedule of speeds played through a room.

    Within a minute nothing else changes, so C(t) = Css + (C0 − Css)·e^(−Λt) is exact and so is its mean.
    """
    fall, steady, share = minute_maps(room, speed)
    level = _follow(fall, steady * (1 - fall), float(room.inflow[0] / room.loss[0]))
    before = np.concatenate(([room.inflow[0] / room.loss[0]], level[:-1]))
    return Played(speed, level, steady + (before - steady) * share)


def minute_maps(room: Room, speed: npt.NDArray[np.integer] | int) -> tuple[Floats, Floats, Floats]:
    """Of each minute at a speed: e^(−Λ/60), Css, and the share of (C0 − Css) that the minute's mean lies above Css."""
    clean = np.array([0.0, *(cadr / room.volume for cadr in room.unit.cadr)])[speed]
    loss = room.loss + clean
    x = loss / 60
    fall = np.exp(-x)
    return fall, room.inflow / loss, (1 - fall) / x


def _follow(fall: Floats, add: Floats, start: float) -> Floats:
    found, level = [0.0] * len(fall), start
    for i, (a, b) in enumerate(zip(fall.tolist(), add.tolist(), strict=True)):
        level = a * level + b
        found[i] = level
    return np.array(found)


def always(room: Room, timing: Clock) -> Played:
    """Always on, at full speed."""
    return play(room, np.full(timing.minutes, len(room.unit.cadr), np.int8))


def while_occupied(room: Room, timing: Clock) -> Played:
    """On at full speed as long as the timetable has children in the room."""
    return play(room, np.where(timing.occupied, len(room.unit.cadr), 0).astype(np.int8))


def while_occupied_quiet(room: Room, timing: Clock, loudest: float) -> Played:
    """The same, in lessons at the fastest speed that they may hear: what a school can bear."""
    top = len(room.unit.cadr)
    quiet = max((i + 1 for i, dba in enumerate(room.unit.dba) if dba <= loudest), default=1)
    chosen = np.where(timing.lesson, min(quiet, top), top)
    return play(room, np.where(timing.occupied, chosen, 0).astype(np.int8))


def single_threshold(room: Room, timing: Clock, sensor: Sensor, limit: float = 25.0) -> Played:
    """A simple switch: at full speed while the sensor's last value is at least `limit`, day and night, nothing else."""
    top = len(room.unit.cadr)
    off, on = minute_maps(room, 0), minute_maps(room, top)
    rows = zip(*(part.tolist() for part in (off[0], off[1], on[0], on[1], sensor.gain, sensor.offset)), strict=True)
    level, running, speed = float(room.inflow[0] / room.loss[0]), False, [0] * timing.minutes
    for i, (fall_off, steady_off, fall_on, steady_on, gain, offset) in enumerate(rows):
        speed[i] = top if running else 0
        level = steady_on + (level - steady_on) * fall_on if running else steady_off + (level - steady_off) * fall_off
        running = level * gain + offset >= limit
    return play(room, np.array(speed, np.int8))


def nothing(room: Room, timing: Clock) -> Played:
    """No purifier at all."""
    return play(room, np.zeros(timing.minutes, np.int8))
