"""A relay that is on and a purifier that draws nothing, where the kind may have a meter or not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.control import machine as control
from alerts.control.unit import Limits, Query, Told
from alerts.purifiers import Said
from tests.alerts.controlled import MIN, T0, high, settled, who

END = who(T0 + 300 * MIN)


def told_of(limits: Limits, watts: float | None, seconds: int = 60) -> list[str]:
    """What is told of a purifier that came on at T0 and answers every question."""
    unit, told = replace(settled(True, T0), since=T0, expires_at=T0 + 300 * MIN), []
    for now in range(T0 + 1000, T0 + seconds * 1000, 1000):
        unit, actions = control.step(unit, high(now), END, limits, now)
        if any(isinstance(action, Query) for action in actions) or now == T0 + 5000:
            said = Said(on=True, watts=watts)
            unit, _ = control.heard(unit, now)
            unit, more = control.observed(unit, said, END, limits, now)
            actions = [*actions, *more]
        told += [action.what for action in actions if isinstance(action, Told) and not action.over]
    return told


@pytest.mark.parametrize("meters", [True, False])
def test_no_draw_is_told_within_a_minute_whether_or_not_every_plug_of_the_kind_has_a_meter(meters: bool) -> None:
    assert told_of(Limits(meters=meters), 0.0) == ["no_draw"]


def test_a_purifier_that_draws_power_or_says_nothing_of_it_is_not_told() -> None:
    assert told_of(Limits(), 45.0) == []
    assert told_of(Limits(), None) == []
