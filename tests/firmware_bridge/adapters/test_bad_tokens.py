"""One bad token in a message of a third-party device costs itself only, and is counted by its name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.model import Flag
from firmware_bridge.adapters import MessageRejected, adapter_for
from tests.firmware_bridge.adapters.sample_readings import READINGS, SAMPLES, play, tell, text

BAD = [
    *(
        b"nan",
        b"-nan",
        b"NaN",
        b"inf",
        b"-Infinity",
        b"null",
        b"",
        b"--",
        b'"err"',
        b'"nan"',
        b'"\xb0"',
        b"\xb0",
        b"1e999",
    ),
    *(
        b"99999999999999999999",
        b"true",
        b"[]",
        b"{}",
        b"[nan]",
        b'{"x":nan}',
        b"1,234",
        b"7\xb0",
        b"0x1f",
        b"undefined",
        b'"1_8"',
    ),
]
JSON_READINGS = [row for row in READINGS if row[3].endswith(".json")]
# A value of a message: where it stands in the bytes.
_VALUE = re.compile(rb':\s*("[^"]*"|-?[\d.]+)')


def values_of(
    model: str, port: str, settings: dict[str, Any], payload: bytes
) -> tuple[dict[str, float], dict[str, int]]:
    adapter = adapter_for(model, port, settings)
    found = tell(adapter, payload)
    return ({} if isinstance(found, MessageRejected) else found[0].frame.values), adapter.about.unread


@pytest.mark.thorough
@pytest.mark.parametrize(("model", "port", "settings", "sample", "values"), JSON_READINGS, ids=lambda it: str(it)[:30])
@given(st.data())
def test_a_bad_token_in_the_place_of_a_value_costs_that_value_only(
    model: str, port: str, settings: dict[str, Any], sample: str, values: dict[str, float], data: st.DataObject
) -> None:
    good = text(sample)
    places = [match.span(1) for match in _VALUE.finditer(good)]
    begin, end = data.draw(st.sampled_from(places))
    bad = data.draw(st.sampled_from(BAD))
    got, _ = values_of(model, port, settings, good[:begin] + bad + good[end:])
    key = re.search(rb'"([^"]*)"\s*:\s*$', good[:begin])
    assert key is not None
    name = key[1].decode()
    if name in ("serialno", "esp8266id", "nickname", "uid", "value_type", "last_seen", "timestamp"):
        return  # who it is, or when: then it may be another's, and sensor.community's value loses its name
    lost = {key: value for key, value in values.items() if got.get(key) != value}
    assert len(lost) <= 2, f"{bad!r} for {name} cost {lost}"  # one field may be two quantities, or a unit
    assert all(
        key not in got
        or name in ("TempUnit", "PressureUnit")
        or key in ("pm25", "pm10", "temp_c", "rh_pct", "pressure_hpa", "co2_ppm", "pm1")
        for key in lost
    )


@pytest.mark.thorough
@pytest.mark.parametrize(("model", "port", "settings", "sample", "values"), JSON_READINGS, ids=lambda it: str(it)[:30])
@given(st.data())
def test_a_damaged_byte_anywhere_costs_what_it_touches(
    model: str, port: str, settings: dict[str, Any], sample: str, values: dict[str, float], data: st.DataObject
) -> None:
    good = text(sample).rstrip()
    place = data.draw(st.integers(1, len(good) - 1))
    byte = data.draw(st.sampled_from([b"\xb0", b"\xff", b"\0", "°".encode(), b"\xe0\xb8"]))
    got, _ = values_of(model, port, settings, good[:place] + byte + good[place:])
    if not got:
        # Who it is, or the one name that holds everything, was hit.
        around = good[max(0, place - 40) : place + 40]
        assert re.search(
            rb"serialno|id\"|chip|nickname|uid|readings|sensordatavalues|fan_|PMS|SDS|S8|pm25|humid", around
        ), around
        return
    lost = {key for key, value in values.items() if got.get(key) != value}
    inside = re.search(rb'"[A-Z0-9]+"?:?\{?$', good[:place]) or len(values) < 4
    assert len(lost) <= 2 or inside or b"{" in good[place - 12 : place + 12], (place, lost)
    assert all(got[key] == values[key] for key in got if key in values and key not in lost)


def test_a_bare_nan_of_one_sensor_leaves_the_particles_of_the_other() -> None:
    got, unread = values_of("tasmota", "mqtt:tele/board-2", {}, text("tasmota-bare-nan.json"))
    assert got["pm25"] == 14 and got["pm10"] == 17 and got["n03"] == 1500 and got["n10"] == 1
    assert "temp_c" not in got and "rh_pct" not in got
    assert unread == {"DHT11.Temperature": 1, "DHT11.Humidity": 1}


def test_the_particle_sensors_of_tasmota_are_read_by_the_names_of_their_drivers() -> None:
    lines = (SAMPLES / "tasmota-particle-sensors.jsonl").read_bytes().splitlines()
    got = [values_of("tasmota", "mqtt:tele/b", {}, line)[0] for line in lines]
    assert [it["pm25"] for it in got] == [24, 24.2, 24.2, 24.2, 14, 14]
    for it in got[1:4]:
        assert (it["pm1"], it["pm4"], it["pm10"]) == (10.1, 25, 26.1)
    assert [(it["temp_c"], it["rh_pct"]) for it in got[2:4]] == [(29.1, 60)] * 2
    assert got[3]["co2_ppm"] == 811
    assert got[1]["tps_um"] == 0.5 and got[1]["temp_c"] == 30.1


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ('"HC8":{"Model":"HC8","CarbonDioxide":"811"}', {"co2_ppm": 811}),
        ('"C8-CO2-5K":{"CarbonDioxide":811}', {"co2_ppm": 811}),
        (
            '"CM11":{"CarbonDioxide":811,"Version":"1","Serial number":"2","Temperature":25.3}',
            {"co2_ppm": 811, "temp_c": 25.3},
        ),
        ('"S88":{"CarbonDioxide":811,"Temperature":25.300000,"}', {"co2_ppm": 811, "temp_c": 25.3}),
        (
            '"Kx0":{"CarbonDioxide":811,"Temperature":25.3,"Humidity":60.1,"DewPoint":17.0}',
            {"co2_ppm": 811, "temp_c": 25.3, "rh_pct": 60.1},
        ),
        ('"SCD40":{"CarbonDioxide":811,"eCO2":790,"Temperature":25.3}', {"co2_ppm": 811, "temp_c": 25.3}),
        ('"AZ7798":{"CarbonDioxide":811,"Temperature":25.3}', {"co2_ppm": 811, "temp_c": 25.3}),
        ('"STCC4":{"CarbonDioxide":null,"Temperature":25.3}', {"temp_c": 25.3}),
        (
            '"SEN66":{"PM1":1.0,"PM2.5":2.0,"PM4":3.0,"PM10":4.0,"CarbonDioxide":811,"NOx":1,"VOC":100}',
            {"pm1": 1, "pm25": 2, "pm4": 3, "pm10": 4, "co2_ppm": 811, "nox_index": 1, "voc_index": 100},
        ),
        ('"HM330X":{"CF1":8,"PM2.5":14,"PB0.3":1500}', {"pm1_cf1": 8, "pm25": 14, "n03": 1500}),
        # Its driver closes once too often.
        ('"PMSA003I":{"CF2.5":14,"PM2.5":14}}', {"pm25_cf1": 14, "pm25": 14}),
        ('"HPMA":{"PM2.5":14,"PM10":17}', {"pm25": 14, "pm10": 17}),
        ('"BME280-76":{"Temperature":nan},"BME280-77":{"Temperature":25.3}', {"temp_c": 25.3}),
    ],
)
def test_what_a_driver_of_tasmota_writes_is_understood(said: str, values: dict[str, float]) -> None:
    message = f'{{"Time":"2026-11-29T10:00:20",{said},"BH1750":{{"Illuminance":3}},"TempUnit":"C"}}'
    assert values_of("tasmota", "mqtt:tele/b", {}, message.encode())[0] == values


def test_an_object_that_no_table_knows_is_named_in_the_refusal_and_counted() -> None:
    adapter = adapter_for("tasmota", "mqtt:tele/b")
    refused = tell(adapter, b'{"Time":"x","DUSTY9":{"PM2.5":24,"PM10":30,"RSSI":-60},"ENERGY":{"Power":3}}')
    assert refused == MessageRejected("unread", "DUSTY9: PM2.5, PM10")
    kept = tell(adapter, b'{"DUSTY9":{"PM2.5":24,"PM10":30},"BME280":{"Temperature":30.1}}')
    assert isinstance(kept, list) and kept[0].frame.values == {"temp_c": 30.1}
    assert adapter.about.unread == {"DUSTY9: PM2.5, PM10": 2}


@pytest.mark.parametrize("unit", [b'"K"', b"nan", b"\xb0", b"{}", b'"F'])
def test_a_temperature_whose_unit_cannot_be_read_is_not_read_either(unit: bytes) -> None:
    said = b'{"PMS5003":{"PM2.5":14},"BME280":{"Temperature":86.0,"Humidity":61.0},"TempUnit":' + unit + b"}"
    assert values_of("tasmota", "mqtt:tele/b", {}, said)[0] == {"pm25": 14, "rh_pct": 61}


def test_a_message_without_its_unit_has_that_of_the_messages_before() -> None:
    adapter = adapter_for("tasmota", "mqtt:tele/b")
    for unit in (b',"TempUnit":"F"}', b',"TempnanUnit":"F"}', b"}"):
        got = tell(adapter, b'{"BME280":{"Temperature":86.0}' + unit)
        assert isinstance(got, list) and got[0].frame.values == {"temp_c": 30}


@pytest.mark.parametrize(
    ("model", "port", "sample", "old"),
    [
        ("airgradient", "http:ecda3b1eaaaf", "airgradient-one.json", b'"ecda3b1eaaaf"'),
        ("enviro", "mqtt:enviro/yard", "enviro-urban.json", b'"yard"'),
        ("sensor-community", "http:12345678", "sensor-community.json", b'"12345678"'),
    ],
)
@pytest.mark.parametrize("bad", [b"nan", b"null", b'"a\xb0b"', b"{}", b'""'])
def test_a_damaged_identity_costs_itself_only(model: str, port: str, sample: str, old: bytes, bad: bytes) -> None:
    good, _ = values_of(model, port, {}, text(sample))
    assert values_of(model, port, {}, text(sample).replace(old, bad, 1))[0] == good


def test_the_names_of_what_was_not_read_are_plain_and_not_without_end() -> None:
    adapter = adapter_for("tasmota", "mqtt:tele/b")
    for number in range(100):
        tell(adapter, json.dumps({f"X\n{number}" + "y" * 200: {"PM2.5": 1}}).encode())
    assert len(adapter.about.unread) <= 33 and sum(adapter.about.unread.values()) == 100
    assert all(name.isprintable() and len(name) <= 64 for name in adapter.about.unread)


@pytest.mark.parametrize(
    ("model", "port", "settings", "payload", "keys"),
    [
        ("tasmota", "mqtt:tele/b", {}, b'{"SDS0X1":{"PM2.5":0.0,"PM10":0.0}}', {"pm25", "pm10"}),
        (
            "tasmota",
            "mqtt:tele/b",
            {},
            b'{"SPS30":{"PM1_0":0,"PM2_5":0,"PM10":-0.0,"NCPM0_5":0,"TYPSIZ":1.63}}',
            {"pm1", "pm25", "pm10", "nc05"},
        ),
        (
            "tasmota",
            "mqtt:tele/b",
            {},
            b'{"SEN5X":{"PM1":0,"PM2.5":0,"PM4":0,"PM10":0,"Temperature":29}}',
            {"pm1", "pm25", "pm4", "pm10"},
        ),
        (
            "tasmota",
            "mqtt:tele/b",
            {},
            b'{"PMS5003":{"PM1":0,"PM2.5":0,"PM10":0,"PB0.3":1500}}',
            {"pm1", "pm25", "pm10"},
        ),
        ("airgradient", "http:a", {}, b'{"pm01":0,"pm02":0,"pm10":0,"pm003Count":0}', {"pm1", "pm25", "pm10", "n03"}),
        (
            "sensor-community",
            "http:1",
            {},
            b'{"sensordatavalues":[{"value_type":"SDS_P1","value":"0"},{"value_type":"SDS_P2","value":"0"}]}',
            {"pm25", "pm10"},
        ),
        ("dustboy", "http:1", {}, b'{"pm25":0,"pm10":0}', {"pm25", "pm10"}),
        ("tasmota", "mqtt:tele/b", {}, b'{"PMS5003":{"PM1":0,"PM2.5":0,"PM10":0,"PB0.3":90}}', set()),
        ("tasmota", "mqtt:tele/b", {}, b'{"SDS0X1":{"PM2.5":0.0,"PM10":0.2}}', set()),
    ],
)
def test_nothing_but_zeros_is_doubted(
    model: str, port: str, settings: dict[str, Any], payload: bytes, keys: set[str]
) -> None:
    found = tell(adapter_for(model, port, settings), payload)
    assert isinstance(found, list)
    assert found[0].frame.value_flags == dict.fromkeys(keys, Flag.ZERO)


def test_zeros_on_topics_of_their_own_are_doubted_too() -> None:
    adapter = adapter_for("esphome", "mqtt:b", {"map": {"pm_2_5": "pm25", "pm_10_0": "pm10"}})
    small, large, _ = adapter.topics()
    tell(adapter, b"0", small)
    found = tell(adapter, b"0.0", large)
    assert isinstance(found, list) and found[0].frame.value_flags == dict.fromkeys(("pm25", "pm10"), Flag.ZERO)


@pytest.mark.parametrize("bad", [b"nan", b"\xb0", b"1,234", b"", b"error", b"7 ug", b"-5"])
def test_a_bad_message_on_a_topic_of_its_own_costs_that_value_only(bad: bytes) -> None:
    adapter = adapter_for("esphome", "mqtt:b", {"map": {"pm_2_5": "pm25", "pm_10_0": "pm10"}})
    small, large, _ = adapter.topics()
    tell(adapter, b"18,5", small)
    done = tell(adapter, bad, large)
    (found,) = [*([] if isinstance(done, MessageRejected) else done), *adapter.tick(200.0)]
    assert found.frame.values == {"pm25": 18.5}
    assert adapter.about.unread


def test_every_sample_is_read_without_anything_left_unread() -> None:
    for model, port, settings, sample, _ in JSON_READINGS:
        adapter = adapter_for(model, port, settings)
        play(adapter, sample)
        assert adapter.about.unread == {}, sample
