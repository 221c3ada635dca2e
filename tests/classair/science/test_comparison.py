"""Sensors of a school beside each other: what is a fault, and what is only a room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from classair.model import Flag
from classair.science.comparison.judging import judge_beside
from classair.science.comparison.slots import HOUR, SLOT_MS, Array, Slots, beside, others
from classair.science.quality_checks.spans import FlagSpan
from classair.units import DAY_MS

START = 1_790_000_000_000 // DAY_MS * DAY_MS
DAY = 24 * HOUR
DAYS = 35
SHARES = (1.0, 0.8, 0.6, 0.7, 0.5, 0.75)  # the first is outdoors
T = np.arange(DAYS * DAY)


def weather(seed: int) -> Array:
    """Outdoor PM2.5 in µg/m³: slow, and quicker, and of the hour."""
    dice = np.random.default_rng(seed)
    slow = np.cumsum(dice.normal(0, 0.012, len(T)))
    quick = np.convolve(dice.normal(0, 0.05, len(T) + 40), np.exp(-np.arange(40) / 12), "valid")[: len(T)]
    return np.exp(3.5 + slow - slow.mean() + quick + 0.25 * np.cos(T / DAY * 2 * np.pi))


def school(seed: int = 3) -> dict[str, Array]:
    dice = np.random.default_rng(seed + 100)
    air = weather(seed)
    return {
        f"s{i}": share * air * np.exp(dice.normal(0, 0.03, len(T)) + 0.05 * np.sin(T / 700 + i))
        for i, share in enumerate(SHARES)
    }


def judged(levels: dict[str, Array], rh: Array | None = None) -> list[FlagSpan]:
    members = [
        Slots(name, f"r{i}", i == 0, level, None, rh if i == 0 else None)
        for i, (name, level) in enumerate(levels.items())
    ]
    return [span for span in judge_beside(members, START) if span.quantity == "pm25"]


def slots_of(span: FlagSpan) -> tuple[int, int]:
    return (span.start - START) // SLOT_MS, (span.end - START) // SLOT_MS


@pytest.mark.thorough
def test_sensors_that_are_well_have_no_flag() -> None:
    for seed in range(4):
        assert judged(school(seed)) == []


@pytest.mark.parametrize("left", [0.04, 0.3, 0.6])
@pytest.mark.parametrize("days", [1.5, 4.0])
def test_a_failed_fan_is_flagged_from_step_to_step(left: float, days: float) -> None:
    levels, first, last = school(), 20 * DAY + 40, 20 * DAY + 40 + int(days * DAY)
    levels["s2"][first:last] *= left
    (span,) = judged(levels)
    assert span.sensor == "s2" and span.flag is Flag.FLOW
    begin, end = slots_of(span)
    assert abs(begin - first) <= 1 and abs(end - last) <= 1


@pytest.mark.parametrize("hours", [2, 4, 6])
def test_an_inlet_that_lets_old_air_through_is_flagged(hours: int) -> None:
    levels, first, last, lag = school(), 20 * DAY, 24 * DAY, hours * HOUR
    levels["s3"][first:last] = levels["s3"][first - lag : last - lag].copy()
    spans = [span for span in judged(levels) if span.flag is Flag.FLOW]
    assert {span.sensor for span in spans} == {"s3"}
    covered = sum(min(end, last) - max(begin, first) for begin, end in map(slots_of, spans))
    assert covered > 0.7 * (last - first)


def test_sensors_in_each_others_rooms_are_both_flagged() -> None:
    levels, part = school(), slice(18 * DAY + 100, 27 * DAY)
    levels["s1"][part], levels["s4"][part] = levels["s4"][part].copy(), levels["s1"][part].copy()
    spans = judged(levels)
    assert {(span.sensor, span.flag) for span in spans} == {("s1", Flag.SWAPPED), ("s4", Flag.SWAPPED)}
    for begin, end in map(slots_of, spans):
        assert abs(begin - part.start) <= 3 and abs(end - part.stop) <= 3


def test_fog_outdoors_is_flagged_and_a_damp_night_is_not() -> None:
    levels, rh = school(), np.full(len(T), 70.0)
    foggy, damp = slice(20 * DAY, 20 * DAY + 4 * HOUR), slice(25 * DAY, 25 * DAY + 6 * HOUR)
    rh[foggy] = rh[damp] = 92.0
    levels["s0"][foggy] *= 1.7
    (span,) = judged(levels, rh)
    assert span.flag is Flag.RH_HIGH and span.sensor == "s0"
    begin, end = slots_of(span)
    assert begin >= foggy.start - 1 and end <= foggy.stop + 1 and end - begin > 3 * HOUR


def purified(level: Array) -> Array:
    """A unit that runs in lessons for the first time, three days long, and takes a quarter of an hour to work."""
    left, found = 1.0, level.copy()
    for i in range(20 * DAY, 23 * DAY):
        on = 96 < i % DAY < 200
        target = 0.15 if on else 1.0
        left = target + (left - target) * np.exp(-5 / 60 * (6.0 if on else 1.0))
        found[i] *= left
    return found


def shut(level: Array) -> Array:
    """A room whose windows stay shut for five days."""
    found = level.copy()
    course = 1 - 0.45 * (1 - np.exp(-np.arange(5 * DAY) / (1.5 * HOUR)))
    found[20 * DAY : 25 * DAY] *= course
    found[25 * DAY : 26 * DAY] *= 1 - 0.45 * np.exp(-np.arange(DAY) / HOUR)
    return found


def smoky(level: Array) -> Array:
    """Incense, cooking and a broom."""
    found = level.copy()
    for i in range(18 * DAY, 26 * DAY, 97):
        found[i : i + 20] += 120 * np.exp(-np.arange(20) / 6)
    return found


@pytest.mark.parametrize("change", [purified, shut, smoky])
@pytest.mark.thorough
def test_what_happens_to_air_in_a_room_is_no_fault(change: Callable[[Array], Array]) -> None:
    for seed in range(3):
        levels = school(seed)
        levels["s2"] = change(levels["s2"])
        assert judged(levels) == []


def test_three_sensors_or_ten_days_are_too_few_to_say_anything() -> None:
    levels = school()
    levels["s2"][20 * DAY : 23 * DAY] *= 0.1
    few = {name: levels[name] for name in ("s0", "s1", "s2")}
    assert judged(few) == []
    short = {name: np.where(np.arange(len(T)) < 9 * DAY, level, np.nan) for name, level in levels.items()}
    assert judged(short) == [] and judge_beside([], START) == []


def test_gaps_are_no_evidence() -> None:
    levels, dice = school(), np.random.default_rng(9)
    for level in levels.values():
        level[dice.random(len(T)) < 0.1] = np.nan
        level[10 * DAY : 10 * DAY + int(dice.integers(10, 600))] = np.nan
    assert judged(levels) == []
    assert beside([Slots(name, "r", False, level) for name, level in levels.items()], START) is not None


def test_the_median_of_the_others_leaves_out_each_row_itself() -> None:
    dice = np.random.default_rng(4)
    x = dice.normal(size=(7, 300))
    x[dice.random(x.shape) < 0.3] = np.nan
    found = others(x)
    for row in range(len(x)):
        rest = np.delete(x, row, axis=0)
        enough = (~np.isnan(rest)).sum(0) >= 3
        assert np.allclose(found[row][enough], np.nanmedian(rest[:, enough], axis=0))
        assert np.isnan(found[row][~enough]).all()
