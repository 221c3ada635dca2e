"""Accounts of foreign devices: what a configuration grants, what the commands give, what the broker then lets pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classair.accounts import HOME_ASSISTANT
from classair.broker import BrokerAddress, Link
from classair.config import ConfigFaults, parse
from classair.device_secrets import digest, kept_secrets
from classair.offers import faults
from classair.ops.brokerfiles import acl, grants_of, mosquitto_conf, write_broker_files
from classair.ops.provisioning import main
from classair.places import Places
from classair.wire import Topics

SCHOOL = """
org: demo-town
sites:
  s1:
    name: School
    bridges: {pi: {http: "127.0.0.1:8088"}, other: {}}
    rooms: {r1: {name: Blue, volume_m3: 180}}
    sensors:
      tas: {bridge: pi, room: r1, model: tasmota, port: "mqtt:tele/board"}
      zig: {bridge: pi, room: r1, model: zigbee2mqtt, port: "mqtt:zigbee2mqtt/r1"}
      ag: {bridge: other, room: r1, model: airgradient, port: "mqtt:airgradient/readings/abc"}
      env: {bridge: pi, room: r1, model: enviro, port: "http:yard"}
    purifiers:
      fan: {room: r1, kind: tasmota, topic: socket-r1, cadr_m3h: 400}
"""
TOPICS = Topics("demo-town")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "sensors.yaml"
    place.write_text(SCHOOL, "utf-8")
    return place


def test_a_configuration_grants_each_what_is_its_own() -> None:
    grants = grants_of(parse(SCHOOL))
    assert grants.accounts["pi"].reads == (
        "tele/board/SENSOR",
        "tele/board/LWT",
        "zigbee2mqtt/r1",
        "zigbee2mqtt/r1/availability",
        # Who switched the purifiers of its rooms, for when the server is away.
        "classair/v1/demo-town/s1/purifier/+/state",
    )
    assert grants.accounts["other"].reads == ("airgradient/readings/abc", "classair/v1/demo-town/s1/purifier/+/state")
    assert set(grants.outsiders) == {"s1.tas", "s1.ag", "gateway_zigbee2mqtt", "socket-r1", HOME_ASSISTANT}
    assert "cmnd/socket-r1/#" in grants.accounts["alerts"].writes


def test_a_posting_device_gets_a_secret_that_is_kept_as_a_digest(file: Path, tmp_path: Path, capsys: Any) -> None:
    words = ["--device", "s1.env", "--config", str(file), "--data", str(tmp_path / "data")]
    assert main(words) == 0
    places = Places((tmp_path / "data").resolve())
    secret = next(line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("  "))
    assert kept_secrets(places) == {"s1.env": digest(secret)}
    assert secret not in places.device_secrets.read_text("utf-8")
    assert main(words) == 0 and kept_secrets(places)["s1.env"] != digest(secret)


def test_a_device_of_the_broker_and_home_assistant_get_accounts(file: Path, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "broker"
    for words in (["--device", "s1.tas"], ["--device", "s1.zig"], ["--home-assistant"]):
        assert main([*words, "--config", str(file), "--broker-folder", str(folder)]) == 0
    known = {line.partition(":")[0] for line in (folder / "passwords").read_text().splitlines()}
    assert {"s1.tas", "gateway_zigbee2mqtt", HOME_ASSISTANT, "pi", "other", "ingest"} <= known
    assert (folder / "acl").read_text() == acl("demo-town", grants_of(parse(SCHOOL)))
    assert (folder / "secrets" / "s1.tas.env").stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    assert main(["--device", "s1.nobody", "--config", str(file)]) == 2
    assert "known: s1.fan, s1.tas, s1.zig, s1.ag, s1.env" in capsys.readouterr().err
    assert main(["--device", "s1.tas", "--config", str(file), "--data", str(tmp_path / "none")]) == 2
    assert "Start classair run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            'model: tasmota, port: "mqtt:tele/board"',
            'model: tasmota, port: "/dev/ttyUSB0"',
            "sites.s1.sensors.tas.port: a tasmota is not a serial sensor; expected mqtt:… or http:…",
        ),
        (
            "model: tasmota",
            "model: pms5003",
            "sites.s1.sensors.tas.model: unknown model 'pms5003' of a third-party device",
        ),
        (
            "mqtt:tele/board",
            "http:board",
            "sites.s1.sensors.tas.port: a tasmota needs a port mqtt:…, got http:board",
        ),
        ("mqtt:tele/board", "mqtt:classair/v1/x", "topics under classair/ are reserved"),
        (
            'port: "mqtt:tele/board"',
            'port: "mqtt:tele/board", settings: {intervall: 1m}',
            "sites.s1.sensors.tas.settings.intervall: unknown key",
        ),
    ],
)
def test_check_says_what_is_wrong_with_a_foreign_device(old: str, new: str, fault: str) -> None:
    found = list(faults(parse(SCHOOL.replace(old, new))))
    assert len(found) == 1 and fault in found[0]


def test_the_account_of_home_assistant_is_no_bridges_name() -> None:
    with pytest.raises(ConfigFaults, match="reserved as the broker user of a service"):
        parse(SCHOOL.replace("other", HOME_ASSISTANT))


def test_at_the_broker_nobody_hears_or_says_what_is_not_theirs(mosquitto_with: Any, wait_for: Any) -> None:
    users = dict.fromkeys(("pi", "other", "s1.tas", "s1.ag", "gateway_zigbee2mqtt", "socket-r1", "watcher"), "secret")

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
            subscriptions=[("#", 1), ("+/+/+", 1)],
        )
        links[user].start()
        assert links[user].wait_up(60)
    sent: list[Any] = []

    def beats_arrive() -> bool:
        """Whether the subscriptions are in force: what is sent now is heard by all who may."""
        sent.append(links["watcher"].publish(TOPICS.beat, "first", qos=1))
        return all(TOPICS.beat in heard[user] for user in ("watcher", "pi", "other"))

    wait_for(beats_arrive, what="the subscriptions")
    mine = ["tele/board/SENSOR", "zigbee2mqtt/r1", "airgradient/readings/abc", "tele/socket-r1/STATE"]
    health = TOPICS.sensor_health("s1", "tas")
    ours = [
        TOPICS.bridge("s1", "pi", "reading"),
        health,
        TOPICS.room_now("s1", "r1"),
        TOPICS.purifier_set("s1", "fan"),
        TOPICS.ask("alerts", "question-1"),
        "cmnd/socket-r1/POWER",
        "homeassistant/device/x/config",
    ]
    for user in ("s1.tas", "s1.ag", "gateway_zigbee2mqtt", "socket-r1"):
        for topic in (*mine, *ours):
            links[user].publish(topic, user, qos=1)
    links["pi"].publish(health, "its own word", qos=1)
    wait_for(lambda: health in heard["watcher"], what="the word of the bridge")
    wait_for(lambda: {*mine, health} <= set(heard["watcher"]), what="everything that may be said")
    before = {user: heard[user].count(TOPICS.beat) for user in ("pi", "other")}
    for _ in sent:  # more than may still be under way from the beginning
        links["watcher"].publish(TOPICS.beat, "the last", qos=1)
    links["watcher"].publish(TOPICS.beat, "the last", qos=1)
    wait_for(
        lambda: all(heard[user].count(TOPICS.beat) > before[user] + len(sent) for user in before),
        what="the last message",
    )
    assert sorted(set(heard["watcher"]) - {TOPICS.beat}) == sorted([*mine, health])
    assert heard["watcher"].count(health) == heard["watcher"].count("tele/board/SENSOR") == 1
    assert set(heard["pi"]) == {"tele/board/SENSOR", "zigbee2mqtt/r1", TOPICS.beat}
    assert set(heard["other"]) == {"airgradient/readings/abc", TOPICS.beat}
    for link in links.values():
        link.stop()
