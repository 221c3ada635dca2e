"""Sensors, bridges and a store that others say are lost: told when it lasts, and a room without sensors is blind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.notices import Notices
from classair.wire import BridgeStatus, SensorHealth, ServiceStatus
from tests.alerts.watched import MIN, MONDAY_NINE, PLUG, SEC, SUNDAY_NINE, TOPICS, House

CAME = TOPICS.sensor_health("s1", "pm")


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path, PLUG, now=MONDAY_NINE)
    made.live(120, 8.0)
    return made


def health(house: House, state: Any, sensor: str = "pm") -> None:
    said = SensorHealth(state=state, at=house.now, bridge="pi")
    house.watching.hear(TOPICS.sensor_health("s1", sensor), said.model_dump_json().encode(), True, house.now)


def bridge(house: House, state: Any) -> None:
    said = BridgeStatus(state=state, at=house.now)
    house.watching.hear(TOPICS.bridge("s1", "pi", "status"), said.model_dump_json().encode(), True, house.now)


def ingest(house: House, away: str | None) -> None:
    said = ServiceStatus(service="ingest", state="online", at=house.now, figures={"store_away": away})
    house.watching.hear(TOPICS.service_status("ingest"), said.model_dump_json().encode(), True, house.now)


def told(house: House) -> list[tuple[str, str]]:
    return [(it.what, it.subject) for it in house.watching.notices.open() if it.subject != "s1.fan"]  # nobody plays it


@pytest.mark.parametrize("state", ["silent", "unplugged", "error"])
def test_a_lost_sensor_is_told_when_it_has_lasted_and_its_return_ends_it(house: House, state: str) -> None:
    health(house, state)
    house.live(19)
    assert ("sensor", "s1.pm") not in told(house)
    house.live(2)
    assert ("sensor", "s1.pm") in told(house)
    health(house, "ok")
    assert ("sensor", "s1.pm") not in told(house)


@pytest.mark.parametrize("state", ["ok", "starting", "asleep", "stopped"])
def test_what_is_no_loss_is_not_told(house: House, state: str) -> None:
    health(house, state)
    house.live(60, 8.0)
    assert told(house) == []


def test_a_room_whose_only_sensor_is_lost_is_blind_at_once_with_children_there(house: House) -> None:
    health(house, "unplugged")
    house.live(25)
    assert ("blind", "s1.r1") in told(house)
    assert any("Power1 ON" in payload for topic, payload in house.said if topic.startswith("cmnd/plug-1"))


def test_a_room_with_another_sensor_that_speaks_is_not_blind(tmp_path: Path) -> None:
    second = PLUG.replace(
        "      out: {", '      pm2: {bridge: pi, room: r1, model: pms5003t, port: "sim:classroom"}\n      out: {'
    )
    house = House(tmp_path, second, now=MONDAY_NINE)
    for _ in range(12):
        house.live(10, 8.0)
        house.measure(8.0, "pm2")
    health(house, "unplugged")
    for _ in range(6):
        house.live(10)
        house.measure(8.0, "pm2")
    assert ("sensor", "s1.pm") in told(house)
    assert ("blind", "s1.r1") not in told(house)


def test_an_empty_room_is_not_served_because_its_sensor_is_lost(tmp_path: Path) -> None:
    house = House(tmp_path, PLUG, now=SUNDAY_NINE)
    house.live(120, 8.0)
    health(house, "silent")
    house.live(60)
    assert not any("ON" in payload for topic, payload in house.said if topic.startswith("cmnd/plug-1/Backlog0 Pulse"))
    assert ("blind", "s1.r1") not in told(house)


def test_a_bridge_that_is_offline_is_told_and_its_return_ends_it(house: House) -> None:
    bridge(house, "offline")
    house.live(21, 8.0)
    assert told(house) == [("bridge", "s1.pi")]
    bridge(house, "online")
    assert told(house) == []


def test_a_store_that_is_away_is_told_while_it_lasts(house: House) -> None:
    ingest(house, "disk I/O error")
    house.live(21, 8.0)
    assert told(house) == [("store", "store")]
    ingest(house, None)
    assert told(house) == []


def test_what_cannot_be_read_changes_nothing(house: House) -> None:
    for topic in (CAME, TOPICS.bridge("s1", "pi", "status"), TOPICS.service_status("ingest")):
        for payload in (b"", b"{", b"[]", b'{"state": "gone"}', "เสีย".encode()):
            house.watching.hear(topic, payload, False, house.now)
    health(house, "silent", "unknown-sensor")
    house.live(60, 8.0)
    assert told(house) == []


def test_what_is_open_survives_a_restart_once_and_is_closed_when_the_sensor_is_taken_out(house: House) -> None:
    health(house, "silent")
    house.live(21)
    house.restart()
    health(house, "silent")
    house.live(30)
    rows = [it for it in house.ledger_rows() if it.what == "sensor"]
    assert [it.subject for it in rows] == ["s1.pm"]
    health(house, "ok")
    assert ("sensor", "s1.pm") not in told(house)


def test_a_step_of_the_clock_is_in_the_record(house: House) -> None:
    house.now += 365 * 86_400 * SEC
    house.watching.clock_stepped(365 * 86_400 * SEC, house.now)
    assert [it.detail for it in house.ledger_rows() if it.what == "clock"] == ["+31536000 s"]
    assert told(house) == []


def test_a_life_that_ended_badly_is_in_the_record_once(house: House) -> None:
    notices: Notices = house.watching.notices
    notices.ended_badly(house.now - MIN, house.now)
    assert [(it.at, it.over_at) for it in house.ledger_rows() if it.what == "service:alerts"] == [
        (house.now - MIN, house.now)
    ]


def test_a_room_without_valid_values_after_a_step_of_the_clock_is_blind_soon(house: House) -> None:
    house.now += 364 * 86_400 * SEC
    house.watching.clock_stepped(364 * 86_400 * SEC, house.now)
    house.live(44)
    assert ("blind", "s1.r1") not in told(house)
    house.live(3)
    assert ("blind", "s1.r1") in told(house)
    house.live(20, 8.0)
    assert ("blind", "s1.r1") not in told(house)
