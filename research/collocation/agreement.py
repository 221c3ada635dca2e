"""Sensors beside a reference instrument: pairs of hourly means, how well they agree, and EPA's targets for that.

Formulas and targets: US EPA's for sensors of PM2.5 and PM10, as its sensortoolkit works them out. There the sensor is
regressed on the reference; a correction is fitted the other way round (`calibration.py`). Times are UTC ms, days local
days (Asia/Bangkok).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from classair.science.averages import COMPLETE, covered_ms, day_is_complete
from classair.units import DAY_MS, HOUR_MS
from research.collocation.least_squares import Undetermined, least_squares

_BANGKOK_MS: Final = 7 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Sampled:
    """One reading of a sensor: valid values over the `interval_ms` that ended at `at`; NaN where one is missing."""

    at: int
    interval_ms: int
    value: float
    rh: float = math.nan
    temp_c: float = math.nan


@dataclass(frozen=True, slots=True)
class HourMean:
    """What a sensor measured in the hour that begins at `start`, three quarters of it covered; NaN: not known."""

    start: int
    value: float
    rh: float = math.nan
    temp_c: float = math.nan


@dataclass(frozen=True, slots=True)
class Pair:
    """A reference and a sensor over the same time; `rh` and `temp_c` are the sensor's own."""

    start: int
    reference: float
    sensor: float
    rh: float = math.nan
    temp_c: float = math.nan
    unit: str = ""

    @property
    def day(self) -> int:
        return local_day(self.start)


def local_day(at: int) -> int:
    """The local day's number since 1 January 1970."""
    return (at + _BANGKOK_MS) // DAY_MS


def hourly(samples: Iterable[Sampled]) -> dict[int, HourMean]:
    """Hourly means by the hour's start, each sample weighing the time it stands for; incomplete hours are absent."""
    hours: dict[int, list[Sampled]] = {}
    for sample in samples:
        if math.isfinite(sample.value):
            hours.setdefault((sample.at - 1) // HOUR_MS * HOUR_MS, []).append(sample)
    found: dict[int, HourMean] = {}
    for start, there in hours.items():
        spans = [(max(one.at - one.interval_ms, start), one.at) for one in there]
        if covered_ms(spans) < COMPLETE * HOUR_MS:
            continue
        weights = [end - begin for begin, end in spans]
        found[start] = HourMean(
            start, *(_weighed([getattr(one, name) for one in there], weights) for name in ("value", "rh", "temp_c"))
        )
    return found


def _weighed(values: Sequence[float], weights: Sequence[int]) -> float:
    """The mean of what is known, NaN when that is less than three quarters of the time."""
    known = [(value, weight) for value, weight in zip(values, weights, strict=True) if math.isfinite(value)]
    weight = sum(weight for _, weight in known)
    if weight < COMPLETE * sum(weights):
        return math.nan
    return round(math.fsum(value * weight for value, weight in known) / weight, 6)


def pairs(reference: Mapping[int, float], sensor: Mapping[int, HourMean], unit: str = "") -> list[Pair]:
    """Hours that both have, oldest first."""
    return [
        Pair(start, reference[start], hour.value, hour.rh, hour.temp_c, unit)
        for start, hour in sorted(sensor.items())
        if start in reference and math.isfinite(reference[start])
    ]


def daily(hours: Sequence[Pair]) -> list[Pair]:
    """Local days with 18 paired hours; `start` is the day's local midnight. Of one unit."""
    days: dict[int, list[Pair]] = {}
    for pair in hours:
        days.setdefault(pair.day, []).append(pair)
    return [
        Pair(
            day * DAY_MS - _BANGKOK_MS,
            _mean([one.reference for one in there]),
            _mean([one.sensor for one in there]),
            _mean([one.rh for one in there]),
            _mean([one.temp_c for one in there]),
            there[0].unit,
        )
        for day, there in sorted(days.items())
        if day_is_complete(len(there))
    ]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


# -- agreement ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agreement:
    """Sensor against reference; NaN where the data do not say. `slope`, `intercept`, `r2`: sensor on reference.

    rmse and mbe in µg/m³, nrmse in % of the reference's mean. `sd` (µg/m³) and `cv` (%): how far several units differ
    over times at which all of them report. `n` counts pairs.
    """

    n: int
    slope: float = math.nan
    intercept: float = math.nan
    r2: float = math.nan
    rmse: float = math.nan
    nrmse: float = math.nan
    mbe: float = math.nan
    sd: float = math.nan
    cv: float = math.nan


def agreement(units: Mapping[str, Sequence[Pair]]) -> Agreement:
    """Of one or several units, pooled, over pairs of one averaging time."""
    every = [pair for one in units.values() for pair in one]
    if not every:
        return Agreement(0)
    errors = [pair.sensor - pair.reference for pair in every]
    rmse = math.sqrt(_mean([error * error for error in errors]))
    mean = _mean([pair.reference for pair in every])
    try:
        slope, intercept = least_squares([(pair.reference, pair.sensor) for pair in every])
    except Undetermined:
        slope = intercept = math.nan
    sd, cv = precision(units)
    return Agreement(
        len(every),
        slope,
        intercept,
        r_squared([pair.reference for pair in every], [pair.sensor for pair in every]),
        rmse,
        100 * rmse / mean if mean > 0 else math.nan,
        _mean(errors),
        sd,
        cv,
    )


def r_squared(x: Sequence[float], y: Sequence[float]) -> float:
    """Pearson's correlation, squared; NaN when one does not vary."""
    if len(x) < 2:
        return math.nan
    mean_x, mean_y = _mean(x), _mean(y)
    across = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    spread = math.fsum((a - mean_x) ** 2 for a in x) * math.fsum((b - mean_y) ** 2 for b in y)
    return min(across * across / spread, 1.0) if spread > 0 else math.nan


def precision(units: Mapping[str, Sequence[Pair]]) -> tuple[float, float]:
    """(SD, CV %) of units that stood side by side; NaN for one unit or no common time."""
    values = [{pair.start: pair.sensor for pair in one} for one in units.values()]
    common = sorted(set.intersection(*map(set, values))) if len(values) > 1 else []
    if not common:
        return math.nan, math.nan
    rows = [[one[start] for one in values] for start in common]
    squares = math.fsum((value - _mean(row)) ** 2 for row in rows for value in row)
    sd = math.sqrt(squares / (len(rows) * len(values) - 1))
    mean = _mean([value for row in rows for value in row])
    return sd, 100 * sd / mean if mean > 0 else math.nan


@dataclass(frozen=True, slots=True)
class Target:
    """One line of EPA's table, for 24 h means. `met` None: the data do not say."""

    name: str
    wanted: str
    value: str
    met: bool | None


def targets(found: Agreement, quantity: str = "pm25") -> list[Target]:
    """EPA's targets for sensors of PM2.5 or PM10, met or not; `found` must be of 24 h means."""
    offset, error = (5, 7) if quantity == "pm25" else (10, 14)
    return [
        Target("slope", "0.65 … 1.35", _rounded(found.slope), _inside(found.slope, 0.65, 1.35)),
        Target(
            "intercept",
            f"−{offset} … {offset} µg/m³",
            _rounded(found.intercept),
            _inside(found.intercept, -offset, offset),
        ),
        Target("r2", "≥ 0.70", _rounded(found.r2), _inside(found.r2, 0.70, math.inf)),
        Target(
            "rmse or nrmse",
            f"≤ {error} µg/m³ or ≤ 30 %",
            f"{_rounded(found.rmse)}, {_rounded(found.nrmse)} %",
            _either(found.rmse, error, found.nrmse),
        ),
        Target(
            "sd or cv",
            "≤ 5 µg/m³ or ≤ 30 %",
            f"{_rounded(found.sd)}, {_rounded(found.cv)} %",
            _either(found.sd, 5, found.cv),
        ),
    ]


def _rounded(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _inside(value: float, low: float, high: float) -> bool | None:
    return None if math.isnan(value) else low <= value <= high


def _either(absolute: float, limit: float, percent: float) -> bool | None:
    if math.isnan(absolute) and math.isnan(percent):
        return None
    return absolute <= limit or percent <= 30
