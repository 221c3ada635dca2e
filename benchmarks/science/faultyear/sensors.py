"""What a sensor makes of the air, minute by minute, and what its faults make of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faultyear.air import DAY, Air
from faultyear.parameters import between, chance, long_between

Column = NDArray[np.float64]
PMS = ("pm1", "pm25", "pm10", "n03", "n05", "n1", "n25", "temp_c", "rh_pct")
MASSES = ("pm1", "pm25", "pm10")
COUNTS = ("n03", "n05", "n1", "n25")


@dataclass
class Event:
    """A fault from minute `start` up to `end`; `reaches` is when a drift is at 30 %."""

    kind: str
    start: int
    end: int
    reaches: int = 0


@dataclass
class Simulated:
    """One sensor's year. `there`: minutes that have a reading; `beyond`: the air itself is past the sensor's range;
    `warm`: the bridge says it warms up; `clock`: 0 good, 1 the bridge knows that it does not know, 2 an hour ahead
    without knowing."""

    name: str
    kind: str
    site: int
    place: int
    columns: dict[str, Column]
    there: NDArray[np.bool_]
    beyond: NDArray[np.bool_]
    warm: NDArray[np.bool_]
    clock: NDArray[np.int8]
    air: Air
    events: list[Event] = field(default_factory=list)


def sense(parameters: dict[str, Any], seed: int, site: int, name: str, kind: str, place: int, air: Air) -> Simulated:
    """A healthy sensor."""
    known, n, draw = parameters["sensing"], len(air.pm25), chance(seed, "sensor", site, name)
    columns: dict[str, Column] = {}
    beyond = np.zeros(n, bool)
    if kind in known["co2_floor"]:
        ppm = np.round(air.co2 + draw.uniform(-12, 12) + draw.normal(0, known["co2_noise"][kind], n))
        beyond = ppm >= known["co2_ceiling"][kind]
        columns["co2_ppm"] = np.clip(ppm, known["co2_floor"][kind], known["co2_ceiling"][kind])
    else:
        step = known["step"][kind]
        true = air.pm25 * between(draw, known["gain"])
        fine = np.maximum(0, true * (1 + draw.normal(0, known["share"], n)) + draw.normal(0, known["absolute"], n))
        coarse = air.coarse * 0.55
        beyond = 1.3 * fine + coarse >= 495
        columns["pm1"] = fine * draw.uniform(0.62, 0.68)
        columns["pm25"] = fine + 0.05 * coarse
        columns["pm10"] = columns["pm25"] + coarse
        if kind == "pms":
            n03 = (
                known["counts_per_ugm3"]
                * draw.uniform(0.95, 1.05)
                * fine
                * (1 + draw.normal(0, known["counts_noise"], n))
                + 20
                + draw.normal(0, known["counts_flicker"], n)
            )
            n03 = np.maximum(0, n03)
            columns["n03"], columns["n05"] = n03, 0.295 * n03
            columns["n1"] = 0.045 * n03
            columns["n25"] = np.minimum(columns["n1"], 0.0045 * n03 + 0.12 * coarse)
            columns["temp_c"] = np.round(air.temp + draw.normal(0, 0.05, n), 1)
            columns["rh_pct"] = np.round(air.rh + draw.normal(0, 0.3, n), 1)
        for key in columns:
            if key in MASSES:
                columns[key] = np.round(columns[key] / step) * step
            elif key in COUNTS:
                columns[key] = np.round(columns[key])
        if kind != "pms":
            del columns["pm1"]
    return Simulated(
        name, kind, site, place, columns, np.ones(n, bool), beyond, np.zeros(n, bool), np.zeros(n, np.int8), air
    )


# -- faults ------------------------------------------------------------------------------------------------------------

SUITS = {
    "range": "all",
    "stuck": "all",
    "spike": "all",
    "condensation": "pms",
    "counts": "pms",
    "order": "mass",
    "pair": "pair",
    "drift_up": "mass",
    "drift_down": "mass",
    "saturation": "all",
    "dead_fan": "mass",
    "zero_batch": "pms",
    "clock": "all",
    "warm_up": "all",
}


def plan(parameters: dict[str, Any], seed: int, sensor: Simulated, in_pair: bool) -> list[Event]:
    """Faults of one sensor that do not meet; the long ones find their place first."""
    draw, n = chance(seed, "plan", sensor.site, sensor.name), len(sensor.there)
    wanted: list[tuple[int, str]] = []
    for kind, known in parameters["fault"].items():
        suits = SUITS[kind]
        fits = (
            suits == "all"
            or suits == sensor.kind
            or (suits == "mass" and "pm25" in sensor.columns)
            or (suits == "pair" and in_pair)
        )
        if kind in ("stuck", "range", "spike", "saturation") and "co2_ppm" in sensor.columns:
            fits = True
        if fits:
            wanted += [
                (long_between(draw, known["minutes"]), kind)
                for _ in range(draw.poisson(known["each"] * n / (365 * DAY)))
            ]
    placed: list[Event] = []
    for length, kind in sorted(wanted, reverse=True):
        early = 30 * DAY if kind.startswith("drift") else DAY // 2
        for _ in range(50):
            if n - length - 720 <= early:
                break
            start = int(draw.integers(early, n - length - 720))
            apart = 3 * DAY if kind.startswith("drift") or kind in ("pair", "zero_batch") else 300
            if all(start > e.end + apart or start + length + apart < e.start for e in placed):
                placed.append(Event(kind, start, start + length))
                break
    return sorted(placed, key=lambda event: event.start)


def afflict(parameters: dict[str, Any], seed: int, sensor: Simulated, events: list[Event]) -> None:
    """Puts the faults into the columns and keeps them as the truth."""
    for number, event in enumerate(events):
        draw = chance(seed, "fault", sensor.site, sensor.name, number)
        before = {key: column[event.start : event.end].copy() for key, column in sensor.columns.items()}
        _SHAPES[event.kind](sensor, event, parameters["fault"][event.kind], draw)
        changed = any((sensor.columns[key][event.start : event.end] != column).any() for key, column in before.items())
        if changed or event.kind in ("clock", "warm_up"):
            sensor.events.append(event)  # a batch that reads 0 below 10 µg/m³ is sound while there is more


def _cut(sensor: Simulated, event: Event, keys: tuple[str, ...]) -> list[tuple[str, Column]]:
    return [(key, sensor.columns[key][event.start : event.end]) for key in keys if key in sensor.columns]


def _range(sensor: Simulated, event: Event, _: dict[str, Any], draw: np.random.Generator) -> None:
    wild = [("co2_ppm", (0.0, 65535.0)), ("pm25", (6553.5, 1400.0)), ("temp_c", (-40.0, 125.0))]
    key, values = wild[int(draw.integers(0, 3))]
    if key not in sensor.columns:
        key, values = wild[0] if "co2_ppm" in sensor.columns else wild[1]
    sensor.columns[key][event.start : event.end] = values[int(draw.integers(0, 2))]


def _stuck(sensor: Simulated, event: Event, _: dict[str, Any], draw: np.random.Generator) -> None:
    keys = (*MASSES, *COUNTS, "co2_ppm")
    for _key, part in _cut(sensor, event, keys):
        part[:] = part[0]
    if sensor.kind in ("hpma", "sds"):
        # A mass that stands still at little without counts beside it is nobody's to tell from clean air.
        for _key, part in _cut(sensor, event, MASSES):
            part += max(0.0, 6.0 - part[0])


def _spike(sensor: Simulated, event: Event, known: dict[str, Any], draw: np.random.Generator) -> None:
    height = between(draw, known["height"])
    for key, part in _cut(sensor, event, ("pm25", "pm10", "co2_ppm")):
        part += height if key != "co2_ppm" else 400 + 3 * height
        if key != "co2_ppm":
            np.minimum(part, 990, out=part)


def _condensation(sensor: Simulated, event: Event, known: dict[str, Any], draw: np.random.Generator) -> None:
    gain = between(draw, known["gain"])
    for _key, part in _cut(sensor, event, (*MASSES, *COUNTS)):
        part[:] = np.round(part * gain)
    for _key, part in _cut(sensor, event, ("rh_pct",)):
        part[:] = np.round(draw.uniform(95.2, 99.9, len(part)), 1)


def _counts(sensor: Simulated, event: Event, known: dict[str, Any], draw: np.random.Generator) -> None:
    # Seen with dust in the air; with none, mass and counts both say so.
    left = between(draw, known["left"])
    for key, part in _cut(sensor, event, (*MASSES, *COUNTS)):
        part[:] = np.round(part * left) if key in COUNTS else np.maximum(part, 12.0 + part * 0.1)


def _order(sensor: Simulated, event: Event, _: dict[str, Any], draw: np.random.Generator) -> None:
    pm25, pm10 = (sensor.columns[key][event.start : event.end] for key in ("pm25", "pm10"))
    pm25[:], pm10[:] = pm10 + draw.uniform(5, 60), pm25.copy()


def _pair(sensor: Simulated, event: Event, known: dict[str, Any], draw: np.random.Generator) -> None:
    gain = between(draw, known["gain"][int(draw.integers(0, 2))])
    _scaled(sensor, event, np.full(event.end - event.start, gain))


def _drift(sensor: Simulated, event: Event, known: dict[str, Any], draw: np.random.Generator) -> None:
    gain, ramp = between(draw, known["gain"]), int(between(draw, known["ramp_days"]) * DAY)
    course = 1 + (gain - 1) * np.minimum(1.0, np.arange(event.end - event.start) / ramp)
    event.reaches = event.start + int(np.argmax(np.abs(course - 1) >= 0.3))
    _scaled(sensor, event, course)


def _scaled(sensor: Simulated, event: Event, course: Column) -> None:
    step = 0.1 if sensor.kind == "sds" else 1.0
    for _key, part in _cut(sensor, event, (*MASSES, *COUNTS)):
        part[:] = np.round(part * course / step) * step


def _saturation(sensor: Simulated, event: Event, _: dict[str, Any], draw: np.random.Generator) -> None:
    for key, part in _cut(sensor, event, (*MASSES, *COUNTS, "co2_ppm")):
        if key == "co2_ppm":
            part[:] = 5000.0 if sensor.kind == "mh-z19b" else 10000.0
        elif key in COUNTS:
            part[:] = np.round(
                {"n03": 65535, "n05": 30000, "n1": 6000, "n25": 700}[key] * draw.uniform(0.98, 1.0, len(part))
            )
        elif sensor.kind == "sds":
            part[:] = 999.9
        else:
            part[:] = {"pm1": 505.0, "pm25": 510.0, "pm10": 520.0}[key] + np.round(draw.uniform(0, 200, 1))


def _dead_fan(sensor: Simulated, event: Event, known: dict[str, Any], draw: np.random.Generator) -> None:
    frozen = draw.random() < known["frozen"] and sensor.kind == "pms"
    for _key, part in _cut(sensor, event, (*MASSES, *COUNTS)):
        part[:] = part[0] if frozen else 0.0


def _zero_batch(sensor: Simulated, event: Event, known: dict[str, Any], draw: np.random.Generator) -> None:
    low = sensor.columns["pm25"][event.start : event.end] < known["below"]
    for _key, part in _cut(sensor, event, MASSES):
        part[low] = 0.0


def _clock(sensor: Simulated, event: Event, _: dict[str, Any], draw: np.random.Generator) -> None:
    sensor.clock[event.start : event.end] = int(draw.integers(1, 3))


def _warm_up(sensor: Simulated, event: Event, known: dict[str, Any], draw: np.random.Generator) -> None:
    gap = int(draw.integers(*known["gap"]))
    sensor.there[max(0, event.start - gap) : event.start] = False
    sensor.warm[event.start : event.end] = True
    for key, part in _cut(sensor, event, (*MASSES, *COUNTS, "co2_ppm")):
        part[:] = 410.0 if key == "co2_ppm" else 0.0 if key in COUNTS else 3.0


_SHAPES = {
    "range": _range,
    "stuck": _stuck,
    "spike": _spike,
    "condensation": _condensation,
    "counts": _counts,
    "order": _order,
    "pair": _pair,
    "drift_up": _drift,
    "drift_down": _drift,
    "saturation": _saturation,
    "dead_fan": _dead_fan,
    "zero_batch": _zero_batch,
    "clock": _clock,
    "warm_up": _warm_up,
}


def year(parameters: dict[str, Any], seed: int, days: int, site: int, sites_air: list[Air]) -> list[Simulated]:
    """The sensors of one site with their faults."""
    layout = parameters["site"]
    rooms = layout["rooms"]
    sensors = [sense(parameters, seed, site, "yard", layout["outdoor"], 0, sites_air[0])]
    sensors += [sense(parameters, seed, site, f"room-{i}", kind, i, sites_air[i]) for i, kind in enumerate(rooms, 1)]
    sensors.append(sense(parameters, seed, site, "room-1-pair", layout["pair"], 1, sites_air[1]))
    sensors += [
        sense(parameters, seed, site, f"co2-{i}", kind, len(rooms) + i, sites_air[len(rooms) + i])
        for i, kind in enumerate(layout["co2"], 1)
    ]
    for sensor in sensors:
        afflict(parameters, seed, sensor, plan(parameters, seed, sensor, sensor.name == "room-1-pair"))
    return sensors
