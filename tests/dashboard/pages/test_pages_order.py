"""What the pages decide before anything is drawn: order of names, what needs care, which time is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.wire import PurifierState, RoomState
from dashboard.frame.parts import name_order
from dashboard.live.ages import state_as_of
from dashboard.live.cases import cases_of, purifier_trouble, worst_first
from dashboard.queries import ranges

NOW = 1_795_401_720_000  # 2026-11-23T09:42+07:00
MINUTE = 60_000


def test_names_are_sorted_in_thai_order_with_numbers_by_value() -> None:
    names = ["ป.1/10", "อ.1/1", "ป.1/2", "ป.4/1", "โรงเรียนริมคลอง", "อนุบาล", "เกาะ", "กอ", "ป.10/1"]
    assert sorted(names, key=name_order) == [
        "กอ",
        "เกาะ",
        "ป.1/2",
        "ป.1/10",
        "ป.4/1",
        "ป.10/1",
        "โรงเรียนริมคลอง",
        "อ.1/1",
        "อนุบาล",
    ]


@given(st.lists(st.text(max_size=12), max_size=8))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert sorted(sorted(names, key=name_order)) == sorted(names)


def cases(state: RoomState, now: int = NOW) -> list[str]:
    return [case.kind for case in worst_first(cases_of(state.room, False, state_as_of(state, now), now))]


@pytest.mark.parametrize(
    ("pm25", "age_s", "expected"),
    [
        (18, 60, []),
        (41, 60, ["starts_to_affect_health"]),
        (90, 60, ["affects_health"]),
        (18, 300, ["late"]),
        (41, 300, ["starts_to_affect_health", "late"]),
        (41, 1000, ["unknown"]),
    ],
)
def test_a_room_needs_care_by_level_and_age(
    make_state: Callable[..., RoomState],
    pm25: float,
    age_s: float,
    expected: list[str],
) -> None:
    assert cases(make_state("ban-suan.p1-2", pm25, age_s=age_s, at=NOW)) == expected


def test_a_value_that_grows_old_becomes_late_and_then_unknown_without_a_new_state(
    make_state: Callable[..., RoomState],
) -> None:
    state = make_state("ban-suan.p1-2", 18, age_s=0, at=NOW)
    assert [cases(state, NOW + minutes * MINUTE) for minutes in (2, 3, 14)] == [[], ["late"], ["late"]]
    assert cases(state, NOW + 15 * MINUTE) == ["unknown"]


def test_a_room_that_nobody_spoke_of_is_unknown_and_not_well() -> None:
    assert [(c.kind, c.since) for c in cases_of("ban-suan.p1-2", False, None, NOW)] == [("unknown", None)]
    assert [c.kind for c in cases_of("ban-suan.yard", True, None, NOW)] == ["outdoor"]


def test_the_worst_comes_first_and_within_a_kind_the_longest_standing(make_state: Callable[..., RoomState]) -> None:
    rooms = {"a.late": (18, 300), "a.silent": (18, 4000), "a.silent-longer": (18, 8000), "a.red": (99, 10)}
    found = worst_first(
        case
        for room, (pm25, age_s) in rooms.items()
        for case in cases_of(room, False, make_state(room, pm25, age_s=age_s, at=NOW), NOW)
    )
    assert [case.room for case in found] == ["a.red", "a.silent-longer", "a.silent", "a.late"]


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({}, None),
        ({"on": None}, "purifier_unknown"),
        ({"mode": "fail_safe"}, "purifier_fail_safe"),
        ({"confirmed": False}, "purifier_unconfirmed"),
        ({"confirmed": False, "since": NOW - 5000}, None),
        ({"mode": "person", "on": False}, None),
    ],
)
def test_a_purifier_is_in_trouble_when_a_person_should_look(changes: dict[str, object], trouble: str | None) -> None:
    unit = PurifierState(purifier="a.b", room="a.c", on=True, since=NOW - 60_000, at=NOW, mode="auto", confirmed=True)
    assert purifier_trouble(unit.model_copy(update=changes), NOW) == trouble
    assert purifier_trouble(None, NOW) is None


# -- which time is shown -----------------------------------------------------------------------------------------------


def test_a_week_begins_on_monday_and_a_month_on_its_first() -> None:
    day = date(2026, 11, 25)
    week, month = ranges.around("week", day), ranges.around("month", day)
    assert (week.first, week.after) == (date(2026, 11, 23), date(2026, 11, 30))
    assert (month.first, month.after) == (date(2026, 11, 1), date(2026, 12, 1))
    assert ranges.around("day", date(2026, 11, 23)).start_ms == 1_795_366_800_000


@given(st.sampled_from(ranges.RANGES), st.dates(date(2016, 1, 1), date(2090, 1, 1)))
def test_ranges_follow_each_other_without_gap_or_overlap(name: ranges.RangeName, day: date) -> None:
    shown = ranges.around(name, day)
    assert shown.first <= day < shown.after
    for one, other in pairwise((shown.previous(), shown, shown.following())):
        assert one.end_ms == other.start_ms


@pytest.mark.parametrize(
    ("name", "day", "expected"),
    [
        ("week", "2026-11-20", ("week", date(2026, 11, 16))),
        ("day", "", ("day", date(2026, 11, 23))),
        ("century", "2026-11-20", ("day", date(2026, 11, 20))),
        ("day", "2569-11-20", ("day", date(2026, 11, 20))),
        ("day", "yesterday", ("day", date(2026, 11, 23))),
        ("day", "0001-01-01", ("day", date(2015, 1, 1))),
    ],
)
def test_an_address_that_asks_for_nonsense_gets_something_sensible(
    name: str,
    day: str,
    expected: tuple[str, date],
) -> None:
    shown = ranges.range_of(name, day, NOW)
    assert (shown.name, shown.first) == expected


@pytest.mark.parametrize(
    ("name", "day", "thai", "english"),
    [
        ("week", date(2026, 11, 20), "16–22 พ.ย. 2569", "16–22 Nov 2026"),
        ("week", date(2026, 12, 1), "30 พ.ย. – 6 ธ.ค. 2569", "30 Nov – 6 Dec 2026"),
        ("week", date(2026, 12, 31), "28 ธ.ค. 2569 – 3 ม.ค. 2570", "28 Dec 2026 – 3 Jan 2027"),
        ("month", date(2026, 11, 20), "พฤศจิกายน 2569", "November 2026"),
    ],
)
def test_ranges_are_written_as_people_write_them(name: ranges.RangeName, day: date, thai: str, english: str) -> None:
    shown = ranges.around(name, day)
    assert (shown.title("th"), shown.title("en")) == (thai, english)
