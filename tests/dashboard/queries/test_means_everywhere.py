"""Every way out of the system says the same of the same readings: mean, count, completeness, complete or not.

What is right is worked out here from single readings, by the words of docs/science.md, "Data completeness".
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from classair.config import Config, parse
from classair.model import Flag, Reading
from classair.stores import Store
from classair.stores.corrections import add
from classair.stores.memory.store import MemoryStore
from classair.timetable import day_start_ms
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from ingest.books.books import Books
from research.export.package import build
from research.export.preview import preview
from research.export.request import Request
from research.export.sources import Sources
from tests.dashboard.queries.means_by_hand import (
    CONFIG,
    CORRECTION,
    NEAR,
    ROOM,
    STEPS,
    School,
    Seconds,
    of_room,
    right,
    same,
    stretches,
    taken,
)

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module", params=["sqlite", "memory"])
def school(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    from tests.dashboard.conftest import Builder

    folder = tmp_path_factory.mktemp("means")
    config: Config = parse(CONFIG)
    books = Books(folder / "readings.db", journal=False)
    books.versions.add(CONFIG, 0)
    with books.store.transaction() as connection:
        add(connection, CORRECTION)
    store: Store = books.store if request.param == "sqlite" else MemoryStore()
    builder = Builder(folder, config)
    house = builder(config=config, store=store, readings=folder / "readings.db")
    yield School(house, store, Sources(store, config, folder / "readings.db", folder / "archive"), folder)
    builder.close()
    books.close()


# -- the ways out ------------------------------------------------------------------------------------------------------


def series(school: School, day: date, step: str) -> dict[int, Any]:
    begin = day_start_ms(day) + 8 * HOUR_MS
    told = school.get(f"/api/v1/rooms/{ROOM}/series?start={begin}&end={begin + 4 * HOUR_MS}&step={step}")
    return {ms(point["start"]): point for point in told["points"]}


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def selection(day: date, step: str, lesson: bool = False) -> dict[str, Any]:
    method = "accepted" if STEPS.get(step, DAY_MS) >= 5 * MINUTE_MS else "none"
    asked = {"rooms": ROOM, "quantities": "pm25", "first": f"{day}", "last": f"{day}", "step": step, "method": method}
    return {**asked, "lesson": "1"} if lesson else asked


def query(wish: dict[str, Any]) -> str:
    return "&".join(f"{key}={value}" for key, value in wish.items())


def explorer_csv(school: School, wish: dict[str, Any]) -> list[dict[str, str]]:
    told = school.callback(
        ["explorer-download.data", "explorer-form-says.children"],
        ("explorer-csv.n_clicks", 1),
        ("explorer-view.data", {"query": query(wish), "language": "en"}),
    )
    text = told["explorer-download"]["data"]["content"].removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))


def rows_of(markup: str) -> Iterator[list[str]]:
    """The texts of the rows of a page's tables."""
    for row in re.findall(r"<tr\b.*?</tr>", markup, re.S):
        yield [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td\b.*?</td>", row, re.S)]


def check_api_and_explorer(school: School, day: date, readings: list[Reading], step: str) -> None:
    by_sensor = right(readings, STEPS[step])
    rooms = of_room(by_sensor)
    points = series(school, day, step)
    assert points.keys() == rooms.keys()
    for start, one in rooms.items():
        told = points[start]
        assert (told["n"], told["complete"]) == (one.n, one.complete), (step, start)
        assert same(told["mean"], one.mean) and same(told["completeness"], one.completeness), (step, told, one)

    table = school.get(f"/api/v1/table?limit=5000&{query(selection(day, step))}")["rows"]
    assert {(row["sensor"], ms(row["start"])) for row in table} == by_sensor.keys()
    for row in table:
        one = by_sensor[row["sensor"], ms(row["start"])]
        assert row["n"] == one.n and same(row["value"], one.value), (step, row, one)
        assert same(row["completeness"], one.completeness) and (row["why"] == "incomplete") == (not one.complete)
        assert not one.n or same(min(1.0, row["n"] / row["expected"]), one.completeness)

    rows = explorer_csv(school, selection(day, step))
    assert {(row["sensor_id"], ms(row["time"])) for row in rows} == by_sensor.keys()
    for row in rows:
        check_row(row, by_sensor, step)


def check_row(row: dict[str, Any], by_sensor: dict[tuple[str, int], Any], step: str) -> None:
    """A row as exports and the explorer write it."""
    one = by_sensor[row["sensor_id"], ms(row["time"])]
    none = row.get("correction_id", "none") in ("", "none")
    told = row["pm25_raw_ugm3"] if none else row["pm25_corrected_ugm3"]
    assert int(row["n"]) == one.n and same(told, one.value, NEAR), (step, row, one)
    assert ("incomplete" in row["flags"]) == (not one.complete)
    assert not one.n or same(min(1.0, one.n / float(row["n_expected"])), one.completeness)


def check_packages(school: School, day: date, readings: list[Reading], step: str) -> None:
    by_sensor = right(readings, STEPS[step])
    asked = Request.parse(selection(day, step))
    package = build(school.sources, asked, school.folder / f"package-{next(school.numbers)}")
    rows = list(csv.DictReader(io.StringIO((package.path / "data.csv").read_text("utf-8-sig"), newline="")))
    assert {(row["sensor_id"], ms(row["time"])) for row in rows} == by_sensor.keys()
    first = preview(school.sources, asked)
    for row in [*rows, *(dict(zip(first.names, told, strict=True)) for told in first.sample[1:])]:
        check_row(row, by_sensor, step)


def check_room_page(school: School, day: date, readings: list[Reading]) -> None:
    """A day is drawn and told in five minutes."""
    rooms = of_room(right(readings, STEPS["5m"]))
    view = f"room={ROOM}&lang=en&range=day&date={day}"
    told = [row for row in rows_of(school.text(f"/live/room/table?chart=pm25&{view}")) if len(row) > 2]
    known = {start: one for start, one in sorted(rooms.items()) if one.n}
    assert len(told) == len(known)
    for row, one in zip(told, known.values(), strict=True):
        mean, share = row[1], row[-1]
        assert mean.startswith("≈") == (one.mean is not None and not one.complete), (row, one)
        assert same(mean.removeprefix("≈ ").replace("–", ""), one.mean, 0.051)
        assert abs(float(share.removesuffix("%")) / 100 - one.completeness) <= 0.0101
    page = school.text(f"/room/{ROOM}?lang=en&range=day&date={day}")
    [place] = re.findall(r'<div [^>]*\bid="room-pm25"[^>]*>', page)
    drawn_as = re.search(r'data-figure="([^"]*)"', place)
    assert drawn_as is not None
    figure = json.loads(html.unescape(drawn_as[1]))["figure"]
    line = next(trace for trace in figure["data"] if "xperiod" in trace and trace["line"]["dash"] == "solid")
    drawn = {x - 7 * HOUR_MS: y for x, y in zip(line["x"], line["y"], strict=True) if y is not None}
    assert drawn.keys() == {start for start, one in known.items() if one.mean is not None}
    assert all(same(y, known[start].mean, 0.051) for start, y in drawn.items())


def check_display(school: School, day: date, readings: list[Reading]) -> None:
    rooms = of_room(right(readings, STEPS["5m"]))
    end = day_start_ms(day) + 11 * HOUR_MS
    school.now(end + 1000)
    told = {at - 150_000: mean for at, mean in school.get(f"/display/{ROOM}/line")["indoor"]}
    school.now(day_start_ms(day) + DAY_MS + MINUTE_MS)
    assert told.keys() == {start for start, one in rooms.items() if one.value is not None}
    assert all(same(mean, rooms[start].mean, 0.051) for start, mean in told.items())


def check_day(school: School, day: date, readings: list[Reading]) -> None:
    """The day's own mean, and the one of its complete hours that may be called AQI."""
    hours = right(readings, HOUR_MS)
    told = school.get(f"/api/v1/table?index=thai2023&{query(selection(day, '1d'))}")["rows"]
    for row in told:
        own = [one for (sensor, _), one in hours.items() if sensor == row["sensor"]]
        assert row["n"] == sum(one.n for one in own)
        covered = sum(
            one.interval_s for one in readings if one.sensor == row["sensor"] and one.valid("pm25") is not None
        )
        assert same(row["completeness"], min(1.0, covered / 86_400))
        there = [one.value for one in own if one.value is not None]
        assert same(row["mean_24h"], sum(there) / len(there) if len(there) >= 18 else None)


def check_lessons(school: School, day: date, readings: list[Reading], step: str) -> None:
    wish = selection(day, step, lesson=True)
    by_sensor = right(readings, STEPS[step], lesson=True)
    for row in school.get(f"/api/v1/table?limit=5000&{query(wish)}")["rows"]:
        one = by_sensor.pop((row["sensor"], ms(row["start"])))
        assert row["n"] == one.n and same(row["value"], one.value), (step, row, one)
        assert same(row["completeness"], one.completeness)
    assert not by_sensor


@given(history=stretches(), corrected=some.booleans())
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_every_way_out_gives_the_same_means_for_any_history(
    school: School, history: list[tuple[str, Seconds, Flag, float, float | None]], corrected: bool
) -> None:
    day = school.fresh_day(corrected)
    readings = taken(school, day, history)
    school.now(day_start_ms(day) + DAY_MS + MINUTE_MS)
    for step in STEPS:
        check_api_and_explorer(school, day, readings, step)
    for step in ("5m", "1h"):
        check_packages(school, day, readings, step)
        check_lessons(school, day, readings, step)
    check_room_page(school, day, readings)
    check_display(school, day, readings)
    check_day(school, day, readings)


# -- two minutes of each quarter hour ----------------------------------------------------------------------------------


def test_an_hour_with_49_of_360_readings_is_incomplete_on_every_way_out(school: School) -> None:
    day = school.fresh_day(corrected=False)
    seconds = [9 * 3600 + quarter * 900 + n * 10 for quarter in range(4) for n in range(12)] + [9 * 3600 + 3590]
    readings = taken(school, day, [("s.one", (10.0, second), Flag.NONE, 20.0, 50.0) for second in seconds])
    assert len(readings) == 49
    hour, wish = day_start_ms(day) + 9 * HOUR_MS, selection(day, "1h")
    school.now(day_start_ms(day) + DAY_MS + MINUTE_MS)
    share = pytest.approx(0.136, abs=5e-4)

    [point] = series(school, day, "1h").values()
    assert (point["n"], point["mean"], point["completeness"], point["complete"]) == (49, 20.0, share, False)
    [row] = school.get(f"/api/v1/table?{query(wish)}")["rows"]
    assert (row["n"], row["expected"], row["completeness"]) == (49, 360.0, share)
    assert (row["mean"], row["value"], row["why"]) == (20.0, None, "incomplete")
    [told] = [row for row in explorer_csv(school, wish) if ms(row["time"]) == hour]
    assert (told["n"], float(told["n"]) / float(told["n_expected"])) == ("49", share)
    assert "incomplete" in told["flags"]
    tree = school.callback(
        ["explorer-table.children"],
        ("explorer-more.n_clicks", 1),
        ("explorer-view.data", {"query": query(wish), "language": "en"}),
    )
    assert "14%" in json.dumps(tree)
    nowcast = school.get(f"/api/v1/rooms/{ROOM}/nowcast?start={hour}&end={hour + HOUR_MS}")["hours"]
    assert [each["mean"] for each in nowcast] == [None]
    [rollup] = school.get(f"/api/v1/rollups?room={ROOM}&start={hour}&end={hour + HOUR_MS}&grain=1h")["rollups"]
    assert (rollup["n"], rollup["mean"]) == (49, 20.0)
    check_packages(school, day, readings, "1h")
    check_room_page(school, day, readings)
    check_display(school, day, readings)
    check_day(school, day, readings)


# -- the present -------------------------------------------------------------------------------------------------------


def test_a_step_in_progress_counts_the_time_that_has_passed_alone(school: School) -> None:
    day = school.fresh_day(corrected=False)
    begin = 9 * 3600
    taken(school, day, [("s.one", (10.0, begin + n * 10), Flag.NONE, 20.0, 50.0) for n in range(60)])
    hour = day_start_ms(day) + 9 * HOUR_MS

    def told(at_ms: int) -> tuple[Any, Any]:
        school.now(at_ms)
        [point] = series(school, day, "1h").values()
        [row] = school.get(f"/api/v1/table?{query(selection(day, '1h'))}")["rows"]
        assert point["complete"] == (row["value"] is not None)
        assert row["completeness"] == pytest.approx(point["completeness"], abs=0.09), "tables count whole minutes"
        return point["completeness"], point["complete"]

    assert told(hour + 10 * MINUTE_MS + 5000) == (1.0, True)
    assert told(hour + 20 * MINUTE_MS + 5000) == (0.5, False)
    assert told(hour + HOUR_MS) == (pytest.approx(1 / 6), False)


def test_the_name_of_a_table_changes_with_the_minute_while_a_step_is_in_progress_and_then_no_more(
    school: School,
) -> None:
    day = school.fresh_day(corrected=False)
    taken(school, day, [("s.one", (10.0, 9 * 3600), Flag.NONE, 20.0, 50.0)])
    ask: Callable[[], Any] = lambda: school.get(f"/api/v1/table?{query(selection(day, '1h'))}")["data"]  # noqa: E731
    school.now(day_start_ms(day) + 10 * HOUR_MS)
    before = ask()
    school.now(day_start_ms(day) + 11 * HOUR_MS)
    assert ask() != before
    school.now(day_start_ms(day) + DAY_MS)
    after = ask()
    school.now(day_start_ms(day) + 2 * DAY_MS)
    assert ask() == after
