"""`classair gaps`: lists missing readings of a sensor, with reasons."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterable
from typing import Final

from classair.arguments import moment, shared
from classair.i18n import t
from classair.model import PRESENT_REASONS, Missing
from classair.places import Places
from classair.stores import StoreAway
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import local_time
from classair.units import DAY_MS

COLUMNS: Final = ("sensor", "start", "end", "start_ms", "end_ms", "expected", "reason", "there", "bridge", "simulated")


def main(argv: list[str]) -> int:
    """0 when it could be told, 2 when not."""
    parser = argparse.ArgumentParser(
        prog="classair gaps",
        description="list missing readings of a sensor, with reasons",
        parents=[shared("--data", "--language")],
    )
    parser.add_argument(
        "--sensor",
        required=True,
        metavar="SITE.ID",
        help="sensor, such as ban-suan.p1-2-pm; ban-suan. (with the dot) selects all sensors of the school",
    )
    parser.add_argument(
        "--from",
        dest="start",
        metavar="TIME",
        type=moment,
        help="start: 2026-11-23, 2026-11-23T09:00 (UTC+7), with an offset, or UTC ms (default: a day ago)",
    )
    parser.add_argument("--to", dest="end", metavar="TIME", type=moment, help="end, in the same form (default: now)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object per line")
    form.add_argument("--csv", action="store_true", help="print CSV")
    args = parser.parse_args(argv)
    end = args.end if args.end is not None else int(time.time() * 1000)
    start = args.start if args.start is not None else end - DAY_MS
    if start >= end:
        parser.error("--from must be before --to")
    if "." not in args.sensor:
        parser.error("--sensor SITE.ID is required, such as ban-suan.p1-2-pm")
    places = Places(args.data.resolve())
    store = SqliteStore(places.readings, readonly=True)
    try:
        found = store.missing_lines(args.sensor, start, end)
    except StoreAway as away:
        print(f"classair gaps: {away}", file=sys.stderr)
        return 2
    finally:
        store.close()
    if args.json:
        for line in found:
            print(json.dumps(as_row(line)))
    elif args.csv:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(as_row, found))
    else:
        _tell(found, args.language)
    return 0


def as_row(line: Missing) -> dict[str, str | int | bool]:
    """A line for other programs; `there`: the readings exist after all, see docs/missing.md."""
    return {
        "sensor": line.sensor,
        "start": _iso(line.start_ms),
        "end": _iso(line.end_ms),
        "start_ms": line.start_ms,
        "end_ms": line.end_ms,
        "expected": line.expected,
        "reason": line.reason,
        "there": line.reason in PRESENT_REASONS,
        "bridge": line.bridge,
        "simulated": line.simulated,
    }


def _tell(found: Iterable[Missing], language: str) -> None:
    absent = 0
    for line in found:
        print(
            f"{_iso(line.start_ms)} … {_iso(line.end_ms)}  {line.expected:>8,}  {line.reason:<13}  {line.sensor}  "
            f"{t(language, f'missing.{line.reason}')}"
        )
        absent += 0 if line.reason in PRESENT_REASONS else line.expected
    print(f"{absent:,} readings are missing")


def _iso(at_ms: int) -> str:
    return local_time(at_ms).isoformat(timespec="milliseconds")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
