"""The table of actions: every combination gives exactly one row, and no sentence of it does harm or is untrue."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import pytest

from classair import i18n
from classair.science import advice_words
from classair.science.advice import ROWS, TABLE, Facts, Need, choose, level_of

ALL: frozenset[Need] = frozenset({"purifier", "openings", "clean_room"})
KITS = [frozenset(kit) for size in range(4) for kit in combinations(sorted(ALL), size)]
LONG = frozenset({1000, 1500, 2000})
DUST = (None, 3.0, 15.0, 15.1, 25.0, 25.1, 30.0, 37.5, 37.6, 50.0, 75.0, 75.1)
CO2 = (None, 500.0, 1000.0, 1001.0, 1500.0, 1501.0, 2000.0, 2001.0)
UNITS = (
    ("on", False, False),
    ("on", False, True),
    ("off", False, False),
    ("off", True, False),
    ("unknown", False, False),
)


def plays(outside: float | None) -> tuple[int | None, ...]:
    """By the moment's level, or by a day that was worse; only where the table asks for it both."""
    now = level_of(outside) or None
    return (now, 5) if outside is not None and outside <= 25 else (now,)


def every_room() -> Iterator[tuple[Facts, frozenset[Need]]]:
    """A grid around every limit of the table."""
    for inside, outside, co2, (purifier, starts, flat), lasting, door in product(
        DUST, DUST, CO2, UNITS, (frozenset[int](), LONG), ("inside", "outside")
    ):
        for play in plays(outside):
            facts = Facts(
                inside,
                outside,
                co2,
                purifier=purifier,  # type: ignore[arg-type]
                starts_itself=starts,
                flat=flat,
                door=door,  # type: ignore[arg-type]
                play=play,
                co2_lasting=frozenset(limit for limit in lasting if co2 is not None and co2 > limit),
            )
            for has in KITS:
                yield facts, has


def words(row: str, has: frozenset[Need]) -> str:
    return i18n.t("en", advice_words.action_key(row, "openings" in has)).replace("‹", "").replace("›", "")


@pytest.mark.thorough
def test_every_combination_gives_exactly_one_action_that_does_no_harm() -> None:
    seen = set()
    said = {(row.id, has): words(row.id, has).lower() for row in TABLE for has in KITS}
    for facts, has in every_room():
        row = choose(facts, has)
        seen.add(row)
        text, inside, outside = said[row, has], facts.indoor, facts.outdoor
        if "open the windows" in text or "windows may be open" in text:
            assert outside is not None and outside <= 37.5, (row, facts, has)
            assert outside <= 25 or (inside is not None and outside <= inside), (row, facts, has)
        if "outside is cleaner" in text:
            assert inside is not None and outside is not None and outside < inside, (row, facts, has)
        if "carry on" in text or "good air" in text:
            assert inside is not None and inside <= 25 and not (outside or 0) > 37.5, (row, facts, has)
        if text in ("keep windows closed, purifier on", "keep the purifier on"):
            assert facts.purifier == "on", (row, facts, has)
        if "the purifier starts" in text:
            assert facts.purifier == "off" and facts.starts_itself, (row, facts, has)
        assert "purifier" not in text or "purifier" in has, (row, facts, has)
        assert "filter" not in text or ("purifier" in has and facts.flat), (row, facts, has)
        assert "window" not in text or "openings" in has, (row, facts, has)
        assert "clean room" not in text or "clean_room" in has, (row, facts, has)
        assert ("we don't know" in text or "until we know" in text or row == "0c") == (inside is None), (row, facts)
        assert "high outside" not in text or (outside or 0) > 37.5, (row, facts, has)
    assert seen == {row.id for row in TABLE}


@pytest.mark.parametrize(
    ("facts", "row"),
    [
        (Facts(None, 10, 1600, co2_lasting=LONG), "0c"),
        (Facts(None, 40), "0a"),
        (Facts(), "0"),
        (Facts(None, 30, 1600, co2_lasting=LONG), "0"),
        (Facts(80, 10), "1"),
        (Facts(80, 60), "2"),
        (Facts(40, 10), "3"),
        (Facts(30, 25.1, 2100, co2_lasting=LONG), "3b"),
        (Facts(26, 24, purifier="off"), "4"),
        (Facts(40, 60, purifier="off"), "4"),
        (Facts(40, 60, purifier="on", flat=True), "5"),
        (Facts(30, 60, purifier="on", flat=True), "7"),
        (Facts(30, None, purifier="off"), "6"),
        (Facts(30, 60, purifier="on"), "7"),
        (Facts(20, 15, 1600, co2_lasting=LONG), "8"),
        (Facts(36, 35, 1600, co2_lasting=LONG), "7"),
        (Facts(10, 30, 1600, co2_lasting=LONG), "9"),
        (Facts(10, None, 2100, co2_lasting=LONG), "9"),
        (Facts(10, 60, 1600, co2_lasting=LONG), "10"),
        (Facts(10, 60, 1600, co2_lasting=LONG, door="inside"), "9"),
        (Facts(10, 90, 1600, co2_lasting=LONG, door="inside"), "10"),
        (Facts(10, 10, 1100), "11"),
        (Facts(10, 30, 1100, co2_lasting=LONG), "12"),
        (Facts(10, None, 1600, co2_lasting=LONG), "12"),
        (Facts(10, 30, 1100), "15"),
        (Facts(10, 40, 1600), "13b"),
        (Facts(10, 40, purifier="on"), "13"),
        (Facts(10, 40, purifier="off", starts_itself=True), "13a"),
        (Facts(10, 40, purifier="off"), "13b"),
        (Facts(10, 15, play=1), "14"),
        (Facts(2, 15, play=3), "14"),
        (Facts(10, 15.1, play=2), "15"),
        (Facts(20, 25, play=2), "14"),
        (Facts(20, 25, play=4), "15"),
        (Facts(20, 25), "15"),
        (Facts(10, 30), "15"),
        (Facts(10, None), "15"),
    ],
)
def test_the_rows_of_the_table(facts: Facts, row: str) -> None:
    assert choose(facts, ALL) == row


@pytest.mark.parametrize(
    ("facts", "without", "row"),
    [
        (Facts(None, 10, 1600, co2_lasting=LONG), {"openings"}, "0"),
        (Facts(None, 40), {"purifier"}, "0b"),
        (Facts(None, 40), {"purifier", "openings"}, "0"),
        (Facts(80, 10), {"openings"}, "2"),
        (Facts(80, 60, purifier="off"), {"clean_room"}, "4"),
        (Facts(50, 30), {"purifier"}, "3a"),
        (Facts(50, 60), {"purifier"}, "7a"),
        (Facts(50, 60), {"purifier", "clean_room"}, "7b"),
        (Facts(30, 60), {"purifier"}, "7c"),
        (Facts(30, None), {"purifier"}, "7c"),
        (Facts(30, 27), {"purifier"}, "7d"),
        (Facts(30, 20, 1600, co2_lasting=LONG), {"purifier", "openings"}, "9"),
        (Facts(10, 60), {"openings", "purifier"}, "13c"),
        (Facts(10, 60, purifier="on"), {"openings"}, "13"),
        (Facts(10, 10, play=1), {"openings"}, "15"),
    ],
)
def test_a_row_whose_needs_are_missing_is_passed_over(facts: Facts, without: set[Need], row: str) -> None:
    assert choose(facts, ALL - without) == row


def test_limits_are_judged_on_tenths_rounded_half_up() -> None:
    assert choose(Facts(25.04, 60, purifier="on"), ALL) == "13"
    assert choose(Facts(25.05, 60, purifier="on"), ALL) == "7"
    assert choose(Facts(10, 37.54), ALL) == "15"
    assert choose(Facts(10, 37.55), ALL) == "13b"
    assert choose(Facts(30.1, 25, purifier="on"), ALL) == "3" and choose(Facts(30, 25, purifier="on"), ALL) == "7"


def test_a_level_that_is_still_shown_counts_like_its_number() -> None:
    assert choose(Facts(24.8, 30, indoor_level=3), frozenset()) == "7c"
    assert choose(Facts(10, 37.4, outdoor_level=4), ALL) == "13b"
    # … but never opens a window: inside is compared by its number.
    assert choose(Facts(24.8, 20, indoor_level=3, purifier="on"), ALL) == "7"


def test_every_row_has_its_words_in_both_languages_in_at_most_three_phrases() -> None:
    for language, row, openings in product(i18n.LANGUAGES, TABLE, (True, False)):
        text = i18n.t(language, advice_words.action_key(row.id, openings))
        assert text.count("‹") == text.count("›") <= 3
        if not openings:
            assert "หน้าต่าง" not in text or "openings" in row.needs
            assert "indow" not in text or "openings" in row.needs
    assert all(
        i18n.texts("th")[key] != i18n.texts("en")[key]
        for key in i18n.texts("en")
        if key.startswith(("action.", "heat."))
    )


def test_rows_that_open_windows_say_so_in_the_table_as_in_their_words() -> None:
    for row in TABLE:
        text = words(row.id, ALL).lower()
        assert ("open the windows" in text or "windows may be open" in text) == ("opens_windows" in row.claims)
        closes = any(word in text for word in ("windows closed", "close windows", "shut the windows"))
        assert closes == row.closes_windows
    assert ROWS["13"].claims == {"runs"}


def test_dust_made_inside_is_said_only_where_the_room_is_worse_than_outdoors() -> None:
    made = advice_words.dust_is_made_inside
    assert made("3", Facts(40, 10)) and made("1", Facts(80, 10)) and made("3a", Facts(50, 30))
    assert not made("7", Facts(40, 10))
