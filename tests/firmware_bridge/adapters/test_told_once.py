"""What is told once counts once, and what is told anew counts, whatever counters and times say; for every device."""

from __future__ import annotations

import json
from typing import Any

import pytest

from classair.model import BAD, Flag
from firmware_bridge.adapters import Arrival, Heard, Measured, MessageRejected, adapter_for, models
from firmware_bridge.adapters._heard import recall, remembered
from tests.firmware_bridge.adapters.sample_readings import NOW_MS, READINGS, T, said, tell, text

OBJECTS = [(model, port, settings, sample) for model, port, settings, sample, _ in READINGS if sample.endswith(".json")]
TOPICS = [(model, port, settings, sample) for model, port, settings, sample, _ in READINGS if sample.endswith(".txt")]


def moved(adapter: Heard, payload: bytes, after_s: float, topic: str | None = None) -> list[Measured] | MessageRejected:
    return tell(adapter, payload, topic, now_s=100.0 + after_s, now_ms=NOW_MS + round(after_s * 1000))


def values(found: list[Measured] | MessageRejected) -> list[dict[str, float]]:
    return [] if isinstance(found, MessageRejected) else [one.frame.values for one in found]


def reason(found: list[Measured] | MessageRejected) -> str:
    return found.reason if isinstance(found, MessageRejected) else ""


def with_other_values(payload: bytes) -> bytes:
    """The same message with other values and the same times and counters."""
    kept = ("boot", "bootCount", "last_seen", "timestamp", "Time", "uptime")

    def other(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: inner if key in kept else other(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [other(inner) for inner in value]
        if isinstance(value, bool) or value is None or name in ("value_type", "channels"):
            return value
        if isinstance(value, int | float):
            return value + 1 if value >= 0 else value
        if name == "value":
            return str(float(value) + 1)
        return value

    return json.dumps(other(json.loads(payload))).encode()


def test_every_model_is_among_the_samples() -> None:
    assert {row[0] for row in (*OBJECTS, *TOPICS)} == set(models())


@pytest.mark.parametrize(("model", "port", "settings", "sample"), OBJECTS)
def test_the_same_message_at_once_counts_once(model: str, port: str, settings: Any, sample: str) -> None:
    adapter = adapter_for(model, port, settings)
    assert values(tell(adapter, text(sample)))
    for after_s in (0.0, 0.2, 3.0) if port.startswith("mqtt") else (0.0, 2.0, 11.0, 25.0):
        assert reason(moved(adapter, text(sample), after_s)) in ("repeat", "stale")


@pytest.mark.parametrize(("model", "port", "settings", "sample"), OBJECTS)
def test_other_values_with_the_same_time_or_counter_count(model: str, port: str, settings: Any, sample: str) -> None:
    for after_s in (0.3, 60.0, 900.0):
        adapter = adapter_for(model, port, settings)
        first = values(tell(adapter, text(sample)))
        found = moved(adapter, with_other_values(text(sample)), after_s)
        assert values(found) and values(found) != first
        assert isinstance(found, list) and not found[0].frame.flags & BAD


@pytest.mark.parametrize(("model", "port", "settings", "sample"), OBJECTS)
def test_the_same_values_an_interval_later_count_unless_their_own_time_says_otherwise(
    model: str, port: str, settings: Any, sample: str
) -> None:
    adapter = adapter_for(model, port, settings)
    dated = "last_seen" in said(sample) or "timestamp" in said(sample)
    assert values(tell(adapter, text(sample)))
    for count in (1, 2, 3):
        assert bool(values(moved(adapter, text(sample), count * adapter.frame_every_s))) is not dated


@pytest.mark.parametrize(("model", "port", "settings", "sample"), TOPICS)
def test_a_value_alone_counts_again_half_a_second_later(model: str, port: str, settings: Any, sample: str) -> None:
    adapter = adapter_for(model, port, settings)
    topic = adapter.topics()[0]
    assert reason(tell(adapter, b"18.0", topic)) == ""
    assert reason(moved(adapter, b"18.0", 0.1, topic)) == "repeat"
    assert reason(moved(adapter, b"18.0", 1.0, topic)) == ""


@pytest.mark.parametrize("every_s", [10, 60])
def test_a_board_whose_counter_stands_still_is_heard_for_ever(every_s: int) -> None:
    adapter = adapter_for("airgradient", "mqtt:airgradient/readings/ecda3b1eaaaf")
    one = {**said("airgradient-one.json"), "boot": 4}
    taken = [moved(adapter, json.dumps({**one, "rco2": 447 + i // 20}).encode(), i * every_s) for i in range(60)]
    assert all(values(found) for found in taken)


def test_a_redelivery_is_known_later_too_where_no_two_messages_are_alike() -> None:
    adapter = adapter_for("tasmota", "mqtt:tele/board", {"interval": "60s"})
    board = [json.dumps({"Time": f"2026-11-21T07:{i:02}:00", "PMS5003": {"PM2.5": 12}}).encode() for i in range(20)]
    for i in range(5):
        assert values(moved(adapter, board[i], i * 60.0))
    assert reason(moved(adapter, board[4], 4 * 60.0 + 20)) == "repeat"
    assert values(moved(adapter, board[5], 300.0))
    stands = [bool(values(moved(adapter, board[5], 310.0 + i * 10))) for i in range(12)]
    assert stands.count(False) <= 1, "its clock stands still, so what is the same is no redelivery"


def test_a_post_that_is_tried_again_and_again_counts_once_and_the_next_one_counts() -> None:
    adapter = adapter_for("dustboy", "http:4473")
    taken = [bool(values(moved(adapter, text("dustboy-object.json"), s))) for s in (0, 5, 10, 20)]
    assert taken == [True, False, False, False]
    assert values(moved(adapter, text("dustboy-object.json"), 60))


def test_states_of_a_device_may_alternate_quickly() -> None:
    adapter = adapter_for("tasmota", "mqtt:tele/board")
    for i, word in enumerate([b"Online", b"Offline", b"Online", b"Online", b"Offline"]):
        assert moved(adapter, word, i / 10, "tele/board/LWT") == []
        assert adapter.online is (word == b"Online")


# -- last_seen of Zigbee2MQTT ------------------------------------------------------------------------------------------

P1 = "mqtt:zigbee2mqtt/p1"


def zigbee(
    adapter: Heard, message: dict[str, Any], after_s: float = 0.0, **more: Any
) -> list[Measured] | MessageRejected:
    return tell(
        adapter, json.dumps(message).encode(), now_s=100.0 + after_s, now_ms=NOW_MS + round(after_s * 1000), **more
    )


def test_values_that_change_while_last_seen_does_not_are_taken_on_receipt() -> None:
    old = "2026-11-20T17:10:00+07:00"
    for apart_s in (0.0, 1.0, 600.0):
        adapter = adapter_for("zigbee2mqtt", P1)
        assert values(zigbee(adapter, {"pm25": 10, "last_seen": old})) == [{"pm25": 10}]
        for count, pm25 in enumerate([80, 81, 10, 80], 1):
            found = zigbee(adapter, {"pm25": pm25, "last_seen": old}, count * apart_s)
            assert isinstance(found, list)
            assert (found[0].frame.values, found[0].at_ms, found[0].frame.flags) == ({"pm25": pm25}, None, T)
        assert adapter.stands
        again = zigbee(adapter, {"pm25": 80, "last_seen": old}, 4000.0)
        assert values(again) == [{"pm25": 80}], "no last_seen is better than one that stands still"
        fresh = zigbee(adapter, {"pm25": 81, "last_seen": NOW_MS + 4_001_000}, 4001.0)
        assert isinstance(fresh, list) and fresh[0].frame.flags == Flag.NONE and not adapter.stands


def test_two_messages_of_one_second_are_both_measured_then() -> None:
    adapter = adapter_for("zigbee2mqtt", P1)
    second = NOW_MS // 1000 * 1000
    for message in ({"pm25": 10}, {"temperature": 28.5}, {"pm25": 12}):
        found = zigbee(adapter, {**message, "last_seen": second}, 0.7)
        assert isinstance(found, list)
        assert (found[0].at_ms, found[0].frame.flags) == (second, Flag.NONE)
    assert not adapter.stands


def test_a_state_that_is_published_again_is_not_measured_again() -> None:
    adapter = adapter_for("zigbee2mqtt", P1)
    message = {"pm25": 10, "temperature": 28, "last_seen": NOW_MS, "linkquality": 90}
    assert values(zigbee(adapter, message))
    for i in range(1, 5):
        assert reason(zigbee(adapter, {**message, "linkquality": 90 - i}, i * 700.0)) == "stale"


def test_a_kept_message_counts_only_where_its_own_time_can_be_right() -> None:
    for last_seen, kept in ((NOW_MS - 60_000, True), (NOW_MS + 3_600_000, False), (1_000_000, False), (None, False)):
        adapter = adapter_for("zigbee2mqtt", P1)
        found = zigbee(adapter, {"pm25": 10, "last_seen": last_seen}, retained=True)
        assert bool(values(found)) is kept and (kept or reason(found) == "retained")
        assert adapter.clock.wrong_ms == 0


# -- an Enviro's timestamp ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timestamp", ["2026-11-21T07:15:03Z", "2021-01-01T00:00:00Z", "2026-11-21T14:15:03Z"])
def test_an_enviro_whose_clock_stands_still_is_dated_on_receipt(timestamp: str) -> None:
    adapter = adapter_for("enviro", "http:yard")
    one = {**said("enviro-urban.json"), "timestamp": timestamp}
    for count in range(6):
        one["readings"] = {**one["readings"], "temperature": 28 + count}
        found = zigbee(adapter, one, count * 900.0)
        assert isinstance(found, list)
        assert count == 0 or (found[0].at_ms, found[0].frame.flags) == (None, T)
        assert reason(zigbee(adapter, one, count * 900.0 + 8)) == "repeat", "tried again"
    assert adapter.stands


def test_readings_of_one_second_among_a_backlog_keep_their_time() -> None:
    adapter = adapter_for("enviro", "http:yard")
    one = said("enviro-urban.json")
    for count, temperature in enumerate((28.0, 28.5)):
        found = zigbee(adapter, {**one, "readings": {"temperature": temperature}}, count * 0.5)
        assert isinstance(found, list) and found[0].at_ms == 1_795_245_303_000 and found[0].frame.flags == Flag.NONE


# -- what a device is --------------------------------------------------------------------------------------------------


def test_a_purifier_that_has_said_so_once_is_one_in_every_message() -> None:
    adapter = adapter_for("zigbee2mqtt", "mqtt:zigbee2mqtt/stark")
    full = {"fan_mode": "auto", "fan_state": "ON", "fan_speed": 3, "pm25": 9, "linkquality": 88}
    assert reason(zigbee(adapter, {**full, "last_seen": NOW_MS})) == "air_stream"
    for after_s in (0.5, 60.0, 86_400.0):
        partial = {"pm25": 41 + after_s % 7, "linkquality": 88, "last_seen": NOW_MS + after_s * 1000}
        assert reason(zigbee(adapter, partial, after_s)) == "air_stream"
    later = adapter_for("zigbee2mqtt", "mqtt:zigbee2mqtt/stark")
    recall(later, json.loads(json.dumps(remembered(adapter))))
    assert reason(zigbee(later, {"pm25": 41})) == "air_stream", "also after a restart of the bridge"


def test_pm25_of_a_purifier_is_of_its_air_stream_in_partial_messages_too() -> None:
    adapter = adapter_for("zigbee2mqtt", P1, {"purifier_internal": "yes"})
    assert values(zigbee(adapter, {"pm25": 41})) == [{"pm25_stream": 41}]


def test_a_message_without_the_better_sensor_does_not_bring_in_the_worse_one() -> None:
    adapter = adapter_for("tasmota", "mqtt:tele/board", {"interval": "60s"})
    best = {"SHT3X": {"Temperature": 25.0, "Humidity": 60.0}}
    worse = {"PMS5003": {"PM2.5": 12, "Temperature": 31.0, "Humidity": 40.0}}
    assert values(moved(adapter, json.dumps({**best, **worse}).encode(), 0))[0]["temp_c"] == 25.0
    for after_s in (60, 120, 180):
        assert values(moved(adapter, json.dumps(worse).encode(), after_s)) == [{"pm25": 12}]
    assert values(moved(adapter, json.dumps(worse).encode(), 240))[0]["temp_c"] == 31.0, "it has gone"
    assert values(moved(adapter, json.dumps(best).encode(), 300)) == [{"temp_c": 25.0, "rh_pct": 60.0}]


def test_while_only_pm25_was_said_that_is_said() -> None:
    adapter = adapter_for("zigbee2mqtt", P1)
    assert values(zigbee(adapter, {"pm25": 41})) == [{"pm25": 41}]
    assert adapter.warning == "foreign_kind_unknown"
    assert values(zigbee(adapter, {"temperature": 28}, 60)) and values(zigbee(adapter, {"pm25": 42}, 61))
    assert adapter.warning == ""
    told = adapter_for("zigbee2mqtt", P1, {"purifier_internal": "no"})
    assert values(zigbee(told, {"pm25": 41})) and told.warning == ""
    assert reason(zigbee(told, {"pm25": 42, "fan_state": "ON"}, 60)) == "air_stream", "its own word goes first"


def test_what_the_broker_kept_while_the_bridge_was_away_keeps_its_own_time() -> None:
    adapter = adapter_for("zigbee2mqtt", P1)
    second = NOW_MS - 3_600_000
    for message in (
        {"pm25": 10, "last_seen": second},
        {"pm25": 12, "last_seen": second},
        {"pm25": 13, "last_seen": second + 60_000},
    ):
        arrival = Arrival("zigbee2mqtt/p1", json.dumps(message).encode(), False, 100.0, NOW_MS, kept_s=5400.0)
        found = adapter.take(arrival)
        assert isinstance(found, list) and (found[0].at_ms, found[0].frame.flags) == (message["last_seen"], Flag.NONE)
    assert not adapter.stands and adapter.clock.wrong_ms == 0
