"""Outdoor air of one site, minute by minute: dust with memory on several scales, plumes, humidity, warmth, fog."""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
DAY = 1440  # minutes


def dice(seed: int, *what: object) -> np.random.Generator:
    """Chance of its own for each thing, so that adding one changes no other."""
    return np.random.default_rng([seed, crc32("/".join(map(str, what)).encode())])


def red(draw: np.random.Generator, n: int, memory_min: float, sd: float) -> Series:
    """An Ornstein-Uhlenbeck series with this memory (minutes) and standard deviation."""
    keep = float(np.exp(-1 / memory_min))
    kicks = draw.standard_normal(n) * sd * np.sqrt(1 - keep * keep)
    kicks[0] = draw.standard_normal() * sd
    return smoothed(kicks, keep)


def smoothed(kicks: Series, keep: float) -> Series:
    """y[t] = keep · y[t−1] + kicks[t], in blocks so that no power of `keep` underflows."""
    found, last = np.empty_like(kicks), 0.0
    block = max(1, min(len(kicks), int(-200 / np.log(keep)) if keep < 1 else len(kicks)))
    for first in range(0, len(kicks), block):
        part = kicks[first : first + block]
        powers = keep ** np.arange(1, len(part) + 1)
        found[first : first + block] = powers * (last + np.cumsum(part / powers))
        last = float(found[first + len(part) - 1])
    return found


@dataclass
class Fog:
    """A fog: while it lasts, optics outdoors read `gain` times too much at its thickest."""

    start: int
    end: int
    gain: float
    rh: float


@dataclass
class Outdoors:
    fine: Series  # µg/m³, PM2.5
    coarse: Series  # µg/m³, PM10 − PM2.5
    temp: Series  # °C
    rh: Series  # %
    fog_gain: Series  # what optics outdoors are multiplied by
    fogs: list[Fog] = field(default_factory=list)
    plumes: list[tuple[int, int]] = field(default_factory=list)


def outdoors(seed: int, site: int, days: int, fogs: int) -> Outdoors:
    draw, n = dice(seed, "outdoors", site), days * DAY
    hour = (np.arange(n) % DAY) / 60
    level = np.log(draw.uniform(14, 48)) + red(draw, n, 3.5 * DAY, 0.34) + red(draw, n, 200, 0.14)
    level += red(draw, n, 9, 0.035) + draw.uniform(0.1, 0.35) * np.cos((hour - draw.uniform(5.5, 8.5)) * np.pi / 12)
    fine = np.exp(level)
    plumes = []
    for _ in range(draw.poisson(3.2 * days / 7)):
        start, rise = int(draw.integers(0, n - 400)), int(draw.integers(5, 40))
        fall, peak = float(draw.uniform(15, 80)), float(draw.lognormal(np.log(45), 0.6))
        t = np.arange(400.0)
        shape = np.where(t < rise, t / rise, np.exp(-(t - rise) / fall)) * peak
        shape *= np.exp(red(draw, 400, 4, 0.15))
        fine[start : start + 400] += shape
        plumes.append((start, start + int(rise + 3 * fall)))
    coarse = np.exp(np.log(draw.uniform(7, 18)) + red(draw, n, 600, 0.35) + red(draw, n, 6, 0.12))
    temp = draw.uniform(24, 30) + 4.5 * np.cos((hour - 14.5) * np.pi / 12) + red(draw, n, DAY, 1.3)
    rh = (
        draw.uniform(66, 76)
        - 15 * np.cos((hour - 14.5) * np.pi / 12)
        + red(draw, n, 1.5 * DAY, 5)
        + red(draw, n, 60, 1)
    )
    rh = np.where(rh > 84, 84 + 12 * (1 - np.exp(-(rh - 84) / 12)), rh)  # damp nights without fog are ordinary
    air = Outdoors(fine, coarse, temp, rh, np.ones(n))
    nights = draw.permutation(np.arange(2, days - 2))[:fogs]
    for night in sorted(int(night) for night in nights):
        start = night * DAY + int(draw.integers(0, 5 * 60))
        length = int(draw.integers(75, 420))
        fog = Fog(start, start + length, float(draw.uniform(1.3, 2.5)), float(draw.uniform(88, 99)))
        edge = int(draw.integers(3, 30))
        t = np.arange(length)
        shape = np.clip(np.minimum((t + 1) / edge, (length - t) / edge), 0, 1)
        wobble = 1 + 0.12 * red(draw, length, 25, 1.0)
        part = slice(start, start + length)
        air.fog_gain[part] = 1 + (fog.gain - 1) * shape * np.clip(wobble, 0.6, 1.3)
        damp = fog.rh + red(draw, length, 30, 0.5)
        air.rh[part] = np.maximum(air.rh[part] * (1 - shape) + damp * shape, np.where(shape > 0.5, 88, 0))
        air.fogs.append(fog)
    air.rh = np.clip(air.rh, 22, 99.9)
    return air
