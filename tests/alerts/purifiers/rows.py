"""The kinds of purifiers that the contract suite looks at, a row each: settings, a faithful fake, its ways to lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from simulator.devices.device import Device, Publish
from simulator.devices.generic import HomeBuilt, PlainSwitch, TimedRelay
from simulator.devices.homeassistant import HomeAssistantFan
from simulator.devices.infrared import InfraredPurifier
from simulator.devices.shelly import ShellyPlug
from simulator.devices.shelly_gen1 import ShellyGen1Plug
from simulator.devices.tasmota import TasmotaPlug
from simulator.devices.zigbee2mqtt import Starkvind, ZigbeePlug

LOAD_W: Final = 38.0


@dataclass(frozen=True)
class Row:
    """A kind on the bench. `name` is the purifier's id in the school of the suite.

    device: a new fake, off, with a purifier of LOAD_W behind it. claims_on: what it would send as a regular report of
    being on, on its own topic; `foreign` the same on another device's. renamed: a report whose word nobody knows.
    retained_on: what a careless program leaves at the broker to switch it on. wipes_timer: what such a program asks
    with, and ends the expiry. own_rule: it has a rule of its own for when the broker is gone. named_after_prepare: it
    names a person once it was prepared. reports_apart: a report is told from the answer to a command by what it says.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    device: Callable[[], Device]
    claims_on: Publish
    foreign: Publish
    renamed: Publish | None = None
    retained_on: Publish | None = None
    wipes_timer: Publish | None = None
    own_rule: bool = False
    named_after_prepare: bool = False
    reports_apart: bool = True

    def __str__(self) -> str:
        return self.name


ROWS: Final = (
    Row(
        name="tasmota",
        kind="tasmota",
        settings={"topic": "plug-1", "url": "http://192.0.2.7"},
        device=lambda: TasmotaPlug("plug-1", load_w=LOAD_W),
        claims_on=Publish("tele/plug-1/STATE", '{"UptimeSec":9,"POWER":"ON"}'),
        foreign=Publish("tele/plug-2/STATE", '{"POWER":"ON"}'),
        renamed=Publish("tele/plug-1/STATE", json.dumps({"POWER": "เปิด"})),
        retained_on=Publish("cmnd/plug-1/POWER", "ON"),
        wipes_timer=Publish("cmnd/plug-1/POWER", ""),
        own_rule=True,
        named_after_prepare=True,
    ),
    Row(
        name="shelly",
        kind="shelly",
        settings={"prefix": "shellyplugsg3-a4cf12f45a3c", "url": "http://192.0.2.8"},
        device=lambda: ShellyPlug("shellyplugsg3-a4cf12f45a3c", load_w=LOAD_W),
        claims_on=Publish("shellyplugsg3-a4cf12f45a3c/status/switch:0", '{"id":0,"source":"init","output":true}'),
        foreign=Publish("shellyplugsg3-other/status/switch:0", '{"id":0,"source":"init","output":true}'),
        retained_on=Publish("shellyplugsg3-a4cf12f45a3c/command/switch:0", "on"),
        wipes_timer=Publish("shellyplugsg3-a4cf12f45a3c/command/switch:0", "on"),
    ),
    *(
        Row(
            name=f"zigbee-{timer.replace('_', '-')}",
            kind="zigbee2mqtt_plug",
            settings={"name": f"ป.1/2 plug {timer}", "timer": timer},
            device=lambda timer=timer: ZigbeePlug(  # type: ignore[misc]
                f"ป.1/2 plug {timer}",
                tuya=timer == "countdown",
                load_w=LOAD_W if timer == "countdown" else None,
                cache_state=timer != "none",
                last_seen=timer == "countdown",
            ),
            claims_on=Publish(f"zigbee2mqtt/ป.1/2 plug {timer}", '{"state":"ON"}'),
            foreign=Publish("zigbee2mqtt/ป.1/2", '{"state":"ON"}'),
            renamed=Publish(f"zigbee2mqtt/ป.1/2 plug {timer}", '{"state":"เปิด"}'),
            retained_on=Publish(f"zigbee2mqtt/ป.1/2 plug {timer}/set", '{"state":"ON"}') if timer != "none" else None,
        )
        for timer in ("on_time", "countdown", "none")
    ),
    Row(
        name="starkvind",
        kind="starkvind",
        settings={"name": "p1-2 purifier"},
        device=lambda: Starkvind("p1-2 purifier"),
        claims_on=Publish("zigbee2mqtt/p1-2 purifier", '{"fan_state":"ON","fan_mode":"auto"}'),
        foreign=Publish("zigbee2mqtt/p1-2 purifier 2", '{"fan_state":"ON"}'),
        renamed=Publish("zigbee2mqtt/p1-2 purifier", '{"fan_mode":"turbo","fan_state":"turbo"}'),
    ),
    Row(
        name="mqtt-own",
        kind="mqtt",
        settings={},
        device=lambda: HomeBuilt("s1.mqtt-own", load_w=LOAD_W),
        claims_on=Publish("purifier/s1.mqtt-own/state", '{"on":true,"by":"command"}'),
        foreign=Publish("purifier/s1.other/state", '{"on":true,"by":"command"}'),
        renamed=Publish("purifier/s1.mqtt-own/state", '{"on":"running"}'),
        retained_on=Publish("purifier/s1.mqtt-own/set", '{"on":true,"seconds":86400}'),
    ),
    Row(
        name="mqtt-timed",
        kind="mqtt",
        settings={
            "url": "http://192.0.2.9",
            "command_topic": "relay-9/order",
            "payload_on": "on,{seconds}",
            "payload_off": "off",
            "state_topic": "relay-9/report",
            "state_path": "relay.state",
            "power_path": "power",
            "availability_topic": "relay-9/there",
            "available": "yes",
            "not_available": "no",
            "query_topic": "relay-9/ask",
            "longest": 3600,
            "http_on": "/relay/0?turn=on&timer={seconds}",
        },
        device=lambda: TimedRelay("relay-9", load_w=LOAD_W),
        claims_on=Publish("relay-9/report", '{"relay":{"state":"ON"}}'),
        foreign=Publish("relay-8/report", '{"relay":{"state":"ON"}}'),
        renamed=Publish("relay-9/report", '{"relay":{"state":"running"}}'),
        retained_on=Publish("relay-9/order", "on,86400"),
        reports_apart=False,
    ),
    Row(
        name="mqtt-plain",
        kind="mqtt",
        settings={
            "command_topic": "fan-3/switch/purifier/command",
            "state_topic": "fan-3/switch/purifier/state",
            "availability_topic": "fan-3/status",
        },
        device=lambda: PlainSwitch("fan-3"),
        claims_on=Publish("fan-3/switch/purifier/state", "ON"),
        foreign=Publish("fan-4/switch/purifier/state", "ON"),
        renamed=Publish("fan-3/switch/purifier/state", "RUNNING"),
        reports_apart=False,
    ),
    Row(
        name="homeassistant",
        kind="homeassistant",
        settings={"speeds": [{"name": "quiet", "cadr_m3h": 100}, {"name": "full", "cadr_m3h": 300}]},
        device=lambda: HomeAssistantFan("s1.homeassistant"),
        claims_on=Publish("purifier/s1.homeassistant/state", '{"state":"on","percent":50}'),
        foreign=Publish("purifier/s1.elsewhere/state", '{"state":"on","percent":50}'),
        renamed=Publish("purifier/s1.homeassistant/state", '{"state":"เปิด"}'),
        retained_on=Publish("purifier/s1.homeassistant/set", '{"on":true,"seconds":86400}'),
    ),
    Row(
        name="shelly-gen1",
        kind="shelly_gen1",
        settings={"topic": "shellyplug-s-041290"},
        device=lambda: ShellyGen1Plug("shellyplug-s-041290", load_w=LOAD_W),
        claims_on=Publish("shellies/shellyplug-s-041290/relay/0", "on"),
        foreign=Publish("shellies/shellyplug-s-041291/relay/0", "on"),
        renamed=Publish("shellies/shellyplug-s-041290/relay/0", "standby"),
    ),
    Row(
        name="relay",
        kind="relay",
        # The device is the bridge; what it does at its boards is shown in tests/firmware_bridge/relays.
        settings={"bridge": "pi", "board": "lcus", "port": "/dev/serial/by-path/relay"},
        device=lambda: HomeBuilt("s1.relay"),
        claims_on=Publish("purifier/s1.relay/state", '{"on":true,"by":"start"}'),
        foreign=Publish("purifier/s1.elsewhere/state", '{"on":true}'),
        renamed=Publish("purifier/s1.relay/state", '{"on":"เปิด"}'),
    ),
)

CODES: Final = {
    '{"Protocol":"NEC","Bits":32,"Data":"0x00FF18E7"}': "full",
    '{"Protocol":"NEC","Bits":32,"Data":"0x00FF30CF"}': "quiet",
    '{"Protocol":"NEC","Bits":32,"Data":"0x00FF9867"}': "",
}
FULL, QUIET, OFF = CODES

UNHEARD: Final = (
    Row(
        name="infrared",
        kind="infrared",
        settings={
            "sender": "tasmota",
            "topic": "ir-1",
            "on": FULL,
            "off": OFF,
            "codes": {"quiet": QUIET, "full": FULL},
            "speeds": [{"name": "quiet", "cadr_m3h": 90}, {"name": "full", "cadr_m3h": 300}],
        },
        device=lambda: InfraredPurifier("ir-1", CODES),
        claims_on=Publish("stat/ir-1/RESULT", '{"IRSend":"Done"}'),
        foreign=Publish("stat/ir-2/RESULT", '{"IRSend":"Done"}'),
    ),
    Row(
        name="infrared-esphome",
        kind="infrared",
        settings={"sender": "esphome", "topic": "ir-2", "on": "on", "off": "off"},
        device=lambda: InfraredPurifier("ir-2", {"on": "full", "off": ""}, esphome=True),
        claims_on=Publish("ir-2/status", "online"),
        foreign=Publish("ir-3/status", "online"),
    ),
)
"""Kinds that never say what the purifier is: of these only what holds for a kind alone, and test_infrared.py."""

ALL: Final = (*ROWS, *UNHEARD)

EVERY: Final = pytest.mark.parametrize("row", ROWS, ids=str)
ALSO_UNHEARD: Final = pytest.mark.parametrize("row", ALL, ids=str)


def having(what: Callable[[Row], Any]) -> pytest.MarkDecorator:
    """The rows of which something is true."""
    return pytest.mark.parametrize("row", [row for row in ROWS if what(row)], ids=str)
