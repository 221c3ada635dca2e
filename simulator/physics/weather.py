"""The air outdoors in a smoke season: haze episodes, mornings and afternoons, heat and humidity. Pure and seeded.

The shape follows what Thai monitoring stations see from December to April: an inversion holds the smoke in the morning,
the afternoon mixes it away, and every week or so still air lets it build up for some days.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from classair.units import DAY_MS
from simulator.physics import chance

BANGKOK_MS: Final = 7 * 3_600_000  # Thailand is UTC+7 all year round
CO2_OUTDOOR_PPM: Final = 425.0
EPISODE_CYCLE_DAYS: Final = 7  # one haze episode in each, so that every fortnight holds one whole cycle

# Share of the day's mean over the hours of a local day: (hour, factor), linear between. Mean about 1.
_DIURNAL: Final = (
    (0.0, 1.08),
    (4.0, 1.14),
    (7.0, 1.38),
    (9.0, 1.40),
    (11.0, 1.02),
    (13.0, 0.72),
    (15.0, 0.58),
    (17.0, 0.66),
    (19.0, 1.18),
    (20.5, 1.30),
    (22.0, 1.16),
    (24.0, 1.08),
)


@dataclass(frozen=True, slots=True)
class Outdoor:
    """Air outside: PM2.5 in µg/m³, CO2 in ppm, temperature in °C, relative humidity in %, wind 0 (still) to 1."""

    pm25: float
    co2_ppm: float
    temp_c: float
    rh_pct: float
    wind: float


def local_day(at_ms: int) -> int:
    """Days since 1970 of the local (Bangkok) date."""
    return (at_ms + BANGKOK_MS) // DAY_MS


def local_hour(at_ms: int) -> float:
    """Hours since local midnight."""
    return (at_ms + BANGKOK_MS) % DAY_MS / 3_600_000


@dataclass(frozen=True, slots=True)
class Weather:
    """One town's weather; `seed` is the organisation's id. The same seed gives the same days."""

    seed: str

    def at(self, site: str, at_ms: int) -> Outdoor:
        """The air outside a school at a moment (UTC ms)."""
        day, hour = local_day(at_ms), local_hour(at_ms)
        local_days = (at_ms + BANGKOK_MS) / DAY_MS
        seed = self.seed
        # Quick eddies are the school's own, the slow swing is the town's.
        eddies = 0.06 * chance.wave(f"{seed}.{site}|eddies", local_days * 96) + 0.07 * chance.wave(
            f"{seed}|swing", local_days * 12
        )
        pm25 = self._level(local_days) * _diurnal(hour) * self._place(site) * (1.0 + eddies)
        warmth = (
            0.5 - 0.5 * math.cos((hour - 6.0) / 9.0 * math.pi)
            if 6.0 <= hour < 15.0
            else 0.5 + 0.5 * math.cos(((hour - 15.0) % 24.0) / 15.0 * math.pi)
        )
        low, high = _temperatures(seed, day)
        temp_c = low + (high - low) * warmth + 0.3 * chance.wave(f"{seed}|heat", local_days * 24)
        rh_pct = (
            88.0
            - 40.0 * warmth
            + chance.between(-4.0, 4.0, f"{seed}|damp", day)
            + 2.0 * chance.wave(f"{seed}|vapour", local_days * 24)
        )
        wind = min(1.0, max(0.0, 0.25 + 0.5 * warmth + 0.25 * chance.wave(f"{seed}.{site}|wind", local_days * 48)))
        return Outdoor(
            max(3.0, pm25),
            CO2_OUTDOOR_PPM + 18.0 * (1.0 - warmth),
            min(36.0, max(22.0, temp_c)),
            min(95.0, max(45.0, rh_pct)),
            wind,
        )

    def is_haze_day(self, day: int) -> bool:
        """Whether a local day (days since 1970) lies in the full part of an episode."""
        start, length, _ = _episode(self.seed, day // EPISODE_CYCLE_DAYS)
        return start <= day % EPISODE_CYCLE_DAYS < start + length

    def _place(self, site: str) -> float:
        return chance.between(0.95, 1.05, f"{self.seed}.{site}|place")

    def _level(self, local_days: float) -> float:
        """The day's mean of PM2.5, µg/m³, gliding from noon to noon."""
        noon = local_days - 0.5
        day = math.floor(noon)
        part = noon - day
        eased = part * part * (3.0 - 2.0 * part)
        today, tomorrow = _day_mean(self.seed, day), _day_mean(self.seed, day + 1)
        return today + (tomorrow - today) * eased


@lru_cache(maxsize=512)
def _episode(seed: str, cycle: int) -> tuple[int, int, float]:
    """First day within the cycle, length in days and mean level (µg/m³) of a cycle's haze."""
    length = 3 if chance.uniform(f"{seed}|length", cycle) < 0.7 else 4
    start = int(chance.uniform(f"{seed}|start", cycle) * (EPISODE_CYCLE_DAYS - length + 1))
    return start, length, chance.between(54.0, 70.0, f"{seed}|haze", cycle)


@lru_cache(maxsize=512)
def _day_mean(seed: str, day: int) -> float:
    start, length, level = _episode(seed, day // EPISODE_CYCLE_DAYS)
    here = day % EPISODE_CYCLE_DAYS - start
    if 0 <= here < length:
        return level * chance.between(0.92, 1.08, f"{seed}|day", day)
    # Even a clear day's morning passes 30, so that there is always something to see.
    return chance.between(25.5, 29.0, f"{seed}|day", day)


@lru_cache(maxsize=512)
def _temperatures(seed: str, day: int) -> tuple[float, float]:
    """The day's lowest and highest temperature, °C."""
    return (chance.between(22.5, 25.0, f"{seed}|cool", day), chance.between(32.0, 35.5, f"{seed}|hot", day))


def _diurnal(hour: float) -> float:
    for (from_hour, low), (to_hour, high) in pairwise(_DIURNAL):
        if hour <= to_hour:
            return low + (high - low) * (hour - from_hour) / (to_hour - from_hour)
    return _DIURNAL[-1][1]
