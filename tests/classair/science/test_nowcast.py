"""NowCast: the published example, a rational oracle on random windows with gaps, and hours that come in any order."""

from __future__ import annotations

import math
import random
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.science.indexes.known import INDEXES
from classair.science.nowcast import Minutes, NowCastStream, hours_before, nowcast
from classair.units import HOUR_MS, MINUTE_MS
from research.nowcast_vector import nowcasts

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
def test_thousands_of_windows_equal_the_rational_oracle_in_both_paths(
    quantity: str, places: int, exhaustive: bool, chance: random.Random
) -> None:
    count = (100_000 if quantity == "pm25" else 10_000) // (1 if exhaustive else 20)
    windows = random_windows(count, chance)
    many = nowcasts(np.array([[math.nan if v is None else v for v in window] for window in windows]), quantity)
    for window, value, hours in zip(windows, many.value.tolist(), many.hours.tolist(), strict=True):
        right, found = oracle(window, places), nowcast(window, quantity)
        if right is None:
            assert found is None and math.isnan(value) and hours == 0
        else:
            assert found is not None and F(found.value) == right, window
            assert value == float(found.value) and hours == found.hours, window


def test_constant_hours_give_themselves() -> None:
    for tenths in range(10_000):
        found = nowcast([tenths / 10] * 12)
        assert found is not None and found.value == Decimal(tenths) / 10
    grid = np.repeat(np.arange(10_000)[:, None] / 10, 12, axis=1)
    assert nowcasts(grid).value.tolist() == [tenths / 10 for tenths in range(10_000)]


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
    assert nowcasts([[10.0] * 12 + [900.0]]).value.tolist() == [10.0]


def test_negative_hours_count_as_zero_and_clean_air_is_zero() -> None:
    assert nowcast([-3.0, 0.0, 0.0]) == nowcast([0.0, 0.0, 0.0])
    found = nowcast([-3.0] * 12)
    assert found is not None and found.value == 0


def test_other_shapes_and_pollutants_are_refused() -> None:
    with pytest.raises(ValueError, match="rows"):
        nowcasts(np.zeros(12))
    with pytest.raises(KeyError):
        nowcast([1.0] * 12, "co2_ppm")


# -- as the hours come -------------------------------------------------------------------------------------------------

hour_values = st.one_of(st.none(), st.floats(-9, 500).map(lambda x: round(x, 3)))


@given(st.lists(st.tuples(st.integers(0, 30), hour_values, st.integers(0, 2)), max_size=60), st.randoms())
def test_hours_in_any_order_with_repetitions_give_what_the_batch_gives(
    arrivals: list[tuple[int, float | None, int]],
    chance: random.Random,
) -> None:
    def said(word: tuple[int, float | None, int]) -> tuple[int, float]:
        return word[2], -math.inf if word[1] is None else word[1]

    final: dict[int, tuple[int, float | None, int]] = {}
    for word in arrivals:
        if word[0] not in final or said(word) > said(final[word[0]]):
            final[word[0]] = word
    means = [(hour * HOUR_MS, value) for hour, value, _ in final.values()]
    shuffled = arrivals + arrivals[: len(arrivals) // 2]
    chance.shuffle(shuffled)
    stream = NowCastStream()
    shown = {}
    for hour, value, revision in shuffled:
        for touched in stream.add(hour * HOUR_MS, value, revision):
            shown[touched] = stream.at(touched)
    for hour in range(31):
        batch = nowcast(hours_before(hour * HOUR_MS, means))
        assert stream.at(hour * HOUR_MS) == batch
        # Whoever redraws only what `add` names shows the same.
        assert shown.get(hour * HOUR_MS) == (batch if hour * HOUR_MS in shown else None)


def test_a_late_hour_changes_the_eleven_after_it_and_no_others() -> None:
    stream = NowCastStream()
    for hour in range(20):
        stream.add(hour * HOUR_MS, 10.0)
    before = [stream.at(hour * HOUR_MS) for hour in range(20)]
    assert stream.add(5 * HOUR_MS, 10.0) == []
    touched = stream.add(5 * HOUR_MS, 90.0, revision=1)
    assert touched == [hour * HOUR_MS for hour in range(5, 17)]
    assert [stream.at(hour * HOUR_MS) != before[hour] for hour in range(20)] == [5 <= h < 17 for h in range(20)]


@given(
    st.lists(st.tuples(st.integers(0, 119), st.floats(0, 300).map(lambda x: round(x, 2))), max_size=200), st.randoms()
)
def test_minutes_in_any_order_make_the_same_hour_once(
    words: list[tuple[int, float]],
    chance: random.Random,
) -> None:
    first, second = Minutes(), Minutes()
    for minute, value in words:
        first.add(minute * MINUTE_MS, value)
    again = words * 2
    chance.shuffle(again)
    for minute, value in again:
        second.add(minute * MINUTE_MS, value)
    for hour in (0, HOUR_MS):
        assert first.mean(hour) == second.mean(hour)
        kept = {minute for minute, _ in words if minute * MINUTE_MS // HOUR_MS * HOUR_MS == hour}
        assert (first.mean(hour) is not None) is (len(kept) >= 45)


def test_what_is_forgotten_is_incomplete_and_not_wrong() -> None:
    minutes, stream = Minutes(), NowCastStream()
    for minute in range(60):
        minutes.add(minute * MINUTE_MS, 8.3)
    mean = minutes.mean(0)
    assert mean == F("8.3")
    for hour in range(3):
        stream.add(hour * HOUR_MS, mean)
    found = stream.at(2 * HOUR_MS)
    assert found is not None and found.value == Decimal("8.3")
    minutes.forget_before(HOUR_MS)
    stream.forget_before(HOUR_MS)
    assert minutes.mean(0) is None
    assert stream.at(HOUR_MS) is None or stream.at(HOUR_MS).hours == 1  # type: ignore[union-attr]
