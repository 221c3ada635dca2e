"""When purifiers ran in the simulated past."""

from __future__ import annotations

from classair.config import PurifierRule
from simulator.past.hysteresis import Hysteresis

RULE = PurifierRule(kind="purifier")
QUICK = RULE.model_copy(update={"on_for": 60.0, "off_for": 60.0, "min_on": 60.0, "min_off": 60.0})


def run(control: Hysteresis, values: list[float], children: bool = False) -> list[tuple[int, bool]]:
    """Feeds a value a minute; the minutes in which it switched."""
    return [
        (minute, control.on)
        for minute, value in enumerate(values)
        if control.feed(value, 60.0 * minute, lambda: children)
    ]


def test_it_starts_after_three_minutes_above_and_stops_after_ten_below() -> None:
    control = Hysteresis(RULE, False, 0.0)
    # The median of five follows a step with two minutes' delay, or at once when it has seen nothing else.
    assert run(control, [40.0] * 20 + [10.0] * 30) == [(3, True), (32, False)]


def test_a_short_peak_starts_nothing() -> None:
    assert run(Hysteresis(RULE, False, 0.0), [10.0] * 10 + [80.0, 80.0] + [10.0] * 20) == []


def test_between_the_thresholds_all_stays_as_it_is() -> None:
    assert run(Hysteresis(RULE, False, 0.0), [20.0] * 60) == []
    assert run(Hysteresis(RULE, True, 0.0), [20.0] * 60) == []


def test_without_children_it_runs_and_rests_for_its_minimum_times() -> None:
    control = Hysteresis(RULE, False, 0.0)
    changes = run(control, ([40.0] * 8 + [5.0] * 12) * 8)
    times = [minute for minute, _ in changes]
    for (minute, on), after in zip(changes, times[1:], strict=False):
        assert after - minute >= (15 if on else 10)


def test_with_children_there_it_starts_again_without_a_rest() -> None:
    values = [40.0] * 4 + [10.0] * 15 + [40.0] * 20
    resting, with_children = (run(Hysteresis(RULE, False, 0.0), values, there) for there in (False, True))
    assert resting[:2] == with_children[:2] and resting[1][1] is False
    assert with_children[2][0] - with_children[1][0] < 10 <= resting[2][0] - resting[1][0]


def test_with_children_there_it_is_the_stop_that_waits_when_the_starts_are_used_up() -> None:
    control = Hysteresis(QUICK, False, 0.0)
    changes = run(control, ([40.0] * 5 + [5.0] * 5) * 24, children=True)
    starts = [minute for minute, on in changes if on]
    stops = [minute for minute, on in changes if not on]
    assert len(starts) > 8
    assert all(sum(start <= other < start + 60 for other in starts) <= 4 for start in starts)
    # Never off while it is dusty: 5 minutes above in every 10, and it starts within 4 of them.
    assert max(start - stop for stop, start in zip(stops, starts[1:], strict=False)) <= 5


def test_without_children_it_starts_no_more_than_four_times_an_hour() -> None:
    control = Hysteresis(QUICK, False, 0.0)
    starts = [minute for minute, on in run(control, ([40.0] * 5 + [5.0] * 5) * 24) if on]
    assert len(starts) > 8
    assert all(sum(start <= other < start + 60 for other in starts) <= 4 for start in starts)
