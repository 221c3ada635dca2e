"""The practice week: made of the decisions alone, honest about what each way costs, and away from everything live."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from classair.science import advice
from dashboard.training import world
from dashboard.training.world import DECISIONS, LETTERS, MOMENTS, Decision

decisions = some.lists(some.sampled_from(DECISIONS), max_size=len(MOMENTS))


@given(decisions)
def test_the_same_decisions_make_the_same_week_and_all_its_numbers_are_possible(made: list[Decision]) -> None:
    week = world.play(made)
    assert week == world.play(made)
    assert len(week.steps) == min(len(made) + 1, len(MOMENTS))
    assert week.over == (len(made) == len(MOMENTS))
    worst = max(moment.outdoor for moment in MOMENTS)
    for step in week.steps:
        assert 0 <= step.room.pm25 < worst + 10
        assert world.CO2_OUTSIDE <= step.room.co2 < 6000
        assert step.row in advice.ROWS
        assert step.level != "unknown"


def test_who_follows_the_wall_breathes_half_the_dust_of_who_does_nothing_and_less_stale_air_than_who_shuts_up() -> None:
    advised, nothing, shut = (
        world.play(made)
        for made in (world.followed(), ["nothing"] * len(MOMENTS), ["purify"] * len(MOMENTS))  # type: ignore[list-item]
    )
    assert advised.mean is not None and nothing.mean is not None
    assert advised.mean < nothing.mean / 2
    assert advised.stuffy < shut.stuffy


def test_the_advised_decision_of_every_row_does_what_its_words_say() -> None:
    for row in advice.TABLE:
        decision = world.as_advised(row.id)
        if row.closes_windows:
            assert decision in ("close", "purify", "nothing")
        if "opens_windows" in row.claims:
            assert decision == "open"
        assert (decision == "clean_room") == ("clean_room" in row.needs)


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_whole_week_can_be_played_and_says_on_every_page_that_it_is_practice(house: Any, language: str) -> None:
    told = "ฝึกซ้อม" if language == "th" else "Practice."
    for letters in ["", *("opcrn"[: n + 1] for n in range(5)), "p" * 15, "n" * 14]:
        answer = house.ask(f"/training?d={letters}&lang={language}")
        assert answer.status == 200
        assert told in answer.text
    assert house.ask("/training?d=x").status == 404
    assert house.ask("/training?d=" + "o" * 16).status == 404


def test_every_decision_has_its_letter() -> None:
    assert sorted(LETTERS.values()) == sorted(DECISIONS)
    assert world.decisions_of("".join(LETTERS)) == list(LETTERS.values())
