"""Rooms, weather and purifiers together."""

from __future__ import annotations

import pytest

from classair import config as configuration
from classair.config import Config
from classair.units import DAY_MS
from simulator.physics.weather import BANGKOK_MS
from simulator.physics.world import World

MINUTE = 60_000
HOUR = 60 * MINUTE
MONDAY = 20_780 * DAY_MS - BANGKOK_MS  # local midnight of 2026-11-23, a school day
BLUE, RED, YARD = "school.blue", "school.red", "school.yard"


def lived(town: Config, hours: float, start: int = MONDAY, haze: float = 0.0, on: bool = False) -> World:
    world = World(town, start)
    world.haze_wished = haze
    world.switch("school.blue-fan", on)
    world.advance(start + round(hours * HOUR))
    return world


def test_haze_raises_the_rooms_and_a_purifier_lowers_its_own(town: Config) -> None:
    calm, hazy, cleaned = lived(town, 3), lived(town, 3, haze=90), lived(town, 3, haze=90, on=True)
    assert hazy.rooms[YARD].air.pm25 == pytest.approx(calm.rooms[YARD].air.pm25 + 90, abs=0.1)
    assert hazy.rooms[BLUE].air.pm25 > calm.rooms[BLUE].air.pm25 + 25
    assert cleaned.rooms[BLUE].air.pm25 < 0.5 * hazy.rooms[BLUE].air.pm25
    assert cleaned.rooms[RED].air.pm25 == hazy.rooms[RED].air.pm25


def test_wished_haze_is_there_after_a_minute_and_goes_again(town: Config) -> None:
    world = World(town, MONDAY)
    world.haze_wished = 100.0
    world.advance(MONDAY + 10_000)
    assert 20 < world.haze < 60
    world.advance(MONDAY + MINUTE)
    assert world.haze > 94
    world.haze_wished = 0.0
    world.advance(MONDAY + 3 * MINUTE)
    assert world.haze < 1


def test_a_class_raises_the_co2_and_it_is_gone_by_night(town: Config) -> None:
    world = World(town, MONDAY)
    world.advance(MONDAY + 7 * HOUR)
    before = world.rooms[BLUE].air.co2_ppm
    world.advance(MONDAY + 11 * HOUR)
    assert world.rooms[BLUE].air.co2_ppm > before + 1000
    assert world.rooms[RED].air.co2_ppm < world.rooms[BLUE].air.co2_ppm - 500  # its windows are open
    world.advance(MONDAY + 23 * HOUR)
    assert world.rooms[BLUE].air.co2_ppm < 550


def test_smoke_in_a_room_appears_at_once_and_fades(town: Config) -> None:
    world = World(town, MONDAY)
    before = world.rooms[BLUE].air.pm25
    world.puff(BLUE, 60)
    world.puff("school.nowhere", 60)
    assert world.rooms[BLUE].air.pm25 == pytest.approx(before + 60)
    world.advance(MONDAY + 3 * HOUR)
    assert world.rooms[BLUE].air.pm25 < before + 30


def test_the_world_goes_on_from_what_is_remembered(town: Config) -> None:
    straight = lived(town, 6, haze=40)
    half = lived(town, 3, haze=40)
    again = World(town, half.at_ms, half.state())
    again.haze_wished = 40
    again.advance(MONDAY + 6 * HOUR)
    assert again.rooms[BLUE].air.pm25 == pytest.approx(straight.rooms[BLUE].air.pm25, rel=1e-4)
    assert again.rooms[BLUE].air.co2_ppm == pytest.approx(straight.rooms[BLUE].air.co2_ppm, rel=1e-4)


@pytest.mark.parametrize("rooms", [None, [], "x", {BLUE: [1, 2]}, {BLUE: [-1, 0, 0, 0, 0]}, {BLUE: ["a"] * 5}])
def test_a_damaged_memory_costs_only_the_memory(town: Config, rooms: object) -> None:
    state = {"rooms": rooms}
    assert World(town, MONDAY, state).rooms[BLUE].air.pm25 > 0


def test_a_changed_configuration_keeps_the_air_and_brings_the_new_room(town: Config, town_text: str) -> None:
    world = lived(town, 1)
    world.puff(BLUE, 100)
    before = world.rooms[BLUE].air.pm25
    text = town_text.replace("      yard: {", "      green: {name: Green, volume_m3: 100}\n      yard: {")
    world.follow(configuration.parse(text))
    assert world.rooms[BLUE].air.pm25 == before
    assert world.rooms["school.green"].air.pm25 > 0


def test_time_that_runs_backwards_changes_nothing(town: Config) -> None:
    world = lived(town, 1)
    before = world.state()
    world.advance(MONDAY)
    assert world.state() == before
