"""What low-cost sensors make of air: gain, noise that is neither Gaussian nor constant, steps, silence."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fleet.air import DAY, Series, dice, red

MODELS = ("pms5003t", "pms5003t", "pms5003t", "sds011", "pms5003t", "sps30", "hpma115", "pms5003t")
MASSES = ("pm1", "pm25", "pm10")
CLIMATE = ("temp_c", "rh_pct")


@dataclass
class Event:
    """Something wrong from minute `start` up to `end`; `strength` in the words of its kind."""

    kind: str
    start: int
    end: int
    strength: float
    detail: str = ""


@dataclass
class Sensor:
    """`columns` by minute, NaN where there is no reading. `place`: the room's number, −1 for outdoors."""

    name: str
    model: str
    place: int
    columns: dict[str, Series] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


@dataclass
class Body:
    """What makes one copy of a model differ from another, and its noise in every minute."""

    gain: float
    shape: float
    shared: Series
    jitter: Series
    absolute: float
    draw: np.random.Generator


def body(seed: int, site: int, name: str, n: int) -> Body:
    draw = dice(seed, "body", site, name)
    heavy = draw.standard_t(4, n) / np.sqrt(2)
    return Body(
        gain=float(np.exp(draw.normal(0, 0.09))),
        shape=float(draw.uniform(0.85, 1.15)),
        shared=np.exp(red(draw, n, 3, draw.uniform(0.008, 0.02)) + draw.uniform(0.008, 0.025) * heavy),
        jitter=draw.gamma(40.0, 1 / 40, n),
        absolute=float(draw.uniform(0.15, 0.5)),
        draw=draw,
    )


def sense(model: str, of: Body, fine: Series, coarse: Series, temp: Series, rh: Series) -> dict[str, Series]:
    """Columns of a sound sensor in this air."""
    n, draw = len(fine), of.draw
    wet = 1 + 0.08 * np.clip((rh - 40) / 60, 0, 1) ** 2
    seen = fine * wet * of.gain * of.shared
    big = 0.35 * coarse * of.gain * of.jitter
    pm25 = np.maximum(0, seen + 0.06 * big + draw.laplace(0, of.absolute, n))
    pm10 = pm25 + np.maximum(0, big + draw.laplace(0, of.absolute, n))
    pm1 = pm25 * np.clip(0.66 * of.shape + draw.normal(0, 0.012, n), 0.3, 0.95)
    if model == "sps30":
        nc05 = 6.4 * seen * np.exp(draw.normal(0, 0.02, n))
        return {
            "pm1": np.round(pm1, 2), "pm25": np.round(pm25, 2), "pm10": np.round(pm10, 2),
            "nc05": np.round(nc05, 2), "nc1": np.round(nc05 * 1.16, 2), "nc25": np.round(nc05 * 1.17 + 0.02 * big, 2),
            "tps_um": np.round(np.clip(0.52 + draw.normal(0, 0.01, n) + 0.002 * big, 0.3, 3), 3),
        }  # fmt: skip
    if model == "sds011":
        return {"pm25": np.round(pm25, 1), "pm10": np.round(pm10, 1)}
    if model == "hpma115":
        return {"pm25": np.round(pm25), "pm10": np.round(pm10)}
    n03 = draw.poisson(np.maximum(0, 128 * of.shape * seen * np.exp(draw.normal(0, 0.015, n)) + 15)).astype(float)
    n1 = draw.binomial(n03.astype(np.int64), 0.052).astype(float)
    n25 = np.minimum(n1, draw.poisson(0.004 * n03 + 0.11 * np.maximum(0, big)).astype(float))
    return {
        "pm1": np.round(pm1), "pm25": np.round(pm25), "pm10": np.round(pm10),
        "n03": n03, "n05": np.maximum(n1, np.round(0.29 * n03)), "n1": n1, "n25": n25,
        "temp_c": np.round(temp + draw.normal(0, 0.06, n), 1), "rh_pct": np.round(rh + draw.normal(0, 0.4, n), 1),
    }  # fmt: skip


def silences(seed: int, site: int, name: str, n: int) -> NDArray[np.bool_]:
    """Minutes without a reading."""
    draw = dice(seed, "silence", site, name)
    gone = draw.random(n) < 0.004
    for _ in range(draw.poisson(n / DAY / 11)):
        start = int(draw.integers(0, n))
        gone[start : start + int(draw.exponential(70)) + 3] = True
    return gone
