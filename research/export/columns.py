"""Which columns a package has, in which order, with unit and meaning: data, codebook and schema say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from classair.model import QUANTITIES
from research.export.request import Request

Kind = Literal["time", "text", "word", "number", "integer", "boolean"]
"""`word` is a text that is said over and over: an id, a flag, a correction."""

_SUFFIX: Final = {
    "µg/m³": "ugm3",
    "ppm": "ppm",
    "°C": "c",
    "%": "pct",
    "1/dL": "per_dl",
    "1/cm³": "per_cm3",
    "µm": "um",
    "hPa": "hpa",
    "1": "",
}

OPENAIR: Final = {
    "pm25": "pm25",
    "pm10": "pm10",
    "pm1": "pm1",
    "co2_ppm": "co2",
    "temp_c": "air_temp",
    "rh_pct": "rh",
    "pressure_hpa": "pressure",
}
"""Names that openair's functions and importers use; `date` is in GMT, `site` the group. Source: its help pages
`mydata`, `import` and `importAURN` (air_temp)."""

SENSORTOOLKIT: Final = {
    "pm25": ("PM25", "Micrograms per cubic meter"),
    "pm10": ("PM10", "Micrograms per cubic meter"),
    "pm1": ("PM1", "Micrograms per cubic meter"),
    "temp_c": ("Temp", "Degrees Celsius"),
    "rh_pct": ("RH", "Percent"),
    "pressure_hpa": ("Press", "Hectopascals"),
}
"""SDFS parameters of EPA's sensortoolkit: <parameter>_Value with <parameter>_Unit, index DateTime in UTC. Source: its
modules `ingest._standard_ingest` and `param._parameter`."""


HEAT: Final = "heat_index_c"


@dataclass(frozen=True, slots=True)
class Column:
    """`meaning` names a text under [export.column]; `quantity` is what a number measures, `unit` its unit."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    quantity: str = ""
    scale: int = 1


def value_name(quantity: str) -> str:
    """`pm1_ugm3`, `co2_ppm`, `n03_per_dl`: the key with its unit, said once."""
    suffix = _SUFFIX[QUANTITIES[quantity].unit]
    return quantity if not suffix or quantity.endswith(f"_{suffix}") else f"{quantity}_{suffix}"


def has_heat(request: Request) -> bool:
    """Whether the heat index can be told: of means that have both temperature and humidity."""
    return bool(request.selection.step_ms) and {"temp_c", "rh_pct"} <= set(request.selection.quantities)


def columns(request: Request) -> list[Column]:
    """Every column of data.csv and data.parquet, in order."""
    chosen = request.selection
    single = not chosen.step_ms
    found = [
        Column("time", "time", "time_at" if single else "time"),
        Column("time_utc", "time", "time_utc_at" if single else "time_utc"),
        Column("school_id", "word", "school_id"),
        Column("room_id", "word", "room_id"),
        Column("sensor_id", "word", "sensor_id"),
    ]
    for key in chosen.quantities:
        what = QUANTITIES[key]
        if key == "pm25":
            found.append(Column("pm25_raw_ugm3", "number", "raw", what.unit, key, what.scale))
            if not single:
                found.append(Column("pm25_corrected_ugm3", "number", "corrected", what.unit, key))
                found.append(Column("correction_id", "word", "correction_id"))
        else:
            found.append(Column(value_name(key), "number", "value", what.unit, key, what.scale))
    if has_heat(request):
        found.append(Column(HEAT, "number", "heat_index", "°C"))
    if single:
        return [
            *found,
            Column("n", "integer", "n_frames"),
            Column("interval_s", "number", "interval_s", "s"),
            Column("flags", "word", "flags_reading"),
            Column("value_flags", "word", "value_flags"),
            Column("clock", "word", "clock"),
            Column("late", "boolean", "late"),
            Column("bridge_id", "word", "bridge_id"),
            Column("epoch", "word", "epoch"),
            Column("seq", "integer", "seq"),
            Column("simulated", "boolean", "simulated"),
            Column("lesson", "boolean", "lesson_at"),
        ]
    first, *others = chosen.quantities
    found += [
        Column("n", "integer", "n", quantity=first),
        Column("n_expected", "number", "n_expected", quantity=first),
        Column("flags", "word", "flags_mean", quantity=first),
    ]
    for key in others:
        found += [
            Column(f"{key}_n", "integer", "n", quantity=key),
            Column(f"{key}_n_expected", "number", "n_expected", quantity=key),
            Column(f"{key}_flags", "word", "flags_mean", quantity=key),
        ]
    return [*found, Column("simulated", "boolean", "simulated"), Column("lesson", "boolean", "lesson")]
