"""Many dated rows as one compressed blob: column by column, numbers as whole steps, what changes little as differences.

A reading with thirteen quantities takes 15 to 25 bytes so, instead of 80 as a row. Rows come back exactly as they were.
"""

from __future__ import annotations

import json
import lzma
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

from firmware_bridge.spool.packing import SpoolRow

ROWS: Final = 2048
"""Rows in a block: enough to compress well, few enough to be read and packed in some tens of milliseconds on a Pi."""

_FILTERS: Final = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 18, "lc": 0, "lp": 0, "pb": 0}]
_WIDTHS: Final = (("b", 7), ("h", 15), ("i", 31), ("q", 63))
_MOST_DECIMALS: Final = 6
_MOST_BITS: Final = 60  # differences then fit into 63


class BadBlock(Exception):
    """The bytes are not a block, or have rotted."""


def encode(rows: Sequence[SpoolRow]) -> bytes:
    """Dated rows in order of seq. Raises ValueError when one is undated."""
    groups: dict[tuple[int, int, int], list[SpoolRow]] = {}
    for row in rows:
        if row.at is None:
            raise ValueError("an undated row cannot be packed away")
        groups.setdefault((row.shape, row.clock, row.given.count(",")), []).append(row)
    head: list[Any] = []
    columns: list[bytes] = []

    def put(numbers: Sequence[int]) -> list[Any]:
        """The shorter of the numbers themselves and their differences, as [kind, first, bytes]."""
        first = numbers[0]
        steps = [later - earlier for earlier, later in pairwise(numbers)]
        plain, stepped = _array([number - first for number in numbers[1:]]), _array(steps)
        # Differences of noise are noisier than the noise; differences of a ramp are nothing.
        stepwise = stepped.itemsize < plain.itemsize or _spread(steps) < _spread(numbers)
        chosen = stepped if stepwise else plain
        columns.append(chosen.tobytes())
        return [("d" if stepwise else "p") + chosen.typecode, first, len(columns[-1])]

    for (shape, clock, commas), members in groups.items():
        ats = [row.at or 0 for row in members]
        told: list[Any] = [
            shape,
            clock,
            len(members),
            put([row.seq for row in members]),
            put(ats),
            put([row.n for row in members]),
        ]
        texts = [row.given.split(",") for row in members]
        for place in range(commas + 1):
            column = [text[place] for text in texts]
            steps = _steps(column)
            if steps is None:
                raw = ",".join(column).encode()
                columns.append(raw)
                told.append(["t", 0, len(raw)])
            else:
                decimals, numbers = steps
                told.append([decimals, *put(numbers)])
        head.append(told)
    text = json.dumps(head, separators=(",", ":")).encode()
    body = len(text).to_bytes(4, "big") + text + b"".join(columns)
    return lzma.compress(body, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=_FILTERS)


def decode(blob: bytes) -> list[SpoolRow]:
    """The rows in order of seq. Raises BadBlock."""
    try:
        return _decode(blob)
    except (lzma.LZMAError, ValueError, TypeError, IndexError, KeyError, OverflowError, EOFError, MemoryError) as error:
        raise BadBlock(f"{type(error).__name__}: {error}") from None


def _decode(blob: bytes) -> list[SpoolRow]:
    body = lzma.decompress(blob, format=lzma.FORMAT_XZ)
    size = int.from_bytes(body[:4], "big")
    head, at = json.loads(body[4 : 4 + size]), 4 + size

    def take(length: int) -> bytes:
        nonlocal at
        part = body[at : at + length]
        if len(part) != length:
            raise ValueError("cut off")
        at += length
        return part

    def numbers(kind: str, first: int, length: int) -> list[int]:
        values = array(kind[1])
        values.frombytes(take(length))
        if kind[0] == "d":
            return list(accumulate(values, initial=first))
        return [first, *(first + value for value in values)]

    rows: list[SpoolRow] = []
    for shape, clock, count, *told in head:
        seqs, ats, ns = (numbers(*part) for part in told[:3])
        places = []
        for part in told[3:]:
            if part[0] == "t":
                places.append(take(part[2]).decode().split(","))
            else:
                places.append(_texts(part[0], numbers(*part[1:])))
        for seq, moment, n, *texts in zip(seqs, ats, ns, *places, strict=True):
            rows.append(SpoolRow(seq, shape, moment, n, clock, ",".join(texts)))
        if len(seqs) != count:
            raise ValueError("another number of rows than was said")
    rows.sort()
    return rows


def _array(numbers: Iterable[int]) -> array[int]:
    listed = list(numbers)
    bits = max((number.bit_length() if number >= 0 else (~number).bit_length() for number in listed), default=0)
    for code, holds in _WIDTHS:
        if bits <= holds:
            return array(code, listed)
    raise OverflowError("a number of more than 63 bits")


def _spread(numbers: Sequence[int]) -> int:
    return len(set(numbers))


def _steps(column: Sequence[str]) -> tuple[int, list[int]] | None:
    """A column of decimal texts as (decimals, whole numbers); -1 decimals: integers. None when it is not exact so."""
    try:
        if not any("." in text for text in column):
            whole = [int(text) for text in column]
            if max(number.bit_length() for number in whole) > _MOST_BITS:
                return None
            return (-1, whole) if list(map(str, whole)) == list(column) else None
        decimals = max(len(text.partition(".")[2]) for text in column)
        if decimals > _MOST_DECIMALS:
            return None
        whole = [round(float(text) * 10**decimals) for text in column]
        if max(number.bit_length() for number in whole) > _MOST_BITS:
            return None
        return (decimals, whole) if _texts(decimals, whole) == list(column) else None
    except (ValueError, OverflowError):
        return None


def _texts(decimals: int, whole: Iterable[int]) -> list[str]:
    if decimals < 0:
        return list(map(str, whole))
    divisor = 10**decimals
    return [repr(number / divisor) for number in whole]
