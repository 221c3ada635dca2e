"""Perfect foresight: the schedule of least energy whose occupied mean is no higher than a given one. Exact to a bound.

Energy + λ·dose is minimised day by day by dynamic programming on the true air: state = off or on, the time in it up to
its shortest (15 min on, 10 min off), and the level C; nights without purifier are longer than the room's memory, so
days do not touch. The air's step is affine in C, and so is the cost of every schedule; the value is a minimum of affine
functions, hence concave in C. Straight lines between grid points therefore lie below it: what the backward pass gives
is never more than the true minimum. By duality max over λ of (value − λ·allowed dose) is then never more than the
energy of any schedule, on this grid of moments, that keeps the dose: `bound`. Playing the decisions forward on the
exact air gives a schedule that keeps it: `energy`. The best schedule lies between the two, so their difference bounds
both the error of the grid of levels and the gap of duality.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.control.hazeseason.playing import Played, minute_maps, play
from benchmarks.control.hazeseason.world import DAY, Clock, Floats, Room

EARLIEST: Final = 120  # minutes before the first block, from which a schedule may be on
LEAST_ON, LEAST_OFF = 15, 10  # minutes
GRID: Final = 96


@dataclass(frozen=True, slots=True)
class Maps:
    """Per speed (0 off), day and step: level after = a·C + b, occupied dose (µg/m³·min) = g·C + h; cost in Wh."""

    a: Floats
    b: Floats
    g: Floats
    h: Floats
    watt_hours: Floats
    start: Floats
    least_on: int
    least_off: int

    @property
    def steps(self) -> int:
        return self.a.shape[2]


@dataclass(frozen=True, slots=True)
class Foresight:
    """`bound` in kWh over the season ≤ the least possible ≤ the energy of the schedule that was found and `played`."""

    bound: float
    played: Played


def maps(room: Room, timing: Clock, step: int) -> Maps:
    """The days' affine maps, `step` minutes each (a divisor of 5)."""
    speeds = len(room.unit.cadr) + 1
    first, last = _span(timing)
    minutes = np.array([np.arange(day * DAY + first, day * DAY + last) for day in timing.school_days])
    n = minutes.shape[1] // step
    a, b, g, h = (np.empty((speeds, len(minutes), n)) for _ in range(4))
    counts = timing.occupied[minutes].astype(float).reshape(len(minutes), n, step)
    for speed in range(speeds):
        fall, steady, share = (
            part[minutes].reshape(len(minutes), n, step) for part in minute_maps(room, np.full(timing.minutes, speed))
        )
        up, plus = np.ones((len(minutes), n)), np.zeros((len(minutes), n))
        slope, base = np.zeros_like(up), np.zeros_like(up)
        for k in range(step):
            slope += counts[..., k] * share[..., k] * up
            base += counts[..., k] * (steady[..., k] + share[..., k] * (plus - steady[..., k]))
            up, plus = up * fall[..., k], plus * fall[..., k] + steady[..., k] * (1 - fall[..., k])
        a[speed], b[speed], g[speed], h[speed] = up, plus, slope, base
    watts = np.array([0.0, *room.unit.watts])
    free, steady, _ = minute_maps(room, 0)
    start = np.array([_free(fall, level) for fall, level in _nights(free, steady, minutes[:, 0])])
    return Maps(a, b, g, h, watts * step / 60, start, LEAST_ON // step, LEAST_OFF // step)


def _span(timing: Clock) -> tuple[int, int]:
    """The minutes of a school day in which a schedule may be on."""
    there = np.flatnonzero(timing.occupied[timing.school_days[0] * DAY :][:DAY])
    return int(there[0]) - EARLIEST, int(there[-1]) + 1


def _nights(fall: Floats, steady: Floats, begins: npt.NDArray[np.int64]) -> list[tuple[Floats, Floats]]:
    """The twelve hours before each day's first step (fewer at the season's start)."""
    return [(fall[max(0, at - 720) : at], steady[max(0, at - 720) : at]) for at in begins]


def _free(fall: Floats, steady: Floats) -> float:
    level = float(steady[0])
    for a, s in zip(fall.tolist(), steady.tolist(), strict=True):
        level = s + (level - s) * a
    return level


class _Pass:
    """Backward passes over all days of a room at once, for several λ (Wh per µg/m³·min) at once.

    States: 0 … least_off − 1 resting, the last of them free to start; then 0 … least_on − 1 the same for on.
    """

    def __init__(self, known: Maps, points: int) -> None:
        self.known = known
        top = max(float(known.start.max()), float((known.b / np.maximum(1 - known.a, 1e-9)).max())) * 1.01
        # Finer where purifiers work than where smoke is: the square root of the level is even.
        self.grid = np.linspace(0, np.sqrt(top), points) ** 2
        self.scale = (points - 1) / np.sqrt(top)
        self.off, self.on = known.least_off + 1, known.least_on + 1
        self.rows = np.arange(known.a.shape[1])[:, None] * points

    def back(self, weights: Floats, keep: bool = False) -> list[Floats]:
        """Values [λ, state, day, level] at the first step; of every step when kept, the first one first."""
        known, speeds = self.known, len(self.known.watt_hours)
        days, points = known.a.shape[1], len(self.grid)
        value = np.zeros((len(weights), self.off + self.on, days, points))
        whole = known.watt_hours[1:].min()
        for i in range(self.on):
            value[:, self.off + i] = (self.on - 1 - i) * whole  # what is left of the shortest run, after the children
        kept = [value]
        weight = weights[:, None, None]
        for t in range(known.steps - 1, -1, -1):
            new = np.empty_like(value)
            best_on: list[Floats | None] = [None] * self.on
            for speed in range(speeds):
                index, share = self._place(known.a[speed, :, t], known.b[speed, :, t])
                cost = weight * (known.g[speed, :, t, None] * self.grid + known.h[speed, :, t, None])
                cost = cost + known.watt_hours[speed]
                if speed == 0:
                    for state in range(self.off):
                        new[:, state] = cost + _between(value[:, min(state + 1, self.off - 1)], index, share)
                else:
                    for state in range(self.on):
                        found = cost + _between(value[:, self.off + min(state + 1, self.on - 1)], index, share)
                        best = best_on[state]
                        best_on[state] = found if best is None else np.minimum(best, found)
            for state in range(self.on):
                found_on = best_on[state]
                assert found_on is not None
                new[:, self.off + state] = found_on
            # Just started equals state 0 of on, just stopped state 0 of off; a switch takes no time of its own.
            start, stop = new[:, self.off].copy(), new[:, 0].copy()
            new[:, self.off - 1] = np.minimum(new[:, self.off - 1], start)
            new[:, self.off + self.on - 1] = np.minimum(new[:, self.off + self.on - 1], stop)
            value = new
            if keep:
                kept.append(value)
        return kept[::-1] if keep else [value]

    def _place(self, a: Floats, b: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
        level = a[:, None] * self.grid + b[:, None]
        index = np.minimum((np.sqrt(level) * self.scale).astype(np.int64), len(self.grid) - 2)
        share = (level - self.grid[index]) / (self.grid[index + 1] - self.grid[index])
        return index + self.rows, share

    def at_start(self, value: Floats) -> Floats:
        """Of each λ and day: the value of a free room at the day's first level."""
        one, zero = np.ones_like(self.known.start), self.known.start
        found = np.empty(value.shape[:1] + zero.shape)
        for day, level in enumerate(zero * one):
            found[:, day] = [np.interp(level, self.grid, row) for row in value[:, self.off - 1, day]]
        return found

    def forward(self, weight: float) -> tuple[float, npt.NDArray[np.int8]]:
        """Dose and speeds [day, step] of the decisions for one λ, on the exact air."""
        known, kept = self.known, self.back(np.array([weight]), keep=True)
        days = known.a.shape[1]
        level, state = known.start.copy(), np.full(days, self.off - 1)
        chosen = np.zeros((days, known.steps), np.int8)
        dose, every = 0.0, np.arange(days)
        last_on, last_off = self.off + self.on - 1, self.off - 1
        for t in range(known.steps):
            after = kept[t + 1][0]
            costs = np.full((len(known.watt_hours), days), np.inf)
            then = np.empty((len(known.watt_hours), days), np.int64)
            for speed in range(len(known.watt_hours)):
                if speed == 0:
                    allowed = (state < self.off) | (state == last_on)
                    following = np.where(state < self.off, np.minimum(state + 1, last_off), min(1, last_off))
                else:
                    allowed = (state >= self.off) | (state == last_off)
                    following = np.where(state >= self.off, np.minimum(state + 1, last_on), min(self.off + 1, last_on))
                reached = known.a[speed, :, t] * level + known.b[speed, :, t]
                place = np.minimum((np.sqrt(reached) * self.scale).astype(np.int64), len(self.grid) - 2)
                share = (reached - self.grid[place]) / (self.grid[place + 1] - self.grid[place])
                value = after[following, every, place] * (1 - share) + after[following, every, place + 1] * share
                exposed = known.g[speed, :, t] * level + known.h[speed, :, t]
                costs[speed] = np.where(allowed, known.watt_hours[speed] + weight * exposed + value, np.inf)
                then[speed] = following
            best = costs.argmin(axis=0)
            chosen[:, t] = best
            dose += float((known.g[best, every, t] * level + known.h[best, every, t]).sum())
            level = known.a[best, every, t] * level + known.b[best, every, t]
            state = then[best, every]
        return dose, chosen


def _between(value: Floats, index: npt.NDArray[np.int64], share: Floats) -> Floats:
    flat = value.reshape(len(value), -1)
    low = flat[:, index.ravel()].reshape(value.shape)
    high = flat[:, index.ravel() + 1].reshape(value.shape)
    return low + (high - low) * share


def foresee(room: Room, timing: Clock, mean: float, *, step: int = 5, points: int = GRID, rounds: int = 4) -> Foresight:
    """The least energy for an occupied mean of at most `mean` µg/m³ over the season."""
    known = maps(room, timing, step)
    bound, chosen = solve(known, mean * float(timing.occupied.sum()), points, rounds)
    first, last = _span(timing)
    speed = np.zeros(timing.minutes, np.int8)
    for day, row in zip(timing.school_days, np.repeat(chosen, step, axis=1), strict=True):
        begin, end = day * DAY + first, day * DAY + last
        speed[begin:end] = row
        if row[-1]:  # what is left of its shortest run, at the speed that costs least
            ran = int((row[::-1] == 0).argmax()) or len(row)
            speed[end : end + max(0, LEAST_ON - ran)] = 1
    return Foresight(bound / 1000, play(room, speed))


def solve(known: Maps, allowed: float, points: int = GRID, rounds: int = 4) -> tuple[float, npt.NDArray[np.int8]]:
    """The bound in Wh, and the speeds [day, step] of a schedule that keeps the dose. `allowed`: in µg/m³·min."""
    passing = _Pass(known, points)
    low, high, bound, best = -9.0, 3.0, 0.0, -9.0  # of the natural logarithm of λ in Wh per µg/m³·min
    for _ in range(rounds):
        tried = np.linspace(low, high, 7)
        weights = np.exp(tried)
        dual = passing.at_start(passing.back(weights)[0]).sum(axis=1) - weights * allowed
        top = int(dual.argmax())
        if dual[top] > bound:
            bound, best = float(dual[top]), float(tried[top])
        wide = tried[1] - tried[0]
        low, high = tried[top] - wide * 0.75, tried[top] + wide * 0.75
    dose, chosen = passing.forward(np.exp(best))
    for _ in range(60):  # upwards in λ until the schedule keeps the dose
        if dose <= allowed:
            break
        best += 0.02
        dose, chosen = passing.forward(np.exp(best))
    return bound, chosen
