"""What the estimates of a random room should say, from what really happened in it, and whether data could tell it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.science.randomrooms.kinds import Floats, Kinds
from benchmarks.science.randomrooms.playing import Played


@dataclass(frozen=True, slots=True)
class Truth:
    """value: None where there is none, as of a pause that never comes. usable: whether it must be told."""

    value: float | None
    usable: bool = True


def truth(kinds: Kinds, played: Played, room: int) -> dict[str, Truth]:
    """By quantity and method, as the estimates name them."""
    rate, table = played.air_changes[room], played.timetable[room]
    pm, outdoor = played.pm[room], played.outdoor[room]
    changes = np.flatnonzero(np.diff(table.astype(np.int8))) + 1
    edges = [int(i) for i in changes] + [table.size]
    breaks, afternoons, taught = [], [], []
    good = {"break": 0, "after": 0}
    for begin, end in pairwise(edges):
        if table[begin]:
            if (played.people[room, begin:end] > 1).mean() > 0.8:
                taught.append(float(rate[begin:end].mean()))
            continue
        kind = "break" if end - begin < 300 else "after"
        into = breaks if kind == "break" else afternoons
        # The room as it was left, from a quarter of an hour on (the last ones go) until CO2 had come down.
        begun = begin + 15
        stuffy = np.flatnonzero((played.co2 - played.outdoor_co2)[room, begun:end] < 100)
        long = int(np.clip(stuffy[0] if stuffy.size else 240, 30, 240))
        into.append(float(rate[begun : min(begun + long, end)].mean()))
        good[kind] += _usable(kinds, played, room, begin, end)
    switched = np.abs(np.diff(played.purifier[room])) == 1
    empty = (played.people[room] == 0) & ~table
    factor = kinds.penetration[room] * rate / (rate + kinds.deposition[room])
    quiet = _hours(np.where(empty & (played.purifier[room] == 0), factor, np.nan))
    ratios = _hours(pm)[: len(quiet)] / _hours(outdoor)
    dusty = np.nanmedian(outdoor) > 10
    saved = (played.pm_without[room] - pm)[table].mean()
    five = switched.sum() >= 10  # ON and OFF: five of each
    works = five and dusty and kinds.cadr[room] >= 0.3 * kinds.claimed[room]
    return {
        "air_changes/co2_decay_break": Truth(_middle(breaks), good["break"] >= 5),
        "air_changes/co2_decay_after_school": Truth(_middle(afternoons), good["after"] >= 5),
        "air_changes/co2_transient": Truth(_middle(taught), False),
        "indoor_outdoor_ratio/hourly_median": Truth(float(np.nanmedian(ratios)), bool(dusty)),
        "infiltration_factor/quiet_hours": Truth(
            float(np.nanmedian(quiet)) if np.isfinite(quiet).sum() >= 30 else None, bool(dusty)
        ),
        "clean_air/switching_response": Truth(float(kinds.cadr[room]), bool(five and dusty)),
        "avoided_pm25/modelled_off": Truth(float(saved), bool(works)),
        "avoided_share/modelled_off": Truth(float(saved / played.pm_without[room][table].mean()), bool(works)),
    }


def _usable(kinds: Kinds, played: Played, room: int, begin: int, end: int) -> bool:
    """Whether a pause is long and stuffy enough: nobody there, from 250 ppm or more above outdoors to half of it.

    With five values of the logger over twenty minutes, all above 100 ppm, and air changes that hold still.
    """
    stretch = slice(begin + 10, end - 10)
    excess = (played.co2[room] - played.outdoor_co2[room])[stretch]
    if excess.size < 20 or (played.people[room, stretch][:30] > 1).any():
        return False
    low = np.flatnonzero(excess < 100)
    length = int(low[0]) if low.size else excess.size
    length = min(length, 230)
    every = max(1, int(kinds.logger_s[room]) // 60)
    rates = played.air_changes[room, stretch][:length]
    return bool(
        excess[0] >= 250
        and length >= max(25, 5 * every)
        and excess[length - 1] <= excess[0] / 2.2
        and np.std(rates) < 0.3 * np.mean(rates)
    )


def _hours(values: Floats) -> Floats:
    rows = values[: values.size // 60 * 60].reshape(-1, 60)
    there = np.isfinite(rows)
    mean = np.where(there, rows, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return np.where(there.mean(axis=1) > 0.7, mean, np.nan)


def _middle(values: list[float]) -> float | None:
    return float(np.median(values)) if len(values) >= 3 else None
