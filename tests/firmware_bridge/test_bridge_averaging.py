"""Judging frames and averaging them, with time as an argument."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.model import BAD, QUANTITIES, Flag
from firmware_bridge.averaging import Averager, Mean
from firmware_bridge.drivers import Frame


def pm(value: float, flags: Flag = Flag.NONE, **value_flags: Flag) -> Frame:
    return Frame({"pm25": value}, flags, dict(value_flags))


def run(averager: Averager, frames: list[tuple[float, Frame]], warming_up: bool = False) -> list[Mean]:
    return [mean for at, frame in frames if (mean := averager.add(frame, at, warming_up)) is not None]


def test_the_mean_of_ten_seconds_leaves_with_the_frame_that_completes_them() -> None:
    means = run(Averager(10, 2.5), [(100.0 + second, pm(20 + second)) for second in range(21)])
    assert [mean.end_s for mean in means] == [110, 120]
    assert means[1].values == {"pm25": pytest.approx(35.5)}
    assert (means[1].n, means[1].interval_s) == (10, 10)


def test_an_uneven_pace_does_not_waver_about_the_end_of_the_interval() -> None:
    wobble = [0.0, 0.02, -0.02, 0.01, -0.01] * 8
    means = run(Averager(10, 2.5), [(second + wobble[second], pm(1)) for second in range(40)])
    assert [mean.n for mean in means[1:]] == [10] * (len(means) - 1)


def test_a_bad_frame_is_in_no_mean() -> None:
    frames = [(0, pm(10)), (1, pm(900, Flag.SENSOR_ERROR)), (2, pm(20)), (10, pm(30))]
    (mean,) = run(Averager(10, 2.5), frames)
    assert mean.values == {"pm25": 20}
    assert mean.n == 3
    assert mean.flags is Flag.NONE


def test_when_all_frames_are_bad_their_mean_is_given_with_their_flags() -> None:
    frames = [(0, pm(10, Flag.SENSOR_ERROR)), (10, pm(30, Flag.WARMUP))]
    (mean,) = run(Averager(10, 2.5), frames)
    assert mean.values == {"pm25": 20}
    assert mean.flags == Flag.SENSOR_ERROR | Flag.WARMUP
    assert mean.n == 2


def test_frames_of_the_warm_up_are_flagged_and_left_out_as_soon_as_there_are_others() -> None:
    averager = Averager(10, 2.5)
    run(averager, [(0, pm(999)), (9, pm(999))], warming_up=True)
    (mean,) = run(averager, [(10, pm(12))])
    assert (mean.values, mean.n, mean.flags) == ({"pm25": 12}, 1, Flag.NONE)


def test_a_value_out_of_its_range_is_left_out_of_its_own_mean_only() -> None:
    frames = [(0, Frame({"pm25": 20, "temp_c": 30})), (10, Frame({"pm25": 6000, "temp_c": 32}))]
    (mean,) = run(Averager(10, 2.5), frames)
    assert mean.values == {"pm25": 20, "temp_c": 31}
    assert mean.value_flags == {}


def test_a_value_that_is_always_out_of_range_is_kept_with_its_flag() -> None:
    (mean,) = run(Averager(10, 2.5), [(0, pm(6000)), (10, pm(6000))])
    assert mean.values == {"pm25": 6000}
    assert mean.value_flags == {"pm25": Flag.RANGE}


def test_doubts_that_do_not_exclude_are_carried_over() -> None:
    (mean,) = run(Averager(10, 2.5), [(0, pm(20, pm25=Flag.ORDER)), (10, pm(22))])
    assert mean.values == {"pm25": 21}
    assert mean.value_flags == {"pm25": Flag.ORDER}


def test_means_are_rounded_to_the_step_of_the_quantity() -> None:
    (mean,) = run(Averager(10, 2.5), [(0, pm(1)), (5, pm(1)), (10, pm(2))])
    assert mean.values == {"pm25": 1.333}


def test_each_frame_goes_alone_when_asked() -> None:
    means = run(Averager(0, 2.5), [(0, pm(1)), (1, pm(2)), (2.3, pm(3))])
    assert [(mean.values["pm25"], mean.n, mean.end_s) for mean in means] == [(1, 1, 0), (2, 1, 1), (3, 1, 2.3)]
    assert all(mean.interval_s == 2.5 for mean in means)


def test_when_frames_stop_the_interval_is_closed_by_time_and_dated_by_its_last_frame() -> None:
    averager = Averager(10, 2.5)
    run(averager, [(0, pm(10)), (4, pm(20))])
    due = averager.due_s()
    assert due is not None
    assert 10 <= due <= 14
    assert averager.tick(due - 0.01) is None
    mean = averager.tick(due)
    assert mean is not None
    assert (mean.end_s, mean.n, mean.values) == (4, 2, {"pm25": 15})
    assert averager.due_s() is None
    assert averager.tick(due + 1000) is None


def test_a_long_pause_does_not_bring_a_burst_of_intervals_behind_it() -> None:
    averager = Averager(10, 2.5)
    means = run(averager, [(0, pm(1)), (1000, pm(2)), (1001, pm(3)), (1010, pm(4))])
    assert [mean.n for mean in means] == [2, 2]


def test_flushing_gives_what_there_is_and_begins_anew() -> None:
    averager = Averager(10, 2.5)
    run(averager, [(0, pm(10))])
    mean = averager.flush()
    assert mean is not None
    assert mean.values == {"pm25": 10}
    assert averager.flush() is None
    assert run(averager, [(9, pm(30)), (12, pm(30))]) == []


def test_status_bits_are_joined_and_left_out_when_all_is_well() -> None:
    (well,) = run(Averager(10, 2.5), [(0, Frame({"pm25": 1, "error": 0})), (10, Frame({"pm25": 1, "error": 0}))])
    assert "error" not in well.values
    frames = [(0, Frame({"pm25": 1, "error": 1})), (10, Frame({"pm25": 1, "error": 8}))]
    (ill,) = run(Averager(10, 2.5), frames)
    assert ill.values["error"] == 9


def test_a_version_is_told_as_it_is_and_not_averaged() -> None:
    frames = [(0, Frame({"pm25": 1, "version": 150})), (10, Frame({"pm25": 1, "version": 151}))]
    (mean,) = run(Averager(10, 2.5), frames)
    assert mean.values["version"] == 151


@given(
    st.lists(
        st.tuples(st.floats(0.1, 9), st.floats(-20, 2000), st.sampled_from([0, int(Flag.SENSOR_ERROR)])),
        min_size=1,
        max_size=80,
    ),
    st.sampled_from([0.0, 1.0, 10.0, 60.0]),
)
def test_every_frame_is_in_one_reading_and_a_good_mean_lies_between_its_frames(
    steps: list[tuple[float, float, int]],
    every: float,
) -> None:
    averager, now, means = Averager(every, 2.5), 0.0, []
    for step, value, flags in steps:
        now += step
        mean = averager.add(pm(value, Flag(flags)), now, False)
        if mean is not None:
            means.append(mean)
    last = averager.flush()
    means += [last] if last else []
    good = [value for _, value, flags in steps if not flags]
    counted = sum(mean.n for mean in means if not mean.flags & BAD)
    assert counted == len(good)
    assert [mean.end_s for mean in means] == sorted(mean.end_s for mean in means)
    quantity = QUANTITIES["pm25"]
    inside = [value for value in good if quantity.low <= value <= quantity.high]
    for mean in means:
        if not mean.flags & BAD and not mean.value_flags:
            assert min(inside) - 0.001 <= mean.values["pm25"] <= max(inside) + 0.001


@pytest.mark.parametrize("absurd", [1e308, -1e308, 1e300, float("nan"), float("inf"), 10**400])
def test_a_number_that_nothing_could_keep_costs_only_itself(absurd: float) -> None:
    frames = [(second, Frame({"pm25": 20, "n03": absurd})) for second in range(11)]
    averager = Averager(10, 1)
    (mean,) = run(averager, frames)
    assert (mean.values, mean.flags) == ({"pm25": 20}, Flag.ORDER)
    (mean,) = run(averager, [(second, Frame({"pm25": 30, "n03": 100})) for second in range(11, 21)])
    assert (mean.values, mean.flags) == ({"pm25": 30, "n03": 100}, Flag.NONE)


def test_single_readings_stay_single_each_at_its_own_time_in_whatever_order_they_come() -> None:
    averager = Averager(0.0, 900)
    means = [averager.add(pm(value), at, False) for at, value in ((1000.0, 5), (100, 100), (400, 110), (1900, 10))]
    assert [(mean.end_s, mean.values, mean.n) for mean in means if mean] == [
        (1000, {"pm25": 5}, 1),
        (100, {"pm25": 100}, 1),
        (400, {"pm25": 110}, 1),
        (1900, {"pm25": 10}, 1),
    ]
    assert averager.due_s() is None and averager.flush() is None


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 900)), max_size=40))
def test_nothing_of_a_single_reading_is_ever_held_back(told: list[tuple[float, float]]) -> None:
    averager = Averager(0.0, 60)
    for at, value in told:
        mean = averager.add(pm(value), at, False)
        assert mean is not None
        assert (mean.end_s, mean.n, mean.values["pm25"]) == (at, 1, pytest.approx(value, abs=0.001))
        assert averager.due_s() is None and averager.tick(1e9) is None


def test_the_end_of_a_mean_is_its_newest_frame_when_they_come_out_of_order() -> None:
    averager = Averager(10, 2.5)
    run(averager, [(100, pm(10)), (104, pm(20)), (103, pm(30))])
    mean = averager.flush()
    assert mean is not None and (mean.end_s, mean.n) == (104, 3)
