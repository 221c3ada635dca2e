"""Sensors that say what the air was hours ago: an inlet that lets dust through too slowly.

The school's course of the last day is shifted (a plug of old air) or smoothed (a trickle), and what fits better than
the course itself, day and night long, is the sensor's own time. A slow room has its lag in every week; the usual lag
is therefore asked of all hours, and a stretch must depart from it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from classair.science.comparison.evidence import Stretch, gained, stretches
from classair.science.comparison.slots import HOUR, Array, Beside, by_class, hourly, median, others

DELAYS: Final = (9, 12, 18, 24, 36, 48, 60, 72)  # slots: ¾ h to 6 h
MEMORIES: Final = (12, 18, 24, 36, 54, 72)
USUAL: Final = (1, 3, 6, 12, 18, 24)  # slots that a sound room itself may lag by
CALMER: Final = 0.7  # ln by which movement within a quarter of an hour is less
FINER: Final = 0.6  # share of the usual coarse dust that a clogged inlet keeps back
TIGHT: Final = 0.5  # of the usual noise that is left beside the right lag
LOCAL: Final = 13  # hours around each of which the level itself says nothing
NOISE_LEAST: Final = 0.05


def lagging(
    school: Beside, row: int, coarse: Array | None, rough: Array, least: float, own: float
) -> list[tuple[Stretch, str, int]]:
    """Stretches (in hours) that follow the school late, with how and by how many slots; best first."""
    common = _filled(school.common[row])
    place = np.repeat(school.place[row][school.classes], HOUR)
    seen = school.rest[row] + school.common[row] + place
    usual = min(USUAL, key=lambda memory: _misfit(seen - _slow(common, memory) - place))
    course = _slow(common, usual) + place
    null = _local(median(hourly(seen - course)))
    noise = np.sqrt((1.4826 * by_class(np.abs(null)[None], school.classes)[0])[school.classes] ** 2 + NOISE_LEAST**2)
    calm, finer = _calm(school, row, rough), _finer(school, coarse)
    found = []
    for how, lags in (("late", DELAYS), ("slow", MEMORIES)):
        for lag in lags:
            shifted = _late(course, lag) if how == "late" else _slow(course, lag)
            rest = _local(median(hourly(seen - shifted)))
            # What is smoothed or old is smooth itself: it fits better than air ever does, or it is not it.
            late = gained(null / noise, rest / (TIGHT * noise), -float(np.log(TIGHT)))
            evidence = late + finer + (calm if how == "slow" else 0.0)
            found += [
                (stretch, how, lag)
                for stretch in stretches(evidence, least)
                if late[stretch.start : stretch.end].sum() >= own
            ]
    taken: list[tuple[Stretch, str, int]] = []
    for one in sorted(found, key=lambda it: -it[0].weight):
        if all(one[0].end <= other[0].start or other[0].end <= one[0].start for other in taken):
            taken.append(one)
    return taken


def _misfit(rest: Array) -> float:
    return float(np.nanmedian(np.abs(_local(median(hourly(rest))))))


def roughness(school: Beside) -> Array:
    """ln of what each row moves by within a quarter of an hour, by hour."""
    x = school.rest + school.common + np.repeat(school.place[:, school.classes], HOUR, axis=1)
    moves = np.full_like(x, np.nan)
    moves[:, 3:] = np.abs(x[:, 3:] - x[:, :-3])
    return np.log(0.01 + median(hourly(moves)))


def _calm(school: Beside, row: int, rough: Array) -> Array:
    """Evidence by hour that what moves within minutes is gone, beside the others in the same hour."""
    own = (rough - others(rough))[row]
    usual = by_class(own[None], school.classes)[0][school.classes]
    spread = 1.4826 * by_class(np.abs(own - usual)[None], school.classes)[0][school.classes]
    rest, noise = own - usual, np.sqrt(spread**2 + 0.1**2)
    floor = by_class(rough[row][None], school.classes)[0]
    calmer = np.minimum(CALMER, floor - floor.min())[school.classes]
    return gained(rest / noise, (rest + calmer) / noise)


def _finer(school: Beside, coarse: Array | None) -> Array:
    """Evidence by hour that coarse dust stays behind in the inlet; `coarse`: ln of PM10 over PM2.5 by slot."""
    if coarse is None:
        return np.zeros(len(school.classes))
    hours = median(hourly(coarse))
    usual = by_class(hours[None], school.classes)[0][school.classes]
    rest = hours - usual
    spread = 1.4826 * by_class(np.abs(rest)[None], school.classes)[0][school.classes]
    noise = np.sqrt(spread**2 + 0.03**2)
    return gained(rest / noise, (rest + FINER * usual) / noise)


def _local(hours: Array) -> Array:
    """Without the level of the half day around each hour."""
    half = LOCAL // 2
    padded = np.pad(hours, half, constant_values=np.nan)
    return hours - median(np.lib.stride_tricks.sliding_window_view(padded, LOCAL))


def _filled(course: Array) -> Array:
    known = ~np.isnan(course)
    if not known.any():
        return np.zeros_like(course)
    return np.interp(np.arange(len(course)), np.flatnonzero(known), course[known])


def _late(course: Array, lag: int) -> Array:
    return np.concatenate([np.full(lag, course[0]), course[:-lag]])


def _slow(course: Array, memory: int) -> Array:
    reach = 6 * memory
    weights = np.exp(-np.arange(reach) / memory)
    padded = np.concatenate([np.full(reach - 1, course[0]), course])
    return np.convolve(padded, weights / weights.sum(), "valid")
