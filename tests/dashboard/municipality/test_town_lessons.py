"""Weeks and months of many rooms: equal to a recount of the slots, and what is not known is no zero."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.alerting.records import UsageRecord
from classair.config import Config, parse
from classair.model import Reading
from classair.science.corrections import Corrections
from classair.stores.memory.store import MemoryStore
from classair.timetable import day_start_ms
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.municipality.energy import Energy, energy_of
from dashboard.municipality.lessons import add_up, together
from dashboard.queries.lesson_days import LessonDays, RoomDay
from research.lesson_air import LEVELS, NO_DATA, LessonReader
from research.lesson_slots import SLOT_MS
from research.means import MeansReader

MONDAY = date(2026, 11, 23)
BEGIN = day_start_ms(MONDAY) + 8 * HOUR_MS
TEXT = """org: demo
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms:
      r: {name: R, volume_m3: 180, timetable: t, capacity: 30}
      q: {name: Q, volume_m3: 180, timetable: t}
      yard: {name: Y, outdoor: yes}
    sensors:
      r-pm: {bridge: b, room: r, model: pms5003t, port: "sim:x"}
timetables:
  t: {days: [mon, tue, wed, thu, fri], occupied: ["07:30-16:00"], lessons: ["08:30-11:30", "12:30-15:30"]}
"""
room_days = st.builds(
    lambda levels, first: RoomDay(tuple(BEGIN + (first + n) * SLOT_MS for n in range(len(levels))), bytes(levels)),
    st.lists(st.integers(0, len(LEVELS) - 1), max_size=30),
    st.integers(0, 8),
)
days = st.lists(st.dictionaries(st.sampled_from(("s.a", "s.b", "t.a")), room_days, max_size=3), max_size=8)
capacities = st.dictionaries(st.sampled_from(("s.a", "s.b", "t.a")), st.integers(0, 60))


@given(days, capacities, st.integers(-2, 40))
def test_shares_and_pupil_hours_equal_a_recount_of_every_slot(
    of: list[dict[str, RoomDay]], capacity: dict[str, int], slots_over: int
) -> None:
    until = BEGIN + slots_over * SLOT_MS
    found = add_up(of, capacity, until)
    slots = [
        (room, LEVELS[level])
        for rooms in of
        for room, day in rooms.items()
        for start, level in zip(day.starts, day.levels, strict=True)
        if start + SLOT_MS <= until
    ]
    known = [(room, level) for room, level in slots if level != NO_DATA]
    good = [(room, level) for room, level in known if level in ("very_good", "good")]
    assert (found.slots, found.known) == (len(slots), len(known))
    assert found.protected_slots == sum(capacity.get(room, 0) for room, _ in good)
    assert found.uncounted == {room for room, _ in slots if not capacity.get(room)}
    if slots and len(known) / len(slots) >= 0.5:
        assert found.good_share == pytest.approx(len(good) / len(known))
        above = [level for _, level in known if level in ("starts_to_affect_health", "affects_health")]
        assert found.hours_above == pytest.approx(len(above) / 4)
    else:
        assert found.good_share is found.hours_above is found.protected_hours is None


@given(st.lists(days, max_size=4), capacities)
def test_schools_together_are_what_all_their_days_are(
    of: list[list[dict[str, RoomDay]]], capacity: dict[str, int]
) -> None:
    whole = add_up([rooms for school in of for rooms in school], capacity)
    assert together(add_up(school, capacity) for school in of) == whole


usage = st.builds(
    UsageRecord,
    st.sampled_from(("s.f", "s.g", "t.f")),
    st.just("2026-11-23"),
    st.sampled_from((0.0, 3600.0)),
    st.just(100.0),
    st.just(1),
    st.sampled_from((0.0, 3600.0)),
    st.floats(0, 500),
    st.just(0.0),
    st.just(0.0),
    st.just(0.0),
    st.just(0.0),
)


@given(st.lists(usage, max_size=12))
def test_a_purifier_that_nothing_measures_is_named_and_never_counted_as_nothing(rows: list[UsageRecord]) -> None:
    config = parse(TEXT + "price_per_kwh: 5\n", {})
    found = energy_of(config, ["s.f", "s.g"], rows)
    mine = [row for row in rows if row.purifier.startswith("s.")]
    blind = {row.purifier for row in mine if row.on_s and not row.metered_s}
    unheard = {"s.f", "s.g"} - {row.purifier for row in mine}
    assert set(found.without) == blind | unheard
    if blind | unheard == {"s.f", "s.g"}:
        assert found.kwh is found.cost is None
    else:
        assert found.kwh == pytest.approx(sum(row.metered_wh for row in mine) / 1000)
        assert found.cost == pytest.approx(5 * (found.kwh or 0))


def test_nothing_is_divided_by_no_protected_hours() -> None:
    assert Energy(12.0, 60.0).per_hour(0.0) == Energy(12.0, 60.0).per_hour(None) == (None, None)
    assert Energy(12.0, 60.0).per_hour(100.0) == (0.12, 0.6)
    assert Energy(None, None).per_hour(100.0) == (None, None)


# -- days that are remembered ------------------------------------------------------------------------------------------


class School:
    """A store with a changing present."""

    def __init__(self) -> None:
        self.config: Config = parse(TEXT, {})
        self.store, self.now = MemoryStore(), day_start_ms(MONDAY) + 12 * HOUR_MS
        self.days = LessonDays(lambda: self.config, self.lessons, self.versions, lambda: self.now)
        self._seq = 0

    @contextmanager
    def lessons(self) -> Iterator[LessonReader]:
        yield LessonReader(MeansReader(self.store, self.config, Corrections()), self.config, self.now)

    def versions(self, site: str, first: date, last: date) -> dict[date, int]:
        return self.store.versions(site, first, last + timedelta(days=1))

    def measure(self, day: date, value: float, first_hour: int, last_hour: int) -> None:
        start = day_start_ms(day) + first_hour * HOUR_MS
        minutes = (last_hour - first_hour) * 60
        self._seq += minutes
        self.store.write(
            Reading("s.r-pm", "s.b", "ab12cd34ef", self._seq - minutes + n + 1, start + (n + 1) * MINUTE_MS,
                    {"pm25": value}, 60.0, room="s.r", simulated=True)
            for n in range(minutes)
        )  # fmt: skip

    def of(self, first: date, last: date) -> dict[date, tuple[int, ...]]:
        return {day: rooms["s.r"].counts for day, rooms in self.days.of("s", first, last) if "s.r" in rooms}


def test_a_day_is_read_once_and_again_only_when_its_data_or_its_lessons_have_changed() -> None:
    school = School()
    school.measure(MONDAY, 12.0, 8, 12)
    school.now += DAY_MS
    assert school.of(MONDAY, MONDAY) == {MONDAY: (12, 0, 0, 0, 0, 12)}
    read = school.days.read
    assert school.of(MONDAY, MONDAY) == {MONDAY: (12, 0, 0, 0, 0, 12)} and school.days.read == read
    school.measure(MONDAY, 60.0, 12, 16)
    assert school.of(MONDAY, MONDAY) == {MONDAY: (12, 0, 0, 12, 0, 0)} and school.days.read == read + 1
    school.config = parse(TEXT.replace("12:30-15:30", "13:00-15:00"), {})
    assert school.of(MONDAY, MONDAY) == {MONDAY: (12, 0, 0, 8, 0, 0)} and school.days.read == read + 2


def test_the_day_under_way_has_only_what_is_over_and_grows_every_quarter_of_an_hour() -> None:
    school = School()
    school.measure(MONDAY, 12.0, 8, 12)
    school.now = day_start_ms(MONDAY) + 9 * HOUR_MS + 14 * MINUTE_MS
    assert school.of(MONDAY, MONDAY) == {MONDAY: (2, 0, 0, 0, 0, 0)}
    school.now += MINUTE_MS
    assert school.of(MONDAY, MONDAY + timedelta(days=3)) == {MONDAY: (3, 0, 0, 0, 0, 0)}
    assert school.of(MONDAY + timedelta(days=1), MONDAY + timedelta(days=3)) == {}


def test_a_school_that_is_not_there_has_no_days() -> None:
    assert list(School().days.of("elsewhere", MONDAY, MONDAY)) == []
