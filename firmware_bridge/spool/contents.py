"""What a spool's file holds: its tables, what is read from it at the start, and where a damaged one goes."""

from __future__ import annotations

import logging
import sqlite3
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from classair import damaged
from firmware_bridge.clock import UNKNOWN
from firmware_bridge.spool.packing import Hole

log = logging.getLogger(__name__)

BLOCK: Final = 1_000_000  # seqs reserved at a time: days of measuring while the disk cannot be written
BURST: Final = 5_000  # at most so many and RATE a second are given out behind what the disk knows:
RATE: Final = 200  # a new start in the same boot then knows how many a crash can have used

SCHEMA_VERSION: Final = 3
_HEARD: Final = "create table heard(message integer primary key, seq integer not null);"
"""Messages of third-party devices by their content, and the newest reading made of each: told again after a kill, it is
known."""
SCHEMA: Final = f"""
create table meta(key text primary key, value text not null) without rowid;
create table shape(number integer primary key, text text not null);
create table item(seq integer primary key, shape integer not null, at integer, n integer not null,
                  clock integer not null, given text not null, mono integer, boot text, sum integer);
create index item_undated on item(boot) where at is null;
create table gap(first integer primary key, last integer not null, reason text not null);
{_HEARD}
"""
UPGRADE: Final = f"alter table item add column sum integer; {_HEARD}"
"""From versions 1 and 2. Rows without a checksum are from there; version 2 has a table of blocks (old_blocks.py)."""


def row_sum(*parts: object) -> int:
    """The checksum of a row, of everything that is kept of it."""
    return zlib.crc32(repr(parts).encode())


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds beside its items. `last`: the highest seq known to have been given out.

    `until`: up to when (UTC ms) readings and the gap ledger account for each sensor. `moment`: boot and elapsed ms of
    the last write.
    """

    epoch: str
    reserved: int
    last: int
    acknowledged: int
    shapes: dict[int, str]
    gaps: list[Hole]
    until: dict[str, int]
    moment: tuple[str, int] | None

    def used_at_most(self, boot: str, now_s: float) -> int:
        """The highest number that may have been given out before a crash, at BURST and RATE a second behind the
        disk's back; all that were reserved when it is not known how long ago the last write was.
        """
        if self.reserved <= self.last or self.moment is None or boot == UNKNOWN or self.moment[0] != boot:
            return self.reserved
        since_s = max(now_s - self.moment[1] / 1000, 0.0)
        return min(self.reserved, self.last + BURST + RATE * (int(since_s) + 1))


def moment_of(boot: str, now_s: float) -> str:
    """Boot and elapsed time of a write, as Contents.moment reads it."""
    return f"{boot} {int(now_s * 1000)}"


def suspect(path: Path) -> Path:
    """The file that says: look the whole spool over before you open it, the last run has met damage."""
    return path.with_name(path.name + ".suspect")


def is_sound(db: sqlite3.Connection) -> str:
    """Reads the whole file; "ok", or what is wrong with it."""
    (verdict,) = db.execute("pragma quick_check(1)").fetchone()
    return str(verdict)


def move_aside(path: Path, why: str) -> Path:
    """Moves a damaged spool out of the way, to a name that no earlier one has: `<name>.damaged-<UTC time>`."""
    aside = damaged.name_for(path)
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        try:
            if part.exists():
                part.replace(aside.with_name(aside.name + suffix))
        except OSError as error:
            log.error("spool_rename_failed path=%s error=%s", part, error.strerror)
    with suppress(OSError):
        suspect(path).unlink(missing_ok=True)
    log.critical("spool_damaged path=%s error=%s moved_to=%s action=new_epoch", path, why, aside.name)
    return aside
