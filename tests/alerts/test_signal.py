"""The purifier's signal: whatever the order of arrival, the same median and the same runs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.control.signal import SignalFollower
from classair.science.averages import Sample, median

T0 = 1_790_000_000_000


def follow(*points: tuple[int, float]) -> SignalFollower:
    follower = SignalFollower(25, 15)
    follower.add([Sample(T0 + s * 1000, value, 10_000) for s, value in points])
    return follower


@given(
    st.lists(
        st.tuples(st.integers(0, 2000), st.floats(0, 100)), min_size=1, max_size=60, unique_by=lambda point: point[0]
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_arrival_changes_nothing(points: list[tuple[int, float]], rng: random.Random) -> None:
    in_order = follow(*sorted(points)).signal
    shuffled = SignalFollower(25, 15)
    rng.shuffle(points)
    for point in points:
        shuffled.add([Sample(T0 + point[0] * 1000, point[1], 10_000)])
    assert shuffled.signal == in_order
    newest = max(second for second, _ in points)
    inside = [value for second, value in points if second > newest - 300]
    assert in_order.median == pytest.approx(median(inside), abs=1e-5)


def test_a_run_begins_with_its_first_value_and_ends_with_the_other_side() -> None:
    high = follow(*((s, 30.0) for s in range(0, 200, 10)))
    assert high.signal.high_since == T0 and high.signal.low_since is None
    high.add([Sample(T0 + 600_000, 10.0, 10_000)])
    assert high.signal.high_since is None and high.signal.low_since == T0 + 600_000


def test_a_silence_longer_than_its_patience_breaks_a_run() -> None:
    assert follow((0, 30.0), (180, 30.0)).signal.high_since == T0
    assert follow((0, 30.0), (181, 30.0)).signal.high_since == T0 + 181_000


def test_patience_grows_with_the_sensors_interval() -> None:
    follower = SignalFollower(25, 15)
    follower.add([Sample(T0, 20.0, 300_000)])
    assert follower.signal.blind_ms == 900_000


def test_one_wild_value_does_not_move_the_median() -> None:
    assert follow(*((s, 10.0) for s in range(0, 60, 10)), (60, 500.0)).signal.median == 10.0


def test_changed_limits_judge_the_past_anew() -> None:
    follower = follow(*((s, 30.0) for s in range(0, 200, 10)))
    follower.limits(35, 20)
    assert follower.signal.high_since is None


# -- several sensors ---------------------------------------------------------------------------------------------------


def feed(follower: SignalFollower, start: int, seconds: int, **levels: float) -> int:
    """A value of each sensor every ten seconds; the second that comes next."""
    for second in range(start, start + seconds, 10):
        follower.add([Sample(T0 + second * 1000, value, 10_000, name) for name, value in levels.items()])
    return start + seconds


def test_the_room_is_the_highest_of_its_sensors_and_low_only_when_all_are() -> None:
    follower = SignalFollower(25, 15)
    now = feed(follower, 0, 600, a=8.0, b=80.0)
    signal = follower.signal
    assert signal.median == 80.0 and signal.highest == "b" and signal.low_since is None
    assert signal.high_since == T0 and signal.lasts(signal.fast_since, 60_000)
    feed(follower, now, 300, a=8.0, b=9.0)
    since = follower.signal.low_since
    assert since is not None and since > T0 + 600_000, "since the last of them became low"


def test_a_room_that_one_sensor_after_the_other_finds_high_was_high_without_a_break() -> None:
    follower = SignalFollower(25, 15)
    now = feed(follower, 0, 400, a=40.0, b=10.0)
    now = feed(follower, now, 400, a=40.0, b=40.0)
    feed(follower, now, 400, a=10.0, b=40.0)
    assert follower.signal.high_since == T0


@pytest.mark.parametrize(("last", "low"), [(80.0, False), (16.0, False), (15.0, True), (8.0, True)])
def test_the_death_of_a_sensor_never_makes_a_room_cleaner(last: float, low: bool) -> None:
    follower = SignalFollower(25, 15)
    now = feed(follower, 0, 600, a=8.0, b=last)
    feed(follower, now, 24 * 3600, a=8.0)
    signal = follower.signal
    assert (signal.low_since is not None) == low and signal.highest == "a"
    assert signal.median == (8.0 if low else last) and bool(follower.held) != low
    follower.forget_silent()  # the room is empty
    assert follower.signal.low_since == T0 and follower.signal.median == 8.0


def test_it_holds_until_the_sensor_speaks_again_or_is_taken_out() -> None:
    follower = SignalFollower(25, 15)
    now = feed(follower, 0, 600, a=8.0, b=80.0)
    now = feed(follower, now, 600, a=8.0)
    assert follower.signal.low_since is None
    back = feed(follower, now, 310, a=8.0, b=8.0)
    assert follower.signal.low_since is not None
    feed(follower, back, 310, a=8.0, b=80.0)
    follower.only(["a"])
    assert follower.signal.low_since == T0


def test_a_suspect_sensor_counts_as_silent() -> None:
    follower = SignalFollower(25, 15)
    now = feed(follower, 0, 600, a=8.0, b=80.0)
    follower.suspect(["b"])
    now = feed(follower, now, 600, a=8.0, b=3.0)
    assert follower.signal.median == 80.0 and follower.signal.low_since is None
    follower.suspect(["a", "b"])
    assert follower.signal.newest_at is None, "a room without any sensor to be trusted is blind"
    follower.suspect([])
    feed(follower, now, 300, a=8.0, b=3.0)
    assert follower.signal.low_since is not None


@pytest.mark.parametrize(
    ("a", "b", "differ"), [(8.0, 80.0, True), (8.0, 19.0, True), (8.0, 18.0, False), (40.0, 66.0, False)]
)
def test_sensors_disagree_that_differ_by_more_than_ten_and_half_for_five_minutes(
    a: float, b: float, differ: bool
) -> None:
    follower = SignalFollower(25, 15)
    now = feed(follower, 0, 300, a=a, b=b)
    assert follower.signal.disagree_since is None
    now = feed(follower, now, 10, a=a, b=b)
    assert (follower.signal.disagree_since == T0) == differ
    now = feed(follower, now, 400, a=b, b=b)
    assert (follower.signal.disagree_since == T0) == differ, "until they have agreed for as long"
    feed(follower, now, 200, a=b, b=b)
    assert follower.signal.disagree_since is None


def test_the_fast_path_needs_a_minute_of_a_minutes_median() -> None:
    follower = SignalFollower(25, 15, 50)
    now = feed(follower, 0, 600, a=10.0)
    now = feed(follower, now, 40, a=60.0)
    began = follower.signal.fast_since
    assert began is not None and not follower.signal.lasts(began, 60_000)
    feed(follower, now, 60, a=60.0)
    assert follower.signal.lasts(follower.signal.fast_since, 60_000)
    assert follower.signal.high_since is None, "long before the five minutes have noticed"


def test_high_values_with_a_pause_between_them_are_no_minute() -> None:
    follower = SignalFollower(25, 15, 50)
    feed(follower, 0, 10, a=60.0)
    feed(follower, 90, 10, a=60.0)
    assert not follower.signal.lasts(follower.signal.fast_since, 60_000)


def test_values_of_one_second_count_as_one() -> None:
    follower = SignalFollower(25, 15)
    follower.add([Sample(T0 + second * 1000, 10.0, 1000, "a") for second in range(60)])
    follower.add([Sample(T0 + 60_000 + ms, 90.0, 1, "a") for ms in range(0, 1000, 5)])
    assert follower.signal.median == 10.0


@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.sampled_from(["a", "b"]), st.sampled_from([5.0, 20.0, 40.0, 90.0])),
        min_size=1,
        max_size=80,
        unique_by=lambda point: point[:2],
    ),
    st.randoms(use_true_random=False),
)
def test_of_several_sensors_too_the_order_of_arrival_changes_no_median_and_makes_no_room_cleaner(
    points: list[tuple[int, str, float]], rng: random.Random
) -> None:
    def run(given_points: list[tuple[int, str, float]]) -> SignalFollower:
        follower = SignalFollower(25, 15)
        for second, name, value in given_points:
            follower.add([Sample(T0 + second * 1000, value, 10_000, name)])
        return follower

    in_order = run(sorted(points))
    rng.shuffle(points)
    shuffled = run(points)
    assert shuffled.signal.median == in_order.signal.median
    assert shuffled.signal.low_since == in_order.signal.low_since
    assert shuffled.signal.newest_at == in_order.signal.newest_at
