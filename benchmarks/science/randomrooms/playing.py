"""Plays random rooms second for second enough (steps of half a minute), all of a batch at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.science.randomrooms.kinds import CONTROLS, WINDOWS, Floats, Kinds

Bools = npt.NDArray[np.bool_]

DAY: Final = 1440
PER_MINUTE: Final = 2
BLOCKS: Final = ((450, 690), (750, 960))  # 7:30–11:30, 12:30–16:00
MORNING: Final = (405, 480)
AIRED: Final = ((690, 750), (960, 1020))  # windows of those who air in breaks
ON_ABOVE, OFF_BELOW, ON_FOR, OFF_FOR, LEAST_ON, LEAST_OFF = 25.0, 15.0, 3.0, 10.0, 15.0, 10.0


@dataclass(frozen=True, slots=True)
class Played:
    """One row a room, one column a minute. heard_*, purifier, timetable, windows_known are known, the rest is true."""

    heard_pm: Floats
    heard_outdoor: Floats
    heard_co2: Floats
    purifier: Floats
    timetable: Bools
    windows_known: Bools
    pm: Floats
    pm_without: Floats
    outdoor: Floats
    co2: Floats
    outdoor_co2: Floats
    air_changes: Floats
    people: Floats


def play(kinds: Kinds, days: int, chance: np.random.Generator) -> Played:
    """`days` from a Monday on; school from Monday to Friday."""
    rooms, minutes = kinds.size, days * DAY
    timetable = np.zeros(minutes, bool)
    for day in range(days):
        if day % 7 < 5:
            for begin, end in BLOCKS:
                timetable[day * DAY + begin : day * DAY + end] = True
    people = _people(kinds, days, chance)
    opened, known = _opened(kinds, days, people > 0.5, timetable, chance)
    taught = people > 0.5
    gusts = np.exp(kinds.gusts[:, None] * _hourly(chance, rooms, minutes))
    air_changes = gusts * (
        np.where(taught, kinds.shut_taught[:, None], kinds.shut_empty[:, None]) + opened * kinds.windows_add[:, None]
    )
    outdoor = _outdoor(kinds, minutes, chance)
    hour = np.arange(minutes) / 60
    outdoor_co2 = kinds.outdoor_co2[:, None] + kinds.outdoor_co2_swing[:, None] * np.cos((hour - 5) / 24 * 2 * np.pi)
    sources = kinds.dust_taught[:, None] * taught + _puffs(kinds, days, chance)
    scheduled = _scheduled(kinds, days, timetable, chance)
    noise = _noise(kinds, minutes, chance)

    clean = kinds.cadr / kinds.volume
    pm, bare, co2 = outdoor[:, 0] * 0.5, outdoor[:, 0] * 0.5, outdoor_co2[:, 0] + 20.0
    control = _Control(kinds)
    hysteresis = kinds.control == CONTROLS.index("hysteresis")
    told_every = np.maximum(kinds.logger_s // 60, 1)
    found = {name: np.empty((rooms, minutes)) for name in ("pm", "bare", "co2", "purifier")}
    running = np.zeros(rooms, bool)
    signal = pm * kinds.pm_gain
    hours = 1 / 60 / PER_MINUTE
    for i in range(minutes):
        rate = air_changes[:, i]
        fall_co2 = np.exp(-rate * hours)
        steady_co2 = outdoor_co2[:, i] + people[:, i] * kinds.breath * 3.6e6 / (rate * kinds.volume)
        coming = kinds.penetration * rate * outdoor[:, i] + sources[:, i]
        alone = rate + kinds.deposition
        fall_alone = np.exp(-alone * hours)
        loss = alone + clean * running
        fall = np.exp(-loss * hours)
        level, level_alone = coming / loss, coming / alone
        for _ in range(PER_MINUTE):
            pm = level + (pm - level) * fall
            bare = level_alone + (bare - level_alone) * fall_alone
            co2 = steady_co2 + (co2 - steady_co2) * fall_co2
        found["pm"][:, i], found["bare"][:, i], found["co2"][:, i], found["purifier"][:, i] = pm, bare, co2, running
        signal = np.where(i % told_every == 0, pm * kinds.pm_gain * noise[:, i], signal)
        running = np.where(hysteresis, control.feed(signal, float(i)), scheduled[:, min(i + 1, minutes - 1)])
    at = np.arange(minutes)
    chosen = {"pm": found["pm"] * kinds.pm_gain[:, None], "outdoor": outdoor * kinds.outdoor_gain[:, None]}
    heard = {
        name: _logged(kinds, values, clock, noise_of, at)
        for name, values, clock, noise_of in (
            ("pm", chosen["pm"], kinds.pm_clock, noise),
            ("outdoor", chosen["outdoor"], kinds.outdoor_clock, _noise(kinds, minutes, chance)),
        )
    }
    said = found["co2"] * kinds.co2_gain[:, None] + kinds.co2_offset[:, None]
    heard_co2 = _logged(kinds, said, kinds.co2_clock, np.ones_like(said), at)
    per = np.sqrt(np.maximum(1.0, 60 / kinds.logger_s * kinds.averaging)) + (~kinds.averaging & (kinds.logger_s < 60))
    heard_co2 = np.rint(heard_co2 + chance.normal(size=said.shape) * (kinds.co2_noise / per)[:, None])
    return Played(
        heard["pm"],
        heard["outdoor"],
        heard_co2,
        found["purifier"],
        np.broadcast_to(timetable, (rooms, minutes)),
        known,
        found["pm"],
        found["bare"],
        outdoor,
        found["co2"],
        outdoor_co2,
        air_changes,
        people,
    )


class _Control:
    """Thresholds with patience, shortest runs and rests, as in ClassAir's documents; minutes."""

    def __init__(self, kinds: Kinds) -> None:
        self.on = np.zeros(kinds.size, bool)
        self.above = np.full(kinds.size, np.inf)
        self.below = np.full(kinds.size, np.inf)
        self.changed = np.full(kinds.size, -1e9)

    def feed(self, signal: Floats, at: float) -> Bools:
        self.above = np.where(signal >= ON_ABOVE, np.minimum(self.above, at), np.inf)
        self.below = np.where(signal <= OFF_BELOW, np.minimum(self.below, at), np.inf)
        lasted = at - self.changed
        start = ~self.on & (at - self.above >= ON_FOR) & (lasted >= LEAST_OFF)
        stop = self.on & (at - self.below >= OFF_FOR) & (lasted >= LEAST_ON)
        self.on = (self.on | start) & ~stop
        self.changed = np.where(start | stop, at, self.changed)
        return self.on


def _people(kinds: Kinds, days: int, chance: np.random.Generator) -> Floats:
    """Pupils in each room by the minute: the class comes and goes a little off the timetable, sometimes not at all."""
    people = np.zeros((kinds.size, days * DAY))
    for room in range(kinds.size):
        for day in range(days):
            if day % 7 >= 5 or chance.random() < 0.04:
                continue
            attending = kinds.pupils[room] * chance.uniform(0.8, 1.0)
            for begin, end in BLOCKS:
                late, off = np.rint(chance.normal(0, max(kinds.lateness[room], 1e-9), 2)).astype(int)
                start, stop = day * DAY + begin + late, day * DAY + end + off
                people[room, start:stop] = attending * chance.uniform(0.9, 1.0)
                tail = np.arange(40)
                people[room, stop : stop + 40] = attending * np.exp(-(tail + 1) / kinds.leaving[room])
            if chance.random() < kinds.teacher_stays[room]:
                until = int(chance.integers(15, 75))
                people[room, day * DAY + 960 : day * DAY + 960 + until] += chance.integers(1, 4)
    people[people < 0.3] = 0.0
    return people


def _opened(
    kinds: Kinds, days: int, present: Bools, timetable: Bools, chance: np.random.Generator
) -> tuple[Any, Bools]:
    """How far the windows are open, 0 to 1, and the times at which half of the rooms' settings say they are."""
    minute = np.arange(days * DAY) % DAY
    school = np.arange(days * DAY) // DAY % 7 < 5
    opened = np.zeros(present.shape)
    known = np.zeros(present.shape, bool)
    for room in range(kinds.size):
        habit = WINDOWS[kinds.windows[room]]
        if habit == "lessons":
            opened[room] = present[room]
            planned = timetable
        elif habit == "some days":
            chosen = np.repeat(chance.random(days) < 0.5, DAY)
            opened[room], planned = present[room] & chosen, np.zeros_like(timetable)
        elif habit == "breaks":
            planned = school & np.any([(minute >= b) & (minute < e) for b, e in AIRED], axis=0)
            opened[room] = planned
        elif habit == "mornings":
            planned = school & (minute >= MORNING[0]) & (minute < MORNING[1])
            opened[room] = planned
        else:
            planned = np.zeros_like(timetable)
        if chance.random() < 0.5:
            known[room] = planned
        opened[room] *= np.repeat(chance.uniform(0.6, 1.2, days), DAY)
        for at in chance.integers(0, days * DAY, chance.poisson(0.15 * days)):  # somebody airs for a while
            opened[room, at : at + int(chance.integers(10, 60))] = chance.uniform(0.3, 1.0)
    return opened, known


def _scheduled(kinds: Kinds, days: int, timetable: Bools, chance: np.random.Generator) -> Bools:
    """Purifiers that run by a timer or by hand."""
    size = days * DAY
    minute = np.arange(size) % DAY
    school = np.arange(size) // DAY % 7 < 5
    found = np.zeros((kinds.size, size), bool)
    for room in range(kinds.size):
        control = CONTROLS[kinds.control[room]]
        if control == "timer":
            kind = chance.integers(3)
            if kind == 0:  # so long on, so long off, all day
                on, off, phase = chance.integers(30, 121), chance.integers(30, 121), chance.integers(240)
                found[room] = (np.arange(size) + phase) % (on + off) < on
            elif kind == 1:  # from before school until after it
                begin, end = chance.integers(390, 450), chance.integers(900, 1080)
                found[room] = school & (minute >= begin) & (minute < end)
            else:  # spans of the day
                for _ in range(3):
                    begin = int(chance.integers(360, 960))
                    found[room] |= (minute >= begin) & (minute < begin + int(chance.integers(40, 150)))
        elif control == "manual":
            at, state = 0, False
            for day in range(days):
                if day % 7 >= 5:
                    continue
                at = day * DAY + 420 + int(chance.integers(0, 90))
                stop = day * DAY + (DAY + 420 if chance.random() < 0.1 else 960 + int(chance.integers(0, 20)))
                state = bool(chance.random() < 0.7)
                while at < stop:
                    length = int(chance.uniform(20, 150))
                    found[room, at : min(at + length, stop)] = state
                    at, state = at + length, not state
    return found


def _outdoor(kinds: Kinds, minutes: int, chance: np.random.Generator) -> Floats:
    """Haze by the day, swelling in the night, wandering by the hour, with the road's smaller waves."""
    hour = np.arange(minutes) / 60
    swell = chance.uniform(0.1, 0.4, (kinds.size, 1)) * np.cos(
        (hour - chance.uniform(3, 8, (kinds.size, 1))) / 24 * 2 * np.pi
    )
    logs = swell + 0.35 * _wave(chance, kinds.size, minutes, 720) + 0.2 * _wave(chance, kinds.size, minutes, 120)
    logs += 0.07 * _wave(chance, kinds.size, minutes, 20)
    return np.asarray(kinds.outdoor_pm[:, None] * np.exp(np.clip(logs, -1.8, 1.5)))


def _hourly(chance: np.random.Generator, rooms: int, minutes: int) -> Floats:
    return 0.8 * _wave(chance, rooms, minutes, 90) + 0.6 * _wave(chance, rooms, minutes, 15)


def _wave(chance: np.random.Generator, rooms: int, minutes: int, scale: int) -> Floats:
    """Noise of unit variance that wanders over `scale` minutes: nodes of an AR(1) process joined by lines."""
    nodes = minutes // scale + 3
    steps = chance.normal(size=(rooms, nodes))
    for i in range(1, nodes):
        steps[:, i] = 0.6 * steps[:, i - 1] + 0.8 * steps[:, i]
    at = np.arange(minutes) / scale
    low = at.astype(int)
    part = at - low
    return np.asarray(steps[:, low] * (1 - part) + steps[:, low + 1] * part)


def _puffs(kinds: Kinds, days: int, chance: np.random.Generator) -> Floats:
    """Sweeping, cooking beside the room: minutes in which dust comes up, µg/(m³·h)."""
    found = np.zeros((kinds.size, days * DAY))
    for room in range(kinds.size):
        for at in chance.integers(0, days * DAY, chance.poisson(kinds.puffs_a_day[room] * days)):
            found[room, at : at + int(chance.integers(4, 30))] += chance.uniform(60, 700)
    return found


def _noise(kinds: Kinds, minutes: int, chance: np.random.Generator) -> Floats:
    """A factor by the minute: a value's own noise, less where several make a minute's mean, and a slow wander."""
    single = kinds.pm_noise / np.sqrt(np.maximum(1.0, np.where(kinds.averaging, 60.0, 30.0) / kinds.logger_s))
    factor = 1 + single[:, None] * chance.normal(size=(kinds.size, minutes))
    return np.asarray(factor + kinds.pm_wander[:, None] * _wave(chance, kinds.size, minutes, 15))


def _logged(kinds: Kinds, values: Floats, clock: Floats, noise: Floats, at: npt.NDArray[np.int64]) -> Floats:
    """What is stored minute by minute: a clock that runs ahead by `clock` dates the air of earlier."""
    found = np.full(values.shape, np.nan)
    for room in range(kinds.size):
        every = max(1, int(kinds.logger_s[room]) // 60)
        seen = np.interp(at - clock[room], at + 0.5, values[room])
        if kinds.averaging[room] and every > 1:
            total = np.concatenate([[0.0], np.cumsum(seen)])
            low = np.maximum(at - every + 1, 0)
            seen = (total[at + 1] - total[low]) / (at + 1 - low)
        told = seen * noise[room]
        shown = at % every == every - 1
        found[room, shown] = told[shown]
    return found
