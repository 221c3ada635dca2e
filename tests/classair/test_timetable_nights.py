"""Blocks that continue over midnight: boarding schools, night classes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair import config as configuration
from classair.config import ConfigFaults
from classair.timetable import ZONE, HoursOfDay, SchoolCalendar, Timetable, day_start_ms, to_ms
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.public.waking import is_asleep
from research.lesson_slots import LessonSlots

NIGHT = HoursOfDay(time(22), time(6))
FRIDAY = date(2026, 12, 4)
DORMITORY = Timetable(
    frozenset(range(5)),
    (HoursOfDay(time(16), time(18)), NIGHT),
    (HoursOfDay(time(23, 30), time(0, 30)),),
    SchoolCalendar(holidays=frozenset({date(2026, 12, 10)}), half_days={date(2026, 12, 8): time(12)}),
)

minutes_of_day = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
spans = st.builds(HoursOfDay, minutes_of_day, minutes_of_day).filter(lambda span: span.start != span.end)
moments = st.integers(day_start_ms(date(2026, 11, 30)) // MINUTE_MS, day_start_ms(date(2026, 12, 14)) // MINUTE_MS)


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZONE))


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-12-03T21:59:59", None),
        ("2026-12-03T22:00", "2026-12-04T06:00"),
        ("2026-12-03T23:59:59.999", "2026-12-04T06:00"),
        ("2026-12-04T00:00", "2026-12-04T06:00"),
        ("2026-12-04T05:59:59", "2026-12-04T06:00"),
        ("2026-12-04T06:00", None),
        # Begun on a Friday, so it takes place although Saturday is no school day.
        ("2026-12-05T03:00", "2026-12-05T06:00"),
        ("2026-12-05T23:00", None),
        ("2026-12-07T03:00", None),  # Sunday's night would have begun on a day without school
        ("2026-12-08T03:00", "2026-12-08T06:00"),  # Monday's night goes on into the half day
        ("2026-12-08T23:00", None),  # which itself ends at noon, with all that begins later
        ("2026-12-09T03:00", None),
        ("2026-12-10T03:00", "2026-12-10T06:00"),  # Wednesday's night goes on into the holiday
        ("2026-12-10T23:00", None),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(moment: str, end: str | None) -> None:
    assert DORMITORY.block_end_ms(at(moment)) == (None if end is None else at(end))
    assert DORMITORY.is_occupied(at(moment)) == (end is not None)


def test_a_day_shows_the_rest_of_the_night_before_and_its_own_until_midnight() -> None:
    thursday = date(2026, 12, 3)
    assert DORMITORY.occupied_spans(thursday) == [
        HoursOfDay(time(0), time(6)),
        HoursOfDay(time(16), time(18)),
        HoursOfDay(time(22), time(0)),
    ]
    assert DORMITORY.occupied_spans(FRIDAY + timedelta(days=1)) == [HoursOfDay(time(0), time(6))]
    assert DORMITORY.occupied_spans(date(2026, 12, 8)) == [HoursOfDay(time(0), time(6))]
    assert DORMITORY.lesson_spans(thursday) == [HoursOfDay(time(0), time(0, 30)), HoursOfDay(time(23, 30), time(0))]


def test_the_next_block_is_the_evening_not_the_midnight_inside_a_night() -> None:
    assert DORMITORY.next_block_start_ms(at("2026-12-03T19:00")) == at("2026-12-03T22:00")
    assert DORMITORY.next_block_start_ms(at("2026-12-03T22:00")) == at("2026-12-04T16:00")
    assert DORMITORY.next_block_start_ms(at("2026-12-04T23:00")) == at("2026-12-07T16:00")


def test_lesson_slots_over_midnight_are_all_counted() -> None:
    slots = LessonSlots(DORMITORY, 15 * MINUTE_MS)
    assert slots.counted_ms(at("2026-12-03T23:00"), at("2026-12-04T01:00")) == HOUR_MS


def test_the_wall_is_awake_through_the_night_and_half_an_hour_before() -> None:
    night = Timetable(frozenset(range(5)), (NIGHT,), ())
    awake = ["2026-12-03T21:30", "2026-12-03T23:00", "2026-12-04T03:00", "2026-12-05T05:59"]
    asleep = ["2026-12-03T21:29", "2026-12-04T06:00", "2026-12-05T22:00", "2026-12-06T03:00"]
    assert [is_asleep(night, at(moment)) for moment in awake + asleep] == [False] * 4 + [True] * 4


@given(spans, moments.map(lambda minute: minute * MINUTE_MS))
def test_the_end_of_a_block_is_the_first_moment_after_it(span: HoursOfDay, moment: int) -> None:
    """Walking on minute by minute from any moment in a block finds its end where block_end says, over midnight too."""
    table = Timetable(frozenset(range(7)), (span,), ())
    end = table.block_end_ms(moment)
    assert table.is_occupied(moment) == (end is not None)
    if end is not None:
        assert moment < end <= moment + DAY_MS
        assert table.is_occupied(end - 1)
        assert not table.is_occupied(end)
        assert {table.block_end_ms(inside) for inside in range(moment, end, 7 * MINUTE_MS)} == {end}


@given(st.lists(spans, max_size=3), moments.map(lambda minute: minute * MINUTE_MS), st.sets(st.integers(0, 6)))
def test_a_days_spans_say_the_same_as_the_moments_of_the_day(
    blocks: list[HoursOfDay], moment: int, days: set[int]
) -> None:
    table = Timetable(frozenset(days), tuple(blocks), tuple(blocks))
    day = datetime.fromtimestamp(moment / 1000, ZONE).date()
    inside = moment - day_start_ms(day)
    by_day = any(span.begin_ms <= inside < span.end_ms for span in table.occupied_spans(day))
    assert by_day == table.is_occupied(moment) == table.is_lesson(moment)
    assert all(0 <= span.begin_ms < span.end_ms <= DAY_MS for span in table.occupied_spans(day))


CONFIG = """
org: demo
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms: {d: {name: D, volume_m3: 100, timetable: t, windows: {open: ["%s"]}}}
    sensors: {}
timetables:
  t: {days: [fri], occupied: ["%s"], lessons: []}
"""


def test_a_configuration_may_say_22_to_6() -> None:
    config = configuration.parse(CONFIG % ("06:30-07:30", "22:00-06:00"))
    assert config.timetable_of("s.d").block_end_ms(at("2026-12-04T23:00")) == at("2026-12-05T06:00")
    until_midnight = configuration.parse(CONFIG % ("06:30-07:30", "20:00-00:00")).timetable_of("s.d")
    assert until_midnight.block_end_ms(at("2026-12-04T23:00")) == at("2026-12-05T00:00")


def test_windows_open_within_one_day_and_a_block_of_no_length_is_refused() -> None:
    with pytest.raises(ConfigFaults) as found:
        configuration.parse(CONFIG % ("22:00-06:00", "08:00-08:00"))
    said = {line.rpartition(": ")[2] for line in found.value.faults}
    assert {"the end must be after the start", "the end must differ from the start"} <= said
