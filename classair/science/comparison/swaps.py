"""Two sensors that hang in each other's rooms: both step at the same moment in opposite ways, and live there since.

Each room has its share of the school's dust by hour of the day (`place`), and its warmth. After a swap each sensor
shows the other's, but for what their own gains differ by, which is tried in steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from classair.science.comparison.evidence import gained, stretches
from classair.science.comparison.slots import HOUR, Array, Beside
from classair.science.comparison.steps import Edges, edges

GAINS: Final = tuple(np.arange(-0.3, 0.301, 0.05).tolist())  # ln, one sensor's gain above the other's, halved
OPPOSITE: Final = 0.06  # ln by which each of the two must step at least …
STEP_LEAST: Final = 0.22  # … and both together
KELVIN: Final = (0.1, 0.5)  # °C, likewise
NOISES: Final = 3.0
NEAR: Final = 2  # slots between the two steps
WEIGHT: Final = 60.0  # with a step at both ends
ONGOING: Final = 80.0  # with one, where the other lies beyond what is looked at
NEAR_END: Final = 6  # hours
EACH: Final = 0.15  # share of the evidence that each sensor must bring


@dataclass(frozen=True, slots=True)
class Swap:
    """Rows `one` and `other` in each other's place from `start` up to `end` (slots)."""

    one: int
    other: int
    start: int
    end: int
    weight: float
    sharp: int


def swaps(school: Beside, found: Edges, warmth: Beside | None) -> list[Swap]:
    """The likeliest swaps, no sensor twice at the same time."""
    candidates: list[Swap] = []
    warm_edges = edges(warmth) if warmth is not None else None
    for one, other in combinations(range(len(school.hours)), 2):
        moments = _both_step(found, one, other, OPPOSITE, STEP_LEAST)
        warm = None
        if warmth is not None and warm_edges is not None and not np.isnan(warmth.hours[[one, other]]).all(1).any():
            moments = np.maximum(moments, _both_step(warm_edges, one, other, *KELVIN))
            warm = _evidence(warmth, one, other, 0.0)
        if moments.any():
            candidates += _of_pair(school, warm, one, other, moments)
    taken: list[Swap] = []
    for swap in sorted(candidates, key=lambda it: (-it.sharp, -it.weight)):
        if not any(
            {swap.one, swap.other} & {it.one, it.other} and swap.start < it.end and it.start < swap.end for it in taken
        ):
            taken.append(swap)
    return taken


def _of_pair(school: Beside, warm: tuple[Array, Array] | None, one: int, other: int, moments: Array) -> list[Swap]:
    best: list[Swap] = []
    for gain in GAINS:
        first, second = _evidence(school, one, other, gain)
        if warm is not None:
            first, second = first + warm[0], second + warm[1]
        found = []
        for stretch in stretches(first + second, WEIGHT):
            part = slice(stretch.start, stretch.end)
            weakest = min(float(first[part].sum()), float(second[part].sum()))
            start, end = (_nearest(moments, hour * HOUR) for hour in (stretch.start, stretch.end))
            sharp = (start is not None) + (end is not None)
            goes_on = sharp == 1 and (stretch.start < NEAR_END or stretch.end > len(first) - NEAR_END)
            if weakest < EACH * stretch.weight or stretch.weight < (WEIGHT if sharp == 2 else ONGOING):
                continue
            start, end = stretch.start * HOUR if start is None else start, stretch.end * HOUR if end is None else end
            if start < end and (sharp == 2 or goes_on):
                found.append(Swap(one, other, start, end, stretch.weight, sharp))
        if max((swap.weight for swap in found), default=0.0) > max((swap.weight for swap in best), default=0.0):
            best = found
    return best


def _evidence(school: Beside, one: int, other: int, gain: float) -> tuple[Array, Array]:
    """Of each of the two, by hour."""
    found = []
    for row, there, own in ((one, other, gain), (other, one, -gain)):
        rest = school.hours[row]
        moved = rest - (school.place[there] - school.place[row])[school.classes] - own
        found.append(gained(rest / school.noise[row], moved / school.noise[there]))
    return found[0], found[1]


def _both_step(found: Edges, one: int, other: int, each: float, least: float) -> Array:
    """Slots at which both step in opposite ways, within ten minutes of each other."""
    total = np.zeros(found.line.shape[1])
    for sign in (1.0, -1.0):
        steps = []
        for row, way in ((one, sign), (other, -sign)):
            step = np.nan_to_num(np.minimum(way * found.line[row], way * found.plain[row]))
            wide = step.copy()
            for shift in range(1, NEAR + 1):
                wide[shift:] = np.maximum(wide[shift:], step[:-shift])
                wide[:-shift] = np.maximum(wide[:-shift], step[shift:])
            steps.append(wide)
        both = (np.minimum(steps[0], steps[1]) >= each) & (
            steps[0] + steps[1] >= max(least, NOISES * float(np.hypot(found.usual[one], found.usual[other])))
        )
        total = np.maximum(total, np.where(both, steps[0] + steps[1], 0.0))
    return total


def _nearest(moments: Array, slot: int) -> int | None:
    first = max(0, slot - 3 * HOUR)
    near = moments[first : slot + 3 * HOUR + 1]
    if not len(near) or not near.max() > 0.0:
        return None
    best = np.flatnonzero(near >= near.max() - 1e-12)
    return first + int(best[len(best) // 2])
