"""From a collocation to a correction: the reference regressed on the sensor, judged on days that the fit has not seen.

Neighbouring hours resemble each other, so whole days are held out and whole days are drawn anew for the intervals;
random hours would flatter the fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from classair.science.corrections import HUMIDITY_RANGE, Correction
from classair.timetable import ZONE
from research.collocation.agreement import Pair, local_day
from research.collocation.least_squares import Undetermined, fit, moments_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MODELS: Final[dict[str, tuple[str, ...]]] = {
    "linear": ("slope",),
    "linear_rh": ("slope", "rh"),
    "linear_rh_temp": ("slope", "rh", "temp"),
}
FOLDS: Final = 10
WET: Final = range(5, 11)  # months of rain, May to October; the others have haze or the cool season
LEAST_DAYS: Final = 3
CLEAN: Final = 10.0  # µg/m³; a fit that reached down to here may be used down to zero and its noise
LOWEST: Final = -10.0

Pick = Callable[[int], int]
"""`pick(n)`: a whole number from 0 to n − 1 by chance, for drawing days."""


@dataclass(frozen=True, slots=True)
class Held:
    """An hour on a day that the fit behind `estimate` has not seen."""

    start: int
    reference: float
    sensor: float
    estimate: float
    rh: float = math.nan

    @property
    def residual(self) -> float:
        return self.estimate - self.reference

    @property
    def day(self) -> int:
        return local_day(self.start)


@dataclass(frozen=True, slots=True)
class Quality:
    """Estimates against the reference: r2 is 1 − SSE/SST, negative for a bad fit; errors in µg/m³, nrmse in %."""

    n: int
    r2: float
    rmse: float
    nrmse: float
    mbe: float
    mae: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fit and how far to trust it. `intervals`: 95 %, by drawing days; `low`…`high`: sensor values seen.

    `humidity`: % seen, NaN where none was measured; a fit that uses humidity gives nothing outside.

    `fitted` is how well it does on its own days, `validated` on days held out, `uncorrected` the raw sensor on those.
    """

    model: str
    coefficients: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    n: int
    days: int
    start: int
    end: int
    low: float
    high: float
    fitted: Quality
    validated: Quality
    uncorrected: Quality
    held: tuple[Held, ...]
    humidity: tuple[float, float] = (math.nan, math.nan)

    def correction(self, identity: str, valid_from: int, **more: object) -> Correction:
        """As a correction that may be proposed; it is in force only once it is accepted."""
        return Correction(
            id=identity,
            version=1,
            method=self.model,
            coefficients={
                **self.coefficients,
                **(dict(zip(HUMIDITY_RANGE, self.humidity, strict=True)) if "rh" in self.coefficients else {}),
            },
            valid_from=valid_from,
            low=LOWEST if self.low <= CLEAN else self.low,
            high=self.high,
            metrics={
                name: value
                for name, value in (
                    ("n", float(self.n)),
                    ("days", float(self.days)),
                    ("r2", self.validated.r2),
                    ("rmse", self.validated.rmse),
                    ("nrmse", self.validated.nrmse),
                    ("mbe", self.validated.mbe),
                )
                if math.isfinite(value)
            },
            **more,  # type: ignore[arg-type]
        )


def calibrate(pairs: Sequence[Pair], model: str, pick: Pick, draws: int = 1000) -> Calibration:
    """Fits `model` (a key of MODELS) to hourly pairs of one or several units.

    Raises Undetermined with fewer than three days, without the humidity or temperature that the model asks for, or
    when the values do not vary.
    """
    names = MODELS[model]
    days, moments, origin = _by_day(pairs, names)
    usable = [pair for day in days for pair in day]
    whole = fit(moments.sum(axis=0), origin)
    held = _held_out(days, moments, origin, names)
    reference = [pair.reference for pair in usable]
    sensor = [pair.sensor for pair in usable]
    return Calibration(
        model=model,
        coefficients=dict(zip((*names, "intercept"), whole, strict=True)),
        intervals=dict(zip((*names, "intercept"), _intervals(moments, origin, pick, draws), strict=True)),
        n=len(usable),
        days=len(days),
        start=min(pair.start for pair in usable),
        end=max(pair.start for pair in usable),
        low=min(sensor),
        high=max(sensor),
        fitted=quality(reference, [_estimate(pair, names, whole) for pair in usable]),
        validated=quality([one.reference for one in held], [one.estimate for one in held]),
        uncorrected=quality(reference, sensor),
        held=tuple(sorted(held, key=lambda one: one.start)),
        humidity=_humidity(usable),
    )


def unseen(pairs: Sequence[Pair], names: Sequence[str]) -> list[Held]:
    """Every hour by a fit that has not seen its block of days. Raises Undetermined."""
    return _held_out(*_by_day(pairs, names), names)


def _by_day(pairs: Sequence[Pair], names: Sequence[str]) -> tuple[list[list[Pair]], Floats, Floats]:
    """Usable pairs of each day, their moments, and the origin of those."""
    usable = [pair for pair in pairs if all(math.isfinite(value) for value in _row(pair, names))]
    by_day: dict[int, list[Pair]] = {}
    for pair in usable:
        by_day.setdefault(pair.day, []).append(pair)
    if len(by_day) < LEAST_DAYS:
        raise Undetermined(
            f"{len(by_day)} days with complete pairs ({len(usable)} of {len(pairs)} hours have all that "
            f"the model needs); at least {LEAST_DAYS} are required, 30 recommended"
        )
    days = [by_day[day] for day in sorted(by_day)]
    origin = np.mean([_row(pair, names) for pair in usable], axis=0)
    return days, np.array([moments_of([_row(pair, names) for pair in day], origin) for day in days]), origin


def _humidity(pairs: Sequence[Pair]) -> tuple[float, float]:
    known = [min(max(pair.rh, 0.0), 100.0) for pair in pairs if math.isfinite(pair.rh)]
    return (min(known), max(known)) if known else (math.nan, math.nan)


def quality(reference: Sequence[float], estimate: Sequence[float]) -> Quality:
    """How far estimates are from the reference."""
    n = len(reference)
    errors = [b - a for a, b in zip(reference, estimate, strict=True)]
    mean = math.fsum(reference) / n
    squares, spread = math.fsum(e * e for e in errors), math.fsum((a - mean) ** 2 for a in reference)
    rmse = math.sqrt(squares / n)
    return Quality(
        n,
        1 - squares / spread if spread > 0 else math.nan,
        rmse,
        100 * rmse / mean if mean > 0 else math.nan,
        math.fsum(errors) / n,
        math.fsum(map(abs, errors)) / n,
    )


def is_wet(pair: Pair) -> bool:
    """Whether the hour is of the wet season."""
    return datetime.fromtimestamp(pair.start / 1000, ZONE).month in WET


def _row(pair: Pair, names: Sequence[str]) -> tuple[float, ...]:
    wet = float(is_wet(pair))
    of = {
        "wet": wet,
        "wet_slope": wet * pair.sensor,
        "slope": pair.sensor,
        "rh": min(max(pair.rh, 0.0), 100.0) if math.isfinite(pair.rh) else math.nan,
        "temp": pair.temp_c,
    }
    return (*(of[name] for name in names), pair.reference)


def _estimate(pair: Pair, names: Sequence[str], found: Sequence[float]) -> float:
    return math.fsum([*(b * x for b, x in zip(found, _row(pair, names)[:-1], strict=False)), found[-1]])


def _held_out(days: Sequence[Sequence[Pair]], moments: Floats, origin: Floats, names: Sequence[str]) -> list[Held]:
    """Every day's hours by a fit of the days outside its block; blocks are neighbouring days."""
    folds = min(FOLDS, len(days))
    found: list[Held] = []
    for fold in range(folds):
        inside = range(fold * len(days) // folds, (fold + 1) * len(days) // folds)
        others = fit(np.delete(moments, inside, axis=0).sum(axis=0), origin)
        found += [
            Held(pair.start, pair.reference, pair.sensor, _estimate(pair, names, others), pair.rh)
            for place in inside
            for pair in days[place]
        ]
    return found


def _intervals(moments: Floats, origin: Floats, pick: Pick, draws: int) -> list[tuple[float, float]]:
    """The middle 95 % of each coefficient over fits of days drawn with replacement; NaN when too many draws fail."""
    fits: list[tuple[float, ...]] = []
    for _ in range(draws):
        try:
            fits.append(fit(moments[[pick(len(moments)) for _ in moments]].sum(axis=0), origin))
        except Undetermined:
            continue
    if len(fits) < max(1, draws * 9 // 10):
        return [(math.nan, math.nan)] * len(origin)
    return [middle(sorted(one[place] for one in fits)) for place in range(len(origin))]


def middle(ordered: Sequence[float]) -> tuple[float, float]:
    """From where to where the middle 95 % lie."""
    last = len(ordered) - 1
    return ordered[round(0.025 * last)], ordered[round(0.975 * last)]
