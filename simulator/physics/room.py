"""A room's air as a mass balance: what drifts in, what people and brooms add, what settles and what a purifier takes.

Well-mixed room, dC/dt = P·a·Cout + E/V − (a + k + CADR/V)·C, solved exactly for a step in which nothing else changes:
C(t) = Css + (C0 − Css)·e^(−Λt), Css = (P·a·Cout + E/V)/Λ, Λ = a + k + CADR/V (well-mixed box model, as used for
purifier sizing by ASHRAE and the US EPA). CO2 alike with P = 1, k = 0 and people as the source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from classair.science.balance import loss_rate
from simulator.physics.weather import Outdoor

PENETRATION: Final = 0.85  # share of outdoor PM2.5 that comes through cracks; 0.7–1 in the literature
PENETRATION_WINDOWS: Final = 1.0  # nothing is lost at an open window
DEPOSITION_PER_H: Final = 0.3  # PM2.5 settling, 1/h; 0.1–0.4 in the literature
LEAKS_PER_H: Final = 0.7  # air changes of a shut room with louvres and an old door, 1/h
WINDOW_M3H: Final = 105.0  # air through one open window in a light breeze, m³/h
DOOR_M3H: Final = 180.0  # through an open door, m³/h
CO2_PUPIL_L_S: Final = 0.004  # CO2 one child breathes out sitting, L/s
HEAT_PER_PUPIL_C: Final = 0.09  # what one child warms a shut room in the long run, °C
VAPOUR_PUPIL_G_H: Final = 40.0  # water one child gives off, g/h
WARMING_PER_H: Final = 0.4  # how fast walls follow the temperature outside, 1/h


@dataclass(slots=True)
class RoomAir:
    """What is in the room now: PM2.5 µg/m³, coarse dust (PM10 − PM2.5) µg/m³, CO2 ppm, °C, water vapour g/m³."""

    pm25: float
    coarse: float
    co2_ppm: float
    temp_c: float
    vapour_g_m3: float

    @property
    def rh_pct(self) -> float:
        return min(100.0, 100.0 * self.vapour_g_m3 / saturation_g_m3(self.temp_c))

    def copy(self) -> RoomAir:
        return RoomAir(self.pm25, self.coarse, self.co2_ppm, self.temp_c, self.vapour_g_m3)


@dataclass(frozen=True, slots=True)
class Doing:
    """What happens for a while: people, open windows, share of the time the door is open, sources in µg/(m³·h)."""

    people: float = 0.0
    windows_open: int = 0
    door: float = 0.0
    fine_source: float = 0.0
    coarse_source: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """A step's outcome: the air at its end and the mean over it (PM2.5, coarse, CO2 exactly; the rest by trapezoid)."""

    end: RoomAir
    mean: RoomAir


def saturation_g_m3(temp_c: float) -> float:
    """Water vapour that air can hold, g/m³ (Magnus formula, coefficients after Alduchov and Eskridge 1996)."""
    pressure_pa = 610.94 * math.exp(17.625 * temp_c / (temp_c + 243.04))
    return 1000.0 * pressure_pa / (461.5 * (temp_c + 273.15))


def air_changes(doing: Doing, volume_m3: float, wind: float) -> float:
    """Air changes by leaks, windows and door, 1/h; a breeze more than doubles what open windows let through."""
    return LEAKS_PER_H + (doing.windows_open * WINDOW_M3H * (0.6 + 0.8 * wind) + doing.door * DOOR_M3H) / volume_m3


def step(air: RoomAir, volume_m3: float, outside: Outdoor, doing: Doing, cadr_m3h: float, hours: float) -> Step:
    """The room after `hours` in which outdoor air, people, windows and purifier stay as they are."""
    changes = air_changes(doing, volume_m3, outside.wind)
    share_open = 1.0 - LEAKS_PER_H / changes
    penetration = PENETRATION + (PENETRATION_WINDOWS - PENETRATION) * share_open

    loss = loss_rate(changes, DEPOSITION_PER_H, cadr_m3h, volume_m3)
    pm25, pm25_mean = _relax(air.pm25, (penetration * changes * outside.pm25 + doing.fine_source) / loss, loss * hours)

    # Coarse dust settles ten times as fast and hardly comes through cracks.
    loss = loss_rate(changes, 10.0 * DEPOSITION_PER_H, cadr_m3h, volume_m3)
    inflow = share_open * changes * coarse_outdoors(outside.pm25)
    coarse, coarse_mean = _relax(air.coarse, (inflow + doing.coarse_source) / loss, loss * hours)

    breath = doing.people * CO2_PUPIL_L_S * 3600.0 * 1000.0 / volume_m3  # ppm/h
    co2, co2_mean = _relax(air.co2_ppm, outside.co2_ppm + breath / changes, changes * hours)

    follow = WARMING_PER_H + 0.5 * changes
    warmed = outside.temp_c + doing.people * HEAT_PER_PUPIL_C * LEAKS_PER_H / changes - 0.5
    temp, temp_mean = _relax(air.temp_c, warmed, follow * hours)

    outside_vapour = outside.rh_pct / 100.0 * saturation_g_m3(outside.temp_c)
    sweat = doing.people * VAPOUR_PUPIL_G_H / volume_m3
    vapour, vapour_mean = _relax(air.vapour_g_m3, outside_vapour + sweat / (changes + 1.0), changes * hours)
    # What air cannot hold settles on walls and louvres.
    vapour = min(vapour, 0.92 * saturation_g_m3(temp))
    vapour_mean = min(vapour_mean, 0.92 * saturation_g_m3(temp_mean))
    return Step(
        RoomAir(pm25, coarse, co2, temp, vapour), RoomAir(pm25_mean, coarse_mean, co2_mean, temp_mean, vapour_mean)
    )


def coarse_outdoors(pm25: float) -> float:
    """PM10 − PM2.5 outdoors, µg/m³: road dust on top of a share of the smoke."""
    return 8.0 + 0.22 * pm25


def outdoor_air(outside: Outdoor) -> RoomAir:
    """The open air as if it were a room, for sensors that hang outside."""
    vapour = outside.rh_pct / 100.0 * saturation_g_m3(outside.temp_c)
    return RoomAir(outside.pm25, coarse_outdoors(outside.pm25), outside.co2_ppm, outside.temp_c, vapour)


def _relax(start: float, steady: float, exponent: float) -> tuple[float, float]:
    """Value at the end of, and mean over, an exponential approach to `steady`; `exponent` is Λ·t."""
    away = start - steady
    if exponent < 1e-9:
        return start, start
    gone = -math.expm1(-exponent)
    return steady + away * (1.0 - gone), steady + away * gone / exponent
