"""What is the generic kind's own: templates, paths and words, and the wire for home-built devices."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import Publish, Said
from classair import config
from classair.accounts import Account

ON = Command(True, 300, "auto", 'signal 25 "high"\n', 1)
OFF = Command(False, None, "auto", "why", 1)
SPEEDS = [{"name": name, "cadr_m3h": cadr} for name, cadr in (("low", 100), ("mid", 200), ("high", 300))]
TOPICS = {"command_topic": "a/set", "state_topic": "a/state"}


def made(clock: Callable[[], int] = lambda: 5_000, **settings: Any) -> purifiers.Purifier:
    part = {"room": "r", "kind": "mqtt", "cadr_m3h": 300, **settings}
    return purifiers.make("s.f", config.Purifier.model_validate(part), clock)


def sent(unit: purifiers.Purifier, command: Command) -> Publish:
    (out,) = unit.command(command)
    assert isinstance(out, Publish)
    return out


def test_without_topics_it_speaks_the_wire_for_home_built_devices() -> None:
    unit = made(speeds=SPEEDS)
    order = sent(unit, Command(True, 300, "auto", 'signal 25 "high"\n', 1, speed=1))
    assert order.topic == "purifier/s.f/set"
    assert json.loads(order.payload) == {
        "id": "5000",
        "on": True,
        "seconds": 300,
        "speed": "mid",
        "reason": 'signal 25 "high"\n',
    }
    assert json.loads(sent(unit, OFF).payload) == {"id": "5000", "on": False, "reason": "why"}
    assert unit.account() == Account(
        ("purifier/s.f/state", "purifier/s.f/status"), ("purifier/s.f/set", "purifier/s.f/get")
    )
    assert unit.traits.expires and unit.traits.names_people and unit.traits.speeds and unit.traits.asked


def test_only_the_echo_of_our_last_order_is_its_answer() -> None:
    unit = made(speeds=SPEEDS)
    sent(unit, ON)
    for number, answer in (("5000", True), ("4999", False), (None, False), (5000, False)):
        state = json.dumps({"on": True, "id": number, "by": "command", "speed": "low", "watts": 3, "up_s": 9})
        told = unit.read_state("purifier/s.f/state", state.encode(), False)
        assert told == [
            Said(on=True, answer=answer, by="command", watts=3.0, speed=0, up_s=9.0, names_people=True),
        ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"by": "ghost"}, {"by": "", "names_people": True}),
        ({}, {"by": "", "names_people": False}),
        ({"speed": "turbo"}, {"speed": None}),
        ({"speed": ["low"]}, {"speed": None}),
        ({"faults": ["motor", 3]}, {"faults": ("motor", "3")}),
        ({"faults": "motor"}, {"faults": None}),
        ({"watts": -1, "up_s": "9"}, {"watts": None, "up_s": None}),
    ],
)
def test_what_else_a_home_built_device_says(more: dict[str, Any], said: dict[str, Any]) -> None:
    (told,) = made(speeds=SPEEDS).read_state("purifier/s.f/state", json.dumps({"on": False, **more}).encode(), False)
    assert told.on is False and {key: getattr(told, key) for key in said} == said


def test_places_in_payloads_are_filled_and_braces_of_json_are_left_alone() -> None:
    unit = made(
        **TOPICS,
        payload_on='{"fan":{"pct":{percent},"name":"{speed}","off_in":{seconds}},"x":{unknown}}',
        speeds=SPEEDS,
        longest=600,
    )
    order = sent(unit, Command(True, 99_999, "auto", "why", 1, speed=0))
    assert order == Publish("a/set", '{"fan":{"pct":33,"name":"low","off_in":600},"x":{unknown}}')
    assert '"pct":100,"name":"high"' in sent(unit, ON).payload, "without a speed, the fastest"
    assert '"pct":100' in sent(unit, Command(True, 300, "auto", "why", 1, speed=9)).payload
    assert unit.traits.speeds


@pytest.mark.parametrize(
    ("settings", "payload", "on"),
    [
        ({}, b"ON", True),
        ({}, b" off\n", False),
        ({}, b"1", True),
        ({"payload_on": "start,{seconds}", "payload_off": "stop"}, b"stop", False),
        ({"state_on": "running", "state_off": "standby"}, b"Running", True),
        ({"state_on": "running", "state_off": "standby"}, b"ON", None),
        ({"state_on": True, "state_off": False}, b"on", True),
        ({"state_path": "a.1.b"}, b'{"a":[0,{"b":"ON"}]}', True),
        ({"state_path": "a"}, b'{"a":true}', True),
        ({"state_path": "a"}, b'{"a":0}', False),
        ({"state_path": "a.b"}, b'{"a":"ON"}', None),
        ({"state_path": "a"}, b'{"a":{"b":1}}', None),
        ({"state_path": "a"}, b"ON", None),
    ],
)
def test_words_of_the_state(settings: dict[str, Any], payload: bytes, on: bool | None) -> None:
    told = made(**TOPICS, **settings).read_state("a/state", payload, False)
    assert (told[0].on if told else None) is on


def test_a_state_is_an_answer_when_it_changes_or_comes_soon_after_a_command() -> None:
    now = [0]
    unit = made(lambda: now[0], **TOPICS)
    say: Callable[[bytes], bool] = lambda word: unit.read_state("a/state", word, False)[0].answer  # noqa: E731
    assert not say(b"ON"), "nothing was ordered"
    unit.command(ON)
    assert say(b"ON")
    now[0] = 10_001
    assert not say(b"ON") and say(b"OFF") and not say(b"OFF")


def test_a_device_that_holds_no_expiry_is_known_as_one_and_no_bridge_switches_it() -> None:
    unit = made(**TOPICS)
    assert not unit.traits.expires and not unit.traits.asked and unit.edge() is None and unit.query() == []


def test_a_topic_for_all_is_one_topic_in_the_account() -> None:
    unit = made(command_topic="a", state_topic="b", availability_topic="b", query_topic="a", query_payload="?")
    assert unit.account() == Account(("b",), ("a",)) and unit.query() == [Publish("a", "?")]


@pytest.mark.parametrize(
    "settings",
    [
        {"state_topic": "a/state"},
        {"payload_on": "x"},
        {"command_topic": "a/set"},
        {**TOPICS, "state_topic": "a/#"},
        {**TOPICS, "command_topic": "a/+"},
        {**TOPICS, "command_topic": " a"},
        {**TOPICS, "command_topic": "a\n"},
        {**TOPICS, "state_topic": TOPICS["command_topic"]},
        {**TOPICS, "query_topic": TOPICS["state_topic"]},
        {**TOPICS, "payload_on": "toggle", "payload_off": "TOGGLE"},
        {**TOPICS, "state_on": "ok", "state_off": "OK "},
        {**TOPICS, "state_on": "x"},
        {**TOPICS, "http_on": "/relay?on"},
        {**TOPICS, "http_on": "relay?{seconds}"},
        {**TOPICS, "longest": 5},
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(**settings)
