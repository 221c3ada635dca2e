"""What pupils breathed in lesson time: mean, peak hour, and what a purifier kept away.

E = ΣC·Δt over valid slots, mean = E/ΣΔt, coverage = valid/total time; no mean below three quarters of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from research.rooms.cleaning import Cleaning, mean_without
from research.rooms.estimate import Bools, Estimate, Floats

VERSION: Final = 1
SLOT: Final = 15  # minutes; lesson time is counted in slots
COMPLETE: Final = 0.75


@dataclass(frozen=True, slots=True)
class Exposure:
    """Over the lesson slots of a stretch. mean and peak_hour µg/m³, dose µg·h/m³; None below 75 % coverage.

    peak_hour: the highest mean of four valid slots that follow each other without a pause.
    """

    mean: float | None
    dose: float | None
    peak_hour: float | None
    hours: float
    coverage: float
    version: int = VERSION


def exposure(pm25: Floats, lesson: Bools) -> Exposure:
    """From minutes of valid values (NaN: none) and which of them are lesson time."""
    slots = pm25.size // SLOT
    taught = lesson[: slots * SLOT].reshape(-1, SLOT).mean(axis=1) >= 0.5
    rows = pm25[: slots * SLOT].reshape(-1, SLOT)
    counted = np.isfinite(rows).sum(axis=1)
    mean = np.where(np.isfinite(rows), rows, 0.0).sum(axis=1) / np.maximum(counted, 1)
    valid = taught & (counted >= COMPLETE * SLOT)
    hours = float(taught.sum()) * SLOT / 60
    coverage = float(valid.sum() / taught.sum()) if taught.any() else 0.0
    if coverage < COMPLETE:
        return Exposure(None, None, None, hours, coverage)
    level = float(mean[valid].mean())
    runs = [mean[i : i + 4].mean() for i in range(slots - 3) if valid[i : i + 4].all()]
    return Exposure(level, level * hours, float(max(runs)) if runs else None, hours, coverage)


def avoided(found: Cleaning, indoor: Floats, outdoor: Floats, purifier: Floats, lesson: Bools) -> Estimate:
    """How much lower the mean of lesson time was by the purifier, µg/m³: modelled without it less measured with it.

    Told only where switching it has shown an effect; sources in the room make it rather too small.
    """
    there = np.isfinite(indoor) & np.isfinite(outdoor) & lesson
    coverage = float(there.sum() / max(int(lesson.sum()), 1))

    def cannot(why: str) -> Estimate:
        return Estimate(
            "avoided_pm25", "µg/m³", "modelled_off", VERSION, None, n=int(there.sum()), coverage=coverage, why=why
        )

    if found.effect is False:
        return cannot("no_effect")
    if not found.effect:
        return cannot(found.clean_air.why)
    if coverage < COMPLETE:
        return cannot("coverage")
    means = mean_without(found, indoor, outdoor, purifier, there) - indoor[there].mean()
    low, high = (float(v) for v in np.quantile(means, [0.025, 0.975]))
    return Estimate(
        "avoided_pm25", "µg/m³", "modelled_off", VERSION, float(np.median(means)), low, high, int(there.sum()), coverage
    )
