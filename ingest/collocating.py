"""Brings a reference and stored sensors together, and says how they agree: what `classair collocate` prints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from classair.science.calibration import Calibration
from classair.science.collocation import (
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
from classair.science.differences import Difference, SensorHour
from classair.stores import DAY_MS, Store
from classair.timetable import ZONE

INPUTS: Final = ("pm25", "pm25_cf1")


@dataclass(slots=True)
class Gathered:
    """Hours of sensors by room, from the store; `simulated` when any reading was."""

    hours: list[SensorHour] = field(default_factory=list)
    simulated: bool = False

    def of(self, sensor: str, quantity: str) -> dict[int, HourMean]:
        return {hour.start: hour.means[quantity] for hour in self.hours
                if hour.sensor == sensor and quantity in hour.means}


def gather(store: Store, rooms: Iterable[str], models: Mapping[str, str], start: int, end: int) -> Gathered:
    """Hourly means of every sensor in `models` (by its model) while it stood in these rooms, valid values alone.

    A day at a time, so that a long period needs no more memory than a day of readings. A reading stands for the time
    before its moment: one at midnight belongs to the day that ends. Raises StoreAway.
    """
    found = Gathered()
    for room in rooms:
        for begin in range(start, end, DAY_MS):
            samples: dict[str, dict[str, list[Sampled]]] = {}
            for reading in store.readings(room, begin + 1, min(begin + DAY_MS, end) + 1):
                if reading.sensor not in models:
                    continue
                found.simulated |= reading.simulated
                rh, temp = reading.valid("rh_pct"), reading.valid("temp_c")
                for quantity in INPUTS:
                    value = reading.valid(quantity)
                    if value is not None:
                        samples.setdefault(reading.sensor, {}).setdefault(quantity, []).append(Sampled(
                            reading.at_ms, round(reading.interval_s * 1000), value,
                            math.nan if rh is None else rh, math.nan if temp is None else temp))
            found.hours += _sensor_hours(room, samples, models)
    return found


def _sensor_hours(room: str, samples: Mapping[str, Mapping[str, Sequence[Sampled]]],
                  models: Mapping[str, str]) -> Iterator[SensorHour]:
    for sensor, by_quantity in samples.items():
        means = {quantity: hourly(there) for quantity, there in by_quantity.items()}
        for start in sorted({start for there in means.values() for start in there}):
            yield SensorHour(room, sensor, models[sensor],
                             {quantity: there[start] for quantity, there in means.items() if start in there})


@dataclass(frozen=True, slots=True)
class Beside:
    """Sensors beside a reference: their hourly pairs, and how they agree by hour and by day."""

    units: Mapping[str, list[Pair]]
    hours: Agreement
    days: Agreement
    coverage: Mapping[str, float]

    @property
    def every(self) -> list[Pair]:
        return [pair for one in self.units.values() for pair in one]


def beside(reference: Mapping[int, float], sensors: Mapping[str, Mapping[int, HourMean]], start: int,
           end: int) -> Beside:
    """`coverage`: which share of the reference's hours in the period each sensor has."""
    inside = {at: value for at, value in reference.items() if start <= at < end}
    units = {sensor: pairs(inside, hours, sensor) for sensor, hours in sensors.items()}
    return Beside(units, agreement(units), agreement({sensor: daily(one) for sensor, one in units.items()}),
                  {sensor: len(one) / len(inside) if inside else 0.0 for sensor, one in units.items()})


def report(found: Beside, fit: Calibration, quantity: str = "pm25") -> dict[str, Any]:
    """Everything as JSON: numbers that the data do not say are null."""
    result: dict[str, Any] = {
        "coverage": dict(found.coverage), "agreement_1h": asdict(found.hours), "agreement_24h": asdict(found.days),
        "targets_24h": [asdict(one) for one in targets(found.days, quantity)],
        "by_sensor_1h": {sensor: asdict(agreement({sensor: one})) for sensor, one in found.units.items()},
        "fit": {key: value for key, value in asdict(fit).items() if key != "held"},
        "residuals": [{"time_utc": utc(one.start), "reference": one.reference, "sensor": one.sensor,
                       "estimate": round(one.estimate, 6), "residual": round(one.residual, 6)} for one in fit.held],
    }
    result["fit"] |= {"start": utc(fit.start), "end": utc(fit.end)}
    cleaned: dict[str, Any] = _without_nan(result)
    return cleaned


def changes(found: Sequence[Difference]) -> list[dict[str, Any]]:
    """The difference report as JSON, local dates."""
    return [{"room": one.room, "date": date_of(one.day), "before": asdict(one.before), "after": asdict(one.after),
             "level_changes": one.level_changes, "hours_with_another_level": one.hours} for one in found]


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
