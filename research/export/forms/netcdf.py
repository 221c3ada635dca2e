"""data.nc: the same rows as NetCDF-4 by CF 1.8, discrete sampling geometry `timeSeries`, with ACDD 1.3 attributes.

An indexed ragged array: dimension `obs` are the rows, dimension `station` the time series, each one sensor in one
room; `station_index` says of each row to which it belongs. Texts of rows are arrays of characters in UTF-8, as long as
the longest, so that none is cut and all are packed well. Needs h5netcdf and h5py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import h5netcdf
import h5py
import numpy as np
import pyarrow as pa

from classair.config import Config
from classair.i18n import LANGUAGES, REFERENCE, t
from research.export.columns import Column, columns
from research.export.metadata.about import About
from research.export.placements import Placement
from research.export.request import Request
from research.export.side_tables import label

CONVENTIONS: Final = "CF-1.8, ACDD-1.3"
_CHUNK: Final = 65_536
_STATION: Final = ("school_id", "room_id", "sensor_id")
"""Columns of ours that are the same for every row of a station."""
_STANDARD: Final = {
    "pm25": "mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air",
    "pm10": "mass_concentration_of_pm10_ambient_aerosol_particles_in_air",
    "pm1": "mass_concentration_of_pm1_ambient_aerosol_particles_in_air",
    "temp_c": "air_temperature",
    "rh_pct": "relative_humidity",
    "pressure_hpa": "air_pressure",
    "co2_ppm": "mole_fraction_of_carbon_dioxide_in_air",
}
_UNITS: Final = {
    "µg/m³": "ug m-3",
    "ppm": "1e-6",
    "°C": "degree_Celsius",
    "%": "percent",
    "1/dL": "dL-1",
    "1/cm³": "cm-3",
    "µm": "um",
    "hPa": "hPa",
    "s": "s",
    "1": "1",
    "": "1",
}
# CF 1.8 knows no 64-bit integers: counts fit in 32 bits, sequence numbers are whole in a double.
_KINDS: Final[dict[str, tuple[str, Any]]] = {
    "number": ("f8", np.nan),
    "integer": ("i4", np.int32(-2147483647)),
    "boolean": ("i1", np.int8(-127)),
}
_WIDE: Final = ("seq",)


class NetCdf:
    """A sink (see `sinks`). What describes the whole is written by `describe` when the whole is known."""

    def __init__(self, path: Path, request: Request, config: Config, stays: Sequence[Placement]) -> None:
        self._wanted = [one for one in columns(request) if one.kind != "time" and one.name not in _STATION]
        self._step_ms, self._config = request.selection.step_ms, config
        self._stays = {(one.sensor, one.room): one for one in stays}
        self._stations: dict[tuple[str, str], int] = {}
        self._file = h5netcdf.File(path, "w", track_order=False)
        self._file.dimensions = {"obs": None, "bound": 2}
        self._rows = 0
        self._time()
        self._variable("station_index", ("obs",), "i4", np.int32(-1), instance_dimension="station", long_name="Station")
        for column in self._wanted:
            if column.kind in _KINDS:
                kind, fill = ("f8", np.nan) if column.name in _WIDE else _KINDS[column.kind]
                self._variable(column.name, ("obs",), kind, fill, **_attributes(column, request))
            else:
                self._texts(column.name, **_attributes(column, request))

    def _time(self) -> None:
        end = "" if self._step_ms else "end of interval_s"
        self._variable(
            "time",
            ("obs",),
            "f8",
            None,
            standard_name="time",
            long_name=end or "start of the averaging interval",
            units="seconds since 1970-01-01 00:00:00 UTC",
            calendar="standard",
            units_metadata="leap_seconds: none",
            axis="T",
            bounds="time_bounds",
        )
        self._variable("time_bounds", ("obs", "bound"), "f8", None)

    def _variable(self, name: str, over: tuple[str, ...], kind: str, fill: Any, **attributes: Any) -> Any:
        chunked = over[0] == "obs"
        variable = self._file.create_variable(
            name,
            over,
            kind,
            chunks=(_CHUNK, *([2] if len(over) > 1 else [])) if chunked else None,
            fillvalue=fill,
            **({"compression": "gzip", "compression_opts": 4, "shuffle": True} if chunked else {}),
        )
        variable.attrs.update(attributes)
        return variable

    def _texts(self, name: str, **attributes: Any) -> None:
        """An array of characters whose second dimension grows with the longest text."""
        self._file.dimensions[f"{name}_length"] = None
        variable = self._file.create_variable(
            name,
            ("obs", f"{name}_length"),
            "S1",
            chunks=(8192, 16),
            compression="gzip",
            compression_opts=4,
        )
        variable.attrs.update({"_Encoding": "utf-8", **attributes})

    def _write_texts(self, name: str, first: int, column: pa.ChunkedArray) -> None:
        words, places = _words(column)
        written = [b"", *(word.encode() for word in words)]
        length = self._file.dimensions[f"{name}_length"].size
        # Of the words that occur: a dictionary may know others, in a store not the same as in the archive.
        if (longest := max([1, *(len(written[place + 1]) for place in np.unique(places))])) > length:
            self._file.resize_dimension(f"{name}_length", longest)
            length = longest
        whole = np.array(written, f"S{length}").view("S1").reshape(-1, length)
        self._file.variables[name][first : first + len(places), :length] = whole[places + 1]

    def write(self, table: pa.Table) -> None:
        first, end = self._rows, self._rows + table.num_rows
        self._file.resize_dimension("obs", end)
        of = self._file.variables
        at = table["time_utc"].cast(pa.int64()).to_numpy() / 1000
        of["time"][first:end] = at
        if self._step_ms:
            of["time_bounds"][first:end] = np.column_stack([at, at + self._step_ms / 1000])
        else:
            of["time_bounds"][first:end] = np.column_stack([at - table["interval_s"].to_numpy(), at])
        of["station_index"][first:end] = self._indices(table)
        for column in self._wanted:
            if column.kind in _KINDS:
                of[column.name][first:end] = _numbers(table[column.name], column)
            else:
                self._write_texts(column.name, first, table[column.name])
        self._rows = end

    def _indices(self, table: pa.Table) -> Any:
        (sensors, of_sensor), (rooms, of_room) = _words(table["sensor_id"]), _words(table["room_id"])
        codes, seen, of_code = np.unique(of_sensor * len(rooms) + of_room, return_index=True, return_inverse=True)
        stations = np.empty(len(codes), np.int32)
        for place in np.argsort(seen):  # as they come: how words are numbered differs between archive and store
            sensor, room = divmod(int(codes[place]), len(rooms))
            stations[place] = self._stations.setdefault((sensors[sensor], rooms[room]), len(self._stations))
        return stations[of_code]

    def close(self) -> None:
        try:
            if self._stations:
                self._write_stations()
        finally:
            self._file.close()

    def _write_stations(self) -> None:
        pairs = list(self._stations)
        stays = [self._stays.get(pair, Placement(*pair)) for pair in pairs]
        self._file.dimensions["station"] = len(pairs)
        for name, attributes, texts in self._of_stations(stays):
            variable = self._file.create_variable(name, ("station",), h5py.string_dtype())
            variable.attrs.update(attributes)
            variable[:] = np.array(texts, object)
        for name, attributes, values in _numbers_of(stays):
            known = [np.nan if value is None else float(value) for value in values]
            attributes |= {"coverage_content_type": "referenceInformation"}
            self._variable(name, ("station",), "f8", np.nan, **attributes)[:] = np.array(known)

    def _of_stations(self, stays: Sequence[Placement]) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        config = self._config
        yield (
            "timeseries_id",
            {"cf_role": "timeseries_id", "long_name": "One sensor in one room: sensor_id@room"},
            [one.id for one in stays],
        )
        yield "school_id", {"long_name": "School"}, [one.site for one in stays]
        yield "room_id", {"long_name": "Room"}, [one.room for one in stays]
        yield "sensor_id", {"long_name": "Sensor"}, [one.sensor for one in stays]
        yield "sensor_model", {"long_name": "Model of the sensor"}, [one.model for one in stays]
        yield "serial_number", {"long_name": "Serial number of the sensor"}, [one.serial for one in stays]
        for language in LANGUAGES:
            yield (
                f"room_name_{language}",
                {"long_name": f"Name of the room ({language})"},
                [config.room(one.room).name.in_(language) if config.has_room(one.room) else "" for one in stays],
            )
            yield (
                f"school_name_{language}",
                {"long_name": f"Name of the school ({language})"},
                [config.sites[one.site].name.in_(language) if one.site in config.sites else "" for one in stays],
            )


def _words(column: pa.ChunkedArray) -> tuple[list[str], Any]:
    """Each word once, and for every row which it is; -1 for none."""
    encoded = column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    encoded = encoded.combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    return encoded.dictionary.to_pylist(), encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _numbers_of(stays: Sequence[Placement]) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    at = [one.position for one in stays]
    yield (
        "lat",
        {"standard_name": "latitude", "long_name": "Latitude", "units": "degrees_north"},
        [one.lat if one else None for one in at],
    )
    yield (
        "lon",
        {"standard_name": "longitude", "long_name": "Longitude", "units": "degrees_east"},
        [one.lon if one else None for one in at],
    )
    yield (
        "altitude",
        {
            "standard_name": "altitude",
            "long_name": "Altitude of the ground above mean sea level",
            "units": "m",
            "positive": "up",
            "axis": "Z",
        },
        [one.altitude_m if one else None for one in at],
    )
    yield "height_above_floor", {"long_name": "Height above the floor", "units": "m"}, [one.height_m for one in stays]
    yield "floor", {"long_name": "Storey, 1 at the ground", "units": "1"}, [one.floor for one in stays]
    yield "room_volume", {"long_name": "Volume of the room", "units": "m3"}, [one.volume_m3 for one in stays]
    yield "room_capacity", {"long_name": "Pupils the room is for", "units": "1"}, [one.capacity for one in stays]


def describe(path: Path, about: About) -> None:
    """Writes the attributes of the whole: what it is, whose, from when and where, under which terms."""
    step_s = about.request.selection.step_ms // 1000
    publishers = about.schools()
    contacts = [text for site in about.sites if (text := about.settings(site).contact)]
    urls = [text for site in about.sites if (text := about.settings(site).url)]
    box = about.box()
    simulated = t(REFERENCE, "export.simulated")
    said: dict[str, Any] = {
        "Conventions": CONVENTIONS,
        "featureType": "timeSeries",
        "cdm_data_type": "Station",
        "title": about.marked_title(),
        **{f"title_{code}": about.marked_title(code) for code in LANGUAGES if code != REFERENCE},
        "summary": about.description(),
        "keywords": ", ".join(about.keywords),
        "id": about.request.doi or about.name,
        "naming_authority": "org.doi" if about.request.doi else f"classair.{about.config.org}",
        "institution": publishers,
        "source": "SIMULATED by ClassAir, not measured"
        if about.simulated
        else "low-cost air sensors in and at classrooms",
        "history": f"classair export, version {about.origin.software}: request {about.origin.request}, data "
        f"{about.origin.data_id}; versions.json names the version of each day",
        "references": "codebook.csv and calibrations.csv of the same export",
        "comment": f"{simulated} " * about.simulated + t(REFERENCE, "export.reading_rules"),
        "processing_level": "; ".join(about.asked()),
        "license": " ".join(about.licence_texts()),
        "creator_name": publishers,
        "creator_type": "institution",
        "creator_email": ", ".join(one for one in contacts if "@" in one),
        "creator_url": ", ".join(urls),
        "publisher_name": publishers,
        "publisher_type": "institution",
        "publisher_email": ", ".join(one for one in contacts if "@" in one),
        "publisher_url": ", ".join(urls),
        "project": "ClassAir",
        "product_version": about.origin.data_id,
        # By the end of the last day, because the time of making would give the same data other bytes.
        "date_created": about.complete_on.isoformat(),
        "time_coverage_start": f"{about.first.isoformat()}T00:00:00+07:00",
        "time_coverage_end": f"{about.complete_on.isoformat()}T00:00:00+07:00",
        "time_coverage_duration": f"P{(about.last - about.first).days + 1}D",
        "time_coverage_resolution": f"PT{step_s}S" if step_s else "",
    }
    if box:
        said |= dict(
            zip(
                ("geospatial_lon_min", "geospatial_lat_min", "geospatial_lon_max", "geospatial_lat_max"),
                map(np.float64, box),
                strict=True,
            )
        )
        said |= {"geospatial_bounds_crs": "EPSG:4326"}
    with h5netcdf.File(path, "a") as file:
        file.attrs.update({name: value for name, value in said.items() if not isinstance(value, str) or value})


def _attributes(column: Column, request: Request) -> dict[str, Any]:
    found: dict[str, Any] = {
        "long_name": label(column, REFERENCE),
        "comment": t(REFERENCE, f"export.column.{column.meaning}"),
    }
    measured = column.quantity and column.meaning in ("raw", "corrected", "value")
    if measured or column.kind in _KINDS:
        found["coordinates"] = "time lat lon altitude"
    if column.kind == "number" or column.name in _WIDE:
        found["units"] = _UNITS[column.unit]
    elif column.kind == "integer":
        found["units"] = "1"
    elif column.kind == "boolean":
        found.update(flag_values=np.array([0, 1], np.int8), flag_meanings="false true")
    if column.unit == "°C":
        found["units_metadata"] = "temperature: on_scale"
    if column.meaning == "n":
        found["standard_name"] = "number_of_observations"
    found["coverage_content_type"] = "physicalMeasurement" if measured else "qualityInformation"
    if measured:
        if column.quantity in _STANDARD:
            found["standard_name"] = _STANDARD[column.quantity]
        found["cell_methods"] = "time: mean"
        before = "" if column.quantity == request.selection.quantities[0] else f"{column.quantity}_"
        beside = ("n", "n_expected") if request.selection.step_ms else ("n",)
        names = [f"{before}{name}" for name in beside] if request.selection.step_ms else list(beside)
        found["ancillary_variables"] = " ".join(names)
    return found


def _numbers(column: pa.ChunkedArray, of: Column) -> Any:
    if of.kind == "number" or of.name in _WIDE:
        return column.cast(pa.float64()).fill_null(float("nan")).to_numpy()
    kind, fill = _KINDS[of.kind]
    return column.cast(pa.int64() if of.kind == "integer" else pa.int8()).fill_null(int(fill)).to_numpy().astype(kind)
