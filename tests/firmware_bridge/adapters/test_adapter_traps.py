"""What is stale, what is a trap, and whatever else may come to an adapter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.model import QUANTITIES, Flag
from firmware_bridge.adapters import (
    Measured,
    MessageRejected,
    adapter_for,
    kind_of,
    models,
    topic_fault,
)
from firmware_bridge.drivers import UnknownModel
from tests.firmware_bridge.adapters.sample_readings import READINGS, T, play, said, tell, text


def reason(found: list[Measured] | MessageRejected) -> str:
    return found.reason if isinstance(found, MessageRejected) else ""


# -- what is stale -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "port", "sample"),
    [
        ("airgradient", "mqtt:airgradient/readings/ecda3b1eaaaf", "airgradient-one.json"),
        ("tasmota", "mqtt:tele/board", "tasmota-pms5003.json"),
        ("zigbee2mqtt", "mqtt:zigbee2mqtt/p1-2", "zigbee2mqtt-tuya.json"),
    ],
)
def test_what_the_broker_kept_without_a_time_is_set_aside(model: str, port: str, sample: str) -> None:
    adapter = adapter_for(model, port)
    assert reason(tell(adapter, text(sample), retained=True)) == "retained"
    assert isinstance(tell(adapter, text(sample)), list)


def test_retained_values_of_esphome_wait_for_fresh_ones() -> None:
    adapter = adapter_for("esphome", "mqtt:b", {"map": {"pm_2_5": "pm25", "pm_10_0": "pm10"}})
    small, large, status = adapter.topics()
    assert reason(tell(adapter, b"99", small, retained=True)) == "retained"
    assert tell(adapter, b"online", status, retained=True) == [] and adapter.online is True
    assert tell(adapter, b"18.0", small) == []
    got = tell(adapter, b"21", large, now_s=100.2)
    assert isinstance(got, list) and got[0].frame.values == {"pm25": 18.0, "pm10": 21.0}


def test_values_of_esphome_that_come_late_are_a_measurement_of_their_own() -> None:
    adapter = adapter_for("esphome", "mqtt:b", {"map": {"pm_2_5": "pm25", "co2": "co2_ppm"}})
    small, co2, _ = adapter.topics()
    assert tell(adapter, b"18.0", small) == [] and adapter.due_s() == 101.0
    assert adapter.tick(100.9) == []
    assert [one.frame.values for one in adapter.tick(101.0)] == [{"pm25": 18.0}]
    assert tell(adapter, b"700", co2, now_s=103.0) == []
    # A second value of the same quantity begins the next measurement.
    again = tell(adapter, b"701", co2, now_s=103.1)
    assert isinstance(again, list) and [one.frame.values for one in again] == [{"co2_ppm": 700}]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"nan", "absent"),
        (b"", "absent"),
        (b"inf", "absent"),
        (b"18 ug", "malformed"),
        (b"1" * 200, "malformed"),
        (b"1_8", "malformed"),
    ],
)
def test_what_is_no_number_is_no_value(payload: bytes, why: str) -> None:
    adapter = adapter_for("esphome", "mqtt:b")
    assert reason(tell(adapter, payload)) == why


def test_zigbee_values_published_again_are_known_by_last_seen() -> None:
    adapter = adapter_for("zigbee2mqtt", "mqtt:zigbee2mqtt/p1-2")
    one = said("zigbee2mqtt-vindstyrka.json")
    assert isinstance(tell(adapter, json.dumps(one).encode()), list)
    assert reason(tell(adapter, json.dumps({**one, "linkquality": 3}).encode())) == "stale"
    newer = json.dumps({**one, "last_seen": "2026-11-21T07:32:00+00:00"}).encode()
    assert isinstance(tell(adapter, newer, retained=True), list), "kept by the broker, but dated by the device"


def test_a_zigbee_sensor_that_came_back_warms_up() -> None:
    adapter = adapter_for("zigbee2mqtt", "mqtt:zigbee2mqtt/p1-2")
    state = adapter.topics()[1]
    for word in (b'{"state":"offline"}', b"online"):
        assert tell(adapter, word, state) == []
    got = tell(adapter, text("zigbee2mqtt-tuya.json"), now_s=130.0)
    assert isinstance(got, list) and got[0].frame.flags == T | Flag.WARMUP
    later = tell(adapter, text("zigbee2mqtt-tuya.json"), now_s=401.0)
    assert isinstance(later, list) and later[0].frame.flags == T


def test_the_same_message_of_an_airgradient_counts_once() -> None:
    adapter = adapter_for("airgradient", "http:ecda3b1eaaaf")
    assert isinstance(tell(adapter, text("airgradient-one.json")), list)
    assert reason(tell(adapter, text("airgradient-one.json"))) == "repeat"
    assert isinstance(tell(adapter, json.dumps({**said("airgradient-one.json"), "boot": 7}).encode()), list)


def test_an_enviro_that_missed_our_answer_is_not_counted_twice() -> None:
    adapter = adapter_for("enviro", "http:yard")
    assert isinstance(tell(adapter, text("enviro-urban.json")), list)
    assert reason(tell(adapter, text("enviro-urban.json"))) == "repeat"


@pytest.mark.parametrize("timestamp", ["2000-01-01T00:00:12Z", "2027-11-21T07:15:03Z"])
def test_an_enviro_with_a_wrong_clock_is_marked_and_does_not_block_later_ones(timestamp: str) -> None:
    adapter = adapter_for("enviro", "http:yard")
    got = tell(adapter, json.dumps({**said("enviro-urban.json"), "timestamp": timestamp}).encode())
    assert isinstance(got, list) and got[0].at_ms is None and got[0].frame.flags == T | Flag.CLOCK
    right = tell(adapter, text("enviro-urban.json"))
    assert isinstance(right, list) and right[0].frame.flags == Flag.NONE


@pytest.mark.parametrize(
    ("model", "port", "sample", "name"),
    [
        ("enviro", "http:yard", "enviro-urban.json", "timestamp"),
        ("zigbee2mqtt", "mqtt:zigbee2mqtt/p1-2", "zigbee2mqtt-vindstyrka.json", "last_seen"),
    ],
)
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", 1e300, True, {}])
def test_a_time_that_no_calendar_has_is_none(model: str, port: str, sample: str, name: str, moment: Any) -> None:
    got = tell(adapter_for(model, port), json.dumps({**said(sample), name: moment}).encode())
    assert isinstance(got, list) and got[0].at_ms is None and got[0].frame.flags & T


@pytest.mark.parametrize(("sample", "key"), [("tasmota-s8.json", "co2_ppm"), ("tasmota-sds-fahrenheit.json", "pm25")])
def test_a_dead_sensor_behind_tasmota_is_flagged_when_it_repeats_too_long(sample: str, key: str) -> None:
    adapter = adapter_for("tasmota", "mqtt:tele/board")
    flags = []
    for minute in range(0, 40, 5):
        got = tell(adapter, text(sample), now_s=minute * 60.0)
        assert isinstance(got, list)
        flags.append(got[0].frame.value_flags.get(key, Flag.NONE))
    assert flags == [Flag.NONE] * 6 + [Flag.STUCK] * 2
    changed = text(sample).replace(b"812", b"813").replace(b"12.3", b"12.4")
    alive = tell(adapter, changed, now_s=2400.0)
    assert isinstance(alive, list) and alive[0].frame.value_flags == {}


def test_a_quiet_night_told_every_ten_seconds_is_not_a_dead_sensor() -> None:
    adapter = adapter_for("tasmota", "mqtt:tele/board")
    for count in range(30):
        got = tell(adapter, text("tasmota-s8.json"), now_s=count * 10.0)
        assert isinstance(got, list) and got[0].frame.value_flags == {}


def test_the_last_will_is_understood() -> None:
    adapter = adapter_for("tasmota", "mqtt:tele/board")
    assert tell(adapter, b"Offline", "tele/board/LWT", retained=True) == [] and adapter.online is False
    assert tell(adapter, b"Online", "tele/board/LWT") == [] and adapter.online is True
    assert reason(tell(adapter, b"Maybe", "tele/board/LWT")) == "malformed"


# -- traps -------------------------------------------------------------------------------------------------------------


def test_p1_of_sensor_community_is_pm10() -> None:
    got = play(adapter_for("sensor-community", "http:12345678"), "sensor-community.json")
    assert got[0].frame.values["pm10"] == 21.1 and got[0].frame.values["pm25"] == 9.35


@pytest.mark.parametrize("pm25", [-1, 65535, 11])
def test_the_air_stream_of_a_starkvind_is_never_the_rooms(pm25: int) -> None:
    payload = json.dumps({**said("zigbee2mqtt-starkvind-on.json"), "pm25": pm25}).encode()
    assert isinstance(tell(adapter_for("zigbee2mqtt", "mqtt:zigbee2mqtt/fan"), payload), MessageRejected)
    kept = tell(adapter_for("zigbee2mqtt", "mqtt:zigbee2mqtt/fan", {"purifier_internal": "yes"}), payload)
    if pm25 == 11:
        assert isinstance(kept, list) and kept[0].frame.values == {"pm25_stream": 11}
    else:
        assert reason(kept) == "unread"


def test_minus_one_of_a_starkvind_is_no_value() -> None:
    adapter = adapter_for("zigbee2mqtt", "mqtt:zigbee2mqtt/fan")
    assert reason(tell(adapter, text("zigbee2mqtt-starkvind-off.json"))) == "unread"


def test_leaks_of_old_airgradient_firmware_are_absent() -> None:
    adapter = adapter_for("airgradient", "http:84fce602549c")
    assert reason(tell(adapter, text("airgradient-old-invalid.json"))) == "empty"
    got = tell(adapter_for("airgradient", "mqtt:a/84fce602549c"), b'{"rco2":-1,"pm02":12,"atmp":-1001,"rhum":-1}')
    assert isinstance(got, list) and got[0].frame.values == {"pm25": 12}
    assert adapter.about.unread_counts() == {}  # a board without a CO2 sensor is no fault for ever


def test_a_ppd42_counts_particles_and_gives_no_mass() -> None:
    rows = {"durP1": "100", "ratioP1": "0.4", "P1": "220.5", "durP2": "1", "P2": "62.0", "BME280_humidity": "60"}
    given = [{"value_type": name, "value": value} for name, value in rows.items()]
    adapter = adapter_for("sensor-community", "http:12345678")
    got = tell(adapter, json.dumps({"esp8266id": "12345678", "sensordatavalues": given}).encode())
    assert isinstance(got, list) and got[0].frame.values == {"rh_pct": 60}
    assert adapter.about.unread_air == ("P1 of a PPD42NS", "P2 of a PPD42NS")


@pytest.mark.parametrize(
    ("model", "port", "message"),
    [
        ("zigbee2mqtt", "mqtt:zigbee2mqtt/x", {"pm2_5": 12, "carbon_dioxide": 800, "temperature": 28}),
        ("airgradient", "mqtt:airgradient/readings/x", {"pm02Compensated": 7, "atmp": 28}),
        ("dustboy", "http:x", {"PM2.5": 12, "CO2": 800, "temp": 28}),
        ("enviro", "http:x", {"nickname": "x", "readings": {"pm25": 12, "co2": 800, "temperature": 28}}),
    ],
)
def test_particles_under_an_unknown_name_are_named_where_nothing_else_is_read_for_the_room(
    model: str, port: str, message: dict[str, Any]
) -> None:
    adapter = adapter_for(model, port)
    got = tell(adapter, json.dumps(message).encode())
    assert isinstance(got, list) and got[0].frame.values == {"temp_c": 28}
    others = {"temperature", "temp", "atmp", "nickname"}
    assert set(adapter.about.unread_air) == message.get("readings", message).keys() - others


def test_clean_air_that_says_zero_again_and_again_is_not_stuck() -> None:
    adapter = adapter_for("tasmota", "mqtt:tele/b")
    for minute in range(60):
        got = tell(adapter, b'{"SDS0X1":{"PM2.5":0.0,"PM10":0.0}}', now_s=100.0 + 60 * minute)
        assert isinstance(got, list)
        assert got[0].frame.value_flags == dict.fromkeys(("pm25", "pm10"), Flag.ZERO)


@pytest.mark.parametrize("leaf", ["SENSOR", "STATE", "LWT"])
def test_the_topic_of_one_message_of_tasmota_is_no_device(leaf: str) -> None:
    with pytest.raises(ValueError, match=f"without /{leaf}, such as mqtt:tele/b$"):
        adapter_for("tasmota", f"mqtt:tele/b/{leaf}")


def test_two_particle_sensors_that_disagree_are_flagged() -> None:
    one = said("airgradient-openair-2pm.json")
    one["channels"]["2"]["pm02"] = 260
    got = tell(adapter_for("airgradient", "http:84fce602549c"), json.dumps(one).encode())
    assert isinstance(got, list)
    assert got[0].frame.value_flags == dict.fromkeys(("pm1", "pm25", "pm10"), Flag.CHANNELS)


def test_zero_ppm_is_no_air() -> None:
    payload = text("tasmota-mhz19b-bme280.json").replace(b"424", b"0")
    got = tell(adapter_for("tasmota", "mqtt:tele/board"), payload)
    assert isinstance(got, list) and set(got[0].frame.values) == {"temp_c", "rh_pct", "pressure_hpa"}


def test_zero_dust_is_a_value() -> None:
    payload = text("tasmota-sds-fahrenheit.json").replace(b"12.3", b"0.0")
    got = tell(adapter_for("tasmota", "mqtt:tele/board"), payload)
    assert isinstance(got, list) and got[0].frame.values["pm25"] == 0


@pytest.mark.parametrize(
    ("model", "port", "sample"),
    [
        ("airgradient", "http:aaaaaaaaaaaa", "airgradient-one.json"),
        ("enviro", "http:other", "enviro-urban.json"),
        ("sensor-community", "http:99", "sensor-community.json"),
    ],
)
def test_the_word_of_another_device_is_refused(model: str, port: str, sample: str) -> None:
    assert reason(tell(adapter_for(model, port), text(sample))) == "foreign"


# -- whatever comes ----------------------------------------------------------------------------------------------------


PORTS = {row[0]: row[1] for row in READINGS}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda more: (
        st.lists(more, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "pm02",
                    "PMS5003",
                    "PM2.5",
                    "S8",
                    "CarbonDioxide",
                    "pm25",
                    "last_seen",
                    "readings",
                    "timestamp",
                    "sensordatavalues",
                    "value_type",
                    "value",
                    "channels",
                    "1",
                    "2",
                    "boot",
                    "TempUnit",
                ]
            )
            | st.text(max_size=4),
            more,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("model", models())
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()), st.booleans(), st.integers(0, 3))
def test_no_message_breaks_an_adapter_and_what_it_gives_can_be_sent(
    model: str, payload: bytes, retained: bool, which: int
) -> None:
    adapter = adapter_for(model, PORTS[model])
    topics = adapter.topics() or ("",)
    found = tell(adapter, payload, topics[which % len(topics)], retained=retained)
    got = [*(found if isinstance(found, list) else ()), *adapter.tick(200.0)]
    for one in got:
        assert one.frame.values
        assert all(key in QUANTITIES and abs(value) < 1e9 for key, value in one.frame.values.items())


@pytest.mark.parametrize(
    "topic", ["classair/v1/demo-town/x", "cmnd/socket", "a/+/b", "a/#", "/a", "a//b", "$SYS/x", "homeassistant/x"]
)
def test_a_sensor_cannot_be_at_a_topic_of_others(topic: str) -> None:
    assert topic_fault(topic)
    with pytest.raises(ValueError):
        adapter_for("esphome", f"mqtt:{topic}")


def test_wrong_models_ways_and_quantities_are_said() -> None:
    with pytest.raises(UnknownModel, match="did you mean tasmota"):
        kind_of("tasmote")
    with pytest.raises(ValueError, match="needs a port mqtt"):
        adapter_for("tasmota", "http:board")
    with pytest.raises(ValueError, match="is not a quantity"):
        adapter_for("esphome", "mqtt:b", {"map": {"dust": "pm2.5"}})


def test_a_device_that_sends_more_seldom_than_a_reading_can_say_is_refused() -> None:
    assert adapter_for("tasmota", "mqtt:tele/b", {"interval": "24h"}).frame_every_s == 86_400
    with pytest.raises(ValueError, match="86400"):
        adapter_for("tasmota", "mqtt:tele/b", {"interval": "25h"})
