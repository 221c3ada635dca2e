"""Every value from 0.00 to 1000.00 in all indices, single and as an array, against an oracle in exact fractions; a
sample of them and all about the ends of the rows, unless --all is given.

The tables below are written out a second time, by hand, from the publications; nothing here is read from the program.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as F
from typing import Any

import numpy as np
import pytest

from classair.science.indexes.known import INDEXES
from research.index_arrays import sub_indices

Row = tuple[str, str | None, int | None, int | None]  # low, high, first, last
THAI = ((0, 25), (26, 50), (51, 100), (101, 200), (201, None))
EPA = ((0, 50), (51, 100), (101, 150), (151, 200), (201, 300), (301, 500))
EPA_OLD = (*EPA[:5], (301, 400), (401, 500))
NO_NUMBERS = ((None, None),) * 6


def rows(ends: str, numbers: tuple[tuple[int | None, int | None], ...]) -> list[Row]:
    pairs = [part.split("-") for part in ends.split()]
    return [(low, high or None, first, last) for (low, high), (first, last) in zip(pairs, numbers, strict=True)]


GASES = {
    "o3_ppb": (1, rows("0-35 36-50 51-70 71-120 121-", THAI)),
    "co_ppm": (10, rows("0-4.4 4.5-6.4 6.5-9.0 9.1-30.0 30.1-", THAI)),
    "no2_ppb": (1, rows("0-60 61-106 107-170 171-340 341-", THAI)),
    "so2_ppb": (1, rows("0-100 101-200 201-300 301-400 401-", THAI)),
    "pm10": (1, rows("0-50 51-80 81-120 121-180 181-", THAI)),
}
# index → pollutant → (steps in one unit, rows); None steps: no rounding. EPA's are cut off, all others rounded half up.
TABLES: dict[str, dict[str, tuple[int | None, list[Row]]]] = {
    "thai2023": {**GASES, "pm25": (10, rows("0-15.0 15.1-25.0 25.1-37.5 37.6-75.0 75.1-", THAI))},
    "thai2018": {**GASES, "pm25": (1, rows("0-25 26-37 38-50 51-90 91-", THAI))},
    "usepa2024": {
        "pm25": (10, rows("0.0-9.0 9.1-35.4 35.5-55.4 55.5-125.4 125.5-225.4 225.5-325.4", EPA)),
        "pm10": (1, rows("0-54 55-154 155-254 255-354 355-424 425-604", EPA)),
    },
    "usepa2012": {
        "pm25": (10, rows("0.0-12.0 12.1-35.4 35.5-55.4 55.5-150.4 150.5-250.4 250.5-350.4 350.5-500.4", EPA_OLD)),
        "pm10": (1, rows("0-54 55-154 155-254 255-354 355-424 425-504 505-604", EPA_OLD)),
    },
    "who2021": {
        "pm25": (10, rows("0-15 15.1-25 25.1-37.5 37.6-50 50.1-75 75.1-", NO_NUMBERS)),
        "pm10": (10, rows("0-45 45.1-50 50.1-75 75.1-100 100.1-150 150.1-", NO_NUMBERS)),
        "pm25_year": (10, rows("0-5 5.1-10 10.1-15 15.1-25 25.1-35 35.1-", NO_NUMBERS)),
        "pm10_year": (10, rows("0-15 15.1-20 20.1-30 30.1-50 50.1-70 70.1-", NO_NUMBERS)),
    },
    "euaqi2024": {
        "pm25": (None, rows("0-5 5-15 15-50 50-90 90-140 140-", NO_NUMBERS)),
        "pm10": (None, rows("0-15 15-45 45-120 120-195 195-270 270-", NO_NUMBERS)),
    },
}
CASES = [(index, quantity) for index, table in TABLES.items() for quantity in table]
# The older Thai index has its columns from the newer one, PM2.5 apart: the same objects need no second look.
DIFFERENT = [
    case
    for case in CASES
    if case[0] != "thai2018"
    or case[1] == "pm25"
    or INDEXES["thai2018"].scales[case[1]] is not INDEXES["thai2023"].scales[case[1]]
]
EVERY = range(100_001)
AROUND = range(-51, 52)  # hundredths about the end of a row: where whole numbers and tenths are rounded or cut off
Answer = tuple[int | None, bool, int]


def ends(index: str, quantity: str) -> set[int]:
    """In hundredths, with what lies about them."""
    _, table = TABLES[index][quantity]
    found = {
        round(F(end) * 100) + step for low, high, _, _ in table for end in (low, high or "1000") for step in AROUND
    }
    return found & set(EVERY)


def half_up(x: F) -> int:
    return (2 * x.numerator + x.denominator) // (2 * x.denominator)


def oracle(index: str, quantity: str) -> Callable[[int], Answer]:
    """(index number, open-ended, level) of a value in hundredths, in fractions."""
    per_unit, table = TABLES[index][quantity]
    cuts_off = index.startswith("usepa")
    known: dict[int, Answer] = {}

    def of(x: F) -> Answer:
        for level, (low, high, first, last) in enumerate(table, 1):
            if high is not None and x > F(high) and not (cuts_off and level == len(table)):
                continue
            if first is None:
                return None, high is None, level
            if high is None or last is None:
                return first, True, level
            line = F(last - first) / (F(high) - F(low)) * (x - F(low)) + first
            return half_up(line), x > F(high), level
        raise AssertionError("the last row has no end")

    def answer(hundredths: int) -> Answer:
        # In whole steps of the table, cut off or rounded half up without leaving integers.
        steps = (
            hundredths
            if per_unit is None
            else (hundredths * per_unit // 100 if cuts_off else (2 * hundredths * per_unit + 100) // 200)
        )
        if steps not in known:
            known[steps] = of(F(steps, 100 if per_unit is None else per_unit))
        return known[steps]

    return answer


def test_no_index_and_no_pollutant_is_left_out() -> None:
    assert {(index, quantity) for index, found in INDEXES.items() for quantity in found.scales} == set(CASES)


@pytest.mark.parametrize(("index", "quantity"), DIFFERENT)
def test_every_value_equals_the_rational_oracle_in_both_paths(index: str, quantity: str, sample: Any) -> None:
    right_of = oracle(index, quantity)
    some = sample(EVERY, 3000, always=ends(index, quantity))
    expected = [right_of(k) for k in some]
    single = INDEXES[index].sub_index
    floats = [k / 100 for k in some]
    for value, right in zip(floats, expected, strict=True):
        found = single(quantity, value)
        assert found is not None and (found.value, found.open_ended, found.level) == right, value
    many = sub_indices(INDEXES[index], quantity, np.array(floats))
    assert many.value.tolist() == [-1 if value is None else value for value, _, _ in expected]
    assert many.open_ended.tolist() == [is_open for _, is_open, _ in expected]
    assert many.level.tolist() == [level for _, _, level in expected]


@pytest.mark.parametrize(("index", "quantity"), [case for case in CASES if case[1] == "pm25"])
def test_decimal_texts_give_what_floats_give(index: str, quantity: str, sample: Any) -> None:
    some = sample(EVERY[:20_001], 1000)
    texts = [f"{k // 100}.{k % 100:02}" for k in some]
    right = oracle(index, quantity)
    many = sub_indices(INDEXES[index], quantity, texts)
    for place, (k, text) in enumerate(zip(some, texts, strict=True)):
        found = INDEXES[index].sub_index(quantity, text)
        assert found is not None and (found.value, found.open_ended, found.level) == right(k), text
        assert int(many.level[place]) == found.level
        assert int(many.value[place]) == (-1 if found.value is None else found.value)


def test_python_aqi_agrees_on_the_old_us_table_except_where_it_rounds_halves_to_even() -> None:
    """python-aqi 0.6.1 was asked for every hundredth up to 600: PM10 agrees throughout, PM2.5 at all but these tenths.

    It has the US table of 2012 alone, raises for values it has no row for (from 500.5 on, and below 0), and answers a
    missing value with an exception. For the index in force today (20.0 → 71) it is of no use: it says 68.
    """
    its_answers = {"0.6": 2, "3.0": 12, "5.4": 22, "7.8": 32, "10.2": 42}
    for text, its in its_answers.items():
        found = INDEXES["usepa2012"].sub_index("pm25", text)
        assert found is not None and found.value == its + 1  # exact halves go up
    now = INDEXES["usepa2024"].sub_index("pm25", "20.0")
    assert now is not None and now.value == 71
