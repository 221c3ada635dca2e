"""Lesson time in quarters of an hour: what a report counts, and that nothing that was not measured is in it."""

from __future__ import annotations

import itertools
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from classair.config import parse
from classair.model import Reading
from classair.science.corrections import Corrections
from classair.stores.memory.store import MemoryStore
from classair.timetable import day_start_ms, local_time
from classair.units import HOUR_MS, MINUTE_MS
from research.lesson_air import LEVELS, NO_DATA, LessonAir, LessonReader, LessonSlot, school_days
from research.means import MeansReader

QUARTER = 15 * MINUTE_MS
MONDAY = date(2026, 11, 23)
CONFIG = parse(
    """org: demo
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms:
      r: {name: R, volume_m3: 180, timetable: t}
      yard: {name: Y, outdoor: yes}
    sensors:
      r-pm: {bridge: b, room: r, model: pms5003t, port: "sim:x"}
      r-co2: {bridge: b, room: r, model: s8, port: "sim:x"}
      yard-pm: {bridge: b, room: yard, model: pms5003t, port: "sim:x"}
timetables:
  t: {days: [mon, tue, wed, thu, fri], occupied: ["07:30-16:00"], lessons: ["08:30-11:30", "12:30-15:30"]}
"""
)
values = some.one_of(some.none(), some.floats(0, 200).map(lambda value: round(value, 2)))
slots = some.lists(some.tuples(values, values, some.one_of(some.none(), some.integers(400, 3000))), max_size=60)


def air(of: list[tuple[float | None, float | None, float | None]]) -> LessonAir:
    begin = day_start_ms(MONDAY) + 8 * HOUR_MS
    return LessonAir("s.r", tuple(LessonSlot(begin + i * QUARTER, *each) for i, each in enumerate(of)), "s.yard")


@given(slots)
def test_shares_of_all_lesson_time_add_up_to_a_hundred_and_no_data_is_one_of_them(
    of: list[tuple[float | None, float | None, float | None]],
) -> None:
    found = air(of)
    assert sum(found.percent) == (100 if of else 0)
    assert sum(found.counts) == len(of)
    assert found.counts[-1] == sum(inside is None for inside, _, _ in of)
    shares = [found.share_in([level]) for level in LEVELS[:-1]]
    known = [share for share in shares if share is not None]
    assert sum(known) == pytest.approx(1) if found.known else not known
    assert found.share_in([NO_DATA]) in (None, 0.0)


@given(slots)
def test_inside_and_outside_are_compared_at_the_same_times_only(
    of: list[tuple[float | None, float | None, float | None]],
) -> None:
    pairs = [(inside, outside) for inside, outside, _ in of if inside is not None and outside is not None]
    means = air(of).paired_means
    if not pairs:
        assert means is None
    else:
        assert means is not None
        assert means == pytest.approx(tuple(sum(side) / len(pairs) for side in zip(*pairs, strict=True)))


def test_the_level_is_taken_from_the_value_rounded_half_up_to_a_tenth() -> None:
    assert [LessonSlot(0, value).level for value in (15.04, 15.05, 37.54, 37.55, None)] == [
        "very_good",
        "good",
        "moderate",
        "starts_to_affect_health",
        NO_DATA,
    ]


def test_a_day_with_too_few_pairs_keeps_the_week_from_being_called_cleaner_than_outside() -> None:
    full = [(10.0, 40.0, None)] * 4
    assert air(full).cleaner_each_day()
    assert not air([*full[:2], (10.0, None, None), (None, 40.0, None)]).cleaner_each_day()
    assert not air([(41.0, 40.0, None)] * 4).cleaner_each_day()
    assert not air([]).cleaner_each_day()


def test_the_highest_quarter_is_the_earliest_of_equals_and_stuffy_time_is_of_co2_alone() -> None:
    found = air([(20.0, None, 1600), (30.0, None, 1500), (30.0, None, None), (None, None, 2000)])
    assert found.highest is not None and found.highest.start_ms == found.slots[1].start_ms
    assert found.stuffy_minutes() == 30
    assert found.fresh_share == 0.0
    assert air([(20.0, 10.0, None)]).stuffy_minutes() is None


@settings(max_examples=25, deadline=None)
@given(
    some.lists(some.tuples(some.integers(0, 24 * 60 - 1), some.integers(0, 300)), max_size=500),
    some.integers(6 * 60, 18 * 60),
)
def test_slots_lie_in_lessons_that_are_over_and_each_has_three_quarters_of_its_readings(
    minutes: list[tuple[int, int]], now: int
) -> None:
    store, numbers, start = MemoryStore(), itertools.count(1), day_start_ms(MONDAY)
    given_values = dict(minutes)
    store.write(
        Reading(
            "s.r-pm",
            "s.b",
            "ab12cd34ef",
            next(numbers),
            start + m * MINUTE_MS + 60_000,
            {"pm25": float(v)},
            60.0,
            room="s.r",
        )
        for m, v in sorted(given_values.items())
    )
    until = start + now * MINUTE_MS
    found = LessonReader(MeansReader(store, CONFIG, Corrections()), CONFIG, until).of_room("s.r", MONDAY, MONDAY)
    hours = [(8.5, 11.5), (12.5, 15.5)]
    expected = [
        start + int(begin * HOUR_MS) + i * QUARTER
        for begin, end in hours
        for i in range(int((end - begin) * 4))
        if start + int(begin * HOUR_MS) + (i + 1) * QUARTER <= until
    ]
    assert [slot.start_ms for slot in found.slots] == expected
    for slot in found.slots:
        first = (slot.start_ms - start) // MINUTE_MS
        # A reading belongs to the bucket in which it was taken: that of minute m is dated m + 1.
        there = [given_values[m - 1] for m in range(first, first + 15) if m - 1 in given_values]
        if len(there) < 12:
            assert slot.pm25 is None
        else:
            assert slot.pm25 == pytest.approx(sum(there) / len(there), abs=0.01)


def test_a_week_has_the_days_that_were_taught() -> None:
    assert school_days(CONFIG, "s.r", MONDAY, date(2026, 11, 29)) == [date(2026, 11, d) for d in range(23, 28)]
    store = MemoryStore()
    reader = LessonReader(MeansReader(store, CONFIG, Corrections()), CONFIG, day_start_ms(date(2026, 12, 1)))
    week = reader.of_room("s.r", MONDAY, date(2026, 11, 29))
    assert len(week.slots) == 5 * 24
    assert week.percent == [0, 0, 0, 0, 0, 100]
    assert list(week.days()) == [date(2026, 11, d) for d in range(23, 28)]
    assert {local_time(slot.start_ms).hour for slot in week.slots} <= set(range(8, 16))
