"""What a low-cost sensor makes of the air in a room: its own gain, noise and warmth, and the words it sends.

Plantower relations as in measured frames: CF=1 and atmospheric words are equal below about 30 µg/m³, above it the
atmospheric one falls to two thirds; about 120 particles over 0.3 µm per 0.1 L stand for 1 µg/m³ (CF=1).
"""

from __future__ import annotations

import math
from typing import Final

from simulator.physics import chance
from simulator.physics.room import RoomAir

_EQUAL_UP_TO: Final = 30.0  # µg/m³
_TWO_THIRDS_FROM: Final = 160.0 / 3.0  # µg/m³ atmospheric, where the ratio reaches 2/3 (80 µg/m³ CF=1)
_N03_PER_UGM3: Final = 122.0
_COUNT_CEILING: Final = 65535.0  # the largest number that its word holds
FRAME: Final = (0.035, 0.7, 6.0)  # one frame's noise: share of PM, µg/m³, ppm
MINUTE: Final = (0.012, 0.25, 2.5)  # what is left of it in a mean of 60 s


def cf1_of(atmospheric: float) -> float:
    """The CF=1 word beside an atmospheric one, µg/m³.

    Between 30 and 80 µg/m³ (CF=1) the ratio falls in a straight line from 1 to 2/3: atm = c·(1 − (c − 30)/150).
    """
    if atmospheric <= _EQUAL_UP_TO:
        return atmospheric
    if atmospheric >= _TWO_THIRDS_FROM:
        return 1.5 * atmospheric
    return 75.0 * (1.2 - math.sqrt(1.44 - atmospheric / 37.5))


class Sensing:
    """One sensor's character; `name` is `<site>.<sensor>`."""

    def __init__(self, seed: str, name: str) -> None:
        key = f"{seed}.{name}"
        self._gain = chance.between(0.95, 1.05, f"{key}|gain")
        self._fine_share = chance.between(0.62, 0.68, f"{key}|pm1")
        self._co2_offset = chance.between(-15.0, 15.0, f"{key}|co2")
        self._warmth = chance.between(0.3, 1.0, f"{key}|warmth")
        self._dryness = chance.between(-4.0, -1.0, f"{key}|dryness")
        self._counts = _N03_PER_UGM3 * chance.between(0.96, 1.04, f"{key}|counts")

    def values(self, air: RoomAir, noise: tuple[float, float, float], draws: tuple[float, ...]) -> dict[str, float]:
        """Everything any of our sensors can say about this air; `draws` are five normal numbers, `noise` their size."""
        share, absolute, ppm = noise
        pm25 = max(0.0, self._gain * air.pm25 * (1.0 + share * draws[0]) + absolute * draws[1])
        pm1 = pm25 * min(0.9, self._fine_share + 0.1 * share * draws[2])
        # The laser sees only part of the coarse dust.
        coarse = max(0.0, 0.55 * air.coarse * (1.0 + 3.0 * share * draws[2]))
        pm10 = pm25 + coarse
        pm25_cf1 = cf1_of(pm25)
        n03 = min(_COUNT_CEILING, self._counts * pm25_cf1 * (1.0 + 0.5 * share * draws[3]) + 20.0)
        n05 = 0.295 * n03
        n1 = 0.045 * n03
        n25 = min(n1, 0.0045 * n03 + 0.12 * coarse)
        n5 = min(n25, 0.0012 * n03 + 0.03 * coarse)
        temp_c = air.temp_c + self._warmth + 0.05 * draws[4]
        return {
            "pm1": pm1,
            "pm25": pm25,
            "pm10": pm10,
            "pm1_cf1": cf1_of(pm1),
            "pm25_cf1": pm25_cf1,
            "pm10_cf1": cf1_of(pm10),
            "n03": n03,
            "n05": n05,
            "n1": n1,
            "n25": n25,
            "n5": n5,
            "n10": 0.3 * n5,
            "co2_ppm": max(350.0, air.co2_ppm + self._co2_offset + ppm * draws[0]),
            "temp_c": temp_c,
            "rh_pct": min(99.9, max(1.0, air.rh_pct + self._dryness + 0.3 * draws[3])),
            "internal_temp_c": temp_c + 4.0,
        }
