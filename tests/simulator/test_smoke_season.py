"""The weather: a smoke season that is alive on every day and the same every time."""

from __future__ import annotations

import itertools

import pytest

from classair.units import DAY_MS, HOUR_MS
from simulator.physics import weather as sky
from simulator.physics.weather import BANGKOK_MS, Outdoor, Weather

FIRST_DAY = 20_760  # in November 2026


def hours_of(weather: Weather, day: int) -> list[Outdoor]:
    midnight = day * DAY_MS - BANGKOK_MS
    return [weather.at("school", midnight + hour * HOUR_MS) for hour in range(24)]


@pytest.mark.parametrize("town", ["demo-town", "another", "third"])
def test_any_fortnight_has_several_haze_days_and_clear_ones(town: str) -> None:
    weather = Weather(town)
    for start in range(FIRST_DAY, FIRST_DAY + 120):
        haze = sum(weather.is_haze_day(day) for day in range(start, start + 14))
        assert 3 <= haze <= 11


@pytest.mark.parametrize("town", ["demo-town", "another", "third"])
def test_every_day_has_hours_above_30_and_stays_in_the_seasons_range(town: str) -> None:
    weather = Weather(town)
    for day in range(FIRST_DAY, FIRST_DAY + 120):
        hours = hours_of(weather, day)
        assert sum(hour.pm25 > 30 for hour in hours) >= 4, day
        assert all(8 < hour.pm25 < 125 for hour in hours)
        assert all(22 <= hour.temp_c <= 36 and 45 <= hour.rh_pct <= 95 for hour in hours)
        if weather.is_haze_day(day):
            assert sum(hour.pm25 for hour in hours) / 24 > 45
            assert max(hour.pm25 for hour in hours) > 60


def test_mornings_are_worse_than_afternoons() -> None:
    weather = Weather("demo-town")
    for day in range(FIRST_DAY, FIRST_DAY + 30):
        hours = hours_of(weather, day)
        # A beginning or ending episode tilts the day; the shape remains.
        assert max(hour.pm25 for hour in hours[7:10]) > 1.2 * min(hour.pm25 for hour in hours[13:17])
        assert hours[15].temp_c > hours[6].temp_c + 5
        assert hours[15].rh_pct < hours[6].rh_pct - 15


def test_the_weather_of_a_town_is_the_same_every_time_and_anothers_is_another() -> None:
    at_ms = FIRST_DAY * DAY_MS + 5 * HOUR_MS
    here = Weather("demo-town").at("school", at_ms)
    sky._day_mean.cache_clear()
    assert Weather("demo-town").at("school", at_ms) == here
    assert Weather("elsewhere").at("school", at_ms) != here
    assert Weather("demo-town").at("other-school", at_ms).pm25 != here.pm25


def test_the_weather_moves_without_jumps() -> None:
    weather = Weather("demo-town")
    start = FIRST_DAY * DAY_MS
    values = [weather.at("school", start + minute * 60_000).pm25 for minute in range(5 * 1440)]
    assert max(abs(b - a) for a, b in itertools.pairwise(values)) < 2.0


def test_local_time_is_bangkok() -> None:
    assert sky.local_hour(0) == 7.0
    assert sky.local_day(17 * HOUR_MS) == 1
