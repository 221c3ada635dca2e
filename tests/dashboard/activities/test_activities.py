"""Activities of a class: guesses, what changed around a moment, and an experiment that is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as some

from classair.timetable import ZONE
from dashboard.activities import guessing
from dashboard.activities.guessing import NoGuess, Truth
from research.lesson_air import LessonAir, LessonSlot

ROOM = "ban-suan.p1-2"


def air(*slots: tuple[float | None, float | None]) -> LessonAir:
    return LessonAir(ROOM, tuple(LessonSlot(i * 900_000, *pair) for i, pair in enumerate(slots)))


def test_the_truth_is_what_was_measured_and_nothing_where_nothing_was() -> None:
    day = air((20.0, 40.0), (41.3, 50.0), (None, 60.0))
    assert guessing.truth("highest", day) == Truth(41.3, 900_000)
    assert guessing.truth("good", day) == Truth(50)
    assert guessing.truth("outside", day) == Truth("lower")
    assert guessing.truth("outside", air((20.0, 22.9))) == Truth("same")
    assert [guessing.truth(one, air((None, None))) for one in guessing.QUESTIONS] == [None, None, None]


@given(some.floats(0, 500), some.floats(0, 500))
def test_a_guess_is_too_high_exactly_when_it_is_well_above_the_truth(guess: float, real: float) -> None:
    said = guessing.verdict("highest", guess, Truth(real))
    assert (said == "too_high") == (guess - real > 5)
    assert (said == "too_low") == (real - guess > 5)


@pytest.mark.parametrize("typed", ["", "many", "-1", "501", "nan", "inf", "1e9"])
def test_what_is_no_guess_is_said_to_be_none(typed: str) -> None:
    with pytest.raises(NoGuess):
        guessing.guess_of("highest", typed)


def test_thai_digits_and_a_comma_are_numbers() -> None:
    assert guessing.guess_of("highest", " ๔๑ ") == 41.0
    assert guessing.guess_of("good", "12,5") == 12.5


# -- the page ----------------------------------------------------------------------------------------------------------


def ago(minutes: int) -> tuple[str, str]:
    at = datetime.now(ZONE) - timedelta(minutes=minutes)
    return at.strftime("%Y-%m-%d"), at.strftime("%H:%M")


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_page_says_what_changed_around_a_moment_and_never_why(house: Any, language: str) -> None:
    day, at = ago(45)
    answer = house.ask(f"/activity/{ROOM}?lang={language}&day={day}&at={at}")
    assert answer.status == 200
    assert ("ก่อนหน้านั้น" if language == "th" else "before and") in answer.text
    assert ("ยังไม่ใช่ข้อพิสูจน์" if language == "th" else "not proof") in answer.text
    assert '<path d="M' in answer.text


def test_a_quarter_of_an_hour_that_is_not_over_is_waited_for(house: Any) -> None:
    day, at = ago(5)
    assert "not over yet" in house.ask(f"/activity/{ROOM}?lang=en&day={day}&at={at}").text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("at=25:99", "hours and minutes"),
        ("at=ก", "hours and minutes"),
        ("day=2026-13-01&at=09:00", "Choose a day"),
        ("day=2020-01-01&at=09:00", "within the last week"),
        ("at=00:00&until=23:59", "within three hours"),
    ],
)
def test_times_that_make_no_sense_are_said_beside_the_field_and_kept(house: Any, asked: str, said: str) -> None:
    day = "" if "day=" in asked else f"&day={ago(0)[0]}"
    answer = house.ask(f"/activity/{ROOM}?lang=en&question=why{day}&{quote(asked, safe='=&')}")
    assert said in answer.text
    assert 'value="why"' in answer.text


def test_words_that_a_class_types_are_text_and_no_markup(house: Any) -> None:
    answer = house.ask(f"/activity/{ROOM}?lang=en&question={quote('<script>x</script>')}&highest={quote('<b>')}")
    assert "<script>x" not in answer.text and "<b>" not in answer.text.replace("<b>", "", 0).split("kept-head")[0]


def test_a_room_outdoors_or_one_that_does_not_exist_has_no_activities(house: Any) -> None:
    assert house.ask("/activity/ban-suan.yard").status == 404
    assert house.ask("/activity/ban-suan.nowhere").status == 404


def test_only_who_may_note_events_of_the_room_is_offered_to_keep_an_experiment(house: Any) -> None:
    day, at = ago(45)
    page = f"/activity/{ROOM}?lang=en&day={day}&at={at}"
    assert "A teacher signs in" in house.ask(page).text
    assert "save-experiment" not in house.ask(page).text
