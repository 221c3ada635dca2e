"""`classair count`: audits by sequence number that every reading is stored exactly once."""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from classair import intervals
from classair.arguments import shared
from classair.intervals import Interval
from classair.model import QUANTITIES, SHOWN, Bucket
from classair.places import Places
from classair.stores import StoreAway
from classair.stores.sqlite.store import SqliteStore
from classair.stores.steps import bucket_start
from classair.stores.tally import tallied
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

STEPS = ((MINUTE_MS, SHOWN), (HOUR_MS, tuple(QUANTITIES)), (DAY_MS, tuple(QUANTITIES)))
"""The lengths of the rollups and the quantities each is kept of."""


@dataclass(frozen=True, slots=True)
class Count:
    """One bridge and epoch. `missing`: below the highest number heard of and dealt with by nobody. `unexplained`:
    marked as dealt with, yet in no table. `doubled`: readings that stand more than once."""

    bridge: str
    epoch: str
    received: int
    stored: int
    quarantined: int
    gaps: int
    other: int
    missing: list[Interval]
    unexplained: list[Interval]
    doubled: int

    @property
    def sound(self) -> bool:
        return not (self.missing or self.unexplained or self.doubled)


def main(argv: list[str]) -> int:
    """0 when every number is accounted for once and every rollup is right, 1 when not, 2 when it cannot be told."""
    parser = argparse.ArgumentParser(
        prog="classair count",
        description="audit the database: every reading stored exactly once",
        parents=[shared("--data")],
    )
    parser.add_argument(
        "--spool",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="also compare with the buffer of a bridge (<site>.<bridge>.db); repeatable",
    )
    parser.add_argument("--no-rollups", action="store_true", help="skip the recomputation of the rollups")
    args = parser.parse_args(argv)
    places = Places(args.data.resolve())
    if not places.readings.exists():
        print(f"classair count: {places.readings} does not exist", file=sys.stderr)
        return 2
    try:
        with contextlib.closing(sqlite3.connect(f"file:{places.readings}?mode=ro", uri=True)) as connection:
            sound = _tell_counts(connection)
            for spool in args.spool:
                sound = _tell_spool(connection, spool) and sound
        if not args.no_rollups:
            sound = _tell_rollups(places) and sound
    except (sqlite3.Error, StoreAway) as error:
        print(f"classair count: {error}", file=sys.stderr)
        return 2
    print("OK: every reading is stored exactly once" if sound else "FAILED: not every reading is stored exactly once")
    return 0 if sound else 1


# -- numbers -----------------------------------------------------------------------------------------------------------


def counts(connection: sqlite3.Connection) -> Iterator[Count]:
    """Every bridge and epoch that was ever heard of, seen in one state of the file."""
    connection.execute("begin")
    try:
        for identity, bridge, epoch in connection.execute(
            "select id, bridge, epoch from bridge_epoch order by bridge, id"
        ).fetchall():
            yield _count(connection, identity, bridge, epoch)
    finally:
        connection.execute("rollback")


def _count(connection: sqlite3.Connection, identity: int, bridge: str, epoch: str) -> Count:
    def asked(statement: str, *given: object) -> list[Interval]:
        return intervals.union(connection.execute(statement, given).fetchall())

    received = asked("select first, last + 1 from received where bridge_epoch=?", identity)
    stored, doubled = intervals.of_numbers(
        row[0] for row in connection.execute("select seq from reading where bridge_epoch=? order by seq", (identity,))
    )
    gaps = asked("select first, last + 1 from gap where bridge_epoch=?", identity)
    key = (bridge, epoch)
    quarantined = asked("select seq, seq + 1 from quarantine where bridge=? and epoch=?", *key)
    other = asked("select seq, seq + 1 from numbered where bridge=? and epoch=?", *key)
    trimmed = asked("select first, last + 1 from trimmed_run where bridge_epoch=?", identity)
    stored = intervals.union(stored, trimmed)
    dealt = intervals.union(stored, gaps, quarantined, other)
    end = max((end for _, end in intervals.union(received, dealt)), default=1)
    return Count(
        bridge,
        epoch,
        intervals.size(received),
        intervals.size(stored),
        intervals.size(quarantined),
        intervals.size(intervals.without(gaps, stored)),
        intervals.size(other),
        intervals.without([(1, end)], intervals.union(received, dealt)),
        intervals.without(received, dealt),
        doubled,
    )


def _tell_counts(connection: sqlite3.Connection) -> bool:
    sound = True
    head = ("received", "stored", "quarantined", "gaps", "switches", "missing", "unexplained", "doubled")
    print(f"{'bridge / epoch':44}" + "".join(f"{name:>12}" for name in head))
    for count in counts(connection):
        figures = (
            count.received,
            count.stored,
            count.quarantined,
            count.gaps,
            count.other,
            intervals.size(count.missing),
            intervals.size(count.unexplained),
            count.doubled,
        )
        print(f"{count.bridge + ' ' + count.epoch:44}" + "".join(f"{figure:>12,}" for figure in figures))
        if count.missing:
            print(f"  missing: {intervals.shown(count.missing)}")
        if count.unexplained:
            print(f"  marked as received, but in no table: {intervals.shown(count.unexplained)}")
        sound &= count.sound
    return sound


def _tell_spool(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether every number that this bridge has on disk is dealt with here."""
    bridge = path.name.removesuffix(".db")
    with contextlib.closing(sqlite3.connect(f"file:{path.resolve()}?mode=ro", uri=True)) as spool:
        row = spool.execute("select value from meta where key='epoch'").fetchone()
        epoch = row[0] if row else ""
        loose, _ = intervals.of_numbers(row[0] for row in spool.execute("select seq from item order by seq"))
        packed = (
            spool.execute("select runs from block").fetchall()
            if spool.execute("select 1 from sqlite_schema where name='block'").fetchone()
            else []
        )
    on_disk = intervals.union(loose, [(first, last + 1) for (text,) in packed for first, last in json.loads(text)])
    received = intervals.union(
        connection.execute(
            "select first, last + 1 from received join bridge_epoch on id=bridge_epoch where bridge=? and epoch=?",
            (bridge, epoch),
        ).fetchall()
    )
    missing = intervals.without(on_disk, received)
    print(
        f"spool {bridge} {epoch}: {intervals.size(on_disk):,} on disk, {intervals.size(missing):,} not stored"
        + (f": {intervals.shown(missing)}" if missing else "")
    )
    return not missing


# -- rollups -----------------------------------------------------------------------------------------------------------


def _tell_rollups(places: Places) -> bool:
    """Recomputes every rollup from the readings, a day at a time, and compares."""
    store = SqliteStore(places.readings, readonly=True)
    compared = wrong = moving = 0
    try:
        span = store.span()
        for room in store.rooms():
            for start in range(bucket_start(span[0], DAY_MS), span[1], DAY_MS) if span else ():
                if room.partition(".")[0] in store.trimmed(start, start + DAY_MS):
                    continue  # its readings are in the archive
                same, different, moved = _compare(store, room, start, start + DAY_MS)
                compared += same + different
                wrong += different
                moving += moved
    finally:
        store.close()
    print(
        f"rollups: {compared:,} recomputed, {wrong:,} wrong"
        + (f"; {moving:,} changed during the check" if moving else "")
    )
    return not wrong


def _compare(store: SqliteStore, room: str, start_ms: int, end_ms: int) -> tuple[int, int, int]:
    """How many rollups are right, wrong, and cannot be judged because readings came in during the look.

    One that is the same before and after the readings were read belongs to exactly these readings.
    """
    before, readings, after = (
        _kept(store, room, start_ms, end_ms),
        list(store.readings(room, start_ms, end_ms)),
        _kept(store, room, start_ms, end_ms),
    )
    wanted: dict[tuple[int, str, int], Bucket] = {}
    for step, keys in STEPS:
        found = tallied(readings, lambda at_ms, step=step: bucket_start(at_ms, step), keys)  # type: ignore[misc]
        wanted.update(
            {(step, key, start): bucket for start, buckets in found.items() for key, bucket in buckets.items()}
        )
    same = different = moving = 0
    for place in wanted.keys() | before.keys() | after.keys():
        if before.get(place) != after.get(place):
            moving += 1
        elif after.get(place) == wanted.get(place):
            same += 1
        else:
            different += 1
    return same, different, moving


def _kept(store: SqliteStore, room: str, start_ms: int, end_ms: int) -> dict[tuple[int, str, int], Bucket]:
    """Every rollup there is, by its length, quantity and beginning."""
    return {
        (step, key, bucket.start_ms): bucket
        for step, keys in STEPS
        for key in keys
        for bucket in store.series(room, key, start_ms, end_ms, step)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
