"""Packed rows come back exactly as they were, or not at all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.spool.blocks import BadBlock, decode, encode
from firmware_bridge.spool.packing import CLOCKS, Hole, SpoolRow
from firmware_bridge.spool.spool import Spool

numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-99_999, 99_999).map(lambda whole: whole / 1000),
    st.integers(0, 3000),
)
givens = st.one_of(
    st.lists(numbers, min_size=1, max_size=5).map(lambda row: ",".join(map(repr, row))),
    st.sampled_from(["true", "false", "null", "3600000,360"]),
)
rows = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 2**53), st.integers(0, 10**6), st.integers(0, len(CLOCKS) - 1), givens),
    min_size=1,
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(rows, st.lists(st.integers(1, 50), min_size=40, max_size=40))
def test_rows_come_back_as_they_were(parts: list[tuple[int, int, int, int, str]], steps: list[int]) -> None:
    seq, packed = 2**40, []
    for (shape, at, n, clock, given_), step in zip(parts, steps, strict=False):
        seq += step
        packed.append(SpoolRow(seq, shape, at, n, clock, given_))
    assert decode(encode(packed)) == packed


def test_an_undated_row_is_not_packed() -> None:
    with pytest.raises(ValueError, match="undated"):
        encode([SpoolRow(1, 1, None, 1, 0, "1.5", 5000, "boot")])


def test_a_block_with_any_byte_changed_is_refused_and_never_read_as_something_else() -> None:
    chance = random.Random(2)
    packed = [SpoolRow(seq, 1, 1_795_000_000_000 + seq, 10, 0, f"{chance.uniform(0, 90):.2f}") for seq in range(1, 300)]
    blob = encode(packed)
    for _ in range(3000):
        harmed = bytearray(blob)
        for _ in range(chance.randint(1, 4)):
            harmed[chance.randrange(len(harmed))] ^= chance.randint(1, 255)
        try:
            assert decode(bytes(harmed)) == packed
        except BadBlock:
            pass
    for end in range(0, len(blob), 7):
        with pytest.raises(BadBlock):
            decode(blob[:end])


def test_a_rotted_block_costs_its_readings_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "school.pi.db"
    spool = Spool.open(path)
    spool.extend(
        {"sensor": "blue-pm", "values": {"pm25": number / 10}, "at": 1_795_000_000_000 + number}
        for number in range(9000)
    )
    assert spool._file is not None
    spool._file._db.execute("update block set data = x'00ff' where first = 2049")
    found = spool.after(0, 20_000)
    assert [it for it in found if isinstance(it, Hole)] == [Hole(2049, 4096, "no longer kept")]
    assert sum(isinstance(it, SpoolRow) for it in found) == 9000 - 2048
    spool.acknowledge(3000)
    assert spool.waiting == 6000
    spool.close()
