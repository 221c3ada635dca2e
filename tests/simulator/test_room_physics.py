"""A room as a mass balance, against worked numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.physics import room as physics
from simulator.physics.room import Doing, RoomAir
from simulator.physics.weather import Outdoor

HAZE = Outdoor(90.0, 420.0, 30.0, 60.0, 0.0)
AIR = RoomAir(20.0, 5.0, 800.0, 29.0, 18.0)

airs = st.builds(
    RoomAir, st.floats(0, 500), st.floats(0, 500), st.floats(420, 5000), st.floats(15, 40), st.floats(5, 25)
)
outsides = st.builds(Outdoor, st.floats(0, 300), st.just(420.0), st.floats(20, 38), st.floats(30, 95), st.floats(0, 1))
doings = st.builds(Doing, st.floats(0, 50), st.integers(0, 10), st.floats(0, 1), st.floats(0, 200), st.floats(0, 600))


def test_an_empty_room_loses_its_co2_as_in_the_worked_decay() -> None:
    # 1800 → 800 ppm in one hour at 420 outdoors is 1.290 air changes an hour.
    wanted = math.log(1380 / 380)
    assert wanted == pytest.approx(1.290, abs=0.0005)
    volume = physics.DOOR_M3H / (wanted - physics.LEAKS_PER_H)
    doing = Doing(door=1.0)
    assert physics.air_changes(doing, volume, 0.0) == pytest.approx(wanted)
    air = RoomAir(20.0, 5.0, 1800.0, 29.0, 18.0)
    assert physics.step(air, volume, HAZE, doing, 0, 1.0).end.co2_ppm == pytest.approx(800, abs=0.1)


def test_a_sealed_class_heads_for_the_co2_that_the_balance_says() -> None:
    doing = Doing(people=40)
    air = physics.step(AIR, 200, HAZE, doing, 0, 100.0).end
    assert air.co2_ppm == pytest.approx(420 + 40 * 0.004 * 3600 * 1000 / (physics.LEAKS_PER_H * 200))


@given(airs, outsides, doings, st.floats(0, 800), st.floats(0.001, 2))
def test_two_short_steps_are_one_long_one(
    air: RoomAir,
    outside: Outdoor,
    doing: Doing,
    cadr: float,
    hours: float,
) -> None:
    once = physics.step(air, 180, outside, doing, cadr, 2 * hours).end
    first = physics.step(air, 180, outside, doing, cadr, hours).end
    twice = physics.step(first, 180, outside, doing, cadr, hours).end
    assert twice.pm25 == pytest.approx(once.pm25, abs=1e-6)
    assert twice.coarse == pytest.approx(once.coarse, abs=1e-6)
    assert twice.co2_ppm == pytest.approx(once.co2_ppm, abs=1e-6)
    assert twice.temp_c == pytest.approx(once.temp_c, abs=1e-6)


@given(airs, outsides, doings, st.floats(0, 800), st.floats(0.001, 2))
def test_no_mass_appears_or_vanishes(air: RoomAir, outside: Outdoor, doing: Doing, cadr: float, hours: float) -> None:
    """The change is what came in and was stirred up, less what left, settled and was filtered."""
    done = physics.step(air, 180, outside, doing, cadr, hours)
    changes = physics.air_changes(doing, 180, outside.wind)
    # CO2 has neither deposition nor filter: the mean over the step is what flowed out.
    breath = doing.people * physics.CO2_PUPIL_L_S * 3600 * 1000 / 180
    gained = (breath + changes * (outside.co2_ppm - done.mean.co2_ppm)) * hours
    assert done.end.co2_ppm - air.co2_ppm == pytest.approx(gained, abs=1e-5)
    loss = physics.loss_rate(changes, physics.DEPOSITION_PER_H, cadr, 180)
    share = 1 - physics.LEAKS_PER_H / changes
    inflow = (physics.PENETRATION + (1 - physics.PENETRATION) * share) * changes * outside.pm25
    gained = (inflow + doing.fine_source - loss * done.mean.pm25) * hours
    assert done.end.pm25 - air.pm25 == pytest.approx(gained, abs=1e-5)


@given(airs, outsides, doings, st.floats(0, 800), st.floats(0, 24))
@pytest.mark.thorough
def test_air_stays_physical(air: RoomAir, outside: Outdoor, doing: Doing, cadr: float, hours: float) -> None:
    end = physics.step(air, 180, outside, doing, cadr, hours).end
    assert end.pm25 >= 0 and end.coarse >= 0 and end.co2_ppm >= 419.9 and 0 <= end.rh_pct <= 100


def test_open_windows_let_the_haze_in_and_the_co2_out() -> None:
    shut = physics.step(AIR, 180, HAZE, Doing(people=30), 0, 1.0).end
    opened = physics.step(AIR, 180, HAZE, Doing(people=30, windows_open=6), 0, 1.0).end
    assert opened.pm25 > shut.pm25 + 20
    assert opened.co2_ppm < shut.co2_ppm - 500


def test_a_purifier_takes_dust_and_leaves_the_co2() -> None:
    without = physics.step(AIR, 180, HAZE, Doing(people=30), 0, 1.0).end
    with_it = physics.step(AIR, 180, HAZE, Doing(people=30), 420, 1.0).end
    assert with_it.pm25 < without.pm25 - 10
    assert with_it.co2_ppm == without.co2_ppm


def test_saturated_air_holds_what_tables_say() -> None:
    assert physics.saturation_g_m3(20.0) == pytest.approx(17.3, abs=0.1)
    assert physics.saturation_g_m3(30.0) == pytest.approx(30.4, abs=0.2)
