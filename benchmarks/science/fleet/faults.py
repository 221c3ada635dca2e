"""Faults drawn from a seed: in the air that reaches a chamber, in the chamber, or in what is written down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.air import DAY, Outdoors, Series, dice, outdoors, red, smoothed
from fleet.building import Room, rooms
from fleet.instruments import CLIMATE, MASSES, MODELS, Body, Event, Sensor, body, sense, silences

DAYS = 63
LONG = {  # how many of each in a fleet of sixteen, and days they last
    "fan_loss": (3, (1.0, 5.0)),
    "dead_fan_still": (2, (0.5, 4.0)),
    "dead_fan_moving": (2, (0.7, 4.0)),
    "clog": (2, (1.5, 6.0)),
    "swap": (2, (3.0, 14.0)),
    "drift": (2, (20.0, 30.0)),
    "offset": (1, (8.0, 18.0)),
    "stuck": (3, (0.15, 1.5)),
}
SHORT = {"zero_drop": 12, "spike": 12}
FOGS = 8


@dataclass
class Fleet:
    """Sensors by site with their truth; `rooms` by site."""

    sites: list[list[Sensor]]
    rooms: list[list[Room]]
    weather: list[Outdoors]


def fleet(seed: int, days: int = DAYS) -> Fleet:
    """Sixteen sensors: one school with all of them, or two of eight, as the seed has it."""
    draw = dice(seed, "fleet")
    sizes = [16] if draw.random() < 0.6 else [8, 8]
    first_weekday = int(draw.integers(0, 7))
    found = Fleet([], [], [])
    for site, size in enumerate(sizes):
        share = size / 16
        air = outdoors(seed, site, days, round(FOGS * share))
        yards = 2 if size == 16 else 1
        inside = rooms(seed, site, size - yards, air, first_weekday)
        found.rooms.append(inside)
        found.weather.append(air)
        found.sites.append(_site(seed, site, days, air, inside, yards, share))
    return found


def _site(seed: int, site: int, days: int, air: Outdoors, inside: list[Room], yards: int, share: float) -> list[Sensor]:
    n = days * DAY
    places = [-1] * yards + list(range(len(inside)))
    offset = int(dice(seed, "models", site).integers(0, len(MODELS)))
    names = [f"yard-{i + 1}" if place < 0 else f"sensor-{place + 1}" for i, place in enumerate(places)]
    models = ["pms5003t" if place < 0 else MODELS[(i + offset) % len(MODELS)] for i, place in enumerate(places)]
    sensors = [Sensor(*what) for what in zip(names, models, places, strict=True)]
    breathed = []
    for place in places:
        if place < 0:
            breathed.append((air.fine * air.fog_gain, air.coarse * (1 + 1.6 * (air.fog_gain - 1)), air.temp, air.rh))
        else:
            room = inside[place]
            breathed.append((room.fine, room.coarse, room.temp, room.rh))
    plan = _plan(seed, site, sensors, breathed, days, share)
    for first, second, start, end, differ in plan.swaps:
        for one, other in ((first, second), (second, first)):
            sensors[one].events.append(Event("swap", start, end, differ, f"with {sensors[other].name}"))
    swapped = [tuple(column.copy() for column in air_in) for air_in in breathed]
    for one, other, start, end, _ in plan.swaps:
        for i in range(4):
            swapped[one][i][start:end] = breathed[other][i][start:end]
            swapped[other][i][start:end] = breathed[one][i][start:end]
    for sensor, (fine, coarse, temp, rh), events in zip(sensors, swapped, plan.events, strict=True):
        of = body(seed, site, sensor.name, n)
        sensor.columns = _measured(seed, site, sensor, of, fine, coarse, temp, rh, events)
        sensor.events += events
        if sensor.place < 0:
            sensor.events += [
                Event("fog", fog.start, fog.end, fog.gain, f"{fog.rh:.0f} %") for fog in air.fogs
                if not any(e.start < fog.end and fog.start < e.end for e in sensor.events)
            ]  # fmt: skip
        _shorts(seed, site, sensor)
        gone = silences(seed, site, sensor.name, n)
        for column in sensor.columns.values():
            column[gone] = np.nan
        sensor.events.sort(key=lambda event: event.start)
    return sensors


@dataclass
class _Plan:
    events: list[list[Event]]
    swaps: list[tuple[int, int, int, int, float]]


def _plan(
    seed: int, site: int, sensors: list[Sensor], breathed: list[tuple[Series, ...]], days: int, share: float
) -> _Plan:
    draw = dice(seed, "plan", site)
    plan = _Plan([[] for _ in sensors], [])
    busy: list[list[tuple[int, int]]] = [[] for _ in sensors]

    def free(who: int, start: int, end: int) -> bool:
        return all(end + 3 * DAY < a or b + 3 * DAY < start for a, b in busy[who])

    wanted = [
        (kind, draw.uniform(*length))
        for kind, (count, length) in LONG.items()
        for _ in range(int(count * share) + int(draw.random() < count * share % 1))
    ]
    for kind, length in sorted(wanted, key=lambda it: -it[1]):
        for _ in range(300):
            start = int(draw.integers(6 * DAY, days * DAY - int(length * DAY) - DAY))
            end = start + int(length * DAY)
            if kind == "swap":
                if draw.random() < 0.25 and start > days * DAY // 2:
                    end = days * DAY  # nobody noticed
                one, other = (int(i) for i in draw.choice(len(sensors), 2, replace=False))
                a, b = (breathed[i][0][start:end].mean() for i in (one, other))
                differ = float(max(a, b) / min(a, b) - 1)
                if differ < 0.2 or differ > 1.2 or not (free(one, start, end) and free(other, start, end)):
                    continue
                plan.swaps.append((one, other, start, end, differ))
                busy[one].append((start, end))
                busy[other].append((start, end))
                break
            who = int(draw.integers(0, len(sensors)))
            if not free(who, start, end):
                continue
            if kind != "stuck" and breathed[who][0][start:end].mean() < 5:
                continue  # nothing to measure: no fault to be seen by anybody
            busy[who].append((start, end))
            plan.events[who].append(Event(kind, start, end, *_strength(draw, kind)))
            break
    return plan


def _strength(draw: np.random.Generator, kind: str) -> tuple[float, str]:
    if kind == "fan_loss":
        onset = "at once" if draw.random() < 0.75 else "over an hour"
        return float(draw.uniform(0.30, 0.96)), f"{draw.choice(['all', 'all', 'masses only'])}, {onset}"
    if kind == "clog":
        return float(draw.uniform(1, 6)), str(draw.choice(["delay", "slow"]))
    if kind == "drift":
        return float(draw.choice([draw.uniform(1.4, 2.1), draw.uniform(0.4, 0.65)])), ""
    if kind == "offset":
        return float(draw.uniform(12, 30)), ""
    if kind.startswith("dead_fan"):
        return float(draw.uniform(0.03, 0.3) if kind.endswith("still") else draw.uniform(0.2, 0.6)), ""
    return 1.0, ""


def _measured(
    seed: int, site: int, sensor: Sensor, of: Body, fine: Series, coarse: Series, temp: Series, rh: Series,
    events: list[Event],
) -> dict[str, Series]:  # fmt: skip
    """What the sensor writes: its air after what goes wrong on the way in, then what goes wrong inside."""
    fine, coarse, after = fine.copy(), coarse.copy(), []
    for number, event in enumerate(events):
        draw, part = dice(seed, "fault", site, sensor.name, number), slice(event.start, event.end)
        length = event.end - event.start
        if event.kind == "fan_loss":
            ramp = np.ones(length)
            if "hour" in event.detail:
                ramp[:60] = np.linspace(0, 1, 60)
            left = 1 - event.strength * ramp * np.clip(1 + red(draw, length, 40, 0.01), 0.9, 1.02)
            if "masses" in event.detail:
                after.append((part, left))
            else:
                fine[part] *= left
                coarse[part] *= left
        elif event.kind == "dead_fan_still":
            slow = _slowed(fine, event, draw.uniform(180, 700)) * event.strength
            fine[part], coarse[part] = slow, 0.05 * coarse[part].mean()
            of.shared[part] = 1 + (of.shared[part] - 1) * 0.15
        elif event.kind == "dead_fan_moving":
            breath = np.exp(red(draw, length, 25, 0.3))
            fine[part] = _slowed(fine, event, draw.uniform(4, 25)) * event.strength * breath
            coarse[part] *= 0.3 * event.strength
        elif event.kind == "clog":
            lag = int(event.strength * 60)
            if event.detail == "delay":
                fine[part], coarse[part] = fine[event.start - lag : event.end - lag].copy(), 0.2 * coarse[part]
            else:
                fine[part], coarse[part] = _slowed(fine, event, lag), 0.2 * coarse[part]
        elif event.kind == "drift":
            ramp = 1 + (event.strength - 1) * np.minimum(1, np.arange(length) / (draw.uniform(8, 15) * DAY))
            fine[part] *= ramp
            coarse[part] *= ramp
    columns = sense(sensor.model, of, fine, coarse, temp, rh)
    for part, left in after:
        for key in MASSES:
            if key in columns:
                step = 0.01 if sensor.model == "sps30" else 0.1 if sensor.model == "sds011" else 1
                columns[key][part] = np.round(columns[key][part] * left / step) * step
    for event in events:
        part = slice(event.start, event.end)
        for key in columns:
            if event.kind == "offset" and key in MASSES:
                columns[key][part] += round(event.strength)
            elif event.kind == "stuck" and key not in CLIMATE:
                columns[key][part] = columns[key][event.start]
    return columns


def _slowed(values: Series, event: Event, minutes: float) -> Series:
    keep = float(np.exp(-1 / minutes))
    kicks = values[event.start : event.end] * (1 - keep)
    kicks[0] = values[event.start]
    return smoothed(kicks, keep)


def _shorts(seed: int, site: int, sensor: Sensor) -> None:
    """Single readings that are nothing, or far too much."""
    draw, n = dice(seed, "short", site, sensor.name), len(sensor.columns["pm25"])
    for kind, count in SHORT.items():
        for _ in range(draw.poisson(count / 16 * 1.5)):
            at = int(draw.integers(30, n - 30))
            length = int(draw.choice([1, 1, 2]))
            near = sensor.columns["pm25"][at - 5 : at + 7]
            if any(e.start - 60 < at < e.end + 60 for e in sensor.events) or near.min() < 4:
                continue
            height = float(draw.uniform(40, 600))
            strength = height if kind == "spike" else float(np.median(near))
            for key in sensor.columns:
                if key in CLIMATE:
                    continue
                if kind == "zero_drop":
                    sensor.columns[key][at : at + length] = 0.0
                elif key in MASSES:
                    sensor.columns[key][at : at + length] += round(height)
            sensor.events.append(Event(kind, at, at + length, strength))
