"""Where a drift that nights tell of begins and ends, and what only looks like one."""

from __future__ import annotations

import numpy as np
import pytest

from classair.model import Flag
from classair.science.comparison.judging import judge_beside
from classair.science.comparison.slots import HOUR, SLOT_MS, Array, Slots
from classair.science.quality_checks.spans import FlagSpan
from classair.units import DAY_MS

START = 1_790_000_000_000 // DAY_MS * DAY_MS
DAY = 24 * HOUR
T = np.arange(35 * DAY)
SHARES = (1.0, 0.8, 0.6, 0.7, 0.5, 0.75)


def school() -> dict[str, Array]:
    dice = np.random.default_rng(11)
    slow = np.cumsum(dice.normal(0, 0.012, len(T)))
    quick = np.convolve(dice.normal(0, 0.05, len(T) + 40), np.exp(-np.arange(40) / 12), "valid")[: len(T)]
    air = np.exp(3.5 + slow - slow.mean() + quick + 0.25 * np.cos(T / DAY * 2 * np.pi))
    return {f"s{i}": share * air * np.exp(dice.normal(0, 0.03, len(T))) for i, share in enumerate(SHARES)}


def judged(levels: dict[str, Array], told: tuple[int, int]) -> list[FlagSpan]:
    """Flags of PM2.5 when nights have told of a drift of s2 on these days."""
    members = [Slots(name, f"r{i}", i == 0, level) for i, (name, level) in enumerate(levels.items())]
    drifts = [FlagSpan("s2", "pm25", Flag.DRIFT, START + told[0] * DAY_MS, START + told[1] * DAY_MS)]
    return [span for span in judge_beside(members, START, drifts) if span.quantity == "pm25"]


@pytest.mark.parametrize("gain", [1.5, 2.2])
@pytest.mark.parametrize("days", [9.3, 16.6])
def test_a_drift_begins_and_ends_at_the_steps_and_not_at_midnight(gain: float, days: float) -> None:
    levels, first, last = school(), 12 * DAY + 70, 12 * DAY + 70 + int(days * DAY)
    levels["s2"][first:last] *= gain
    (span,) = judged(levels, (13, 12 + int(days)))
    assert span.flag is Flag.DRIFT
    assert abs((span.start - START) / SLOT_MS - first) <= 2 and abs((span.end - START) / SLOT_MS - last) <= 2


def test_windows_that_stand_open_for_some_nights_are_no_drift() -> None:
    levels = school()
    night = (T % DAY < 6 * HOUR) & (T >= 14 * DAY) & (T < 23 * DAY)
    levels["s2"][night] *= 1.5
    assert not [span for span in judged(levels, (14, 23)) if span.flag is Flag.DRIFT]


def test_a_short_stretch_apart_that_goes_without_a_step_is_no_drift() -> None:
    levels = school()
    levels["s2"] *= np.exp(0.4 * np.clip(np.minimum((T - 12 * DAY) / (3 * DAY), (24 * DAY - T) / (3 * DAY)), 0, 1))
    assert not [span for span in judged(levels, (14, 23)) if span.flag is Flag.DRIFT]
