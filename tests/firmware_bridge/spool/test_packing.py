"""Packing an item and making the wire's JSON of it again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair import wire
from classair.model import QUANTITIES, Flag
from firmware_bridge.spool.packing import CLOCKS, LOST, Hole, Shapes, SpoolRow, hole_wire, prefix_for

PREFIX = prefix_for("pi", "0123456789abcdef")
FLAG_NAMES = [flag.name for flag in Flag if flag.name]
flag_lists = st.lists(st.sampled_from(FLAG_NAMES), unique=True, min_size=1, max_size=4)
numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))

items = st.fixed_dictionaries(
    {
        "sensor": st.sampled_from(["blue-pm", "blue-co2"]),
        "values": st.dictionaries(st.sampled_from(sorted(QUANTITIES)), numbers, min_size=1, max_size=15),
        "interval_s": st.sampled_from([2.5, 10.0, 60.0]),
        "n": st.integers(1, 100),
    },
    optional={
        "flags": flag_lists,
        "simulated": st.booleans(),
        "value_flags": st.dictionaries(st.sampled_from(sorted(QUANTITIES)), flag_lists, min_size=1, max_size=3),
    },
)


@given(items, st.integers(1, 2**50), st.integers(0, 2**42), st.sampled_from(CLOCKS[:5]), st.booleans())
def test_an_item_comes_out_as_it_went_in(item: dict[str, Any], seq: int, at: int, clock: str, late: bool) -> None:
    shapes = Shapes()
    shape, n, given_ = shapes.pack(item)
    text = Shapes(shapes.texts()).wire(SpoolRow(seq, shape, at, n, CLOCKS.index(clock), given_), PREFIX, late)
    (read,) = wire.stream_items(text.encode())
    assert isinstance(read, wire.ReadingItem)
    assert (read.bridge, read.epoch, read.seq, read.at, read.clock, read.late) == (
        "pi",
        "0123456789abcdef",
        seq,
        at,
        clock,
        late,
    )
    assert (read.sensor, read.values, read.n, read.interval_s) == (
        item["sensor"],
        item["values"],
        item["n"],
        item["interval_s"],
    )
    assert (read.flags or []) == item.get("flags", [])
    assert (read.value_flags or {}) == item.get("value_flags", {})
    assert read.simulated == item.get("simulated", False)


@given(st.sampled_from([True, False, None]), st.text(max_size=120), st.booleans())
def test_a_switch_comes_out_as_it_went_in(on: bool | None, reason: str, late: bool) -> None:
    shapes = Shapes()
    shape, n, given_ = shapes.pack({"kind": "switch", "purifier": "fan", "on": on, "reason": reason, "simulated": True})
    (read,) = wire.stream_items(shapes.wire(SpoolRow(7, shape, 99, n, 0, given_), PREFIX, late).encode())
    assert isinstance(read, wire.SwitchItem)
    assert (read.seq, read.at, read.purifier, read.on, read.reason, read.late, read.simulated) == (
        7,
        99,
        "fan",
        on,
        reason,
        late,
        True,
    )


def test_a_reading_whose_time_was_never_known_is_flagged_clock() -> None:
    shapes = Shapes()
    shape, n, given_ = shapes.pack({"sensor": "blue-pm", "values": {"pm25": 1.0}, "flags": ["WARMUP"]})
    (read,) = wire.stream_items(shapes.wire(SpoolRow(1, shape, 5, n, LOST, given_), PREFIX, True).encode())
    assert isinstance(read, wire.ReadingItem)
    assert (read.clock, read.flags) == ("unsync", ["WARMUP", "CLOCK"])


def test_a_hole_is_a_gap_on_the_wire() -> None:
    (read,) = wire.stream_items(hole_wire(Hole(3, 9, "spool full"), "pi", "0123456789abcdef").encode())
    assert isinstance(read, wire.GapItem)
    assert (read.first, read.last, read.reason) == (3, 9, "spool full")


@pytest.mark.parametrize("values", [{}, {"pm25": float("nan")}, {"pm25": float("inf")}])
def test_a_reading_without_numbers_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least one value"):
        Shapes().pack({"sensor": "blue-pm", "values": values})


def test_a_reading_of_thirteen_quantities_takes_less_than_a_third_of_its_json() -> None:
    shapes = Shapes()
    values = dict.fromkeys(list(QUANTITIES)[:13], 20.5)
    shape, n, given_ = shapes.pack({"sensor": "blue-pm", "values": values, "n": 10})
    text = shapes.wire(SpoolRow(1, shape, 1_800_000_000_000, n, 0, given_), PREFIX, False)
    assert len(json.dumps(json.loads(text))) > 3 * (len(given_) + 16)
