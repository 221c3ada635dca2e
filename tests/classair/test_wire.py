"""The MQTT contract: topics taken apart, stream items read strictly, faults said without repeating the payload."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from classair import wire

WIRE: Final = Path(__file__).parents[2] / "docs" / "wire"

READING = {
    "bridge": "suan-pi",
    "epoch": "ab12cd34",
    "seq": 7,
    "sensor": "p1-2-pm",
    "at": 1_763_700_000_000,
    "values": {"pm25": 18.2},
}


def item(**changes: object) -> bytes:
    return json.dumps({**READING, **changes}).encode()


def test_a_reading_without_kind_is_a_reading() -> None:
    (only,) = wire.stream_items(item())
    assert isinstance(only, wire.ReadingItem)
    assert only.values == {"pm25": 18.2}
    assert only.seq == 7


def test_a_list_keeps_its_order_and_mixes_kinds() -> None:
    gap = {"kind": "gap", "bridge": "suan-pi", "epoch": "ab12cd34", "first": 3, "last": 5, "reason": "restart"}
    switch = {
        "kind": "switch",
        "bridge": "suan-pi",
        "epoch": "ab12cd34",
        "seq": 8,
        "purifier": "fan",
        "at": 1,
        "on": None,
    }
    items = wire.stream_items(json.dumps([READING, gap, switch]).encode())
    assert [type(one).__name__ for one in items] == ["ReadingItem", "GapItem", "SwitchItem"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"seq": 0}, "seq"),
        ({"seq": "7"}, "seq"),
        ({"seq": 7.5}, "seq"),
        ({"at": "now"}, "at"),
        ({"values": {}}, "values"),
        ({"values": {"pm25": "18"}}, "values.pm25"),
        ({"values": {"pm25": True}}, "values.pm25"),
        ({"values": {"pm99": 1.0}}, "values.pm99"),
        ({"sensor": "../etc"}, "sensor"),
        ({"bridge": "A"}, "bridge"),
        ({"flags": ["NOT_A_FLAG"]}, "flags"),
        ({"interval_s": -1}, "interval_s"),
        ({"v": 2}, "v"),
    ],
)
def test_what_is_wrong_is_named_by_path(changes: dict[str, object], path: str) -> None:
    with pytest.raises(ValidationError) as caught:
        wire.stream_items(item(**changes))
    assert wire.faults(caught.value).startswith(path)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"values": {"pm25": NaN}}',
        b'{"values": {"pm25": 1e999}}',
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"a":' * 5000,
    ],
)
def test_garbage_is_refused_and_never_crashes(payload: bytes) -> None:
    with pytest.raises(ValidationError):
        wire.stream_items(payload)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    try:
        wire.stream_items(payload)
    except ValidationError as error:
        assert wire.faults(error)


def test_a_secret_looking_value_is_not_repeated_in_the_fault() -> None:
    with pytest.raises(ValidationError) as caught:
        wire.stream_items(item(seq="hunter2"))
    assert "hunter2" not in wire.faults(caught.value)


def test_addresses_are_read_back_from_topics() -> None:
    topics = wire.Topics("demo-town")
    for topic, kind, leaf in (
        (topics.bridge("ban-suan", "suan-pi", "reading"), "bridge", "reading"),
        (topics.sensor_health("ban-suan", "p1-2-pm"), "sensor", "health"),
        (topics.room_now("ban-suan", "p1-2"), "room", "now"),
        (topics.purifier_state("ban-suan", "fan"), "purifier", "state"),
    ):
        found = wire.address(topic)
        assert found is not None
        assert (found.org, found.site, found.kind, found.leaf) == ("demo-town", "ban-suan", kind, leaf)
        assert found.full.startswith("ban-suan.")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "classair/v1/x",
        "classair/v2/o/s/room/r/now",
        "classair/v1/o/s/room/R/now",
        "classair/v1/o/s/room/r/now/more",
        "classair/v1/o/s/room/+/now",
        "classair/v1/o/s/room/r/now\n",
    ],
)
def test_topics_that_are_not_ours_have_no_address(topic: str) -> None:
    assert wire.address(topic) is None


def test_rows_of_advice_that_were_numbers_are_read_as_text() -> None:
    sample = json.loads((WIRE / "samples" / "now" / "good.json").read_text("utf-8"))
    sample["rule"] = sample["texts"]["en"]["ok"]["rule"] = 13
    told = wire.RoomState.model_validate(sample)
    assert told.rule == told.texts["en"]["ok"].rule == "13"
    for odd in (True, 1.5, None, "", "13 a", "x" * 17):
        with pytest.raises(ValidationError):
            wire.RoomState.model_validate({**sample, "rule": odd})
