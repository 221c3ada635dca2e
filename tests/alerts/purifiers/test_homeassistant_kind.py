"""What is Home Assistant's own: its account, percentages, an entity that it cannot reach, the end of its timer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import Publish, Said
from classair import config
from classair.accounts import HOME_ASSISTANT, Account
from simulator.devices.homeassistant import HomeAssistantFan

STATE = "purifier/s.f/state"
SPEEDS = [{"name": name, "cadr_m3h": cadr} for name, cadr in (("quiet", 100), ("mid", 200), ("full", 300))]


def made(**settings: Any) -> purifiers.Purifier:
    part = {"room": "r", "kind": "homeassistant", "cadr_m3h": 300, "speeds": SPEEDS, **settings}
    return purifiers.make("s.f", config.Purifier.model_validate(part), lambda: 5_000)


def test_it_speaks_through_the_account_of_home_assistant() -> None:
    assert made(status_topic="ha/status").account() == Account(
        (STATE, "ha/status"), ("purifier/s.f/set", "purifier/s.f/get"), HOME_ASSISTANT
    )


@pytest.mark.parametrize(("speed", "percent"), [(0, 33), (1, 67), (2, 100), (None, 100)])
def test_a_speed_is_a_percentage_there_and_back(speed: int | None, percent: int) -> None:
    unit = made()
    (order,) = unit.command(Command(True, 300, "auto", "why", 1, speed))
    assert isinstance(order, Publish)
    told = json.loads(order.payload)
    assert told == {"id": "5000", "on": True, "seconds": 300, "percent": percent, "reason": "why"}
    state = json.dumps({"state": "on", "id": "5000", "percent": percent}).encode()
    heard = unit.read_state(STATE, state, False)
    assert heard == [Said(on=True, answer=True, speed=2 if speed is None else speed)]


@pytest.mark.parametrize("word", ["unavailable", "unknown"])
def test_an_entity_that_cannot_be_reached_is_offline_until_it_has_a_state(word: str) -> None:
    unit = made()
    assert unit.read_state(STATE, json.dumps({"state": word}).encode(), False) == [Said(online=False)]
    assert unit.read_state(STATE, b'{"state":"off"}', False) == [Said(online=True), Said(on=False)]
    assert unit.read_state(STATE, b'{"state":"off"}', False) == [Said(on=False)], (
        "a return that repeats is asked for ever"
    )
    assert unit.read_state(STATE, json.dumps({"state": word}).encode(), True) == []


def test_nobody_is_named_even_where_a_name_is_given() -> None:
    told = made().read_state(STATE, b'{"state":"off","by":"person"}', False)
    assert [(one.by, one.names_people) for one in told] == [("", None)]


def test_a_timer_that_ran_out_while_home_assistant_was_away_ends_at_its_start() -> None:
    fan = HomeAssistantFan("s.f")
    fan.handle("purifier/s.f/set", '{"id":"1","on":true,"seconds":300,"percent":50}', 0.0)
    assert fan.on and fan.percent == 50
    said = fan.reboot(400.0)
    assert not fan.on and [one.payload for one in said if one.topic == "homeassistant/status"] == ["offline", "online"]
