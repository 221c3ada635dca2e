"""NowCast: the published example, and a rational oracle on random windows with gaps."""

from __future__ import annotations

import math
import random
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction as F

import pytest

from classair.science.indexes.known import INDEXES
from classair.science.nowcast import nowcast

# Published by AirNow-Tech, oldest to newest.
PUBLISHED = [34.9, 43, 50, 64.9, 69.2, 66.2, 53.7, 48.6, 49.2, 35, None, 21]


def oracle(newest_first: list[float | None], places: int = 1) -> F | None:
    """The four rules as they are written, in fractions; cut off to `places` decimals."""
    c = [None if value is None or math.isnan(value) else max(F(repr(value)), F(0)) for value in newest_first]
    if sum(value is not None for value in c[:3]) < 2:
        return None
    valid = [(i, value) for i, value in enumerate(c) if value is not None]
    most, least = max(v for _, v in valid), min(v for _, v in valid)
    w = F(1) if most == 0 else max(least / most, F(1, 2))
    exact = sum((w**i * value for i, value in valid), F(0)) / sum((w**i for i, _ in valid), F(0))
    return F(exact * 10**places // 1, 10**places)


def test_the_published_example() -> None:
    found = nowcast(PUBLISHED[::-1])
    assert found is not None
    assert (found.unrounded, found.value, found.hours) == (Decimal("28.409801"), Decimal("28.4"), 11)
    sub = INDEXES["usepa2024"].sub_index("pm25", found.value)
    assert sub is not None and sub.value == 87


def random_windows(n: int, chance: random.Random) -> list[list[float | None]]:
    """Windows as they occur and as they hurt: smoke, calm, constant, tied at a half, zero, with gaps."""
    windows: list[list[float | None]] = []
    for number in range(n):
        kind = number % 6
        top = chance.choice([1.0, 12.0, 60.0, 400.0, 1500.0])
        if kind == 0:
            window = [round(chance.uniform(0, top), 1) for _ in range(12)]
        elif kind == 1:
            window = [round(chance.uniform(top / 2, top), 6) for _ in range(12)]
        elif kind == 2:
            window = [round(chance.uniform(0, top), chance.choice([0, 1, 2]))] * 12
        elif kind == 3:
            window = [round(top * chance.uniform(0.9, 1.1), 1) for _ in range(12)]
        elif kind == 4:
            window = [chance.choice([-3.0, 0.0, 0.1, top, top / 2]) for _ in range(12)]
        else:
            window = [round(abs(chance.gauss(top, top / 10)), 1) for _ in range(12)]
        gaps = chance.choice([0.0, 0.0, 0.1, 0.3, 0.6])
        windows.append([None if chance.random() < gaps else value for value in window])
    return windows


@pytest.mark.parametrize(("quantity", "places"), [("pm25", 1), ("pm10", 0)])
@pytest.mark.thorough
def test_thousands_of_windows_equal_the_rational_oracle(
    quantity: str, places: int, exhaustive: bool, chance: random.Random
) -> None:
    count = (100_000 if quantity == "pm25" else 10_000) // (1 if exhaustive else 20)
    for window in random_windows(count, chance):
        right, found = oracle(window, places), nowcast(window, quantity)
        if right is None:
            assert found is None, window
        else:
            assert found is not None and F(found.value) == right, window
            assert found.hours == sum(value is not None for value in window), window


def test_constant_hours_give_themselves() -> None:
    for tenths in range(10_000):
        found = nowcast([tenths / 10] * 12)
        assert found is not None and found.value == Decimal(tenths) / 10


def test_the_plain_float_sum_misses_two_constant_series_in_five() -> None:
    """Why fractions are used: the same rules in floats, cut off."""
    wrong = 0
    for tenths in range(1, 1001):
        hours = [tenths / 10] * 12
        plain = sum(value * 1.0**i for i, value in enumerate(hours)) / 12
        wrong += Decimal(repr(plain)).quantize(Decimal("0.1"), ROUND_DOWN) != Decimal(tenths) / 10
    assert wrong > 200


@pytest.mark.parametrize(
    ("window", "there"),
    [
        ([1.0, 2.0], True),
        ([None, 2.0, 3.0], True),
        ([1.0, None, 3.0], True),
        ([1.0, None, None, 4.0, 5.0], False),
        ([None, None, None], False),
        ([], False),
        ([1.0], False),
        ([math.nan, 2.0, 3.0], True),
        ([-11.0, 2.0, None], False),
    ],
)
def test_two_of_the_newest_three_hours_are_needed_and_nothing_else(window: list[float | None], there: bool) -> None:
    assert (nowcast(window) is not None) is there


def test_a_thirteenth_hour_is_not_looked_at() -> None:
    assert nowcast([10.0] * 12 + [900.0]) == nowcast([10.0] * 12)


def test_negative_hours_count_as_zero_and_clean_air_is_zero() -> None:
    assert nowcast([-3.0, 0.0, 0.0]) == nowcast([0.0, 0.0, 0.0])
    found = nowcast([-3.0] * 12)
    assert found is not None and found.value == 0


def test_other_pollutants_are_refused() -> None:
    with pytest.raises(KeyError):
        nowcast([1.0] * 12, "co2_ppm")
