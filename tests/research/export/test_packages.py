"""A package: complete, the same bytes for the same request and data, and readable by what people use."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from classair.places import Places
from classair.science.heat import heat_index_c
from research.export import ExportFault, changes
from research.export.package import Package, build
from research.export.request import Request
from research.export.sources import Sources, opened
from research.means import MeansReader
from tests.research.export.unpacked import files, table

pytestmark = pytest.mark.thorough

Ask = Callable[..., Request]
STEPS = ("reading", "15m", "1h", "1d")


@pytest.fixture
def hourly(sources: Sources, ask: Ask, tmp_path: Path) -> Package:
    return build(sources, ask(method="accepted"), tmp_path / "hourly")


def test_a_package_has_everything_and_its_checksums_are_right(hourly: Package) -> None:
    found = files(hourly)
    assert set(found) == {
        "data.parquet",
        "data.csv",
        "datapackage.json",
        "datacite.json",
        "dcat.jsonld",
        "ro-crate-metadata.json",
        "codebook.csv",
        "deployments.csv",
        "calibrations.csv",
        "events.csv",
        "purifiers.csv",
        "missing.csv",
        "README.md",
        "LICENSE",
        "CITATION.cff",
        "SHA256SUMS",
        "request.json",
        "versions.json",
    }
    told = dict(reversed(line.split("  ")) for line in found["SHA256SUMS"].decode().splitlines())
    assert told == {name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name != "SHA256SUMS"}
    assert found["data.csv"].startswith(b"\xef\xbb\xbftime,time_utc,school_id,room_id,sensor_id,pm25_raw_ugm3,")
    assert Request.parse(json.loads(found["request.json"])).id == hourly.origin.request
    assert json.loads(found["versions.json"])["days"]["hill"].keys() == {"2026-11-23", "2026-11-24", "2026-11-25"}


@pytest.mark.parametrize("step", STEPS)
def test_the_same_request_of_the_same_data_has_the_same_bytes(
    sources: Sources,
    ask: Ask,
    tmp_path: Path,
    step: str,
) -> None:
    one, two = (build(sources, ask(step), tmp_path / name) for name in ("one", "two"))
    assert files(one) == files(two)
    assert one.origin.data_id == two.origin.data_id
    zips = [build(sources, ask(step), tmp_path / f"{name}.zip", zipped=True).path for name in ("one", "two")]
    assert zips[0].read_bytes() == zips[1].read_bytes()
    with zipfile.ZipFile(zips[0]) as packed:
        assert {Path(name).name: packed.read(name) for name in packed.namelist()} == files(one)


def test_the_archive_gives_the_same_bytes_as_the_store(
    sources: Sources,
    places: Places,
    ask: Ask,
    tmp_path: Path,
) -> None:
    from research.archive.command import archive_days

    before = build(sources, ask("reading", netcdf=True), tmp_path / "store")
    assert archive_days(places.readings, places.archive, date(2100, 1, 1)).written == 3
    after = build(sources, ask("reading", netcdf=True), tmp_path / "archive")
    assert files(before) == files(after)


def test_a_package_made_after_a_late_row_says_which_day_changed(
    sources: Sources,
    ask: Ask,
    tmp_path: Path,
    late: Callable[[], None],
    places: Places,
    school: Any,
) -> None:
    before = build(sources, ask(), tmp_path / "before")
    late()
    with opened(places, school) as again:
        after = build(again, ask(), tmp_path / "after", since=changes.read(before.path))
    assert changes.between(before.origin, after.origin).days == ("hill 2026-11-24",)
    assert "hill 2026-11-24" in (after.path / "README.md").read_text("utf-8")
    assert json.loads((after.path / "versions.json").read_bytes())["changed_since"] == {
        "data": before.origin.data_id,
        "days": ["hill 2026-11-24"],
        "aside": [],
    }
    assert before.origin.data_id != after.origin.data_id
    same = changes.between(before.origin, changes.read(before.path))
    assert not same


def test_an_event_noted_later_is_named_as_a_change(
    sources: Sources,
    ask: Ask,
    tmp_path: Path,
    places: Places,
    school: Any,
) -> None:
    from classair.stores.events import SchoolEvent, put
    from classair.stores.sqlite.store import SqliteStore

    before = build(sources, ask(), tmp_path / "before")
    store = SqliteStore(places.readings)
    with store.transaction() as connection:
        put(connection, SchoolEvent("e2", "hill", "", "smoke_day", 1_795_366_800_000, 1_795_453_200_000))
    store.close()
    after = build(sources, ask(), tmp_path / "after")
    assert changes.between(before.origin, after.origin).aside == ("events",)


def test_rows_are_those_of_explorer_and_api(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    for step, method in (("1d", "none"), ("1h", "accepted"), ("30m", "epa2021_atm")):
        request = ask(step, method=method)
        found = table(build(sources, request, tmp_path / f"{step}{method}"))
        lost = [line for line in found if line["n"] == "0" and line["flags"] == "incomplete"]
        assert {(line["sensor_id"], line["time"][:13]) for line in lost} <= {("hill.pm", "2026-11-25T20")}
        found = [line for line in found if line not in lost]
        pm25 = [
            row
            for row in MeansReader(sources.store, sources.config, sources.corrections()).selected(request.selection)
            if row.quantity == "pm25"
        ]
        assert len(found) == len(pm25)
        shown = {(row.sensor, row.start_ms): row for row in pm25}
        for line in found:
            row = shown[line["sensor_id"], int(datetime.fromisoformat(line["time"]).timestamp() * 1000)]
            name = "pm25_raw_ugm3" if row.correction == "none" else "pm25_corrected_ugm3"
            assert (float(line[name]) if line[name] else None) == row.value
            assert (int(line["n"]), line["correction_id"]) == (row.n, row.correction)


def test_single_readings_are_as_they_were_measured(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    found = table(build(sources, ask("reading"), tmp_path / "single"))
    stored = [
        r for room in ("hill.r1", "hill.yard") for r in sources.store.readings(room, 0, 2**50) if "rh_pct" in r.values
    ]
    assert len(found) == len(stored)
    by_seq = {(row["bridge_id"], row["epoch"], int(row["seq"])): row for row in found}
    for reading in stored:
        row = by_seq[reading.key]
        assert float(row["rh_pct"]) == reading.values["rh_pct"]
        assert (float(row["pm25_raw_ugm3"]) if row["pm25_raw_ugm3"] else None) == reading.values.get("pm25")
        assert row["flags"] == ("WARMUP" if reading.flags else "")
        assert row["value_flags"] == ("pm25:SPIKE" if reading.value_flags else "")
        assert row["late"] == ("TRUE" if reading.late else "FALSE")
    lesson = [row for row in found if row["lesson"] == "TRUE" and row["room_id"] == "hill.r1"]
    assert len(lesson) == 3 * 4 * 60


def test_lesson_time_alone_can_be_asked_for(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    whole = table(build(sources, ask("reading", lesson=True), tmp_path / "single"))
    assert {row["lesson"] for row in whole} == {"TRUE"}
    assert len(whole) == 3 * 4 * 60
    means = table(build(sources, ask("1d", lesson=True), tmp_path / "daily"))
    assert {row["n"] for row in means} == {"240"}


def test_a_reader_can_tell_which_sensor_hung_where_how_corrected_and_what_is_missing(hourly: Package) -> None:
    assert {(row["sensor_id"], row["room_id"], row["model"]) for row in table(hourly, "deployments.csv")} == {
        ("hill.pm", "hill.r1", "pms5003t"),
        ("hill.out", "hill.yard", "pms5003t"),
        ("hill.air", "hill.r1", "s8"),
    }
    assert {row["correction_id"] for row in table(hourly) if row["n"] != "0"} == {"none", "hill-2026@1"}
    used = {row["correction_id"]: row for row in table(hourly, "calibrations.csv")}
    assert json.loads(used["hill-2026@1"]["coefficients"]) == {"intercept": 1.0, "slope": 0.5}
    assert [(row["sensor_id"], row["readings"], row["reason"]) for row in table(hourly, "missing.csv")] == [
        ("hill.pm", "60", "unplugged")
    ]
    assert [row["on"] for row in table(hourly, "purifiers.csv")] == ["TRUE", "FALSE"]
    book = {row["name"]: row for row in table(hourly, "codebook.csv") if row["kind"] == "column"}
    assert list(book) == (hourly.path / "data.csv").read_text("utf-8-sig").splitlines()[0].split(",")
    assert (book["pm25_raw_ugm3"]["unit"], "ฝุ่น" in book["pm25_raw_ugm3"]["label_th"]) == ("µg/m³", True)


def test_no_text_is_run_by_a_spreadsheet_and_numbers_stay_numbers(hourly: Package) -> None:
    assert [row["note"] for row in table(hourly, "events.csv")] == ['\'=HYPERLINK("x")']
    from research.export.side_tables import neutral

    for text in ("=1+1", "+66", "-2", "@SUM", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠x", " =1", "\u3000=1"):
        assert neutral(text) == f"'{text}"
    assert neutral("HEPA = new") == "HEPA = new"


def test_negative_numbers_are_written_as_numbers(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    found = table(build(sources, ask(quantities="temp_c", completeness=0.3), tmp_path / "cold"))
    assert {row["temp_c"] for row in found} == {"-1.5"}


def test_the_heat_index_is_that_of_the_means_beside_it(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    found = table(build(sources, ask(quantities="temp_c,rh_pct", completeness=0.3), tmp_path / "warm"))
    for row in found:
        felt = heat_index_c(float(row["temp_c"]), float(row["rh_pct"])) if row["temp_c"] and row["rh_pct"] else None
        assert row["heat_index_c"] == ("" if felt is None else f"{felt:.1f}")
    assert any(row["heat_index_c"] for row in found)
    alone = table(build(sources, ask(quantities="temp_c", completeness=0.3), tmp_path / "alone"))
    assert all("heat_index_c" not in row for row in alone)


def test_empty_means_missing_and_what_is_incomplete_has_no_mean(hourly: Package) -> None:
    first = next(row for row in table(hourly) if row["sensor_id"] == "hill.pm")
    assert (first["time"], first["time_utc"]) == ("2026-11-23T00:00:00+07:00", "2026-11-22T17:00:00Z")
    assert (first["n"], first["n_expected"], first["pm25_raw_ugm3"], first["flags"]) == (
        "30",
        "60",
        "",
        "warmup:30;incomplete",
    )
    assert not any("2569" in row["time"] for row in table(hourly))


def test_without_a_licence_it_says_so_and_with_one_it_is_named(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    none = build(sources, ask(), tmp_path / "none")
    assert "No licence has been chosen" in (none.path / "LICENSE").read_text("utf-8")
    chosen = build(sources, ask(licence="CC-BY-4.0"), tmp_path / "chosen")
    assert "CC-BY-4.0" in (chosen.path / "LICENSE").read_text("utf-8")
    assert json.loads((chosen.path / "datapackage.json").read_bytes())["licenses"] == [
        {"name": "CC-BY-4.0", "path": "https://spdx.org/licenses/CC-BY-4.0.html"}
    ]


def test_nothing_in_range_is_said_and_nothing_is_left(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(ExportFault, match="Choose a wider one"):
        build(sources, ask(first="2020-01-01", last="2020-01-02"), tmp_path / "out" / "empty")
    assert list((tmp_path / "out").iterdir()) == []


# -- what people read it with ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["reading", "1h"])
def test_frictionless_finds_it_valid(sources: Sources, ask: Ask, tmp_path: Path, step: str) -> None:
    from frictionless import Package as Described

    made = build(sources, ask(step, columns="classair"), tmp_path / "package")
    report = Described.from_descriptor(str(made.path / "datapackage.json")).validate()
    assert report.valid, report.flatten(["type", "note"])[:5]
    broken = made.path / "data.csv"
    broken.write_bytes(broken.read_bytes().replace(b"2026-11-23T", b"2026-13-23T", 1))
    assert not Described.from_descriptor(str(made.path / "datapackage.json")).validate().valid


def test_pandas_and_duckdb_read_csv_and_parquet_alike(hourly: Package) -> None:
    import duckdb
    import pandas

    text = pandas.read_csv(hourly.path / "data.csv", parse_dates=["time", "time_utc"])
    parquet = pandas.read_parquet(hourly.path / "data.parquet")
    assert len(text) == len(parquet) == hourly.rows
    assert text["pm25_raw_ugm3"].sum() == pytest.approx(parquet["pm25_raw_ugm3"].sum(), abs=1e-9)
    assert (text["time"] == text["time_utc"]).all()
    assert str(parquet["time"].dt.tz) == "Asia/Bangkok"
    asked = "select count(*), round(sum(pm25_raw_ugm3), 6) from '{}'"
    assert (
        duckdb.sql(asked.format(hourly.path / "data.csv")).fetchall()
        == duckdb.sql(asked.format(hourly.path / "data.parquet")).fetchall()
    )


def test_r_reads_it_and_has_the_same_daily_means(
    sources: Sources,
    ask: Ask,
    tmp_path: Path,
    program_of: Callable[..., str],
) -> None:
    program_of("Rscript")
    daily = build(sources, ask("1d"), tmp_path / "daily")
    program = (
        'd <- read.csv("data.csv", fileEncoding = "UTF-8-BOM"); m <- d[d$sensor_id == "hill.out", ];'
        'stopifnot(is.numeric(m$pm25_raw_ugm3), all(as.Date(m$time) == as.Date("2026-11-23") + 0:2));'
        "stopifnot(is.logical(d$simulated), is.logical(d$lesson));"
        'b <- read.csv("codebook.csv", fileEncoding = "UTF-8-BOM"); stopifnot(any(b$name == "time"));'
        'cat(format(m$pm25_raw_ugm3, digits = 15), sep = "\\n")'
    )
    told = subprocess.run(
        ["Rscript", "--vanilla", "-e", program], cwd=daily.path, capture_output=True, text=True, check=True
    )
    shown = [
        row.value
        for row in MeansReader(sources.store, sources.config, sources.corrections()).selected(ask("1d").selection)
        if row.sensor == "hill.out" and row.quantity == "pm25"
    ]
    assert [float(line) for line in told.stdout.split()] == pytest.approx(shown)


def test_parquet_has_types_units_and_zone(hourly: Package) -> None:
    schema = pq.read_schema(hourly.path / "data.parquet")
    assert schema.field("time").type.tz == "Asia/Bangkok"
    assert schema.field("pm25_raw_ugm3").metadata[b"unit"] == "µg/m³".encode()


# -- what was never measured -------------------------------------------------------------------------------------------

ALL = "pm25,co2_ppm,rh_pct"


def test_what_a_sensor_never_measures_is_empty_and_what_is_lost_is_counted(
    sources: Sources, ask: Ask, tmp_path: Path
) -> None:
    made = build(sources, ask(quantities=ALL, netcdf=True), tmp_path / "package")
    found = table(made)
    air = [row for row in found if row["sensor_id"] == "hill.air"]
    for name in ("pm25_raw_ugm3", "n", "n_expected", "flags", "correction_id", "rh_pct", "rh_pct_n", "rh_pct_flags"):
        assert {row[name] for row in air} == {""}, name
    assert {(row["co2_ppm"], row["co2_ppm_n"], row["co2_ppm_n_expected"]) for row in air} == {("600", "60", "60")}
    lost = [row for row in found if row["sensor_id"] == "hill.pm" and row["time"].startswith("2026-11-25T20")]
    assert [(row["pm25_raw_ugm3"], row["n"], row["n_expected"], row["flags"]) for row in lost] == [
        ("", "0", "60", "incomplete")
    ]
    assert {row["co2_ppm_n"] for row in found if row["sensor_id"] != "hill.air"} == {""}
    parquet = pq.read_table(made.path / "data.parquet")
    assert str(parquet.schema.field("n").type) == "int64"
    of_air = [row for row in parquet.to_pylist() if row["sensor_id"] == "hill.air"]
    assert {(row["n"], row["n_expected"], row["flags"], row["pm25_raw_ugm3"]) for row in of_air} == {(None,) * 4}


def test_the_table_behind_explorer_and_api_has_no_row_of_what_was_never_measured(sources: Sources, ask: Ask) -> None:
    reader = MeansReader(sources.store, sources.config, sources.corrections())
    rows = list(reader.selected(ask(quantities=ALL).selection))
    assert {row.quantity for row in rows if row.sensor == "hill.air"} == {"co2_ppm"}
    assert {row.quantity for row in rows if row.sensor == "hill.pm"} == {"pm25", "rh_pct"}


def test_a_reading_without_anything_that_was_asked_for_is_no_row(
    sources: Sources, places: Places, ask: Ask, tmp_path: Path
) -> None:
    from research.archive.command import archive_days

    stored = build(sources, ask("reading", quantities="pm25"), tmp_path / "store")
    archive_days(places.readings, places.archive, date(2100, 1, 1))
    archived = build(sources, ask("reading", quantities="pm25"), tmp_path / "archive")
    for made in (stored, archived):
        found = table(made)
        assert {row["sensor_id"] for row in found} == {"hill.pm", "hill.out"}
        assert all(row["pm25_raw_ugm3"] for row in found)


def test_a_quantity_that_a_sensor_learned_later_is_empty_before(
    sources: Sources, places: Places, ask: Ask, tmp_path: Path, school: Any
) -> None:
    from classair.model import Reading
    from classair.stores.sqlite.store import SqliteStore
    from classair.units import DAY_MS

    store = SqliteStore(places.readings)
    at = 1_795_366_800_000 + DAY_MS
    store.write([Reading("hill.air", "hill.pi", "late0", 9, at + 7, {"rh_pct": 50.0}, 60.0, room="hill.r1")])
    store.close()
    with opened(places, school) as again:
        found = table(build(again, ask("1d", quantities=ALL), tmp_path / "package"))
    assert [row["rh_pct_n"] for row in found if row["sensor_id"] == "hill.air"] == ["", "1", "0"]
