"""Restarts, clocks that are put right and commands that overtake each other make no decision wrong."""

from __future__ import annotations

import pytest

from alerts.control import machine as control
from alerts.control import saved_state
from alerts.control.unit import Command, Override, Query, Told, clock_stepped, restarted
from classair.control.signal import Signal
from tests.alerts.controlled import LIMITS, MIN, T0, between, high, low, observed, only, order, settled, step

# -- restarts ----------------------------------------------------------------------------------------------------------


def test_a_restart_reads_the_real_state_before_any_command() -> None:
    unit = restarted(settled(False, T0), T0)
    unit, actions = step(unit, high(T0), T0 + 60 * MIN, LIMITS, T0)
    assert actions == [Query()]
    unit, _ = observed(unit, False, False, T0 + 60 * MIN, T0 + 100)
    assert isinstance(only(step(unit, high(T0 + 200), T0 + 60 * MIN, LIMITS, T0 + 200)[1]), Command)


def test_a_restart_keeps_override_and_minimum_time() -> None:
    unit = settled(
        True, T0, since=T0 - 5 * MIN, override=Override(True, T0 + 20 * MIN, "u-1"), expires_at=T0 + 20 * MIN
    )
    unit = restarted(unit, T0 + MIN)
    unit, _ = observed(unit, True, False, None, T0 + MIN + 50)
    assert unit.override is not None and unit.since == T0 - 5 * MIN
    assert step(unit, low(T0 + 6 * MIN), None, LIMITS, T0 + 6 * MIN)[1] == []


def test_found_on_after_a_restart_it_is_taken_on_with_a_short_expiry_and_guessed_to_be_nobodys() -> None:
    unit = restarted(settled(False, T0), T0)
    unit, _ = observed(unit, True, False, None, T0 + 100)
    assert unit.override is None and unit.mode == "auto" and unit.on is True
    command = only(step(unit, between(T0 + 200), None, LIMITS, T0 + 200)[1])
    assert isinstance(command, Command) and command.on and command.seconds == 900


def test_an_on_whose_answer_was_missed_in_a_restart_is_no_persons_and_gets_a_fresh_expiry() -> None:
    unit, actions = step(settled(False, T0), high(T0), None, LIMITS, T0)
    assert isinstance(only(actions), Command)
    unit = restarted(saved_state.read(saved_state.written(unit), T0 + 2000), T0 + 2000)
    unit, _ = observed(unit, True, False, None, T0 + 3000)
    assert unit.override is None and unit.mode == "auto" and unit.expires_at is None
    _, actions = step(unit, high(T0 + 4000), None, LIMITS, T0 + 4000)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 300


def test_an_on_whose_answer_was_missed_because_the_broker_went_is_no_persons() -> None:
    unit, _ = step(settled(False, T0), high(T0), None, LIMITS, T0)
    unit, actions = control.reconnected(unit, T0 + 60 * MIN)
    assert actions == [Query()] and unit.pending is None  # nothing an hour old is sent again
    unit, _ = observed(unit, True, False, None, T0 + 60 * MIN + 100)
    assert unit.override is None and unit.on is True


@pytest.mark.parametrize("life_s", [20, 60, 170])
def test_a_crash_loop_of_short_lives_still_ends_in_safe_mode(life_s: int) -> None:
    block_end, dead_since, now = T0 + 300 * MIN, T0, T0
    unit, _ = step(settled(False, T0), between(T0), block_end, LIMITS, T0)
    first_on: int | None = None
    while now < T0 + 15 * MIN and first_on is None:
        unit = restarted(saved_state.read(saved_state.written(unit), now), now)
        unit, _ = observed(unit, False, False, block_end, now)
        for _ in range(life_s):
            now += 1000
            unit, actions = step(unit, Signal(), block_end, LIMITS, now)
            if any(isinstance(action, Command) and action.mode == "fail_safe" for action in actions):
                first_on = now
                break
    assert first_on is not None and 180_000 < first_on - dead_since <= 6 * MIN + life_s * 1000


def test_a_restart_beside_a_sensor_that_lives_does_not_go_into_safe_mode() -> None:
    block_end, now = T0 + 300 * MIN, T0
    unit, _ = step(settled(False, T0), between(T0), block_end, LIMITS, T0)
    for _ in range(20):
        now += MIN
        unit = restarted(saved_state.read(saved_state.written(unit), now), now)
        unit, _ = observed(unit, False, False, block_end, now)
        for signal in (Signal(), between(now)):
            unit, actions = step(unit, signal, block_end, LIMITS, now)
            assert actions == []


def test_after_a_long_time_without_a_controller_it_is_patient_again() -> None:
    unit, _ = step(settled(False, T0), between(T0), None, LIMITS, T0)
    now = T0 + 14 * 60 * MIN
    unit = restarted(saved_state.read(saved_state.written(unit), now), now)
    unit, _ = observed(unit, False, False, now + 60 * MIN, now)
    assert step(unit, Signal(), now + 60 * MIN, LIMITS, now + 180_000)[1] == []
    assert isinstance(only(step(unit, Signal(), now + 60 * MIN, LIMITS, now + 181_000)[1]), Command)


# -- clocks that are put right -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [-3 * 3_600_000, -60_000, 60_000, 5 * 3_600_000])
def test_a_devices_own_expiry_after_a_step_of_the_clock_is_not_a_person(by: int) -> None:
    unit = clock_stepped(settled(True, T0, expires_at=T0 + 10_000), by, T0 + by)
    unit, _ = observed(unit, False, True, None, T0 + by + 10_000)
    assert unit.override is None and unit.reason == "its expiry"


@pytest.mark.parametrize("by", [-3 * 3_600_000, 5 * 3_600_000])
def test_a_step_of_the_clock_neither_ends_nor_lengthens_minimum_times(by: int) -> None:
    unit = clock_stepped(settled(True, T0, since=T0 - 14 * MIN), by, T0 + by)
    assert step(unit, low(T0 + by), None, LIMITS, T0 + by)[1] == []
    later = T0 + by + MIN
    command = only(step(unit, low(later), None, LIMITS, later)[1])
    assert isinstance(command, Command) and not command.on


def test_a_memory_from_the_future_holds_nothing_for_years() -> None:
    year = 365 * 24 * 60 * MIN
    unit = restarted(
        settled(
            False, T0 + year, override=Override(False, T0 + year, "u-1"), starts=(T0 + year,) * 4, seen_until=T0 + year
        ),
        T0,
    )
    assert unit.since <= T0 and unit.starts == ()
    assert unit.override is not None and unit.override.until <= T0 + 60 * MIN
    assert control.is_blind(unit, Signal(), T0 + 16 * MIN)


# -- commands that overtake each other ---------------------------------------------------------------------------------


def test_a_persons_off_holds_although_the_answer_to_an_earlier_on_comes_after_it() -> None:
    unit, _ = step(settled(False, T0), high(T0), None, LIMITS, T0)
    unit = order(unit, False, None, "u-1", None, T0 + 50)
    unit, actions = step(unit, high(T0), None, LIMITS, T0 + 50)
    command = only(actions)
    assert isinstance(command, Command) and not command.on
    for late in (True, True, False, False):  # RESULT and POWER of each, in the order of the commands
        unit, actions = observed(unit, late, True, None, T0 + 100)
        assert actions == [] and unit.override == Override(False, T0 + 50 + 30 * MIN, "u-1", T0 + 50)
    assert unit.on is False and unit.pending is None
    assert step(unit, high(T0 + 1000), None, LIMITS, T0 + 1000)[1] == []


def test_a_plug_that_returns_after_a_power_cut_is_put_right_at_once() -> None:
    unit = settled(True, T0, since=T0 - MIN, expires_at=T0 + 100 * MIN)
    unit, _ = control.line(unit, False, False, T0)
    assert unit.on is None
    unit, actions = control.line(unit, True, False, T0 + MIN)
    assert actions == [Query()]
    unit, _ = observed(unit, False, False, T0 + 100 * MIN, T0 + MIN + 100)
    assert unit.override is None
    now = T0 + MIN + 200
    _, actions = step(unit, high(now), T0 + 100 * MIN, LIMITS, now)
    assert isinstance(only(actions), Command)


def test_a_plug_that_rebooted_while_on_gets_its_expiry_anew() -> None:
    # Its timer begins from the full time again after a reboot.
    unit = settled(True, T0, expires_at=T0 + 20 * MIN)
    unit, _ = control.line(unit, True, False, T0)
    unit, _ = observed(unit, True, False, T0 + 20 * MIN, T0 + 50)
    _, actions = step(unit, between(T0 + 100), T0 + 20 * MIN, LIMITS, T0 + 100)
    command = only(actions)
    assert isinstance(command, Command) and command.on and 1199 <= (command.seconds or 0) <= 1200


def test_an_unreachable_plug_that_is_wanted_on_is_told_to_a_person() -> None:
    unit, told = control.line(settled(False, T0), False, True, T0)
    for now in range(T0, T0 + 40_000, 1000):
        unit, actions = step(unit, high(now), None, LIMITS, now)
        told += [action for action in actions if isinstance(action, Told)]
    assert told == [Told("not_obeying", wanted=True, tries=3)]
