"""An estimated property of a room, or why it cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """`value` in `unit` with its 95 % interval `low` … `high`; None means "cannot tell", and `why` is a key for it.

    n: how many periods (decays, lessons, switchings, hours) it rests on; coverage: share of the minutes looked at that
    hold valid data. method and version name how it was made: a new version may give another number for old data.
    warnings: keys of what looks impossible or doubtful about it, each with its likely cause in the texts. A value
    always lies inside its interval.
    """

    quantity: str
    unit: str
    method: str
    version: int
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    coverage: float = 0.0
    why: str = ""
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.value is None:
            return
        if self.low is None or self.high is None or not self.low <= self.value <= self.high:
            raise ValueError(f"{self.quantity}: {self.value} is not inside {self.low} … {self.high}")

    @property
    def known(self) -> bool:
        return self.value is not None


def interval_by_group(
    groups: Sequence[object],
    statistic: Callable[[npt.NDArray[np.intp]], float],
    *,
    times: int = 400,
    seed: int = 1,
) -> tuple[float, float] | None:
    """95 % percentile interval of `statistic(indices)`, drawing whole groups (days) with replacement.

    Values of one day resemble each other; drawing single values would make the interval too narrow. None with fewer
    than three groups. The seed is fixed, so that the same data give the same interval. Efron and Tibshirani 1993, ch. 8
    (resampling the unit that is independent).
    """
    names = sorted(set(groups), key=str)
    if len(names) < 3:
        return None
    members = [np.flatnonzero([group == name for group in groups]) for name in names]
    chance = np.random.default_rng(seed)
    drawn = []
    for _ in range(times):
        picked = np.concatenate([members[i] for i in chance.integers(0, len(names), len(names))])
        found = statistic(picked)
        if np.isfinite(found):
            drawn.append(found)
    if len(drawn) < times // 2:
        return None
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def student_t(level: float, freedom: float) -> float:
    """The two-sided quantile of Student's t, by the expansion of Cornish and Fisher (good to 1 % from 2 on)."""
    z = {0.9: 1.644854, 0.95: 1.959964, 0.98: 2.326348, 0.99: 2.575829}[level]
    n = freedom
    terms = (
        z,
        (z**3 + z) / 4 / n,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96 / n**2,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384 / n**3,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160 / n**4,
    )
    return float(sum(terms))


def weighted_quantiles(values: Floats, weights: Floats, shares: Sequence[float]) -> list[float]:
    """Quantiles of draws that do not weigh alike."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return [float(v) for v in np.interp(shares, (total - 0.5 * weights[order]) / total[-1], values[order])]
