"""From a bridge's messages to readings: the old is skipped unread, the good are not lost beside the bad."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts.air.stream import KEEP_MS, SensorStream, too_old
from classair import config as configuration
from classair.model import Flag
from classair.wire import Topics

NOW = 1_790_000_000_000
CONFIG = configuration.parse("""
org: town
sites:
  s1:
    name: School
    bridges: {pi: {}, other: {}}
    rooms: {r1: {name: R, volume_m3: 100}}
    sensors:
      pm: {bridge: pi, room: r1, model: pms5003t, port: "sim:classroom"}
      theirs: {bridge: other, room: r1, model: pms5003t, port: "sim:classroom"}
""")
TOPIC = Topics("town").bridge("s1", "pi", "reading")


def item(at: int = NOW, **more: Any) -> dict[str, Any]:
    return {"bridge": "pi", "epoch": "abcdefgh", "seq": 1, "sensor": "pm", "at": at, "values": {"pm25": 20.0}, **more}


def read(*items: Any) -> tuple[list[Any], SensorStream]:
    stream = SensorStream(CONFIG)
    return stream.readings(TOPIC, json.dumps(list(items)).encode(), NOW), stream


def test_a_reading_is_given_its_room_and_the_same_flags_as_ingest_gives() -> None:
    found, _ = read(item(), item(values={"pm25": 5000.0}), item(NOW + 121_000), item(flags=["STUCK", "STUCK"]))
    assert [reading.room for reading in found] == ["s1.r1"] * 4
    assert [reading.valid("pm25") for reading in found] == [20.0, None, None, None]
    assert found[3].flags == Flag.STUCK and found[0].simulated


def test_good_items_are_not_lost_beside_a_bad_one() -> None:
    found, stream = read(item(), {"nonsense": 1}, item(values={"pm25": "12"}), item(NOW - 1000))
    assert [reading.at_ms for reading in found] == [NOW, NOW - 1000] and stream.refused == 2


def test_strangers_and_borrowed_names_are_refused() -> None:
    found, stream = read(item(sensor="nobody"), item(bridge="other"), item(sensor="theirs"))
    assert found == [] and stream.refused == 3
    assert stream.readings(Topics("town").bridge("s1", "ghost", "reading"), json.dumps(item()).encode(), NOW) == []


def test_what_is_too_old_is_skipped_and_one_young_reading_saves_its_message() -> None:
    old, young = item(NOW - KEEP_MS - 1), item(NOW - KEEP_MS + 1)
    assert too_old(json.dumps([old, old]).encode(), NOW)
    assert not too_old(json.dumps([old, young]).encode(), NOW)
    assert not too_old(b"no reading at all", NOW)
    found, _ = read(old, young)
    assert [reading.at_ms for reading in found] == [young["at"]]


@given(st.binary(max_size=300))
def test_no_payload_is_too_strange(payload: bytes) -> None:
    assert too_old(payload, NOW) in (True, False)
    assert SensorStream(CONFIG).readings(TOPIC, payload, NOW) == []
