"""The purifier's state machine: single rules first, then long random lives in which no promise may break."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.control.unit import Command, Override, Query, Told
from classair.control.signal import Signal
from tests.alerts.controlled import LIMITS, MIN, T0, between, high, low, observed, only, order, settled, silent, step

# -- on and off by the signal ------------------------------------------------------------------------------------------


def test_it_goes_on_when_the_signal_was_high_for_three_minutes() -> None:
    unit = settled(False, T0)
    unit, actions = step(unit, high(T0, 179_000), None, LIMITS, T0)
    assert actions == []
    _, actions = step(unit, high(T0, 180_000), None, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 300


def test_with_children_there_an_on_carries_the_end_of_the_block() -> None:
    _, actions = step(settled(False, T0), high(T0), T0 + 4 * 60 * MIN, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.seconds == 4 * 3600


def test_just_before_the_end_of_the_block_an_on_still_carries_five_minutes() -> None:
    _, actions = step(settled(False, T0), high(T0), T0 + MIN, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.seconds == 300


def test_it_goes_off_when_the_signal_was_low_for_ten_minutes_and_not_before_its_minimum_time() -> None:
    young = settled(True, T0, since=T0 - 14 * MIN)
    assert step(young, low(T0), None, LIMITS, T0)[1] == []
    _, actions = step(settled(True, T0, since=T0 - 15 * MIN), low(T0), None, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and not command.on and command.seconds is None


def test_between_the_limits_nothing_changes() -> None:
    assert step(settled(False, T0), between(T0), None, LIMITS, T0)[1] == []
    assert step(settled(True, T0), between(T0), None, LIMITS, T0)[1] == []


def test_after_going_off_it_rests_ten_minutes() -> None:
    rested = settled(False, T0, since=T0 - 10 * MIN)
    assert step(replace(rested, since=T0 - 9 * MIN), high(T0), None, LIMITS, T0)[1] == []
    assert isinstance(only(step(rested, high(T0), None, LIMITS, T0)[1]), Command)


def test_a_fifth_start_within_an_hour_waits() -> None:
    starts = tuple(T0 - m * MIN for m in (59, 44, 29, 14))
    unit = settled(False, T0, starts=starts)
    assert step(unit, high(T0), None, LIMITS, T0)[1] == []
    later = T0 + MIN + 1
    assert isinstance(only(step(unit, high(later), None, LIMITS, later)[1]), Command)


@pytest.mark.parametrize("age_s", [181, 3600, 86_400])
def test_old_data_switch_nothing(age_s: int) -> None:
    newest = T0 - age_s * 1000
    assert step(settled(False, T0), Signal(99.0, newest, newest - 9 * MIN), None, LIMITS, T0)[1] == []
    on = settled(True, T0, expires_at=T0 + 200 * MIN)
    assert (
        step(on, Signal(1.0, newest, None, newest - 90 * MIN), T0 + 200 * MIN, replace(LIMITS, when_blind=False), T0)[1]
        == []
    )


def test_data_from_the_future_switch_nothing() -> None:
    newest = T0 + 121_000
    assert step(settled(False, T0), Signal(99.0, newest, T0 - 9 * MIN), None, LIMITS, T0)[1] == []


def test_silence_after_one_high_value_is_not_three_minutes_of_high_values() -> None:
    newest = T0 - 180_000
    assert step(settled(False, T0), Signal(99.0, newest, newest), None, LIMITS, T0)[1] == []


# -- leases ------------------------------------------------------------------------------------------------------------


def test_an_on_that_is_still_wanted_is_renewed_before_it_expires() -> None:
    unit = settled(True, T0, expires_at=T0 + 151_000)
    assert step(unit, between(T0), None, LIMITS, T0)[1] == []
    _, actions = step(unit, between(T0 + 1000), None, LIMITS, T0 + 1000)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 300


def test_the_devices_own_expiry_is_not_a_person() -> None:
    unit = settled(True, T0, expires_at=T0 + 10_000)
    unit, _ = observed(unit, False, True, None, T0)
    assert unit.override is None and unit.on is False


def test_an_expiry_that_vanished_is_set_again() -> None:
    unit = settled(True, T0, want=False, expires_at=T0 - 20_000)
    unit, actions = step(unit, between(T0), None, LIMITS, T0)
    assert actions == [Query()]
    unit, _ = observed(unit, True, False, None, T0 + 100)
    _, actions = step(unit, between(T0 + 200), None, LIMITS, T0 + 200)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 300


# -- people ------------------------------------------------------------------------------------------------------------


def test_a_persons_off_at_the_device_lasts_half_an_hour_and_rests_nobody_after_it() -> None:
    end = T0 + 90 * MIN
    unit, _ = observed(settled(True, T0, expires_at=end), False, True, end, T0, by="person")
    assert unit.override == Override(False, T0 + 30 * MIN, "device", T0)
    unit, actions = step(unit, high(T0 + 29 * MIN), end, LIMITS, T0 + 29 * MIN)
    assert actions == []
    _, actions = step(unit, high(T0 + 30 * MIN), end, LIMITS, T0 + 30 * MIN)
    assert isinstance(only(actions), Command)


def test_a_person_outside_of_school_hours_wins_for_an_hour() -> None:
    unit, _ = observed(settled(False, T0), True, True, None, T0)
    assert unit.override == Override(True, T0 + 60 * MIN, "device", T0)
    # the device gets the same expiry
    _, actions = step(unit, low(T0), None, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 3600


def test_a_persons_off_acts_at_once_and_outlasts_blindness() -> None:
    unit = settled(True, T0, since=T0 - MIN)
    unit = order(unit, False, 30, "u-1", T0 + 200 * MIN, T0)
    unit, actions = step(unit, silent(T0 - 40 * MIN), T0 + 200 * MIN, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and not command.on and command.mode == "person"
    unit, _ = observed(unit, False, True, T0 + 200 * MIN, T0 + 50)
    assert step(unit, silent(T0 - 40 * MIN), T0 + 200 * MIN, LIMITS, T0 + 29 * MIN)[1] == []
    _, actions = step(unit, silent(T0 - 40 * MIN), T0 + 200 * MIN, LIMITS, T0 + 30 * MIN)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.mode == "fail_safe"


def test_a_persons_on_ends_by_its_own_expiry_without_a_second_start() -> None:
    unit = order(settled(False, T0), True, 10, "u-1", None, T0)
    unit, actions = step(unit, between(T0), None, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.seconds == 600
    unit, _ = observed(unit, True, True, None, T0 + 50)
    end = T0 + 10 * MIN
    unit, _ = observed(unit, False, True, None, end - 900)
    for now in range(end - 500, end + 5 * MIN, 1000):
        unit, actions = step(unit, between(now), None, LIMITS, now)
        assert actions == []
    assert unit.override is None


def test_giving_it_back_to_the_signal_replaces_the_persons_expiry() -> None:
    unit = settled(True, T0, want=False, override=Override(True, T0 + 400 * MIN, "u-1"), expires_at=T0 + 400 * MIN)
    unit = order(unit, None, None, "u-1", None, T0)
    _, actions = step(unit, between(T0), None, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 300


# -- blind -------------------------------------------------------------------------------------------------------------


def test_blind_with_children_there_means_on_even_before_its_rest_is_over() -> None:
    unit = settled(False, T0, since=T0 - MIN, starts=(T0, T0, T0, T0))
    _, actions = step(unit, silent(T0 - 181_000), T0 + 60 * MIN, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.mode == "fail_safe" and command.seconds == 3600


def test_blind_in_an_empty_room_or_where_the_school_chose_otherwise_means_nothing() -> None:
    unit = settled(False, T0)
    assert step(unit, silent(T0 - 181_000), None, LIMITS, T0)[1] == []
    chosen = replace(LIMITS, when_blind=False)
    assert step(unit, silent(T0 - 181_000), T0 + 60 * MIN, chosen, T0)[1] == []


def test_blind_in_an_empty_room_its_lease_runs_out_but_not_before_its_minimum_time() -> None:
    unit = settled(True, T0, since=T0 - 14 * MIN, expires_at=T0 + 40_000)
    assert isinstance(only(step(unit, silent(T0 - 9 * MIN), None, LIMITS, T0)[1]), Command)
    older = replace(unit, since=T0 - 16 * MIN, expires_at=T0 + 40_000)
    assert step(older, silent(T0 - 9 * MIN), None, LIMITS, T0)[1] == []


def test_a_slow_sensor_is_not_blind_between_its_values() -> None:
    unit = settled(False, T0)
    slow = Signal(20.0, T0 - 14 * MIN, None, None, blind_ms=15 * MIN)
    assert step(unit, slow, T0 + 60 * MIN, LIMITS, T0)[1] == []


def test_a_controller_that_just_began_is_patient() -> None:
    unit = settled(False, T0, watching_since=T0 - 100_000)
    assert step(unit, Signal(), T0 + 60 * MIN, LIMITS, T0)[1] == []
    assert isinstance(only(step(unit, Signal(), T0 + 60 * MIN, LIMITS, T0 + 81_000)[1]), Command)


# -- confirmation ------------------------------------------------------------------------------------------------------


def test_three_tries_ten_seconds_apart_then_a_person_is_told_once() -> None:
    unit, now, log = settled(False, T0), T0, []
    while now < T0 + 10 * MIN:
        unit, actions = step(unit, high(now), None, LIMITS, now)
        log += [(now - T0, action) for action in actions]
        now += 1000
    commands = [at for at, action in log if isinstance(action, Command)]
    assert commands[:3] == [0, 10_000, 20_000]
    assert [at for at, action in log if isinstance(action, Told)] == [30_000]
    assert commands[3] == 90_000 and unit.on is None and unit.fault_since is not None
    unit, actions = observed(unit, True, True, None, now)
    unit, more = step(unit, high(now), None, LIMITS, now)
    assert [type(action) for action in (*actions, *more)].count(Told) == 1


def test_a_regular_report_does_not_confirm_a_renewal() -> None:
    unit = settled(True, T0, expires_at=T0 + MIN)
    unit, _ = step(unit, between(T0), None, LIMITS, T0)
    unit, _ = observed(unit, True, False, None, T0 + 10)
    assert unit.pending is not None
    unit, _ = observed(unit, True, True, None, T0 + 20)
    assert unit.pending is None and unit.expires_at == T0 + 5 * MIN


def test_what_the_device_does_after_we_gave_up_is_not_a_person() -> None:
    unit = settled(False, T0)
    for now in range(T0, T0 + 31_000, 1000):
        unit, _ = step(unit, high(now), None, LIMITS, now)
    assert unit.fault_since is not None
    unit, _ = observed(unit, True, True, None, T0 + 40_000)
    assert unit.override is None and unit.on is True


def test_children_in_dust_do_not_wait_until_a_motor_has_rested() -> None:
    unit = settled(False, T0, since=T0 - MIN, want=True)
    command = only(step(unit, high(T0), T0 + 60 * MIN, LIMITS, T0)[1])
    assert isinstance(command, Command) and command.on
    assert step(unit, high(T0), None, LIMITS, T0)[1] == [], "in a room of which nobody knows it rests"
