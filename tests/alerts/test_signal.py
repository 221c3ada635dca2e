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
