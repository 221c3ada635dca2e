"""The words around an action: no two texts of one screen speak against each other."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from classair import i18n
from classair.science import advice, advice_words
from classair.science.advice import Facts, Need, choose, level_of
from classair.science.advice_words import Scene, children_key, known_texts
from classair.wire import PhaseTexts

KITS: list[frozenset[Need]] = [
    frozenset(kit)
    for size in range(4)
    for kit in combinations(("purifier", "openings", "clean_room"), size)  # type: ignore[misc]
]
DUST = (3.0, 20.0, 25.1, 30.0, 37.6, 60.0, 80.0)
LONG = frozenset({1000, 1500, 2000})
LINES = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health")

INDOORS = (
    "let's stay inside",
    "stay in the room",
    "| stay indoors",
    "dust is high outside: stay in",
)
OUT = ("play as usual", "outdoor play as usual", "learn and play")
GOOD = ("air is very clean", "good air", "the air in here is good")
BAD = ("so-so", "building up", "a lot of dust", "stuffy", "masks on indoors", "take the class out", "take the class to")
HERE = ("stay in the room", "masks on indoors", "dust is high outside: stay in", "let's stay inside", "carry on")
TO_CLEAN = ("take the class to the clean room", "everyone in a clean room", "stay with your teacher in the clean room")
CALM = ("carry on", "good air:")
ALARM = ("a lot of dust", "building up", "take the class", "dust is high outside")
AGAINST = ((INDOORS, OUT), (GOOD, BAD), (HERE, TO_CLEAN), (CALM, ALARM))


def spoken(told: PhaseTexts, ventilation: str) -> str:
    parts = (told.action, told.reason, told.children, ventilation)
    return " | ".join(parts).replace("‹", "").replace("›", "").lower()


def contradiction(text: str) -> tuple[str, str] | None:
    for one, other in AGAINST:
        for left in one:
            for right in other:
                rest = text.replace(left, "", 1) if right in left else text
                if left in text and right in rest:
                    return left, right
    return None


@pytest.mark.thorough
def test_no_two_texts_of_one_screen_contradict() -> None:
    lines, seen = set(), 0
    for inside, outside, co2, lasting, purifier, has, day, is_clean, held in product(
        DUST,
        (None, *DUST),
        (None, 1100.0, 2200.0),
        (False, True),
        ("on", "off"),
        KITS,
        (1, 4, 5),
        (False, True),
        (0, 1),
    ):
        level = min(5, level_of(inside) + held)
        play = None if outside is None else max(day, level_of(outside))
        facts = Facts(
            inside,
            outside,
            co2,
            indoor_level=level,
            outdoor_level=level_of(outside),
            purifier=purifier,  # type: ignore[arg-type]
            starts_itself=purifier == "off",
            play=play,
            co2_lasting=frozenset(limit for limit in LONG if lasting and co2 is not None and co2 > limit),
        )
        row = choose(facts, has)
        ventilation = "fresh" if co2 is None or co2 <= 1000 else "getting stuffy" if co2 <= 1500 else "stuffy"
        scene = Scene(
            row,
            LINES[level - 1],
            level,
            play,
            stuffy=ventilation != "fresh",
            made_inside=advice_words.dust_is_made_inside(row, facts),
            heat="danger",
            openings="openings" in has,
            is_clean=is_clean,
        )
        text = spoken(known_texts("en", scene), ventilation)
        seen += 1
        lines.add(children_key(scene))
        if is_clean:
            text = text.replace("everyone in a clean room", "")  # this is it
        assert (found := contradiction(text)) is None, (found, text, facts, has)
        assert ("very hot" in text) == advice.ROWS[row].closes_windows, text
    assert seen > 30_000
    assert lines == {key.removeprefix("children.") for key in KEYS}


KEYS = [key for key in i18n.texts("en") if key.startswith("children.") and not key.startswith("children.unknown")]


def test_the_line_for_children_is_that_of_the_design() -> None:
    def line(row: str, worst: int, play: int | None, **more: bool) -> str:
        return i18n.t("en", f"children.{children_key(Scene(row, LINES[worst - 1], worst, play, **more))}")

    for row in ("1", "2", "3", "3a", "7a"):
        assert line(row, 4, 1) == "Do as your teacher says."
    assert line("15", 1, 1) == "The air is very clean. Breathe easy."
    assert line("15", 2, 2) == "Good air. Learn and play as usual."
    assert line("15", 2, 3) == line("15", 1, 3) == "The air in here is good. Learn as usual."
    assert line("13", 2, 4) == line("13", 1, 5) == "The air in here is good. Let's stay inside together."
    assert line("7", 4, 4) == "Dust is building up. Let's stay inside together."
    assert line("7", 5, 5) == "A lot of dust today. Stay in the room with your teacher."
    assert line("7", 5, 5, is_clean=True) == "A lot of dust today. Stay with your teacher in the clean room."


def test_in_a_yard_the_line_for_children_is_not_of_a_room() -> None:
    for worst, play in product(range(1, 6), range(1, 6)):
        if play < worst:
            continue
        told = known_texts("en", Scene(advice.OUTDOOR_ROW, LINES[worst - 1], worst, play))
        assert contradiction(spoken(told, "")) is None and "in here" not in told.children


def test_what_is_told_ahead_opens_nothing_and_names_no_value() -> None:
    for outside, has in product((None, *DUST), KITS):
        row = advice_words.row_when_unknown(Facts(20, outside), has)
        assert row in ("0", "0a", "0b") and advice.ROWS[row].needs <= has
        assert (row != "0") == (outside is not None and outside > 37.5 and bool(has & {"purifier", "openings"}))
