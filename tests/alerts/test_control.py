"""The purifier's state machine: single rules first, then long random lives in which no promise may break."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from alerts.control import machine as control
from alerts.control import saved_state
from alerts.control.unit import Command, Limits, Override, Query, Recovered, Trouble, Unit, clock_stepped, restarted
from alerts.signal import Signal, SignalFollower
from classair.science.averages import Sample

LIMITS = Limits()
MIN = 60_000
T0 = 1_790_000_000_000


def high(now: int, for_ms: int = 10 * MIN) -> Signal:
    return Signal(40.0, now, now - for_ms, None)


def low(now: int, for_ms: int = 20 * MIN) -> Signal:
    return Signal(5.0, now, None, now - for_ms)


def between(now: int) -> Signal:
    return Signal(20.0, now)


def silent(newest: int) -> Signal:
    return Signal(20.0, newest)


def settled(on: bool, now: int, **more: object) -> Unit:
    unit = Unit(
        watching_since=now - 60 * MIN,
        on=on,
        last_on=on,
        since=now - 60 * MIN,
        settling="",
        want=on,
        expires_at=now + 5 * MIN if on else None,
    )
    return replace(unit, **more)  # type: ignore[arg-type]


def only(actions: list[control.Action]) -> control.Action:
    assert len(actions) == 1, actions
    return actions[0]


# -- on and off by the signal ------------------------------------------------------------------------------------------


def test_it_goes_on_when_the_signal_was_high_for_three_minutes() -> None:
    unit = settled(False, T0)
    unit, actions = control.step(unit, high(T0, 179_000), None, LIMITS, T0)
    assert actions == []
    _, actions = control.step(unit, high(T0, 180_000), None, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 300


def test_with_children_there_an_on_carries_the_end_of_the_block() -> None:
    _, actions = control.step(settled(False, T0), high(T0), T0 + 4 * 60 * MIN, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.seconds == 4 * 3600


def test_just_before_the_end_of_the_block_an_on_still_carries_five_minutes() -> None:
    _, actions = control.step(settled(False, T0), high(T0), T0 + MIN, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.seconds == 300


def test_it_goes_off_when_the_signal_was_low_for_ten_minutes_and_not_before_its_minimum_time() -> None:
    young = settled(True, T0, since=T0 - 14 * MIN)
    assert control.step(young, low(T0), None, LIMITS, T0)[1] == []
    _, actions = control.step(settled(True, T0, since=T0 - 15 * MIN), low(T0), None, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and not command.on and command.seconds is None


def test_between_the_limits_nothing_changes() -> None:
    assert control.step(settled(False, T0), between(T0), None, LIMITS, T0)[1] == []
    assert control.step(settled(True, T0), between(T0), None, LIMITS, T0)[1] == []


def test_after_going_off_it_rests_ten_minutes() -> None:
    rested = settled(False, T0, since=T0 - 10 * MIN)
    assert control.step(replace(rested, since=T0 - 9 * MIN), high(T0), None, LIMITS, T0)[1] == []
    assert isinstance(only(control.step(rested, high(T0), None, LIMITS, T0)[1]), Command)


def test_a_fifth_start_within_an_hour_waits() -> None:
    starts = tuple(T0 - m * MIN for m in (59, 44, 29, 14))
    unit = settled(False, T0, starts=starts)
    assert control.step(unit, high(T0), None, LIMITS, T0)[1] == []
    later = T0 + MIN + 1
    assert isinstance(only(control.step(unit, high(later), None, LIMITS, later)[1]), Command)


@pytest.mark.parametrize("age_s", [181, 3600, 86_400])
def test_old_data_switch_nothing(age_s: int) -> None:
    newest = T0 - age_s * 1000
    assert control.step(settled(False, T0), Signal(99.0, newest, newest - 9 * MIN), None, LIMITS, T0)[1] == []
    on = settled(True, T0, expires_at=T0 + 200 * MIN)
    assert (
        control.step(
            on, Signal(1.0, newest, None, newest - 90 * MIN), T0 + 200 * MIN, replace(LIMITS, when_blind=False), T0
        )[1]
        == []
    )


def test_data_from_the_future_switch_nothing() -> None:
    newest = T0 + 121_000
    assert control.step(settled(False, T0), Signal(99.0, newest, T0 - 9 * MIN), None, LIMITS, T0)[1] == []


def test_silence_after_one_high_value_is_not_three_minutes_of_high_values() -> None:
    newest = T0 - 180_000
    assert control.step(settled(False, T0), Signal(99.0, newest, newest), None, LIMITS, T0)[1] == []


# -- leases ------------------------------------------------------------------------------------------------------------


def test_an_on_that_is_still_wanted_is_renewed_before_it_expires() -> None:
    unit = settled(True, T0, expires_at=T0 + 151_000)
    assert control.step(unit, between(T0), None, LIMITS, T0)[1] == []
    _, actions = control.step(unit, between(T0 + 1000), None, LIMITS, T0 + 1000)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 300


def test_the_devices_own_expiry_is_not_a_person() -> None:
    unit = settled(True, T0, expires_at=T0 + 10_000)
    unit, _ = control.observed(unit, False, True, None, T0)
    assert unit.override is None and unit.on is False


def test_an_expiry_that_vanished_is_set_again() -> None:
    unit = settled(True, T0, want=False, expires_at=T0 - 20_000)
    unit, actions = control.step(unit, between(T0), None, LIMITS, T0)
    assert actions == [Query()]
    unit, _ = control.observed(unit, True, False, None, T0 + 100)
    _, actions = control.step(unit, between(T0 + 200), None, LIMITS, T0 + 200)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 300


# -- people ------------------------------------------------------------------------------------------------------------


def test_a_person_at_the_device_wins_until_the_end_of_the_block() -> None:
    end = T0 + 90 * MIN
    unit, _ = control.observed(settled(True, T0, expires_at=end), False, True, end, T0)
    assert unit.override == Override(False, end, "device")
    unit, actions = control.step(unit, high(T0 + 80 * MIN), end, LIMITS, T0 + 80 * MIN)
    assert actions == []
    _, actions = control.step(unit, high(end), None, LIMITS, end)
    assert isinstance(only(actions), Command)


def test_a_person_outside_of_school_hours_wins_for_an_hour() -> None:
    unit, _ = control.observed(settled(False, T0), True, True, None, T0)
    assert unit.override == Override(True, T0 + 60 * MIN, "device")
    # the device gets the same expiry
    _, actions = control.step(unit, low(T0), None, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 3600


def test_a_persons_off_acts_at_once_and_outlasts_blindness() -> None:
    unit = settled(True, T0, since=T0 - MIN)
    unit = control.order(unit, False, 30, "u-1", T0 + 200 * MIN, T0)
    unit, actions = control.step(unit, silent(T0 - 40 * MIN), T0 + 200 * MIN, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and not command.on and command.mode == "person"
    unit, _ = control.observed(unit, False, True, T0 + 200 * MIN, T0 + 50)
    assert control.step(unit, silent(T0 - 40 * MIN), T0 + 200 * MIN, LIMITS, T0 + 29 * MIN)[1] == []
    _, actions = control.step(unit, silent(T0 - 40 * MIN), T0 + 200 * MIN, LIMITS, T0 + 30 * MIN)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.mode == "fail_safe"


def test_a_persons_on_ends_by_its_own_expiry_without_a_second_start() -> None:
    unit = control.order(settled(False, T0), True, 10, "u-1", None, T0)
    unit, actions = control.step(unit, between(T0), None, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.seconds == 600
    unit, _ = control.observed(unit, True, True, None, T0 + 50)
    end = T0 + 10 * MIN
    unit, _ = control.observed(unit, False, True, None, end - 900)
    for now in range(end - 500, end + 5 * MIN, 1000):
        unit, actions = control.step(unit, between(now), None, LIMITS, now)
        assert actions == []
    assert unit.override is None


def test_giving_it_back_to_the_signal_replaces_the_persons_expiry() -> None:
    unit = settled(True, T0, want=False, override=Override(True, T0 + 400 * MIN, "u-1"), expires_at=T0 + 400 * MIN)
    unit = control.order(unit, None, None, "u-1", None, T0)
    _, actions = control.step(unit, between(T0), None, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 300


# -- blind -------------------------------------------------------------------------------------------------------------


def test_blind_with_children_there_means_on_even_before_its_rest_is_over() -> None:
    unit = settled(False, T0, since=T0 - MIN, starts=(T0, T0, T0, T0))
    _, actions = control.step(unit, silent(T0 - 181_000), T0 + 60 * MIN, LIMITS, T0)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.mode == "fail_safe" and command.seconds == 3600


def test_blind_in_an_empty_room_or_where_the_school_chose_otherwise_means_nothing() -> None:
    unit = settled(False, T0)
    assert control.step(unit, silent(T0 - 181_000), None, LIMITS, T0)[1] == []
    chosen = replace(LIMITS, when_blind=False)
    assert control.step(unit, silent(T0 - 181_000), T0 + 60 * MIN, chosen, T0)[1] == []


def test_blind_in_an_empty_room_its_lease_runs_out_but_not_before_its_minimum_time() -> None:
    unit = settled(True, T0, since=T0 - 14 * MIN, expires_at=T0 + 100_000)
    assert isinstance(only(control.step(unit, silent(T0 - 9 * MIN), None, LIMITS, T0)[1]), Command)
    older = replace(unit, since=T0 - 16 * MIN)
    assert control.step(older, silent(T0 - 9 * MIN), None, LIMITS, T0)[1] == []


def test_a_slow_sensor_is_not_blind_between_its_values() -> None:
    unit = settled(False, T0)
    slow = Signal(20.0, T0 - 14 * MIN, None, None, blind_ms=15 * MIN)
    assert control.step(unit, slow, T0 + 60 * MIN, LIMITS, T0)[1] == []


def test_a_controller_that_just_began_is_patient() -> None:
    unit = settled(False, T0, watching_since=T0 - 100_000)
    assert control.step(unit, Signal(), T0 + 60 * MIN, LIMITS, T0)[1] == []
    assert isinstance(only(control.step(unit, Signal(), T0 + 60 * MIN, LIMITS, T0 + 81_000)[1]), Command)


# -- confirmation ------------------------------------------------------------------------------------------------------


def test_three_tries_ten_seconds_apart_then_a_person_is_told_once() -> None:
    unit, now, log = settled(False, T0), T0, []
    while now < T0 + 10 * MIN:
        unit, actions = control.step(unit, high(now), None, LIMITS, now)
        log += [(now - T0, action) for action in actions]
        now += 1000
    commands = [at for at, action in log if isinstance(action, Command)]
    assert commands[:3] == [0, 10_000, 20_000]
    assert [at for at, action in log if isinstance(action, Trouble)] == [30_000]
    assert commands[3] == 90_000 and unit.on is None and unit.fault_since is not None
    unit, actions = control.observed(unit, True, True, None, now)
    unit, more = control.step(unit, high(now), None, LIMITS, now)
    assert [type(action) for action in (*actions, *more)].count(Recovered) == 1


def test_a_regular_report_does_not_confirm_a_renewal() -> None:
    unit = settled(True, T0, expires_at=T0 + MIN)
    unit, _ = control.step(unit, between(T0), None, LIMITS, T0)
    unit, _ = control.observed(unit, True, False, None, T0 + 10)
    assert unit.pending is not None
    unit, _ = control.observed(unit, True, True, None, T0 + 20)
    assert unit.pending is None and unit.expires_at == T0 + 5 * MIN


def test_what_the_device_does_after_we_gave_up_is_not_a_person() -> None:
    unit = settled(False, T0)
    for now in range(T0, T0 + 31_000, 1000):
        unit, _ = control.step(unit, high(now), None, LIMITS, now)
    assert unit.fault_since is not None
    unit, _ = control.observed(unit, True, True, None, T0 + 40_000)
    assert unit.override is None and unit.on is True


# -- restarts ----------------------------------------------------------------------------------------------------------


def test_a_restart_reads_the_real_state_before_any_command() -> None:
    unit = restarted(settled(False, T0), T0)
    unit, actions = control.step(unit, high(T0), T0 + 60 * MIN, LIMITS, T0)
    assert actions == [Query()]
    unit, _ = control.observed(unit, False, False, T0 + 60 * MIN, T0 + 100)
    assert isinstance(only(control.step(unit, high(T0 + 200), T0 + 60 * MIN, LIMITS, T0 + 200)[1]), Command)


def test_a_restart_keeps_override_and_minimum_time() -> None:
    unit = settled(
        True, T0, since=T0 - 5 * MIN, override=Override(True, T0 + 20 * MIN, "u-1"), expires_at=T0 + 20 * MIN
    )
    unit = restarted(unit, T0 + MIN)
    unit, _ = control.observed(unit, True, False, None, T0 + MIN + 50)
    assert unit.override is not None and unit.since == T0 - 5 * MIN
    assert control.step(unit, low(T0 + 6 * MIN), None, LIMITS, T0 + 6 * MIN)[1] == []


def test_found_on_after_a_restart_it_was_a_person() -> None:
    unit = restarted(settled(False, T0), T0)
    unit, _ = control.observed(unit, True, False, None, T0 + 100)
    assert unit.override is not None and unit.override.on


def test_an_on_whose_answer_was_missed_in_a_restart_is_no_persons_and_gets_a_fresh_expiry() -> None:
    unit, actions = control.step(settled(False, T0), high(T0), None, LIMITS, T0)
    assert isinstance(only(actions), Command)
    unit = restarted(saved_state.read(saved_state.written(unit), T0 + 2000), T0 + 2000)
    unit, _ = control.observed(unit, True, False, None, T0 + 3000)
    assert unit.override is None and unit.mode == "auto" and unit.expires_at is None
    _, actions = control.step(unit, high(T0 + 4000), None, LIMITS, T0 + 4000)
    command = only(actions)
    assert isinstance(command, Command) and command.on and command.seconds == 300


def test_an_on_whose_answer_was_missed_because_the_broker_went_is_no_persons() -> None:
    unit, _ = control.step(settled(False, T0), high(T0), None, LIMITS, T0)
    unit, actions = control.reconnected(unit, T0 + 60 * MIN)
    assert actions == [Query()] and unit.pending is None  # nothing an hour old is sent again
    unit, _ = control.observed(unit, True, False, None, T0 + 60 * MIN + 100)
    assert unit.override is None and unit.on is True


@pytest.mark.parametrize("life_s", [20, 60, 170])
def test_a_crash_loop_of_short_lives_still_ends_in_safe_mode(life_s: int) -> None:
    block_end, dead_since, now = T0 + 300 * MIN, T0, T0
    unit, _ = control.step(settled(False, T0), between(T0), block_end, LIMITS, T0)
    first_on: int | None = None
    while now < T0 + 15 * MIN and first_on is None:
        unit = restarted(saved_state.read(saved_state.written(unit), now), now)
        unit, _ = control.observed(unit, False, False, block_end, now)
        for _ in range(life_s):
            now += 1000
            unit, actions = control.step(unit, Signal(), block_end, LIMITS, now)
            if any(isinstance(action, Command) and action.mode == "fail_safe" for action in actions):
                first_on = now
                break
    assert first_on is not None and 180_000 < first_on - dead_since <= 6 * MIN + life_s * 1000


def test_a_restart_beside_a_sensor_that_lives_does_not_go_into_safe_mode() -> None:
    block_end, now = T0 + 300 * MIN, T0
    unit, _ = control.step(settled(False, T0), between(T0), block_end, LIMITS, T0)
    for _ in range(20):
        now += MIN
        unit = restarted(saved_state.read(saved_state.written(unit), now), now)
        unit, _ = control.observed(unit, False, False, block_end, now)
        for signal in (Signal(), between(now)):
            unit, actions = control.step(unit, signal, block_end, LIMITS, now)
            assert actions == []


def test_after_a_long_time_without_a_controller_it_is_patient_again() -> None:
    unit, _ = control.step(settled(False, T0), between(T0), None, LIMITS, T0)
    now = T0 + 14 * 60 * MIN
    unit = restarted(saved_state.read(saved_state.written(unit), now), now)
    unit, _ = control.observed(unit, False, False, now + 60 * MIN, now)
    assert control.step(unit, Signal(), now + 60 * MIN, LIMITS, now + 180_000)[1] == []
    assert isinstance(only(control.step(unit, Signal(), now + 60 * MIN, LIMITS, now + 181_000)[1]), Command)


# -- clocks that are put right -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [-3 * 3_600_000, -60_000, 60_000, 5 * 3_600_000])
def test_a_devices_own_expiry_after_a_step_of_the_clock_is_not_a_person(by: int) -> None:
    unit = clock_stepped(settled(True, T0, expires_at=T0 + 10_000), by, T0 + by)
    unit, _ = control.observed(unit, False, True, None, T0 + by + 10_000)
    assert unit.override is None and unit.reason == "its expiry"


@pytest.mark.parametrize("by", [-3 * 3_600_000, 5 * 3_600_000])
def test_a_step_of_the_clock_neither_ends_nor_lengthens_minimum_times(by: int) -> None:
    unit = clock_stepped(settled(True, T0, since=T0 - 14 * MIN), by, T0 + by)
    assert control.step(unit, low(T0 + by), None, LIMITS, T0 + by)[1] == []
    later = T0 + by + MIN
    command = only(control.step(unit, low(later), None, LIMITS, later)[1])
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
    unit, _ = control.step(settled(False, T0), high(T0), None, LIMITS, T0)
    unit = control.order(unit, False, None, "u-1", None, T0 + 50)
    unit, actions = control.step(unit, high(T0), None, LIMITS, T0 + 50)
    command = only(actions)
    assert isinstance(command, Command) and not command.on
    for late in (True, True, False, False):  # RESULT and POWER of each, in the order of the commands
        unit, actions = control.observed(unit, late, True, None, T0 + 100)
        assert actions == [] and unit.override == Override(False, T0 + 50 + 60 * MIN, "u-1")
    assert unit.on is False and unit.pending is None
    assert control.step(unit, high(T0 + 1000), None, LIMITS, T0 + 1000)[1] == []


def test_a_plug_that_returns_after_a_power_cut_is_put_right_at_once() -> None:
    unit = settled(True, T0, since=T0 - MIN, expires_at=T0 + 100 * MIN)
    unit, _ = control.line(unit, False, False, T0)
    assert unit.on is None
    unit, actions = control.line(unit, True, False, T0 + MIN)
    assert actions == [Query()]
    unit, _ = control.observed(unit, False, False, T0 + 100 * MIN, T0 + MIN + 100)
    assert unit.override is None
    now = T0 + MIN + 200
    _, actions = control.step(unit, high(now), T0 + 100 * MIN, LIMITS, now)
    assert isinstance(only(actions), Command)


def test_a_plug_that_rebooted_while_on_gets_its_expiry_anew() -> None:
    # Its timer begins from the full time again after a reboot.
    unit = settled(True, T0, expires_at=T0 + 20 * MIN)
    unit, _ = control.line(unit, True, False, T0)
    unit, _ = control.observed(unit, True, False, T0 + 20 * MIN, T0 + 50)
    _, actions = control.step(unit, between(T0 + 100), T0 + 20 * MIN, LIMITS, T0 + 100)
    command = only(actions)
    assert isinstance(command, Command) and command.on and 1199 <= (command.seconds or 0) <= 1200


def test_an_unreachable_plug_that_is_wanted_on_is_told_to_a_person() -> None:
    unit, told = control.line(settled(False, T0), False, True, T0)
    for now in range(T0, T0 + 40_000, 1000):
        unit, actions = control.step(unit, high(now), None, LIMITS, now)
        told += [action for action in actions if isinstance(action, Trouble)]
    assert told == [Trouble(True, 3)]


# -- long random lives -------------------------------------------------------------------------------------------------


@dataclass
class Plug:
    """A relay with a timer, a button, a line that loses messages, and a power supply that fails."""

    on: bool = False
    ends_at: int | None = None
    set_ms: int = 0
    powered: bool = True
    out: list[tuple[str, bool]] = field(default_factory=list)
    changes: list[tuple[int, bool, str]] = field(default_factory=list)

    def switch(self, on: bool, now: int, why: str) -> None:
        if on != self.on:
            self.changes.append((now, on, why))
        self.on = on
        self.ends_at = now + self.set_ms if on and self.set_ms else None
        self.out.append(("answer", on))

    def obey(self, command: Command, now: int) -> None:
        if command.seconds is not None:
            self.set_ms = command.seconds * 1000
        self.switch(command.on, now, command.mode if command.on or command.mode != "auto" else "auto")

    def tick(self, now: int) -> None:
        if self.on and self.ends_at is not None and now >= self.ends_at:
            self.switch(False, now, "expiry")


def _life(seed: int, steps: int) -> int:
    """One random life; asserts every promise on what the relay really did. Returns how often it was switched."""
    rng = random.Random(seed)
    limits = Limits(when_blind=rng.random() < 0.8)
    follower, plug, now = SignalFollower(25, 15), Plug(on=rng.random() < 0.3), T0
    unit = Unit(watching_since=now)
    level, mute, lossy = 20.0, 0, rng.choice([0.0, 0.0, 0.05, 0.5])
    block_end: int | None = None
    auto_starts: list[int] = []
    dirty_until = 0  # after button, loss, power cut or restart the relay's truth and our knowledge may differ a while
    for _ in range(steps):
        now += rng.choice([1000, 1000, 5000, 10_000])
        if block_end is not None and now >= block_end:
            block_end = None
        chance = rng.random()
        actions: list[control.Action] = []
        if chance < 0.0006:
            block_end = None if block_end else now + rng.randrange(5, 500) * MIN
        elif chance < 0.0012:
            mute = now + rng.randrange(1, 40) * MIN
        elif chance < 0.0016 and plug.powered:
            plug.switch(not plug.on, now, "button")
        elif chance < 0.0019:
            unit = restarted(saved_state.read(saved_state.written(unit), now), now)
        elif chance < 0.0023:
            plug.powered = not plug.powered
            if plug.powered:
                plug.switch(rng.random() < 0.5, now, "power")
                plug.out.clear()
            unit, actions = control.line(unit, plug.powered, False, now)
        elif chance < 0.0028:
            unit = control.order(unit, rng.choice([True, False, None]), rng.choice([None, 5, 90]), "u", block_end, now)
        if chance < 0.004:
            dirty_until = now + 3 * MIN
        if rng.random() < 0.004:
            level = rng.choice([3.0, 12.0, 20.0, 30.0, 80.0])
        if now > mute:
            at = now - rng.choice([0, 0, 0, 5000, 200_000, 4_000_000]) if rng.random() < 0.9 else now
            follower.add([Sample(at, max(0.0, rng.gauss(level, 4)), 10_000)])
        plug.tick(now)
        signal = follower.signal
        unit, more = control.step(unit, signal, block_end, limits, now)
        actions = [*actions, *more]
        while actions or plug.out:
            action = actions.pop(0) if actions else None
            if isinstance(action, Command):
                changes = plug.on != action.on
                if action.mode == "auto" and changes and unit.last_on is not action.on:
                    assert signal.newest_at is not None and now - signal.newest_at <= 180_000, "acted on old data"
                assert action.on or action.mode != "fail_safe", "safe mode never switches off"
                if action.on:
                    assert action.seconds is not None and 0 < action.seconds <= 64_800, "an ON without an expiry"
                if unit.override is not None:
                    assert action.on == unit.override.on and action.mode == "person", "a person was overruled"
                if not action.on and action.mode == "auto":
                    assert now - unit.since >= limits.min_on_ms, "automatic OFF before its minimum time"
                    assert signal.median is not None and signal.median <= 15
                if plug.powered and rng.random() >= lossy:
                    before = plug.on
                    plug.obey(action, now)
                    if changes and before != plug.on and action.mode == "auto" and now > dirty_until and not lossy:
                        if plug.on:
                            restored = "power went" in action.reason
                            off = next((at for at, on, _ in reversed(plug.changes[:-1]) if not on), 0)
                            assert restored or now - off >= limits.min_off_ms - 1000, ("no rest", action, unit)
                            auto_starts = [*(s for s in auto_starts if now - s < 3_600_000), now]
                            assert len(auto_starts) <= limits.max_starts, "too many starts"
                        else:
                            began = next((at for at, on, _ in reversed(plug.changes[:-1]) if on), 0)
                            assert now - began >= limits.min_on_ms - 1000, ("too short a run", plug.changes[-6:], unit)
            elif isinstance(action, Query) and plug.powered and rng.random() >= lossy:
                plug.out.append(("report", plug.on))
            if plug.out:
                kind, on = plug.out.pop(0)
                if rng.random() >= lossy:
                    unit, more = control.observed(unit, on, kind == "answer", block_end, now)
                    actions += more
        if plug.on and plug.powered and plug.changes and plug.changes[-1][2] in ("auto", "fail_safe", "person"):
            assert plug.ends_at is not None, "it would run for ever"
    return len(plug.changes)


@pytest.mark.parametrize("seed", range(10))
def test_in_a_long_random_life_no_promise_breaks(seed: int) -> None:
    assert _life(seed, 10_000) > 3


def test_the_walk_would_notice_a_missing_minimum_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: with the guard off the same walk fails."""
    real = control.step

    def careless(unit: Unit, signal: Signal, block_end: int | None, limits: Limits, now: int) -> control.Outcome:
        return real(unit, signal, block_end, replace(limits, min_on_ms=0, min_off_ms=0), now)

    monkeypatch.setattr(control, "step", careless)
    with pytest.raises(AssertionError):
        for seed in range(12):
            _life(seed, 10_000)
