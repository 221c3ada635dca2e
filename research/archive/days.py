"""A site's day as one Parquet file: written beside, read back, compared, and only then put in place."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from classair import __version__
from classair.model import QUANTITIES
from classair.places import sync_folder
from classair.stores import Series
from classair.stores.sqlite.columns import FIXED, Block
from classair.stores.sqlite.rows import CLOCKS
from classair.stores.sqlite.store import SqliteStore
from research.archive import FORMAT, ArchiveFault, Entry, file_of, manifest_of, sha256_of
from research.archive.checksums import checksum

KEY: Final = b"classair"
"""Under which the file's own metadata stand, as JSON."""
ROW_GROUP: Final = 131_072

_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
_PLACE: Final = {"sensor": _TEXT, "room": _TEXT, "simulated": pa.bool_()}
_TYPES: Final = {
    "at": pa.timestamp("ms", tz="UTC"),
    "seq": pa.int64(),
    "bridge": _TEXT,
    "epoch": _TEXT,
    "interval_s": pa.float64(),
    "n": pa.int64(),
    "flags": pa.int64(),
    "vflags": pa.string(),
    "clock": _TEXT,
    "late": pa.bool_(),
}
_DELTA: Final = ("at", "seq")

Columns = dict[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class DaySeries:
    """One series of an archived day. `columns`: at_ms, seq, bridge, epoch, interval_s, n, flags, vflags, clock (an
    index into CLOCKS), late (0 or 1) and its quantities in steps of 1/scale, None where absent."""

    series: Series
    columns: Columns

    def __len__(self) -> int:
        return len(self.columns["at_ms"])


def column_name(quantity: str) -> str:
    """`pm25_x1000`: the number says by what the integers must be divided, so that nobody takes them for µg/m³."""
    return f"{quantity}_x{QUANTITIES[quantity].scale}"


def of_block(block: Block) -> DaySeries:
    """A series as the store has it, with the bridges' names instead of the store's numbers for them."""
    columns: Columns = dict(block.columns)
    numbers = columns.pop("bridge_epoch")
    columns["bridge"] = [block.bridges[number][0] for number in numbers]
    columns["epoch"] = [block.bridges[number][1] for number in numbers]
    return DaySeries(block.series, columns)


def write_day(store: SqliteStore, archive: Path, site: str, day: date) -> Entry | None:
    """Archives a day as it now stands; None when the site has nothing on it. The manifest is the caller's to write.

    Raises ArchiveFault when what was written cannot be read back as it was, and when the archive has readings that
    the store does not: then nothing is replaced.
    """
    path = file_of(archive, site, day)
    with store.day(site, day) as stored:
        if not stored.version:
            return None
        version, parts = stored.version, [of_block(block) for block in stored.blocks()]
        trimmed = stored.trimmed
    if path.exists():
        parts = _beside_older(path, parts, trimmed=trimmed)
    elif trimmed:
        raise ArchiveFault(
            f"{path} is missing, and its readings are no longer in readings.db. Restore the file from a backup"
        )
    description = {
        "format": FORMAT,
        "site": site,
        "day": day.isoformat(),
        "zone": "Asia/Bangkok",
        "version": version,
        "software": f"classair {__version__}",
        "rows": sum(map(len, parts)),
        "series": [
            {
                "sensor": part.series.sensor,
                "room": part.series.room,
                "simulated": part.series.simulated,
                "rows": len(part),
                "sha256": checksum(part.columns),
            }
            for part in parts
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    try:
        write_file(fresh, parts, description)
        if verify(fresh) != description:
            raise ArchiveFault(f"{fresh} differs from what was written; check the disk")
        entry = Entry(
            version, str(path.relative_to(archive / site)), sum(map(len, parts)), fresh.stat().st_size, sha256_of(fresh)
        )
        fresh.replace(path)
        sync_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)
    return entry


def _beside_older(path: Path, parts: list[DaySeries], *, trimmed: bool) -> list[DaySeries]:
    """What to write where a file stands already: of a trimmed day its readings and the later ones together."""
    if trimmed:
        return _merged([*read_series(path), *parts])
    now = {part.series: len(part) for part in parts}
    for entry in metadata(path)["series"]:
        series = Series(entry["sensor"], entry["room"], entry["simulated"])
        if now.get(series, 0) < entry["rows"]:
            raise ArchiveFault(
                f"{path} has {entry['rows']} readings of {series.sensor}, readings.db {now.get(series, 0)}; it is not "
                "overwritten. If the data folder was replaced, rebuild it with classair restore"
            )
    return parts


def _merged(parts: list[DaySeries]) -> list[DaySeries]:
    by_series: dict[Series, list[DaySeries]] = {}
    for part in parts:
        by_series.setdefault(part.series, []).append(part)
    found = []
    for series in sorted(by_series, key=lambda each: (each.sensor, each.room, each.simulated)):
        names = dict.fromkeys(name for part in by_series[series] for name in part.columns)
        joined: Columns = {
            name: [value for part in by_series[series] for value in part.columns.get(name, [None] * len(part))]
            for name in names
        }
        order = sorted(range(len(joined["at_ms"])), key=lambda i: (joined["at_ms"][i], joined["seq"][i]))
        found.append(DaySeries(series, {name: [values[i] for i in order] for name, values in joined.items()}))
    return found


# -- the file ----------------------------------------------------------------------------------------------------------


def write_file(path: Path, parts: list[DaySeries], description: Mapping[str, Any]) -> None:
    """Series in their order, one row group after the other, on disk when this returns."""
    present = {name for part in parts for name in part.columns}
    quantities = [key for key in QUANTITIES if key in present]
    fields = [pa.field(name, kind) for name, kind in {**_PLACE, **_TYPES}.items()]
    fields += [
        pa.field(
            column_name(key),
            pa.int64(),
            metadata={"quantity": key, "unit": QUANTITIES[key].unit, "scale": str(QUANTITIES[key].scale)},
        )
        for key in quantities
    ]
    schema = pa.schema(fields, metadata={KEY: json.dumps(description, sort_keys=True).encode()})
    table = pa.concat_tables([_table(part, schema, quantities) for part in parts]) if parts else schema.empty_table()
    delta = [*_DELTA, *(column_name(key) for key in quantities)]
    with path.open("wb") as file:
        pq.write_table(
            table.unify_dictionaries(),
            file,
            row_group_size=ROW_GROUP,
            compression="zstd",
            compression_level=3,
            use_dictionary=[name for name in schema.names if name not in delta],
            column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
            store_schema=True,
        )
        file.flush()
        os.fsync(file.fileno())


def _table(part: DaySeries, schema: pa.Schema, quantities: Sequence[str]) -> pa.Table:
    count, columns = len(part), part.columns
    arrays: list[pa.Array] = [
        _same(part.series.sensor, count),
        _same(part.series.room, count),
        pa.repeat(pa.scalar(part.series.simulated), count),
    ]
    clocks = [CLOCKS[code] for code in columns["clock"]]
    plain = {**columns, "at": columns["at_ms"], "clock": clocks}
    for name, kind in _TYPES.items():
        values = plain[name]
        if name == "late":
            values = list(map(bool, values))
        arrays.append(pa.array(values, pa.string()).dictionary_encode() if kind == _TEXT else pa.array(values, kind))
    arrays += [
        pa.array(columns[key], pa.int64()) if key in columns else pa.nulls(count, pa.int64()) for key in quantities
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _same(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), pa.array([text], pa.string()))


def metadata(path: Path) -> dict[str, Any]:
    """What the file says of itself. Raises ArchiveFault."""
    try:
        description: dict[str, Any] = json.loads((pq.read_schema(path).metadata or {})[KEY])
        if description["format"] != FORMAT:
            raise ArchiveFault(f"{path} has format {description['format']}; this version supports {FORMAT}")
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise ArchiveFault(f"{path} is not a day of an archive: {error}") from error
    return description


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The whole day, sorted by (sensor, room, simulated, at, seq); scales in the fields' metadata. ArchiveFault.

    Of `columns`, when given, those that the file has.
    """
    try:
        return pq.read_table(path, columns=None if columns is None else list(columns))
    except (OSError, pa.ArrowException) as error:
        raise ArchiveFault(f"cannot read {path}: {error}") from error


def read_series(path: Path) -> Iterator[DaySeries]:
    """Each series of a file, in its order. Raises ArchiveFault."""
    description, table = metadata(path), read_table(path)
    keys = {
        field.name: field.metadata[b"quantity"].decode()
        for field in table.schema
        if field.metadata and b"quantity" in field.metadata
    }
    if unknown := [key for key in keys.values() if key not in QUANTITIES]:
        raise ArchiveFault(f"{path} has the quantity {unknown[0]!r}, which this version does not support")
    for name, key in keys.items():
        if table.schema.field(name).metadata[b"scale"] != str(QUANTITIES[key].scale).encode():
            raise ArchiveFault(f"{path}: {key} has another resolution than in this version")
    begin = 0
    for each in description["series"]:
        part = table.slice(begin, each["rows"])
        begin += each["rows"]
        columns: Columns = {"at_ms": part["at"].cast(pa.int64()).to_pylist()}
        for name in _TYPES:
            if name != "at":
                columns[name] = part[name].to_pylist()
        columns["clock"] = [CLOCKS.index(clock) for clock in columns["clock"]]
        columns["late"] = list(map(int, columns["late"]))
        columns.update(
            {key: part[name].to_pylist() for name, key in keys.items() if part[name].null_count < each["rows"]}
        )
        yield DaySeries(Series(each["sensor"], each["room"], each["simulated"]), columns)
    if begin != table.num_rows:
        raise ArchiveFault(f"{path} has {table.num_rows} rows, expected {begin}")


def checked_series(path: Path) -> Iterator[DaySeries]:
    """The same, each compared with the count and checksum that the file was written with. Raises ArchiveFault."""
    for part, description in zip(read_series(path), metadata(path)["series"], strict=True):
        if (len(part), checksum(part.columns)) != (description["rows"], description["sha256"]):
            raise ArchiveFault(f"{path} is damaged: the checksum of {part.series.sensor} is wrong")
        yield part


def verify(path: Path) -> dict[str, Any]:
    """Reads a file wholly and compares; returns its metadata. Raises ArchiveFault."""
    for _ in checked_series(path):
        pass
    return metadata(path)


def verify_site(archive: Path, site: str) -> int:
    """Compares every file of a manifest with it and with itself; how many. Raises ArchiveFault at the first fault."""
    entries = manifest_of(archive, site)
    for day, entry in sorted(entries.items()):
        path = archive / site / entry.file
        if not path.exists():
            raise ArchiveFault(f"{path} is in the manifest, but missing on disk")
        if sha256_of(path) != entry.sha256:
            raise ArchiveFault(f"{path} is not the file that was verified on writing")
        if (description := verify(path))["version"] != entry.version or description["day"] != day.isoformat():
            raise ArchiveFault(f"{path} has another day or version than in the manifest")
    return len(entries)


assert set(FIXED) - {"bridge_epoch"} <= {*_TYPES, "at_ms"}
