"""What a full spool gives up, in which order: the oldest acknowledged rows; then the oldest of the others."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence

from firmware_bridge.spool.file import SpoolFile
from firmware_bridge.spool.giving_up import MissingLogEntry, lines_about
from firmware_bridge.spool.packing import Hole, Shapes, SpoolRow

log = logging.getLogger(__name__)

Gone = Callable[[int, int, str], list[Hole]]
"""Declares numbers a gap; all gaps there are then."""
Numbered = Callable[[Sequence[MissingLogEntry], int], list[SpoolRow]]
"""Gives lines of the gap ledger about so many readings their place in the sequence."""


def make_room(file: SpoolFile, limit: int, acknowledged: int, shapes: Shapes, gone: Gone, numbered: Numbered) -> None:
    """Until the file uses no more than `limit` bytes, on a full disk than it has. Each step is one transaction, with
    the gaps and the lines of the gap ledger that say what it cost. Raises sqlite3.OperationalError.
    """
    try:
        _make_room(file, limit, acknowledged, shapes, gone, numbered)
    except sqlite3.OperationalError as error:
        if not _is_full(error):
            raise
        file.settle()
        _make_room(file, limit, acknowledged, shapes, gone, numbered)


def _make_room(file: SpoolFile, limit: int, acknowledged: int, shapes: Shapes, gone: Gone, numbered: Numbered) -> None:
    limit = file.limit(limit)
    while file.used() > limit:
        if oldest := file.oldest(acknowledged):
            file.drop(oldest.first, oldest.last)
            continue
        oldest = file.oldest()
        if oldest is None:
            return
        waiting = [row for row in oldest.rows if row.seq > acknowledged and shapes.readable(row)]
        lines = lines_about(waiting, shapes)
        readings = sum(shapes.is_reading(row.shape) for row in waiting)
        gaps, fresh = gone(oldest.first, oldest.last, "spool full"), numbered(lines, readings)
        file.drop(oldest.first, oldest.last, gaps, dict(shapes.unsaved), fresh)
        log.error(
            "spool_full action=drop_oldest first=%d last=%d readings=%d acknowledged=false",
            oldest.first,
            oldest.last,
            readings,
        )


def find_room(
    file: SpoolFile,
    error: sqlite3.OperationalError,
    acknowledged: int,
    desperate: bool,
    shapes: Shapes,
    gone: Gone,
    numbered: Numbered,
) -> bool:
    """Room inside the file for what a full disk has just refused; True when there is, so that writing is worth a try.

    Acknowledged rows go first; others only when `desperate`: when memory, too, will soon have no room for new readings.
    """
    if not _is_full(error):
        return False
    try:
        file.settle()
        limit = file.used() * 7 // 8
        while file.used() > limit and (oldest := file.oldest(acknowledged)):
            file.drop(oldest.first, oldest.last)
        if desperate:
            _make_room(file, limit, acknowledged, shapes, gone, numbered)
        return file.used() <= limit
    except sqlite3.OperationalError:
        return False


def _is_full(error: sqlite3.OperationalError) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
