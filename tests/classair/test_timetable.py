"""When children are in a room."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from classair.timetable import ALWAYS_EMPTY, ZONE, HoursOfDay, SchoolCalendar, Timetable, to_ms

PRIMARY = Timetable(
    frozenset(range(5)),
    (HoursOfDay(time(7, 30), time(16)),),
    (HoursOfDay(time(8, 30), time(11, 30)), HoursOfDay(time(12, 30), time(15, 30))),
    SchoolCalendar(holidays=frozenset({date(2026, 12, 7)})),
)


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZONE))


@pytest.mark.parametrize(
    ("moment", "occupied", "lesson"),
    [
        ("2026-11-23T07:29:59", False, False),
        ("2026-11-23T07:30:00", True, False),
        ("2026-11-23T09:00:00", True, True),
        ("2026-11-23T12:00:00", True, False),
        ("2026-11-23T15:59:59", True, False),
        ("2026-11-23T16:00:00", False, False),
        ("2026-11-22T09:00:00", False, False),
        ("2026-12-07T09:00:00", False, False),
    ],
)
def test_occupied_and_lesson_begin_and_end_on_the_second(moment: str, occupied: bool, lesson: bool) -> None:
    assert (PRIMARY.is_occupied(at(moment)), PRIMARY.is_lesson(at(moment))) == (occupied, lesson)


def test_the_block_ends_where_the_timetable_says() -> None:
    assert PRIMARY.block_end_ms(at("2026-11-23T09:00:00")) == at("2026-11-23T16:00:00")
    assert PRIMARY.block_end_ms(at("2026-11-23T17:00:00")) is None


def test_the_next_block_skips_the_weekend_and_the_holiday() -> None:
    assert PRIMARY.next_block_start_ms(at("2026-12-04T16:30:00")) == at("2026-12-08T07:30:00")


def test_a_room_without_timetable_is_never_occupied() -> None:
    assert not ALWAYS_EMPTY.is_occupied(at("2026-11-23T09:00:00"))
    assert ALWAYS_EMPTY.next_block_start_ms(at("2026-11-23T09:00:00")) is None


def test_a_moment_without_zone_cannot_be_dated() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_ms(datetime(2026, 11, 23))  # noqa: DTZ001  the point of the test
