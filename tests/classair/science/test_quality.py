"""Judging readings: each test on its own, and the quick way through against the full one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.model import BAD, QUANTITIES, Flag
from classair.science import quality
from classair.science.quality import EARLIEST_MS, FUTURE_MS, judge

AT = EARLIEST_MS + 86_400_000
CLEAN = {
    "pm1": 12.3,
    "pm25": 18.4,
    "pm10": 22.1,
    "pm1_cf1": 12.3,
    "pm25_cf1": 18.4,
    "pm10_cf1": 22.1,
    "n03": 2301.2,
    "n05": 701.4,
    "n1": 120.3,
    "n25": 14.2,
    "temp_c": 28.41,
    "rh_pct": 63.2,
}


def found(values: dict[str, float], **more: str) -> dict[str, Flag]:
    flags, value_flags = judge(values, Flag.NONE, {}, at_ms=AT, now_ms=AT, **more)
    assert flags == Flag.NONE
    return {key: Flag(flag) for key, flag in value_flags.items()}


def test_a_clean_reading_gets_back_what_it_brought() -> None:
    brought: dict[str, int] = {}
    flags, value_flags = judge(CLEAN, Flag.NONE, brought, at_ms=AT, now_ms=AT, model="pms5003t")
    assert flags is Flag.NONE
    assert value_flags is brought


def test_flags_from_the_bridge_are_kept_beside_new_ones() -> None:
    flags, value_flags = judge({"pm25": 1200.0}, Flag.WARMUP, {"pm25": int(Flag.CHANNELS)}, at_ms=AT)
    assert flags == Flag.WARMUP
    assert Flag(value_flags["pm25"]) == Flag.CHANNELS | Flag.RANGE | Flag.SATURATED


@pytest.mark.parametrize("key", sorted(QUANTITIES))
def test_range_holds_at_both_ends_of_every_quantity(key: str) -> None:
    quantity = QUANTITIES[key]
    for value, bad in (
        (quantity.low, False),
        (quantity.high, False),
        (quantity.low - 0.01, True),
        (quantity.high + 0.01, True),
    ):
        assert bool(found({key: value}).get(key, Flag.NONE) & Flag.RANGE) is bad


def test_small_negatives_are_noise_and_stay_good() -> None:
    assert found({"pm25": -9.9}) == {}


@pytest.mark.parametrize(
    ("values", "model", "flagged"),
    [
        ({"pm25": 500.0}, "pms5003", {"pm25"}),
        ({"pm25": 499.9}, "pms5003", set()),
        ({"pm1": 510.0, "pm25": 520.0, "pm10": 530.0}, "pms5003", {"pm1", "pm25", "pm10"}),
        ({"co2_ppm": 10000.0}, "s8", {"co2_ppm"}),
        ({"co2_ppm": 5000.0}, "mh-z19b", {"co2_ppm"}),
        ({"co2_ppm": 2000.0}, "mh-z19b", {"co2_ppm"}),
        ({"co2_ppm": 2000.0}, "s8", set()),
        ({"co2_ppm": 4999.0}, "mh-z19b", set()),
        ({"co2_ppm": 5000.0, "pm25": 10.0}, "board", {"co2_ppm"}),
    ],
)
def test_values_at_the_ceiling_are_suspect_not_bad(values: dict[str, float], model: str, flagged: set[str]) -> None:
    flags = found(values, model=model)
    assert {key for key, flag in flags.items() if flag & Flag.SATURATED} == flagged
    assert not any(flag & BAD for flag in flags.values())


@pytest.mark.parametrize(
    ("change", "flagged"),
    [
        ({"pm1": 20.5}, {"pm1", "pm25"}),
        ({"pm1": 20.3}, set()),
        ({"pm10": 16.3}, {"pm25", "pm10"}),
        ({"pm10": 16.4}, set()),
        ({"pm1_cf1": 20.5}, {"pm1_cf1", "pm25_cf1"}),
        ({"pm10_cf1": 16.3}, {"pm25_cf1", "pm10_cf1"}),
        ({"n05": 2301.3}, {"n03", "n05"}),
        ({"n25": 121.0}, {"n1", "n25"}),
        ({"n03": 701.4}, set()),
        ({"n5": 15.0}, {"n25", "n5"}),
        ({"n10": 15.0}, {"n25", "n10"}),
    ],
)
def test_sizes_and_counts_out_of_order(change: dict[str, float], flagged: set[str]) -> None:
    flags = found({**CLEAN, **change})
    assert {key for key, flag in flags.items() if flag & Flag.ORDER} == flagged


def test_no_mass_beside_many_particles() -> None:
    empty = dict.fromkeys(("pm1", "pm25", "pm10"), 0.0)
    assert found({**empty, "n03": 501.0}) == {"pm25": Flag.ZERO}
    assert found({**empty, "n03": 500.0}) == {}
    assert found(empty) == {}


def test_condensation_makes_every_mass_doubtful_but_not_the_humidity() -> None:
    flags = found({**CLEAN, "rh_pct": 95.1})
    assert set(flags) == {"pm1", "pm25", "pm10", "pm1_cf1", "pm25_cf1", "pm10_cf1"}
    assert set(flags.values()) == {Flag.RH_HIGH}
    assert found({**CLEAN, "rh_pct": 95.0}) == {}


@pytest.mark.parametrize(
    ("at_ms", "now_ms", "clock", "flag"),
    [
        (AT, AT, "sync", Flag.NONE),
        (AT, AT, "server", Flag.NONE),
        (AT, AT, "unsync", Flag.CLOCK),
        (AT, AT, "receipt", Flag.RECEIPT_TIME),
        (EARLIEST_MS - 1, AT, "sync", Flag.CLOCK),
        (0, AT, "receipt", Flag.CLOCK),
        (AT + FUTURE_MS, AT, "sync", Flag.NONE),
        (AT + FUTURE_MS + 1, AT, "sync", Flag.CLOCK),
        (AT + FUTURE_MS + 1, None, "sync", Flag.NONE),
    ],
)
def test_the_time_of_measuring(at_ms: int, now_ms: int | None, clock: str, flag: Flag) -> None:
    assert judge(CLEAN, Flag.NONE, {}, at_ms=at_ms, now_ms=now_ms, clock=clock)[0] == flag


@given(
    st.dictionaries(
        st.sampled_from(sorted(QUANTITIES)),
        st.one_of(
            st.sampled_from([0.0, 2000.0, 5000.0, 10000.0, 95.0, 500.0, -10.0]),
            st.floats(-20, 600),
            st.floats(-1e9, 1e9, allow_nan=False),
        ),
        min_size=1,
    ),
    st.sampled_from(["", "s8", "mh-z19b", "pms5003t"]),
)
def test_the_quick_way_and_the_full_one_agree(values: dict[str, float], model: str) -> None:
    full: dict[str, int] = {}
    for key, flag in quality._of_values(values, model):
        full[key] = full.get(key, 0) | int(flag)
    assert judge(values, Flag.NONE, {}, at_ms=AT, model=model) == (Flag.NONE, full)
