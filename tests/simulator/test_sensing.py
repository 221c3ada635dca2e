"""The words a simulated sensor sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.drivers import driver_for
from simulator.physics.room import RoomAir
from simulator.physics.sensing import FRAME, MINUTE, Sensing, cf1_of

airs = st.builds(
    RoomAir, st.floats(0, 600), st.floats(0, 600), st.floats(400, 9000), st.floats(10, 45), st.floats(3, 30)
)
draws = st.tuples(*[st.floats(-4, 4)] * 5)


def atmospheric(cf1: float) -> float:
    return cf1 * (1 - min(max(cf1 - 30, 0) / 150, 1 / 3))


@given(st.floats(0, 1000))
def test_the_cf1_word_belongs_to_its_atmospheric_one(cf1: float) -> None:
    assert cf1_of(atmospheric(cf1)) == pytest.approx(cf1, abs=1e-6)


def test_both_sets_agree_with_measured_frames() -> None:
    # CF=1 18 → 18, 47 → 42, 150 → 100 in frames of real sensors.
    assert cf1_of(18) == 18
    assert cf1_of(42) == pytest.approx(47, abs=1)
    assert cf1_of(100) == pytest.approx(150)


@given(airs, draws, st.sampled_from([FRAME, MINUTE]))
def test_a_larger_class_never_holds_less_mass_nor_more_particles(
    air: RoomAir,
    drawn: tuple[float, ...],
    noise: tuple[float, float, float],
) -> None:
    values = Sensing("town", "school.pm").values(air, noise, drawn)
    assert 0 <= values["pm1"] <= values["pm25"] <= values["pm10"]
    assert values["pm1_cf1"] <= values["pm25_cf1"] <= values["pm10_cf1"]
    assert values["n03"] >= values["n05"] >= values["n1"] >= values["n25"] >= values["n5"] >= values["n10"] >= 0
    assert 0 < values["rh_pct"] < 100


@given(airs, draws, st.sampled_from(["pms5003t", "pms5003", "pms3003", "pms5003st"]))
def test_every_frame_is_decoded_without_a_flag(air: RoomAir, drawn: tuple[float, ...], model: str) -> None:
    driver = driver_for(model)
    values = Sensing("town", "school.pm").values(air, FRAME, drawn)
    (frame,) = driver.feed(driver.encode(values))
    assert frame.values["pm25"] == pytest.approx(values["pm25"], abs=0.5)
    if values["pm25"] > 0.5 and values["pm10_cf1"] < 999 and values["n03"] < 65535:
        assert not frame.flags and not frame.value_flags


def test_two_sensors_of_one_room_differ_a_little() -> None:
    air = RoomAir(50.0, 10.0, 900.0, 30.0, 18.0)
    one, two = (Sensing("town", name).values(air, FRAME, (0.0,) * 5) for name in ("school.a", "school.b"))
    assert one["pm25"] != two["pm25"]
    assert one["pm25"] == pytest.approx(two["pm25"], rel=0.11)
