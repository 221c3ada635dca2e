"""What is said of a room, on simulated rooms of which everything is known, and on formulas worked by hand."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.science import balance
from research.rooms.cleaning import Cleaning, cleaning, filter_due
from research.rooms.estimate import Estimate, interval_by_group
from research.rooms.exposure import avoided, exposure
from research.rooms.infiltration import infiltration, ratio
from research.rooms.simulated import Played, Truth, play, unidentifiable
from research.rooms.ventilation import decay_rate, decays, from_decays, from_lessons

pytestmark = pytest.mark.thorough


def various(seed: int, **known: float | bool) -> Truth:
    chance = np.random.default_rng(seed)
    return replace(
        Truth(
            air_changes=float(np.exp(chance.uniform(np.log(0.4), np.log(5)))),
            people=int(chance.integers(20, 40)),
            volume_m3=float(chance.uniform(140, 220)),
            cadr_m3h=float(chance.uniform(250, 700)),
            deposition=float(chance.uniform(0.1, 0.4)),
            outdoor_pm=float(chance.uniform(40, 150)),
        ),
        **known,
    )


def heard(room: Played, truth: Truth) -> Cleaning:
    return cleaning(room.start_ms, room.pm25, room.outdoor_pm25, room.purifier, truth.volume_m3)


# -- formulas ----------------------------------------------------------------------------------------------------------


def test_the_worked_room_of_200_m3() -> None:
    loss = balance.loss_rate(0.5, 0.3, 800, 200)
    inflow = 0.8 * 0.5 * 90
    assert loss == pytest.approx(4.8)
    assert balance.steady_state(inflow, 0, loss) == pytest.approx(7.5)
    assert balance.steady_state(inflow, 0, 0.8) == pytest.approx(45)
    assert balance.effectiveness(800, 200, loss) == pytest.approx(0.83, abs=0.005)
    assert balance.minutes_to(25, 70, 7.5, loss) == pytest.approx(15.9, abs=0.05)
    assert balance.cadr_needed(15, inflow, 0, 0.5, 0.3, 200) == pytest.approx(320)


def test_a_target_below_the_steady_level_is_never_reached() -> None:
    assert balance.minutes_to(5, 70, 7.5, 4.8) is None


def test_two_points_and_persons_as_in_the_worked_examples() -> None:
    assert balance.two_point_air_changes(1800, 800, 420, 1) == pytest.approx(1.290, abs=0.0005)
    assert balance.two_point_air_changes(1800, 400, 420, 1) is None
    assert balance.litres_per_second_each(1400, 420, 0.0041) == pytest.approx(4.18, abs=0.005)
    assert balance.rebreathed_fraction(1400, 420) == pytest.approx(0.026, abs=0.0005)


# -- ventilation -------------------------------------------------------------------------------------------------------


def test_air_changes_are_found_within_a_tenth_in_the_median_of_many_rooms() -> None:
    off = []
    for seed in range(12):
        truth = various(seed)
        room = play(truth, 8, seed, switching=False)
        told = from_decays(room.start_ms, room.co2, room.occupied)
        if told.value is not None:
            off.append(abs(told.value / truth.air_changes - 1))
            assert told.low is not None and told.high is not None
            assert told.low <= told.value <= told.high
    assert len(off) >= 9
    assert np.median(off) <= 0.10


def test_where_co2_does_not_say_it_nothing_is_told() -> None:
    told = [
        (why, name)
        for seed in range(3)
        for why, room in unidentifiable(seed)
        for name, method in (("decay", from_decays), ("lesson", from_lessons))
        if method(room.start_ms, room.co2, room.occupied).known
    ]
    assert len(told) <= 0.05 * 3 * 7 * 2, told


def test_a_lesson_tells_air_changes_where_they_hold_still() -> None:
    truth = Truth(air_changes=2.0, wander=0.0)
    room = play(truth, 6, 3, switching=False)
    told = from_lessons(room.start_ms, room.co2, room.occupied)
    assert told.value == pytest.approx(2.0, rel=0.1)


def test_breaks_and_afternoons_are_told_apart() -> None:
    room = play(Truth(air_changes=4.0, night_air_changes=0.8, wander=0.0), 6, 1, switching=False)
    kinds = {decay.when for decay in decays(room.start_ms, room.co2, room.occupied)}
    assert "after_school" in kinds
    told = from_decays(room.start_ms, room.co2, room.occupied, when="after_school")
    assert told.value == pytest.approx(0.8, rel=0.1)
    assert told.method == "co2_decay_after_school"


@given(rate=st.floats(0.6, 6), start=st.floats(800, 4000))
def test_a_pure_exponential_gives_its_own_rate(rate: float, start: float) -> None:
    minutes = np.arange(120.0)
    found = decay_rate(minutes, start * np.exp(-rate * minutes / 60))
    if found is not None:
        assert found[0] == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize(
    "excess",
    [
        np.full(60, 800.0),
        np.linspace(300, 290, 60),
        np.full(60, np.nan),
        np.linspace(900, 101, 10),
        np.zeros(60),
    ],
    ids=["flat", "hardly falls", "nothing", "ten minutes", "no excess"],
)
def test_what_is_no_decay_is_none(excess: np.ndarray) -> None:
    assert decay_rate(np.arange(float(excess.size)), excess) is None


def test_a_window_opened_on_the_way_is_no_decay() -> None:
    minutes = np.arange(90.0)
    excess = 2000 * np.exp(-np.where(minutes < 45, minutes, 45 + (minutes - 45) * 4) / 60)
    assert decay_rate(minutes, excess) is None


# -- purifiers ---------------------------------------------------------------------------------------------------------


def test_clean_air_is_found_within_fifteen_percent() -> None:
    off = []
    for seed in range(5):
        truth = various(100 + seed)
        found = heard(play(truth, 8, seed), truth)
        assert found.effect is True
        assert found.clean_air.value is not None
        off.append(abs(found.clean_air.value / truth.cadr_m3h - 1))
    assert max(off) <= 0.15


@pytest.mark.parametrize("seed", range(4))
def test_no_benefit_is_told_of_a_purifier_that_is_not_plugged_in(seed: int) -> None:
    truth = various(200 + seed, plugged_in=False)
    room = play(truth, 8, seed)
    found = heard(room, truth)
    assert found.effect is not True
    assert not avoided(found, room.pm25, room.outdoor_pm25, room.purifier, room.occupied).known


def test_a_purifier_that_is_never_switched_cannot_be_told() -> None:
    truth = Truth()
    found = heard(play(truth, 6, 1, switching=False), truth)
    assert (found.effect, found.clean_air.why) == (None, "few_switchings")


def test_an_old_filter_shows() -> None:
    young, old = Truth(cadr_m3h=500.0), Truth(cadr_m3h=280.0)
    first, recent = heard(play(young, 6, 1), young).clean_air, heard(play(old, 6, 2), old).clean_air
    assert filter_due(first, recent) is True
    assert filter_due(first, heard(play(young, 6, 3), young).clean_air) is False
    assert filter_due(first, replace(recent, value=None)) is None


def test_what_a_purifier_kept_away_is_near_what_the_same_room_has_without_it() -> None:
    truth = Truth(wander=0.0, sources_per_day=0.0)
    room, bare = play(truth, 8, 5), play(replace(truth, plugged_in=False), 8, 5)
    told = avoided(heard(room, truth), room.pm25, room.outdoor_pm25, room.purifier, room.occupied)
    really = bare.pm25[bare.occupied].mean() - room.pm25[room.occupied].mean()
    assert told.value == pytest.approx(really, rel=0.2)
    assert told.low is not None and told.high is not None
    assert told.low <= told.value <= told.high


# -- indoor and outdoor ------------------------------------------------------------------------------------------------


def test_the_infiltration_factor_of_a_quiet_room_is_found() -> None:
    truth = Truth(air_changes=1.5, wander=0.0, sources_per_day=0.0)
    room = play(truth, 8, 2, switching=False)
    told = infiltration(room.start_ms, room.pm25, room.outdoor_pm25, room.occupied, room.purifier)
    assert told.value == pytest.approx(balance.infiltration_factor(0.85, 1.5, 0.3), rel=0.1)


def test_ratios_of_small_numbers_are_not_told() -> None:
    truth = Truth(outdoor_pm=5.0)
    room = play(truth, 4, 2, switching=False)
    assert ratio(room.start_ms, room.pm25, room.outdoor_pm25).why == "few_hours"


def test_a_purifier_that_is_not_known_to_be_off_leaves_no_quiet_hour() -> None:
    room = play(Truth(), 4, 2, switching=False)
    unknown = np.full(room.co2.size, np.nan)
    assert not infiltration(room.start_ms, room.pm25, room.outdoor_pm25, room.occupied, unknown).known


# -- exposure ----------------------------------------------------------------------------------------------------------


def test_exposure_counts_lesson_time_only_and_says_its_coverage() -> None:
    pm25, lesson = np.full(1440, 10.0), np.zeros(1440, bool)
    lesson[480:720] = True
    pm25[480:540], pm25[600:660] = 50.0, np.nan
    told = exposure(pm25, lesson)
    assert (told.coverage, told.hours) == (0.75, 4.0)
    assert told.mean == pytest.approx((50 + 10 + 10) / 3)
    assert told.peak_hour == 50.0
    assert told.dose == pytest.approx(told.mean * 4)


def test_below_three_quarters_there_is_no_mean() -> None:
    pm25, lesson = np.full(240, 10.0), np.ones(240, bool)
    pm25[:75] = np.nan
    told = exposure(pm25, lesson)
    assert (told.mean, told.dose, told.peak_hour) == (None, None, None)


def test_no_lessons_are_no_exposure() -> None:
    assert exposure(np.full(60, 10.0), np.zeros(60, bool)).mean is None


# -- intervals ---------------------------------------------------------------------------------------------------------


def test_the_same_data_give_the_same_interval_and_two_days_give_none() -> None:
    values = np.arange(30.0)
    days = [n // 3 for n in range(30)]
    one, two = (interval_by_group(days, lambda drawn: float(values[drawn].mean())) for _ in range(2))
    assert one == two
    assert one is not None and one[0] < values.mean() < one[1]
    assert interval_by_group([0, 0, 1], lambda drawn: 1.0) is None


def test_an_estimate_without_a_value_is_not_known() -> None:
    assert not Estimate("air_changes", "1/h", "co2_decay", 1, None, why="no_decay").known


def test_a_long_stretch_is_worked_out_without_holding_every_draw_of_every_minute() -> None:
    size, draws = 60 * 1440, 120
    found = Cleaning(
        Estimate("clean_air", "m³/h", "switching_response", 1, 300.0),
        True,
        1.0,
        1.0,
        np.tile([np.log(0.5), np.log(1.0), 2.0], (draws, 1)),
    )
    minute = np.arange(size)
    purifier = (minute // 120 % 2).astype(float)
    indoor, outdoor, lesson = np.full(size, 10.0), np.full(size, 60.0), minute % 1440 < 400
    tracemalloc.start()
    told = avoided(found, indoor, outdoor, purifier, lesson)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told.known and peak < draws * size, "bytes: less than one for each draw of each minute"
