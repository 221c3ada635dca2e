"""What is said of a room, on simulated rooms of which everything is known, and on formulas worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classair.science import balance
from classair.units import DAY_MS
from research.rooms.ageing import aged, filter_ageing, stretches
from research.rooms.cleaning import Cleaning, avoided, cleaning, room_losses
from research.rooms.estimate import Estimate, interval_by_group, student_t, weighted_quantiles
from research.rooms.gains import gains
from research.rooms.infiltration import infiltration, quiet_hours, ratio
from research.rooms.minutes import Minutes
from research.rooms.of_room import estimates
from research.rooms.ventilation import baseline, decay_rate, decays, from_decays, from_lessons
from tests.research.rooms.known import DAYS, kinds, played, room

pytestmark = pytest.mark.thorough


def cleaned(of: Minutes, claimed_m3h: float | None = None) -> Cleaning:
    assert of.volume_m3 is not None
    return cleaning(
        of.start_ms,
        of.pm25,
        of.outdoor_pm25,
        of.purifier,
        of.volume_m3,
        of.occupied,
        of.windows,
        claimed_m3h=claimed_m3h or of.claimed_m3h,
    )


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


@pytest.mark.parametrize(("freedom", "right"), [(3, 3.182), (4, 2.776), (9, 2.262), (30, 2.042), (1000, 1.962)])
def test_students_t_is_that_of_the_tables(freedom: int, right: float) -> None:
    assert student_t(0.95, freedom) == pytest.approx(right, rel=0.01)


# -- ventilation -------------------------------------------------------------------------------------------------------


@given(rate=st.floats(0.3, 8), start=st.floats(500, 4000), every=st.sampled_from([1, 2, 5, 10]))
def test_a_pure_exponential_gives_its_own_rate_at_any_pace_of_the_logger(rate: float, start: float, every: int) -> None:
    minutes = np.arange(240.0)
    excess = np.where(minutes % every == 0, start * np.exp(-rate * minutes / 60), np.nan)
    found = decay_rate(minutes, excess)
    if found is not None:
        assert found[0] == pytest.approx(rate, rel=1e-6)


def test_five_values_of_a_ten_minute_logger_are_enough_and_four_are_not() -> None:
    minutes = np.arange(50.0)
    excess = np.where(minutes % 10 == 0, 1500 * np.exp(-1.5 * minutes / 60), np.nan)
    assert decay_rate(minutes, excess) is not None
    assert decay_rate(minutes[:40], excess[:40]) is None


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


@pytest.mark.parametrize(("clock", "outdoor", "offset"), [(0, 440, 0), (9, 405, 25), (-9, 515, -25)])
@pytest.mark.parametrize("logger_s", [5, 600])
def test_air_changes_after_school_are_found_whatever_clock_outdoor_air_and_logger(
    clock: float, outdoor: float, offset: float, logger_s: float
) -> None:
    of = room(
        shut_empty=1.2, logger_s=logger_s, co2_clock=clock, outdoor_co2=outdoor, co2_offset=offset, seed=int(clock) + 20
    )
    told = from_decays(of.start_ms, of.co2, of.occupied, of.outdoor_co2, when="after_school")
    assert told.value == pytest.approx(1.2, rel=0.2)
    assert told.low is not None and told.high is not None
    assert told.low < 1.2 < told.high
    assert told.method == "co2_decay_after_school"


def test_breaks_and_afternoons_are_told_apart() -> None:
    of = room("timer", "breaks", shut_empty=0.4, windows_add=3, seed=3)
    kinds = {decay.when for decay in decays(of.start_ms, of.co2, of.occupied)}
    assert "after_school" in kinds


def test_an_empty_room_tells_what_its_sensor_reads_outdoors() -> None:
    of = room(shut_empty=1.5, outdoor_co2=490, co2_offset=-20, outdoor_co2_swing=0)
    found = baseline(of.co2, of.occupied, of.outdoor_co2)
    assert found.measured
    assert np.median(found.level) == pytest.approx(470, abs=25)


def test_where_outdoor_co2_is_assumed_it_is_said() -> None:
    of = room()
    never_empty = np.ones(of.co2.size, bool)
    told = from_decays(of.start_ms, of.co2, never_empty)
    assert "outdoor_co2_assumed" in told.warnings


@pytest.mark.parametrize("kind", ["saturated", "never empty", "nobody comes", "mostly missing", "leaving one by one"])
def test_where_co2_does_not_say_it_nothing_is_told(kind: str) -> None:
    of = room(seed=7)
    co2, occupied, chance = of.co2, of.occupied, np.random.default_rng(7)
    if kind == "saturated":
        co2 = np.full(co2.size, 5000.0)
    elif kind == "never empty":
        occupied = np.ones(co2.size, bool)
    elif kind == "nobody comes":
        co2 = np.round(425 + chance.normal(0, 15, co2.size))
    elif kind == "mostly missing":
        co2 = np.where(chance.random(co2.size) < 0.995, np.nan, co2)
    else:
        co2 = np.round(1200 + np.clip(chance.normal(0, 6, co2.size).cumsum(), -500, 800))
    for when in (None, "break", "after_school"):
        assert not from_decays(of.start_ms, co2, occupied, when=when).known  # type: ignore[arg-type]
    assert not from_lessons(of.start_ms, co2, occupied).known


def test_a_lesson_tells_air_changes_where_they_hold_still() -> None:
    of = room(shut_taught=2.0, gusts=0.02, lateness=0)
    told = from_lessons(of.start_ms, of.co2, of.occupied)
    assert told.value == pytest.approx(2.0, rel=0.2)


# -- purifiers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "windows", "clock"),
    [("hysteresis", "lessons", 0), ("timer", "some days", 8), ("manual", "lessons", -8), ("hysteresis", "breaks", 4)],
)
def test_a_working_purifier_is_not_told_as_none_or_half_when_windows_are_open_with_pupils(
    control: str, windows: str, clock: float
) -> None:
    found = cleaned(room(control, windows, cadr=400, pm_clock=clock, outdoor_clock=-clock, seed=11))
    told = found.clean_air
    assert found.effect is True
    assert told.value == pytest.approx(400, rel=0.25)
    assert told.low is not None and told.high is not None
    assert told.low <= 400 <= told.high
    assert ("clocks_apart" in told.warnings) == (abs(clock) >= 8) or abs(clock) == 4


@pytest.mark.parametrize("gain", [0.7, 1.3])
def test_the_gain_of_a_sensor_does_not_change_the_clean_air(gain: float) -> None:
    told = cleaned(room(pm_gain=gain, outdoor_gain=2 - gain, seed=5)).clean_air
    assert told.value == pytest.approx(450, rel=0.15)


@pytest.mark.parametrize("logger_s", [5, 300, 600])
def test_clean_air_is_found_with_loggers_of_any_pace(logger_s: float) -> None:
    told = cleaned(room("timer", logger_s=logger_s, seed=6)).clean_air
    assert told.value == pytest.approx(450, rel=0.2)


@pytest.mark.parametrize("control", ["hysteresis", "timer"])
def test_a_purifier_that_is_not_plugged_in_has_no_benefit(control: str) -> None:
    of = room(control, cadr=0, seed=8)
    found = cleaned(of)
    assert found.effect is not True
    told = avoided(found, of.pm25, of.purifier, of.occupied, of.lesson, gains(found.losses, None))
    assert not any(one.known for one in told)


def test_no_effect_is_never_said_of_a_purifier_that_delivers_half_of_what_is_claimed() -> None:
    of = room("hysteresis", "lessons", cadr=225, seed=9)
    assert cleaned(of).effect is not False


def test_a_purifier_that_is_never_switched_cannot_be_told() -> None:
    of = room()
    found = cleaned(replace(of, purifier=np.zeros(of.pm25.size)))
    assert (found.effect, found.clean_air.why) == (None, "few_switchings")


def test_more_than_three_times_what_is_claimed_is_a_warning_with_its_value() -> None:
    told = cleaned(room("timer", cadr=800, seed=4), claimed_m3h=200).clean_air
    assert told.known and "above_claimed" in told.warnings


def test_what_a_purifier_kept_away_is_near_what_the_same_room_has_without_it() -> None:
    of, really = played(kinds("timer", seed=2), seed=2)
    found = cleaned(of[0])
    told, share = avoided(found, of[0].pm25, of[0].purifier, of[0].occupied, of[0].lesson, gains(found.losses, None))
    without, lesson = really.pm_without[0], of[0].lesson
    right = (without - really.pm[0])[lesson].mean()
    assert told.value == pytest.approx(right, rel=0.25)
    assert share.value == pytest.approx(right / without[lesson].mean(), rel=0.2)
    assert told.low is not None and told.high is not None
    assert told.low <= right <= told.high


# -- indoor and outdoor ------------------------------------------------------------------------------------------------


def test_the_infiltration_factor_of_a_quiet_room_is_found() -> None:
    of = room("manual", puffs_a_day=0, seed=2)
    losses = room_losses(of.start_ms, of.pm25, of.outdoor_pm25, of.purifier, of.occupied, of.windows)
    told = infiltration(of.start_ms, of.pm25, of.outdoor_pm25, of.occupied, of.purifier, losses)
    right = balance.infiltration_factor(0.85, 0.8, 0.25)
    assert told.low is not None and told.high is not None
    assert told.low <= right <= told.high <= 1.0


def test_a_ratio_above_one_in_quiet_hours_is_a_warning_and_the_factor_stays_below_one() -> None:
    of = room("manual", shut_empty=3, pm_gain=1.3, outdoor_gain=0.7, deposition=0.1, penetration=0.95, seed=3)
    told = infiltration(of.start_ms, of.pm25, of.outdoor_pm25, of.occupied, of.purifier)
    assert "ratio_above_one" in told.warnings
    assert told.value is not None and told.value <= 1.0


def test_ratios_of_small_numbers_are_not_told() -> None:
    of = room(outdoor_pm=4)
    assert ratio(of.start_ms, of.pm25, of.outdoor_pm25).why == "few_hours"


def test_a_purifier_that_is_not_known_to_be_off_leaves_no_quiet_hour() -> None:
    of = room()
    unknown = np.full(of.pm25.size, np.nan)
    assert not infiltration(of.start_ms, of.pm25, of.outdoor_pm25, of.occupied, unknown).known
    assert quiet_hours(of.start_ms, of.pm25, of.outdoor_pm25, of.occupied, unknown).median is None


# -- filters -----------------------------------------------------------------------------------------------------------

NEW_MS = 1_770_000_000_000


def clean_air(value: float, half: float) -> Estimate:
    return Estimate("clean_air", "m³/h", "switching_response", 2, value, value - half, value + half, 20, 1.0)


def test_a_filter_that_loses_a_tenth_in_thirty_days_is_due_when_it_has_lost_three() -> None:
    found = [(NEW_MS + n * 30 * DAY_MS, clean_air(500 * 0.9**n, 20)) for n in range(3)]
    told = aged(found, NEW_MS)
    assert told.share.value == pytest.approx(0.81, abs=0.01)
    assert (told.first_m3h, told.now_m3h) == (pytest.approx(500), pytest.approx(405))
    assert not told.due_now
    assert told.due is not None
    assert (told.due - date(2026, 2, 2)).days == pytest.approx(30 * np.log(0.7) / np.log(0.9), abs=2)


def test_a_filter_below_seventy_percent_is_due_now_and_one_that_holds_has_no_date() -> None:
    old = aged([(NEW_MS, clean_air(500, 20)), (NEW_MS + 60 * DAY_MS, clean_air(280, 20))], NEW_MS)
    good = aged([(NEW_MS, clean_air(500, 20)), (NEW_MS + 60 * DAY_MS, clean_air(505, 20))], NEW_MS)
    assert old.due_now and old.share.value == pytest.approx(0.56)
    assert (good.due_now, good.due) == (False, None)
    assert aged([(NEW_MS, clean_air(500, 20))], NEW_MS).share.why == "short_history"


@given(days=st.integers(0, 800))
def test_stretches_lie_inside_the_time_asked_for_and_do_not_overlap(days: int) -> None:
    found = stretches(NEW_MS, NEW_MS + days * DAY_MS)
    assert (len(found) >= 2) == (days >= 12)
    edges = [at for one in found for at in one]
    assert edges == sorted(edges)
    assert all(NEW_MS <= at <= NEW_MS + days * DAY_MS for at in edges)


def test_an_old_filter_shows_in_the_data() -> None:
    whole = [room("timer", cadr=cadr, seed=1) for cadr in (450, 250)]

    def read(start_ms: int, _end_ms: int) -> Minutes:
        return whole[0] if start_ms == NEW_MS else whole[1]

    told = filter_ageing(read, NEW_MS, NEW_MS + 2 * DAYS * DAY_MS)
    assert told.due_now
    assert told.share.value == pytest.approx(250 / 450, rel=0.2)


# -- properties --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    control=st.sampled_from(["hysteresis", "timer", "manual"]),
    windows=st.sampled_from(["shut", "lessons", "some days", "breaks", "mornings"]),
    cadr=st.floats(0, 900),
    gain=st.floats(0.3, 3),
    clock=st.floats(-10, 10),
    logger_s=st.sampled_from([5, 60, 300, 600]),
    gone=st.floats(0, 0.9),
)
def test_whatever_the_room_every_value_lies_in_its_interval_and_shares_stay_below_one(
    seed: int, control: str, windows: str, cadr: float, gain: float, clock: float, logger_s: int, gone: float
) -> None:
    of = room(
        control, windows, seed=seed, days=5, cadr=cadr, pm_gain=gain, pm_clock=clock, logger_s=logger_s, claimed=450
    )
    lost = np.random.default_rng(seed).random(of.pm25.size // 60 + 1) < gone
    holes = np.repeat(lost, 60)[: of.pm25.size]
    of = replace(of, pm25=np.where(holes, np.nan, of.pm25), co2=np.where(holes, np.nan, of.co2))
    told, effect = estimates(of)
    for one in told:
        if one.value is None:
            assert one.why
            continue
        assert one.low is not None and one.high is not None
        assert np.isfinite([one.low, one.value, one.high]).all()
        assert one.low <= one.value <= one.high
        if one.quantity == "infiltration_factor":
            assert 0 <= one.value <= 1
        if one.quantity == "clean_air":
            assert one.low >= 0
    assert effect is not False or cadr < 0.5 * 450


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(scale=st.floats(0.5, 2), seed=st.integers(0, 1000))
def test_both_sensors_reading_more_by_the_same_factor_change_no_rate(scale: float, seed: int) -> None:
    of = room("timer", seed=seed, days=5)
    louder = replace(of, pm25=of.pm25 * scale, outdoor_pm25=of.outdoor_pm25 * scale)
    one, two = cleaned(of).clean_air, cleaned(louder).clean_air
    if one.known and two.known:
        assert two.value == pytest.approx(one.value, rel=0.2)


def test_an_estimate_whose_value_lies_outside_its_interval_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="not inside"):
        Estimate("air_changes", "1/h", "co2_decay", 2, 3.0, 1.0, 2.0)


# -- intervals ---------------------------------------------------------------------------------------------------------


def test_the_same_data_give_the_same_interval_and_two_days_give_none() -> None:
    values = np.arange(30.0)
    days = [n // 3 for n in range(30)]
    one, two = (interval_by_group(days, lambda drawn: float(values[drawn].mean())) for _ in range(2))
    assert one == two
    assert one is not None and one[0] < values.mean() < one[1]
    assert interval_by_group([0, 0, 1], lambda drawn: 1.0) is None


def test_the_same_data_give_the_same_answer() -> None:
    of = room("timer", days=5)
    assert estimates(of) == estimates(of)


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=50))
def test_weighted_quantiles_are_ordered_and_inside(values: list[float]) -> None:
    drawn = np.array(values)
    low, middle, high = weighted_quantiles(drawn, np.ones(drawn.size), (0.025, 0.5, 0.975))
    assert drawn.min() <= low <= middle <= high <= drawn.max()


def test_an_estimate_without_a_value_is_not_known() -> None:
    assert not Estimate("air_changes", "1/h", "co2_decay", 1, None, why="no_decay").known
