"""Stepped speeds: the lowest that holds the target, quiet in lessons, full in heavy dust, and no hunting."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.control.speeds import FULL_ABOVE, Held, Room, choose
from classair.config.purifiers import Speed

T0 = 1_790_000_000_000
MINUTE = 60_000
SPEEDS = [
    Speed(name="quiet", cadr_m3h=200, dba=33),
    Speed(name="middle", cadr_m3h=450, dba=44),
    Speed(name="full", cadr_m3h=900, dba=60),
]
LESSON = Room(level=20, at=T0, target=12, off_loss=0.8, volume_m3=180, lesson=True, loudest_dba=45)
BREAK = replace(LESSON, lesson=False)


def live(room: Room, inflow: float, minutes: int, held: Held | None = None) -> tuple[list[int], float]:
    """A room with a steady inflow (µg/m³ an hour) under the choice: the speed of each minute, the last level."""
    assert room.level is not None
    level, chosen = room.level, []
    for minute in range(minutes):
        held = choose(SPEEDS, held, replace(room, level=level, at=room.at + minute * MINUTE))
        assert held is not None
        loss = room.off_loss + SPEEDS[held.index].cadr_m3h / room.volume_m3
        steady = inflow / loss
        level = steady + (level - steady) * math.exp(-loss / 60)
        chosen.append(held.index)
    return chosen, level


def changes(chosen: list[int]) -> int:
    return sum(a != b for a, b in pairwise(chosen))


def test_a_purifier_that_only_knows_on_and_off_has_no_speed() -> None:
    assert choose([], None, LESSON) is None
    assert choose([], Held(1, T0), LESSON) is None


@pytest.mark.parametrize(("inflow", "speed"), [(15, 0), (30, 1), (60, 2)])
def test_in_a_break_it_ends_at_the_lowest_speed_that_holds_the_target(inflow: float, speed: int) -> None:
    chosen, level = live(BREAK, inflow, 240)
    assert set(chosen[-60:]) == {speed} and level <= BREAK.target


@given(st.floats(1, 400), st.floats(5, 200), st.booleans())
def test_it_does_not_hunt_in_a_steady_room(inflow: float, start: float, lesson: bool) -> None:
    chosen, _ = live(replace(LESSON, level=start, lesson=lesson), inflow, 480)
    assert changes(chosen[120:]) <= 2


@given(st.floats(0, 0.9 * FULL_ABOVE * (0.8 + 2.5) / (0.8 + 5)), st.integers(0, 2), st.integers(10, 60))
def test_a_lesson_never_hears_more_than_its_limit_unless_dust_is_heavy(level: float, was: int, minutes: int) -> None:
    held = choose(
        SPEEDS, Held(was, T0 - minutes * MINUTE, calm_since=T0 - minutes * MINUTE), replace(LESSON, level=level)
    )
    assert held is not None and held.index <= 1


def test_heavy_dust_is_answered_at_full_speed_at_once_and_left_after_ten_calm_minutes() -> None:
    held = choose(SPEEDS, Held(0, T0 - MINUTE), replace(LESSON, level=37.6))
    assert held is not None and held.index == 2
    assert choose(SPEEDS, None, replace(LESSON, level=60)) == Held(2, T0)
    for minute in range(1, 15):
        held = choose(SPEEDS, held, replace(LESSON, level=15, at=T0 + minute * MINUTE))
        assert held is not None and held.index == (2 if minute < 11 else 1)


def test_a_lesson_bears_the_noise_where_its_quiet_would_bring_heavy_dust_back() -> None:
    chosen, level = live(replace(LESSON, level=60), inflow=150, minutes=360)
    assert set(chosen) == {2} and level < FULL_ABOVE < 150 / (0.8 + 450 / 180)


def test_where_every_speed_is_too_loud_a_lesson_gets_the_slowest() -> None:
    loud = [replace_dba(speed, 58) for speed in SPEEDS]
    assert choose(loud, None, LESSON) == Held(0, T0)


def test_a_speed_of_unknown_loudness_is_not_taken_for_loud() -> None:
    assert choose([replace_dba(speed, None) for speed in SPEEDS], None, LESSON) == Held(2, T0)


def test_without_a_value_it_runs_as_fast_as_a_lesson_may_hear() -> None:
    assert choose(SPEEDS, Held(0, T0 - MINUTE), replace(LESSON, level=None)) == Held(1, T0)
    assert choose(SPEEDS, Held(0, T0 - MINUTE), replace(BREAK, level=None)) == Held(2, T0)


def test_speeds_that_were_taken_out_of_the_configuration_are_not_asked_for() -> None:
    assert choose(SPEEDS[:1], Held(2, T0 - MINUTE), LESSON) == Held(0, T0)


def replace_dba(speed: Speed, dba: float | None) -> Speed:
    return speed.model_copy(update={"dba": dba})
