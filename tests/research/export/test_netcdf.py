"""data.nc as its readers take it: IOOS compliance-checker, xarray, h5netcdf."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from classair.config import parse
from classair.model import Reading
from classair.places import Places
from classair.stores.sqlite.store import SqliteStore
from research.export.package import Package, build
from research.export.request import Request
from research.export.sources import Sources, opened
from tests.research.export.unpacked import files, table

pytestmark = pytest.mark.thorough

Ask = Callable[..., Request]
ALL = "pm25,co2_ppm,temp_c,rh_pct"


def xarrayed(package: Package, **more: Any) -> Any:
    import xarray

    return xarray.open_dataset(package.path / "data.nc", engine="h5netcdf", **more)


@pytest.mark.parametrize(("step", "known"), [("reading", True), ("1h", False)], ids=["described", "bare"])
def test_compliance_checker_finds_a_time_series_by_cf_1_8(
    described: Sources, sources: Sources, ask: Ask, tmp_path: Path, step: str, known: bool
) -> None:
    method = "none" if step == "reading" else "accepted"
    made = build(described if known else sources, ask(step, quantities=ALL, method=method, netcdf=True), tmp_path / "p")
    # In a process of its own: its netCDF4 and our h5py each bring an HDF5 library. Its table of names is packaged with
    # it, and only an attribute that we do not write would make it fetch another.
    told = subprocess.run(
        [sys.executable, "-c", CHECK, str(made.path / "data.nc"), str(tmp_path / "report.json")],
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))["cf:1.8"]
    wrong = [one for one in report["all_priorities"] if one["value"][0] != one["value"][1]]
    assert wrong == []
    assert len(report["all_priorities"]) > 10
    assert told.stdout.splitlines()[-1] == "ragged timeseries: True"


CHECK = """
import socket, sys
def refused(*_): raise OSError("no network here")
socket.socket.connect = refused
import netCDF4
from compliance_checker.cf.util import is_dataset_valid_ragged_array_repr_featureType as ragged
from compliance_checker.runner import CheckSuite, ComplianceChecker
file, report = sys.argv[1:]
CheckSuite.load_all_available_checkers()
ComplianceChecker.run_checker(file, ["cf:1.8"], 0, "strict", output_filename=report, output_format="json")
with netCDF4.Dataset(file) as found:
    print("ragged timeseries:", ragged(found, found.featureType))
"""


def test_netcdf_holds_the_same_rows_and_the_same_bytes_each_time(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    made = build(sources, ask(quantities=ALL, netcdf=True), tmp_path / "nc")
    assert files(made) == files(build(sources, ask(quantities=ALL, netcdf=True), tmp_path / "again"))
    rows = pq.read_table(made.path / "data.parquet").to_pandas()
    with xarrayed(made) as found:
        assert found.attrs["Conventions"] == "CF-1.8, ACDD-1.3"
        assert found.pm25_raw_ugm3.attrs["units"] == "ug m-3"
        assert (found.time.values == rows["time_utc"].dt.tz_localize(None).values).all()
        assert (found.time_bounds.diff("bound") == np.timedelta64(1, "h")).all()
        where = found.station_index.astype(int)
        assert list(found.sensor_id.values[where]) == list(rows["sensor_id"])
        assert list(found.room_id.values[where]) == list(rows["room_id"])
        for name in ("pm25_raw_ugm3", "co2_ppm", "n", "co2_ppm_n", "n_expected"):
            np.testing.assert_array_equal(found[name].values, rows[name].astype(float).values)
        assert list(found.flags.values) == [text or "" for text in rows["flags"].astype(object).fillna("")]


def test_what_is_missing_is_a_fill_value(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    made = build(sources, ask(quantities=ALL, netcdf=True), tmp_path / "nc")
    with xarrayed(made, mask_and_scale=False) as found:
        air = found.sensor_id.values[found.station_index] == "hill.air"
        assert set(found.n.values[air]) == {found.n.attrs["_FillValue"]} == {-2147483647}
        assert np.isnan(found.pm25_raw_ugm3.attrs["_FillValue"])
        assert set(found.lesson.values[~air]) <= {0, 1, found.lesson.attrs["_FillValue"]}
        assert 0 in found.n.values[~air]


def test_a_text_is_whole_however_long_and_in_thai(
    places: Places, described_text: str, ask: Ask, tmp_path: Path
) -> None:
    name = "ห้องเรียนวิทยาศาสตร์และเทคโนโลยีสิ่งแวดล้อมชั้นสอง"
    config = parse(described_text.replace("{name: R1,", f"{{name: {{th: {name}, en: R1}},"))
    store = SqliteStore(places.readings)
    keys = ("pm25", "rh_pct", "temp_c", "pm10")
    marked = Reading(
        "hill.pm",
        "hill.pi",
        "more00",
        1,
        1_795_366_800_000 + 7,
        dict.fromkeys(keys, 9.0),
        60.0,
        value_flags=dict.fromkeys(keys, 0b1011101),
        room="hill.r1",
    )
    store.write([marked])
    store.close()
    with opened(places, config) as again:
        made = build(again, ask("reading", quantities="pm25,pm10,temp_c,rh_pct", netcdf=True), tmp_path / "nc")
    longest = max((row["value_flags"] for row in table(made)), key=len)
    assert len(longest) > 64
    with xarrayed(made) as found:
        assert longest in set(found.value_flags.values)
        assert name in set(found.room_name_th.values)
        assert "โรงเรียนบ้านเนินตัวอย่าง" in found.attrs["title_th"]


def test_the_file_says_whose_data_it_holds_and_from_where(described: Sources, ask: Ask, tmp_path: Path) -> None:
    made = build(described, ask(netcdf=True, doi="10.5281/zenodo.42"), tmp_path / "nc")
    with xarrayed(made) as found:
        said = found.attrs
        assert said["license"] == "The school licenses these data under: CC-BY-4.0"
        assert (said["id"], said["naming_authority"]) == ("10.5281/zenodo.42", "org.doi")
        assert made.origin.data_id in said["history"]
        assert (said["creator_name"], said["creator_email"]) == ("Hill example school", "data@example.org")
        assert (said["time_coverage_start"], said["time_coverage_duration"]) == ("2026-11-23T00:00:00+07:00", "P3D")
        assert "SIMULATED" not in said["title"]
        at = list(found.sensor_id.values).index("hill.pm")
        assert (found.lat.values[at], found.lon.values[at]) == (13.951, 100.501)
        assert (found.room_volume.values[at], found.floor.values[at], found.room_capacity.values[at]) == (180, 2, 32)
        assert (found.serial_number.values[at], found.height_above_floor.values[at]) == ("PM-0042", 1.2)


def test_simulated_data_say_so_in_title_source_and_every_row(
    places: Places, school_text: str, ask: Ask, tmp_path: Path
) -> None:
    simulated = school_text.replace('"usb:1-1"', '"sim:classroom"').replace('"usb:1-2"', '"sim:yard"')
    with opened(places, parse(simulated.replace('"usb:1-3"', '"sim:classroom"'))) as sources:
        made = build(sources, ask(netcdf=True), tmp_path / "nc")
    with xarrayed(made) as found:
        assert found.attrs["title"].startswith("SIMULATED: ")
        assert found.attrs["title_th"].startswith("ข้อมูลจำลอง: ")
        assert "SIMULATED" in found.attrs["source"]
        assert "SIMULATED" in found.attrs["comment"]
        assert (found.simulated.values == 1).all()
