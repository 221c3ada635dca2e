"""A Tapo plug by the real library, over the real encrypted protocol: only an ON that the plug will end counts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import tapo
from classair import config
from simulator.devices.tapo import TapoPlug
from tests.alerts.purifiers.pages import Ear

pytest.importorskip("kasa", reason="the extra tapo is not installed")
from tests.alerts.purifiers.klap import KlapServer, klap

USER, PASSWORD = "school@example.org", "Chalk-and-Dust-7"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tapo.ACCOUNT[0], USER)
    monkeypatch.setenv(tapo.ACCOUNT[1], PASSWORD)


@pytest.fixture
def server() -> Iterator[KlapServer]:
    with klap(TapoPlug(load_w=38.0), USER, PASSWORD) as one:
        yield one


def kind(url: str, **settings: Any) -> Any:
    part = {"room": "r", "kind": "tapo", "cadr_m3h": 300, "url": url, **settings}
    return purifiers.make("s.f", config.Purifier.model_validate(part), lambda: 0)


def order(on: bool, seconds: int = 300) -> Command:
    return Command(on, seconds if on else None, "auto", "why", 1)


@pytest.mark.thorough
def test_it_switches_with_an_end_that_the_plug_holds(server: KlapServer) -> None:
    unit = kind(server.url)
    ear = Ear(unit)
    for seconds in (300, 900):
        ear.forget()
        unit.command(order(True, seconds))
        told = ear.until(lambda said: said.answer, "the confirmation")
        assert told.on is True and told.watts == 38.0
        assert server.plug.remaining_s(0) == seconds
    ear.forget()
    server.now = 901.0
    unit.query()
    told = ear.until(lambda said: said.on is False, "the end")
    assert told.answer, "a change is told as one"
    ear.forget()
    unit.command(order(True))
    ear.until(lambda said: said.answer and said.on is True, "a rule that had run out is used again")
    unit.command(order(False))
    ear.until(lambda said: said.answer and said.on is False, "OFF")


def test_a_rule_that_the_switching_ends_is_given_again() -> None:
    with klap(TapoPlug(cancels=True), USER, PASSWORD) as server:
        unit = kind(server.url)
        unit.command(order(True))
        Ear(unit).until(lambda said: said.answer, "the confirmation")
        assert server.plug.remaining_s(0) == 300


def test_a_plug_without_countdown_never_confirms_and_says_so_with_timer_none() -> None:
    with klap(TapoPlug(countdown=False), USER, PASSWORD) as server:
        ear = Ear(kind(server.url))
        ear.unit.command(order(True))
        told = ear.until(lambda said: bool(said.faults), "the refusal")
        assert told.faults == ("it takes no countdown; with timer: none only ClassAir ends an ON",)
        assert not server.plug.on, "an ON that nothing would end is not sent"
        server.plug.on = True
        ear.unit.query()
        ear.until(lambda said: said.on is True, "what it is, all the same")
        unit = kind(server.url, timer="none")
        assert not unit.traits.expires
        unit.command(order(True))
        Ear(unit).until(lambda said: said.answer and said.on is True, "the confirmation")


def test_a_relay_that_sticks_does_not_confirm(server: KlapServer) -> None:
    server.plug.disobey = True
    unit = kind(server.url)
    ear = Ear(unit)
    unit.command(order(True))
    assert not ear.until(lambda said: said.on is False, "the reading").answer


def test_a_plug_without_a_meter_is_not_asked_for_watts_again() -> None:
    with klap(TapoPlug(), USER, PASSWORD) as server:
        unit = kind(server.url)
        ear = Ear(unit)
        for _ in range(3):
            ear.forget()
            unit.query()
            assert ear.until(lambda said: said.on is False, "the reading").watts is None
        assert server.plug.asked.count("get_current_power") == 1


def test_what_it_says_is_wrong_is_told(server: KlapServer) -> None:
    server.plug.overheated = True
    assert Ear(kind(server.url)).until(lambda said: bool(said.faults), "the fault").faults == ("overheated",)


def test_refusals_are_told_in_words_and_never_the_password(
    server: KlapServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.refuse = 403
    told = Ear(kind(server.url)).until(lambda said: bool(said.faults), "the refusal")
    assert told.faults == ("HTTP 403: no internet or no third-party access",)
    server.refuse = 0
    monkeypatch.setenv(tapo.ACCOUNT[1], "wrong")
    told = Ear(kind(server.url)).until(lambda said: bool(said.faults), "the refusal")
    assert told.faults == ("CLASSAIR_TAPO_USER and CLASSAIR_TAPO_PASSWORD do not fit",)
    monkeypatch.delenv(tapo.ACCOUNT[1])
    told = Ear(kind(server.url)).until(lambda said: bool(said.faults), "the refusal")
    assert told.faults == ("CLASSAIR_TAPO_USER or CLASSAIR_TAPO_PASSWORD is not set",)
    assert PASSWORD not in caplog.text and USER not in caplog.text


def test_a_new_session_is_begun_after_the_plug_forgot_the_old_one(server: KlapServer) -> None:
    unit = kind(server.url)
    ear = Ear(unit)
    ear.until(lambda said: said.on is False, "the first reading")
    server.refuse = 500
    unit.query()
    ear.forget()
    server.refuse = 0
    unit.command(order(True))
    unit.query()
    ear.until(lambda said: said.on is not None, "a reading")


def test_what_it_cannot_do_is_said() -> None:
    unit = kind("http://192.0.2.30")
    assert unit.edge() is None and unit.topics() == [] and not unit.account().reads
    part = {"room": "r", "kind": "tapo", "cadr_m3h": 300}
    assert list(purifiers.faults(config.Purifier.model_validate(part))) == [
        "url: expected the plug's own address such as http://192.168.40.30"
    ]
