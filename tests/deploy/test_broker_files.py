"""The broker's files, in force in the real mosquitto: who can say and hear what, and what the limits keep."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from classair.accounts import SERVICES, WATCH
from classair.broker import BrokerAddress, Link, Message
from classair.config import parse
from classair.ops.brokerfiles import (
    acl,
    add_users,
    grants_of,
    main,
    mosquitto_conf,
    password_line,
    write_broker_files,
)
from classair.wire import MAX_PAYLOAD, Topics

ORG = "demo-town"
TOPICS = Topics(ORG)
OWN, FOREIGN = "suan-pi", "khlong-pi"
SCHOOLS = """
org: demo-town
sites:
  ban-suan:
    name: Ban Suan
    bridges: {suan-pi: {}}
    rooms: {p1-2: {name: P.1/2, volume_m3: 180}}
    sensors: {p1-2-pm: {bridge: suan-pi, room: p1-2, model: pms5003t, port: "sim:classroom"}}
    purifiers:
      p1-2-fan: {room: p1-2, kind: tasmota, topic: socket-p1-2, cadr_m3h: 400, port: "sim:socket"}
      spare: {room: p1-2, kind: tasmota, topic: socket-p4-1, cadr_m3h: 400, port: "sim:socket"}
  rim-khlong:
    name: Rim Khlong
    bridges: {khlong-pi: {}}
    rooms: {}
    sensors: {}
"""
GRANTS = grants_of(parse(SCHOOLS))
USERS = {name: f"secret-of-{name}" for name in (*SERVICES, WATCH, OWN, FOREIGN, "socket-p1-2")}
LEAVES = ("reading", "status", "time", "stored", "replay", "config", "marker")
BRIDGE = {leaf: TOPICS.bridge("ban-suan", OWN, leaf) for leaf in LEAVES}
OTHER = {leaf: TOPICS.bridge("rim-khlong", FOREIGN, leaf) for leaf in BRIDGE}
HEALTH = TOPICS.sensor_health("ban-suan", "p1-2-pm")
ROOM, STATE = TOPICS.room_now("ban-suan", "p1-2"), TOPICS.purifier_state("ban-suan", "p1-2-fan")
SET = TOPICS.purifier_set("ban-suan", "p1-2-fan")
EDGE = "cmnd/socket-p1-2/Backlog0"  # how a bridge switches it ON while the server is away
PLUG = {verb: f"{verb}/socket-p1-2/POWER" for verb in ("cmnd", "stat", "tele")}
EVERY_TOPIC = [
    *BRIDGE.values(),
    *OTHER.values(),
    HEALTH,
    ROOM,
    STATE,
    SET,
    TOPICS.beat,
    TOPICS.config,
    *PLUG.values(),
    EDGE,
    *(TOPICS.service_status(s) for s in SERVICES),
    *(TOPICS.ask(s, "question-1") for s in SERVICES),
    TOPICS.answer("question-1"),
    "classair/v1/other-town/ban-suan/bridge/suan-pi/reading",
    "something/else",
    "cmnd/socket-p4-1/POWER",
    "stat/socket-p4-1/POWER",
    "cmnd/nobodys/POWER",
    "stat/nobodys/POWER",
]
ASKS = {TOPICS.ask(s, "question-1") for s in SERVICES}
ANSWER, STATUSES = TOPICS.answer("question-1"), {TOPICS.service_status(s) for s in SERVICES}
PLUGS = {"cmnd/socket-p4-1/POWER", PLUG["cmnd"], EDGE}, {"stat/socket-p4-1/POWER", PLUG["stat"], PLUG["tele"]}


def own(service: str) -> set[str]:
    return {TOPICS.service_status(service), *ASKS, ANSWER}


# What each may write and read; everything else in EVERY_TOPIC must be refused.
MAY_WRITE: dict[str, set[str]] = {
    OWN: {BRIDGE["reading"], BRIDGE["status"], BRIDGE["time"], BRIDGE["marker"], HEALTH, EDGE},
    "socket-p1-2": {PLUG["stat"], PLUG["tele"]},
    # What is retained for a room, sensor or bridge that left sensors.yaml, ingest takes back.
    "ingest": own("ingest")
    | {HEALTH, TOPICS.config, ROOM, STATE}
    | {b[x] for b in (BRIDGE, OTHER) for x in ("stored", "replay", "config", "status")},
    "alerts": own("alerts") | {ROOM, STATE, SET, TOPICS.beat} | PLUGS[0],
    "dashboard": own("dashboard"),
    "simulator": own("simulator") | PLUGS[1],
    WATCH: set(),
    "tool": ASKS | PLUGS[0],
}
MAY_READ: dict[str, set[str]] = {
    OWN: {BRIDGE["stored"], BRIDGE["replay"], BRIDGE["config"], BRIDGE["marker"], TOPICS.beat, STATE},
    "socket-p1-2": {PLUG["cmnd"], EDGE},
    "ingest": {TOPICS.ask("ingest", "question-1"), ANSWER, HEALTH, STATE, TOPICS.beat, TOPICS.config}
    | {b[x] for b in (BRIDGE, OTHER) for x in ("reading", "status", "time", "config")},
    "alerts": {TOPICS.ask("alerts", "question-1"), ANSWER, HEALTH, ROOM, STATE, TOPICS.beat, TOPICS.config}
    | STATUSES
    | PLUGS[1]
    | {b[x] for b in (BRIDGE, OTHER) for x in ("reading", "status")},
    "dashboard": {TOPICS.ask("dashboard", "question-1"), ANSWER, HEALTH, ROOM, STATE, TOPICS.beat, TOPICS.config}
    | STATUSES
    | {BRIDGE["status"], OTHER["status"]},
    "simulator": {TOPICS.ask("simulator", "question-1"), ANSWER, TOPICS.config, TOPICS.beat} | PLUGS[0],
    WATCH: set(),
    "tool": {ANSWER, HEALTH, ROOM, STATE, TOPICS.config, TOPICS.beat}
    | STATUSES
    | PLUGS[0]
    | PLUGS[1]
    | {BRIDGE["status"], OTHER["status"]},
}
OBSERVER = "observer"  # sees and says everything; exists only in this test


@dataclass
class Client:
    link: Link
    heard: list[str] = field(default_factory=list)
    published: list[int] = field(default_factory=list)


def guarded_conf(port: int, folder: Path) -> str:
    write_broker_files(folder, ORG, port, {**USERS, OBSERVER: "secret-of-observer"}, GRANTS)
    with (folder / "acl").open("a") as file:
        file.write(f"\nuser {OBSERVER}\ntopic readwrite #\n")
    return mosquitto_conf(port, folder)


SUBSCRIBED = "test/subscribed"


@pytest.fixture
def connect(mosquitto_with: Any, wait_for: Any) -> Iterator[Callable[..., Client]]:
    """`connect(user, *filters)`: a client whose subscriptions are in force."""
    broker = mosquitto_with(guarded_conf)
    opened: list[Client] = []

    def make(user: str, *filters: str, **options: Any) -> Client:
        client = Client(None)  # type: ignore[arg-type]

        def hear(message: Message) -> None:
            if message.topic != SUBSCRIBED:
                client.heard.append(message.topic)

        address = BrokerAddress.of(broker.url, user, f"secret-of-{user}")
        client.link = Link(
            address,
            on_message=hear,
            on_published=client.published.append,
            subscriptions=[(f, 1) for f in filters],
            **options,
        )
        client.link.start()
        assert client.link.wait_up(60), broker.log
        opened.append(client)
        # The broker works through one connection in order: when it answers this, it knows the subscriptions.
        client.link.publish(SUBSCRIBED, b"", qos=1)
        settled(client, wait_for, 1)
        client.published.clear()
        return client

    make.broker = broker  # type: ignore[attr-defined]
    yield make
    for client in opened:
        client.link.stop()


def settled(client: Client, wait_for: Callable[..., Any], sent: int) -> None:
    wait_for(lambda: len(client.published) == sent, what="the broker's acknowledgements")


@pytest.mark.parametrize("user", MAY_WRITE)
def test_everyone_writes_exactly_what_is_theirs(user: str, connect: Any, wait_for: Any) -> None:
    observer = connect(OBSERVER, "#")
    writer = connect(user)
    for topic in EVERY_TOPIC:
        writer.link.publish(topic, b"x", qos=1)
    settled(writer, wait_for, len(EVERY_TOPIC))
    observer.link.publish("end/of/test", b"", qos=1)
    wait_for(lambda: "end/of/test" in observer.heard, what="the observer's own last message")
    assert set(observer.heard) - {"end/of/test"} == MAY_WRITE[user]


@pytest.mark.parametrize("user", MAY_READ)
def test_everyone_hears_exactly_what_is_theirs_whatever_they_ask_for(user: str, connect: Any, wait_for: Any) -> None:
    reader = connect(user, "#", "+/+/+/+/+/+/+", *EVERY_TOPIC)
    observer = connect(OBSERVER)
    for topic in EVERY_TOPIC:
        observer.link.publish(topic, b"x", qos=1)
    settled(observer, wait_for, len(EVERY_TOPIC))
    wait_for(lambda: set(reader.heard) >= MAY_READ[user], what="everything that is theirs")
    if not MAY_READ[user]:
        reader.link.publish("end/of/test", b"", qos=1)
        settled(reader, wait_for, 1)  # what was for it came before the broker's answer
        assert reader.heard == []
        return
    last = min(MAY_READ[user])
    before = reader.heard.count(last)
    observer.link.publish(last, b"the last", qos=1)  # it is heard after all that came before
    wait_for(lambda: reader.heard.count(last) > before, what="the last message")
    assert set(reader.heard) == MAY_READ[user]


def test_a_bridge_gets_no_retained_word_of_another(connect: Any, wait_for: Any) -> None:
    observer = connect(OBSERVER)
    for topic in (OTHER["config"], OTHER["stored"], TOPICS.config, ROOM, BRIDGE["stored"]):
        observer.link.publish(topic, b"kept", qos=1, retain=True)
    settled(observer, wait_for, 5)
    bridge = connect(OWN, "#", OTHER["config"], OTHER["stored"], TOPICS.config)
    wait_for(lambda: bridge.heard, what="its own retained word")
    assert set(bridge.heard) == {BRIDGE["stored"]}


@pytest.mark.parametrize(("user", "secret"), [(OWN, "wrong"), ("stranger", "secret"), ("", "")])
def test_without_the_right_secret_nobody_comes_in(user: str, secret: str, connect: Any) -> None:
    link = Link(BrokerAddress.of(connect.broker.url, user, secret), on_message=lambda m: None)
    link.start()
    assert not link.wait_up(0.7)
    link.stop()


def test_a_session_cannot_be_taken_by_its_client_id(connect: Any, wait_for: Any) -> None:
    import paho.mqtt.client as paho  # a client id other than the user name: what Link does not let one do

    ingest = connect("ingest", BRIDGE["reading"], keep_session=True)
    thief = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="ingest", clean_session=True)
    thief.username_pw_set(OWN, f"secret-of-{OWN}")
    thief.connect(connect.broker.host, connect.broker.port)
    thief.loop_start()
    wait_for(thief.is_connected, what="the thief, who has an account of its own")
    bridge_reading = TOPICS.bridge("ban-suan", FOREIGN, "reading")
    thief.publish(bridge_reading, b"x", qos=1)
    observer = connect(OBSERVER)
    observer.link.publish(BRIDGE["reading"], b"x", qos=1)
    wait_for(lambda: ingest.heard, what="a message to the rightful session")
    assert ingest.link.up
    thief.disconnect()
    thief.loop_stop()


def test_twenty_thousand_messages_wait_for_a_service_that_is_away(connect: Any, wait_for: Any) -> None:
    connect("ingest", BRIDGE["reading"], keep_session=True).link.stop()
    bridge = connect(OWN)
    for number in range(20_000):
        if number % 500 == 0:  # the client library keeps at most 65,535 on their way
            settled(bridge, wait_for, number)
        bridge.link.publish(BRIDGE["reading"], str(number), qos=1)
    settled(bridge, wait_for, 20_000)
    connect.broker.restart()
    back = connect("ingest", BRIDGE["reading"], keep_session=True)
    wait_for(lambda: len(back.heard) == 20_000, timeout=30, what="all of them, after a restart too")


def test_a_message_over_the_limit_is_refused_and_the_next_one_arrives(connect: Any, wait_for: Any) -> None:
    observer = connect(OBSERVER, "#")
    bridge = connect(OWN)
    bridge.link.publish(BRIDGE["reading"], b"x" * (MAX_PAYLOAD + 1), qos=0)
    bridge.link.publish(BRIDGE["reading"], b"x" * MAX_PAYLOAD, qos=1)
    wait_for(lambda: observer.heard == [BRIDGE["reading"]], what="the message within the limit, alone")


def test_a_packet_of_a_megabyte_ends_only_its_own_connection(connect: Any, wait_for: Any) -> None:
    observer = connect(OBSERVER, "#")
    bridge = connect(OWN)
    bridge.link.publish(BRIDGE["reading"], b"x" * 2**20, qos=0)
    wait_for(lambda: not bridge.link.up, what="the end of the connection")
    observer.link.publish("end/of/test", b"", qos=1)
    wait_for(lambda: observer.heard == ["end/of/test"])
    assert f"Client {OWN} disconnected due to oversize packet" in connect.broker.log


def test_the_broker_listens_on_loopback_only(connect: Any) -> None:
    listeners = {
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{connect.broker.port:04X}")
    }
    assert listeners == {f"0100007F:{connect.broker.port:04X}"}


def test_mosquitto_finds_nothing_to_say_about_its_configuration(connect: Any) -> None:
    # Patterns for the beat and for health name no user on purpose; mosquitto remarks on it.
    remarks = [
        line
        for line in connect.broker.log.splitlines()
        if re.search("warning|error", line, re.I) and not re.search("%c|as root", line)
    ]
    assert remarks == []


def test_our_hash_is_the_one_of_mosquitto_passwd(tmp_path: Path) -> None:
    line = password_line("ingest", "a secret")
    assert re.fullmatch(r"ingest:\$7\$101\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==", line)
    assert "a secret" not in line


def test_users_keep_their_secret_when_another_is_added(tmp_path: Path) -> None:
    assert add_users(tmp_path, ["ingest"]) == ["ingest"]
    before = (tmp_path / "passwords").read_text()
    assert add_users(tmp_path, ["ingest", OWN]) == [OWN]
    assert (tmp_path / "passwords").read_text().startswith(before)
    assert (tmp_path / "secrets" / "ingest.env").stat().st_mode & 0o777 == 0o600


def test_a_faulty_configuration_is_refused_before_anything_is_written(tmp_path: Path, capsys: Any) -> None:
    file, folder = tmp_path / "sensors.yaml", tmp_path / "etc"
    file.write_text(SCHOOLS.replace("suan-pi", "Suan Pi"), "utf-8")
    assert main(["--config", str(file), "--folder", str(folder)]) == 2
    assert "sites.ban-suan.bridges.Suan Pi: expected small letters, digits and hyphens" in capsys.readouterr().err
    assert not folder.exists()


def test_the_command_writes_files_that_let_a_bridge_in(mosquitto_with: Any, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "etc"
    file = tmp_path / "sensors.yaml"
    file.write_text(SCHOOLS + "people: {head: {channel: console, to: '${NOT_SET_HERE}'}}\n", "utf-8")
    assert main(["--config", str(file), "--folder", str(folder)]) == 0
    assert f"{OWN}: {folder}/secrets/{OWN}.env" in capsys.readouterr().out
    broker = mosquitto_with(lambda port, state: mosquitto_conf(port, folder, state=state))
    secret = (folder / "secrets" / f"{OWN}.env").read_text().strip().partition("=")[2]
    link = Link(BrokerAddress.of(broker.url, OWN, secret), on_message=lambda m: None)
    link.start()
    assert link.wait_up(60)
    link.stop()


def test_a_second_listener_opens_only_with_a_certificate(mosquitto_with: Any, tmp_path: Path) -> None:
    assert mosquitto_conf(1883, "/etc/x").count("\nlistener ") == 1
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        "server.key",
        "-out",
        "server.crt",
    ]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    lan: list[int] = []

    def conf(port: int, folder: Path) -> str:
        write_broker_files(folder, ORG, port, USERS, GRANTS)
        lan[:] = [port + 1 if port < 65535 else port - 1]
        return mosquitto_conf(port, folder, certificates=tmp_path, lan_port=lan[0])

    mosquitto_with(conf)
    address = BrokerAddress.of(f"mqtts://127.0.0.1:{lan[0]}", OWN, USERS[OWN], str(tmp_path / "server.crt"))
    link = Link(address, on_message=lambda m: None)
    link.start()
    assert link.wait_up(60)
    link.stop()


def test_the_rules_name_no_other_organisation() -> None:
    assert set(
        re.findall(r"classair/v1/([^/]+)/", acl("my-town", grants_of(parse(SCHOOLS.replace("demo-town", "my-town")))))
    ) == {"my-town"}
