"""The simulation of control over a season: it runs, is the same each time, and its perfect foresight is one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from benchmarks.control.hazeseason import ours, playing
from benchmarks.control.hazeseason.foresight import Maps, foresee, solve
from benchmarks.control.hazeseason.instruments import FAULTS, instruments
from benchmarks.control.hazeseason.scoring import score
from benchmarks.control.hazeseason.world import Clock, Room, clock, outdoors, room

DAYS = 3  # a Sunday, and two days of school


def rooms(timing: Clock) -> list[Room]:
    outdoor = outdoors(5, DAYS)
    return [room(seed, timing, outdoor, stepped=stepped) for seed, stepped in ((11, 0.0), (12, 1.0))]


def test_a_room_is_played_the_same_each_time_and_within_the_rules() -> None:
    timing = clock(DAYS)
    for it in rooms(timing):
        first, again = (ours.Running(it, timing, instruments(it.seed, timing, it.outdoor)).play() for _ in range(2))
        assert np.array_equal(first.speed, again.speed)
        on = np.diff(np.concatenate(([0], (first.speed > 0).astype(int), [0])))
        runs = np.flatnonzero(on == -1) - np.flatnonzero(on == 1)
        assert len(runs) and runs.min() >= 15, "minimum times"
        left = first.speed.reshape(DAYS, -1)[0]
        assert not left.any(), "a free day"
        result = score(it, timing, first)
        assert result.mean < score(it, timing, playing.nothing(it, timing)).mean
        assert 0 < result.haze_most <= 10 or result.haze_most == 0


@pytest.mark.thorough
def test_foresight_keeps_the_mean_with_no_more_energy_than_ours() -> None:
    timing = clock(DAYS)
    for it in rooms(timing):
        mine = score(it, timing, ours.Running(it, timing, instruments(it.seed, timing, it.outdoor)).play())
        best = foresee(it, timing, mine.mean)
        seen = score(it, timing, best.played)
        assert seen.mean <= mine.mean * 1.0001
        assert best.bound <= seen.energy * 1.0001
        assert best.bound <= mine.energy * 1.02, "ours starts at any minute, foresight at each fifth"


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_a_sensor_can_be_played(fault: str) -> None:
    timing = clock(DAYS)
    it = rooms(timing)[0]
    given = instruments(it.seed, timing, it.outdoor, fault)  # type: ignore[arg-type]
    assert ours.Running(it, timing, given).play().speed.any()


def small(seed: int, speeds: int, steps: int, least_on: int, least_off: int) -> Maps:
    """A day of few steps with weather, pupils and watts drawn by chance."""
    draw = np.random.default_rng(seed)
    loss = 0.08 + np.arange(speeds)[:, None, None] * 0.35 + draw.uniform(0, 0.1, (speeds, 1, steps))
    fall = np.exp(-loss)
    inflow = draw.uniform(1, 8, (1, 1, steps))
    there = (np.arange(steps) >= 2).astype(float)
    return Maps(
        fall,
        inflow / loss * (1 - fall),
        there * (1 - fall) / loss,
        there * inflow / loss * (1 - (1 - fall) / loss),
        np.array([0.0, 3.0, 8.0])[:speeds],
        np.array([draw.uniform(20, 60)]),
        least_on,
        least_off,
    )


def every(known: Maps) -> list[tuple[float, float]]:
    """Energy and dose of every schedule that keeps the shortest times; what is left of a run costs its slowest."""
    found = []
    for speeds in product(range(len(known.watt_hours)), repeat=known.steps):
        cost = _tail(speeds, known)
        if cost is None:
            continue
        level, dose, energy = float(known.start[0]), 0.0, cost
        for t, speed in enumerate(speeds):
            dose += known.g[speed, 0, t] * level + known.h[speed, 0, t]
            level = known.a[speed, 0, t] * level + known.b[speed, 0, t]
            energy += known.watt_hours[speed]
        found.append((energy, float(dose)))
    return found


def _tail(speeds: tuple[int, ...], known: Maps) -> float | None:
    runs: list[tuple[bool, int]] = []
    for speed in speeds:
        if runs and runs[-1][0] == (speed > 0):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((speed > 0, 1))
    for place, (on, long) in enumerate(runs[:-1]):
        if long < (known.least_on if on else known.least_off) and (on or place > 0):
            return None
    on, long = runs[-1]
    return max(0, known.least_on - long) * float(known.watt_hours[1:].min()) if on else 0.0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("speeds", "steps", "least_on", "least_off"), [(2, 11, 3, 2), (3, 7, 2, 1)])
def test_of_all_schedules_of_a_small_day_it_finds_the_best(
    seed: int, speeds: int, steps: int, least_on: int, least_off: int
) -> None:
    known = small(seed, speeds, steps, least_on, least_off)
    schedules = every(known)
    doses = sorted({dose for _, dose in schedules})
    for allowed in (doses[len(doses) // 8], doses[len(doses) // 2]):
        bound, chosen = solve(known, allowed, points=400, rounds=6)
        energies, exposed = np.array(schedules).T
        least = energies[exposed <= allowed + 1e-9].min()
        dual = max((energies + weight * (exposed - allowed)).min() for weight in np.geomspace(1e-4, 20, 2000))
        assert bound == pytest.approx(dual, rel=0.01, abs=0.05)
        assert bound <= least + 1e-6
        tail = _tail(tuple(int(speed) for speed in chosen[0]), known)
        assert tail is not None, "shortest times"
        level, dose, energy = float(known.start[0]), 0.0, tail
        for t, speed in enumerate(chosen[0]):
            dose += known.g[speed, 0, t] * level + known.h[speed, 0, t]
            level = known.a[speed, 0, t] * level + known.b[speed, 0, t]
            energy += known.watt_hours[speed]
        assert dose <= allowed + 1e-6 and energy >= bound - 1e-6
        assert any(energy == pytest.approx(e) and dose == pytest.approx(d) for e, d in schedules)
