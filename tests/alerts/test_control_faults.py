"""What is wrong with a purifier shows by its silence, its draw and the room's air; it is told once, and ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.control import machine as control
from alerts.control.occupancy import UNKNOWN, Occupancy, empty, occupied
from alerts.control.unit import Action, Command, Limits, Query, Told, Unit, restarted
from alerts.purifiers import Said
from classair.control.signal import Signal
from tests.alerts.controlled import LIMITS, MIN, T0, between, high, low, only, settled

END = T0 + 300 * MIN
METERED = replace(LIMITS, meters=True, names_people=True)


def live(
    unit: Unit, seconds: int, signal: Signal | None = None, who: Occupancy = UNKNOWN, limits: Limits = LIMITS
) -> tuple[Unit, list[tuple[int, Action]]]:
    """Steps second by second from the unit's last word on; a signal stays as fresh as it was."""
    log: list[tuple[int, Action]] = []
    start = unit.heard_at
    for second in range(1, seconds + 1):
        now = start + second * 1000
        seen = between(now) if signal is None else replace(signal, newest_at=now)
        unit, actions = control.step(unit, seen, who, limits, now)
        log += [(second, action) for action in actions]
    return unit, log


def said(unit: Unit, word: Said, now: int, limits: Limits = LIMITS) -> tuple[Unit, list[Action]]:
    unit, first = control.heard(unit, now)
    unit, more = control.observed(unit, word, UNKNOWN, limits, now)
    return unit, [*first, *more]


# -- silence -----------------------------------------------------------------------------------------------------------


def test_a_silent_device_is_asked_after_a_minute_and_again_and_then_unknown_and_told_within_85_s() -> None:
    unit, log = live(settled(True, T0, expires_at=END), 200)
    asked = [at for at, action in log if isinstance(action, Query)]
    assert asked[:2] == [60, 70]
    assert [at for at, action in log if isinstance(action, Told) and action.what == "silent"] == [80]
    assert unit.on is None and unit.is_open("silent")
    unit, actions = said(unit, Said(on=True), T0 + 300_000)
    assert Told("silent", over=True) in actions and unit.on is True


def test_one_that_answers_is_never_told() -> None:
    unit = settled(False, T0)
    for minute in range(1, 4):
        unit, log = live(unit, 61)
        assert [type(action) for _, action in log] == [Query]
        unit, actions = said(unit, Said(on=False), T0 + minute * 61_000)
        assert actions == []


def test_a_silent_device_that_should_be_on_goes_on_being_tried() -> None:
    unit, log = live(settled(False, T0), 300, high(T0))
    commands = [at for at, action in log if isinstance(action, Command)]
    assert commands[:3] == [1, 11, 21] and commands[-1] > 200
    assert {action.what for _, action in log if isinstance(action, Told)} == {"silent", "not_obeying"}
    assert unit.on is None


def test_the_silence_of_a_device_that_cannot_be_asked_means_nothing() -> None:
    mute = replace(LIMITS, asked=False)
    unit, log = live(settled(True, T0, want=True, since=T0, expires_at=T0 + 15 * MIN), 300, limits=mute)
    assert log == [] and unit.on is True


def test_a_last_will_is_told_as_silence_unless_it_comes_back() -> None:
    away, _ = control.line(settled(False, T0), False, False, T0)
    log: list[tuple[int, Action]] = []
    unit = away
    for second in range(1, 40):
        unit, actions = control.step(unit, between(T0 + second * 1000), UNKNOWN, LIMITS, T0 + second * 1000)
        log += [(second, action) for action in actions]
    assert [(at, action.what) for at, action in log if isinstance(action, Told)] == [(21, "silent")]
    back, actions = control.line(away, True, False, T0 + 5000)
    assert actions == [Query()]
    back, actions = said(back, Said(on=False), T0 + 5100)
    assert actions == [] and back.on is False


# -- devices that can less ---------------------------------------------------------------------------------------------


def test_from_a_device_that_reports_nothing_a_command_counts_as_done() -> None:
    limits = replace(LIMITS, reports=False, asked=False)
    unit = restarted(Unit(watching_since=T0 - MIN), T0, reports=False)
    unit, actions = control.step(unit, high(T0), occupied(END), limits, T0)
    assert isinstance(only(actions), Command) and unit.on is True and unit.pending is None
    unit, actions = control.step(unit, high(END - MIN), occupied(END), limits, END - MIN)
    assert unit.on is True
    unit = restarted(unit, END - 30_000, reports=False)
    assert unit.on is True, "what it was told is what it is"


def test_a_device_without_an_expiry_is_switched_off_by_us_when_its_time_is_over_also_after_a_restart() -> None:
    limits = replace(LIMITS, expires=False)
    unit = settled(True, T0, want=False, expires_at=T0 + MIN)
    unit = restarted(unit, T0 + 2 * MIN)
    unit, _ = said(unit, Said(on=True), T0 + 2 * MIN, limits)
    command = only(control.step(unit, between(T0 + 2 * MIN), UNKNOWN, limits, T0 + 2 * MIN)[1])
    assert isinstance(command, Command) and not command.on


def test_an_expiry_is_never_longer_than_the_device_can_hold() -> None:
    limits = replace(LIMITS, longest_ms=100_000)
    unit, actions = control.step(settled(False, T0), high(T0), occupied(END), limits, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.seconds == 100
    unit, _ = said(unit, Said(on=True, answer=True), T0 + 100, limits)
    _, log = live(unit, 100, high(T0), occupied(END), limits)
    renewals = [at for at, action in log if isinstance(action, Command)]
    assert 1 <= len(renewals) <= 10, renewals


# -- power -------------------------------------------------------------------------------------------------------------


def test_on_without_draw_for_twenty_seconds_is_told_and_over_when_it_draws() -> None:
    unit = settled(True, T0, since=T0, expires_at=T0 + 15 * MIN)
    unit, actions = said(unit, Said(on=True, watts=0.0), T0 + 2000, METERED)
    assert actions == []
    unit, log = live(replace(unit, heard_at=T0), 25, limits=METERED)
    assert [at for at, action in log if isinstance(action, Query)] == [20], "what it drew at once proves nothing"
    unit, actions = said(unit, Said(on=True, watts=0.4), T0 + 25_500, METERED)
    unit, actions = control.step(unit, between(T0 + 26_000), UNKNOWN, METERED, T0 + 26_000)
    assert actions == [Told("no_draw", detail="0.4 W")]
    unit, actions = said(unit, Said(watts=38.0), T0 + 60_000, METERED)
    assert actions == [Told("no_draw", over=True, detail="0.4 W")]


def test_off_with_draw_is_told() -> None:
    unit = settled(False, T0, since=T0 - MIN)
    unit, _ = said(unit, Said(on=False, watts=35.0), T0, METERED)
    unit, _ = said(unit, Said(on=False, watts=35.0), T0 + 20_000, METERED)
    _, actions = control.step(unit, between(T0 + 20_000), UNKNOWN, METERED, T0 + 20_000)
    assert [action.what for action in actions if isinstance(action, Told)] == ["still_drawing"]


def test_a_meter_that_says_nothing_after_an_on_is_asked() -> None:
    unit = settled(True, T0, since=T0, expires_at=T0 + 15 * MIN, watts=0.0, watts_at=T0 - MIN)
    _, log = live(unit, 25, limits=METERED)
    assert [at for at, action in log if isinstance(action, Query)] == [20]


def test_a_devices_own_words_are_told_one_by_one() -> None:
    unit, actions = said(settled(True, T0), Said(faults=("overtemp", "overpower")), T0)
    assert actions == [Told("device", detail="overtemp"), Told("device", detail="overpower")]
    unit, actions = said(unit, Said(faults=("overpower",)), T0 + 1000)
    assert actions == [Told("device", over=True, detail="overtemp")]
    assert said(unit, Said(), T0 + 2000)[1] == []


# -- the room's air ----------------------------------------------------------------------------------------------------


def run_dirty(values: list[float], who: Occupancy, limits: Limits = LIMITS, **more: object) -> list[tuple[int, str]]:
    """One value a minute while it is on; (minute, what was told)."""
    unit, log = settled(True, T0, expires_at=END, **more), []
    for minute, value in enumerate(values):
        now = T0 + minute * MIN
        unit, actions = control.step(
            replace(unit, heard_at=now, watts_at=now), Signal(value, now, T0 - 60 * MIN), who, limits, now
        )
        log += [
            (minute, action.what + (" over" if action.over else "")) for action in actions if isinstance(action, Told)
        ]
    return log


def test_half_an_hour_at_full_speed_in_dust_that_does_not_fall_is_told_until_it_falls() -> None:
    values = [80.0] * 40 + [70.0]
    assert run_dirty(values, occupied(END)) == [(30, "no_effect"), (40, "no_effect over")]


@pytest.mark.parametrize(
    ("values", "who"),
    [
        ([80.0 * 0.99**minute for minute in range(60)], occupied(END)),
        ([37.0] * 60, occupied(END)),
        ([80.0] * 60, UNKNOWN),
    ],
    ids=["falling", "not so dusty", "nobody known to be there"],
)
def test_otherwise_it_is_not(values: list[float], who: Occupancy) -> None:
    assert "no_effect" not in {what for _, what in run_dirty(values, who)}


def test_one_that_is_metered_or_not_at_full_speed_is_not_judged_by_the_air() -> None:
    assert run_dirty([80.0] * 60, occupied(END), METERED, watts=40.0) == []
    assert run_dirty([80.0] * 60, occupied(END), replace(LIMITS, full_speed=3), speed=1) == []


# -- who is in the room ------------------------------------------------------------------------------------------------


def test_in_an_empty_room_it_is_switched_off_when_its_minimum_time_is_over_and_not_on() -> None:
    fresh = settled(True, T0, since=T0 - 5 * MIN, expires_at=END)
    _, actions = control.step(fresh, high(T0), empty(), LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 600, "to the end of its minimum time"
    _, actions = control.step(settled(True, T0, expires_at=END), high(T0), empty(), LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and not command.on and command.reason == "nobody is there"
    assert control.step(settled(False, T0), high(T0), empty(), LIMITS, T0)[1] == []


def test_before_the_children_come_it_goes_on_in_air_that_is_not_clean_and_holds_until_they_are_there() -> None:
    start = T0 + 20 * MIN
    _, actions = control.step(settled(False, T0), Signal(20.0, T0), empty(start, pre_clean=True), LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 20 * 60 + 300
    assert control.step(settled(False, T0), low(T0), empty(start, pre_clean=True), LIMITS, T0)[1] == []


def test_where_the_school_wants_it_low_the_signal_goes_on_in_an_empty_room() -> None:
    limits = replace(LIMITS, low_when_empty=True)
    _, actions = control.step(settled(False, T0), high(T0), empty(), limits, T0, 0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.speed == 0 and command.seconds == 300


def test_the_count_of_starts_delays_an_off_and_never_an_on_with_children_there() -> None:
    starts = tuple(T0 - minute * MIN for minute in (59, 44, 29, 14))
    off = settled(False, T0, starts=starts)
    assert isinstance(only(control.step(off, high(T0), occupied(END), LIMITS, T0)[1]), Command)
    on = settled(True, T0, starts=starts, expires_at=END)
    assert control.step(on, low(T0), occupied(END), LIMITS, T0)[1] == []
    later = T0 + 1 * MIN + 1
    _, actions = control.step(replace(on, heard_at=later), low(later), occupied(END), LIMITS, later)
    command = only(actions)
    assert isinstance(command, Command) and not command.on


def test_heavy_dust_does_not_wait_for_a_motor_to_rest_with_children_there() -> None:
    fast = Signal(20.0, T0, None, None, fast_since=T0 - MIN)
    rested = settled(False, T0, since=T0 - MIN)
    assert isinstance(only(control.step(rested, fast, occupied(END), LIMITS, T0)[1]), Command)
    assert control.step(rested, fast, UNKNOWN, LIMITS, T0)[1] == []
