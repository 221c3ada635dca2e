"""What the samples of foreign devices say, and how an adapter is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from classair.model import Flag
from firmware_bridge.adapters import (
    Adapter,
    Arrival,
    Measured,
    MessageRejected,
)

SAMPLES = Path(__file__).parent / "samples"
NOW_MS = 1_795_246_500_000  # 2026-11-21T07:35:00Z
T = Flag.RECEIPT_TIME
# model, port, settings, sample → values. Written by hand from the samples and the makers' documents.
READINGS: list[tuple[str, str, dict[str, Any], str, dict[str, float]]] = [
    (
        "airgradient",
        "mqtt:airgradient/readings/ecda3b1eaaaf",
        {},
        "airgradient-one.json",
        {
            "pm1": 3,
            "pm25": 7,
            "pm10": 8,
            "pm1_cf1": 3,
            "pm25_cf1": 7,
            "pm10_cf1": 8,
            "n03": 442,
            "n05": 130,
            "n1": 23,
            "n25": 4,
            "co2_ppm": 447,
            "temp_c": 25.87,
            "rh_pct": 43,
            "voc_index": 100,
            "nox_index": 1,
        },
    ),
    (
        "airgradient",
        "http:84fce602549c",
        {},
        "airgradient-openair-2pm.json",
        {"pm1": 17.5, "pm25": 26.5, "pm10": 30, "co2_ppm": 520, "temp_c": 31.4, "rh_pct": 61.5},
    ),
    (
        "tasmota",
        "mqtt:tele/board",
        {},
        "tasmota-pms5003.json",
        {
            "pm1": 12,
            "pm25": 18,
            "pm10": 21,
            "pm1_cf1": 12,
            "pm25_cf1": 18,
            "pm10_cf1": 21,
            "n03": 2241,
            "n05": 668,
            "n1": 94,
            "n25": 10,
            "n5": 3,
            "n10": 1,
        },
    ),
    (
        "tasmota",
        "mqtt:tele/board",
        {},
        "tasmota-pms5003t-frost.json",
        {
            "pm1": 12,
            "pm25": 18,
            "pm10": 21,
            "pm1_cf1": 12,
            "pm25_cf1": 18,
            "pm10_cf1": 21,
            "n03": 2241,
            "n05": 668,
            "n1": 94,
            "n25": 10,
            "temp_c": -3.0,
            "rh_pct": 43.2,
        },
    ),
    (
        "tasmota",
        "mqtt:tele/board",
        {},
        "tasmota-mhz19b-bme280.json",
        {"co2_ppm": 424, "internal_temp_c": 19.0, "temp_c": 21.4, "rh_pct": 33.7, "pressure_hpa": 1021.9},
    ),
    (
        "tasmota",
        "mqtt:tele/board",
        {},
        "tasmota-sds-fahrenheit.json",
        {"pm25": 12.3, "pm10": 19.8, "temp_c": 30.0, "rh_pct": 61.0, "pressure_hpa": 1009.25},
    ),
    ("tasmota", "mqtt:tele/board", {}, "tasmota-s8.json", {"co2_ppm": 812}),
    ("esphome", "mqtt:p1-2-board", {}, "esphome.txt", {"pm1": 12, "pm25": 18, "pm10": 21, "co2_ppm": 811}),
    (
        "zigbee2mqtt",
        "mqtt:zigbee2mqtt/p1-2",
        {},
        "zigbee2mqtt-vindstyrka.json",
        {"pm25": 14, "temp_c": 29, "rh_pct": 56, "voc_index": 112},
    ),
    (
        "zigbee2mqtt",
        "mqtt:zigbee2mqtt/fan",
        {"purifier_internal": "yes"},
        "zigbee2mqtt-starkvind-on.json",
        {"pm25_stream": 11},
    ),
    (
        "zigbee2mqtt",
        "mqtt:zigbee2mqtt/p1-2",
        {},
        "zigbee2mqtt-tuya.json",
        {"pm25": 9, "co2_ppm": 731, "temp_c": 28.4, "rh_pct": 58.1},
    ),
    (
        "sensor-community",
        "http:12345678",
        {},
        "sensor-community.json",
        {"pm10": 21.1, "pm25": 9.35, "temp_c": 30.12, "pressure_hpa": 1005.12, "rh_pct": 63.4},
    ),
    (
        "sensor-community",
        "http:esp8266-12345678",
        {},
        "sensor-community-pms.json",
        {
            "pm1": 7.1,
            "pm25": 14.2,
            "pm4": 15.6,
            "pm10": 16.1,
            "nc05": 48.52,
            "tps_um": 0.61,
            "temp_c": 25.3,
            "rh_pct": 34.8,
        },
    ),
    (
        "enviro",
        "mqtt:enviro/yard",
        {},
        "enviro-urban.json",
        {"pm1_cf1": 9, "pm25_cf1": 15, "pm10_cf1": 17, "temp_c": 31.22, "rh_pct": 58.4, "pressure_hpa": 1009.71},
    ),
    (
        "enviro",
        "http:e6614c775b4a4737",
        {"room_pm": "yes"},
        "enviro-urban.json",
        {
            "pm1": 9,
            "pm25": 15,
            "pm10": 17,
            "pm1_cf1": 9,
            "pm25_cf1": 15,
            "pm10_cf1": 17,
            "temp_c": 31.22,
            "rh_pct": 58.4,
            "pressure_hpa": 1009.71,
        },
    ),
    ("enviro", "http:library", {}, "enviro-indoor.json", {"temp_c": 28.1, "rh_pct": 61.0, "pressure_hpa": 1010.02}),
    ("dustboy", "mqtt:DUSTBOY/DBK/WiFi/DBK-001", {}, "dustboy-kit.txt", {"pm1": 11, "pm25": 19, "pm10": 22}),
    ("dustboy", "http:4473", {}, "dustboy-object.json", {"pm25": 31, "pm10": 45, "temp_c": 30.5, "rh_pct": 62}),
    ("dustboy", "http:4473", {"fields": {"pm25": "pm25_cf1"}}, "dustboy-object.json", {"pm25_cf1": 31}),
]
DEVICE_TIME = {
    "zigbee2mqtt-vindstyrka.json": 1_795_246_260_000,
    "enviro-urban.json": 1_795_245_303_000,
    "enviro-indoor.json": 1_795_245_303_000,
}


def text(sample: str) -> bytes:
    return (SAMPLES / sample).read_bytes()


def said(sample: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text(sample))
    return found


def tell(
    adapter: Adapter,
    payload: bytes,
    topic: str | None = None,
    *,
    retained: bool = False,
    now_s: float = 100.0,
    now_ms: int | None = NOW_MS,
) -> list[Measured] | MessageRejected:
    topics = adapter.topics()
    name = topic if topic is not None else (topics[0] if topics else "")
    return adapter.take(Arrival(name, payload, retained, now_s, now_ms))


def play(adapter: Adapter, sample: str) -> list[Measured]:
    """Everything that one sample gives, refusals of single topics left out."""
    if not sample.endswith(".txt"):
        found = tell(adapter, text(sample))
        assert not isinstance(found, MessageRejected), found
        return found
    got: list[Measured] = []
    for line in text(sample).decode().splitlines():
        topic, _, payload = line.partition(" ")
        found = tell(adapter, payload.encode(), topic)
        got += [] if isinstance(found, MessageRejected) else found
    return got + adapter.tick(102.0)
