"""Single readings of nothing, and where a drift ends."""

from __future__ import annotations

import math
import random

import pytest

from classair.model import Flag
from classair.science.quality_checks import neighbours
from classair.science.quality_checks.retrospective import Track, drops, judge_track
from classair.units import MINUTE_MS

AT = [minute * MINUTE_MS for minute in range(60)]


@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize("level", [4.0, 12.0, 80.0])
def test_one_or_two_readings_of_nothing_are_a_lost_word(level: float, length: int) -> None:
    values = [level + (i % 3) * 0.5 for i in range(60)]
    values[30 : 30 + length] = [0.0] * length
    assert drops(AT, values) == [(AT[30], AT[29 + length] + 1)]
    found = judge_track(Track(AT, {"pm25": values}))
    assert found["pm25", Flag.SPIKE] == [(AT[30], AT[29 + length] + 1)]


@pytest.mark.parametrize(
    "values",
    [
        [2.0, 1.0, 0.0, 1.0, 2.0, 1.0] * 10,  # clean air
        [8.0] * 28 + [0.0] * 3 + [8.0] * 29,  # three are no drop
        [0.0] * 30 + [9.0] * 30,
        [9.0] * 59 + [0.0],  # nobody knows what comes
    ],
)
def test_clean_air_and_longer_silences_are_no_drops(values: list[float]) -> None:
    assert drops(AT, values) == []


def test_a_drift_is_told_of_its_own_days_and_not_of_those_around() -> None:
    dice = random.Random(2)
    nights: dict[str, dict[int, float]] = {}
    for number in range(6):
        nights[f"s{number}"] = {day: 30 * math.exp(0.3 * math.sin(day / 5) + dice.gauss(0, 0.05)) for day in range(100)}
    for day in range(60, 85):
        nights["s3"][day] *= 1.6
    found = neighbours.drifting(nights)
    assert set(found) == {"s3"}
    days = sorted(found["s3"])
    assert days[0] >= 60 and days[-1] in (83, 84) and len(days) >= 22


def test_a_drift_in_the_first_weeks_does_not_make_the_rest_look_wrong() -> None:
    dice = random.Random(3)
    nights = {f"s{number}": {day: 30 * math.exp(dice.gauss(0, 0.05)) for day in range(63)} for number in range(6)}
    for day in range(8, 30):
        nights["s1"][day] *= 0.5
    found = neighbours.drifting(nights)
    assert set(found) == {"s1"} and all(8 <= day < 30 for day in found["s1"])
