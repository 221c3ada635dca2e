"""The settled past and neighbours: what is found, and what real air does that must not be taken for a fault."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.intervals import holds, union
from classair.model import Flag
from classair.science.quality import EARLIEST_MS
from classair.science.quality_checks import neighbours
from classair.science.quality_checks.neighbours import day_start
from classair.science.quality_checks.realtime import SensorMemory
from classair.science.quality_checks.retrospective import Track, judge_track, spikes, still
from classair.science.quality_checks.school import Member, judge_school
from classair.units import HOUR_MS, MINUTE_MS

T0 = EARLIEST_MS + 86_400_000
DAY0 = neighbours.local_day(T0)


def at(count: int, step_s: int = 60) -> list[int]:
    return [T0 + i * step_s * 1000 for i in range(count)]


def noisy(count: int, level: float = 20.0, noise: float = 0.5) -> list[float]:
    chance = random.Random(7)
    return [level + chance.gauss(0, noise) for _ in range(count)]


@pytest.mark.parametrize("shape", [[80.0], [-35.0], [300.0, 250.0]])
def test_one_or_two_readings_alone_are_a_spike(shape: list[float]) -> None:
    values = noisy(60, 40.0)
    values[30 : 30 + len(shape)] = [40.0 + height for height in shape]
    assert spikes(at(60), values, 20.0) == [(T0 + 30 * MINUTE_MS, T0 + (29 + len(shape)) * MINUTE_MS + 1)]


@pytest.mark.parametrize(
    ("what", "shape"),
    [
        ("a match", [60.0, 45.0, 30.0]),
        ("smoke that comes at once and thins", [200 * math.exp(-i / 6) for i in range(30)]),
        ("cooking", [4.0 * i for i in range(30)] + [120 * math.exp(-i / 20) for i in range(60)]),
        ("sweeping", [15.0, 35.0, 30.0, 42.0, 38.0, 22.0, 12.0, 6.0]),
        ("a window opened into haze", [70.0] * 60),
    ],
)
@pytest.mark.parametrize("step_s", [10, 60])
def test_real_dust_is_no_spike(what: str, shape: list[float], step_s: int) -> None:
    values = noisy(200)
    for i, height in enumerate(shape):
        values[80 + i] += height
    assert spikes(at(200, step_s), values, 20.0) == [], what


def test_a_slow_series_has_no_spikes_because_a_plume_may_be_one_reading() -> None:
    values = noisy(60)
    values[30] = 200.0
    assert spikes(at(60, 300), values, 20.0) == []


def test_a_stuck_run_is_set_aside_from_its_first_value_on() -> None:
    values: list[float | None] = [*noisy(100), *([33.0] * 90), *noisy(100)]
    found = judge_track(Track(at(290), {"pm25": values}))
    assert found == {("pm25", Flag.STUCK): [(T0 + 100 * MINUTE_MS, T0 + 189 * MINUTE_MS + 1)]}


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.sampled_from([(9.0, 0.0), (44.0, 1.0), (44.0, 2.0)])), min_size=2, max_size=80
    )
)
def test_afterwards_finds_all_that_was_found_live(steps: list[tuple[int, tuple[float, float]]]) -> None:
    moments, when = [], T0
    for minutes, _ in steps:
        when += minutes * MINUTE_MS
        moments.append(when)
    pm, n03 = [value[0] for _, value in steps], [880.0 + value[1] for _, value in steps]
    memory = SensorMemory()
    live = [
        moment
        for moment, a, b in zip(moments, pm, n03, strict=True)
        if memory.judge({"pm25": a, "n03": b}, Flag.NONE, {}, at_ms=moment)[1].get("pm25", 0) & Flag.STUCK
    ]
    found = judge_track(Track(moments, {"pm25": pm, "n03": n03}))
    assert all(holds(union(found.get(("pm25", Flag.STUCK), [])), live))


def test_a_message_about_something_else_does_not_end_a_run_that_is_judged_afterwards() -> None:
    moments = at(270, 20)
    columns = {
        key: [42.0 if i % 3 == place else None for i in range(270)] for place, key in enumerate(("pm25", "pm10"))
    }
    columns["co2_ppm"] = [911.0 if i % 3 == 2 else None for i in range(270)]
    found = judge_track(Track(moments, columns))
    assert {key for key, flag in found if flag == Flag.STUCK} == {"pm25", "pm10", "co2_ppm"}
    columns["pm10"] = [None if value is None else value + i for i, value in enumerate(columns["pm10"])]
    assert {key for key, flag in judge_track(Track(moments, columns)) if flag == Flag.STUCK} == {"co2_ppm"}


def test_a_clean_room_and_a_night_at_outdoor_co2_are_left_alone() -> None:
    clean = Track(at(720), {"pm25": [1.0] * 720, "pm10": [2.0] * 720})
    assert judge_track(clean) == {}
    night = Track(at(720), {"co2_ppm": [float(420 + (i // 50) % 3) for i in range(720)]})
    assert judge_track(night) == {}


# -- neighbours --------------------------------------------------------------------------------------------------------


def school(days: int, sensors: int = 6, **gains: list[float]) -> dict[str, dict[int, float]]:
    """Night levels of sensors whose rooms differ; `gains` by sensor and day."""
    chance, outdoors = random.Random(3), 30.0
    levels: dict[str, dict[int, float]] = {f"s{i}": {} for i in range(sensors)}
    for day in range(days):
        outdoors = max(12.0, outdoors * math.exp(chance.gauss(0, 0.3)))
        outdoors = min(outdoors, 120.0)
        for i, name in enumerate(levels):
            gain = gains[name][day] if name in gains else 1.0
            levels[name][DAY0 + day] = outdoors * (0.3 + 0.1 * i) * gain * math.exp(chance.gauss(0, 0.12))
    return levels


def test_rooms_that_differ_are_no_drift() -> None:
    assert neighbours.drifting(school(120)) == {}


@pytest.mark.parametrize("to", [1.45, 0.6])
def test_a_drift_of_thirty_percent_is_found_within_a_fortnight_and_ends_with_the_cleaning(to: float) -> None:
    gains = [1.0] * 50 + [1 + (to - 1) * min(1.0, i / 30) for i in range(70)] + [1.0] * 40
    reached = next(day for day, gain in enumerate(gains) if abs(gain - 1) >= 0.3)
    found = neighbours.drifting(school(160, s2=gains))
    days = [day - DAY0 for day in found.pop("s2")]
    assert found == {}
    assert 50 <= min(days) <= reached + 14 and 115 <= max(days) <= 121


def test_three_of_eight_that_drift_alike_do_not_accuse_the_others() -> None:
    down = [1.0] * 60 + [0.55] * 60
    found = neighbours.drifting(school(120, sensors=8, s1=down, s4=down, s6=down))
    assert found.keys() == {"s1", "s4", "s6"}


def test_too_few_neighbours_say_nothing() -> None:
    assert neighbours.drifting(school(120, sensors=3, s1=[1.0] * 40 + [3.0] * 80)) == {}


def test_a_pair_disagrees_only_when_it_lasts() -> None:
    quarters = [T0 // HOUR_MS * HOUR_MS + i * 15 * MINUTE_MS for i in range(40)]
    one = dict.fromkeys(quarters, 20.0)
    swept = {start: 60.0 if 10 <= i < 13 else 22.0 for i, start in enumerate(quarters)}
    blocked = {start: 4.0 if 10 <= i < 30 else 22.0 for i, start in enumerate(quarters)}
    assert neighbours.disagreeing(one, swept) == []
    assert neighbours.disagreeing(one, blocked) == [(quarters[10], quarters[30])]


def test_a_silent_mass_is_seen_beside_the_others_and_a_purified_room_is_not() -> None:
    hours = [T0 // HOUR_MS * HOUR_MS + i * HOUR_MS for i in range(8)]
    zeros = [(hours[0], hours[6])]
    keys = frozenset({"pm25", "pm10"})
    others = [Member(f"o{i}", f"r{i}", keys, dict.fromkeys(hours, 30.0)) for i in range(3)]

    def judged(**more: object) -> set[Flag]:
        spans = judge_school([Member("x", "r9", keys, dict.fromkeys(hours, 0.0), zeros=zeros, **more), *others])  # type: ignore[arg-type]
        return {span.flag for span in spans if span.sensor == "x"}

    assert judged() == {Flag.STUCK}
    assert judged(purified={neighbours.local_day(hours[0]), neighbours.local_day(hours[6])}) == set()


def test_a_week_without_outdoor_air_is_drift_of_co2() -> None:
    monday = day_start((DAY0 + 3) // 7 * 7 + 4)
    hours = {monday + i * HOUR_MS: 350.0 if i % 24 < 8 else 800.0 for i in range(168)}
    assert neighbours.co2_weeks_off(hours) == [((monday, monday + 168 * HOUR_MS), 350.0)]
    assert neighbours.co2_weeks_off({start: value + 80 for start, value in hours.items()}) == []


def test_a_run_of_nothing_has_no_length() -> None:
    assert still([], [[]], lambda row: 0) == []
    assert union([(5, 5), (1, 3), (3, 4), (9, 12), (10, 11)]) == [(1, 4), (9, 12)]
    assert holds([(1, 4), (9, 12)], [0, 1, 3, 4, 9, 11, 12]) == [False, True, True, False, True, True, False]
