"""A selection's rows over a real store: sensors, corrections, lesson time, completeness."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dashboard.pages  # noqa: F401  # it makes the explorer's texts known
from classair import i18n
from classair.config import parse
from classair.model import Flag, Reading
from classair.science.corrections import PUBLISHED, Correction, Corrections
from classair.stores.memory.store import MemoryStore
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from research.means import MeanRow, MeansReader, pooled
from research.selection import Selection, SelectionRefused

CONFIG = parse("""org: demo
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms: {r: {name: R, volume_m3: 180, timetable: t}, q: {name: Q, volume_m3: 100}}
    sensors:
      one: {bridge: b, room: r, model: pms5003t, port: "sim:x"}
      two: {bridge: b, room: r, model: pms5003t, port: "sim:x"}
timetables:
  t: {occupied: ["07:30-16:00"], lessons: ["08:30-11:30"]}
""")
MONDAY = Selection.parse({"rooms": "s.r", "first": "2026-11-23", "last": "2026-11-23"})
START = MONDAY.start_ms


def readings() -> Iterator[Reading]:
    """Two days in minutes: sensor one says the hour of the day, sensor two twice that, only in the mornings."""
    for sensor, factor in (("s.one", 1.0), ("s.two", 2.0)):
        for minute in range(2 * 1440):
            hour = minute % 1440 // 60
            if factor == 2.0 and hour >= 12:
                continue
            flags = Flag.WARMUP if sensor == "s.one" and minute < 30 else Flag.NONE
            yield Reading(
                sensor,
                "s.b",
                "e" * 8,
                minute + 1 + int(factor * 100_000),
                START + minute * MINUTE_MS,
                {"pm25": factor * hour, "rh_pct": 50.0 + hour, "temp_c": 30.0},
                60.0,
                room="s.r",
                flags=flags,
                simulated=True,
            )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    found = SqliteStore(tmp_path_factory.mktemp("tables") / "readings.db")
    found.write(readings())
    yield found
    found.close()


def asked(store: SqliteStore, corrections: Corrections | None = None, **wish: Any) -> list[MeanRow]:
    selection = Selection.parse({**MONDAY.model_dump(mode="json"), **wish})
    return list(MeansReader(store, CONFIG, corrections or Corrections()).selected(selection))


def test_each_sensor_has_rows_of_its_own_in_order(store: SqliteStore) -> None:
    found = asked(store)
    assert [row.sensor for row in found] == ["s.one"] * 24 + ["s.two"] * 12
    assert [row.value for row in found[:3]] == [None, 1.0, 2.0]
    assert [row.start_ms for row in found[24:26]] == [START, START + HOUR_MS]


def test_a_mean_below_its_completeness_is_none_and_says_why(store: SqliteStore) -> None:
    first = asked(store)[0]
    assert (first.n, first.expected, first.completeness, first.bad) == (30, 60.0, 0.5, {"warmup": 30})
    assert (first.value, first.mean, first.why) == (None, 0.0, "incomplete")
    assert asked(store, completeness=0.5)[0].value == 0.0


def test_a_day_is_the_mean_of_its_readings(store: SqliteStore) -> None:
    one, two = asked(store, step="1d")
    assert one.n == 1410
    assert one.value == pytest.approx(sum(hour * 60 for hour in range(24)) / 1410)
    assert (two.value, two.completeness, two.why) == (None, 0.5, "incomplete")


@pytest.mark.parametrize("step", ["5m", "15m", "1h", "1d"])
def test_lesson_time_alone_holds_nothing_else(store: SqliteStore, step: str) -> None:
    found = [row for row in asked(store, step=step, lesson=True) if row.sensor == "s.one"]
    assert sum(row.n for row in found) == 180
    assert all(row.completeness == 1.0 for row in found)
    assert {row.low for row in found} | {row.high for row in found} <= {8.0, 9.0, 10.0, 11.0}


def test_a_room_without_a_timetable_has_no_lesson_time(store: SqliteStore) -> None:
    assert asked(store, rooms="s.q", lesson=True) == []


def test_a_published_correction_uses_the_humidity_of_the_same_hour_and_sensor(store: SqliteStore) -> None:
    found = {row.start_ms: row for row in asked(store, method="epa2021_atm") if row.sensor == "s.one"}
    tenth = found[START + 10 * HOUR_MS]
    assert tenth.value == pytest.approx(PUBLISHED["epa2021_atm"].correct(10.0, 60.0).value, abs=1e-6)
    assert (tenth.correction, tenth.mean) == ("epa2021_atm@1", 10.0)


def test_a_corrected_day_is_made_from_corrected_hours(store: SqliteStore) -> None:
    correction = PUBLISHED["epa2021_atm"]
    day = asked(store, step="1d", method="epa2021_atm")[0]
    hours = [(correction.correct(float(hour), 50.0 + hour).value or 0.0, 30 if hour == 0 else 60) for hour in range(24)]
    assert day.value == pytest.approx(sum(v * n for v, n in hours) / 1410, abs=1e-5)


def test_an_accepted_correction_holds_from_its_date_for_its_sensors(store: SqliteStore) -> None:
    half = Correction(
        id="s-half",
        version=1,
        method="linear",
        coefficients={"slope": 0.5, "intercept": 0.0},
        valid_from=START + 12 * HOUR_MS,
        sensors=("s.one",),
        accepted_at=1,
    )
    found = asked(store, Corrections((half,)), method="accepted")
    assert [row.value for row in found if row.start_ms == START + 10 * HOUR_MS] == [10.0, 20.0]
    assert [(row.value, row.correction) for row in found if row.start_ms == START + 20 * HOUR_MS] == [
        (10.0, "s-half@1")
    ]


def test_a_school_s_correction_that_is_chosen_is_used_where_it_was_made_for_alone(store: SqliteStore) -> None:
    half = Correction(
        id="s-half",
        version=1,
        method="linear",
        coefficients={"slope": 0.5, "intercept": 0.0},
        valid_from=START + 10 * HOUR_MS,
        valid_to=START + 12 * HOUR_MS,
        sensors=("s.one",),
        accepted_at=1,
    )
    found = asked(store, Corrections((half,)), method="s-half")
    assert {(row.sensor, (row.start_ms - START) // HOUR_MS): row.value for row in found if row.value is not None} == {
        ("s.one", 10): 5.0,
        ("s.one", 11): 5.5,
    }
    assert {row.why for row in found if row.value is None and row.n >= 45} == {"not_for_this_sensor"}


def test_a_formula_for_one_make_gives_no_value_for_another() -> None:
    other = parse("""org: demo
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms: {r: {name: R, volume_m3: 180}}
    sensors: {one: {bridge: b, room: r, model: sds011, port: "sim:x"}}
""")
    made = MemoryStore()
    made.write(
        [
            Reading(
                "s.one",
                "s.b",
                "e" * 8,
                minute + 1,
                START + minute * MINUTE_MS,
                {"pm25": 20.0, "rh_pct": 50.0},
                60.0,
                room="s.r",
                simulated=True,
            )
            for minute in range(60)
        ]
    )
    wish = Selection.parse({**MONDAY.model_dump(mode="json"), "method": "epa2021_atm"})
    [row] = MeansReader(made, other, Corrections()).selected(wish)
    assert (row.mean, row.value, row.why) == (20.0, None, "not_for_this_sensor")
    assert i18n.has(f"explorer.why.{row.why}"), "and people can read why"


@pytest.mark.parametrize("method", ["barkjohn2021_cf1", "epa_fasm2020_cf1"])
def test_a_formula_that_needs_what_is_kept_by_the_hour_is_refused_for_less_and_works_in_lesson_time(
    tmp_path: Path, method: str
) -> None:
    made = SqliteStore(tmp_path / "readings.db")
    made.write(
        [
            Reading(
                "s.one",
                "s.b",
                "e" * 8,
                minute + 1,
                START + minute * MINUTE_MS,
                {"pm25": 20.0, "pm25_cf1": 30.0, "rh_pct": 50.0},
                60.0,
                room="s.r",
                simulated=True,
            )
            for minute in range(1440)
        ]
    )
    with pytest.raises(SelectionRefused, match="stored by the hour; choose 1h or 1d"):
        asked(made, method=method, step="30m")
    for step, lesson in (("1h", False), ("1h", True), ("1d", True)):
        found = asked(made, method=method, step=step, lesson=lesson)
        value = PUBLISHED[method].correct(30.0, 50.0).value
        assert [row.value for row in found] == [pytest.approx(value)] * len(found) != []
    made.close()


def test_sensors_of_a_room_pool_by_their_readings(store: SqliteStore) -> None:
    found = {row.start_ms: row for row in pooled(asked(store), 0.75)}
    ten, twenty = found[START + 10 * HOUR_MS], found[START + 20 * HOUR_MS]
    assert (ten.value, ten.n, ten.sensor) == (15.0, 120, "s.one,s.two")
    assert (twenty.value, twenty.n) == (20.0, 60)
    room = store.series("s.r", "pm25", START, START + DAY_MS, HOUR_MS)
    assert [bucket.mean for bucket in room] == [row.mean for row in pooled(asked(store), 0.75)]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"rooms": "s.nowhere"}, "rooms: unknown room 's.nowhere'"),
        ({"method": "magic"}, "unknown correction 'magic'"),
        ({"method": "epa2021_atm", "step": "1m"}, "at least 5m"),
        ({"step": "reading"}, "no averages"),
    ],
)
def test_what_cannot_be_asked_is_refused(store: SqliteStore, wish: dict[str, str], said: str) -> None:
    with pytest.raises(SelectionRefused, match=said):
        asked(store, **wish)


def test_other_quantities_are_themselves_whatever_corrects_pm25(store: SqliteStore) -> None:
    for wish in ({}, {"lesson": True}, {"method": "epa2021_atm"}):
        assert {row.value for row in asked(store, quantities=["temp_c"], **wish) if row.value is not None} == {30.0}
