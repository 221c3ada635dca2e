"""`classair restore`: rebuilds readings.db from the archive."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from classair.places import Places, alone
from classair.stores import StoreAway
from research.archive import ArchiveFault
from research.archive.restoring import restore


def main(argv: list[str]) -> int:
    """0 when the new file is in its place, 1 when it could not be made, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="classair restore", description="rebuild readings.db from the archive")
    parser.add_argument("--archive", type=Path, required=True, metavar="DIR", help="archive folder")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data folder without a readings.db")
    args = parser.parse_args(argv)
    places, begun = Places(args.data.resolve()), time.monotonic()
    try:
        places.root.mkdir(parents=True, exist_ok=True)
        with alone(places.root / "restore.lock") as mine:
            if not mine:
                print("classair restore: another one is already running with this folder", file=sys.stderr)
                return 1
            rows = restore(args.archive.resolve(), places, lambda text: print(text, flush=True))
    except FileExistsError as error:
        print(f"classair restore: {error}", file=sys.stderr)
        return 2
    except (ArchiveFault, StoreAway, OSError) as error:
        print(f"classair restore: {error}", file=sys.stderr)
        return 1
    print(
        f"{places.readings}: {rows:,} readings in {time.monotonic() - begun:,.0f} s; "
        "bridges will resend readings that the archive did not have"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
