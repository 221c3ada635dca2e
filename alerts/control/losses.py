"""How fast a room loses its dust, learned from its own purifier's runs while nobody is in it. Pure, event time.

The well-mixed room (classair.science.balance): dC/dt = Λ·(Css − C). Integrated from the run's first value,
C(t) = C0 + Λ·Css·t − Λ·∫C dt, which is linear in what is looked for: Λ and Λ·Css follow by least squares, without a
derivative of a noisy series and without guessing the level that the fall ends at.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from classair.science.balance import loss_rate

log = logging.getLogger(__name__)

AIR_CHANGES: Final = 0.5  # 1/h, a room with its windows closed, where nothing is measured
ORDINARY_M3: Final = 200.0  # of a room whose volume nobody has written down
DEPOSITION: Final = 0.3  # 1/h, PM2.5 on surfaces (0.1 to 0.4 in the literature)
KEPT: Final = 9  # runs remembered; the middle of an odd number is one of them
ENOUGH: Final = 3  # runs before the room's own figures go before the assumed ones
SETTLING_MS: Final = 180_000  # by then the 5-minute median of a fall is its level 2.5 minutes ago, which falls alike
SHORTEST_MS: Final = 480_000  # of what is left, for a fall to be told from noise
LONGEST_MS: Final = 3_600_000  # outdoors does not stand still for longer
GAP_MS: Final = 180_000
FALL: Final = 0.25  # the least share by which the level falls over what is used
LEAST_FALL: Final = 8.0  # and in µg/m³
ROUGH: Final = 0.12  # the largest standard deviation of the residuals, as a share of the fall
UNSURE: Final = 0.2  # the largest standard error of Λ, as a share of it
LIKELY: Final = (0.5, 40.0)  # Λ in 1/h of a room with a purifier on


@dataclass(frozen=True, slots=True)
class Losses:
    """Λ in 1/h with the purifier at full speed and without it; `measured`: by this room's own runs."""

    on: float
    off: float
    measured: bool = False

    @property
    def share_left(self) -> float:
        """Css with the purifier on, as a share of that without it: Λoff/Λon, as both have the same inflow."""
        return self.off / self.on


def assumed(volume_m3: float, cadr_m3h: float) -> Losses:
    """By volume and CADR, with an ordinary room's air changes and deposition."""
    return Losses(loss_rate(AIR_CHANGES, DEPOSITION, cadr_m3h, volume_m3), AIR_CHANGES + DEPOSITION)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed: Λ (1/h), and the level it would end at as a share of the one before it."""

    at: int
    loss: float
    share_left: float


@dataclass(frozen=True, slots=True)
class Point:
    at: int
    level: float


class LossFollower:
    """One purifier's room. Fed with the room's signal as it comes; knows nothing of clocks."""

    def __init__(self, runs: Sequence[Run] = ()) -> None:
        self.runs: tuple[Run, ...] = tuple(runs)[-KEPT:]
        self._run: list[Point] = []
        self._before: float | None = None
        self._began_at: int | None = None

    def add(self, at: int, level: float, *, full: bool, off: bool, empty: bool) -> bool:
        """The 5-minute median at `at`. `full`: every purifier at full speed, `off`: none on; `empty`: nobody is in.

        Whether a run has just been learned from, so that it can be written down.
        """
        if self._run and not 0 <= at - self._run[-1].at <= GAP_MS:
            self._forget()
        if full and empty and self._began_at is None and self._before is not None:
            self._began_at = at
        learned = False
        if self._began_at is not None:
            over = not (full and empty) or at - self._began_at > SETTLING_MS + LONGEST_MS
            if over:
                learned = self._close()
            elif not self._run or at > self._run[-1].at:
                self._run.append(Point(at, level))
        if not full:
            # What the level was before a start; a start while children are there is not one of an empty room.
            self._before = level if empty and off else None
        elif self._began_at is None:
            self._before = None
        return learned

    def losses(self, volume_m3: float, cadr_m3h: float) -> Losses:
        """The room's own, by the median of its last runs; else those of an ordinary room of its size."""
        if len(self.runs) < ENOUGH:
            return assumed(volume_m3, cadr_m3h)
        on = median(run.loss for run in self.runs)
        return Losses(on, on * median(run.share_left for run in self.runs), measured=True)

    def _close(self) -> bool:
        began, before = self._began_at, self._before
        points = [point for point in self._run if began is not None and point.at - began >= SETTLING_MS]
        self._forget()
        found = fit(points) if before is not None else None
        if found is None or before is None or before <= 0:
            return False
        loss, steady = found
        share = min(max(steady / before, 0.02), 0.95)
        self.runs = (*self.runs, Run(points[-1].at, round(loss, 4), round(share, 4)))[-KEPT:]
        return True

    def _forget(self) -> None:
        self._run, self._began_at, self._before = [], None, None


def fit(points: Sequence[Point]) -> tuple[float, float] | None:
    """Λ (1/h) and Css of a fall, None where it is too short, too small, or not one fall."""
    if len(points) < 6 or points[-1].at - points[0].at < SHORTEST_MS:
        return None
    fall = points[0].level - points[-1].level
    if fall < max(LEAST_FALL, FALL * points[0].level):
        return None
    hours = [(point.at - points[0].at) / 3_600_000 for point in points]
    levels = [point.level for point in points]
    area, areas = 0.0, [0.0]
    for i in range(1, len(points)):
        area += (hours[i] - hours[i - 1]) * (levels[i] + levels[i - 1]) / 2
        areas.append(area)
    solved = _plane(hours, areas, levels)
    if solved is None:
        return None
    inflow, slope, residual, error = solved
    loss = -slope
    if not LIKELY[0] <= loss <= LIKELY[1] or residual > ROUGH * fall or error > UNSURE * loss:
        return None
    return loss, min(max(inflow / loss, 0.0), levels[-1])


def _plane(x: Sequence[float], z: Sequence[float], y: Sequence[float]) -> tuple[float, float, float, float] | None:
    """y = c + b·x + d·z by least squares: b, d, the residuals' standard deviation, the standard error of d."""
    n = len(y)
    mean_x, mean_z, mean_y = sum(x) / n, sum(z) / n, sum(y) / n
    dx, dz, dy = [v - mean_x for v in x], [v - mean_z for v in z], [v - mean_y for v in y]
    xx, zz, xz = _dot(dx, dx), _dot(dz, dz), _dot(dx, dz)
    xy, zy = _dot(dx, dy), _dot(dz, dy)
    determinant = xx * zz - xz * xz
    if determinant <= 1e-12 * xx * zz:
        return None
    b, d = (xy * zz - zy * xz) / determinant, (zy * xx - xy * xz) / determinant
    left = sum((v - b * p - d * q) ** 2 for v, p, q in zip(dy, dx, dz, strict=True))
    variance = left / (n - 3)
    return b, d, math.sqrt(variance), math.sqrt(variance * xx / determinant)


def _dot(x: Sequence[float], y: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(x, y, strict=True))


def written(follower: LossFollower) -> str:
    """What outlives the process."""
    return json.dumps([asdict(run) for run in follower.runs])


def read(text: str | None) -> LossFollower:
    """The follower as it was left; one that knows nothing where there is no memory or it cannot be read (logged)."""
    if text is None:
        return LossFollower()
    try:
        kept: list[dict[str, Any]] = json.loads(text)
        runs = [Run(int(one["at"]), float(one["loss"]), float(one["share_left"])) for one in kept]
        if not all(LIKELY[0] <= run.loss <= LIKELY[1] and 0 < run.share_left < 1 for run in runs):
            raise ValueError("losses: values that no room has")
        return LossFollower(runs)
    except (ValueError, KeyError, TypeError) as error:
        log.error("losses_read_failed error=%s", error)
        return LossFollower()
