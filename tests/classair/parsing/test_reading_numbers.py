"""Numbers of devices: understood whole or not at all, never cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.parsing.numbers import number_between, number_in, says_nothing


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", 12.5),
        (" 12,5 ", 12.5),
        ("0,125", 0.125),
        ("1234,567", 1234.567),
        ("-3,5", -3.5),
        ("\N{MINUS SIGN}3", -3),
        ("๑๒.๕", 12.5),
        ("๒๔", 24),
        (".5", 0.5),
        ("7.", 7),
        ("1,5e1", 15),
        ("1.234", 1.234),
        (811, 811),
    ],
)
def test_a_number_is_understood(text: str | int, value: float) -> None:
    assert number_in(text, 1e9) == value


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1,234",
            "12,345",
            "-1,234",
            "1,234,567",
            "1,234.5",
            "1.234,5",
            "1 234",
            "1'234",
            "1_234",
            "1\xa0234",
            "1\u202f234",
        ),
        *(
            "",
            "nan",
            "NaN",
            "inf",
            "-inf",
            "1e999",
            "1e300",
            "9" * 50,
            "0x1f",
            "7\ufffd",
            "7 ug",
            "12:30",
            "1.2.3",
            "--",
        ),
        *(True, None, [], {}, float("nan"), float("inf"), 10**30),
    ],
)
def test_what_is_no_number_or_could_be_two_is_none(text: object) -> None:
    assert number_in(text, 1e9) is None


@given(st.integers(1, 999), st.integers(0, 999), st.sampled_from([",", " ", "'", "_", "\xa0", "\u202f", "’", "."]))
def test_thousands_are_never_cut_to_their_first_digits(whole: int, rest: int, separator: str) -> None:
    found = number_in(f"{whole}{separator}{rest:03}", 1e9)
    assert found in (None, whole * 1000 + rest, whole + rest / 1000)


@pytest.mark.parametrize("word", ["nan", "NaN", "", "null", "None", "-inf", "unavailable", "---", "N/A"])
def test_a_word_that_says_there_is_no_value(word: str) -> None:
    assert says_nothing(word)


@pytest.mark.parametrize("word", ["18 ug", "1_8", "error", "1,234"])
def test_a_word_that_is_no_such(word: str) -> None:
    assert not says_nothing(word)


@pytest.mark.parametrize("given", [True, None, "1", [1], {}, float("nan"), float("inf"), 10**400, -(10**400), -1, 3.1])
def test_what_is_no_number_within_its_bounds_is_none(given: object) -> None:
    assert number_between(given, 0, 3) is None
    assert [number_between(number, 0, 3) for number in (0, 2.5, 3)] == [0.0, 2.5, 3.0]
