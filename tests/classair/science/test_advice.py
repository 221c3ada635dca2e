"""The table of actions: every combination gives exactly one rule, and no window opens onto haze."""

from __future__ import annotations

from itertools import product

import pytest

from classair import i18n
from classair.science import advice
from classair.science.advice import RULES, TABLE, Facts, Need, choose

ALL: frozenset[Need] = frozenset({"purifier", "openings", "clean_room"})
LONG = {1000: advice.CO2_HOLD_MS, 1500: advice.CO2_HOLD_MS}
DUST = (None, 3.0, 20.0, 25.0, 25.1, 30.0, 37.5, 37.6, 50.0, 75.0, 75.1, 200.0)
CO2 = (None, 500.0, 1000.0, 1001.0, 1500.0, 1501.0, 3000.0)


def _held(co2: float | None, ms: int) -> dict[int, int]:
    return {limit: ms for limit in advice.CO2_LIMITS if co2 is not None and co2 > limit}


def test_every_combination_gives_exactly_one_rule_and_no_window_opens_onto_haze() -> None:
    seen = set()
    kits = [frozenset(kit) for kit in ((), ("purifier",), ("openings",), ("clean_room",), tuple(ALL))]
    for indoor, outdoor, co2, purifier, flat, ms, has in product(
        DUST, DUST, CO2, ("on", "off", "unknown"), (False, True), (0, advice.CO2_HOLD_MS), kits
    ):
        number = choose(Facts(indoor, outdoor, co2, purifier, flat, _held(co2, ms)), has)  # type: ignore[arg-type]
        seen.add(number)
        rule = RULES[number]
        if rule.opens_windows:
            assert outdoor is not None and outdoor <= 37.5
        assert rule.needs <= has
        assert (number == 0) == (indoor is None)
    assert seen == set(range(16))


@pytest.mark.parametrize(
    ("facts", "number"),
    [
        (Facts(), 0),
        (Facts(80, 10), 1),
        (Facts(80, 60), 2),
        (Facts(40, 10), 3),
        (Facts(26, 24, purifier="off"), 4),
        (Facts(40, 60, purifier="off"), 4),
        (Facts(40, 60, purifier="on", flat=True), 5),
        (Facts(30, 60, purifier="on", flat=True), 7),
        (Facts(30, None, purifier="off"), 6),
        (Facts(30, 60, purifier="on"), 7),
        (Facts(10, 30, 1600, co2_above=LONG), 8),
        (Facts(10, 60, 1600, co2_above=LONG), 9),
        (Facts(10, 90, 1600, co2_above=LONG), 10),
        (Facts(10, 10, 1100), 11),
        (Facts(10, 30, 1100, co2_above=LONG), 12),
        (Facts(10, None, 1600, co2_above=LONG), 12),
        (Facts(10, 30, 1100), 15),
        (Facts(10, 40, 1600), 13),
        (Facts(10, 40), 13),
        (Facts(10, 25), 14),
        (Facts(10, 30), 15),
        (Facts(10, None), 15),
    ],
)
def test_the_rows_of_the_table(facts: Facts, number: int) -> None:
    assert choose(facts, ALL) == number


def test_limits_are_judged_on_tenths_rounded_half_up() -> None:
    assert choose(Facts(25.04, 60, purifier="on"), ALL) == 13
    assert choose(Facts(25.05, 60, purifier="on"), ALL) == 7
    assert choose(Facts(10, 37.54), ALL) == 15
    assert choose(Facts(10, 37.55), ALL) == 13


def test_what_a_room_does_not_have_is_not_asked_of_it() -> None:
    assert choose(Facts(80, 10), ALL - {"openings"}) == 2
    assert choose(Facts(80, 60, purifier="off"), ALL - {"clean_room"}) == 4
    assert choose(Facts(30, 60), ALL - {"purifier"}) == 15
    assert choose(Facts(10, 10), ALL - {"openings"}) == 15


def test_co2_above_its_limit_counts_after_twenty_minutes() -> None:
    almost = {1000: advice.CO2_HOLD_MS - 1, 1500: advice.CO2_HOLD_MS - 1}
    assert choose(Facts(10, 30, 1600, co2_above=almost), ALL) == 15
    assert choose(Facts(10, 30, 1600, co2_above=LONG), ALL) == 8


def test_every_rule_has_its_words_in_both_languages_in_at_most_three_phrases() -> None:
    for language in i18n.LANGUAGES:
        for rule in TABLE:
            text = i18n.t(language, f"action.{rule.number}")
            assert text.count("‹") == text.count("›") <= 3
        for level in (*range(1, 6), None):
            assert i18n.has(f"outdoor_play.{advice.play_key(level)}")
    assert all(i18n.texts("th")[key] != i18n.texts("en")[key] for key in i18n.texts("en") if key.startswith("action."))


def test_dust_made_inside_is_said_only_where_the_room_is_worse_than_outdoors() -> None:
    assert advice.dust_is_made_inside(3, Facts(40, 10)) and advice.dust_is_made_inside(1, Facts(80, 10))
    assert not advice.dust_is_made_inside(7, Facts(40, 10))
