"""Levels and index numbers, against values the Pollution Control Department published and the printed band ends."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.science.indexes import rounded
from classair.science.indexes.thai2023 import INDEX


@pytest.mark.parametrize(("mean", "value"), [(12.4, 21), (21.7, 42), (34.1, 87), (52.3, 140), (0.0, 0), (15.0, 25),
                                             (15.1, 26), (25.0, 50), (25.1, 51), (37.5, 100), (37.6, 101), (75.0, 200)])
def test_pm25_gives_the_published_number(mean: float, value: int) -> None:
    found = INDEX.sub_index("pm25", mean)
    assert found is not None and (found.value, found.open_ended) == (value, False)


def test_above_the_last_printed_end_the_index_is_open() -> None:
    found = INDEX.sub_index("pm25", 88.0)
    assert found is not None and (found.value, found.open_ended, found.shown) == (201, True, ">200")


def test_pm10_gives_the_published_number() -> None:
    found = INDEX.sub_index("pm10", 73.0)
    assert found is not None and found.value == 44


@pytest.mark.parametrize(("value", "level"), [
    (15.04, "very_good"), (15.049999, "very_good"), (15.05, "good"), (25.0499, "good"), (25.05, "moderate"),
    (37.54, "moderate"), (37.55, "starts_to_affect_health"), (75.04, "starts_to_affect_health"),
    (75.05, "affects_health"), (0.0, "very_good"), (-9.9, "very_good"), (99999.9, "affects_health"),
])
def test_the_level_is_taken_from_tenths_rounded_half_up(value: float, level: str) -> None:
    assert INDEX.level("pm25", value) == level


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -10.1, 100_000.0])
def test_missing_and_impossible_values_have_no_level(value: float | None) -> None:
    assert INDEX.level("pm25", value) is None
    assert INDEX.sub_index("pm25", value) is None


def test_rounding_is_on_the_decimal_form_and_not_on_the_float() -> None:
    # 18.15 as a float is 18.149999…
    assert rounded(18.15, Decimal("0.1")) == Decimal("18.2")
    assert rounded(12.5, Decimal(1)) == 13
    assert rounded(0.1 + 0.2, Decimal("0.1")) == Decimal("0.3")


@given(st.integers(0, 1200), st.integers(0, 1200))
def test_more_dust_never_gives_a_lower_number(a: int, b: int) -> None:
    low, high = sorted((a / 10, b / 10))
    first, second = INDEX.sub_index("pm25", low), INDEX.sub_index("pm25", high)
    assert first is not None and second is not None and first.value <= second.value


def test_the_bands_leave_no_gap_on_the_grid_of_tenths() -> None:
    bands = INDEX.scales["pm25"].bands
    for lower, upper in pairwise(bands):
        assert lower.high is not None and upper.low - lower.high == Decimal("0.1")
        assert lower.last is not None and upper.first - lower.last == 1
