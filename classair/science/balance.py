"""The well-mixed room as formulas: dC/dt = P·a·Cout + E/V − (a + k + CADR/V)·C. Standard library only.

C µg/m³ (or ppm above outdoors), rates 1/h, V m³, CADR m³/h, E µg/h, times in minutes. The box model as used for sizing
purifiers by ASHRAE and the US EPA; solved exactly for a stretch in which nothing else changes:
C(t) = Css + (C0 − Css)·e^(−Λt), Css = (P·a·Cout + E/V)/Λ, Λ = a + k + CADR/V.
"""

from __future__ import annotations

import math
from typing import Final

EXHALED_PPM: Final = 38_000.0  # CO2 in breath above that of the air breathed in (Rudnick and Milton 2003)


def loss_rate(air_changes: float, deposition: float, cadr_m3h: float, volume_m3: float) -> float:
    """Λ in 1/h."""
    return air_changes + deposition + cadr_m3h / volume_m3


def steady_state(inflow: float, source: float, loss: float) -> float:
    """Css in µg/m³ from P·a·Cout, E/V (both µg/(m³·h)) and Λ (1/h)."""
    return (inflow + source) / loss


def minutes_to(target: float, start: float, steady: float, loss: float) -> float | None:
    """Minutes until the level reaches `target`, None when it never will."""
    if (start - steady) * (target - steady) <= 0 or abs(target - steady) > abs(start - steady):
        return None
    return 60.0 * math.log((start - steady) / (target - steady)) / loss


def cadr_needed(
    target: float, inflow: float, source: float, air_changes: float, deposition: float, volume_m3: float
) -> float:
    """m³/h that hold a room at `target`; 0 when it stays there by itself."""
    return max(0.0, volume_m3 * ((inflow + source) / target - air_changes - deposition))


def effectiveness(cadr_m3h: float, volume_m3: float, loss_on: float) -> float:
    """The share by which a purifier lowers the steady level: 1 − Con/Coff at equal a, k and Cout."""
    return cadr_m3h / volume_m3 / loss_on


def infiltration_factor(penetration: float, air_changes: float, deposition: float) -> float:
    """Finf = P·a/(a + k): what is in the room for each µg/m³ outdoors, without sources and purifier."""
    return penetration * air_changes / (air_changes + deposition)


def rebreathed_fraction(co2_ppm: float, outdoor_ppm: float) -> float:
    """The share of each breath that others have breathed before (Rudnick and Milton 2003)."""
    return max(0.0, (co2_ppm - outdoor_ppm) / EXHALED_PPM)


def two_point_air_changes(first_ppm: float, second_ppm: float, outdoor_ppm: float, hours: float) -> float | None:
    """a = ln[(C1 − Cout)/(C2 − Cout)]/Δt in 1/h, as it stands; None when an excess is not above zero."""
    first, second = first_ppm - outdoor_ppm, second_ppm - outdoor_ppm
    if first <= 0 or second <= 0 or hours <= 0:
        return None
    return math.log(first / second) / hours


def litres_per_second_each(co2_ppm: float, outdoor_ppm: float, breath_l_s: float) -> float | None:
    """Outdoor air for each person at a steady level, L/s, from CO2 breathed out, L/s (ASTM D6245)."""
    return breath_l_s * 1e6 / (co2_ppm - outdoor_ppm) if co2_ppm > outdoor_ppm else None
