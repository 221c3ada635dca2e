"""Names of other programs are opaque: blanks, slashes and Thai letters work from the file to the broker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.accounts import Account, account_fault
from classair.broker import BrokerAddress, Link
from classair.config import ConfigFaults, parse
from classair.config.ports import port_fault
from classair.offers import faults
from classair.ops.brokerfiles import acl, grants_of, mosquitto_conf, write_broker_files
from firmware_bridge.adapters import adapter_for, models, topic_fault

SCHOOL = """
org: demo-town
sites:
  s1:
    name: School
    bridges: {pi: {}}
    rooms: {r1: {name: Blue, volume_m3: 180}}
    sensors:
      cold: {bridge: pi, room: r1, model: zigbee2mqtt, port: "mqtt:zigbee2mqtt/Gefrierschrank Keller"}
      vind: {bridge: pi, room: r1, model: zigbee2mqtt, port: "mqtt:zigbee2mqtt/p1/2/vind"}
      thai: {bridge: pi, room: r1, model: tasmota, port: "mqtt:tele/ห้อง ป.1  2"}
      esp: {bridge: pi, room: r1, model: esphome, port: "mqtt:Werkraum/Küche 2/board"}
    purifiers:
      fan: {room: r1, kind: tasmota, topic: "เครื่องฟอก 1", cadr_m3h: 400}
"""
TOPICS = (
    "zigbee2mqtt/Gefrierschrank Keller",
    "zigbee2mqtt/p1/2/vind",
    "tele/ห้อง ป.1  2/SENSOR",
    "Werkraum/Küche 2/board/sensor/pm_2_5/state",
)


@pytest.mark.parametrize(
    ("port", "settings", "name", "writes"),
    [
        ("zigbee2mqtt/p1/2/vind", {}, "gateway_zigbee2mqtt", "zigbee2mqtt/#"),
        ("zigbee2mqtt/Gefrierschrank Keller", {}, "gateway_zigbee2mqtt", "zigbee2mqtt/#"),
        ("home/zigbee2mqtt/p1/2", {}, "gateway_home_zigbee2mqtt", "home/zigbee2mqtt/#"),
        ("z2m/p1/2", {}, "gateway_z2m", "z2m/#"),
        ("z2m/floor 1/p1/2", {"base_topic": "z2m/floor 1"}, "gateway_z2m_floor_1_", "z2m/floor 1/#"),
        ("บ้าน/zigbee2mqtt/ป.1", {}, "gateway______zigbee2mqtt_", "บ้าน/zigbee2mqtt/#"),
    ],
)
def test_all_devices_of_one_zigbee2mqtt_share_its_account(
    port: str, settings: dict[str, str], name: str, writes: str
) -> None:
    account = adapter_for("zigbee2mqtt", f"mqtt:{port}", settings).account()
    assert account.name.startswith(name) and account.writes == (writes,)
    assert account_fault(account, ()) == ""


def test_two_base_topics_that_lose_the_same_letters_have_two_accounts() -> None:
    names = {
        adapter_for("zigbee2mqtt", f"mqtt:{base}/x").account().name
        for base in ("บ้าน", "ห้อง", "a b", "a+b".replace("+", "_"))
    }
    assert len(names) == 4


def test_a_device_that_is_called_availability_is_a_device() -> None:
    adapter = adapter_for("zigbee2mqtt", "mqtt:zigbee2mqtt/room/availability")
    assert adapter.topics() == ("zigbee2mqtt/room/availability", "zigbee2mqtt/room/availability/availability")
    from tests.firmware_bridge.adapters.sample_readings import tell

    found = tell(adapter, b'{"pm25":7,"last_seen":1795246400000}', adapter.topics()[0])
    assert isinstance(found, list) and found[0].frame.values == {"pm25": 7}


def test_check_accepts_blanks_slashes_and_thai_letters() -> None:
    config = parse(SCHOOL)
    assert list(faults(config)) == []
    rules = acl("demo-town", grants_of(config))
    for topic in TOPICS:
        assert f"\ntopic read {topic}\n" in rules
    assert "\nuser s1.fan\n" in rules and "\ntopic write stat/เครื่องฟอก 1/#\n" in rules


@pytest.mark.parametrize(
    ("port", "reason"),
    [
        ("mqtt:tele/a\nuser x", "U+000A"),
        ("mqtt:tele/a\x00b", "U+0000"),
        ("http:a\u2028b", "U+2028"),
        (" mqtt:tele/a", "begins or ends with a blank"),
        ("mqtt:tele/a ", "begins or ends with a blank"),
        ("mqtt:", "expected a name behind mqtt:"),
        ("mqtt://broker/tele/a", "without the address of a broker"),
        ("MQTT:tele/a", "written in small letters"),
        ("/dev/my port", "contains a blank"),
        ("ttyUSB0", "did you mean /dev/ttyUSB0?"),
        ("sim:Ab", "expected sim: and at most 32"),
        ("COM3", "expected sim:"),
        ("", "expected sim:"),
    ],
)
def test_a_wrong_port_is_answered_with_the_true_reason(port: str, reason: str) -> None:
    assert reason in port_fault(port)
    quoted = '"' + "".join(f"\\u{ord(char):04x}" if ord(char) > 126 or ord(char) < 32 else char for char in port) + '"'
    with pytest.raises(ConfigFaults) as wrong:
        parse(SCHOOL.replace('"mqtt:tele/ห้อง ป.1  2"', quoted))
    assert any(line.startswith("sites.s1.sensors.thai.port: ") and reason in line for line in wrong.value.faults)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("tele/+/x", "wildcards"),
        ("tele/#", "wildcards"),
        ("/tele", "begin or end with /"),
        ("a//b", "nor contain //"),
        ("classair/x", "reserved"),
        ("$SYS/x", "reserved"),
        ("tele/" + "x" * 200, "at most 200 characters"),
    ],
)
def test_a_topic_that_cannot_be_is_refused_by_check_with_its_reason(topic: str, reason: str) -> None:
    (line,) = faults(parse(SCHOOL.replace("tele/ห้อง ป.1  2", topic)))
    assert line.startswith("sites.s1.sensors.thai.port: ") and reason in line


@pytest.mark.parametrize("topic", ["a/b", "a+", "a#", "a\nb", " a", "a\x7f"])
def test_the_topic_of_a_socket_is_one_level_of_one_line(topic: str) -> None:
    quoted = topic.replace("\n", "\\n").replace("\x7f", "\\x7f")
    found = list(faults(parse(SCHOOL.replace("เครื่องฟอก 1", quoted))))
    assert len(found) == 1 and found[0].startswith("sites.s1.purifiers.fan.topic: ")


@given(
    st.text(min_size=1, max_size=30), st.sampled_from([name for name in models() if name not in ("sensor-community",)])
)
def test_no_name_adds_a_line_or_a_wildcard_to_the_rules(name: str, model: str) -> None:
    port = f"mqtt:first/{name}/x"
    if port_fault(port):
        return
    try:
        adapter = adapter_for(model, port)
    except ValueError:
        return
    account = adapter.account()
    for topic in adapter.topics():
        assert topic_fault(topic) == ""
    rules = (*account.writes, *account.reads)
    if account_fault(Account(account.writes, account.reads, account.name or "s1.x"), ()) == "":
        assert all(len(topic.splitlines()) == 1 and topic == topic.strip() for topic in rules)
        assert all(part in ("+", "#") or not set(part) & {"+", "#"} for topic in rules for part in topic.split("/"))


def test_names_with_blanks_and_letters_of_any_script_pass_a_real_broker(mosquitto_with: Any, wait_for: Any) -> None:
    users = dict.fromkeys(("pi", "s1.thai", "s1.esp", "gateway_zigbee2mqtt", "watcher"), "secret")

    def conf(port: int, folder: Path) -> str:
        write_broker_files(folder, "demo-town", port, users, grants_of(parse(SCHOOL)))
        with (folder / "acl").open("a") as rules:
            rules.write("\nuser watcher\ntopic readwrite #\n")
        return mosquitto_conf(port, folder)

    broker = mosquitto_with(conf)
    heard: dict[str, list[str]] = {user: [] for user in users}
    links: dict[str, Link] = {}
    for user in users:
        links[user] = Link(
            BrokerAddress.of(broker.url, user, "secret"),
            on_message=lambda message, user=user: heard[user].append(message.topic),
            subscriptions=[(topic, 1) for topic in TOPICS] if user == "pi" else [("#", 1)],
        )
        links[user].start()
        assert links[user].wait_up(60)
    ready: list[Any] = []

    def subscribed() -> bool:
        ready.append(links["watcher"].publish(TOPICS[0], "first", qos=1))
        return TOPICS[0] in heard["pi"]

    wait_for(subscribed, what="the subscriptions")
    others = [*TOPICS, "tele/ห้อง ป.1/SENSOR", "zigbee2mqttx/a", "Werkraum/Küche 3/x"]
    for user, mine in (("gateway_zigbee2mqtt", TOPICS[:2]), ("s1.thai", TOPICS[2:3]), ("s1.esp", TOPICS[3:])):
        for topic in others:
            links[user].publish(topic, user, qos=1)
        wait_for(lambda mine=mine: set(mine) <= set(heard["pi"]), what=f"the messages of {user}")
    assert set(heard["pi"]) == set(TOPICS)
    assert set(heard["watcher"]) == set(TOPICS)
    assert set(heard["s1.esp"]) == set()
