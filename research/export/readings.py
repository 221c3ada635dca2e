"""Single readings of a local day of a site as a table: from the archive if it has the day, else from readings.db."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache, reduce
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classair.model import Flag, Reading
from classair.stores import local_day
from classair.stores.sqlite.columns import Block
from classair.stores.sqlite.rows import CLOCKS, read_marks
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS
from research.archive.days import column_name, metadata, read_table
from research.export import ExportFault
from research.export.columns import Column, columns
from research.export.lessons import lessons
from research.export.request import Request
from research.export.shapes import same, scaled, schema, text_column
from research.export.shapes import table as shaped
from research.export.sources import Sources

_FIXED: Final = (
    "at",
    "room",
    "sensor",
    "n",
    "interval_s",
    "flags",
    "vflags",
    "clock",
    "late",
    "bridge",
    "epoch",
    "seq",
    "simulated",
)
_ORDER: Final = [("sensor_id", "ascending"), ("room_id", "ascending"), ("time_utc", "ascending"), ("seq", "ascending")]


@cache
def flag_words(flags: int) -> str:
    """`RANGE|SPIKE`; nothing when nothing is held against a value."""
    return "|".join(flag.name or "" for flag in Flag(flags))


@cache
def mark_words(marks: str) -> str:
    """`pm25:SPIKE rh_pct:RANGE` from what a store keeps of single values."""
    return " ".join(f"{key}:{flag_words(int(flags))}" for key, flags in sorted(read_marks(marks).items()))


def site_day(sources: Sources, request: Request, site: str, day: date) -> tuple[pa.Table, int]:
    """Every reading asked for, ordered by sensor, room and time; and the version of the day it was read in.

    Raises StoreAway, ArchiveFault, ExportFault.
    """
    rooms = [room for room in request.selection.rooms if room.partition(".")[0] == site]
    version = sources.store.versions(site, day, day + timedelta(days=1)).get(day, 0)
    if not version:
        return schema(columns(request)).empty_table(), 0
    if (file := sources.archived(site, day, version)) is not None:
        return _from_archive(sources, request, rooms, file), version
    if not isinstance(sources.store, SqliteStore):
        found = [_of_readings(request, room, sources.store.readings(room, *_span(day))) for room in rooms]
        return _lesson_time(sources, request, rooms, _ordered(request, found)), version
    with sources.store.day(site, day) as stored:
        version = stored.version
        wanted = {series.sensor for series in stored.series if series.room in rooms}
        found = [
            _of_block(request, block)
            for block in stored.blocks(wanted, request.selection.quantities)
            if block.series.room in rooms
        ]
        trimmed = stored.trimmed
    if trimmed:
        found.append(_archived(request, rooms, _older(sources, site, day)))
        return _lesson_time(sources, request, rooms, _ordered(request, found)), version
    whole = pa.concat_tables(found) if found else schema(columns(request)).empty_table()
    return _lesson_time(sources, request, rooms, whole), version


def _older(sources: Sources, site: str, day: date) -> Path:
    file = sources.archived(site, day)
    if file is None:
        raise ExportFault(f"the readings of {site} {day} are only in the archive, and {sources.archive} lacks them")
    return file


def _span(day: date) -> tuple[int, int]:
    start = local_day.start_of(local_day.number_of(day))
    return start, start + DAY_MS


def _ordered(request: Request, parts: Sequence[pa.Table]) -> pa.Table:
    whole = pa.concat_tables(parts) if parts else schema(columns(request)).empty_table()
    return whole.sort_by(_ORDER) if len(parts) > 1 else whole


# -- from the archive --------------------------------------------------------------------------------------------------


def _from_archive(sources: Sources, request: Request, rooms: Sequence[str], file: Path) -> pa.Table:
    return _lesson_time(sources, request, rooms, _archived(request, rooms, file))


def _archived(request: Request, rooms: Sequence[str], file: Path) -> pa.Table:
    told = metadata(file)
    if all(part["room"] not in rooms for part in told["series"]):
        return schema(columns(request)).empty_table()
    there = read_table(file, [*_FIXED, *map(column_name, request.selection.quantities)])
    if any(part["room"] not in rooms for part in told["series"]):
        there = there.filter(pc.is_in(there["room"].cast(pa.string()), pa.array(rooms, pa.string())))
    there = there.combine_chunks()
    count, at = there.num_rows, there["at"]
    wanted = columns(request)
    plain: dict[str, Any] = {
        "time": at.cast(pa.int64()),
        "time_utc": at.cast(pa.int64()),
        "school_id": _sites(there["room"]),
        "room_id": there["room"],
        "sensor_id": there["sensor"],
        "n": there["n"],
        "interval_s": there["interval_s"],
        "flags": _flag_names(there["flags"]),
        "value_flags": _marked(there["vflags"]),
        "clock": there["clock"],
        "late": there["late"],
        "bridge_id": there["bridge"],
        "epoch": there["epoch"],
        "seq": there["seq"],
        "simulated": there["simulated"],
        "lesson": pa.nulls(count, pa.bool_()),
    }
    for column in wanted:
        if column.quantity:
            name = column_name(column.quantity)
            plain[column.name] = (
                scaled(there[name], column.scale) if name in there.column_names else pa.nulls(count, pa.float64())
            )
    return _shaped(wanted, plain)


def _sites(rooms: pa.ChunkedArray) -> pa.Array:
    if not len(rooms):
        return text_column([])
    encoded = rooms.chunk(0)
    names = pa.array([room.partition(".")[0] for room in encoded.dictionary.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(encoded.indices, names)


def _by_word(values: Any, say: Any) -> pa.DictionaryArray:
    """Each different value said once, however many there are."""
    encoded = (values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    said = [say(value) for value in encoded.dictionary.to_pylist()]
    kept = [word for word in said if word is not None]
    places = pa.array([None if word is None else kept.index(word) for word in said], pa.int32())
    return pa.DictionaryArray.from_arrays(places.take(encoded.indices), pa.array(kept, pa.string()))


def _flag_names(flags: Any) -> pa.DictionaryArray:
    return _by_word(flags, lambda value: flag_words(value) or None)


def _marked(marks: Any) -> pa.DictionaryArray:
    return _by_word(marks, lambda value: mark_words(value) or None)


def _shaped(wanted: Sequence[Column], plain: dict[str, Any]) -> pa.Table:
    kinds = schema(wanted)
    arrays = []
    for column in wanted:
        array, kind = plain[column.name], kinds.field(column.name).type
        if not array.type.equals(kind):
            array = array.cast(kind)
        arrays.append(array)
    return shaped(wanted, arrays)


# -- from a store ------------------------------------------------------------------------------------------------------


def _of_block(request: Request, block: Block) -> pa.Table:
    count, there, wanted = len(block), block.columns, columns(request)
    at = pa.array(there["at_ms"], pa.int64())
    bridges = sorted(block.bridges)
    at_bridge = pa.array(np.searchsorted(bridges, np.asarray(there["bridge_epoch"], np.int64)).astype(np.int32))
    series = block.series
    plain: dict[str, Any] = {
        "time": at,
        "time_utc": at,
        "school_id": same(series.sensor.partition(".")[0], count),
        "room_id": same(series.room, count),
        "sensor_id": same(series.sensor, count),
        "n": pa.array(there["n"], pa.int64()),
        "interval_s": pa.array(there["interval_s"], pa.float64()),
        "flags": _flag_names(pa.array(there["flags"], pa.int64())),
        "value_flags": _marked(pa.array(there["vflags"], pa.string())),
        "clock": pa.DictionaryArray.from_arrays(pa.array(there["clock"], pa.int32()), pa.array(CLOCKS, pa.string())),
        "late": pa.array(there["late"], pa.int8()).cast(pa.bool_()),
        "bridge_id": pa.DictionaryArray.from_arrays(at_bridge, pa.array([block.bridges[n][0] for n in bridges])),
        "epoch": pa.DictionaryArray.from_arrays(at_bridge, pa.array([block.bridges[n][1] for n in bridges])),
        "seq": pa.array(there["seq"], pa.int64()),
        "simulated": pa.repeat(pa.scalar(series.simulated), count),
        "lesson": pa.nulls(count, pa.bool_()),
    }
    for column in wanted:
        if column.quantity:
            plain[column.name] = (
                scaled(pa.array(there[column.quantity], pa.int64()), column.scale)
                if column.quantity in there
                else pa.nulls(count, pa.float64())
            )
    return _shaped(wanted, plain)


def _of_readings(request: Request, room: str, readings: Iterable[Reading]) -> pa.Table:
    found, wanted = list(readings), columns(request)
    at = pa.array([r.at_ms for r in found], pa.int64())
    plain: dict[str, Any] = {
        "time": at,
        "time_utc": at,
        "school_id": same(room.partition(".")[0], len(found)),
        "room_id": same(room, len(found)),
        "sensor_id": text_column(r.sensor for r in found),
        "n": pa.array([r.n for r in found], pa.int64()),
        "interval_s": pa.array([r.interval_s for r in found], pa.float64()),
        "flags": text_column(flag_words(int(r.flags)) or None for r in found),
        "value_flags": text_column(
            " ".join(f"{key}:{flag_words(int(flags))}" for key, flags in sorted(r.value_flags.items())) or None
            for r in found
        ),
        "clock": text_column(r.clock for r in found),
        "late": pa.array([r.late for r in found], pa.bool_()),
        "bridge_id": text_column(r.bridge for r in found),
        "epoch": text_column(r.epoch for r in found),
        "seq": pa.array([r.seq for r in found], pa.int64()),
        "simulated": pa.array([r.simulated for r in found], pa.bool_()),
        "lesson": pa.nulls(len(found), pa.bool_()),
    }
    for column in wanted:
        if column.quantity:
            plain[column.name] = pa.array([r.values.get(column.quantity) for r in found], pa.float64())
    return _shaped(wanted, plain).sort_by(_ORDER)


# -- lesson time -------------------------------------------------------------------------------------------------------


def _lesson_time(sources: Sources, request: Request, rooms: Sequence[str], whole: pa.Table) -> pa.Table:
    """Says of each reading whether it was taken in a lesson; keeps those alone when only they are asked for.

    A reading without any of the quantities asked for, such as a CO2 sensor's where PM2.5 is wanted, is no row: an
    empty cell would look like one that is lost.
    """
    whole = whole.filter(reduce(pc.or_, (pc.is_valid(whole[one.name]) for one in columns(request) if one.quantity)))
    if not whole.num_rows:
        return whole
    at = whole["time_utc"].cast(pa.int64()).to_numpy()
    room_of = whole["room_id"].cast(pa.string())
    marked = pa.nulls(len(at), pa.bool_())
    for room in rooms:
        table = sources.timetable(room)
        if table is not None:
            here = pc.equal(room_of, room)
            marked = pc.if_else(here, lessons(table, at), marked)
    place = whole.column_names.index("lesson")
    whole = whole.set_column(place, whole.schema.field("lesson"), marked)
    return whole.filter(pc.fill_null(whole["lesson"], False)) if request.selection.lesson else whole
