"""A purifier behind an infrared sender: nothing comes back, so nothing may be claimed, and no code may toggle."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import Said
from classair import config
from simulator.devices.infrared import InfraredPurifier
from tests.alerts.purifiers.plugged import Control, Plugged, retained_at
from tests.alerts.purifiers.rows import CODES, FULL, OFF, QUIET, UNHEARD, Row
from tests.neighbours.programs import await_condition
from tests.neighbours.servers import Mosquitto


class Sent:
    def __init__(self, row: Row, url: str) -> None:
        self.url = url
        self.plugged = Plugged(row, url)
        self.control = Control(row, url, lambda: round(self.plugged.now * 1000))
        self.device: Any = self.plugged.device

    def settle(self, count: int) -> None:
        await_condition(lambda: len(self.device.sent) >= count, what="what was sent")

    def close(self) -> None:
        self.plugged.leave()
        self.control.close()


@pytest.fixture(params=UNHEARD, ids=str)
def it(request: pytest.FixtureRequest, school_broker: Mosquitto) -> Iterator[Sent]:
    one = Sent(request.param, school_broker.url)
    yield one
    one.close()


def kind(speeds: bool = False, **settings: Any) -> Any:
    part = {
        "room": "r",
        "kind": "infrared",
        "cadr_m3h": 300,
        "sender": "tasmota",
        "topic": "ir-1",
        "on": FULL,
        "off": OFF,
    }
    if speeds:
        part |= {"speeds": [{"name": "quiet", "cadr_m3h": 90}, {"name": "full", "cadr_m3h": 300}]}
    return purifiers.make("s.f", config.Purifier.model_validate(part | settings), lambda: round(time.time() * 1000))


def test_it_switches_over_the_broker_and_nothing_of_ours_stays_there(it: Sent) -> None:
    it.control.switch(True, 300)
    it.settle(1)
    assert it.device.on
    it.control.switch(True, 300)
    it.settle(2)
    assert it.device.on, "a code that is sent again changes nothing"
    it.control.switch(False)
    it.settle(3)
    assert not it.device.on
    assert retained_at(it.url, it.control.unit.account().reads) == {}


def test_an_on_that_was_missed_is_made_good_by_the_next(it: Sent) -> None:
    it.device.blocked = True
    it.control.switch(True, 300)
    it.settle(1)
    assert not it.device.on
    it.device.blocked = False
    it.control.switch(True, 300)
    it.settle(2)
    assert it.device.on


def test_nothing_is_said_of_the_purifier_and_a_sender_that_is_away_is_a_fault(it: Sent) -> None:
    it.control.until(lambda said: said.faults == (), "the birth")
    it.control.switch(True, 300)
    it.settle(1)
    it.plugged.cut()
    it.control.until(lambda said: said.faults == ("infrared sender away",), "the last will")
    it.plugged.mains_return()
    it.control.until(lambda said: said.faults == (), "the birth")
    assert it.control.words() == []
    assert not it.device.on, "such a purifier stays off when mains return, and only the air tells"


def test_what_it_cannot_do_is_said() -> None:
    unit = kind()
    assert not (unit.traits.expires or unit.traits.reports or unit.traits.asked)
    assert unit.edge() is None and unit.query() == []


def test_a_code_that_the_sender_does_not_know_is_a_fault() -> None:
    unit = kind()
    told = b'{"IRSend":"Wrong Protocol (RC5|RC6|NEC|SONY|PANASONIC|JVC|SAMSUNG|WHYNTER|AIWA_RC_T501|MITSUBISHI)"}'
    found = unit.read_state("stat/ir-1/RESULT", told, False)
    assert found[0].faults[0].startswith("IRSend: Wrong Protocol") and len(found[0].faults[0]) <= 60
    assert unit.read_state("stat/ir-1/RESULT", b'{"IRSend":"Done"}', False) == [Said(faults=())]
    assert unit.read_state("stat/ir-1/RESULT", b'{"IRSend":"Done"}', True) == []


@pytest.mark.parametrize(
    "off",
    [
        FULL,
        '{"Protocol": "NEC", "Bits": 32, "Data": "0x00ff18e7"}',
        '{"protocol":"nec","bits":"32","data":16718055,"Repeat":2}',
        QUIET,
    ],
)
def test_a_code_that_toggles_is_refused_however_it_is_spelt(off: str) -> None:
    with pytest.raises(ValidationError, match="two different codes"):
        kind(off=off, codes={"quiet": QUIET})


def test_a_code_nested_too_deep_is_a_text_like_any_other() -> None:
    deep = 1900 * "["
    assert kind(off=deep).command(Command(False, None, "auto", "why", 1))[0].payload == deep
    with pytest.raises(ValidationError, match="two different codes"):
        kind(on=deep, off=deep)


def test_each_speed_has_its_code() -> None:
    unit = kind(speeds=True, codes={"quiet": QUIET, "full": FULL})
    device = InfraredPurifier("ir-1", CODES)
    for speed, name in ((0, "quiet"), (1, "full"), (None, "full")):
        for one in unit.command(Command(True, 300, "auto", "why", 1, speed)):
            device.handle(one.topic, one.payload, 0)
        assert device.speed == name


def test_speeds_and_codes_that_do_not_fit_are_named() -> None:
    part = {"room": "r", "kind": "infrared", "cadr_m3h": 300, "sender": "esphome", "topic": "t", "on": "a", "off": "b"}
    speeds = {"speeds": [{"name": "low", "cadr_m3h": 9}, {"name": "high", "cadr_m3h": 99}]}
    found = list(
        purifiers.faults(config.Purifier.model_validate({**part, **speeds, "codes": {"low": "c", "turbo": "d"}}))
    )
    assert found == [
        "codes: expected a code for each of its speeds; there is none for high",
        "codes: turbo is none of its speeds",
    ]
    assert list(purifiers.faults(config.Purifier.model_validate(part))) == []
