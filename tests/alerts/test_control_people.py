"""Who switched it: a person is only whom the device names; a person's word always ends, and dust makes it short."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.control import machine as control
from alerts.control import saved_state
from alerts.control.occupancy import Occupancy, empty, occupied
from alerts.control.overrides import end_of
from alerts.control.unit import Action, Command, Limits, Override, Told, Unit, restarted
from classair.control.signal import Signal
from tests.alerts.controlled import LIMITS, MIN, T0, between, high, low, observed, only, order, settled, step

NAMES = replace(LIMITS, names_people=True)
END = T0 + 300 * MIN


def dusty(now: int, value: float = 40.0) -> Signal:
    return Signal(value, now, now - 10 * MIN, None)


def told(actions: list[Action]) -> list[tuple[str, bool]]:
    return [(action.what, action.over) for action in actions if isinstance(action, Told)]


# -- an OFF that nobody ordered ----------------------------------------------------------------------------------------


def test_a_plug_that_names_people_and_goes_off_by_itself_is_sent_an_on_again_at_once_and_told() -> None:
    unit, actions = observed(settled(True, T0, expires_at=END), False, True, END, T0, NAMES)
    assert told(actions) == [("fell_off", False)] and unit.override is None
    command = only(step(unit, high(T0), END, NAMES, T0)[1])
    assert isinstance(command, Command) and command.on and command.reason == "it went off by itself"


def test_falling_again_and_again_stays_one_notice_and_the_pauses_grow_to_a_minute_at_most() -> None:
    unit, now, pauses, notices = settled(True, T0, expires_at=END), T0, [], 0
    for _ in range(9):
        unit, actions = observed(unit, False, True, END, now, NAMES)
        notices += told(actions).count(("fell_off", False))
        fell = now
        while True:
            unit, actions = step(unit, high(now), END, NAMES, now)
            if any(isinstance(action, Command) for action in actions):
                break
            now += 1000
        pauses.append((now - fell) // 1000)
        now += 1000
        unit, _ = observed(unit, True, True, END, now, NAMES)
        now += 4000
    assert notices == 1 and pauses == [0, 5, 10, 20, 40, 60, 60, 60, 60]
    unit, actions = control.step(replace(unit, heard_at=now), high(now), occupied(END), NAMES, now + 2 * MIN)
    assert ("fell_off", True) in told(actions) and unit.falls == 0


def test_the_first_off_of_a_plug_that_names_nobody_is_a_fault_and_the_second_soon_after_a_persons() -> None:
    unit, actions = observed(settled(True, T0, expires_at=END), False, True, END, T0)
    assert told(actions) == [("fell_off", False)]
    unit, actions = step(unit, high(T0), END, LIMITS, T0)
    assert isinstance(only(actions), Command)
    unit, _ = observed(unit, True, True, END, T0 + 1000)
    unit, actions = observed(unit, False, True, END, T0 + 60_000)
    assert told(actions) == [("fell_off", True)]
    assert unit.override == Override(False, T0 + 60_000 + 30 * MIN, "device", T0 + 60_000)
    assert step(unit, high(T0 + 61_000), END, LIMITS, T0 + 61_000)[1] == []


def test_a_second_off_long_after_the_first_is_a_fault_again() -> None:
    unit, _ = observed(settled(True, T0, expires_at=END), False, True, END, T0)
    unit, _ = step(unit, high(T0), END, LIMITS, T0)
    unit, _ = observed(unit, True, True, END, T0 + 1000)
    unit, _ = observed(unit, False, True, END, T0 + 125_000)
    assert unit.override is None and unit.is_open("fell_off")


@pytest.mark.parametrize("limits", [LIMITS, NAMES])
def test_an_off_that_nobody_misses_is_no_fault(limits: Limits) -> None:
    unit, actions = observed(settled(True, T0, want=False), False, True, None, T0, limits)
    assert actions == [] and unit.on is False and unit.override is None


def test_its_own_timer_and_its_own_start_are_neither_a_person_nor_a_fault() -> None:
    for more in ({"by": "timer"}, {"by": "start"}, {"up_s": 3}):
        unit, actions = observed(settled(True, T0 - MIN, expires_at=END), False, False, END, T0, NAMES, **more)
        assert actions == [] and unit.override is None and unit.on is False, more
        command = only(step(unit, high(T0), END, NAMES, T0)[1])
        assert isinstance(command, Command) and command.on, more


# -- an ON that nobody ordered -----------------------------------------------------------------------------------------


def test_somebody_elses_on_is_taken_on_and_ends_by_the_signal_after_its_minimum_time() -> None:
    unit, _ = observed(settled(False, T0), True, True, None, T0, NAMES)
    assert unit.override is None and unit.mode == "auto"
    command = only(step(unit, low(T0), None, NAMES, T0)[1])
    assert isinstance(command, Command) and command.on and command.seconds == 900
    later = T0 + 15 * MIN
    unit = replace(unit, expires_at=later + MIN)
    command = only(step(unit, low(later), None, NAMES, later)[1])
    assert isinstance(command, Command) and not command.on


def test_an_on_at_a_plug_that_names_nobody_is_a_persons_unless_we_were_just_away() -> None:
    unit, _ = observed(settled(False, T0), True, True, END, T0)
    assert unit.override == Override(True, END, "device", T0)
    away, _ = control.reconnected(settled(False, T0), T0)
    unit, _ = observed(away, True, False, END, T0 + 100)
    assert unit.override is None and unit.on is True


# -- what happened while we were away ----------------------------------------------------------------------------------


def after_absence(unit: Unit, minutes: int) -> Unit:
    return restarted(saved_state.read(saved_state.written(unit), T0 + minutes * MIN), T0 + minutes * MIN)


def test_a_persons_off_while_we_were_away_counts_from_its_moment() -> None:
    unit = after_absence(settled(True, T0, expires_at=END), 20)
    now = T0 + 20 * MIN
    unit, _ = observed(unit, False, False, END, now, NAMES, person_s=600.0)
    assert unit.override == Override(False, now + 20 * MIN, "device", now - 10 * MIN)


@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("restart", [True, False])
def test_who_pressed_twice_while_nobody_looked_is_heard_although_nothing_has_changed(on: bool, restart: bool) -> None:
    unit = settled(on, T0, expires_at=END if on else None)
    unit = after_absence(unit, 20) if restart else unit
    now = T0 + 20 * MIN
    unit, _ = observed(unit, on, False, END, now, NAMES, person_s=300.0)
    assert unit.override is not None and (unit.override.on, unit.override.since) == (on, now - 5 * MIN)


def test_a_press_that_was_heard_is_not_heard_again_after_a_restart() -> None:
    unit, _ = observed(settled(False, T0), False, True, END, T0 + 40_000, NAMES)
    unit, _ = observed(unit, True, True, END, T0 + 41_000, NAMES, by="person")
    unit = order(unit, None, None, "u", END, T0 + 45_000)
    unit = restarted(saved_state.read(saved_state.written(unit), T0 + 50_000), T0 + 50_000)
    unit, _ = observed(unit, True, False, END, T0 + 51_000, NAMES, person_s=10.0)
    assert unit.override is None


def test_a_persons_off_that_is_over_meanwhile_is_over() -> None:
    unit = after_absence(settled(True, T0, expires_at=END), 60)
    now = T0 + 60 * MIN
    unit, _ = observed(unit, False, False, END, now, NAMES, person_s=3000.0)
    command = only(step(unit, high(now), END, NAMES, now)[1])
    assert isinstance(command, Command) and command.on


def test_a_button_used_before_our_absence_says_nothing_of_what_happened_in_it() -> None:
    unit = after_absence(settled(True, T0, expires_at=END), 20)
    unit, actions = observed(unit, False, False, END, T0 + 20 * MIN, NAMES, person_s=24 * 3600.0)
    assert unit.override is None and told(actions) == [("fell_off", False)]


def test_a_power_cut_while_we_were_away_is_known_by_the_devices_uptime_and_not_told() -> None:
    unit = after_absence(settled(True, T0, expires_at=END), 20)
    now = T0 + 20 * MIN
    unit, actions = observed(unit, False, False, END, now, NAMES, up_s=120.0)
    assert actions == [] and unit.override is None
    assert isinstance(only(step(unit, high(now), END, NAMES, now)[1]), Command)


def test_its_expiry_while_we_were_away_is_its_expiry() -> None:
    unit = after_absence(settled(True, T0, expires_at=T0 + 5 * MIN), 20)
    unit, actions = observed(unit, False, False, None, T0 + 20 * MIN, NAMES)
    assert actions == [] and unit.reason == "its expiry"


# -- how long a person's word holds ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "lasts"), [(None, 30), (5, 5), (60, 60), (61, 60), (700, 60)])
def test_a_persons_off_lasts_half_an_hour_or_as_given_and_never_more_than_an_hour(
    minutes: float | None, lasts: int
) -> None:
    unit = order(settled(True, T0), False, minutes, "u-1", END, T0)
    assert unit.override is not None and end_of(unit.override, LIMITS) == T0 + lasts * MIN


@pytest.mark.parametrize(("minutes", "block", "lasts"), [(None, 300, 300), (10, 300, 10), (700, 300, 300)])
def test_a_persons_on_lasts_to_the_end_of_the_block(minutes: float | None, block: int, lasts: int) -> None:
    unit = order(settled(False, T0), True, minutes, "u-1", T0 + block * MIN, T0)
    assert unit.override is not None and unit.override.until == T0 + lasts * MIN


@pytest.mark.parametrize("minutes", [None, 60, 700])
def test_a_persons_on_in_an_empty_room_lasts_an_hour(minutes: float | None) -> None:
    unit = control.order(settled(False, T0), True, minutes, "u-1", empty(), LIMITS, T0)
    assert unit.override is not None and unit.override.until == T0 + 60 * MIN


def test_in_heavy_dust_a_persons_off_ends_after_ten_minutes_also_when_it_comes_later() -> None:
    unit = order(settled(False, T0), False, 60, "u-1", END, T0)
    for minute, value, holds in ((5, 60.0, True), (20, 80.0, True), (29, 80.0, True), (30, 80.0, False)):
        now = T0 + minute * MIN
        unit, actions = step(unit, dusty(now, value), END, LIMITS, now)
        assert (unit.override is not None) == holds, minute
        assert bool(actions) != holds, minute


def test_dust_that_is_heavy_no_more_gives_a_persons_off_its_time_again() -> None:
    unit = order(settled(False, T0), False, 30, "u-1", END, T0)
    unit, _ = step(unit, dusty(T0, 80.0), END, LIMITS, T0)
    unit, _ = step(unit, dusty(T0 + 5 * MIN, 50.0), END, LIMITS, T0 + 5 * MIN)
    unit, _ = step(unit, dusty(T0 + 12 * MIN, 50.0), END, LIMITS, T0 + 12 * MIN)
    assert unit.override is not None


def test_after_a_persons_off_nothing_rests() -> None:
    unit = order(settled(True, T0, expires_at=END), False, 1, "u-1", END, T0)
    unit, _ = step(unit, high(T0), END, LIMITS, T0)
    unit, _ = observed(unit, False, True, END, T0 + 100)
    command = only(step(unit, high(T0 + MIN), END, LIMITS, T0 + MIN)[1])
    assert isinstance(command, Command) and command.on


def test_given_back_to_the_signal_it_goes_on_at_once() -> None:
    unit = settled(False, T0, since=T0 - MIN, want=True, override=Override(False, END, "u-1", T0 - MIN))
    unit = order(unit, None, None, "u-1", END, T0)
    assert isinstance(only(step(unit, high(T0), END, LIMITS, T0)[1]), Command)


# -- who hears of it ---------------------------------------------------------------------------------------------------


def noticed(unit: Unit, who: Occupancy, value: float, now: int) -> tuple[Unit, list[tuple[str, bool]]]:
    unit, actions = control.step(replace(unit, heard_at=now), dusty(now, value), who, LIMITS, now)
    return unit, told(actions)


def test_a_persons_off_in_dusty_air_is_told_at_once_and_again_after_a_quarter_of_an_hour() -> None:
    unit = order(settled(False, T0), False, 60, "u-1", END, T0)
    unit, news = noticed(unit, occupied(END), 26.0, T0)
    assert news == [("person_off", False)]
    unit, news = noticed(unit, occupied(END), 30.0, T0 + 14 * MIN)
    assert news == []
    unit, news = noticed(unit, occupied(END), 30.0, T0 + 15 * MIN)
    assert news == [("person_off_long", False)]
    unit, news = noticed(unit, occupied(END), 15.0, T0 + 20 * MIN)
    assert sorted(news) == [("person_off", True), ("person_off_long", True)]


@pytest.mark.parametrize("value", [5.0, 25.0])
def test_a_persons_off_in_clean_air_is_nobodys_business(value: float) -> None:
    assert noticed(order(settled(False, T0), False, 60, "u", END, T0), occupied(END), value, T0)[1] == []


def test_nor_is_one_in_an_empty_room() -> None:
    unit = control.order(settled(False, T0), False, 60, "u", empty(), LIMITS, T0)
    assert noticed(unit, empty(), 90.0, T0)[1] == []


def test_it_is_over_with_the_override() -> None:
    unit, _ = noticed(order(settled(False, T0), False, 5, "u", END, T0), occupied(END), 30.0, T0)
    _, news = noticed(unit, occupied(END), 30.0, T0 + 5 * MIN)
    assert news == [("person_off", True)]


def test_between_the_limits_a_settled_unit_is_left_alone() -> None:
    assert step(settled(False, T0), between(T0), END, LIMITS, T0)[1] == []


@pytest.mark.parametrize("on", [True, False])
def test_a_fall_is_over_when_a_person_has_said_how_it_is_to_be(on: bool) -> None:
    unit, actions = observed(settled(True, T0, want=True, expires_at=END), False, True, END, T0, NAMES)
    assert told(actions) == [("fell_off", False)]
    unit, _ = observed(replace(unit, pending=None), True, True, END, T0 + 5000, NAMES, by="person")
    if not on:
        unit, _ = observed(replace(unit, pending=None), False, True, END, T0 + 8000, NAMES, by="person")
    for second in range(8, 200):
        now = T0 + second * 1000
        unit, actions = control.step(
            replace(unit, heard_at=now, pending=None, expires_at=END if on else None),
            high(now),
            occupied(END),
            NAMES,
            now,
        )
    assert not unit.is_open("fell_off")
