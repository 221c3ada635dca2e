"""The rows in the forms of other tools: openair, sensortoolkit, OpenAQ."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from research.export.package import build
from research.export.request import Request
from research.export.sources import Sources
from tests.research.export.unpacked import table

pytestmark = pytest.mark.thorough

Ask = Callable[..., Request]
ALL = "pm25,co2_ppm,temp_c,rh_pct"


def test_openair_and_sensortoolkit_get_the_columns_they_expect(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    one = build(sources, ask(quantities=ALL, columns="openair"), tmp_path / "openair")
    lines = (one.path / "data-openair.csv").read_text("utf-8").splitlines()
    assert lines[0] == "date,site,sensor_id,pm25,co2,air_temp,rh"
    assert "2026-11-22 18:00:00,hill.r1,hill.air,,600,," in lines
    assert "2026-11-22 18:00:00,hill.r1,hill.pm,1,,-1.5,60" in lines
    two = build(sources, ask(columns="sensortoolkit", method="accepted"), tmp_path / "toolkit")
    found = table(two, "data-sensortoolkit.csv")
    assert list(found[0]) == ["DateTime", "PM25_Value", "PM25_Unit", "RH_Value", "RH_Unit", "Site_Name", "Sensor_ID"]
    line = next(row for row in found if row["DateTime"] == "2026-11-24T02:00:00Z" and row["Sensor_ID"] == "hill.pm")
    assert float(line["PM25_Value"]) == 0.5 * 9 + 1.0


def test_a_unit_stands_only_beside_what_a_sensor_measures(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    made = build(sources, ask(quantities="pm25,rh_pct,temp_c,co2_ppm", columns="sensortoolkit"), tmp_path / "toolkit")
    units = {row["Sensor_ID"]: row["PM25_Unit"] for row in table(made, "data-sensortoolkit.csv")}
    assert units == {"hill.air": "", "hill.pm": "Micrograms per cubic meter", "hill.out": "Micrograms per cubic meter"}


def test_openaq_gets_one_line_for_each_value_dated_by_its_end(described: Sources, ask: Ask, tmp_path: Path) -> None:
    made = build(described, ask(quantities=ALL, columns="openaq"), tmp_path / "openaq")
    found = table(made, "data-openaq.csv")
    assert list(found[0]) == [
        "location_id",
        "sensors_id",
        "location",
        "datetime",
        "lat",
        "lon",
        "parameter",
        "units",
        "value",
    ]
    assert {(row["parameter"], row["units"]) for row in found} == {
        ("pm25", "µg/m³"),
        ("co2", "ppm"),
        ("temperature", "c"),
        ("relativehumidity", "%"),
    }
    assert {row["parameter"] for row in found if row["sensors_id"] == "hill.air"} == {"co2"}
    assert all(row["value"] for row in found)
    line = next(row for row in found if row["sensors_id"] == "hill.pm" and row["parameter"] == "pm25")
    assert (line["datetime"], line["value"], line["location"]) == (
        "2026-11-23T02:00:00+07:00",
        "1",
        "R1, Hill example school",
    )
    assert (line["lat"], line["lon"]) == ("13.951", "100.501")
    wide = [row for row in table(made) if row["sensor_id"] == "hill.pm" and row["pm25_raw_ugm3"]]
    assert len([row for row in found if row["sensors_id"] == "hill.pm" and row["parameter"] == "pm25"]) == len(wide)


def test_r_reads_the_openair_form_with_numbers_as_numbers(
    sources: Sources, ask: Ask, tmp_path: Path, program_of: Callable[..., str]
) -> None:
    rscript = program_of("Rscript")
    made = build(sources, ask(quantities=ALL, columns="openair"), tmp_path / "openair")
    program = (
        'd <- read.csv("data-openair.csv"); d$date <- as.POSIXct(d$date, tz = "GMT");'
        "stopifnot(is.numeric(d$pm25), is.numeric(d$co2), !anyNA(d$date));"
        'stopifnot(all(is.na(d$pm25[d$sensor_id == "hill.air"])), all(is.na(d$co2[d$sensor_id != "hill.air"])));'
        'hourly <- aggregate(pm25 ~ date, d[d$site == "hill.r1", ], mean); cat(nrow(hourly), sum(hourly$pm25))'
    )
    told = subprocess.run(
        [rscript, "--vanilla", "-e", program], cwd=made.path, capture_output=True, text=True, check=True
    )
    wide = [float(row["pm25_raw_ugm3"]) for row in table(made) if row["room_id"] == "hill.r1" and row["pm25_raw_ugm3"]]
    assert told.stdout.split() == [str(len(wide)), f"{sum(wide):g}"]
