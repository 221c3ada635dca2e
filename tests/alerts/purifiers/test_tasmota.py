"""What is Tasmota's own: words on the wire, the button, the meter, and the rule it keeps itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import Publish, Said, tasmota
from classair import config
from simulator.devices.tasmota import TasmotaPlug

ON = Command(True, 300, "auto", "why", 1)
OFF = Command(False, None, "auto", "why", 1)


def made(kind: str, settings: dict[str, Any], clock: Callable[[], int] = lambda: 0) -> purifiers.Purifier:
    unit = config.Purifier.model_validate({"room": "r", "kind": kind, "cadr_m3h": 300, **settings})
    return purifiers.make("s.f", unit, clock)


def plug() -> purifiers.Purifier:
    return made("tasmota", {"topic": "plug-1"})


def test_an_on_and_its_expiry_travel_in_one_message_and_nothing_asks_with_an_empty_power() -> None:
    assert plug().command(ON) == [Publish("cmnd/plug-1/Backlog0", "PulseTime1 400; Power1 ON")]
    assert plug().command(OFF) == [Publish("cmnd/plug-1/Power1", "OFF")]
    (question,) = plug().query()
    assert isinstance(question, Publish) and "power" not in question.payload.lower()


ONE = plug()


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
    said = ONE.read_state("tele/plug-1/STATE", json.dumps({"POWER": word}).encode(), False)
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
    assert [(said.on, said.answer) for said in heard if said.on is not None] == [(True, False)]
    assert device.remaining_s(100.0) == 200, "asking must not touch the timer"


def test_a_dry_run_holds_its_expiry() -> None:
    now = [0]
    unit = made("dry_run", {}, lambda: now[0])
    assert unit.command(ON) == [Said(on=True, answer=True)]
    now[0] = 299_000
    assert unit.query() == [Said(on=True, up_s=299)]
    now[0] = 300_000
    assert unit.query() == [Said(on=False, up_s=300, by="timer")]


# -- the button -------------------------------------------------------------------------------------------------------

SINGLE = b'{"Button1":{"Action":"SINGLE"}}'


def heard(unit: purifiers.Purifier, *messages: tuple[str, bytes]) -> list[Said]:
    return [said for leaf, payload in messages for said in unit.read_state(f"stat/plug-1/{leaf}", payload, False)]


def test_a_change_because_of_the_button_is_a_persons_and_the_next_one_is_not() -> None:
    now = [1_000_000]
    unit = made("tasmota", {"topic": "plug-1"}, lambda: now[0])
    off = (("RESULT", b'{"POWER":"OFF"}'), ("POWER", b"OFF"))
    assert [said.by for said in heard(unit, ("RESULT", SINGLE), *off)] == ["", "person", "person"]
    assert [said.by for said in heard(unit, *off)] == ["", ""]
    heard(unit, ("RESULT", SINGLE))
    now[0] += 3_001
    assert [said.by for said in heard(unit, *off)] == ["", ""], "too late to be because of it"
    now[0] -= 3_600_000
    assert [said.by for said in heard(unit, ("RESULT", SINGLE), *off)][1:] == ["person", "person"], "a clock put back"


def test_a_rule_that_switches_before_the_button_speaks_names_the_person_afterwards() -> None:
    now = [1_000_000]
    unit = made("tasmota", {"topic": "plug-1"}, lambda: now[0])
    off = (("RESULT", b'{"POWER":"OFF"}'), ("POWER", b"OFF"))
    assert heard(unit, *off, ("RESULT", SINGLE))[-1] == Said(on=False, answer=True, by="person")
    unit.command(ON)
    on = (("RESULT", b'{"POWER":"ON"}'), ("POWER", b"ON"))
    assert heard(unit, *on, ("RESULT", SINGLE))[-1].on is None, "what we have just switched is nobody's"


@pytest.mark.parametrize("action", ['"DOUBLE"', '"HOLD"', "10", "null", '["SINGLE"]', '{"a":1}'])
def test_only_a_single_press_switches(action: str) -> None:
    unit = plug()
    told = heard(unit, ("RESULT", b'{"Button1":{"Action":%s}}' % action.encode()), ("POWER", b"OFF"))
    assert all(said.by == "" for said in told)


@pytest.mark.parametrize(
    ("var", "seconds"),
    [
        ("3 2026-11-30T08:03:05", 15.0),
        ("3 2026-11-30T07:00:00", 20.0),  # its clock was put right since: to the minute
        ("3 2026-11-30T09:00:00", 20.0),
        ("3 1970-01-01T00:03:05", 20.0),
        ("3 never", 20.0),
        ("3", 20.0),
        (3, 20.0),
        ("4", None),  # of a time before its last start
        ("", None),
        ("-1", None),
        ("\u0663", None),
        (None, None),
    ],
)
def test_when_the_button_was_pressed_last_goes_with_the_state_that_it_brought_about(var: Any, seconds: Any) -> None:
    unit = plug()
    heard(unit, ("RESULT", json.dumps({"Var3": var}).encode()))
    told = heard(unit, ("STATUS11", b'{"StatusSTS":{"Time":"2026-11-30T08:03:20","UptimeSec":200,"POWER":"OFF"}}'))
    assert [(one.on, one.up_s, one.person_s) for one in told] == [(False, 200.0, seconds)]


def test_what_it_says_at_its_birth_waits_for_what_its_button_did() -> None:
    now = [1_000_000]
    unit = made("tasmota", {"topic": "plug-1"}, lambda: now[0])
    off = (("RESULT", b'{"POWER":"OFF"}'), ("POWER", b"OFF"))
    assert unit.read_state("tele/plug-1/LWT", b"Online", False) == [Said(online=True)]
    assert heard(unit, *off) == [Said(online=True), Said(online=True)]
    assert [one.by for one in heard(unit, ("RESULT", SINGLE), *off)] == ["", "person", "person"]
    assert heard(unit, ("STATUS11", b'{"StatusSTS":{"POWER":"OFF"}}'))[0].on is False
    assert [one.on for one in heard(unit, *off)] == [False, False]
    unit.read_state("tele/plug-1/LWT", b"Online", False)
    now[0] += 5_000
    assert [one.on for one in heard(unit, *off)] == [False, False], "it does not answer: its word has to do"


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ('"UptimeSec":5', 5.0),
        ('"Uptime":"1T02:03:04"', 93784.0),
        ('"Uptime":"x"', None),
        ('"UptimeSec":true', None),
        ('"UptimeSec":-5', None),
        ('"UptimeSec":1' + 400 * "0", None),
        ('"Uptime":null', None),
    ],
)
def test_how_long_it_is_up(told: str, seconds: float | None) -> None:
    (said,) = heard(plug(), ("STATUS11", f'{{"StatusSTS":{{{told},"POWER":"ON"}}}}'.encode()))
    assert said.up_s == seconds and said.on is True


# -- the meter --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("energy", "watts"),
    [
        ('{"Power":44}', 44.0),
        ('{"Power":43.6}', 43.6),
        ('{"Power":[44,2]}', 44.0),
        ('{"Power":[]}', None),
        ('{"Power":"44"}', None),
        ('{"Power":true}', None),
        ('{"Power":NaN}', None),
        ('{"Power":-3}', None),
        ('{"Power":1e9}', None),
        ("[]", None),
        ("null", None),
    ],
)
def test_what_it_draws(energy: str, watts: float | None) -> None:
    unit = plug()
    for leaf, payload in (
        ("tele/plug-1/SENSOR", f'{{"ENERGY":{energy}}}'),
        ("stat/plug-1/STATUS10", f'{{"StatusSNS":{{"ENERGY":{energy}}}}}'),
    ):
        assert [said.watts for said in unit.read_state(leaf, payload.encode(), False)] == [watts]


# -- without the server -----------------------------------------------------------------------------------------------


def test_the_rule_fits_into_a_rule_of_the_firmware_and_switches_nothing_off() -> None:
    assert len(tasmota.RULE) <= 511
    assert "off" not in tasmota.RULE.lower()


def test_a_broker_that_hangs_is_noticed_within_the_keepalive_that_is_set_up() -> None:
    unit, device = plug(), TasmotaPlug("plug-1")
    for out in (*(step.order for step in unit.prepare()), *unit.occupied(3600)):
        device.handle(out.topic, out.payload, 0.0)
    device.broker_hangs(10.0)
    device.tick(20.0)
    assert not device.on
    device.tick(33.0)
    assert device.on and device.remaining_s(33.0) == 300


def test_a_rule_whose_variable_is_empty_does_nothing() -> None:
    unit, device = plug(), TasmotaPlug("plug-1")
    for out in (step.order for step in unit.prepare()):
        device.handle(out.topic, out.payload, 0.0)
    for now in (1.0, 2.0, 3.0):
        device.disconnected(now)
    device.tick(500.0)
    assert not device.on


def test_the_address_of_a_plug_is_asked_with_all_that_needs_it_escaped() -> None:
    unit = made("tasmota", {"topic": "plug-1", "url": "http://192.0.2.7/"})
    order = unit.edge()
    assert order is not None
    (call,) = order.calls(300)
    assert call.url == "http://192.0.2.7/cm?cmnd=Backlog0%20PulseTime1%20400%3B%20Power1%20ON"
    without = plug().edge()
    assert without is not None and without.calls(300) == []
