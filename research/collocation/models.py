"""Which model to choose: several fitted to the same hours and judged on the same days that none of them has seen.

Also units beside each other and together, Deming's regression, and an interval for what the reference will read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from research.collocation.agreement import Pair
from research.collocation.calibration import (
    MODELS,
    Calibration,
    Held,
    Pick,
    Quality,
    calibrate,
    is_wet,
    middle,
    quality,
    unseen,
)
from research.collocation.least_squares import Undetermined, moments_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WITHOUT: Final = "raw"
COMPARED: Final[Mapping[str, tuple[str, ...]]] = {
    **MODELS,
    "linear_season": ("slope", "wet_slope", "wet"),
    "linear_rh_season": ("slope", "rh", "wet_slope", "wet"),
}
"""`season`: a line of its own for the wet season, May to October. Those are approved as one correction for each."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A model on unseen days; `quality` None where the data do not determine it, for the reason in `why`."""

    model: str
    quality: Quality | None
    why: str = ""


def judged(pairs: Sequence[Pair]) -> list[Judged]:
    """The raw sensor and every model on the same hours: those that have all that the determined models need."""
    missing: dict[str, str] = {}
    for model in COMPARED:
        try:
            unseen(pairs, COMPARED[model])
        except Undetermined as undetermined:
            one_season = "wet" in COMPARED[model] and len({is_wet(pair) for pair in pairs}) < 2
            missing[model] = "all hours are of one season" if one_season else str(undetermined)
    needed = {name for model, names in COMPARED.items() if model not in missing for name in names}
    common = [
        pair
        for pair in pairs
        if not ("rh" in needed and math.isnan(pair.rh)) and not ("temp" in needed and math.isnan(pair.temp_c))
    ]
    found: list[Judged] = []
    if common:
        reference = [pair.reference for pair in common]
        found.append(Judged(WITHOUT, quality(reference, [pair.sensor for pair in common])))
    for model, names in COMPARED.items():
        why = missing.get(model, "")
        try:
            held = [] if why else unseen(common, names)
        except Undetermined as undetermined:
            held, why = [], str(undetermined)
        found.append(Judged(model, _quality(held) if held else None, why))
    return found


def best(found: Sequence[Judged]) -> str | None:
    """The model with the least RMSE on unseen days; a larger one must be 2 % better than a smaller one."""
    chosen: Judged | None = None
    for one in found:
        if one.quality and (not chosen or not chosen.quality or one.quality.rmse < 0.98 * chosen.quality.rmse):
            chosen = one
    return chosen.model if chosen else None


def _quality(held: Sequence[Held]) -> Quality:
    return quality([one.reference for one in held], [one.estimate for one in held])


# -- Deming ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deming:
    """Sensor = slope · reference + intercept, where both have errors. `intervals`: 95 %, by drawing days.

    `ratio`: variance of the sensor's errors by that of the reference's; 1 is orthogonal regression.
    """

    ratio: float
    slope: float
    intercept: float
    intervals: tuple[tuple[float, float], tuple[float, float]]


def deming(pairs: Sequence[Pair], pick: Pick, ratio: float = 1.0, draws: int = 1000) -> Deming:
    """Raises Undetermined where the pairs do not vary together. Source: Deming 1943; Fuller 1987, section 1.3."""
    if not pairs:
        raise Undetermined("there are no pairs")
    origin = np.mean([(pair.reference, pair.sensor) for pair in pairs], axis=0)
    by_day: dict[int, list[tuple[float, float]]] = {}
    for pair in pairs:
        by_day.setdefault(pair.day, []).append((pair.reference, pair.sensor))
    days = np.array([moments_of(rows, origin) for rows in by_day.values()])
    slope, intercept = _deming(days.sum(axis=0), origin, ratio)
    drawn: list[tuple[float, float]] = []
    for _ in range(draws if len(days) > 1 else 0):
        try:
            drawn.append(_deming(days[[pick(len(days)) for _ in days]].sum(axis=0), origin, ratio))
        except Undetermined:
            continue
    unknown = (math.nan, math.nan)
    if len(drawn) < max(1, draws * 9 // 10):
        return Deming(ratio, slope, intercept, (unknown, unknown))
    ends = tuple(middle(sorted(one[place] for one in drawn)) for place in range(2))
    return Deming(ratio, slope, intercept, (ends[0], ends[1]))


def _deming(moments: Floats, origin: Floats, ratio: float) -> tuple[float, float]:
    n, sums = moments[0, 0], moments[0, 1:]
    xx, xy, _, yy = ((moments[1:, 1:] - np.outer(sums, sums) / n) / n).ravel()
    if n < 3 or abs(xy) <= 1e-12 * math.sqrt(max(xx * yy, 0.0)) or xx <= 0 or yy <= 0:
        raise Undetermined("reference and sensor do not vary together")
    apart = yy - ratio * xx
    slope = (apart + math.sqrt(apart * apart + 4 * ratio * xy * xy)) / (2 * xy)
    mean_x, mean_y = origin + sums / n
    return float(slope), float(mean_y - slope * mean_x)


# -- what the reference will read --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prediction:
    """The reference of another hour lies between estimate + low and estimate + high (µg/m³) in 95 of 100 hours.

    `coverage`: the share of hours for which it does when an hour's own block of days takes no part; NaN if unknown.
    """

    low: float
    high: float
    coverage: float


def prediction(held: Sequence[Held], blocks: int = 10) -> Prediction:
    """From the residuals of days that the fit has not seen."""
    days = sorted({one.day for one in held})
    residuals = sorted(-one.residual for one in held)
    low, high = middle(residuals)
    inside = total = 0
    count = min(blocks, len(days))
    place = {day: number * count // len(days) for number, day in enumerate(days)}
    for block in range(count if count > 1 else 0):
        others = middle(sorted(-one.residual for one in held if place[one.day] != block))
        own = [-one.residual for one in held if place[one.day] == block]
        inside += sum(others[0] <= residual <= others[1] for residual in own)
        total += len(own)
    return Prediction(low, high, inside / total if total else math.nan)


# -- units -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unit:
    """One sensor's own fit of the model; `differs`: the pooled slope lies outside the interval of its own."""

    sensor: str
    fit: Calibration | None
    differs: bool = False
    why: str = ""


def by_unit(units: Mapping[str, Sequence[Pair]], pooled: Calibration, pick: Pick, draws: int = 300) -> list[Unit]:
    """Each unit by itself, beside the fit of all."""
    found: list[Unit] = []
    for sensor, pairs in units.items():
        try:
            own = calibrate(pairs, pooled.model, pick, draws)
        except Undetermined as undetermined:
            found.append(Unit(sensor, None, why=str(undetermined)))
            continue
        low, high = own.intervals["slope"]
        found.append(Unit(sensor, own, not math.isnan(low) and not low <= pooled.coefficients["slope"] <= high))
    return found
