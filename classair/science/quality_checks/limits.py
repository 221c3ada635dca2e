"""How long a value must stay exactly the same before it is stuck, by what it is; one table for live and later.

Air moves, and particle counts flicker even in the cleanest room, so counts that stand still prove a dead fan or laser
also at zero. A mass alone may stand still at 0–5 µg/m³ in a room with a purifier, and CO2 at the level of the outdoor
air in an empty one; a range that ends at 400 ppm shows exactly 400 for a whole night. Sixty and thirty minutes are the
reference rules; what needs longer cannot be judged live, because a restarted service looks back 70 minutes.
"""

from __future__ import annotations

from typing import Final

from classair.units import MINUTE_MS

BREAK_MS: Final = 15 * MINUTE_MS
"""A silence as long as this ends a run: nobody knows what was between."""

MASSES: Final = ("pm1", "pm25", "pm4", "pm10", "pm1_cf1", "pm25_cf1", "pm10_cf1")
COUNTS: Final = ("n03", "n05", "n1", "n25", "n5", "n10", "nc05", "nc1", "nc25", "nc4", "nc10")
PARTICLES: Final = MASSES + COUNTS
"""Everything that one optical chamber says; stuck together or not at all."""

PM_MS: Final = 60 * MINUTE_MS
PM_LIVELY: Final = 20.0  # µg/m³ from which noise alone moves a mass that has no counts beside it
PM_QUIET_MS: Final = 120 * MINUTE_MS
PM_STILL: Final = 5.0  # µg/m³ up to which a mass alone may stand still for ever
CO2_MS: Final = 30 * MINUTE_MS
CO2_LIVELY: Final = 600.0  # ppm from which people breathe, or air still decays
CO2_QUIET_MS: Final = 180 * MINUTE_MS
CO2_FLOOR: Final = 400.0  # ppm, where ranges begin
CO2_FLOOR_MS: Final = 1440 * MINUTE_MS
CLIMATE_MS: Final = 360 * MINUTE_MS
NEVER_MS: Final = 2**60
LIVE_MS: Final = 60 * MINUTE_MS
"""What takes longer is judged afterwards only."""


def pm_stuck_after_ms(pm25: float, counted: bool) -> int:
    """How long all words of an optical chamber may stay the same; `counted`: particle counts are among them."""
    if counted or pm25 > PM_LIVELY:
        return PM_MS
    return PM_QUIET_MS if pm25 > PM_STILL else NEVER_MS


def co2_stuck_after_ms(co2_ppm: float) -> int:
    """How long CO2 may stay the same."""
    if co2_ppm > CO2_LIVELY:
        return CO2_MS
    return CO2_QUIET_MS if co2_ppm > CO2_FLOOR else CO2_FLOOR_MS
