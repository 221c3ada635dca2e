"""Devices that are not ours, from a real POST and MQTT message to the store; and what a hostile one cannot do."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

from classair.broker import Link
from classair.model import Flag, Reading
from classair.stores import StoreAway, open_store
from classair.wire import Topics
from tests.neighbours.ports import free_port

SAMPLES = Path(__file__).parents[1] / "firmware_bridge" / "adapters" / "samples"

SCHOOL = """
org: test-town
sites:
  school:
    name: School
    bridges: {box: {http: "127.0.0.1:HTTP"}}
    rooms: {a1: {name: Blue, volume_m3: 180}}
    sensors:
      a1-ag: {bridge: box, room: a1, model: airgradient, port: "http:ecda3b1eaaaf"}
      a1-tas: {bridge: box, room: a1, model: tasmota, port: "mqtt:tele/a1-board"}
"""


def stored(house: Any) -> list[Reading]:
    """Every reading of the room."""
    if not house.places.readings.exists():
        return []
    try:
        with contextlib.closing(open_store("sqlite", house.places, readonly=True)) as store:
            return list(store.readings("school.a1", 0, 2**53))
    except StoreAway:  # ingest is about to make it
        return []


def test_a_post_and_a_foreign_message_become_readings_in_the_store(installation: Any, wait_for: Any) -> None:
    port = free_port()
    house = installation(SCHOOL.replace("HTTP", str(port)))
    house.start()

    def post() -> int:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/sensors/airgradient:ecda3b1eaaaf/measures",
            data=(SAMPLES / "airgradient-one.json").read_bytes(),
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except OSError:
            return 0

    wait_for(lambda: post() == 200, 40, "the bridge's ear")
    # The board has an account of its own, and uses it for what is its own and for what is not.
    topics, heard = Topics("test-town"), []
    board = Link(
        house.address("school.a1-tas"),
        on_message=lambda message: heard.append(message.topic),
        subscriptions=[("#", 1), (topics.config, 1), (topics.room_now("school", "a1"), 1)],
    )
    board.start()
    assert board.wait_up(60)
    witness: list[str] = []
    tool = Link(
        house.address("tool"),
        on_message=lambda message: witness.append(message.payload.decode()),
        subscriptions=[(topics.sensor_health("school", "a1-ag"), 1)],
    )
    tool.start()
    assert tool.wait_up(60)
    wait_for(lambda: any('"ok"' in word for word in witness), 20, "the health of the posting device")
    board.publish("tele/a1-board/SENSOR", (SAMPLES / "tasmota-pms5003.json").read_bytes(), qos=1)
    forged = {
        "bridge": "box",
        "epoch": "abcdefgh",
        "seq": 1,
        "sensor": "a1-ag",
        "at": int(time.time() * 1000),
        "values": {"pm25": 666.0},
    }
    board.publish(topics.bridge("school", "box", "reading"), json.dumps(forged), qos=1)
    board.publish(topics.sensor_health("school", "a1-ag"), '{"state": "stopped", "forged": true}', qos=1, retain=True)
    board.publish("tele/other-board/SENSOR", b"{}", qos=1)
    wait_for(lambda: any(one.sensor == "school.a1-tas" for one in stored(house)), 20, "the board's reading")
    found = {one.sensor: one for one in stored(house)}
    assert (found["school.a1-ag"].values["pm25"], found["school.a1-tas"].values["pm25"]) == (7.0, 18.0)
    assert len(stored(house)) == 2, "neither the forged one nor that of another board"
    assert all(one.flags & Flag.RECEIPT_TIME for one in found.values())
    assert heard == [] and not any("forged" in word for word in witness)
    board.stop()
    tool.stop()
    house.stop()
