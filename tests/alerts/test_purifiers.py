"""Every kind of purifier: a command goes out, a state comes in, nothing foreign is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub
from pydantic import ValidationError

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import Publish, Said, tasmota
from classair import config, plugins
from classair.accounts import account_fault
from simulator.devices.tasmota import TasmotaPlug

ON = Command(True, 300, "auto", "why", 1)
OFF = Command(False, None, "auto", "why", 1)


def settings_of(kind: str) -> dict[str, str]:
    """What a kind's required keys give as an example."""
    fields = plugins.load("alerts.purifiers", kind).Settings.model_fields
    return {key: field.examples[0] for key, field in fields.items() if field.is_required()}


def made(kind: str, settings: dict[str, Any], clock: Callable[[], int] = lambda: 0) -> purifiers.Purifier:
    unit = config.Purifier.model_validate({"room": "r", "kind": kind, "cadr_m3h": 300, **settings})
    return purifiers.make("s.f", unit, clock)


def plug() -> purifiers.Purifier:
    return made("tasmota", {"topic": "plug-1"})


@pytest.mark.parametrize("kind", plugins.names("alerts.purifiers"))
def test_every_kind_turns_a_command_into_messages_or_says_what_it_did(kind: str) -> None:
    unit = made(kind, settings_of(kind))
    account = unit.account()
    assert account_fault(replace(account, name=account.name or "s.f"), ()) == ""
    for out in (unit.command(ON), unit.command(OFF), unit.query()):
        assert out and all(isinstance(part, Said) or allows(account.reads, part.topic) for part in out)
    assert all(allows(account.writes, topic) for topic in unit.topics())
    assert unit.read_state("foreign/topic", b"\xff", False) == []
    with pytest.raises(ValidationError):
        made(kind, {**settings_of(kind), "unknown": "1"})


def allows(filters: tuple[str, ...], topic: str) -> bool:
    return any(topic_matches_sub(one, topic) for one in filters)


def test_an_on_and_its_expiry_travel_in_one_message_and_nothing_asks_with_an_empty_power() -> None:
    assert plug().command(ON) == [Publish("cmnd/plug-1/Backlog0", "PulseTime1 400; Power1 ON")]
    assert plug().command(OFF) == [Publish("cmnd/plug-1/Power1", "OFF")]
    assert plug().query() == [Publish("cmnd/plug-1/Status", "11")]


@pytest.mark.parametrize(("on", "off"), [("ON", "OFF"), ("1", "0"), ("on", "off"), ("true", "false"), ("On", "Off")])
def test_renamed_state_words_that_everybody_understands_are_read(on: str, off: str) -> None:
    for word, meant in ((on, True), (off, False)):
        for topic, payload, answer in (
            ("stat/plug-1/RESULT", f'{{"POWER1":"{word}"}}', True),
            ("stat/plug-1/POWER1", word, True),
            ("stat/plug-1/STATUS11", f'{{"StatusSTS":{{"POWER1":"{word}"}}}}', False),
            ("tele/plug-1/STATE", f'{{"POWER":"{word}"}}', False),
        ):
            assert plug().read_state(topic, payload.encode(), False) == [Said(on=meant, answer=answer)]


@given(st.text(min_size=1, max_size=40).filter(lambda text: text.strip().lower() not in tasmota._ON))
def test_a_state_word_that_nobody_knows_is_named_and_switches_nothing(word: str) -> None:
    said = plug().read_state("tele/plug-1/STATE", json.dumps({"POWER": word}).encode(), False)
    assert [(one.on, one.unread) for one in said] == [(None, word.strip()[:20])]


@given(st.integers(1, 64_800))
def test_pulse_time_is_read_by_the_firmware_as_it_was_meant(seconds: int) -> None:
    from simulator.devices.tasmota import pulse_seconds

    assert pulse_seconds(tasmota.pulse_time(seconds)) == seconds


def test_no_expiry_is_longer_than_the_firmware_can_hold() -> None:
    assert tasmota.pulse_time(10**9) == 64_900


@pytest.mark.parametrize("topic", ["", "a/b", "#", "+", "x" * 65, "a\n", " a", "a\u2028b"])
def test_a_topic_that_could_mean_something_else_is_refused(topic: str) -> None:
    with pytest.raises(ValidationError):
        tasmota.Settings(topic=topic)


@pytest.mark.parametrize(("topic", "user"), [("plug-1", "plug-1"), ("plug 1", ""), ("plug;Reset 1", ""), ("ปลั๊ก", "")])
def test_a_topic_of_any_letters_is_one_and_signs_in_with_it_where_the_broker_takes_it(topic: str, user: str) -> None:
    unit = made("tasmota", {"topic": topic})
    assert unit.account().name == user and unit.account().reads == (f"cmnd/{topic}/#",)
    assert unit.read_state(f"stat/{topic}/POWER", b"ON", False) == [Said(on=True, answer=True)]


@pytest.mark.parametrize(
    ("topic", "payload", "said"),
    [
        ("stat/plug-1/RESULT", b'{"POWER":"ON"}', [Said(on=True, answer=True)]),
        ("stat/plug-1/RESULT", b'{"POWER1":"OFF"}', [Said(on=False, answer=True)]),
        ("stat/plug-1/RESULT", b'{"PulseTime1":{"Set":400,"Remaining":400}}', []),
        ("stat/plug-1/POWER", b"OFF", [Said(on=False, answer=True)]),
        ("stat/plug-1/STATUS11", b'{"StatusSTS":{"Time":"x","POWER":"ON"}}', [Said(on=True)]),
        ("tele/plug-1/STATE", b'{"Time":"x","POWER":"OFF"}', [Said(on=False)]),
        ("tele/plug-1/LWT", b"Online", [Said(online=True)]),
        ("tele/plug-1/LWT", b"Offline", [Said(online=False)]),
        ("tele/plug-2/STATE", b'{"POWER":"OFF"}', []),
        ("tele/plug-1/STATE", b'{"POWER":5}', [Said(unread="5")]),
        ("tele/plug-1/STATE", b'{"POWER":["ON"]}', [Said(unread='["ON"]')]),
        ("stat/plug-1/STATUS11", b'{"StatusSTS":null}', []),
        ("stat/plug-1/RESULT", b"[" * 4000, []),
        ("stat/plug-1/RESULT", b'{"POWER":"ON"}' + b" " * 5000, []),
    ],
)
def test_what_a_tasmota_says(topic: str, payload: bytes, said: list[Said]) -> None:
    assert plug().read_state(topic, payload, False) == said


def test_a_retained_state_is_of_no_known_time_but_a_retained_will_is() -> None:
    assert plug().read_state("stat/plug-1/POWER", b"ON", True) == []
    assert plug().read_state("tele/plug-1/LWT", b"Offline", True) == [Said(online=False)]


@given(st.binary(max_size=200), st.sampled_from(["stat/plug-1/RESULT", "tele/plug-1/STATE", "stat/plug-1/STATUS11"]))
def test_no_payload_is_too_strange(payload: bytes, topic: str) -> None:
    assert plug().read_state(topic, payload, False) is not None


def test_the_firmware_understands_us_and_we_it() -> None:
    unit, device = plug(), TasmotaPlug("plug-1")
    for command, on in ((ON, True), (OFF, False)):
        heard: list[Said] = []
        for out in unit.command(command):
            assert isinstance(out, Publish)
            for said in device.handle(out.topic, out.payload, 0.0):
                heard += unit.read_state(said.topic, said.payload.encode(), said.retain)
        assert Said(on=on, answer=True) in heard and device.on is on
    device.handle("cmnd/plug-1/Backlog0", "PulseTime1 400; Power1 ON", 0.0)
    for out in unit.query():
        assert isinstance(out, Publish)
        heard = [
            word
            for said in device.handle(out.topic, out.payload, 100.0)
            for word in unit.read_state(said.topic, said.payload.encode(), said.retain)
        ]
    assert heard == [Said(on=True)]
    assert device.remaining_s(100.0) == 200, "asking must not touch the timer"


def test_a_dry_run_holds_its_expiry() -> None:
    now = [0]
    unit = made("dry_run", {}, lambda: now[0])
    assert unit.command(ON) == [Said(on=True, answer=True)]
    now[0] = 299_000
    assert unit.query() == [Said(on=True)]
    now[0] = 300_000
    assert unit.query() == [Said(on=False)]
