"""What a full spool gives up, in which order: acknowledged rows; the fineness of the oldest others; then these."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence

from firmware_bridge.spool.contents import Block
from firmware_bridge.spool.file import SpoolFile
from firmware_bridge.spool.packing import Hole, Shapes, SpoolRow
from firmware_bridge.spool.thinning import MissingLogEntry, give_up, thin

log = logging.getLogger(__name__)

Gone = Callable[[int, int, str], list[Hole]]
"""Declares numbers a gap; all gaps there are then."""
Numbered = Callable[[Sequence[MissingLogEntry]], list[SpoolRow]]
"""Gives lines of the gap ledger their place in the sequence."""

_STEPS = ((0, "thinned"), (1, "spool full"), (2, "spool full"))


def make_room(file: SpoolFile, limit: int, acknowledged: int, shapes: Shapes, gone: Gone, numbered: Numbered) -> None:
    """Until the file uses no more than `limit` bytes, on a full disk than it has. Each step is one transaction, with
    the gaps and the lines of the gap ledger that say what it cost. Raises sqlite3.OperationalError.
    """
    limit = file.limit(limit)
    while file.used() > limit:
        if file.drop_acknowledged(acknowledged):
            continue
        step = next(((block, *step) for step in _STEPS if (block := file.oldest_block(step[0])) is not None), None)
        if step is not None:
            _give_up(file, *step, acknowledged, shapes, gone, numbered)
        # Nothing is packed yet: packing makes room by itself. What waits undated cannot be packed.
        elif (
            not file.pack(shapes.readable, at_least=1)
            and file.drop_oldest(lambda first, last: gone(first, last, "spool full")) is None
        ):
            return


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

    Acknowledged rows go first. Of the others' fineness something is given up only when `desperate`: when memory, too,
    will soon have no room for new readings, and those would be lost altogether.
    """
    if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_FULL:
        return False
    try:
        file.settle()
        limit = file.used() * 7 // 8
        while file.used() > limit and file.drop_acknowledged(acknowledged):
            pass
        if desperate:
            make_room(file, limit, acknowledged, shapes, gone, numbered)
        return file.used() <= limit
    except sqlite3.OperationalError:
        return False


def _give_up(
    file: SpoolFile,
    block: Block,
    thinned: int,
    reason: str,
    acknowledged: int,
    shapes: Shapes,
    gone: Gone,
    numbered: Numbered,
) -> None:
    waiting = [row for row in file.rows_of(block) if row.seq > acknowledged and shapes.readable(row)]
    if thinned == 0:
        kept, lines = thin(waiting, shapes)
    else:
        kept, lines = give_up(waiting, shapes)
        kept = kept if thinned == 1 else []
    file.replace(block, kept, thinned + 1, gone(block.first, block.last, reason), dict(shapes.unsaved), numbered(lines))
    if lines:
        log.error(
            "spool_full action=%s first=%d last=%d readings=%d acknowledged=false",
            reason.replace(" ", "_"),
            block.first,
            block.last,
            sum(line.expected for line in lines),
        )
