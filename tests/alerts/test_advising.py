"""What `classair check` warns of about purifiers and clean rooms."""

from __future__ import annotations

import copy
import json
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts import offer
from alerts.advising import WITHOUT_PARTICLES
from classair import config as configuration
from classair.config import parse
from firmware_bridge.drivers import mhz19, senseair_s8

BASE: dict[str, Any] = yaml.safe_load("""
org: demo
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms: {r: {name: R, volume_m3: 180, timetable: t}, bare: {name: B, volume_m3: 180}}
    sensors: {pm: {bridge: b, room: r, model: pms5003, port: /dev/ttyUSB0}}
    purifiers: {p: {room: r, kind: dry_run, cadr_m3h: 400}}
timetables: {t: {occupied: ["07:30-16:00"], lessons: []}}
""")


def advised(**changes: Any) -> list[str]:
    """What is advised with a key of the file replaced: `sites__s__rooms={…}`."""
    whole = copy.deepcopy(BASE)
    for path, value in changes.items():
        *way, last = path.split("__")
        at = whole
        for step in way:
            at = at.setdefault(step, {})
        at[last] = value
    return list(offer.advice(parse(json.dumps(whole))))


def purifier(**settings: Any) -> list[str]:
    return advised(sites__s__purifiers={"p": {"room": "r", "kind": "dry_run", "cadr_m3h": 400, **settings}})


def test_nothing_is_said_of_a_good_file_and_of_the_example() -> None:
    assert advised() == []
    example = parse(configuration.read(Path(__file__).parents[2] / "sensors.yaml"))
    assert list(offer.advice(example)) == []


def test_a_purifier_needs_a_sensor_that_measures_dust() -> None:
    lines = advised(sites__s__sensors={"co2": {"bridge": "b", "room": "r", "model": "s8", "port": "/dev/ttyUSB0"}})
    assert len(lines) == 1 and lines[0].startswith("sites.s.purifiers.p.room: r has no PM2.5 sensor")
    assert purifier(room="bare")[0].startswith("sites.s.purifiers.p.room: bare has no PM2.5 sensor")


def test_models_without_particles_are_those_of_the_co2_drivers() -> None:
    assert {*mhz19.MODELS, *senseair_s8.MODELS} == WITHOUT_PARTICLES


def test_a_purifier_needs_a_timetable() -> None:
    lines = advised(sites__s__rooms={"r": {"name": "R", "volume_m3": 180}})
    assert len(lines) == 1 and "r has no timetable" in lines[0]


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ({"min_on": "30s"}, "min_on"),
        ({"min_off": "59s"}, "min_off"),
        ({"person_off": "2h"}, "person_off"),
        ({"off_in_heavy_dust": "2h"}, "off_in_heavy_dust"),
        ({"on_above": 60, "fast_above": 90}, "on_above"),
        ({"off_below": 2}, "off_below"),
        ({"fast_above": 20}, "fast_above"),
        ({"fast_above": 400}, "fast_above"),
    ],
)
def test_a_rule_out_of_range_is_named_by_its_key(rule: dict[str, Any], key: str) -> None:
    lines = advised(rules={"clean": {"kind": "purifier", **rule}})
    assert [line.partition(":")[0] for line in lines] == [f"rules.clean.{key}"]


def test_two_rules_for_the_same_purifiers_are_told() -> None:
    lines = advised(rules={"one": {"kind": "purifier"}, "two": {"kind": "purifier", "min_on": "1s"}})
    assert lines == ["rules.two: has no effect, because rules.one already applies to every purifier; delete one"]


def test_two_purifiers_of_one_plug_are_told() -> None:
    plug = {"room": "r", "kind": "tasmota", "topic": "plug", "cadr_m3h": 400, "port": "sim:socket"}
    lines = advised(sites__s__purifiers={"p": plug, "q": plug, "other": {**plug, "topic": "plug2"}})
    assert lines == ["sites.s.purifiers.q: s.p switches the same device; delete one of them"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "tasmota", "topic": "plug"}, "url: without the device's own address"),
        ({"kind": "tasmota", "topic": "plug", "url": "http://192.168.40.21"}, ""),
        ({"kind": "tasmota", "topic": "plug", "port": "sim:socket"}, ""),
        ({"kind": "shelly_gen1", "topic": "shellyplug-s-041290"}, "url: without the device's own address"),
        (
            {"kind": "zigbee2mqtt_plug", "name": "fan", "timer": "on_time"},
            "kind: zigbee2mqtt_plug has no path beside the broker",
        ),
        ({"kind": "starkvind", "name": "fan"}, "kind: starkvind has no second path"),
        ({"kind": "relay", "bridge": "b", "board": "lcus", "port": "/dev/serial/by-id/usb-relay"}, ""),
        ({"kind": "dry_run"}, ""),
    ],
)
def test_a_device_without_a_way_that_needs_no_server_or_broker_is_told(settings: dict[str, Any], said: str) -> None:
    lines = [line.removeprefix("sites.s.purifiers.p.") for line in purifier(**settings)]
    assert [line for line in lines if not line.startswith(said)] == [] and len(lines) == bool(said)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"when_empty": "low"}, "when_empty"),
        ({"filter": {"price": 1200}}, "filter.price"),
        ({"filter": {"since": "2026-05-01"}}, "filter.since"),
    ],
)
def test_settings_that_have_no_effect_are_told(settings: dict[str, Any], key: str) -> None:
    assert [line.partition(":")[0] for line in purifier(**settings)] == [f"sites.s.purifiers.p.{key}"]


def test_a_price_of_electricity_needs_something_that_draws_it() -> None:
    assert [line.partition(":")[0] for line in advised(price_per_kwh=4.5)] == ["sites.s.purifiers.p.watts"]
    assert advised(price_per_kwh=4.5, sites__s__purifiers={})[0].startswith("price_per_kwh: there is no purifier")
    one = {"room": "r", "kind": "dry_run", "cadr_m3h": 400, "watts": 45}
    assert advised(price_per_kwh=4.5, sites__s__purifiers={"p": one}) == []


def test_a_clean_room_of_unknown_size_takes_nobody() -> None:
    rooms = {**BASE["sites"]["s"]["rooms"], "hall": {"name": "H", "volume_m3": 400, "clean_room": True}}
    (line,) = advised(sites__s__rooms=rooms)
    assert line.startswith("sites.s.rooms.hall.clean_room: without capacity")
    assert advised(sites__s__rooms={**rooms, "hall": {**rooms["hall"], "capacity": 40}}) == []


@pytest.mark.parametrize("kind", ["tapo", "shelly_gen1"])
def test_looking_at_a_file_speaks_with_no_device(kind: str) -> None:
    more = {"topic": "shellyplug-s-1"} if kind == "shelly_gen1" else {}
    with socket.create_server(("127.0.0.1", 0)) as plug:
        plug.settimeout(1.0)
        unit = {"room": "r", "kind": kind, "cadr_m3h": 400, "url": f"http://127.0.0.1:{plug.getsockname()[1]}", **more}
        lines = advised(sites__s__purifiers={"p": unit, "q": unit})
        assert "sites.s.purifiers.q: s.p switches the same device; delete one of them" in lines
        with pytest.raises(TimeoutError):
            plug.accept()
