"""Rows into files: Parquet and CSV; the same rows, the same bytes. Other forms are in `forms`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from research.export.columns import Column, columns
from research.export.request import Request
from research.export.shapes import as_csv, header, schema

ROW_GROUP: Final = 131_072
ROWS_AT_ONCE: Final = 65_536


class Sink(Protocol):
    """Takes tables one after the other; `close` ends the file."""

    def write(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


class Parquet:
    """One Parquet file. Its bytes follow from the rows and their order alone: no times, row groups of one length."""

    def __init__(self, path: Path, wanted: Sequence[Column]) -> None:
        self._schema = schema(wanted)
        whole = [column.name for column in wanted if column.kind in ("time", "integer")]
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            compression_level=3,
            version="2.6",
            write_statistics=True,
            use_dictionary=[column.name for column in wanted if column.name not in whole],
            column_encoding=dict.fromkeys(whole, "DELTA_BINARY_PACKED"),
        )
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self._rows += table.num_rows
        if self._rows >= ROW_GROUP:
            self._write(self._rows // ROW_GROUP * ROW_GROUP)

    def _write(self, count: int) -> None:
        whole = pa.concat_tables(self._waiting)
        self._writer.write_table(in_order_of_appearance(whole.slice(0, count), ROW_GROUP), row_group_size=ROW_GROUP)
        rest = whole.slice(count)
        self._waiting, self._rows = ([rest], rest.num_rows) if rest.num_rows else ([], 0)

    def close(self) -> None:
        if self._rows:
            self._write(self._rows)
        self._writer.close()


def in_order_of_appearance(table: pa.Table, length: int) -> pa.Table:
    """Words numbered anew in each stretch of `length` rows as they come: the archive and a store number them
    differently, and a file must not show from which of them its rows came."""
    stretches = []
    for start in range(0, table.num_rows, length):
        part = table.slice(start, length).unify_dictionaries().combine_chunks()
        arrays: list[Any] = [
            _renumbered(column) if pa.types.is_dictionary(column.type) else column for column in part.columns
        ]
        stretches.append(pa.Table.from_arrays(arrays, schema=part.schema))
    return pa.concat_tables(stretches)


def _renumbered(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    indices = array.indices
    seen = pc.unique(indices).drop_null()
    if not len(seen):
        return pa.DictionaryArray.from_arrays(indices, pa.array([], pa.string()))
    places = np.zeros(len(array.dictionary), np.int32)
    places[seen.to_numpy()] = np.arange(len(seen), dtype=np.int32)
    fresh = pc.take(pa.array(places), indices)
    return pa.DictionaryArray.from_arrays(fresh, array.dictionary.take(seen))


class Csv:
    """UTF-8 with a byte order mark, rows ended by CR LF, as RFC 4180 and spreadsheets have it."""

    def __init__(self, file: IO[bytes], names: Sequence[str], *, millis: bool) -> None:
        self._file, self._millis = file, millis
        file.write(header(names))

    def write(self, table: pa.Table) -> None:
        for start in range(0, table.num_rows, ROWS_AT_ONCE):
            self._file.write(as_csv(table.slice(start, ROWS_AT_ONCE), millis=self._millis))

    def close(self) -> None:
        self._file.close()


class Sinks:
    """Writes to several, each on a thread of its own, and closes all whatever happens.

    A table is written while the next one is read; never more than one waits, so memory stays as it is. A sink gets its
    tables in order. What fails is raised by the next `write`, or at the end.
    """

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks
        self._threads = ThreadPoolExecutor(max(1, len(sinks)), "sink")
        self._under_way: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def write(self, table: pa.Table) -> None:
        self._await()
        self._under_way = [self._threads.submit(sink.write, table) for sink in self._sinks]

    def _await(self) -> None:
        under_way, self._under_way = self._under_way, []
        wait(under_way)
        for one in under_way:
            one.result()

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        with contextlib.ExitStack() as ends:
            for sink in self._sinks:
                ends.callback(sink.close)
            ends.callback(self._threads.shutdown)
            if kind is None:
                self._await()
            else:
                wait(self._under_way)


def csv_sink(file: IO[bytes], request: Request) -> Csv:
    return Csv(file, [column.name for column in columns(request)], millis=not request.selection.step_ms)
