"""The rows as openair, sensortoolkit and readers of OpenAQ's archive expect them: their names, units and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from classair.model import QUANTITIES
from research.export.columns import OPENAIR, SENSORTOOLKIT, value_name
from research.export.placements import Placement
from research.export.request import Request
from research.export.shapes import as_csv, header, same, text_column

OPENAQ: Final = ("location_id", "sensors_id", "location", "datetime", "lat", "lon", "parameter", "units", "value")
"""Source: docs.openaq.org, "About Open Data on AWS", file structure. `datetime` ends the interval, in local time."""
OPENAQ_PARAMETERS: Final = {
    "pm25": "pm25",
    "pm10": "pm10",
    "pm1": "pm1",
    "pm4": "pm4",
    "co2_ppm": "co2",
    "temp_c": "temperature",
    "rh_pct": "relativehumidity",
    "pressure_hpa": "pressure",
    "n03": "um003",
    "n05": "um005",
    "n1": "um010",
    "n25": "um025",
    "n5": "um050",
    "n10": "um100",
}
"""Names of OpenAQ's parameters; a quantity it has no name for keeps ours."""
_OPENAQ_UNITS: Final = {"°C": "c", "1/dL": "particles/dL", "1/cm³": "particles/cm³", "hPa": "hpa", "1": ""}


def shaped_name(request: Request) -> str:
    """`data-openair.csv`; nothing for the columns of ClassAir alone."""
    return "" if request.columns == "classair" else f"data-{request.columns}.csv"


class Shaped:
    """A row for each of ours, as a CSV file of its own: openair, sensortoolkit."""

    def __init__(self, file: IO[bytes], request: Request) -> None:
        self._file, self._request = file, request
        self._names = _names(request)
        file.write(_header([name for name, _ in self._names]))

    def write(self, table: pa.Table) -> None:
        found = {name: self._shape(table, what) for name, what in self._names}
        self._file.write(as_csv(pa.table(found), millis=False))

    def close(self) -> None:
        self._file.close()

    def _shape(self, table: pa.Table, what: str) -> Any:
        if what.startswith("unit:"):
            key = what.removeprefix("unit:")
            there = pc.is_valid(table[n_name(self._request, key)])
            return pc.if_else(there, pa.scalar(SENSORTOOLKIT[key][1]), pa.scalar(None, pa.string()))
        if what.startswith("value:"):
            return value_of(table, self._request, what.removeprefix("value:"))
        if what == "date":  # GMT, as openair expects it, in the form that R reads without being told
            return table["time_utc"].cast(pa.int64()).cast(pa.timestamp("ms")).cast(pa.timestamp("s")).cast(pa.string())
        return table[what]


class OpenAq:
    """One line for each value, none for what is missing; `places` gives name and position of each room."""

    def __init__(self, file: IO[bytes], request: Request, places: Mapping[str, tuple[str, float | None, float | None]]):
        self._file, self._request, self._places = file, request, places
        file.write(_header(OPENAQ))

    def write(self, table: pa.Table) -> None:
        rooms = table["room_id"].to_pylist()
        end = pc.add(table["time"].cast(pa.int64()), self._request.selection.step_ms)
        place = [self._places.get(room, (room, None, None)) for room in rooms]
        for key in self._request.selection.quantities:
            unit = QUANTITIES[key].unit
            shaped = pa.table(
                [
                    table["room_id"],
                    table["sensor_id"],
                    text_column(name for name, _, _ in place),
                    end.cast(pa.timestamp("ms", tz="Asia/Bangkok")),
                    pa.array([lat for _, lat, _ in place], pa.float64()),
                    pa.array([lon for _, _, lon in place], pa.float64()),
                    same(OPENAQ_PARAMETERS.get(key, key), len(rooms)),
                    same(_OPENAQ_UNITS.get(unit, unit), len(rooms)),
                    value_of(table, self._request, key),
                ],
                names=list(OPENAQ),
            )
            self._file.write(as_csv(shaped.filter(pc.is_valid(shaped["value"])), millis=False))

    def close(self) -> None:
        self._file.close()


def places_of(stays: list[Placement], names: Mapping[str, str]) -> dict[str, tuple[str, float | None, float | None]]:
    """Name, latitude and longitude of each room."""
    at = {one.room: one.position for one in stays}
    return {room: (name, *((p.lat, p.lon) if (p := at.get(room)) else (None, None))) for room, name in names.items()}


def _header(names: Any) -> bytes:
    return header(list(names))[3:]  # these readers do not expect a byte order mark


def _names(request: Request) -> list[tuple[str, str]]:
    """Column by column: its name there, and what of ours it holds."""
    chosen = request.selection
    if request.columns == "openair":
        found = [("date", "date"), ("site", "room_id"), ("sensor_id", "sensor_id")]
        return found + [(OPENAIR.get(key, key), f"value:{key}") for key in chosen.quantities]
    found = [("DateTime", "time_utc")]
    for key in chosen.quantities:
        if key in SENSORTOOLKIT:
            name, _ = SENSORTOOLKIT[key]
            found += [(f"{name}_Value", f"value:{key}"), (f"{name}_Unit", f"unit:{key}")]
    return [*found, ("Site_Name", "room_id"), ("Sensor_ID", "sensor_id")]


def n_name(request: Request, key: str) -> str:
    """The column that counts a quantity's valid readings."""
    return "n" if key == request.selection.quantities[0] else f"{key}_n"


def value_of(table: pa.Table, request: Request, key: str) -> Any:
    """Corrected where a correction was in force, as measured where none was."""
    if key != "pm25" or request.selection.method == "none":
        return table["pm25_raw_ugm3" if key == "pm25" else value_name(key)]
    none = pc.equal(table["correction_id"].cast(pa.string()), "none")
    return pc.if_else(pc.fill_null(none, True), table["pm25_raw_ugm3"], table["pm25_corrected_ugm3"])
