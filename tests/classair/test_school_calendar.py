"""Terms, holidays, half and make-up days: from calendars/<year>.yaml to "are children in this room now"."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair import config as configuration
from classair.config import Config, ConfigFaults
from classair.config.parts import part_text
from classair.timetable import ZONE, HoursOfDay, SchoolCalendar, Timetable, to_ms

SCHOOL = """org: a
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms: {r: {name: R, volume_m3: 100, timetable: primary}}
    sensors: {x: {bridge: b, room: r, model: s8, port: "sim:classroom"}}
timetables:
  primary: {occupied: ["07:30-16:00"], lessons: ["08:30-11:30", "12:30-15:30"]}
"""
YEAR = """terms: [2026-05-16..2026-10-10, 2026-11-01..2027-03-31]
holidays: {2026-12-07: {th: ก, en: A}}
half_days: {2026-12-30: "12:00"}
make_up_days: {2026-12-19: กีฬาสี}
"""


@pytest.fixture
def school(tmp_path: Path) -> Path:
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "2569.yaml").write_text(YEAR, encoding="utf-8")
    (tmp_path / "sensors.yaml").write_text(SCHOOL, encoding="utf-8")
    return tmp_path / "sensors.yaml"


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZONE))


def lesson(config: Config, text: str) -> bool:
    return config.timetable_of("s.r").is_lesson(at(text))


def test_calendars_beside_the_file_decide_which_days_are_taught(school: Path) -> None:
    config = configuration.load(school)
    assert lesson(config, "2026-11-23T09:00")  # a Monday in term
    assert not lesson(config, "2026-10-20T09:00")  # a Tuesday between two terms
    assert not lesson(config, "2026-12-07T09:00")  # a holiday
    assert lesson(config, "2026-12-19T09:00")  # a Saturday that makes up for it
    assert lesson(config, "2026-12-30T11:00")
    assert not lesson(config, "2026-12-30T13:00")  # the afternoon of a half day
    assert lesson(config, "2027-06-02T09:00")  # a year nobody has written down yet: an ordinary weekday


def test_a_half_day_cuts_the_block_that_a_purifier_runs_to(school: Path) -> None:
    table = configuration.load(school).timetable_of("s.r")
    assert table.block_end_ms(at("2026-12-30T09:00")) == at("2026-12-30T12:00")
    assert table.block_end_ms(at("2026-12-30T12:00")) is None
    assert table.next_block_start_ms(at("2026-12-30T12:00")) == at("2026-12-31T07:30")
    assert table.lesson_spans(date(2026, 12, 30)) == [HoursOfDay(time(8, 30), time(11, 30))]


def test_a_bridge_gets_the_years_with_its_part(school: Path) -> None:
    part = configuration.parse(part_text(configuration.read(school), "s.b"))
    assert part.school_years == configuration.load(school).school_years
    assert part.school_calendar().make_up_days == {date(2026, 12, 19)}


def test_only_files_named_after_a_year_are_calendars(school: Path) -> None:
    (school.parent / "calendars" / "notes.yaml").write_text("{", encoding="utf-8")
    assert list(configuration.load(school).school_years) == ["2569"]


def test_the_signature_changes_with_a_calendar_that_comes_changes_or_goes(school: Path) -> None:
    seen = [configuration.signature(school)]
    second = school.parent / "calendars" / "2570.yaml"
    second.write_text("terms: [2027-05-16..2027-10-10]\n", encoding="utf-8")
    seen.append(configuration.signature(school))
    second.write_text("terms: [2027-05-16..2027-10-10, 2027-11-01..2028-03-31]\n", encoding="utf-8")
    seen.append(configuration.signature(school))
    assert len(set(seen)) == 3
    second.unlink()
    assert configuration.signature(school) == seen[0]


@pytest.mark.parametrize(
    ("year", "said"),
    [
        ("terms: [2026-10-10..2026-05-16]", "school_years.2569.terms.0: the last day must not be before the first"),
        ("terms: []", "school_years.2569.terms"),
        ("holidays: {}", "school_years.2569.terms: is missing"),
        (YEAR + "pupils: 3\n", "school_years.2569.pupils: unknown key"),
        (YEAR.replace("2026-12-07", "2028-12-07"), "2028-12-07: the day is outside the year's terms"),
        (YEAR.replace("2026-12-19", "2026-12-07"), "2026-12-07: the day is also a half or make-up day"),
        (YEAR.replace('"12:00"', '"25:00"'), "expected a time such as 12:00"),
        ("terms: [", "2569.yaml: line"),
        ("- a", "2569.yaml: expected a mapping with terms:"),
    ],
)
def test_a_calendar_that_means_nothing_is_refused_with_its_place(school: Path, year: str, said: str) -> None:
    (school.parent / "calendars" / "2569.yaml").write_text(year, encoding="utf-8")
    with pytest.raises(ConfigFaults) as refused:
        configuration.load(school)
    assert said in str(refused.value)


def test_terms_of_two_years_that_overlap_are_refused(school: Path) -> None:
    (school.parent / "calendars" / "2570.yaml").write_text("terms: [2027-03-01..2027-10-10]\n", encoding="utf-8")
    with pytest.raises(ConfigFaults, match="the term from 2027-03-01 overlaps a term of 2569"):
        configuration.load(school)


@given(day=st.dates(date(2020, 1, 1), date(2035, 1, 1)), usual=st.booleans())
def test_without_terms_every_usual_day_is_taught(day: date, usual: bool) -> None:
    assert SchoolCalendar().teaches(day, usual) is usual


def test_a_pause_longer_than_any_holiday_is_a_missing_year_not_a_free_one() -> None:
    calendar = SchoolCalendar(((date(2024, 5, 16), date(2025, 3, 31)), (date(2026, 5, 16), date(2027, 3, 31))))
    assert calendar.teaches(date(2025, 9, 1), usual=True)
    assert not SchoolCalendar(
        ((date(2025, 11, 1), date(2026, 3, 31)), (date(2026, 5, 16), date(2026, 10, 10)))
    ).teaches(date(2026, 4, 20), usual=True)


@given(
    st.lists(st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda it: it[0] < it[1]), max_size=4),
    st.integers(0, 1439),
)
def test_on_a_half_day_nothing_lies_behind_its_end(spans: list[tuple[int, int]], end: int) -> None:
    def clock(minute: int) -> time:
        return time(minute // 60, minute % 60)

    day = date(2026, 12, 30)
    table = Timetable(
        frozenset(range(5)),
        (),
        tuple(HoursOfDay(clock(a), clock(b)) for a, b in spans),
        SchoolCalendar(half_days={day: clock(end)}),
    )
    assert all(span.start < span.end <= clock(end) for span in table.lesson_spans(day))
