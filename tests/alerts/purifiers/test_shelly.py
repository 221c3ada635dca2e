"""What is Shelly's own: requests and their answers, who switched, faults, what a partial notification leaves open."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import Publish, Said, shelly
from classair import config
from simulator.devices.shelly import ShellyPlug

ID = "shellyplugsg3-a4cf12f45a3c"
ON = Command(True, 300, "auto", "why", 1)
OFF = Command(False, None, "auto", "why", 1)


def made(**settings: Any) -> purifiers.Purifier:
    part = {"room": "r", "kind": "shelly", "cadr_m3h": 300, "prefix": ID, **settings}
    return purifiers.make("s.f", config.Purifier.model_validate(part), lambda: 0)


def answer(number: int, body: dict[str, Any]) -> tuple[str, bytes]:
    return f"{ID}/classair/rpc", json.dumps({"id": number, "src": ID, "dst": f"{ID}/classair", **body}).encode()


def notified(**switch: Any) -> tuple[str, bytes]:
    params = {"ts": 1788945292.88, "switch:0": {"id": 0, **switch}}
    return f"{ID}/events/rpc", json.dumps({"src": ID, "method": "NotifyStatus", "params": params}).encode()


def read(message: tuple[str, bytes], **settings: Any) -> list[Said]:
    return made(**settings).read_state(*message, False)


def test_an_on_carries_its_timer_and_an_off_never_one() -> None:
    on, asked = made().command(ON)
    assert isinstance(on, Publish) and isinstance(asked, Publish)
    assert json.loads(on.payload) == {
        "id": 1,
        "src": f"{ID}/classair",
        "method": "Switch.Set",
        "params": {"id": 0, "on": True, "toggle_after": 300},
    }
    off, _ = made().command(OFF)
    assert isinstance(off, Publish) and "toggle_after" not in off.payload
    assert json.loads(asked.payload)["method"] == "Switch.GetStatus"


def test_another_channel_has_its_own_topics_and_requests() -> None:
    unit = made(channel=2, url="http://192.0.2.8")
    assert f"{ID}/status/switch:2" in unit.topics()
    (on, *_), order = unit.command(ON), unit.edge()
    assert isinstance(on, Publish) and json.loads(on.payload)["params"]["id"] == 2
    assert order is not None
    assert order.calls(300)[0].url == "http://192.0.2.8/rpc/Switch.Set?id=2&on=true&toggle_after=300"
    assert unit.read_state(*notified(output=True), False) == [Said()], "another channel's word"


@pytest.mark.parametrize(
    ("source", "on", "timed", "by"),
    [
        ("init", False, False, "start"),
        ("timer", False, False, "timer"),
        ("MQTT", True, True, "command"),
        ("button", False, False, "person"),
        ("switch", True, False, "person"),
        ("SHC", False, False, "person"),
        ("WS_in", True, False, "person"),
        ("HTTP_in", False, False, "person"),
        ("HTTP_in", True, True, "command"),
        ("loopback", False, False, ""),
        ("schedule", True, False, ""),
        (None, True, False, ""),
        (5, True, False, ""),
    ],
)
def test_its_source_says_who_it_was(source: Any, on: bool, timed: bool, by: str) -> None:
    timer = {"timer_started_at": 1788945292.88, "timer_duration": 300} if timed else {}
    (told,) = read(notified(output=on, source=source, **timer))
    assert (told.on, told.answer, told.by) == (on, True, by)


def test_a_notification_of_power_alone_says_nothing_of_the_output() -> None:
    assert read(notified(apower=11.5, current=0.071)) == [Said(watts=11.5)]
    assert read(notified(aenergy={"total": 3})) == [Said()]


def test_an_on_without_a_timer_confirms_no_command_of_ours() -> None:
    status = {"id": 0, "source": "MQTT", "output": True, "apower": 38.0}
    (told,) = read(answer(2, {"result": status}))
    assert (told.on, told.answer) == (True, False)
    (told,) = read(answer(2, {"result": {**status, "timer_started_at": 1.0, "timer_duration": 300}}))
    assert (told.on, told.answer, told.watts) == (True, True, 38.0)
    (told,) = read(answer(2, {"result": {**status, "output": False}}))
    assert (told.on, told.answer) == (False, True)
    assert read(answer(1, {"result": {"was_on": True}})) == []


def test_what_it_calls_wrong_is_handed_on_and_is_over_when_a_whole_status_has_none() -> None:
    assert read(notified(errors=["overpower"]))[0].faults == ("overpower",)
    assert read(answer(1, {"error": {"code": -103, "message": "no"}}))[0].faults == ("no",)
    (told,) = read(answer(3, {"result": {"output": False, "errors": ["overtemp", 5, "x" * 100]}}))
    assert told.faults == ("overtemp", "5", "x" * 40)
    assert read(answer(3, {"result": {"output": False}}))[0].faults == ()
    assert read(notified(output=False))[0].faults is None


@pytest.mark.parametrize(
    ("watts", "read_as"), [(-0.4, 0.0), (5, 5.0), (True, None), ("5", None), (1e9, None), (None, None)]
)
def test_what_it_draws(watts: Any, read_as: float | None) -> None:
    assert read(notified(apower=watts))[0].watts == read_as


def test_its_time_since_start() -> None:
    assert read(answer(4, {"result": {"uptime": 77}})) == [Said(up_s=77.0)]
    for odd in (True, "7", -1, None, 1e300):
        assert read(answer(4, {"result": {"uptime": odd}})) == []


@pytest.mark.parametrize("prefix", ["", "a/", "/a", "a//b", "#", "a+", " a", "a%b", "a\n", "x" * 201])
def test_a_prefix_that_could_mean_something_else_is_refused(prefix: str) -> None:
    with pytest.raises(ValidationError):
        shelly.Settings(prefix=prefix)


def test_the_fake_turns_an_off_with_a_timer_into_an_on_as_the_plug_does() -> None:
    plug = ShellyPlug(ID)
    plug.handle(f"{ID}/rpc", '{"id":1,"method":"Switch.Set","params":{"id":0,"on":false,"toggle_after":10}}', 0.0)
    plug.tick(11.0)
    assert plug.on and plug.source == "timer"


def test_the_fake_answers_what_it_does_not_know_as_the_plug_does() -> None:
    plug = ShellyPlug(ID)
    ask: Callable[[str], Any] = lambda body: plug.handle(f"{ID}/rpc", body, 0.0)  # noqa: E731
    (said,) = ask('{"id":9,"src":"me","method":"Light.Set","params":{}}')
    assert said.topic == "me/rpc" and json.loads(said.payload)["error"]["code"] == 404
    assert ask('{"id":9,"method":"Switch.GetStatus","params":{"id":0}}') == [], "nobody to answer"
    assert ask("[") == ask("[]") == ask('{"method":5}') == []
