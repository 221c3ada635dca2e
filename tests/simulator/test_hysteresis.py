"""When purifiers ran in the simulated past."""

from __future__ import annotations

from classair.config import PurifierRule
from simulator.past.hysteresis import Hysteresis

RULE = PurifierRule(kind="purifier")


def run(control: Hysteresis, values: list[float], start_s: float = 0.0) -> list[tuple[int, bool]]:
    """Feeds a value a minute; the minutes in which it switched."""
    return [(minute, control.on) for minute, value in enumerate(values) if control.feed(value, start_s + 60.0 * minute)]


def test_it_starts_after_three_minutes_above_and_stops_after_ten_below() -> None:
    control = Hysteresis(RULE, False, 0.0)
    # The median of five follows a step with two minutes' delay, or at once when it has seen nothing else.
    assert run(control, [40.0] * 20 + [10.0] * 30) == [(3, True), (32, False)]


def test_a_short_peak_starts_nothing() -> None:
    assert run(Hysteresis(RULE, False, 0.0), [10.0] * 10 + [80.0, 80.0] + [10.0] * 20) == []


def test_between_the_thresholds_all_stays_as_it_is() -> None:
    assert run(Hysteresis(RULE, False, 0.0), [20.0] * 60) == []
    assert run(Hysteresis(RULE, True, 0.0), [20.0] * 60) == []


def test_it_runs_and_rests_for_its_minimum_times() -> None:
    control = Hysteresis(RULE, False, 0.0)
    changes = run(control, ([40.0] * 8 + [5.0] * 12) * 8)
    times = [minute for minute, _ in changes]
    for (minute, on), after in zip(changes, times[1:], strict=False):
        assert after - minute >= (15 if on else 10)


def test_it_starts_no_more_than_four_times_an_hour() -> None:
    rule = RULE.model_copy(update={"on_for": 60.0, "off_for": 60.0, "min_on": 60.0, "min_off": 60.0})
    control = Hysteresis(rule, False, 0.0)
    starts = [minute for minute, on in run(control, ([40.0] * 5 + [5.0] * 5) * 24) if on]
    assert len(starts) > 8
    assert all(sum(start <= other < start + 60 for other in starts) <= 4 for start in starts)
