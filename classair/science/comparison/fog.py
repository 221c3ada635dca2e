"""Fog: droplets that an optical sensor outdoors counts as dust, while the rooms behind it see nothing of it.

Damp nights are ordinary and most sensors stand them. Only where a sensor rises above what the school says of the air
while it is damp, and falls back when it dries, its values are doubtful. Compared with the same sensor's hours before
and after, because what a room lets in differs from night to night.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from classair.science.comparison.evidence import surprise
from classair.science.comparison.slots import Array, Beside, median

DAMP: Final = 87.0  # % from which droplets are looked for; sensors of humidity are 2 to 3 % off
JOINED: Final = 6  # slots of less damp air between two parts of one fog
AROUND: Final = 48  # slots on either side that say what is usual
AROUND_LEAST: Final = 12
GAINS: Final = tuple(np.log((1.2, 1.3, 1.45, 1.6, 1.8, 2.0, 2.3, 2.6)).tolist())
NOISE_LEAST: Final = 0.06
MEMORY: Final = 9.0  # slots that say the same thing once
WEIGHT: Final = 5.5
INDOORS: Final = 8.0  # droplets dry in a room, where damp comes from people
RISE: Final = 0.18  # ln, least of the median


def foggy(school: Beside, row: int, rh: Array, outdoor: bool) -> list[tuple[int, int]]:
    """Slots from … up to … in which the sensor reads droplets."""
    rest, damp = school.rest[row], np.nan_to_num(rh) >= DAMP
    found = []
    for start, end in _joined(damp):
        before, after = slice(max(0, start - AROUND), start), slice(end, end + AROUND)
        dry = np.concatenate([rest[before][~damp[before]], rest[after][~damp[after]]])
        dry = dry[~np.isnan(dry)]
        if len(dry) < AROUND_LEAST or np.isnan(rest[end : end + AROUND]).all():
            continue  # what came after is not known yet
        usual = float(np.median(dry))
        noise = max(NOISE_LEAST, 1.4826 * float(np.median(np.abs(dry - usual))))
        part = rest[start:end] - usual
        best = max(_run((surprise(part / noise) - surprise((part - gain) / noise)) / MEMORY) for gain in GAINS)
        if best[0] >= (WEIGHT if outdoor else INDOORS) and float(median(part[best[1] : best[2]])) >= RISE:
            found.append((start + best[1], start + best[2]))
    return found


def _joined(damp: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], damp.astype(np.int8), [0]])))
    found: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and start - found[-1][1] <= JOINED:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _run(evidence: Array) -> tuple[float, int, int]:
    total = best = 0.0
    start = first = last = 0
    for i, value in enumerate(np.nan_to_num(evidence).tolist()):
        total += value
        if total <= 0.0:
            total, start = 0.0, i + 1
        elif total > best:
            best, first, last = total, start, i + 1
    return best, first, last
