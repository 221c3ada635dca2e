"""The air of a year: haze season, days, plumes, rooms that breathe, cooking, sweeping, purifiers, pupils."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faultyear.parameters import between, chance

DAY = 1440
Minutes = NDArray[np.float32]


@dataclass
class Air:
    """One place: PM2.5, coarse dust (µg/m³), CO2 (ppm), temperature, humidity of each minute, and what happened."""

    pm25: Minutes
    coarse: Minutes
    co2: Minutes
    temp: Minutes
    rh: Minutes
    episodes: list[tuple[str, int, int]] = field(default_factory=list)
    purified_nights: set[int] = field(default_factory=set)
    """Days (from the start) in whose night the purifier ran."""


def site_air(parameters: dict[str, Any], seed: int, site: int, days: int) -> list[Air]:
    """Outdoors first, then the rooms, then one more room for each CO2 sensor."""
    outdoors, plumes = _outdoors(parameters, seed, site, days)
    rooms = len(parameters["site"]["rooms"]) + len(parameters["site"]["co2"])
    return [outdoors, *_indoors(parameters, seed, site, days, outdoors, plumes, rooms)]


def _outdoors(parameters: dict[str, Any], seed: int, site: int, days: int) -> tuple[Air, list[tuple[str, int, int]]]:
    known, n = parameters["air"], days * DAY
    draw = chance(seed, "outdoors", site)
    minute = np.arange(n)
    month = np.array(known["haze"] + known["haze"][:1], float)
    level = np.interp(np.arange(days) / 30.42 % 12, np.arange(13) + 0.0, month)
    memory, noise = known["day_memory"], draw.normal(0, known["day_sigma"], days)
    walk = np.zeros(days)
    for day in range(1, days):
        walk[day] = memory * walk[day - 1] + np.sqrt(1 - memory**2) * noise[day]
    for _ in range(known["episodes"]):
        first = int(draw.integers(0, min(days, 120)))
        walk[first : first + int(draw.integers(*known["episode_days"], endpoint=True))] += np.log(
            between(draw, known["episode_gain"])
        )
    daily = np.interp(minute / DAY, np.arange(days) + 0.5, level * np.exp(walk))
    hour = minute % DAY / 60
    slow = np.repeat(np.cumsum(draw.normal(0, known["minute_sigma"], n // 10 + 1)), 10)[:n]
    slow -= np.interp(minute, minute[::600], slow[::600])
    pm = daily * (1 + known["diurnal"] * np.cos((hour - 7) / 24 * 2 * np.pi)) * np.exp(slow)
    plumes = []
    for at in _often(draw, parameters["plume"]["per_week"], days):
        length = int(draw.integers(*parameters["plume"]["minutes"]))
        shape = np.sin(np.linspace(0, np.pi, length)) ** 1.5 * between(draw, parameters["plume"]["peak"])
        end = min(n, at + length)
        pm[at:end] += (shape * np.exp(draw.normal(0, 0.12, length)))[: end - at]
        plumes.append(("plume", at, end))
    noons = np.arange(days) + 0.5
    temp = 28 + 4 * np.cos((hour - 15) / 24 * 2 * np.pi) + np.interp(minute / DAY, noons, draw.normal(0, 1.2, days))
    rh = np.clip(
        known["rh_mean"]
        - known["rh_swing"] * np.cos((hour - 15) / 24 * 2 * np.pi)
        + np.interp(minute / DAY, noons, draw.normal(0, 5, days)),
        25,
        known["rh_highest"],
    )
    coarse = pm * 0.4
    flat = np.full(n, parameters["room"]["outdoor_co2"], np.float32)
    return Air(pm.astype("f4"), coarse.astype("f4"), flat, temp.astype("f4"), rh.astype("f4"), list(plumes)), plumes


def _often(draw: np.random.Generator, per_week: float, days: int) -> list[int]:
    return sorted(int(at) for at in draw.integers(60, days * DAY - 200, draw.poisson(per_week * days / 7)))


def _indoors(
    parameters: dict[str, Any],
    seed: int,
    site: int,
    days: int,
    outdoors: Air,
    plumes: list[tuple[str, int, int]],
    rooms: int,
) -> list[Air]:
    known, n = parameters["room"], days * DAY
    minute = np.arange(n)
    clock, weekday = minute % DAY, (minute // DAY + 3) % 7
    taught = (weekday < 5) & (clock >= 450) & (clock < 960)
    keep, fresh = np.empty((n, rooms), "f4"), np.empty((n, rooms), "f4")
    keep_gas, fresh_gas = np.empty((n, rooms), "f4"), np.empty((n, rooms), "f4")
    made = []
    for room in range(rooms):
        draw = chance(seed, "room", site, room)
        always = draw.random() < known["always_open"]
        closed, opened = between(draw, known["closed"]), between(draw, known["open"])
        drift = np.repeat(np.exp(draw.normal(0, 0.12, days)), DAY)  # nights differ: wind, doors
        change = np.where(taught & ((clock < 510) | ((clock > 690) & (clock < 750)) | always), opened, closed) * drift
        if always:
            change = np.where(taught, change, 0.6 * opened * drift)
        purifier = between(draw, known["purifier"]) / known["volume"]
        nights = draw.random(days) < known["purifier_night"]
        on = (taught & (outdoors.pm25 > known["purifier_from"])) | (np.repeat(nights, DAY) & (clock < 360))
        source = np.zeros(n)
        coarse = np.zeros(n)
        episodes = list(plumes)
        if draw.random() < parameters["cooking"]["share_of_rooms"]:
            for day in range(days):
                if (day + 3) % 7 < 5:
                    at = day * DAY + int(draw.integers(570, 660))
                    end = min(n, at + int(draw.integers(*parameters["cooking"]["minutes"])))
                    source[at:end] += between(draw, parameters["cooking"]["rise_per_minute"])
                    episodes.append(("cooking", at, min(n, end + 60)))
        for at in _often(draw, parameters["sweeping"]["per_week"], days):
            end = min(n, at + int(draw.integers(*parameters["sweeping"]["minutes"])))
            source[at:end] += between(draw, parameters["sweeping"]["fine"])
            coarse[at:end] += between(draw, parameters["sweeping"]["coarse"]) * draw.uniform(0.5, 1.0, end - at)
            episodes.append(("sweeping", at, min(n, end + 30)))
        loss = change + known["deposition"] + on * purifier
        keep[:, room] = np.exp(-loss / 60)
        fresh[:, room] = (1 - keep[:, room]) * (known["penetration"] * change * outdoors.pm25 / loss) + source
        pupils = int(draw.integers(*known["pupils"])) * np.repeat(draw.uniform(0.85, 1.0, days), DAY)
        there = taught & ~((clock > 700) & (clock < 740))
        keep_gas[:, room] = np.exp(-change / 60)
        fresh_gas[:, room] = (1 - keep_gas[:, room]) * (
            known["outdoor_co2"] + there * pupils * known["breath"] * 3.6e6 / known["volume"] / change
        )
        settled = np.convolve(coarse, np.exp(-np.arange(40) / 8), "full")[:n] * 0.3
        made.append(
            (
                settled + 0.25 * outdoors.pm25,
                episodes,
                {int(day) for day in np.flatnonzero(nights)},
                draw.normal(1.0, 0.5),
            )
        )
    pm, gas = np.empty((n, rooms), "f4"), np.empty((n, rooms), "f4")
    dust, breath = fresh[0] / (1 - keep[0]), np.full(rooms, known["outdoor_co2"], "f4")
    for i in range(n):
        dust = dust * keep[i] + fresh[i]
        breath = breath * keep_gas[i] + fresh_gas[i]
        pm[i], gas[i] = dust, breath
    return [
        Air(
            pm[:, room].copy(),
            coarse.astype("f4"),
            gas[:, room].copy(),
            (0.6 * outdoors.temp + 0.4 * 29 + warmth).astype("f4"),
            np.minimum(outdoors.rh * 0.9 + 4, 93).astype("f4"),
            episodes,
            nights,
        )
        for room, (coarse, episodes, nights, warmth) in enumerate(made)
    ]
