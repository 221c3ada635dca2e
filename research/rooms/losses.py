"""How fast a room loses PM2.5 in each of its states, and what its purifier adds: one stochastic model for all of it.

In each state s (empty, occupied, windows open) the well-mixed room follows

    dC/dt = π·a·O + e_s + e − (a + k + c·u)·C        a = a_s·exp(α)

with O outdoors, a air changes, k deposition, c clean air (all 1/h), u 1 while the purifier runs, π penetration times
the ratio of the two sensors' gains, e sources. Air changes are not one number: α begins anew with each stretch of a
state (windows are opened on some days and not on others) and wanders within it; e comes and goes within twenty minutes
(sweeping, cooking). Both are tracked by an extended Kalman filter over five-minute cells, a day at a time, so that only
ON against OFF within a stretch says anything of c, also where the purifier is switched by the very value it cleans. The
parameters are those of the highest likelihood with weak priors, found by Fisher scoring (grey-box models: Kristensen,
Madsen and Jørgensen 2004, Automatica 40, 225). The sensor's clock against the purifier's and the timetable's is looked
for between −16 and 16 minutes. Intervals come from the differences between days (sandwich, never below the model's
own), with as many degrees of freedom as days that say something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from research.rooms.estimate import Floats, student_t

CELL: Final = 5  # minutes
CELLS: Final = 1440 // CELL
LONGEST: Final = 26  # minutes that two clocks may be apart
LAG: Final = 4  # places among the parameters
OUTSIDE_LAG: Final = 5
AIR: Final = 6
LEAST_CELLS: Final = 40  # with a value, in a day that is used
LEAST_DAYS: Final = 3
STATES: Final = ("empty", "occupied", "windows")
MODEL_ERROR: Final = 0.05  # of c: what a room that is not well mixed, or a bent noise, may do to it
ALIKE: Final = 40.0  # of a log-likelihood
ONCE_ERROR: Final = 0.6  # of c at each switching: a window or a class that moves at the same moment
_STEP: Final = CELL / 60
_STAYS: Final = float(np.exp(-_STEP / (1 / 3)))  # of a source from one cell to the next
_CLIP: Final = 3.5  # standard deviations beyond which a value is a jump of the air, not of the parameters
_NOISE: Final = 0.02  # relative; no sensor's own noise is less, counting what wanders for minutes
_FLOOR: Final = 5.0  # µg/m³; a value's noise is taken as relative above it
ROUNDS: Final = 14


@dataclass(frozen=True, slots=True)
class Losses:
    """The fit, by `states`.

    `centre` and `covariance` are those of (c, ln k, ln π, source, lag, outside lag, ln a_s …); t with `freedom` gives
    intervals. lag: minutes that the indoor sensor's clock is ahead of the purifier's and the timetable's; outside lag:
    ahead of the outdoor sensor's. `air`: the air changes as
    followed, by cell and by those `days` (counted from the first) that were used; `lead`: minutes of the first day that
    lie before the data.
    """

    states: tuple[str, ...]
    centre: Floats
    covariance: Floats
    freedom: float
    days: npt.NDArray[np.int64]
    air: Floats
    lead: int

    @property
    def clean(self) -> float:
        return float(self.centre[0])

    def interval(self, index: int, level: float = 0.95) -> tuple[float, float]:
        half = student_t(level, self.freedom) * float(np.sqrt(self.covariance[index, index]))
        return float(self.centre[index] - half), float(self.centre[index] + half)

    def draws(self, count: int, seed: int = 1) -> Floats:
        """(count, parameters) of multivariate t; the seed is fixed, so that the same data give the same answer."""
        chance = np.random.default_rng(seed)
        values, vectors = np.linalg.eigh(self.covariance)
        normal = chance.normal(size=(count, self.centre.size)) * np.sqrt(np.maximum(values, 0.0))
        heavy = np.sqrt(self.freedom / chance.chisquare(self.freedom, count))
        return np.asarray(self.centre + heavy[:, None] * (normal @ vectors.T))


class _Days:
    """Cells of days: axis 0 the cell, 1 the day, 2 nothing or the column of theta."""

    def __init__(self, level: Floats, minutes: Floats, which: npt.NDArray[np.int64]) -> None:
        """minutes: (states, purifier, outdoors; minute, day) from LONGEST minutes before each day to as many behind."""
        self.level, self.which = level[..., None], which
        # A cell holds a mean: what drives the change from one to the next is weighed by a triangle over both.
        box = np.ones(CELL) / CELL
        minutes = np.apply_along_axis(np.convolve, 1, np.pad(minutes, ((0, 0), (2, 2), (0, 0)), "edge"), box, "valid")
        self._sums = np.concatenate([np.zeros_like(minutes[:, :1]), minutes.cumsum(axis=1)], axis=1)
        self.states = len(minutes) - 2

    @classmethod
    def cut(
        cls,
        indoor: Floats,
        outdoor: Floats,
        purifier: Floats,
        state: npt.NDArray[np.int8],
        present: tuple[int, ...],
        first_minute: int,
    ) -> _Days | None:
        """Local days; what is not known of the purifier or outdoors makes its cells unused."""
        lead = first_minute % 1440
        tail = -(indoor.size + lead) % 1440

        def laid(values: Floats) -> Floats:
            rows = np.pad(values, (lead, tail), constant_values=np.nan).reshape(-1, CELLS, CELL)
            there = np.isfinite(rows)
            mean = np.where(there, rows, 0).sum(axis=2) / np.maximum(there.sum(axis=2), 1)
            return np.where(there.any(axis=2), mean, np.nan).T

        level, outside = laid(indoor), _smooth(outdoor)
        sure = np.isfinite(laid(purifier)) & np.isfinite(laid(outside))
        known = sure.copy()
        for step in range(1, 5):
            known[step:] &= sure[:-step]
        level = np.where(known, level, np.nan)
        used = np.flatnonzero(np.isfinite(level).sum(axis=0) >= LEAST_CELLS)
        if used.size < LEAST_DAYS:
            return None
        parts = [*((state == s).astype(float) for s in present), np.nan_to_num(purifier), _joined(outside)]
        whole = [np.pad(part, (lead + LONGEST, tail + LONGEST), mode="edge") for part in parts]
        minutes = np.stack([[part[d * 1440 : (d + 1) * 1440 + 2 * LONGEST] for d in used] for part in whole])
        return cls(level[:, used], np.swapaxes(minutes, 1, 2), used)

    def inputs(self, which: slice, lag: Floats) -> Floats:
        """(some of the minutes' rows, cell, day, column): means from the middle of the cell before to that of each.

        As a clock that is `lag` minutes ahead dates them.
        """
        sums = self._sums[which]
        found = []
        for one in np.atleast_1d(lag):
            shift = float(np.clip(one, 1 - LONGEST, LONGEST - 1))
            whole = int(np.floor(shift))
            part = shift - whole
            # Edges at (i − 1/2)·CELL and a cell later, shifted back by the lag; half minutes join two sums.
            at = LONGEST - whole + np.arange(-1, CELLS) * CELL + CELL // 2
            at = np.clip(at, 1, sums.shape[1] - 1 - CELL)

            def upto(index: npt.NDArray[np.int64], part: float = part) -> Floats:
                index = np.clip(index, 1, sums.shape[1] - 1)
                return (1 - part) * sums[:, index] + part * sums[:, index - 1]

            found.append((upto(at + CELL) - upto(at)) / CELL)
        return np.stack(found, axis=-1)


def fit_losses(
    indoor: Floats, outdoor: Floats, purifier: Floats, state: npt.NDArray[np.int8], *, first_minute: int = 0
) -> Losses | None:
    """From minutes: PM2.5 in µg/m³ (NaN: none), purifier 1, 0 or NaN, `state` an index of STATES.

    first_minute: minutes of the local day at the first element. None where fewer than three days can be used.
    """
    present = tuple(s for s in range(len(STATES)) if (state == s).mean() > 0.01)
    days = _Days.cut(indoor, outdoor, purifier, state, present, first_minute)
    if days is None:
        return None
    prior = _Prior(len(present))
    # The likelihood has more than one top: windows and sources can pass for a purifier's absence, but less likely.
    tops = [_scored(days, start, prior, 10) for start in prior.starts()]
    found = max(tops, key=lambda one: one.value)
    lags = np.arange(-14.0, 15.0, 2.0)
    columns = np.repeat(found.theta[:, None], lags.size, axis=1)
    columns[LAG] = lags
    theta = found.theta.copy()
    theta[LAG] = lags[int(_likelihood(*_filter(days, columns)).argmax())]
    found = max((_scored(days, one, prior, 3) for one in (found.theta, theta)), key=lambda one: one.value)
    found = _scored(days, found.theta, prior, ROUNDS)
    inverse = np.linalg.inv(found.information)
    total = found.scores.shape[0]
    clustered = inverse @ (found.scores.T @ found.scores) @ inverse * (total / max(total - 1, 1))
    influence = (found.scores @ inverse)[:, 0] ** 2
    telling = influence.sum() ** 2 / max(float((influence**2).sum()), 1e-300)
    grown = np.sqrt(np.maximum(np.diag(clustered) / np.diag(inverse), 1.0))
    covariance = inverse * np.outer(grown, grown)
    # A top that is nearly as high may be the true one: the model is not exact enough to decide by a few units.
    others = [abs(one.theta[0] - found.theta[0]) for one in tops if one.value > found.value - ALIKE]
    covariance[0, 0] += (max(others, default=0.0) / 2) ** 2
    switched = int((np.abs(np.diff(purifier)) == 1).sum())
    covariance[0, 0] += (MODEL_ERROR**2 + ONCE_ERROR**2 / max(switched, 1)) * found.theta[0] ** 2
    count = AIR + len(present)
    air = np.zeros(days.level.shape[:2])
    _filter(days, found.theta[:, None], air)
    return Losses(
        tuple(STATES[s] for s in present),
        found.theta[:count],
        covariance[:count, :count],
        float(np.clip(telling - 1, 3, 60)),
        days.which,
        air,
        first_minute % 1440,
    )


# -- likelihood --------------------------------------------------------------------------------------------------------
# theta: c, ln k, ln π, source while occupied, ln a_s …, ln τ (α at a stretch's begin), ln ρ (its wander in an hour),
# ln σ (sources, µg/(m³·h)), ln r (noise of a cell, relative)


class _Prior:
    def __init__(self, count: int) -> None:
        rates = np.full(count, np.log(1.5))
        self.centre = np.concatenate(
            [[0.0, np.log(0.2), np.log(0.85), 2.0, 0.0, 0.0], rates, np.log([0.4, 0.3, 10.0, 0.04])]
        )
        self.precision = (
            np.concatenate([[10.0, 0.25, 0.15, 10.0, 7.0, 9.0], np.full(count, 1.3), [0.8, 0.8, 1.2, 0.7]]) ** -2.0
        )
        self._rates = slice(AIR, AIR + count)

    def starts(self) -> list[Floats]:
        found = []
        for clean, air, anew, sources in ((2.0, 2.0, 0.2, 40.0), (1.0, 1.0, 1.0, 4.0), (1.0, 0.5, 0.4, 10.0)):
            start = self.centre.copy()
            start[0], start[self._rates], start[-4], start[-2] = clean, np.log(air), np.log(anew), np.log(sources)
            found.append(start)
        return found


@dataclass(frozen=True, slots=True)
class _Found:
    value: float
    theta: Floats
    information: Floats
    scores: Floats  # by day


def _likelihood(innovation: Floats, variance: Floats) -> Floats:
    return np.asarray((-0.5 * (innovation**2 / variance + np.log(variance))).sum(axis=(0, 1)))


def _filter(days: _Days, theta: Floats, air: Floats | None = None) -> tuple[Floats, Floats]:
    """(innovations, their variances) over (cell, day, column of theta); innovation 0 and variance 1 without a value.

    `air` takes in the air changes as followed with the first column.
    """
    states, columns = days.states, theta.shape[1]
    c, k, pi, source, lag = theta[0], np.exp(theta[1]), np.exp(theta[2]), theta[3], theta[LAG]
    base = theta[AIR : AIR + states]
    tau2, rho2, sigma2, r2 = np.exp(2 * theta[AIR + states :])
    apart, which = np.unique(lag, return_inverse=True)
    inputs = days.inputs(slice(0, -1), apart)[..., which]
    apart, which = np.unique(theta[OUTSIDE_LAG], return_inverse=True)
    outdoor = days.inputs(slice(-1, None), apart)[0][..., which]
    # How much of each change of state falls into a cell: smooth, so that a lag of minutes can be found by slopes.
    keep = 1 - 0.5 * np.abs(np.diff(inputs[:-1], axis=1, prepend=inputs[:-1, :1])).sum(axis=0)
    changes = keep.min(axis=(1, 2)) < 1 - 1e-9
    log_base = np.einsum("stdk,sk->tdk", inputs[:-1], base)
    clearing = k + c * inputs[-1]
    occupied = inputs[1] * source if states > 1 else np.zeros_like(clearing)
    coming = pi * outdoor
    there = np.isfinite(days.level)
    y = np.nan_to_num(days.level)
    zero = np.zeros((y.shape[1], columns))
    first = np.take_along_axis(y, there.argmax(axis=0)[None], axis=0)[0]
    m, alpha, e = zero + first, zero.copy(), zero.copy()
    pcc, pca, pce, paa, pae, pee = zero + (0.3 * first + 5) ** 2, zero, zero, zero + tau2, zero, zero + sigma2
    innovations, variances = np.zeros((len(y), *zero.shape)), np.ones((len(y), *zero.shape))
    fresh = sigma2 * (1 - _STAYS**2)
    for i in range(len(y)):
        if i:
            if changes[i]:
                part = keep[i]
                alpha, pca, pae = alpha * part, pca * part, pae * part
                paa = paa * part * part + tau2 * (1 - part * part)
            a = np.exp(np.clip(log_base[i] + alpha, -4.0, 3.4))
            loss = np.maximum(a + clearing[i], 0.02)
            fall = np.exp(-loss * _STEP)
            gain = (1 - fall) / loss
            after = m * fall + (a * coming[i] + occupied[i] + e) * gain
            slope = a * (coming[i] - 0.5 * (m + after)) * gain
            m = after
            vc = fall * pcc + slope * pca + gain * pce
            va = fall * pca + slope * paa + gain * pae
            ve = fall * pce + slope * pae + gain * pee
            pcc = fall * vc + slope * va + gain * ve + (0.005 * m) ** 2
            pca, paa = va, paa + rho2 * _STEP
            pce, pae, pee = ve * _STAYS, pae * _STAYS, pee * _STAYS**2 + fresh
            e = e * _STAYS
        if air is not None:
            air[i] = np.exp(np.clip(log_base[i] + alpha, -4.0, 3.4))[:, 0]
        seen = there[i]
        if not seen.any():
            continue
        nu = np.where(seen, y[i] - m, 0.0)
        variance = pcc + (r2 + _NOISE**2) * (m * m + _FLOOR**2)
        jump = np.maximum(nu * nu / _CLIP**2 - variance, 0.0)
        pcc = pcc + jump
        variance = variance + jump
        gc, ga, ge = (np.where(seen, part / variance, 0.0) for part in (pcc, pca, pce))
        m, alpha, e = m + gc * nu, np.clip(alpha + ga * nu, -3.0, 3.0), e + ge * nu
        paa, pae, pee = paa - ga * pca, pae - ga * pce, pee - ge * pce
        pca, pce, pcc = pca * (1 - gc), pce * (1 - gc), pcc * (1 - gc)
        innovations[i], variances[i] = nu, np.where(seen, variance, 1.0)
    return innovations, variances


def _scored(days: _Days, theta: Floats, prior: _Prior, rounds: int) -> _Found:
    """The highest posterior, by damped Fisher scoring."""
    size = theta.size
    widths = np.full(size, 1e-3)
    widths[[LAG, OUTSIDE_LAG]] = 0.5  # minutes: shares change in steps of the minute
    moved = np.concatenate([np.zeros((size, 1)), np.diag(widths)], axis=1)
    damping, best = 1e-2, -np.inf
    kept: _Found | None = None
    for _ in range(rounds):
        nu, variance = _filter(days, theta[:, None] + moved)
        value = float(_likelihood(nu[..., :1], variance[..., :1])[0])
        value -= 0.5 * float((prior.precision * (theta - prior.centre) ** 2).sum())
        gained = value - best
        if gained > 0 or kept is None:
            best = value
            n, v = nu[..., :1], variance[..., :1]
            dnu, dvar = (nu[..., 1:] - n) / widths, (variance[..., 1:] - v) / widths
            scores = (-n / v * dnu + 0.5 * (n * n / v - 1) / v * dvar).sum(axis=0)
            flat = np.concatenate([(dnu / np.sqrt(v)).reshape(-1, size), (dvar / v / np.sqrt(2)).reshape(-1, size)])
            kept = _Found(value, theta, flat.T @ flat + np.diag(prior.precision), scores)
            damping = max(damping / 5, 1e-6)
            if gained < 0.05:
                break
        else:
            damping = max(damping * 10, 1e-3)
            if damping > 1e4:
                break
        slope = kept.scores.sum(axis=0) - prior.precision * (kept.theta - prior.centre)
        normal = kept.information
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slope)
        limits = np.ones(size)
        limits[[LAG, OUTSIDE_LAG]], limits[0], limits[3] = 3.0, 2.0, 10.0
        theta = kept.theta + np.clip(step, -limits, limits)
        for place in (LAG, OUTSIDE_LAG):
            theta[place] = np.clip(theta[place], 1.5 - LONGEST, LONGEST - 1.5)
    assert kept is not None
    return kept


def _joined(values: Floats) -> Floats:
    """Gaps filled by straight lines."""
    there = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(values.size), there, values[there]) if there.size else np.zeros(values.size)


def _smooth(values: Floats) -> Floats:
    """Means over nine minutes, gaps of up to twenty bridged: air comes in slowly, the sensor's noise not at all."""
    there = np.isfinite(values)
    near = np.convolve(there, np.ones(21), "same") > 0
    filled = np.convolve(np.pad(_joined(values), 4, mode="edge"), np.ones(9) / 9, "valid")
    return np.where(near, filled, np.nan)
