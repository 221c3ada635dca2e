"""The heat index against the weather service's own table, and its bands against the Department of Health's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair import i18n
from classair.science.heat import BANDS, NOT_HOT, heat_band, heat_index_c

# The weather service's chart: °F by °F and %, whole numbers as printed there.
CHART = [
    (80, 40, 80),
    (84, 75, 92),
    (86, 90, 105),
    (88, 60, 95),
    (90, 40, 91),
    (90, 60, 100),
    (90, 70, 105),
    (90, 100, 132),
    (92, 60, 105),
    (94, 50, 103),
    (96, 50, 108),
    (98, 45, 109),
    (100, 40, 109),
    (100, 55, 124),
    (104, 40, 119),
    (110, 40, 136),
]


def celsius(fahrenheit: float) -> float:
    return (fahrenheit - 32) * 5 / 9


@pytest.mark.parametrize(("temp_f", "rh", "printed"), CHART)
def test_the_printed_chart_is_met_within_the_regressions_error(temp_f: int, rh: int, printed: int) -> None:
    found = heat_index_c(celsius(temp_f), rh)
    assert found is not None and abs(found * 9 / 5 + 32 - printed) <= 1.3


def test_worked_values_in_celsius() -> None:
    assert heat_index_c(35, 60) == pytest.approx(45.1, abs=0.1)
    assert heat_index_c(32, 70) == pytest.approx(40.4, abs=0.1)
    assert heat_index_c(20, 50) == pytest.approx(19.7, abs=0.1)  # the simple formula
    assert heat_index_c(40, 10) == pytest.approx(36.7, abs=0.1)  # dry air, with its adjustment


@given(st.floats(27, 45), st.floats(40, 99))
def test_damper_air_feels_no_cooler(temp: float, rh: float) -> None:
    drier, damper = heat_index_c(temp, rh), heat_index_c(temp, rh + 1)
    assert drier is not None and damper is not None and damper >= drier - 0.15


@given(st.floats(-20, 26), st.floats(0, 100))
def test_cool_air_is_near_its_temperature(temp: float, rh: float) -> None:
    found = heat_index_c(temp, rh)
    assert found is not None and abs(found - temp) < 6


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True))
def test_no_input_makes_it_fail(temp: float, rh: float) -> None:
    found = heat_index_c(temp, rh)
    assert heat_band(found) in ("", NOT_HOT, *(band for band, _ in BANDS))


@pytest.mark.parametrize(
    ("value", "band"),
    [
        (None, ""),
        (-300.0, "not_hot"),
        (-12.5, "not_hot"),
        (26.94, "not_hot"),
        (26.95, "caution"),
        (27.0, "caution"),
        (32.9, "caution"),
        (33.0, "warning"),
        (41.9, "warning"),
        (41.95, "danger"),
        (42.0, "danger"),
        (51.9, "danger"),
        (52.0, "extreme_danger"),
        (60.0, "extreme_danger"),
    ],
)
def test_the_bands_begin_where_the_department_says(value: float | None, band: str) -> None:
    assert heat_band(value) == band
    assert not band or all(i18n.has(f"heat.{band}") for _ in i18n.LANGUAGES)


def test_nothing_is_told_without_temperature_or_humidity() -> None:
    assert heat_index_c(None, 50) is heat_index_c(30, None) is None
    assert heat_index_c(30, 101) is heat_index_c(30, -1) is None
