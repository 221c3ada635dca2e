"""Clean-room seats and the order of rooms on a day of smoke."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from classair.science.clean_rooms import RoomNow, Seats, class_is_there, count_seats, counted_for, rank
from classair.timetable import ALWAYS_EMPTY, HoursOfDay, Timetable, day_start_ms
from classair.units import HOUR_MS

MONDAY = day_start_ms(date(2026, 11, 23))


def timetable(start: int = 8, end: int = 16) -> Timetable:
    from datetime import time

    return Timetable(frozenset(range(5)), (HoursOfDay(time(start), time(end)),), ())


def room(name: str, pm25: float | None, capacity: int = 30, *, clean: bool = False, there: bool = True) -> RoomNow:
    return RoomNow(f"s.{name}", pm25, capacity, clean, there)


ROOMS = st.builds(
    RoomNow,
    st.from_regex(r"s\.[a-z][0-9]{1,3}", fullmatch=True),
    st.none() | st.floats(0, 400),
    st.integers(0, 60),
    st.booleans(),
    st.booleans(),
)
SCHOOL = st.lists(ROOMS, max_size=20, unique_by=lambda one: one.room)


def test_an_empty_clean_room_gives_its_seats_and_a_used_one_none() -> None:
    seats = count_seats([room("hall", 12, 80, clean=True, there=False), room("a", 20, 25, clean=True)])
    assert (seats.free, seats.open, seats.used) == (80, ("s.hall",), ("s.a",))


def test_a_clean_room_is_one_up_to_25_as_screens_round_it() -> None:
    assert count_seats([room("hall", 25.04, 80, clean=True, there=False)]).free == 80
    dusty = count_seats([room("hall", 25.06, 80, clean=True, there=False)])
    assert (dusty.free, dusty.too_dusty) == (0, ("s.hall",))


def test_a_clean_room_whose_dust_is_not_known_is_counted_apart() -> None:
    seats = count_seats([room("hall", None, 80, clean=True, there=False)])
    assert (seats.free, seats.unknown, seats.unknown_seats) == (0, ("s.hall",), 80)


def test_pupils_need_a_place_above_37_5_while_their_class_is_there() -> None:
    seats = count_seats([room("a", 37.5), room("b", 37.6), room("c", 80, 40), room("d", 90, there=False)])
    assert (seats.need, seats.severe, seats.lacking) == (70, 40, 70)


def test_pupils_in_rooms_that_are_not_known_are_counted_apart() -> None:
    seats = count_seats([room("a", None, 32), room("b", 60, 30), room("hall", 10, 40, clean=True, there=False)])
    assert (seats.need, seats.need_unknown, seats.lacking) == (30, 32, 0)


def test_a_room_without_capacity_is_named_and_not_taken_for_empty() -> None:
    assert count_seats([room("a", 60, 0), room("hall", 10, 0, clean=True, there=False)]).uncounted == ("s.a", "s.hall")


def test_ranked_are_the_worst_first_then_the_unknown_then_all_others() -> None:
    order = rank([room("good", 12), room("worst", 120), room("gone", None), room("bad", 40), room("fair", 30)])
    assert [one.room for one in order] == ["s.worst", "s.bad", "s.gone", "s.fair", "s.good"]


def test_a_clean_room_without_a_timetable_has_no_class_and_another_room_may_have_one() -> None:
    assert not class_is_there(True, ALWAYS_EMPTY, MONDAY)
    assert class_is_there(False, ALWAYS_EMPTY, MONDAY)
    assert class_is_there(True, timetable(), MONDAY + 9 * HOUR_MS)


def test_seats_are_counted_for_now_in_school_and_for_the_next_classes_outside_it() -> None:
    known = [timetable(8), timetable(9), ALWAYS_EMPTY]
    assert counted_for(known, MONDAY + 10 * HOUR_MS) == MONDAY + 10 * HOUR_MS
    assert counted_for(known, MONDAY + 2 * HOUR_MS) == MONDAY + 8 * HOUR_MS
    assert counted_for([ALWAYS_EMPTY], MONDAY) == MONDAY


@given(SCHOOL)
def test_every_room_is_ranked_once_and_a_known_exception_before_all_else(rooms: list[RoomNow]) -> None:
    order = rank(rooms)
    assert sorted(one.room for one in order) == sorted(one.room for one in rooms)
    groups = [1 if one.pm25 is None else 0 if one.above(37.5) else 2 for one in order]
    assert groups == sorted(groups)


@given(SCHOOL)
def test_what_is_not_known_adds_no_seat_and_takes_none(rooms: list[RoomNow]) -> None:
    known = count_seats([one for one in rooms if one.pm25 is not None])
    seats = count_seats(rooms)
    assert (seats.free, seats.need, seats.severe, seats.open) == (known.free, known.need, known.severe, known.open)
    assert 0 <= seats.severe <= seats.need
    assert seats.lacking >= 0 and count_seats([]) == Seats()
