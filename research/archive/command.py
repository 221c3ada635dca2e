"""`classair archive`: writes finished days to Parquet files and verifies each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from classair.arguments import day, shared
from classair.places import Places, alone
from classair.stores import StoreAway
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import ZONE
from research.archive import ArchiveFault, manifest_of, sites_of, write_manifest
from research.archive.days import verify_site, write_day
from research.archive.tables import write_tables

EVER = date(1970, 1, 2)


@dataclass(slots=True)
class Outcome:
    """What one run did."""

    written: int = 0
    current: int = 0
    rows: int = 0
    bytes: int = 0
    faults: int = 0


def main(argv: list[str]) -> int:
    """0 when every day asked for is in the archive as it stands in the store, 1 when not, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="classair archive",
        description="archive finished days to verified Parquet files",
        parents=[shared("--data")],
    )
    parser.add_argument("--archive", type=Path, metavar="DIR", help="archive folder (default: DIR/archive)")
    parser.add_argument("--site", metavar="SITE", help="archive one site only")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--day", type=day, metavar="YYYY-MM-DD", help="archive one local day only")
    which.add_argument("--all", action="store_true", help="include today, as far as recorded")
    parser.add_argument("--verify", action="store_true", help="verify all files without writing any")
    args = parser.parse_args(argv)
    places = Places(args.data.resolve())
    archive = args.archive.resolve() if args.archive else places.archive
    try:
        if args.verify:
            return _verify(archive, args.site)
        if not places.readings.exists():
            print(f"classair archive: {places.readings} does not exist", file=sys.stderr)
            return 2
        today = datetime.now(ZONE).date()
        end = today + timedelta(days=3) if args.all else today
        with alone(archive / "archive.lock") as mine:
            if not mine:
                print("classair archive: another one is already running", file=sys.stderr)
                return 1
            outcome = archive_days(places.readings, archive, end, site=args.site, day=args.day)
    except (ArchiveFault, StoreAway, OSError) as error:
        print(f"classair archive: {error}", file=sys.stderr)
        return 1
    print(
        f"{outcome.written} days written ({outcome.rows:,} readings, {outcome.bytes:,} bytes), "
        f"{outcome.current} already archived" + (f", {outcome.faults} FAILED" if outcome.faults else "")
    )
    return 1 if outcome.faults else 0


def archive_days(
    readings: Path, archive: Path, end: date, *, site: str | None = None, day: date | None = None
) -> Outcome:
    """Writes every day before `end` (or that one) whose version the archive does not have, then the other tables.

    A day that fails is reported and leaves the others alone. Raises StoreAway, ArchiveFault (a manifest), OSError.
    """
    outcome = Outcome()
    store = SqliteStore(readings, readonly=True)
    try:
        for one in [site] if site else store.sites():
            entries = manifest_of(archive, one)
            for number, (at, version) in enumerate(_wanted(store, one, end, day)):
                there = entries.get(at)
                if there is not None and there.version == version and (archive / one / there.file).is_file():
                    outcome.current += 1
                    continue
                try:
                    entry = write_day(store, archive, one, at)
                except (ArchiveFault, OSError) as error:
                    outcome.faults += 1
                    print(f"classair archive: {one} {at}: {error}", file=sys.stderr, flush=True)
                    continue
                if entry is None:
                    continue
                entries[at] = entry
                outcome.written += 1
                outcome.rows += entry.rows
                outcome.bytes += entry.bytes
                print(f"{one} {at} version {entry.version}: {entry.rows:,} readings, {entry.bytes:,} bytes", flush=True)
                if number % 20 == 19:  # a run cut short begins from here
                    write_manifest(archive, one, entries)
            write_manifest(archive, one, entries)
    finally:
        store.close()
    write_tables(readings, archive)
    return outcome


def _wanted(store: SqliteStore, site: str, end: date, day: date | None) -> Iterator[tuple[date, int]]:
    first, last = (EVER, end) if day is None else (day, day + timedelta(days=1))
    yield from store.versions(site, first, last).items()


def _verify(archive: Path, site: str | None) -> int:
    for one in [site] if site else sites_of(archive):
        print(f"{one}: {verify_site(archive, one)} days verified")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
