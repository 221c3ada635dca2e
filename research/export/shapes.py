"""Columns as Arrow types, and the one way in which numbers and moments are written as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from classair.stores import BANGKOK_MS
from research.export.columns import Column

_LOCAL: Final = "Asia/Bangkok"
_TYPES: Final = {
    "text": pa.string(),
    "word": pa.dictionary(pa.int32(), pa.string()),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
}
BOM: Final = b"\xef\xbb\xbf"
"""So that spreadsheets read Thai."""


def schema(columns: Sequence[Column]) -> pa.Schema:
    """Moments are kept to the millisecond, in their zone; units stand with the columns."""

    def kind(column: Column) -> pa.DataType:
        if column.kind == "time":
            return pa.timestamp("ms", tz="UTC" if column.name == "time_utc" else _LOCAL)
        return _TYPES[column.kind]

    return pa.schema(
        [
            pa.field(column.name, kind(column), metadata={"unit": column.unit} if column.unit else None)
            for column in columns
        ]
    )


def same(text: str, count: int) -> pa.Array:
    """One word, so often."""
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), pa.array([text], pa.string()))


def text_column(values: Iterable[str | None]) -> pa.Array:
    return pa.array(values, pa.string()).dictionary_encode()


def header(names: Sequence[str]) -> bytes:
    return BOM + (",".join(names) + "\r\n").encode()


def as_csv(table: pa.Table, *, millis: bool) -> bytes:
    """Rows without a header; nothing for what is missing, TRUE or FALSE (which R, pandas and
    spreadsheets all read as that), numbers in their shortest form.

    `millis`: moments with three decimals, else whole seconds.
    """
    texts = [_text(table.column(name), millis=millis) for name in table.column_names]
    written = pa.table(texts, names=table.column_names)
    try:
        return _written(written, "none")
    except pa.ArrowInvalid:  # a word with a comma or a quote in it
        return _written(written, "needed")


def _written(table: pa.Table, quoting: str) -> bytes:
    sink = pa.BufferOutputStream()
    pcsv.write_csv(table, sink, pcsv.WriteOptions(include_header=False, quoting_style=quoting, eol="\r\n"))
    return bytes(sink.getvalue())


def _text(column: pa.ChunkedArray, *, millis: bool) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.cast(pa.string())
    if pa.types.is_boolean(kind):
        return pc.if_else(column, "TRUE", "FALSE")
    if not pa.types.is_timestamp(kind):
        return column
    local = kind.tz == _LOCAL
    at = pc.add(column.cast(pa.int64()), BANGKOK_MS if local else 0)
    text = at.cast(pa.timestamp("ms")).cast(pa.string())  # 2026-11-23 09:00:00.000
    return pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(text, 0, 10),
        "T",
        pc.utf8_slice_codeunits(text, 11, 23 if millis else 19),
        "+07:00" if local else "Z",
        "",
    )


def scaled(steps: pa.Array, scale: int) -> pa.Array:
    """Whole steps of 1/scale as numbers in their unit; the same numbers that everything else reads."""
    return pc.divide(steps.cast(pa.float64()), pa.scalar(float(scale)))


def table(columns: Sequence[Column], arrays: Sequence[Any]) -> pa.Table:
    return pa.Table.from_arrays(list(arrays), schema=schema(columns))
