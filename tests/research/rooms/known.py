"""Rooms of which everything is known, from the generator of the benchmark, with what a test wants to be so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.science.randomrooms.kinds import CONTROLS, WINDOWS, Kinds, draw
from benchmarks.science.randomrooms.playing import Played, play
from benchmarks.science.rooms import heard
from research.rooms.minutes import Minutes

DAYS = 12
CALM: dict[str, float] = {
    "volume": 180,
    "shut_empty": 0.8,
    "shut_taught": 1.6,
    "windows_add": 6,
    "gusts": 0.08,
    "deposition": 0.25,
    "penetration": 0.85,
    "claimed": 450,
    "cadr": 450,
    "pupils": 30,
    "breath": 0.004,
    "lateness": 1,
    "leaving": 2,
    "teacher_stays": 0,
    "dust_taught": 3,
    "puffs_a_day": 0.3,
    "outdoor_pm": 60,
    "outdoor_co2": 440,
    "outdoor_co2_swing": 8,
    "logger_s": 60,
    "averaging": False,
    "pm_noise": 0.04,
    "pm_wander": 0.01,
    "pm_gain": 1,
    "outdoor_gain": 1,
    "co2_noise": 12,
    "co2_gain": 1,
    "co2_offset": 0,
    "pm_clock": 0,
    "outdoor_clock": 0,
    "co2_clock": 0,
}


def kinds(control: str = "hysteresis", windows: str = "shut", *, size: int = 1, seed: int = 1, **known: float) -> Kinds:
    """`size` rooms alike."""
    drawn = draw(np.random.default_rng(seed), size)
    chosen = {**CALM, **known, "control": CONTROLS.index(control), "windows": WINDOWS.index(windows)}
    return replace(drawn, **{name: np.full(size, value, getattr(drawn, name).dtype) for name, value in chosen.items()})


def played(of: Kinds, *, seed: int = 1, days: int = DAYS) -> tuple[list[Minutes], Played]:
    """(what is known of each room, what happened)."""
    found = play(of, days, np.random.default_rng(seed))
    return [heard(of, found, room) for room in range(of.size)], found


def room(
    control: str = "hysteresis", windows: str = "shut", *, seed: int = 1, days: int = DAYS, **known: float
) -> Minutes:
    return played(kinds(control, windows, seed=seed, **known), seed=seed, days=days)[0][0]
