"""data.nc: the same rows as NetCDF-4 with CF conventions, one dimension `row`. Needs h5netcdf and h5py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import h5netcdf
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classair.i18n import REFERENCE, t
from research.export.columns import Column

_CHUNK: Final = 65_536
_WIDTH: Final = 64
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


class NetCdf:
    """A sink (see `sinks`). Texts longer than 64 bytes are cut; only value_flags and *_flags can be so long."""

    def __init__(self, path: Path, wanted: Sequence[Column], attributes: dict[str, str]) -> None:
        self._wanted = [column for column in wanted if column.name != "time"]  # one time, in UTC
        self._file = h5netcdf.File(path, "w", track_order=False)
        self._file.attrs.update({"Conventions": "CF-1.10", "featureType": "timeSeries", **attributes})
        self._file.dimensions = {"row": None}
        self._rows = 0
        for column in self._wanted:
            kind = _kind(column)
            variable = self._file.create_variable(
                "time" if column.name == "time_utc" else column.name,
                ("row",),
                kind,
                chunks=(_CHUNK,),
                compression="gzip",
                compression_opts=4,
                shuffle=True,
                fillvalue=np.nan if column.kind == "number" else None,
            )
            variable.attrs.update(_attributes(column))

    def write(self, table: pa.Table) -> None:
        first, end = self._rows, self._rows + table.num_rows
        self._file.resize_dimension("row", end)
        for column in self._wanted:
            name = "time" if column.name == "time_utc" else column.name
            self._file.variables[name][first:end] = _values(table[column.name], column)
        self._rows = end

    def close(self) -> None:
        self._file.close()


def _kind(column: Column) -> Any:
    return {"time": "i8", "number": "f8", "integer": "i8", "boolean": "i1"}.get(column.kind, f"S{_WIDTH}")


def _attributes(column: Column) -> dict[str, Any]:
    if column.kind == "time":
        return {
            "standard_name": "time",
            "units": "milliseconds since 1970-01-01 00:00:00",
            "calendar": "standard",
            "long_name": t(REFERENCE, f"export.column.{column.meaning}"),
        }
    found: dict[str, Any] = {"long_name": t(REFERENCE, f"export.column.{column.meaning}")}
    if column.kind == "number":
        found["units"] = _UNITS[column.unit]
        if column.quantity in _STANDARD and column.meaning in ("raw", "corrected", "value"):
            found["standard_name"] = _STANDARD[column.quantity]
    if column.kind == "boolean":
        found.update(flag_values=np.array([-1, 0, 1], np.int8), flag_meanings="unknown false true")
    return found


def _values(column: pa.ChunkedArray, of: Column) -> Any:
    if of.kind == "time":
        return column.cast(pa.int64()).to_numpy()
    if of.kind == "boolean":
        return pc.fill_null(column.cast(pa.int8()), -1).to_numpy()
    if of.kind == "number":
        return pc.fill_null(column, float("nan")).to_numpy()
    if of.kind == "integer":
        return pc.fill_null(column, -1).to_numpy()
    return np.array([(text or "").encode()[:_WIDTH] for text in column.cast(pa.string()).to_pylist()], f"S{_WIDTH}")
