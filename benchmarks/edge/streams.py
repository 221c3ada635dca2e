"""What the decoder benchmarks feed: plausible frames of every binary sensor, and damage done to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from firmware_bridge.drivers import Driver, driver_for


@dataclass(frozen=True)
class Kind:
    """A model with settings, the bytes it sends beside measurements, and PyPMS' name for it (polled, "" for none)."""

    name: str
    model: str
    settings: Mapping[str, Any]
    other: tuple[str, ...]
    pypms: str = ""

    def driver(self) -> Driver:
        return driver_for(self.model, self.settings)


PMS_OTHER = ("424D0004E1000174", "424D0004E1010175", "424D0004E4000177")
KINDS = (
    Kind("pms5003", "pms5003", {}, PMS_OTHER, "PMSx003"),
    Kind("pms5003t", "pms5003t", {}, PMS_OTHER, "PMS5003T"),
    Kind("pms5003s", "pms5003s", {}, PMS_OTHER, "PMS5003S"),
    Kind("pms5003st", "pms5003st", {}, PMS_OTHER, "PMS5003ST"),
    Kind("pms3003", "pms3003", {}, PMS_OTHER, "PMS3003"),
    Kind("sds011", "sds011", {}, ("AAC50201010058D935AB", "AAC50800000058D939AB"), "SDS01x"),
    Kind("sps30 float", "sps30", {}, ("7E00004300BC7E", "7E00030000FC7E"), "SPS30"),
    Kind("sps30 uint16", "sps30", {"format": "uint16"}, ("7E00004300BC7E", "7E00030000FC7E")),
    Kind("hpma115s0 stream", "hpma115s0", {}, ("A5A5", "9696", "400210644A")),
    Kind("hpma115s0 polled", "hpma115s0", {"mode": "poll"}, ("A5A5", "9696", "400210644A"), "HPMA115S0"),
    Kind("hpma115c0 stream", "hpma115c0", {}, ("A5A5", "9696", "400210644A")),
    Kind("hpma115c0 polled", "hpma115c0", {"mode": "poll"}, ("A5A5", "9696", "400210644A"), "HPMA115C0"),
    Kind("zh03b stream", "zh03b", {}, ("FFA701000000000058",)),
    Kind("zh03b polled", "zh03b", {"mode": "poll"}, ("FFA701000000000058",), "ZH0xx"),
    Kind("mh-z19b", "mh-z19b", {}, ("FF0186000000000079", "FF7901000000000086"), "MHZ19B"),
    Kind("s8", "s8", {}, ("FE0400000004E5C6", "FE8402F2F1")),
)


def values(rng: random.Random, count: int) -> list[dict[str, float]]:
    """A school day of plausible measurements, one after the other; every quantity, each driver takes its own."""
    found, level, co2, temperature, humidity = [], 30.0, 700.0, 29.0, 60.0
    for _ in range(count):
        level = min(max(level * rng.uniform(0.93, 1.075), 1.0), 400.0)
        co2 = min(max(co2 + rng.gauss(0, 12), 410.0), 4500.0)
        temperature = min(max(temperature + rng.gauss(0, 0.05), 22.0), 36.0)
        humidity = min(max(humidity + rng.gauss(0, 0.2), 35.0), 90.0)
        pm25 = level * rng.uniform(0.97, 1.03)
        pm1, pm10 = pm25 * rng.uniform(0.6, 0.75), pm25 * rng.uniform(1.1, 1.35)
        n03 = min(pm25 * rng.uniform(100, 130) + 60, 60000.0)
        n05, n1 = n03 * rng.uniform(0.27, 0.31), n03 * rng.uniform(0.038, 0.055)
        n25 = n1 * rng.uniform(0.07, 0.13)
        # Above 30 µg/m³ the "atmospheric" words fall behind the others, down to two thirds.
        share = 1.0 if pm25 < 30 else max(1 - (pm25 - 30) / 120, 0.667)
        nc = pm25 * rng.uniform(6, 7)
        found.append(
            {
                "pm1_cf1": pm1,
                "pm25_cf1": pm25,
                "pm10_cf1": pm10,
                "pm1": pm1 * share,
                "pm25": pm25 * share,
                "pm4": (pm25 + (pm10 - pm25) * 0.6) * share,
                "pm10": pm10 * share,
                "n03": n03,
                "n05": n05,
                "n1": n1,
                "n25": n25,
                "n5": n25 * rng.uniform(0.1, 0.4),
                "n10": n25 * rng.uniform(0.0, 0.08),
                "version": 0x97,
                "error": 0,
                "temp_c": temperature,
                "rh_pct": humidity,
                "hcho_ugm3": rng.uniform(5, 60),
                "nc05": nc * 0.84,
                "nc1": nc * 0.98,
                "nc25": nc * 0.995,
                "nc4": nc * 0.998,
                "nc10": nc,
                "tps_um": rng.uniform(0.4, 0.8),
                "co2_ppm": co2,
                "internal_temp_c": rng.uniform(28, 34),
                "meter_status": 0,
            }
        )
    return found


@dataclass
class Piece:
    """What arrives for one frame: the bytes, and whether the frame in them is untouched."""

    data: bytes
    intact: bool


Damage = Callable[[random.Random, bytes, tuple[bytes, ...]], Piece]


def flipped(rng: random.Random, frame: bytes, rate: float) -> bytes:
    data = bytearray(frame)
    bits = len(data) * 8
    at = int(rng.expovariate(rate))
    while at < bits:
        data[at >> 3] ^= 1 << (at & 7)
        at += 1 + int(rng.expovariate(rate))
    return bytes(data)


def dropped(rng: random.Random, frame: bytes, rate: float) -> bytes:
    return bytes(byte for byte in frame if rng.random() >= rate)


def _noise(rng: random.Random, share: float) -> bytes:
    return rng.randbytes(rng.randint(1, 40)) if rng.random() < share else b""


def _other(rng: random.Random, other: tuple[bytes, ...], share: float) -> bytes:
    return rng.choice(other) if rng.random() < share else b""


def _case_a(rng: random.Random, frame: bytes, other: tuple[bytes, ...]) -> Piece:
    data = flipped(rng, frame, 1e-4)
    return Piece(data, data == frame)


def _case_b(rng: random.Random, frame: bytes, other: tuple[bytes, ...]) -> Piece:
    data = flipped(rng, frame, 1e-3)
    return Piece(data, data == frame)


def _case_c(rng: random.Random, frame: bytes, other: tuple[bytes, ...]) -> Piece:
    data = dropped(rng, frame, 0.003)
    return Piece(data, data == frame)


def _case_d(rng: random.Random, frame: bytes, other: tuple[bytes, ...]) -> Piece:
    return Piece(_noise(rng, 0.1) + frame, True)


def _case_e(rng: random.Random, frame: bytes, other: tuple[bytes, ...]) -> Piece:
    return Piece(_other(rng, other, 0.2) + frame, True)


def _case_f(rng: random.Random, frame: bytes, other: tuple[bytes, ...]) -> Piece:
    data = dropped(rng, flipped(rng, frame, 1e-4), 0.001)
    return Piece(_other(rng, other, 0.1) + _noise(rng, 0.05) + data, data == frame)


CASES: dict[str, tuple[str, Damage]] = {
    "A": ("bit errors 1e-4", _case_a),
    "B": ("bit errors 1e-3", _case_b),
    "C": ("0.3 % of the bytes lost", _case_c),
    "D": ("noise of 1-40 bytes before 10 % of the frames", _case_d),
    "E": ("acknowledgements before 20 % of the frames", _case_e),
    "F": ("bit errors 1e-4, 0.1 % lost, noise before 5 %, acknowledgements before 10 %", _case_f),
}
