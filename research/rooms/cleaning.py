"""What a purifier does: clean air, "no effect", and what it kept away from lessons, all from the fit of losses.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from classair.timetable import local_time
from research.rooms.estimate import Bools, Estimate, Floats
from research.rooms.gains import Gains
from research.rooms.losses import AIR, CELL, CELLS, LAG, Losses, fit_losses

VERSION: Final = 2
LEAST_SWITCHINGS: Final = 10
SURE_SWITCHINGS: Final = 12  # before "no effect" is said
LEAST_SHARE: Final = 0.03  # of the time each of ON and OFF must have
LEAST_DAYS: Final = 3
LEAST_OUTDOOR: Final = 5.0  # µg/m³ in the median; below it there is nothing to clean
AROUND: Final = 20  # minutes before and after a switching that must be measured
WIDE: Final = 0.6  # half an interval, as a share of the value, beyond which it does not tell
WIDE_CLAIMED: Final = 0.2  # or as a share of what was claimed, for purifiers that deliver little of it
NO_EFFECT: Final = 0.10  # share of the claimed delivery below which it is no effect
IMPOSSIBLE: Final = 3.0  # times the claimed delivery
CLAIMED: Final = 2.0  # clean air changes per hour, where nothing was claimed
APART: Final = 4.0  # minutes between clocks worth saying
AIR_UNSURE: Final = 0.15  # of a logarithm: what following the air changes leaves open
DRAWS: Final = 80
_INTERVAL: Final = (0.02, 0.5, 0.98)  # eighty draws make their ends uncertain


@dataclass(frozen=True, slots=True)
class Cleaning:
    """clean_air m³/h; effect: True and False when it is told, None when it cannot be; losses: the fit behind it."""

    clean_air: Estimate
    effect: bool | None
    losses: Losses | None = None


def states(occupied: Bools, windows: Bools | None = None) -> npt.NDArray[np.int8]:
    """Each minute's state as losses.STATES counts them; windows that are said to be open go before people."""
    found = occupied.astype(np.int8)
    if windows is not None:
        found[windows] = 2
    return found


def room_losses(
    start_ms: int,
    indoor: Floats,
    outdoor: Floats,
    purifier: Floats,
    occupied: Bools,
    windows: Bools | None = None,
) -> Losses | None:
    """The fit of a room on a grid of minutes from `start_ms` (UTC ms)."""
    if not indoor.size or not np.isfinite(outdoor).any() or np.nanmedian(outdoor) < LEAST_OUTDOOR:
        return None
    at = local_time(start_ms)
    return fit_losses(indoor, outdoor, purifier, states(occupied, windows), first_minute=at.hour * 60 + at.minute)


def cleaning(
    start_ms: int,
    indoor: Floats,
    outdoor: Floats,
    purifier: Floats,
    volume_m3: float,
    occupied: Bools | None = None,
    windows: Bools | None = None,
    *,
    claimed_m3h: float | None = None,
    losses: Losses | None = None,
) -> Cleaning:
    """The clean air a purifier delivers, or why it cannot be told.

    "No effect" is said only where the whole interval lies below a tenth of what is claimed for the purifier.
    """
    coverage = float((np.isfinite(indoor) & np.isfinite(outdoor)).mean()) if indoor.size else 0.0
    changes = _switchings(indoor, purifier)
    count = len(changes)

    def made(value: float | None, low: float | None, high: float | None, why: str = "", *warnings: str) -> Estimate:
        return Estimate(
            "clean_air", "m³/h", "switching_response", VERSION, value, low, high, count, coverage, why, warnings
        )

    local = [local_time(start_ms + int(at) * 60_000).date() for at in changes]
    if count < LEAST_SWITCHINGS or len(set(local)) < LEAST_DAYS:
        return Cleaning(made(None, None, None, "few_switchings"), None)
    known = purifier[np.isfinite(purifier)]
    if not LEAST_SHARE <= float(known.mean()) <= 1 - LEAST_SHARE:
        return Cleaning(made(None, None, None, "few_switchings"), None)
    if losses is None:
        losses = room_losses(
            start_ms, indoor, outdoor, purifier, np.zeros(indoor.size, bool) if occupied is None else occupied, windows
        )
    if losses is None:
        return Cleaning(made(None, None, None, "few_days"), None)
    value = losses.clean
    low, high = losses.interval(0)
    warnings = []
    if abs(losses.centre[LAG]) >= APART and losses.covariance[LAG, LAG] < 2.0**2:
        warnings.append("clocks_apart")
    if low < 0:  # a purifier takes nothing away from its room's air but dust
        high, low, value = max(high, (high - low) / 2), 0.0, max(value, 0.0)
    claimed = claimed_m3h / volume_m3 if claimed_m3h else CLAIMED
    if value > IMPOSSIBLE * claimed and claimed_m3h:
        warnings.append("above_claimed")
    low_m3h, value_m3h, high_m3h = (rate * volume_m3 for rate in (low, value, high))
    if max(high, losses.interval(0, 0.99)[1]) <= NO_EFFECT * claimed and count >= SURE_SWITCHINGS:
        return Cleaning(made(value_m3h, low_m3h, high_m3h, "", *warnings), False, losses)
    if (high - low) / 2 > max(WIDE * value, WIDE_CLAIMED * claimed):
        return Cleaning(made(None, low_m3h, high_m3h, "wide" if low > 0 else "no_contrast", *warnings), None, losses)
    return Cleaning(made(value_m3h, low_m3h, high_m3h, "", *warnings), True if low > 0 else None, losses)


def _switchings(indoor: Floats, purifier: Floats) -> npt.NDArray[np.int64]:
    """Minutes at which the purifier was switched while the room was being measured."""
    change = np.flatnonzero(np.abs(np.diff(purifier)) == 1) + 1
    seen = np.concatenate([[0], np.isfinite(indoor).cumsum()])
    before = seen[change] - seen[np.maximum(change - AROUND, 0)]
    after = seen[np.minimum(change + AROUND, indoor.size)] - seen[change]
    return np.asarray(change[(before >= 1) & (after >= 2)])


def avoided(
    found: Cleaning,
    indoor: Floats,
    purifier: Floats,
    occupied: Bools,
    lesson: Bools,
    known: Gains,
    windows: Bools | None = None,
) -> list[Estimate]:
    """How much lower the mean of lesson time was by the purifier: in µg/m³, and as a share of what it would have been.

    What it removed would have stayed: the difference D between the room without and with it follows
    dD/dt = c·u·C − (a + k)·D, in which neither outdoor air nor sources are left. The gain of the indoor sensor is part
    of the interval in µg/m³; in the share it cancels.
    """
    there = np.isfinite(indoor) & lesson
    size = indoor.size // CELL
    cells = indoor[: size * CELL].reshape(-1, CELL)
    counted = lesson[: size * CELL].reshape(-1, CELL).mean(axis=1) >= 0.5
    level = _filled(cells)
    coverage = float((counted & np.isfinite(level)).sum() / max(int(counted.sum()), 1))

    def made(value: float | None, low: float | None = None, high: float | None = None, why: str = "") -> Estimate:
        return Estimate(
            "avoided_pm25", "µg/m³", "modelled_off", VERSION, value, low, high, int(there.sum()), coverage, why
        )

    if found.effect is False:
        return [made(None, why="no_effect")]
    if found.losses is None or not found.effect:
        return [made(None, why=found.clean_air.why or "no_contrast")]
    if coverage < 0.75:
        return [made(None, why="coverage")]
    losses = found.losses
    chance = np.random.default_rng(3)
    picked = chance.choice(known.weights.size, DRAWS, p=known.weights / known.weights.sum())
    parameters = losses.draws(known.weights.size)[picked]
    clean = np.maximum(parameters[:, 0], 0.0)
    clearing = np.exp(np.clip(parameters[:, 1], np.log(0.05), np.log(0.8)))
    index = states(occupied, windows)[: size * CELL].reshape(-1, CELL)[:, CELL // 2]
    place = np.array(
        [losses.states.index(name) if name in losses.states else 0 for name in ("empty", "occupied", "windows")]
    )
    base = losses.centre[AIR:][place[index]]
    air = _laid(losses, base, size)
    apart = parameters[:, AIR:] - losses.centre[AIR:]
    running = np.nan_to_num(purifier[: size * CELL]).reshape(-1, CELL).mean(axis=1)
    total, kept = np.zeros(DRAWS), np.zeros(DRAWS)
    unsure = chance.normal(0, AIR_UNSURE, DRAWS)
    use = counted & np.isfinite(level)
    level = np.nan_to_num(level)
    for i in np.flatnonzero(_near(running > 0, 48)).tolist():
        loss = air[i] * np.exp(np.clip(apart[:, place[index[i]]], -1, 1) + unsure) + clearing
        fall = np.exp(-loss * CELL / 60)
        kept = kept * fall + clean * running[i] * level[i] * (1 - fall) / loss
        if use[i]:
            total += kept
    kept_away = total / max(int(use.sum()), 1)
    low, middle, high = (float(v) for v in np.quantile(kept_away / known.indoor[picked], _INTERVAL))
    share = kept_away / (kept_away + level[use].mean())
    least, half, most = (float(v) for v in np.quantile(share, _INTERVAL))
    return [
        made(middle, low, high),
        Estimate("avoided_share", "1", "modelled_off", VERSION, half, least, most, int(there.sum()), coverage),
    ]


def _near(values: Bools, cells: int) -> Bools:
    """Those within so many cells behind a marked one."""
    last = np.maximum.accumulate(np.where(values, np.arange(values.size), -(10**9)))
    return np.arange(values.size) - last <= cells


def _laid(losses: Losses, base: Floats, size: int) -> Floats:
    """Air changes by cell over the whole stretch: as followed where a day was used, else the state's own."""
    air = np.exp(base)
    begin = losses.lead // CELL
    for column, day in enumerate(losses.days.tolist()):
        first = day * CELLS - begin
        low, high = max(first, 0), min(first + CELLS, size)
        air[low:high] = losses.air[low - first : high - first, column]
    return air


def _filled(cells: Floats) -> Floats:
    """Means of cells; gaps of up to an hour by straight lines."""
    seen = np.isfinite(cells)
    level = np.where(seen.any(axis=1), np.where(seen, cells, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1), np.nan)
    known = np.flatnonzero(np.isfinite(level))
    if known.size < 2:
        return level
    at = np.arange(level.size)
    after = np.clip(np.searchsorted(known, at), 0, known.size - 1)
    gap = known[after] - known[np.maximum(after - 1, 0)]
    bridged = np.interp(at, known, level[known], left=np.nan, right=np.nan)
    return np.where(np.isfinite(level) | (gap <= 12), bridged, np.nan)
