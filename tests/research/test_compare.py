"""Two sides set against each other: pairs where there are pairs, days as what is drawn."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.compare import by_hour, compare
from research.means import MeanRow

DAY = date(2026, 11, 16)


def side(
    days: int,
    offset: float,
    *,
    first: int = 0,
    seed: int = 0,
    noise: float = 0.0,
) -> dict[tuple[date, int], float]:
    """Hours of days whose level wanders much more than the offset between two sides."""
    level = np.random.default_rng(7).normal(40, 25, 200)
    chance = np.random.default_rng(seed)
    return {
        (DAY + timedelta(days=day), hour): float(level[day] + hour + offset + chance.normal(0, noise))
        for day in range(first, first + days)
        for hour in range(8, 16)
    }


def test_pairs_take_the_weather_out() -> None:
    found = compare(side(10, 0.0, noise=0.5), side(10, -6.0, seed=1, noise=0.5))
    assert found.paired
    assert found.difference == pytest.approx(-6.0, abs=0.5)
    assert found.low is not None and found.high is not None
    assert found.low < -6.0 + 0.5 and found.high < -5.0
    assert (found.days, found.hours) == ((10, 10), (80, 80))


def test_two_periods_are_not_paired_and_their_interval_is_honest_about_the_weather() -> None:
    found = compare(side(10, 0.0), side(10, -6.0, first=20))
    assert not found.paired
    assert found.low is not None and found.high is not None
    assert found.high - found.low > 15


@pytest.mark.parametrize("days", [0, 1, 2])
def test_with_fewer_than_three_days_there_is_no_interval(days: int) -> None:
    found = compare(side(days, 0.0), side(10, 1.0))
    assert (found.difference, found.low, found.why) == (None, None, "few_days")


@given(st.integers(3, 12), st.floats(-50, 50))
def test_swapping_the_sides_turns_the_sign(days: int, offset: float) -> None:
    one, two = side(days, 0.0, noise=2.0), side(days, offset, seed=3, noise=2.0)
    there, back = compare(one, two), compare(two, one)
    assert there.difference is not None and back.difference is not None
    assert there.difference == pytest.approx(-back.difference)
    assert there.low is not None and back.high is not None
    assert there.low == pytest.approx(-back.high)


def test_the_same_data_give_the_same_interval() -> None:
    assert compare(side(9, 0.0), side(9, 3.0)) == compare(side(9, 0.0), side(9, 3.0))


def test_rooms_weigh_alike_and_sensors_by_their_readings() -> None:
    at = 1_794_880_800_000  # 2026-11-17T09:00+07:00
    table = [
        MeanRow("s.a", "s.1", "pm25", at, n=300, corrected=10.0, complete=True),
        MeanRow("s.a", "s.2", "pm25", at, n=100, corrected=30.0, complete=True),
        MeanRow("s.b", "s.3", "pm25", at, n=1, corrected=45.0, complete=True),
        MeanRow("s.b", "s.4", "pm25", at, n=5),
    ]
    assert by_hour(table) == {(date(2026, 11, 17), 9): 30.0}
