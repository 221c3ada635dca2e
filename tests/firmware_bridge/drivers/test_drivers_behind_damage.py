"""No intact frame is lost, whatever stands around it: encode, damage, feed. Figures at length: benchmarks/."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.drivers import Driver, driver_for

pytestmark = pytest.mark.thorough

BINARY: dict[str, tuple[str, dict[str, Any]]] = {
    **{
        model: (model, {})
        for model in (
            "pms5003",
            "pms3003",
            "pms5003t",
            "pms5003st",
            "sds011",
            "sps30",
            "hpma115s0",
            "hpma115c0",
            "zh03b",
            "mh-z19b",
            "s8",
        )
    },
    "sps30 uint16": ("sps30", {"format": "uint16"}),
    "hpma115s0 poll": ("hpma115s0", {"mode": "poll"}),
    "hpma115c0 poll": ("hpma115c0", {"mode": "poll"}),
    "zh03b poll": ("zh03b", {"mode": "poll"}),
}
every_binary = pytest.mark.parametrize("name", sorted(BINARY))
FRAMES = 600


def made(name: str) -> Driver:
    model, given_ = BINARY[name]
    return driver_for(model, given_)


def values(chance: random.Random, mark: int) -> dict[str, float]:
    """Plausible air; `mark` can be told from the frame afterwards."""
    pm = chance.randrange(5, 20)
    return {
        "pm1": pm,
        "pm1_cf1": pm,
        "pm25": mark,
        "pm25_cf1": mark,
        "pm4": 900,
        "pm10": 950,
        "pm10_cf1": 950,
        "n03": 9000 + chance.randrange(9000),
        "n05": 900,
        "n1": 90,
        "n25": 9,
        "co2_ppm": 400 + mark,
        "internal_temp_c": 30,
        "temp_c": 28.5,
        "rh_pct": 61,
        "nc05": 10,
        "nc1": 20,
        "nc25": 30,
        "nc4": 40,
        "nc10": 50,
        "tps_um": 0.6,
    }


def marks(frames: list[Any]) -> list[float]:
    return [frame.values["pm25"] if "pm25" in frame.values else frame.values["co2_ppm"] - 400 for frame in frames]


def acknowledgements(name: str) -> list[bytes]:
    """Everything the sensor says that is no measurement."""
    host, sensor = made(name), made(name)
    said = [sensor.answer(send.data, {}) for send in (*host.start(), *host.inquire(), *host.sleep(), *host.wake())]
    return [answer for answer in said if answer and not made(name).feed(answer)] or [b""]


def damaged(case: str, frame: bytes, chance: random.Random, said: list[bytes]) -> tuple[bytes, bytes]:
    """What stands before the frame, and what became of it."""
    before, data = b"", bytearray(frame)
    flips = {"A": 1e-4, "B": 1e-3, "F": 3e-4}.get(case, 0)
    for bit in range(8 * len(data)):
        if chance.random() < flips:
            data[bit >> 3] ^= 1 << (bit & 7)
    losses = {"C": 3e-3, "F": 1e-3}.get(case, 0)
    data = bytearray(byte for byte in data if chance.random() >= losses)
    if case in "DF" and chance.random() < 0.1:
        before += chance.randbytes(chance.randint(1, 40))
    if case in "EF" and chance.random() < 0.1:
        before += chance.choice(said)
    return before, bytes(data)


@every_binary
@pytest.mark.parametrize("case", "ABCDEF")
def test_every_intact_frame_is_recovered(name: str, case: str) -> None:
    chance = random.Random(f"{name} {case}")
    sensor, host, said = made(name), made(name), acknowledgements(name)
    expected, stream = [], b""
    for number in range(FRAMES):
        frame = sensor.encode(values(chance, 20 + number))
        before, data = damaged(case, frame, chance, said)
        stream += before + data
        if data == frame:
            expected.append(20 + number)
    read = iter(marks(host.feed(stream) + host.silence()))
    assert [mark for mark in expected if mark not in read] == []  # in order: each is looked for behind the last
    counted = host.counters
    assert counted.bytes_in == counted.skipped + counted.in_frames + host.pending


@every_binary
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_frame_behind_any_rest_of_another_is_read_without_a_silence(name: str, data: st.DataObject) -> None:
    """The rest is cut short, lengthened or doubled; two whole frames behind it leave no candidate waiting."""
    sensor, host = made(name), made(name)
    frames = [sensor.encode(values(random.Random(mark), 20 + mark)) for mark in range(5)]
    cut = data.draw(st.integers(0, len(frames[0])))
    lost = data.draw(st.integers(0, len(frames[0])))
    rest = frames[0][:cut] + frames[0][lost:]
    if rest == frames[0]:
        rest = b""
    stream = rest + data.draw(st.binary(max_size=3)) + b"".join(frames[1:])
    # Some candidates are longer than a frame: what follows settles them.
    read = marks(host.feed(stream + frames[1] * 8))
    # A random byte may complete a check; that is rare and must not cost a frame either.
    assert [mark for mark in read if mark in (22, 23, 24)][:3] == [22, 23, 24]
    assert 21 in read


@pytest.mark.parametrize(
    ("model", "settings_", "mark"),
    [
        ("mh-z19b", {}, 0xFF),
        ("hpma115c0", {"mode": "poll"}, 0x40),
        ("hpma115s0", {"mode": "poll"}, 0x40),
    ],
)
def test_a_frame_that_lost_a_byte_like_a_start_does_not_swallow_the_next(
    model: str,
    settings_: dict[str, Any],
    mark: int,
) -> None:
    """The start of the next frame takes the lost byte's place, and the eight-bit sum comes out right."""
    sensor, host = driver_for(model, settings_), driver_for(model, settings_)
    short = bytearray(sensor.encode({"co2_ppm": 0x300 + mark, "pm1": mark, "pm25": mark, "pm4": mark, "pm10": mark}))
    del short[short.index(mark, 3)]
    whole = sensor.encode({"co2_ppm": 777, "pm1": 7, "pm25": 77, "pm4": 78, "pm10": 79})
    for chunks in ([bytes(short) + whole], [bytes((byte,)) for byte in bytes(short) + whole]):
        host = driver_for(model, settings_)
        frames = [frame for chunk in chunks for frame in host.feed(chunk)]
        assert {77, 777} & set(frames[-1].values.values())
        assert host.counters.bytes_in == host.counters.skipped + host.counters.in_frames
