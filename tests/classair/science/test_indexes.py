"""Levels and index numbers, against values the Pollution Control Department published and the printed band ends."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.science.averages import day_is_complete, hour_is_complete
from classair.science.indexes import overall, rounded
from classair.science.indexes.known import DEFAULT, INDEXES
from classair.science.indexes.thai2023 import INDEX
from research.index_arrays import sub_indices


@pytest.mark.parametrize(
    ("mean", "value"),
    [
        (12.4, 21),
        (21.7, 42),
        (34.1, 87),
        (52.3, 140),
        (0.0, 0),
        (15.0, 25),
        (15.1, 26),
        (25.0, 50),
        (25.1, 51),
        (37.5, 100),
        (37.6, 101),
        (75.0, 200),
    ],
)
def test_pm25_gives_the_published_number(mean: float, value: int) -> None:
    found = INDEX.sub_index("pm25", mean)
    assert found is not None and (found.value, found.open_ended) == (value, False)


@pytest.mark.parametrize(
    ("index", "quantity", "mean", "value", "source"),
    [
        ("thai2023", "pm25", "34.1", 87, "Air4Thai, station 54t, 7 May 2024"),
        ("thai2023", "pm10", "73", 44, "the same record"),
        ("thai2023", "co_ppm", "1.20", 7, "the same record"),
        ("thai2018", "no2_ppb", "30", 13, "Air4Thai, 17 February 2019: 12.5 goes up"),
        ("usepa2024", "pm25", "6.3", 35, "EPA-454/B-24-002"),
        ("usepa2024", "pm25", "20.0", 71, "EPA-454/B-24-002"),
        ("usepa2024", "pm25", "35.46", 100, "cut off to 35.4"),
        ("usepa2024", "pm25", "60.0", 154, "table"),
        ("usepa2024", "pm25", "180.0", 255, "table"),
        ("usepa2024", "pm10", "100.9", 73, "cut off to 100"),
        ("usepa2012", "pm25", "20.0", 68, "table"),
        ("usepa2012", "pm25", "5.4", 23, "22.5 goes up"),
    ],
)
def test_published_records_and_worked_examples(index: str, quantity: str, mean: str, value: int, source: str) -> None:
    for form in (mean, float(mean), Decimal(mean)):
        found = INDEXES[index].sub_index(quantity, form)
        assert found is not None and (found.value, found.open_ended) == (value, False), source
        assert (found.index, found.quantity) == (index, quantity)


def test_above_500_the_us_line_goes_on_and_says_so() -> None:
    found = INDEXES["usepa2024"].sub_index("pm25", 410.0)
    assert found is not None and (found.value, found.open_ended, found.key, found.shown) == (
        669,
        True,
        "hazardous",
        "669",
    )


def test_the_overall_index_names_the_pollutant_that_set_it() -> None:
    record = [INDEX.sub_index("pm25", "34.1"), INDEX.sub_index("pm10", "73"), INDEX.sub_index("co_ppm", "1.20"), None]
    worst = overall(record)
    assert worst is not None and (worst.value, worst.quantity, worst.averaging) == (87, "pm25", "24 h")
    assert overall([None, None]) is None and overall([]) is None


def test_only_a_mean_over_the_index_s_own_time_is_called_aqi() -> None:
    assert INDEX.named("pm25", "24 h") == "aqi"
    assert INDEXES["usepa2024"].named("pm25", "nowcast") == "nowcast_aqi"
    assert INDEX.named("pm25", "nowcast") == INDEX.named("pm25", "1 h") == INDEX.named("pm25", "15 min") == "level"
    assert INDEXES["who2021"].named("pm25", "24 h") == "level"


@pytest.mark.parametrize(("minutes", "hours"), [(44, 17), (45, 18)])
def test_three_quarters_make_an_hour_and_a_day(minutes: int, hours: int) -> None:
    assert hour_is_complete(minutes) is (minutes == 45)
    assert day_is_complete(hours) is (hours == 18)


def test_indices_say_since_when_they_hold_and_where_they_are_written() -> None:
    assert DEFAULT.key == "thai2023"
    for key, index in INDEXES.items():
        assert index.key == key and index.source
        assert index.valid_from is None or index.valid_until is None or index.valid_from < index.valid_until
    assert not INDEX.scales["o3_ppb"].bands[0].confirmed and INDEX.scales["pm25"].bands[0].confirmed


@pytest.mark.parametrize("index", INDEXES)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -10.1, 100_000.0, "NaN", "-11", "1e9"])
def test_no_index_says_anything_of_missing_and_impossible_values(index: str, value: float | str | None) -> None:
    for quantity in INDEXES[index].scales:
        assert INDEXES[index].sub_index(quantity, value) is None
        many = sub_indices(INDEXES[index], quantity, [value])
        assert (many.value.tolist(), many.level.tolist(), many.open_ended.tolist()) == ([-1], [0], [False])


@pytest.mark.parametrize("text", ["", "-", "abc", "1_000", "12,5", "0x1f"])
def test_a_text_that_is_no_number_is_a_fault_and_not_clean_air(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        INDEX.sub_index("pm25", text)


anything = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-12, 1100),
    st.floats(0, 1100).map(lambda x: round(x, 2)),
    st.integers(-1200, 11_000_000).map(lambda k: k / 100),
    st.integers(-(10**9), 10**11).map(lambda k: k / 1_000_000),
    # Halves of the sixth decimal, where floats and decimals part.
    st.integers(-(10**7), 10**10).map(lambda k: (2 * k + 1) / 2_000_000),
)


@given(st.sampled_from(list(INDEXES.values())), st.lists(anything, min_size=1, max_size=40))
def test_arrays_give_what_single_values_give(index: object, values: list[float]) -> None:
    for quantity in index.scales:  # type: ignore[attr-defined]
        many = sub_indices(index, quantity, np.array(values))  # type: ignore[arg-type]
        for place, value in enumerate(values):
            one = index.sub_index(quantity, value)  # type: ignore[attr-defined]
            found = (int(many.value[place]), int(many.level[place]), bool(many.open_ended[place]))
            right = (
                (-1, 0, False) if one is None else (-1 if one.value is None else one.value, one.level, one.open_ended)
            )
            assert found == right, (quantity, value)


def test_above_the_last_printed_end_the_index_is_open() -> None:
    found = INDEX.sub_index("pm25", 88.0)
    assert found is not None and (found.value, found.open_ended, found.shown) == (201, True, ">200")


def test_pm10_gives_the_published_number() -> None:
    found = INDEX.sub_index("pm10", 73.0)
    assert found is not None and found.value == 44


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (15.04, "very_good"),
        (15.049999, "very_good"),
        (15.05, "good"),
        (25.0499, "good"),
        (25.05, "moderate"),
        (37.54, "moderate"),
        (37.55, "starts_to_affect_health"),
        (75.04, "starts_to_affect_health"),
        (75.05, "affects_health"),
        (0.0, "very_good"),
        (-9.9, "very_good"),
        (99999.9, "affects_health"),
    ],
)
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
