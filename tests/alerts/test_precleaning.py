"""Pre-cleaning: a room's own losses are learned from its runs, and the lead makes the air clean in time."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.control.losses import AIR_CHANGES, DEPOSITION, Losses, LossFollower, Point, assumed, fit, read, written
from alerts.control.precleaning import LONGEST, SHORTEST, Lead, Plan, lead
from classair.science.balance import steady_state

T0 = 1_790_000_000_000
MINUTE = 60_000


def fall(loss: float, start: float, steady: float, minutes: int, noise: float = 0.0, seed: int = 1) -> list[Point]:
    rng = random.Random(seed)
    return [
        Point(T0 + m * MINUTE, steady + (start - steady) * math.exp(-loss * m / 60) + rng.gauss(0, noise))
        for m in range(minutes + 1)
    ]


def mornings(follower: LossFollower, n: int, loss: float, share: float, noise: float = 0.5, before: float = 60) -> None:
    """Runs of 45 minutes in an empty room that children then enter, a day apart."""
    rng = random.Random(7)
    for day in range(n):
        at = T0 + day * 86_400_000
        for m in range(30):
            follower.add(at + m * MINUTE, before + rng.gauss(0, noise), full=False, off=True, empty=True)
        for point in fall(loss, before, share * before, 45):
            level = point.level + rng.gauss(0, noise)
            follower.add(point.at - T0 + at + 30 * MINUTE, level, full=True, off=False, empty=True)
        follower.add(at + 76 * MINUTE, share * before, full=True, off=False, empty=False)


@given(st.floats(1.5, 14), st.floats(30, 200), st.floats(0, 0.4))
def test_a_fall_without_noise_gives_its_loss_rate_and_where_it_ends(loss: float, start: float, share: float) -> None:
    found = fit(fall(loss, start, share * start, 40))
    assert found is not None
    assert found[0] == pytest.approx(loss, rel=0.04)
    assert found[1] == pytest.approx(share * start, abs=0.03 * start)


@pytest.mark.parametrize(
    "points",
    [
        fall(5, 60, 8, 7),  # too short
        fall(5, 12, 8, 40),  # too small
        fall(0.2, 60, 8, 40),  # too slow for a purifier
        [*fall(5, 60, 8, 20), *(Point(T0 + (21 + m) * MINUTE, 60.0) for m in range(20))],  # a window opened
        fall(5, 60, 8, 40, noise=15),  # a sensor that says nothing
        [],
    ],
)
def test_what_is_not_one_clear_fall_teaches_nothing(points: list[Point]) -> None:
    assert fit(points) is None


def test_a_room_is_assumed_to_be_ordinary_until_three_of_its_runs_are_known() -> None:
    follower = LossFollower()
    mornings(follower, 2, loss=4.0, share=0.3)
    assert follower.losses(200, 800) == assumed(200, 800) == Losses(AIR_CHANGES + DEPOSITION + 4, 0.8)
    mornings(follower, 1, loss=4.0, share=0.3)
    learned = follower.losses(200, 800)
    assert learned.measured
    assert learned.on == pytest.approx(4.0, rel=0.15) and learned.share_left == pytest.approx(0.3, abs=0.06)


def test_one_odd_morning_does_not_move_what_was_learned() -> None:
    follower = LossFollower()
    mornings(follower, 6, loss=6.0, share=0.15)
    before = follower.losses(180, 900)
    mornings(follower, 1, loss=1.2, share=0.5)
    after = follower.losses(180, 900)
    assert after.on == pytest.approx(before.on, rel=0.1)


def test_runs_beside_children_or_with_silences_teach_nothing() -> None:
    beside, silent = LossFollower(), LossFollower()
    for m in range(30):
        beside.add(T0 + m * MINUTE, 60, full=False, off=True, empty=False)
        silent.add(T0 + m * MINUTE, 60, full=False, off=True, empty=True)
    for point in fall(5, 60, 8, 45):
        beside.add(point.at + 30 * MINUTE, point.level, full=True, off=False, empty=False)
        if not 10 <= (point.at - T0) // MINUTE < 20:
            silent.add(point.at + 30 * MINUTE, point.level, full=True, off=False, empty=True)
    for follower in (beside, silent):
        follower.add(T0 + 80 * MINUTE, 8, full=False, off=True, empty=True)
        assert follower.runs == ()


def test_what_was_learned_outlives_a_restart_and_a_damaged_memory_is_no_memory() -> None:
    follower = LossFollower()
    mornings(follower, 4, loss=5.0, share=0.2)
    assert read(written(follower)).runs == follower.runs != ()
    for damaged in (None, "", "{}", "[{}]", "null", '[{"at": 1, "loss": 1e9, "share_left": 0.1}]', "[1]"):
        assert read(damaged).runs == ()


def test_the_lead_of_the_worked_room() -> None:
    """V 200, a 0.5, k 0.3, CADR 800: Λ 4.8; from 45 to 15 with Css 7.5, ln(37.5/7.5)/4.8 h = 20.1 min, by 1.5."""
    found = lead(45, 15, assumed(200, 800))
    assert found.why == "reachable"
    assert found.floor == pytest.approx(7.5)
    assert found.minutes == pytest.approx(1.5 * 20.12, abs=0.05)


@given(st.floats(0, 500) | st.none(), st.floats(20, 500), st.floats(50, 3000), st.floats(0, 500) | st.none())
def test_a_lead_is_none_at_all_or_within_its_bounds(
    level: float | None, volume: float, cadr: float, outdoor: float | None
) -> None:
    found = lead(level, 15, assumed(volume, cadr), outdoor)
    assert found.minutes == 0 or SHORTEST <= found.minutes <= LONGEST
    assert (found.minutes == 0) == (level is not None and level <= 15) == (found.why == "not_needed")
    assert found.why != "unreachable" or found.minutes == LONGEST


@given(st.floats(16, 400), st.floats(0.3, 1.5), st.floats(1, 12))
def test_a_room_is_clean_in_time_whenever_it_can_be(start: float, off: float, clean: float) -> None:
    losses = Losses(off + clean, off, True)
    found = lead(start, 15, losses)
    if found.why == "reachable":
        steady = steady_state(start * off, 0, losses.on)
        reached = steady + (start - steady) * math.exp(-losses.on * found.minutes / 60)
        assert reached <= 15.01 or found.minutes == LONGEST


def test_clean_air_needs_no_pre_cleaning_and_a_smoky_day_the_longest() -> None:
    losses = assumed(200, 800)
    assert lead(14.9, 15, losses) == Lead(0.0, "not_needed")
    assert lead(150, 15, losses).why == "unreachable"
    assert lead(30, 15, losses, outdoor=200).why == "unreachable"
    unknown = lead(None, 15, losses)
    assert unknown.why == "unknown" and unknown.minutes > lead(40, 15, losses).minutes


def test_pre_cleaning_begins_by_its_lead_and_goes_on_until_the_children_come() -> None:
    block = T0 + 60 * MINUTE
    half_an_hour = Lead(30, "reachable")
    assert not Plan().after(block - 31 * MINUTE, block, half_an_hour).running
    begun = Plan().after(block - 30 * MINUTE, block, half_an_hour)
    assert begun.running
    assert begun.after(block - 10 * MINUTE, block, Lead(0, "not_needed")).running, "the air got clean on its way"
    assert not begun.after(block, block + 86_400_000, half_an_hour).running
    assert not begun.after(block - 10 * MINUTE, None, half_an_hour).running, "a holiday was entered"
