"""Rooms of which everything is known, with the noise of real sensors: to see how well the estimates find it again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from classair.timetable import ZONE, to_ms
from research.rooms.estimate import Bools, Floats

DAY: Final = 1440
MONDAY_MS: Final = to_ms(datetime(2026, 2, 2, tzinfo=ZONE))
BLOCKS: Final = ((450, 690), (750, 960))  # minutes of the day with children: 7:30–11:30, 12:30–16:00


@dataclass(frozen=True, slots=True)
class Truth:
    """A room: rates 1/h, volume m³, CADR m³/h, what a pupil breathes out L/s, noise of the sensors."""

    air_changes: float = 2.0
    night_air_changes: float | None = None
    volume_m3: float = 180.0
    people: int = 30
    breath_l_s: float = 0.0041
    outdoor_ppm: float = 425.0
    co2_noise: float = 15.0
    deposition: float = 0.3
    penetration: float = 0.85
    cadr_m3h: float = 400.0
    plugged_in: bool = True
    pm_noise: float = 0.05  # relative, on top of 1 µg/m³ and of whole numbers
    outdoor_pm: float = 60.0
    sources_per_day: float = 0.5  # sweeping, cooking next door: puffs of some minutes
    leaving_minutes: float = 4.0  # how long it takes until the last one has left
    wander: float = 0.15  # how much the air changes vary from hour to hour (wind, doors), relative


@dataclass(frozen=True, slots=True)
class Played:
    """Minutes from `start_ms`: what the sensors of the room say, and what happened in it."""

    start_ms: int
    co2: Floats
    pm25: Floats
    outdoor_pm25: Floats
    purifier: Floats  # 1 on, 0 off as the socket tells
    occupied: Bools


def play(truth: Truth, days: int, seed: int, *, switching: bool = True) -> Played:
    """`days` school days of a room, minute by minute."""
    chance = np.random.default_rng(seed)
    size = days * DAY
    minute = np.arange(size) % DAY
    occupied = np.zeros(size, bool)
    for begin, end in BLOCKS:
        occupied |= (minute >= begin) & (minute < end)
    present = truth.people * chance.uniform(0.85, 1.0, days).repeat(DAY) * occupied
    if truth.leaving_minutes:
        # People come and go by and by, not in one moment.
        kernel = np.exp(-np.arange(60) / truth.leaving_minutes)
        present = np.convolve(present, kernel / kernel.sum())[:size]
    rate = np.where(occupied | np.roll(occupied, 1), truth.air_changes, truth.night_air_changes or truth.air_changes)
    if truth.wander:
        gusts = np.exp(chance.normal(0, truth.wander, size // 60 + 2))
        rate = rate * np.interp(np.arange(size) / 60, np.arange(gusts.size), gusts)
    outdoor = _outdoor(truth, size, chance)
    purifier = _switching(size, chance) if switching else np.zeros(size)
    co2, pm = np.empty(size), np.empty(size)
    c, p = truth.outdoor_ppm, truth.penetration * outdoor[0] * 0.6
    puffs = np.zeros(size)
    for at in chance.integers(0, size, chance.poisson(truth.sources_per_day * days)):
        puffs[at : at + int(chance.integers(5, 25))] += chance.uniform(150, 900)  # µg/(m³·h)
    for i in range(size):
        fall = np.exp(-rate[i] / 60)
        steady = truth.outdoor_ppm + present[i] * truth.breath_l_s * 3.6e6 / (rate[i] * truth.volume_m3)
        c = steady + (c - steady) * fall
        clean = truth.cadr_m3h / truth.volume_m3 if purifier[i] and truth.plugged_in else 0.0
        loss = rate[i] + truth.deposition + clean
        level = (truth.penetration * rate[i] * outdoor[i] + puffs[i]) / loss
        p = level + (p - level) * np.exp(-loss / 60)
        co2[i], pm[i] = c, p

    def heard(values: Floats) -> Floats:
        noisy: Floats = values * chance.normal(1, truth.pm_noise, size) + chance.normal(0, 0.7, size)
        return np.asarray(np.rint(np.maximum(noisy, 0.0)), np.float64)

    return Played(
        MONDAY_MS,
        np.round(co2 + chance.normal(0, truth.co2_noise, size)),
        heard(pm),
        heard(outdoor),
        purifier,
        occupied,
    )


def _outdoor(truth: Truth, size: int, chance: np.random.Generator) -> Floats:
    """Haze that swells in the night and wanders from day to day, µg/m³."""
    hours = np.arange(size) / 60
    daily = 1 + 0.35 * np.cos((hours - 5) / 24 * 2 * np.pi)
    steps = chance.normal(0, 0.06, size // 60 + 2).cumsum() * 0.7
    drift = np.interp(hours, np.arange(steps.size), np.exp(steps - steps.mean()))
    swelling: Floats = truth.outdoor_pm * daily * np.clip(drift, 0.3, 3.0)
    return swelling


def _switching(size: int, chance: np.random.Generator) -> Floats:
    """On and off as hysteresis does it: stretches of half an hour to some hours."""
    on, at, state = np.zeros(size), 0, 0.0
    while at < size:
        length = int(chance.uniform(40, 200))
        on[at : at + length] = state
        at, state = at + length, 1.0 - state
    return on


def unidentifiable(seed: int) -> list[tuple[str, Played]]:
    """Rooms whose CO2 does not say how they breathe, each with its reason."""
    chance = np.random.default_rng(seed)
    truth = Truth(air_changes=float(chance.uniform(0.5, 6)))
    whole = play(truth, 6, seed)
    size = whole.co2.size
    flat = np.full(size, 5000.0)
    present_all_day = replace(
        whole,
        occupied=np.ones(size, bool),
        co2=np.round(900 + 200 * np.sin(np.arange(size) / 300) + chance.normal(0, 15, size)),
    )
    empty = replace(whole, co2=np.round(425 + chance.normal(0, 15, size)))
    wandering = replace(whole, co2=np.round(1200 + np.clip(chance.normal(0, 6, size).cumsum(), -500, 800)))
    sparse = whole.co2.copy()
    sparse[chance.random(size) < 0.7] = np.nan
    crowd = play(replace(truth, leaving_minutes=50.0), 6, seed)
    aired = play(replace(truth, people=3, air_changes=8.0), 6, seed)
    return [
        ("saturated", replace(whole, co2=flat)),
        ("never empty", present_all_day),
        ("nobody comes", empty),
        ("a sensor that wanders", wandering),
        ("mostly missing", replace(whole, co2=sparse)),
        ("leaving one by one", crowd),
        ("too little above outdoors", aired),
    ]
