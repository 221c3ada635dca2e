"""Judging with memory: stuck and rushing values, the same whatever came twice, late, in pieces or after a restart."""

from __future__ import annotations

import random
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from classair.model import Flag, Reading
from classair.science.quality import EARLIEST_MS
from classair.science.quality_checks.realtime import PRIMING_MS, SensorMemory

T0 = EARLIEST_MS + 86_400_000
MINUTE = 60_000
Values = dict[str, float]


def frame(pm25: float, n03: float) -> Values:
    return {"pm1": pm25 * 0.7, "pm25": pm25, "pm10": pm25 * 1.2, "n03": n03, "temp_c": 28.0}


def judged(memory: SensorMemory, moments: Iterable[tuple[int, Values]], **more: bool) -> list[dict[str, Flag]]:
    return [
        {key: Flag(mark) for key, mark in memory.judge(values, Flag.NONE, {}, at_ms=at, **more)[1].items()}
        for at, values in moments
    ]


def every(step_s: int, minutes: float, values: Values, start: int = T0) -> list[tuple[int, Values]]:
    return [(start + i * step_s * 1000, dict(values)) for i in range(int(minutes * 60 / step_s) + 1)]


def test_a_chamber_that_stands_still_for_an_hour_is_stuck_in_all_it_says() -> None:
    marks = judged(SensorMemory(), every(10, 61, frame(42.0, 5012.0)))
    assert all(mark == {} for mark in marks[:360])
    assert set(marks[360]) == {"pm1", "pm25", "pm10", "n03"}
    assert all(mark["pm25"] == Flag.STUCK for mark in marks[360:])


def test_a_dead_fan_reads_nothing_at_all_and_is_stuck() -> None:
    assert judged(SensorMemory(), every(60, 60, frame(0.0, 0.0)))[-1]["pm25"] == Flag.STUCK


def test_a_clean_room_at_night_is_not_stuck_while_its_counts_flicker() -> None:
    noise = random.Random(3)
    moments = [(T0 + i * MINUTE, frame(1.0, 90 + noise.randint(0, 9))) for i in range(600)]
    assert all(mark == {} for mark in judged(SensorMemory(), moments))


def test_a_mass_without_counts_may_rest_at_little_but_not_at_much() -> None:
    assert all(mark == {} for mark in judged(SensorMemory(), every(60, 600, {"pm25": 2.0, "pm10": 3.0})))
    assert judged(SensorMemory(), every(60, 60, {"pm25": 43.0, "pm10": 50.0}))[-1]["pm10"] == Flag.STUCK


def test_co2_stands_still_for_half_an_hour_among_people_and_for_a_night_without() -> None:
    assert judged(SensorMemory(), every(10, 30, {"co2_ppm": 911.0}))[-1] == {"co2_ppm": Flag.STUCK}
    assert all(mark == {} for mark in judged(SensorMemory(), every(60, 300, {"co2_ppm": 421.0})))


def test_the_end_of_a_range_is_saturation_and_not_a_stuck_sensor() -> None:
    assert judged(SensorMemory(), every(60, 90, {"co2_ppm": 5000.0}))[-1] == {"co2_ppm": Flag.SATURATED}


def test_the_first_other_value_is_good_again_and_a_silence_ends_a_run() -> None:
    memory = SensorMemory()
    judged(memory, every(60, 70, frame(42.0, 5012.0)))
    assert judged(memory, [(T0 + 71 * MINUTE, frame(42.0, 5013.0))]) == [{}]
    quiet = every(60, 40, frame(42.0, 5012.0)) + every(60, 40, frame(42.0, 5012.0), T0 + 56 * MINUTE)
    assert all(mark == {} for mark in judged(SensorMemory(), quiet))


def test_co2_and_temperature_that_rush_are_suspect() -> None:
    marks = judged(
        SensorMemory(),
        [
            (T0, {"co2_ppm": 600.0, "temp_c": 28.0}),
            (T0 + MINUTE, {"co2_ppm": 1101.0, "temp_c": 30.1}),
            (T0 + 2 * MINUTE, {"co2_ppm": 1500.0, "temp_c": 31.0}),
            (T0 + 9 * MINUTE, {"co2_ppm": 9000.0, "temp_c": 20.0}),
        ],
    )
    assert marks == [{}, {"co2_ppm": Flag.RATE, "temp_c": Flag.RATE}, {}, {}]


def test_a_time_that_is_in_doubt_does_not_become_the_newest() -> None:
    memory = SensorMemory()
    flags, _ = memory.judge(frame(42.0, 1.0), Flag.NONE, {}, at_ms=T0 + 10**9, now_ms=T0)
    assert flags == Flag.CLOCK
    assert judged(memory, every(60, 60, frame(42.0, 5012.0)))[-1]["pm25"] == Flag.STUCK


def test_a_clock_that_was_put_back_begins_anew() -> None:
    memory = SensorMemory()
    judged(memory, every(60, 70, frame(42.0, 5012.0), T0 + 3_600_000 * 5))
    assert judged(memory, every(60, 60, frame(42.0, 5012.0)))[-1]["pm25"] == Flag.STUCK


def test_what_is_sent_again_is_judged_as_it_was() -> None:
    memory = SensorMemory()
    stuck = every(60, 70, frame(42.0, 5012.0))
    first = judged(memory, stuck)
    assert judged(memory, stuck) == first
    judged(memory, [(T0 + 71 * MINUTE, frame(44.0, 5100.0))])
    assert judged(memory, stuck, late=True) == first


moments = st.lists(
    st.tuples(st.integers(1, 20), st.sampled_from([0, 1, 2]), st.sampled_from([430.0, 911.0, 950.0])),
    min_size=2,
    max_size=120,
)


def stream(steps: list[tuple[int, int, float]]) -> list[tuple[int, Values]]:
    at, found = T0, []
    for minutes, pick, co2 in steps:
        at += minutes * MINUTE
        found.append((at, {**frame(30.0 + pick, 4000.0 + pick), "co2_ppm": co2}))
    return found


@given(moments, st.integers(0, 119))
@settings(max_examples=200)
def test_a_restart_forgets_nothing_that_matters(steps: list[tuple[int, int, float]], cut: int) -> None:
    sent = stream(steps)
    cut = min(cut, len(sent) - 1)
    whole = judged(SensorMemory(), sent)
    memory = SensorMemory()
    memory.prime(
        [
            Reading("s.a", "s.b", "e", i, at, values)
            for i, (at, values) in enumerate(sent[:cut])
            if at >= sent[cut][0] - PRIMING_MS
        ]
    )
    stuck = [{key: mark & Flag.STUCK for key, mark in marks.items()} for marks in judged(memory, sent[cut:])]
    assert stuck == [{key: mark & Flag.STUCK for key, mark in marks.items()} for marks in whole[cut:]]


@given(moments, st.integers(1, 119))
@settings(max_examples=200)
def test_a_past_that_comes_after_the_first_live_values_is_joined_to_them(
    steps: list[tuple[int, int, float]], cut: int
) -> None:
    sent = stream(steps)
    cut = min(cut, len(sent) - 1)
    memory, live = SensorMemory(), sent[cut : cut + 1]
    judged(memory, live)
    memory.prime(
        [
            Reading("s.a", "s.b", "e", i, at, values)
            for i, (at, values) in enumerate(sent[:cut])
            if at >= sent[cut][0] - PRIMING_MS
        ]
    )
    stuck = [{key: mark & Flag.STUCK for key, mark in marks.items()} for marks in judged(memory, sent[cut + 1 :])]
    whole = judged(SensorMemory(), sent)[cut + 1 :]
    assert stuck == [{key: mark & Flag.STUCK for key, mark in marks.items()} for marks in whole]


@given(moments, st.randoms(use_true_random=False))
def test_duplicates_anywhere_change_no_verdict(steps: list[tuple[int, int, float]], chance: random.Random) -> None:
    sent = stream(steps)
    doubled: list[tuple[int, Values]] = []
    kept: list[int] = []
    for one in sent:
        kept.append(len(doubled))
        doubled.append(one)
        if chance.random() < 0.3:
            doubled.append(one)
    marks = judged(SensorMemory(), doubled, late=True)
    assert [marks[i] for i in kept] == judged(SensorMemory(), sent)


# -- devices that say each thing in a message of its own ---------------------------------------------------------------


def apart(moments: Iterable[tuple[int, Values]]) -> list[tuple[int, Values]]:
    """The same readings, with particles, CO2 and the rest in messages of their own, a second apart."""
    found = []
    for at, values in moments:
        parts: dict[str, Values] = {}
        for key, value in values.items():
            kind = key if key in ("co2_ppm", "temp_c", "rh_pct") else "chamber"
            parts.setdefault(kind, {})[key] = value
        found += [(at + 1000 * i, part) for i, part in enumerate(parts.values())]
    return found


def test_a_message_about_something_else_neither_ends_nor_lengthens_a_run() -> None:
    stuck = {"pm25": 42.0, "co2_ppm": 911.0, "temp_c": 28.0}
    marks = judged(SensorMemory(), apart(every(60, 70, stuck)))
    assert [key for mark in marks for key in mark if mark[key] == Flag.STUCK].count("pm25") == 11
    assert [key for mark in marks for key in mark if mark[key] == Flag.STUCK].count("co2_ppm") == 41
    seldom = [(T0, {"pm25": 42.0}), *every(60, 70, {"temp_c": 28.0}, T0 + 1000), (T0 + 75 * MINUTE, {"pm25": 42.0})]
    assert all(mark == {} for mark in judged(SensorMemory(), seldom)), "nobody knows what was between"


def test_words_of_one_chamber_that_come_apart_are_one_run() -> None:
    chamber = [{"pm25": 42.0}, {"pm10": 50.0}, {"n03": 5012.0}]
    still = [(T0 + i * 20_000, chamber[i % 3]) for i in range(200)]
    assert Flag.STUCK in judged(SensorMemory(), still)[-1].values()
    alive = [(at, {**said, "n03": float(at // 1000 % 9000)} if "n03" in said else said) for at, said in still]
    assert all(mark == {} for mark in judged(SensorMemory(), alive))


def test_a_rate_is_from_value_to_value_of_one_quantity() -> None:
    moments = [(T0, {"co2_ppm": 600.0}), (T0 + 115_000, {"temp_c": 28.0}), (T0 + 120_000, {"co2_ppm": 1500.0})]
    assert all(mark == {} for mark in judged(SensorMemory(), moments))
    assert judged(SensorMemory(), [moments[0], (T0 + 60_000, {"co2_ppm": 1500.0})])[-1] == {"co2_ppm": Flag.RATE}


def test_two_messages_of_one_second_are_both_remembered() -> None:
    both = [(at, part) for at, values in every(60, 61, {"pm25": 42.0}) for part in ({"temp_c": 28.0}, values)]
    assert judged(SensorMemory(), both)[-1] == {"pm25": Flag.STUCK}


@given(moments)
@settings(max_examples=100)
def test_stuck_is_stuck_however_a_device_cuts_its_words(steps: list[tuple[int, int, float]]) -> None:
    whole = stream(steps)
    cut = judged(SensorMemory(), apart(whole))
    joined: list[dict[str, Flag]] = [{} for _ in whole]
    for i, mark in enumerate(cut):
        joined[i // 3].update({key: flag & Flag.STUCK for key, flag in mark.items() if flag & Flag.STUCK})
    stuck = [
        {key: flag & Flag.STUCK for key, flag in mark.items() if flag & Flag.STUCK}
        for mark in judged(SensorMemory(), whole)
    ]
    assert joined == stuck


@given(moments, st.integers(1, 119))
@settings(max_examples=100)
def test_a_restart_forgets_nothing_of_words_that_come_apart(steps: list[tuple[int, int, float]], cut: int) -> None:
    sent = apart(stream(steps))
    cut = min(cut, len(sent) - 1)
    whole = judged(SensorMemory(), sent)
    memory = SensorMemory()
    judged(memory, sent[cut : cut + 1])
    past = [(at, values) for at, values in sent[:cut] if at >= sent[cut][0] - PRIMING_MS]
    memory.prime([Reading("s.a", "s.b", "e", i, at, values) for i, (at, values) in enumerate(past)])
    stuck = [{key: mark & Flag.STUCK for key, mark in marks.items()} for marks in judged(memory, sent[cut + 1 :])]
    assert stuck == [{key: mark & Flag.STUCK for key, mark in marks.items()} for marks in whole[cut + 1 :]]
