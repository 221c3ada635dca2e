"""The configuration: taken in while running, refused with reasons, announced in parts, moves kept with their time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest

from classair.config import ConfigFaults, parse
from ingest.books.books import Books
from ingest.books.deployments import BEGINNING_MS, END_MS, Deployments
from ingest.config_acceptance import ConfigAcceptance

SCHOOL = """\
org: test-town
sites:
  north:
    name: North
    bridges: {pi-1: {}, pi-2: {}}
    rooms: {a: {name: A, volume_m3: 180}, b: {name: B, volume_m3: 180}}
    sensors:
      a-pm: {bridge: pi-1, room: a, model: pms5003t, port: "sim:classroom"}
      b-pm: {bridge: pi-2, room: b, model: pms5003t, port: "sim:classroom"}
  south:
    name: "${SECRET_ADDRESS}"
    bridges: {pi-9: {}}
    rooms: {z: {name: Z, volume_m3: 180}}
    sensors: {z-pm: {bridge: pi-9, room: z, model: pms5003t, port: "sim:classroom"}}
people:
  caretaker: {channel: console}
"""
CONFIG = "classair/v1/test-town/control/config"
NOW = 1_790_000_000_000
ENV = {"SECRET_ADDRESS": "person@example.org"}


def reading(seq: int, at_ms: int, **change: Any) -> dict[str, Any]:
    return {
        "bridge": "pi-1",
        "epoch": "abcdef012345",
        "seq": seq,
        "sensor": "a-pm",
        "at": at_ms,
        "values": {"pm25": 12.5},
        "simulated": True,
        **change,
    }


@pytest.fixture
def books(tmp_path: Any) -> Any:
    made = Books(tmp_path / "readings.db", journal=False)
    yield made
    made.close()


def store(books: Books, seq: int, at_ms: int, simulated: bool = True, room: str = "north.a") -> None:
    from classair.model import Reading

    books.store.write(
        [Reading("north.a-pm", "north.pi-1", "abcdef012345", seq, at_ms, {"pm25": 1.0}, room=room, simulated=simulated)]
    )


def test_a_first_version_is_kept_and_the_same_text_is_no_second_one(books: Books) -> None:
    accepting = ConfigAcceptance(books, ENV)
    assert accepting.consider(SCHOOL, NOW)
    assert not accepting.consider(SCHOOL, NOW + 1)
    assert accepting.current is not None and accepting.current.version == 1
    assert accepting.consider(SCHOOL.replace("name: A", "name: AA"), NOW + 2)
    # Another process takes up where this one ended, without anybody's secrets.
    assert (ConfigAcceptance(books, {}).current or accepting.current).version == 2


def test_a_faulty_edit_is_refused_with_every_reason_and_the_old_one_stays(books: Books) -> None:
    accepting = ConfigAcceptance(books, ENV)
    accepting.consider(SCHOOL, NOW)
    assert not accepting.consider(SCHOOL.replace("room: b,", "room: c,").replace("volume_m3: 180}}", "volum: 1}}"), NOW)
    assert any("volum" in line for line in accepting.refused)
    assert accepting.current is not None and accepting.current.text == SCHOOL
    assert not accepting.consider(ConfigFaults(["cannot read sensors.yaml: gone"]), NOW)
    assert accepting.refused == ["cannot read sensors.yaml: gone"]
    assert not accepting.consider(SCHOOL, NOW)
    assert accepting.refused == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [("model: pms5003t", "model: pms5003x", ".model: "), ("channel: console", "channel: pigeon", "people.")],
)
def test_what_only_a_driver_or_a_channel_knows_to_be_wrong_is_refused_too(
    books: Books,
    right: str,
    wrong: str,
    said: str,
) -> None:
    accepting = ConfigAcceptance(books, ENV)
    accepting.consider(SCHOOL, NOW)
    assert right in SCHOOL
    assert not accepting.consider(SCHOOL.replace(right, wrong, 1), NOW)
    assert said in accepting.refused[0]
    assert accepting.current is not None and accepting.current.text == SCHOOL


def test_a_missing_secret_refuses_the_edit_by_its_name(books: Books) -> None:
    accepting = ConfigAcceptance(books, {})
    accepting.consider(SCHOOL, NOW)
    assert accepting.current is None
    assert "SECRET_ADDRESS" in accepting.refused[0]


@pytest.mark.parametrize("simulated", [True, False])
def test_measured_and_simulated_never_meet_in_one_data_folder(books: Books, simulated: bool) -> None:
    real = SCHOOL.replace(
        'bridge: pi-1, room: a, model: pms5003t, port: "sim:classroom"',
        "bridge: pi-1, room: a, model: pms5003t, port: /dev/ttyUSB0",
    )
    real = real.replace('port: "sim:classroom"', "port: /dev/ttyUSB1")
    accepting = ConfigAcceptance(books, ENV)
    accepting.consider(SCHOOL if simulated else real, NOW)
    store(books, 1, NOW, simulated)
    assert not accepting.consider(real if simulated else SCHOOL, NOW + 1)
    assert len(accepting.refused) == 1
    assert "classair run --data" in accepting.refused[0]


def test_another_organisation_needs_another_folder(books: Books) -> None:
    accepting = ConfigAcceptance(books, ENV)
    accepting.consider(SCHOOL, NOW)
    assert not accepting.consider(SCHOOL.replace("test-town", "other-town"), NOW)
    assert "test-town" in accepting.refused[0]


def test_secrets_stay_names_in_every_announcement_and_bridges_get_only_their_part(books: Books) -> None:
    accepting = ConfigAcceptance(books, ENV)
    accepting.consider(SCHOOL, NOW)
    told: dict[str, bytes] = {}

    def publish(topic: str, payload: bytes) -> bool:
        told[topic] = payload
        return True

    assert accepting.announce(publish)
    assert not any(b"person@example.org" in payload for payload in told.values())
    assert b"${SECRET_ADDRESS}" in told[CONFIG]
    part = told["classair/v1/test-town/north/bridge/pi-1/config"]
    assert b"a-pm" in part and b"b-pm" not in part and b"SECRET" not in part


def test_what_leaves_the_configuration_leaves_the_broker_too(books: Books) -> None:
    accepting = ConfigAcceptance(books, ENV)
    accepting.consider(SCHOOL, NOW)
    smaller = SCHOOL.replace("pi-1: {}, pi-2: {}", "pi-1: {}").replace(", b: {name: B, volume_m3: 180}", "")
    smaller = "".join(line for line in smaller.splitlines(True) if "b-pm" not in line)
    assert accepting.consider(smaller, NOW)
    cleared: set[str] = set()

    def publish(topic: str, payload: bytes) -> bool:
        if not payload:
            cleared.add(topic.removeprefix("classair/v1/test-town/north/"))
        return True

    ConfigAcceptance(books, ENV).announce(publish)
    gone = {"bridge/pi-2/stored", "bridge/pi-2/status", "bridge/pi-2/config", "room/b/now", "sensor/b-pm/health"}
    assert cleared == gone
    cleared.clear()
    accepting.announce(publish)
    accepting.announce(publish)
    assert cleared == gone


# -- where sensors stood -----------------------------------------------------------------------------------------------


def moved(since: str = "") -> str:
    return SCHOOL.replace("bridge: pi-1, room: a,", f"bridge: pi-1, room: b, {since}")


def test_the_first_deployment_reaches_back_to_the_beginning(books: Books) -> None:
    ConfigAcceptance(books, ENV).consider(SCHOOL, NOW)
    assert books.deployments.room("north.a-pm", 0) == "north.a"
    assert books.deployments.room("north.a-pm", NOW * 2) == "north.a"
    assert books.deployments.room("north.z-pm", NOW) is None


def test_a_move_counts_from_its_acceptance_and_late_readings_stay_in_the_old_room(books: Books) -> None:
    accepting = ConfigAcceptance(books, ENV)
    accepting.consider(SCHOOL, NOW)
    assert accepting.consider(moved(), NOW + 1000)
    room = books.deployments.room
    assert (room("north.a-pm", NOW + 999), room("north.a-pm", NOW + 1000)) == ("north.a", "north.b")
    assert accepting.consider(SCHOOL, NOW + 2000)
    assert [room("north.a-pm", NOW + at) for at in (0, 999, 1000, 1999, 2000)] == [
        "north.a",
        "north.a",
        "north.b",
        "north.b",
        "north.a",
    ]


def test_since_backdates_a_move_only_past_everything_measured(books: Books) -> None:
    accepting = ConfigAcceptance(books, ENV)
    accepting.consider(SCHOOL, NOW - 5 * 86_400_000)
    store(books, 1, NOW - 2 * 86_400_000)
    day = time.strftime("%Y-%m-%d", time.gmtime(NOW / 1000 + 7 * 3600))
    before = time.strftime("%Y-%m-%d", time.gmtime(NOW / 1000 + 7 * 3600 - 3 * 86400))
    ahead = time.strftime("%Y-%m-%d", time.gmtime(NOW / 1000 + 7 * 3600 + 86400))
    assert not accepting.consider(moved(f"since: {before},"), NOW)
    assert "measured in north.a until" in accepting.refused[0]
    assert not accepting.consider(moved(f"since: {ahead},"), NOW)
    assert "is in the future" in accepting.refused[0]
    assert accepting.consider(moved(f"since: {day},"), NOW)
    midnight = books.deployments.newest("north.a-pm")
    assert midnight is not None and midnight.room == "north.b"
    assert midnight.from_ms <= NOW and (midnight.from_ms + 7 * 3_600_000) % 86_400_000 == 0


def test_a_sensor_taken_away_keeps_its_past_and_put_back_never_left() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    deployments = Deployments(connection)
    whole, without = (
        parse(SCHOOL, ENV),
        parse("".join(line for line in SCHOOL.splitlines(True) if "b-pm" not in line), ENV),
    )

    def follow(config: Any, now_ms: int) -> None:
        moves, against = deployments.plan(config, now_ms, lambda _sensor: None)
        assert not against
        deployments.apply(moves, 1)

    follow(whole, NOW)
    follow(without, NOW + 100)
    assert (deployments.room("north.b-pm", NOW + 99), deployments.room("north.b-pm", NOW + 100)) == ("north.b", None)
    follow(whole, NOW + 200)
    assert deployments.room("north.b-pm", NOW + 150) == "north.b"
    assert [(stay.from_ms, stay.to_ms) for stay in deployments if stay.sensor == "north.b-pm"] == [
        (BEGINNING_MS, END_MS)
    ]


# -- while it runs -----------------------------------------------------------------------------------------------------


def test_edits_are_followed_while_running(school: Any, bridge: Any, wait_for: Callable[..., Any]) -> None:
    school.begin()
    now = int(time.time() * 1000)
    bridge.send(reading(1, now - 60_000))
    wait_for(lambda: bridge.newest(CONFIG) and bridge.newest(CONFIG)["version"] == 1, what="version 1")
    school.edit("model: s8", "modell: s8")
    told = wait_for(lambda: bridge.newest(CONFIG).get("refused"), what="a refusal")
    assert "did you mean model?" in told
    assert bridge.newest(CONFIG)["version"] == 1
    wait_for(lambda: "sensors.yaml was rejected" in bridge.warnings(), what="a warning")
    school.edit("modell: s8", "model: s8")
    wait_for(lambda: "refused" not in bridge.newest(CONFIG), what="the refusal gone")
    school.edit("a-pm: {bridge: pi-1, room: a", "a-pm: {bridge: pi-1, room: b")
    wait_for(lambda: bridge.newest(CONFIG)["version"] == 2, what="version 2")
    moved_at = bridge.newest(CONFIG)["accepted_at"]
    bridge.send([reading(2, moved_at - 1), reading(3, moved_at + 1), reading(4, moved_at - 30_000)])
    wait_for(lambda: bridge.upto() == 4, what="upto 4")
    connection = sqlite3.connect(school.places.readings)
    assert connection.execute("select seq, room from reading join series on id=series order by seq").fetchall() == [
        (1, "north.a"),
        (2, "north.a"),
        (3, "north.b"),
        (4, "north.a"),
    ]
    connection.close()
