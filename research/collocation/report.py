"""Brings a reference and stored sensors together, and says how they agree: what `classair collocate` prints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from classair.science.averages import COMPLETE
from classair.stores import Store
from classair.timetable import ZONE
from classair.units import DAY_MS, HOUR_MS
from research.collocation.agreement import (
    Agreement,
    HourMean,
    Pair,
    Sampled,
    agreement,
    daily,
    hourly,
    pairs,
    targets,
)
from research.collocation.calibration import Calibration, Pick
from research.collocation.differences import Difference, SensorHour
from research.collocation.least_squares import Undetermined
from research.collocation.models import (
    Deming,
    Judged,
    Prediction,
    Unit,
    best,
    by_unit,
    deming,
    judged,
    prediction,
)

INPUTS: Final = ("pm25", "pm25_cf1")
SHORT_S: Final = 60.0


@dataclass(slots=True)
class Gathered:
    """Hours of sensors by room, from the store; `simulated` when any reading was."""

    hours: list[SensorHour] = field(default_factory=list)
    simulated: bool = False

    def of(self, sensor: str, quantity: str) -> dict[int, HourMean]:
        return {
            hour.start: hour.means[quantity] for hour in self.hours if hour.sensor == sensor and quantity in hour.means
        }


def gather(store: Store, rooms: Iterable[str], models: Mapping[str, str], start: int, end: int) -> Gathered:
    """Hourly means of every sensor in `models` (by its model) while it stood in these rooms, valid values alone.

    From hourly rollups; readings of more than a minute, which an hour may have to share with its neighbour, one by one.
    Raises StoreAway.
    """
    chosen = set(rooms)
    found = Gathered(
        simulated=any(
            series.simulated for series in store.counts(start, end) if series.room in chosen and series.sensor in models
        )
    )
    for room in sorted(chosen):
        for sensor in store.sensors(room):
            if sensor in models:
                intervals = _intervals(store, room, sensor, start, end)
                means = _of_rollups(store, room, sensor, start, end, intervals)
                for begin, interval_s in intervals.items():
                    if interval_s > SHORT_S:
                        day = _of_readings(store, room, sensor, begin, min(begin + DAY_MS, end))
                        for quantity, hours in day.items():
                            means.setdefault(quantity, {}).update(hours)
                for hour in sorted({hour for there in means.values() for hour in there}):
                    found.hours.append(
                        SensorHour(
                            room,
                            sensor,
                            models[sensor],
                            {quantity: there[hour] for quantity, there in means.items() if hour in there},
                        )
                    )
    return found


def _intervals(store: Store, room: str, sensor: str, start: int, end: int) -> dict[int, float]:
    """How long a reading stood for, in s, at the beginning of each day."""
    found: dict[int, float] = {}
    for begin in range(start, end, DAY_MS):
        interval_s = store.interval_at(room, sensor, begin)
        if interval_s is not None:
            found[begin] = interval_s
    # Where the raw rows of the last days are gone, they stood for as long as those before.
    return {begin: found.get(begin, list(found.values())[-1] if found else 0.0) for begin in range(start, end, DAY_MS)}


def _of_rollups(
    store: Store, room: str, sensor: str, start: int, end: int, intervals: Mapping[int, float]
) -> dict[str, dict[int, HourMean]]:
    def means(quantity: str) -> dict[int, float]:
        found: dict[int, float] = {}
        for bucket in store.series(room, quantity, start, end, HOUR_MS, sensor):
            interval_s = intervals[start + (bucket.start_ms - start) // DAY_MS * DAY_MS]
            if interval_s <= SHORT_S and bucket.mean is not None and bucket.n * interval_s * 1000 >= COMPLETE * HOUR_MS:
                found[bucket.start_ms] = bucket.mean
        return found

    rh, temp = means("rh_pct"), means("temp_c")
    return {
        quantity: {
            hour: HourMean(hour, value, rh.get(hour, math.nan), temp.get(hour, math.nan))
            for hour, value in means(quantity).items()
        }
        for quantity in INPUTS
    }


def _of_readings(store: Store, room: str, sensor: str, start: int, end: int) -> dict[str, dict[int, HourMean]]:
    """A reading stands for the time before its moment: one at midnight belongs to the day that ends."""
    samples: dict[str, list[Sampled]] = {}
    for reading in store.readings(room, start + 1, end + 1):
        if reading.sensor == sensor:
            rh, temp = reading.valid("rh_pct"), reading.valid("temp_c")
            for quantity in INPUTS:
                if (value := reading.valid(quantity)) is not None:
                    samples.setdefault(quantity, []).append(
                        Sampled(
                            reading.at_ms,
                            round(reading.interval_s * 1000),
                            value,
                            math.nan if rh is None else rh,
                            math.nan if temp is None else temp,
                        )
                    )
    return {quantity: hourly(there) for quantity, there in samples.items()}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Sensors beside a reference: their hourly pairs, and how they agree by hour and by day."""

    units: Mapping[str, list[Pair]]
    hours: Agreement
    days: Agreement
    coverage: Mapping[str, float]

    @property
    def every(self) -> list[Pair]:
        return [pair for one in self.units.values() for pair in one]


def compared(
    reference: Mapping[int, float], sensors: Mapping[str, Mapping[int, HourMean]], start: int, end: int
) -> Comparison:
    """`coverage`: which share of the reference's hours in the period each sensor has."""
    inside = {at: value for at, value in reference.items() if start <= at < end}
    units = {sensor: pairs(inside, hours, sensor) for sensor, hours in sensors.items()}
    return Comparison(
        units,
        agreement(units),
        agreement({sensor: daily(one) for sensor, one in units.items()}),
        {sensor: len(one) / len(inside) if inside else 0.0 for sensor, one in units.items()},
    )


@dataclass(frozen=True, slots=True)
class Findings:
    """What is found beside the fit; `deming` None where the pairs do not determine it."""

    models: list[Judged]
    deming: Deming | None
    units: list[Unit]
    prediction: Prediction


def findings(found: Comparison, fit: Calibration, pick: Pick, error_ratio: float = 1.0) -> Findings:
    try:
        both: Deming | None = deming(found.every, pick, error_ratio)
    except Undetermined:
        both = None
    return Findings(judged(found.every), both, by_unit(found.units, fit, pick), prediction(fit.held))


def report(found: Comparison, fit: Calibration, more: Findings, quantity: str = "pm25") -> dict[str, Any]:
    """Everything as JSON: numbers that the data do not say are null."""
    result: dict[str, Any] = {
        "coverage": dict(found.coverage),
        "agreement_1h": asdict(found.hours),
        "agreement_24h": asdict(found.days),
        "targets_24h": [asdict(one) for one in targets(found.days, quantity)],
        "by_sensor_1h": {sensor: asdict(agreement({sensor: one})) for sensor, one in found.units.items()},
        "fit": {key: value for key, value in asdict(fit).items() if key != "held"},
        "models": [asdict(one) for one in more.models],
        "best_model": best(more.models),
        "deming_1h": asdict(more.deming) if more.deming else None,
        "prediction": asdict(more.prediction),
        "by_sensor_fit": [
            {
                "sensor": one.sensor,
                "coefficients": one.fit.coefficients if one.fit else None,
                "intervals": one.fit.intervals if one.fit else None,
                "validated": asdict(one.fit.validated) if one.fit else None,
                "differs": one.differs,
                "why": one.why,
            }
            for one in more.units
        ],
        "residuals": [
            {
                "time_utc": utc(one.start),
                "reference": one.reference,
                "sensor": one.sensor,
                "estimate": round(one.estimate, 6),
                "residual": round(one.residual, 6),
                "rh_pct": one.rh,
            }
            for one in fit.held
        ],
    }
    result["fit"] |= {"start": utc(fit.start), "end": utc(fit.end)}
    cleaned: dict[str, Any] = _without_nan(result)
    return cleaned


def changes(found: Sequence[Difference]) -> list[dict[str, Any]]:
    """The difference report as JSON, local dates."""
    return [
        {
            "room": one.room,
            "date": date_of(one.day),
            "before": asdict(one.before),
            "after": asdict(one.after),
            "level_changes": one.level_changes,
            "hours_with_another_level": one.hours,
        }
        for one in found
    ]


def date_of(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat()


def utc(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat().replace("+00:00", "Z")


def local(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, ZONE).isoformat(timespec="minutes")


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
