"""Random bytes into every decoder: 100,000 each, others in every run; as many as CLASSAIR_FUZZ_BYTES says."""

from __future__ import annotations

import math
import os
import random

import pytest

from classair.model import QUANTITIES
from firmware_bridge.drivers import driver_for, models

BYTES = int(os.environ.get("CLASSAIR_FUZZ_BYTES", "100000"))
_BLOCK = 20_000


def block(chance: random.Random, frame: bytes) -> bytes:
    """Plain noise, noise of the bytes that frames are made of, or frames with a few bytes spoilt."""
    kind = chance.randrange(3)
    if kind == 0:
        return chance.randbytes(_BLOCK)
    if kind == 1:
        return bytes(chance.choices(frame + b"\0\xff\n", k=_BLOCK))
    spoilt = bytearray(frame * (_BLOCK // len(frame)))
    for _ in range(len(spoilt) // 30):
        spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    return bytes(spoilt)


@pytest.mark.timeout(max(60, BYTES // 20_000))
@pytest.mark.parametrize("model", models())
def test_random_bytes_neither_stop_a_driver_nor_get_lost(model: str, chance: random.Random) -> None:
    whole, chunked = driver_for(model), driver_for(model)
    frame = whole.encode({"pm25": 18, "pm10": 25, "co2_ppm": 632})
    for _ in range(BYTES // _BLOCK):
        data = block(chance, frame)
        expected, got, place = whole.feed(data), [], 0
        while place < len(data):
            size = chance.choice((1, 2, 7, 64, 1000))
            got += chunked.feed(data[place : place + size])
            place += size
        assert got == expected
        assert chunked.counters == whole.counters
        assert chunked.about == whole.about
        counted = whole.counters
        assert counted.bytes_in == counted.skipped + counted.in_frames + whole.pending
        assert whole.pending <= 1024
        for one in expected:
            assert set(one.values) <= set(QUANTITIES)
            assert all(math.isfinite(value) for value in one.values.values())
    whole.silence()
    assert len(whole.feed(frame)) == 1
