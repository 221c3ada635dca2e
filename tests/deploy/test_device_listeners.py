"""The broker with a listener for devices keeps what it kept without one: queues, sessions, news of its accounts."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classair.accounts import SERVICES
from classair.broker import BrokerAddress, Link, Message
from classair.config import parse
from classair.ops import brokers
from classair.ops.brokerfiles import grants_of, mosquitto_conf, write_broker_files
from classair.ops.opening import devices, plan
from classair.ops.opening.plan import Opening
from classair.places import Places
from tests.neighbours.ports import free_port

pytestmark = pytest.mark.thorough

SCHOOL = """
org: town
sites:
  school:
    name: School
    bridges: {box: {}}
    rooms: {a1: {name: A, volume_m3: 180}}
    sensors: {}
    purifiers: {fan: {room: a1, kind: tasmota, topic: plug-1, cadr_m3h: 400}}
"""
SECRETS = {name: f"secret-of-{name}" for name in (*SERVICES, "box", "plug-1", "plug-2")}


def written(places: Places, port: int, plain: int, text: str) -> str:
    """The broker's files; loopback stands for the school's address, which nobody may open."""
    opening = Opening.model_construct(address="127.0.0.1", plain=True, devices=False, plain_port=plain)
    grants = grants_of(parse(text))
    conf = write_broker_files(places.run / "broker", "town", port, SECRETS, grants)
    plan.remember(places, Opening(address="192.0.2.7", plain=True, plain_port=plain))
    devices.write(places, conf, SECRETS, grants, set())
    return devices.widen(mosquitto_conf(port, conf.parent), opening, conf.parent, places.root, {plain})


@pytest.fixture
def opened(mosquitto_with: Any, tmp_path: Path) -> tuple[Any, Places, int]:
    places, plain = Places(tmp_path / "data"), free_port()
    return mosquitto_with(lambda port, _: written(places, port, plain, SCHOOL)), places, plain


def link(port: int, user: str, hear: Callable[[Message], None] = lambda _: None, **more: Any) -> Link:
    made = Link(BrokerAddress("127.0.0.1", port, user, SECRETS[user]), on_message=hear, **more)
    made.start()
    return made


def test_what_a_plug_says_waits_for_an_absent_service_through_a_restart(opened: Any, wait_for: Any) -> None:
    broker, _, plain = opened
    sent: list[int] = []
    absent = {"subscriptions": [("stat/plug-1/#", 1)], "keep_session": True}
    alerts = link(broker.port, "alerts", **absent)
    assert alerts.wait_up(60)
    alerts.stop()
    for word in (b"ON", b"OFF"):
        plug = link(plain, "plug-1", on_published=sent.append)
        assert plug.wait_up(60)
        plug.publish("stat/plug-1/POWER", word, qos=1)
        wait_for(sent.copy)
        plug.stop()
        sent.clear()
        broker.restart()
    heard: list[bytes] = []
    alerts = link(broker.port, "alerts", lambda message: heard.append(message.payload), **absent)
    wait_for(lambda: len(heard) == 2, what="both words")
    alerts.stop()
    assert heard == [b"ON", b"OFF"]


def test_a_new_plug_is_let_in_without_a_restart(opened: Any, wait_for: Any, caplog: pytest.LogCaptureFixture) -> None:
    broker, places, plain = opened
    late = link(plain, "plug-2")
    wait_for(lambda: "broker_login_refused user=plug-2" in caplog.text, what="its first attempt")
    written(places, broker.port, plain, SCHOOL.replace("topic: plug-1", "topic: plug-2"))
    broker.process.send_signal(signal.SIGHUP)
    assert late.wait_up(60), "it tries again"
    late.stop()


def test_an_installation_that_is_not_opened_has_one_listener(tmp_path: Path, mosquitto_program: str) -> None:
    places = Places(tmp_path)
    brokers.own_broker(places, "town", grants_of(parse(SCHOOL)), wanted="mosquitto")
    conf = (places.run / "broker" / "mosquitto.conf").read_text()
    assert conf.count("\nlistener ") == 1 and "per_listener_settings false" in conf
    assert not (places.run / "broker" / devices.PLAIN).exists()
