"""The simulated Tasmota socket, with the traps of the real one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.devices.tasmota import Publish, TasmotaPlug, pulse_seconds, pulse_setting

T = "socket-1"


def say(plug: TasmotaPlug, command: str, value: str = "", now: float = 0.0) -> list[Publish]:
    return plug.handle(f"cmnd/{T}/{command}", value.encode(), now)


def result(messages: list[Publish]) -> dict[str, object]:
    """The first JSON answer."""
    return json.loads(next(m.payload for m in messages if m.topic.endswith("/RESULT")))


def left(plug: TasmotaPlug, now: float) -> int:
    answer = result(say(plug, "PulseTime1", "", now))["PulseTime1"]
    assert isinstance(answer, dict)
    return answer["Remaining"]


@pytest.mark.parametrize("command", ["Power", "POWER", "power1", "Power1", "POWER0"])
@pytest.mark.parametrize(("value", "on"), [("ON", True), ("1", True), ("on", True), ("OFF", False), ("TOGGLE", False)])
def test_a_power_command_is_answered_twice(command: str, value: str, on: bool) -> None:
    plug = TasmotaPlug(T, on=True)
    word = "ON" if on else "OFF"
    assert say(plug, command, value) == [
        Publish(f"stat/{T}/RESULT", f'{{"POWER":"{word}"}}'),
        Publish(f"stat/{T}/POWER", word),
    ]
    assert plug.on is on


def test_an_empty_question_is_answered_and_ends_the_expiry() -> None:
    """The trap: who asks POWER loses the expiry, and the purifier runs for ever."""
    plug = TasmotaPlug(T)
    say(plug, "PulseTime1", "400")
    say(plug, "Power1", "ON", 0.0)
    assert left(plug, 100.0) == 300
    assert result(say(plug, "POWER", "", 100.0)) == {"POWER": "ON"}
    assert left(plug, 100.0) == 0
    assert plug.tick(10_000.0)[0].topic == f"tele/{T}/STATE"
    assert plug.on


def test_asking_for_state_or_pulse_time_leaves_the_expiry_alone() -> None:
    plug = TasmotaPlug(T)
    say(plug, "PulseTime1", "400")
    say(plug, "Power1", "ON", 0.0)
    assert result(say(plug, "State", "", 10.0))["POWER"] == "ON"
    assert left(plug, 10.0) == 390
    status = say(plug, "Status", "11", 10.0)
    assert json.loads(status[0].payload)["StatusSTS"]["POWER"] == "ON"
    assert json.loads(say(plug, "Status", "", 10.0)[0].payload)["Status"]["Power"] == 1
    assert left(plug, 20.0) == 380


def test_the_device_switches_itself_off_and_says_so() -> None:
    plug = TasmotaPlug(T)
    say(plug, "PulseTime1", "112")
    say(plug, "Power1", "ON", 5.0)
    assert plug.tick(16.9) == [] and plug.on
    assert [m.payload for m in plug.tick(17.0)] == ['{"POWER":"OFF"}', "OFF"]
    assert not plug.on and plug.tick(18.0) == []


def test_power_on_again_starts_the_expiry_again_in_full() -> None:
    plug = TasmotaPlug(T)
    say(plug, "PulseTime1", "200")
    say(plug, "Power1", "ON", 0.0)
    say(plug, "Power1", "ON", 60.0)
    assert plug.remaining_s(60.0) == 100
    plug.tick(101.0)
    assert plug.on
    plug.tick(160.0)
    assert not plug.on


def test_setting_the_pulse_time_of_a_running_socket_starts_it_at_once() -> None:
    plug = TasmotaPlug(T, on=True)
    say(plug, "PulseTime", "130", 50.0)
    assert plug.remaining_s(60.0) == 20
    say(plug, "PulseTime1", "0", 60.0)
    assert plug.remaining_s(60.0) == 0
    plug.tick(500.0)
    assert plug.on


def test_after_a_restart_the_expiry_runs_in_full_again() -> None:
    plug = TasmotaPlug(T)
    say(plug, "PulseTime1", "400")
    say(plug, "Power1", "ON", 0.0)
    said = plug.reboot(250.0)
    assert [m.payload for m in said if m.topic.endswith("LWT")] == ["Offline", "Online"]
    assert plug.on and plug.remaining_s(250.0) == 300


@pytest.mark.parametrize(("state", "on"), [("0", False), ("1", True), ("2", False), ("3", True)])
def test_power_on_state_decides_what_a_restart_does(state: str, on: bool) -> None:
    plug = TasmotaPlug(T, on=True)
    assert result(say(plug, "PowerOnState", state)) == {"PowerOnState": int(state)}
    plug.reboot(10.0)
    assert plug.on is on


def test_a_backlog_takes_its_time_and_backlog0_does_not() -> None:
    slow, quick = TasmotaPlug(T), TasmotaPlug(T)
    assert len(say(slow, "Backlog", "PulseTime1 400; Power1 ON", 0.0)) == 1
    assert not slow.on
    assert [m.payload for m in slow.tick(0.2)] == ['{"POWER":"ON"}', "ON"]
    assert len(say(quick, "Backlog0", "PulseTime1 400; Power1 ON", 0.0)) == 3
    assert quick.on and quick.remaining_s(1.0) == slow.remaining_s(1.2) == 299


def test_the_pulse_time_counts_tenths_and_then_seconds_plus_100() -> None:
    assert [pulse_seconds(p) for p in (1, 111, 112, 400, 64900)] == [0.1, 11.1, 12, 300, 64800]
    assert [pulse_setting(s) for s in (0, 0.1, 11.1, 12, 300, 99_999)] == [0, 1, 111, 112, 400, 64900]


@given(st.integers(1, 64900))
def test_a_pulse_time_survives_being_read_as_seconds(setting: int) -> None:
    assert pulse_setting(pulse_seconds(setting)) == setting


def test_the_button_switches_and_is_told() -> None:
    plug = TasmotaPlug(T)
    say(plug, "PulseTime1", "0")
    assert [m.payload for m in plug.press(1.0)] == ['{"POWER":"ON"}', "ON"]
    assert [m.payload for m in plug.press(2.0)] == ['{"POWER":"OFF"}', "OFF"]


def test_a_stuck_relay_answers_with_what_is() -> None:
    plug = TasmotaPlug(T)
    plug.disobey = True
    assert result(say(plug, "Power1", "ON")) == {"POWER": "OFF"}
    assert not plug.on


def test_without_a_network_nothing_is_heard_or_said_but_the_expiry_goes_on() -> None:
    plug = TasmotaPlug(T)
    say(plug, "PulseTime1", "112")
    say(plug, "Power1", "ON", 0.0)
    assert plug.go_offline(1.0) == [Publish(f"tele/{T}/LWT", "Offline", retain=True)]
    assert plug.go_offline(1.0) == []
    assert say(plug, "Power1", "ON", 5.0) == []
    assert plug.tick(12.0) == [] and not plug.on
    said = plug.come_back(20.0)
    assert said[0] == Publish(f"tele/{T}/LWT", "Online", retain=True)
    assert Publish(f"stat/{T}/POWER", "OFF") in said


def test_its_own_rule_acts_when_the_broker_is_gone() -> None:
    plug = TasmotaPlug(T)
    answer = result(say(plug, "Rule1", "ON Mqtt#Disconnected DO Backlog PulseTime1 400; Power1 ON ENDON"))
    assert answer["Rule1"]["State"] == "OFF"  # type: ignore[index]
    plug.disconnected(1.0)
    assert not plug.on  # a rule that is not switched on does nothing
    say(plug, "Rule1", "1")
    plug.disconnected(2.0)
    plug.tick(2.2)
    assert plug.on and plug.remaining_s(2.2) == 300


def test_the_regular_word_comes_as_often_as_asked_for() -> None:
    plug = TasmotaPlug(T)
    assert result(say(plug, "TelePeriod", "30", 0.0)) == {"TelePeriod": 30}
    assert plug.tick(29.0) == []
    (told,) = plug.tick(30.0)
    assert told.topic == f"tele/{T}/STATE" and json.loads(told.payload)["POWER"] == "OFF"


@pytest.mark.parametrize("command", ["Nonsense", "Power9", "PulseTime2", ""])
def test_an_unknown_command_is_called_unknown(command: str) -> None:
    assert result(say(TasmotaPlug(T), command, "x"))["Command"] == "Unknown"


def test_a_wrong_value_switches_nothing() -> None:
    plug = TasmotaPlug(T, on=True)
    assert result(say(plug, "Power1", "perhaps"))["Command"] == "Error"
    assert plug.on


def test_anothers_command_is_not_obeyed() -> None:
    plug = TasmotaPlug(T)
    assert plug.handle("cmnd/socket-2/Power1", b"ON", 0.0) == []
    assert not plug.on


@given(st.text(max_size=12), st.binary(max_size=40))
def test_no_message_breaks_it(command: str, payload: bytes) -> None:
    plug = TasmotaPlug(T)
    plug.handle(f"cmnd/{T}/{command}", payload, 0.0)
    plug.tick(1.0)
    assert isinstance(plug.on, bool)
