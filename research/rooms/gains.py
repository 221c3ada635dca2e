"""What two sensors may have wrong, and what the room's own air says about it.

A low-cost sensor's gain is uncertain by 30 % either way, so a ratio of indoor to outdoor values by more than 40 %. But
the inflow of the fit (losses.py) is penetration times the ratio of gains, and penetration lies between 0.65 and 1: so
draws of gains and penetration are weighed by how well they agree with it and with the ratio in quiet hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from research.rooms.estimate import Floats, weighted_quantiles
from research.rooms.losses import AIR, Losses

DRAWS: Final = 8000
GAIN: Final = 0.3
PENETRATION: Final = (0.65, 1.0)
DEPOSITION: Final = (0.05, 0.6)  # 1/h
_AGREES: Final = 0.13  # of a logarithm: the ratio in quiet hours
NEAR: Final = 0.2  # of a logarithm: how far the fit's rates are off, mostly
FAR: Final = 1.1  # and where sources or gusts have misled it
MISLED: Final = 0.4


@dataclass(frozen=True, slots=True)
class Gains:
    """Weighed draws. `indoor` and `outdoor` multiply the truth, `share` is P·a/(a + k) of the empty room."""

    indoor: Floats
    outdoor: Floats
    share: Floats
    weights: Floats
    parameters: Floats | None  # of the fit, a row a draw

    @property
    def contradicted(self) -> bool:
        """Whether hardly any draw agrees with what was measured."""
        return float(self.weights.sum() ** 2 / max((self.weights**2).sum(), 1e-300)) < DRAWS / 400

    def quantiles(self, values: Floats) -> tuple[float, float, float]:
        """(median, low, high) of 95 %, and a little more for the few draws that weigh."""
        middle, low, high = weighted_quantiles(values, self.weights, (0.5, 0.02, 0.98))
        return middle, low, high


def gains(losses: Losses | None, quiet_ratio: float | None) -> Gains:
    """quiet_ratio: the median indoor/outdoor ratio of hours without people and purifier, None where there are none."""
    chance = np.random.default_rng(1)
    indoor, outdoor = chance.uniform(1 - GAIN, 1 + GAIN, (2, DRAWS))
    penetration = chance.uniform(*PENETRATION, DRAWS)
    logs = np.zeros(DRAWS)
    if losses is None:
        parameters = None
        deposition = np.exp(chance.uniform(np.log(DEPOSITION[0]), np.log(DEPOSITION[1]), DRAWS))
        air = np.exp(chance.uniform(np.log(0.1), np.log(10), DRAWS))
    else:
        parameters = losses.draws(DRAWS)
        # Mostly the fit is near the truth; where sources or gusts have misled it, it is far off.
        spread = np.where(chance.random(DRAWS) < MISLED, FAR, NEAR)
        # More than any room has is left to the limits, so that no draw runs away.
        deposition = np.exp(np.clip(parameters[:, 1] + 0.3 * chance.normal(size=DRAWS), *np.log(DEPOSITION)))
        air = np.exp(np.clip(parameters[:, AIR] + spread * chance.normal(size=DRAWS), np.log(0.05), np.log(30)))
        apart = parameters[:, 2] - np.log(penetration * indoor / outdoor)
        logs += np.log((1 - MISLED) * _normal(apart / NEAR) / NEAR + MISLED * _normal(apart / FAR) / FAR + 1e-30)
    share = penetration * air / (air + deposition)
    if quiet_ratio is not None and quiet_ratio > 0:
        logs -= 0.5 * ((np.log(quiet_ratio) - np.log(share * indoor / outdoor)) / _AGREES) ** 2
    weights = np.exp(logs - logs.max())
    return Gains(indoor, outdoor, share, weights, parameters)


def _normal(size: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * size * size))
