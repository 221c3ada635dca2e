"""Blocks of rows as earlier versions packed them: 2048 at a time, column by column. Read until they are rows again.

They hold the oldest rows of a spool. The newest block is taken apart first, so that every block stays older than every
row, and each in one transaction, so that a kill loses and doubles nothing.
"""

from __future__ import annotations

import json
import logging
import lzma
import sqlite3
from array import array
from collections.abc import Iterable
from itertools import accumulate
from typing import Final

from firmware_bridge.spool.packing import SpoolRow

log = logging.getLogger(__name__)

GROWTH: Final = 10
"""A row takes about nine times the room that it had in a block."""


class BadBlock(Exception):
    """The bytes are not a block, or have rotted."""


class OldBlocks:
    """The blocks of one file, none in a file of today. Methods take the connection to read or write with."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.there = db.execute("select 1 from sqlite_schema where name='block'").fetchone() is not None
        if self.there and not db.execute("select 1 from block limit 1").fetchone():
            db.execute("drop table block")
            self.there = False
        self._known: tuple[int, list[SpoolRow]] = (0, [])

    def size(self, db: sqlite3.Connection) -> int:
        return int(db.execute("select coalesce(sum(length(data)), 0) from block").fetchone()[0]) if self.there else 0

    def newest_seq(self, db: sqlite3.Connection) -> int:
        return int(db.execute("select coalesce(max(last), 0) from block").fetchone()[0]) if self.there else 0

    def oldest(self, db: sqlite3.Connection, upto: int = 2**62) -> tuple[int, int, list[SpoolRow]] | None:
        """First and last number and rows of the oldest block, when it ends at `upto` or before; None without."""
        return self._one(db, "where last <= ? order by first limit 1", upto)

    def newest(self, db: sqlite3.Connection) -> tuple[int, int, list[SpoolRow]] | None:
        return self._one(db, "where last <= ? order by first desc limit 1", 2**62)

    def after(self, db: sqlite3.Connection, seq: int, limit: int) -> list[SpoolRow]:
        """Up to `limit` rows behind `seq`, and perhaps more."""
        found: list[SpoolRow] = []
        while len(found) < limit and (block := self._one(db, "where last > ? order by first limit 1", seq)):
            found += [row for row in block[2] if row.seq > seq]
            seq = block[1]
        return found

    def drop(self, db: sqlite3.Connection, first: int, last: int) -> None:
        if self.there:
            db.execute("delete from block where first between ? and ?", (first, last))

    def _one(self, db: sqlite3.Connection, where: str, seq: int) -> tuple[int, int, list[SpoolRow]] | None:
        if not self.there:
            return None
        row = db.execute(f"select first, last, data from block {where}", (seq,)).fetchone()
        return None if row is None else (row[0], row[1], self._unpacked(row[0], row[2]))

    def _unpacked(self, first: int, data: bytes) -> list[SpoolRow]:
        """The rows of a block; the newest one asked for is remembered. One that has rotted holds nothing."""
        key = hash((first, data))
        known, rows = self._known
        if known != key:
            try:
                rows = decode(data)
            except BadBlock as bad:
                log.error("spool_block_damaged first=%d error=%s readings_lost=true", first, bad)
                rows = []
            self._known = (key, rows)
        return rows


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


def _texts(decimals: int, whole: Iterable[int]) -> list[str]:
    if decimals < 0:
        return list(map(str, whole))
    divisor = 10**decimals
    return [repr(number / divisor) for number in whole]
