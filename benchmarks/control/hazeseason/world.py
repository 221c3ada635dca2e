"""Schools in a season of haze, minute by minute: outdoor air, rooms, pupils, windows, dust made inside.

Everything here is fixed by a seed and the same for every way to run the purifiers. The figures are those of northern
Thailand from February to April (daily means of 20 to 200 µg/m³, high at night and in the morning, low in the
afternoon) and of ordinary classrooms with gaps (air changes 0.3 to 2 an hour with windows closed).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from classair.timetable import HoursOfDay, SchoolCalendar, Timetable

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FIRST_DAY: Final = date(2026, 2, 1)
DAYS: Final = 89  # to the end of April
DAY: Final = 1440
ZONE: Final = ZoneInfo("Asia/Bangkok")
MINUTE_MS: Final = 60_000
BEGIN: Final = time(7, 30)
END: Final = time(16)
# Schools are on holiday from the middle of March; here they are taught in until the end of April, when dust is worst.
HOLIDAYS: Final = frozenset(date(2026, *day) for day in ((3, 3), (4, 6), (4, 13), (4, 14), (4, 15)))
TIMETABLE: Final = Timetable(
    frozenset(range(5)),
    (HoursOfDay(BEGIN, END),),
    (HoursOfDay(time(8, 30), time(11, 30)), HoursOfDay(time(12, 30), time(15, 30))),
    SchoolCalendar(holidays=HOLIDAYS),
)
MONTHS: Final = {2: 42.0, 3: 80.0, 4: 68.0}  # µg/m³, the middle of each month's days
HAZE: Final = 37.5  # µg/m³, a day's mean outdoors above which it is a day of haze (Thai limit)


@dataclass(frozen=True, slots=True)
class Clock:
    """The season's minutes. `began`: UTC ms of its first."""

    began: int
    days: int
    occupied: Bools
    lesson: Bools
    school_days: tuple[int, ...]

    @property
    def minutes(self) -> int:
        return self.days * DAY


@dataclass(frozen=True, slots=True)
class Unit:
    """A purifier. Its speeds from slow to fast: CADR in m³/h, watts, dB(A); one speed is a plug's."""

    cadr: tuple[float, ...]
    watts: tuple[float, ...]
    dba: tuple[float, ...]

    @property
    def stepped(self) -> bool:
        return len(self.cadr) > 1


@dataclass(frozen=True, slots=True)
class Room:
    """One room's season. `inflow` P·a·Cout + E/V in µg/(m³·h) and `loss` a + k in 1/h, without purifier; by minute."""

    seed: int
    volume: float
    unit: Unit
    inflow: Floats
    loss: Floats
    outdoor: Floats
    opened: Bools
    air_changes: float
    deposition: float
    penetration: float
    compliance: float

    @property
    def changes(self) -> float:
        """CADR in room volumes an hour at full speed."""
        return self.unit.cadr[-1] / self.volume


def dice(seed: int, *what: object) -> np.random.Generator:
    """Chance of its own for each thing, so that adding one changes no other."""
    return np.random.default_rng([seed, crc32("/".join(map(str, what)).encode())])


def clock(days: int = DAYS) -> Clock:
    began = round(datetime.combine(FIRST_DAY, time(), ZONE).timestamp() * 1000)
    occupied, lesson = np.zeros(days * DAY, bool), np.zeros(days * DAY, bool)
    school_days = []
    for n in range(days):
        day = FIRST_DAY + timedelta(days=n)
        for spans, found in ((TIMETABLE.occupied_spans(day), occupied), (TIMETABLE.lesson_spans(day), lesson)):
            for span in spans:
                found[n * DAY + _minute(span.start) : n * DAY + _minute(span.end)] = True
        if TIMETABLE.school_day(day):
            school_days.append(n)
    return Clock(began, days, occupied, lesson, tuple(school_days))


def outdoors(seed: int, days: int) -> Floats:
    """One school's outdoor PM2.5: weather of days, the day's course, gusts of an hour, smoke of fires nearby."""
    draw, n = dice(seed, "outdoor"), days * DAY
    months = np.log([MONTHS[(FIRST_DAY + timedelta(days=d)).month] for d in range(days)])
    season = np.interp(np.arange(n), np.arange(days) * DAY + DAY / 2, _smooth(months, 15))
    hour = np.arange(n) / 60 % 24
    course = 0.22 * np.cos((hour - 7.5) / 24 * 2 * np.pi) + 0.12 * np.cos((hour - 9) / 12 * 2 * np.pi)
    level = season + red(draw, n, 3.0 * DAY, 0.42) + course + red(draw, n, 45, 0.10)
    smoke = np.zeros(n)
    for at in np.flatnonzero(draw.random(n) < 0.6 / DAY):
        size, long = draw.gamma(2, 25), draw.uniform(20, 120)
        length = min(n - at, int(4 * long))
        smoke[at : at + length] += size * np.exp(-np.arange(length) / long)
    return np.clip(np.exp(level) + smoke, 3, 600)


def room(seed: int, timing: Clock, outdoor: Floats, *, stepped: float = 0.3) -> Room:
    """A room of a school, and its season."""
    draw, n = dice(seed, "room"), timing.minutes
    volume = draw.uniform(140, 260)
    cadr = volume * draw.uniform(3, 10)
    unit = _unit(draw, cadr, draw.random() < stepped)
    base = float(np.clip(draw.lognormal(np.log(0.7), 0.4), 0.3, 2.0))
    deposition, penetration = draw.uniform(0.2, 0.5), draw.uniform(0.7, 0.95)
    compliance = draw.beta(6, 2)
    people = _people(draw, timing)
    opened = _opened(draw, timing, outdoor, compliance)
    wide, ajar = draw.uniform(4, 12), draw.uniform(1.5, 3)
    air = base * np.exp(red(draw, n, 60, 0.2)) * (1 + draw.uniform(0.2, 0.8) * people)
    air += np.where(opened == 2, wide, np.where(opened == 1, ajar, 0.0))
    source = draw.uniform(3, 12) * people + _sweeping(draw, timing)
    return Room(
        seed,
        volume,
        unit,
        penetration * air * outdoor + source,
        air + deposition,
        outdoor,
        opened > 0,
        base,
        deposition,
        penetration,
        compliance,
    )


def red(draw: np.random.Generator, n: int, memory: float, sd: float) -> Floats:
    """An Ornstein-Uhlenbeck series of this memory (minutes) and standard deviation."""
    every = max(1, int(memory / 20))  # drawn as coarsely as its memory allows, straight lines between
    coarse = n // every + 2
    keep = float(np.exp(-every / memory))
    kicks = draw.standard_normal(coarse) * sd * np.sqrt(1 - keep * keep)
    found, value = np.empty(coarse), float(draw.standard_normal() * sd)
    for i in range(coarse):
        value = keep * value + kicks[i]
        found[i] = value
    return np.interp(np.arange(n), np.arange(coarse) * every, found)


def _unit(draw: np.random.Generator, cadr: float, stepped: bool) -> Unit:
    """0.1 W for each m³/h at full speed; at lower ones with the square of the flow, and 2 W for its electronics."""
    full, loud = 0.1 * cadr, draw.uniform(52, 60)
    if not stepped:
        return Unit((cadr,), (full,), (loud,))
    shares = (draw.uniform(0.25, 0.35), draw.uniform(0.5, 0.65), 1.0)
    quiet = (draw.uniform(30, 36), draw.uniform(40, 47), loud)
    return Unit(tuple(cadr * s for s in shares), tuple(2 + (full - 2) * s**2 for s in shares), quiet)


def _people(draw: np.random.Generator, timing: Clock) -> Floats:
    """The share of the class that is in the room: late ones, lunch, a lesson elsewhere, days away."""
    found = np.zeros(timing.minutes)
    for day in timing.school_days:
        if draw.random() < 0.03:
            continue  # an outing
        start = day * DAY
        begin = start + 450 + int(draw.integers(-10, 15))
        end = start + 960 + int(draw.integers(-20, 10))
        found[begin:end] = draw.uniform(0.8, 1)
        lunch = start + 690 + int(draw.integers(-5, 10))
        found[lunch : lunch + int(draw.integers(35, 60))] *= draw.uniform(0, 0.4)
        if draw.random() < 0.35:
            away = start + int(draw.choice([510, 570, 630, 750, 810, 870]))
            found[away : away + 55] *= 0.05
    return found


def _opened(draw: np.random.Generator, timing: Clock, outdoor: Floats, compliance: float) -> npt.NDArray[np.int8]:
    """0 closed, 1 ajar, 2 wide. A teacher who follows the advice opens where outdoors is at most 37.5 µg/m³."""
    found = np.zeros(timing.minutes, np.int8)
    for day in timing.school_days:
        start = day * DAY
        for habit, begin, longest in ((0.5, 415, 40), (0.5, 690, 45), (0.3, 945, 40)):
            at = start + begin + int(draw.integers(0, 20))
            long, wish, obeys = int(draw.integers(10, longest)), draw.random() < habit, draw.random() < compliance
            if wish and (outdoor[at] <= HAZE or not obeys):
                found[at : at + long] = 2
        wish, obeys = draw.random() < 0.15, draw.random() < compliance
        if wish and (outdoor[start + 480] <= HAZE or not obeys):
            inside = found[start + 480 : start + 930]
            inside[inside == 0] = 1
    return found


def _sweeping(draw: np.random.Generator, timing: Clock) -> Floats:
    """µg/(m³·h) that sweeping and wiping the board raise: 5 to 25 µg/m³ in some minutes."""
    found = np.zeros(timing.minutes)
    for day in timing.school_days:
        for likely, begin, spread in ((0.5, 455, 25), (0.25, 735, 20), (0.6, 925, 30), (0.5, 965, 20)):
            if draw.random() < likely:
                at, long = day * DAY + begin + int(draw.integers(0, spread)), int(draw.integers(4, 10))
                found[at : at + long] += draw.uniform(5, 25) * 60 / long
    return found


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _smooth(values: npt.ArrayLike, width: int) -> Floats:
    padded = np.pad(np.asarray(values, float), width // 2, mode="edge")
    return np.convolve(padded, np.ones(width) / width, "valid")
