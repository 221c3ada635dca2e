"""Exports of single readings: rows/s to Parquet and CSV from the archive and from SQLite, and the memory they take.

    python benchmarks/server/export.py [--rows 10000000] [--folder DIR] [--keep]

Four rooms with a PMS5003T and a CO2 sensor each, a reading each in 30 s, over as many days as the rows need; five
quantities are asked for, which makes eighteen columns. Each figure is a process of its own, which says its rate and its
peak memory (the bare interpreter with pyarrow is shown beside). Beside them, in the same run: duckdb's COPY of the same
rows of the archive, with the same quantities in their units and the moment in both zones, and a bare fetch of the same
columns from SQLite. `whole package` has everything: Parquet, CSV, tables, checksums. Where other programs compete, the
rates in processor time say more.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

ROOMS = 4
QUANTITIES = ("pm25", "pm10", "co2_ppm", "temp_c", "rh_pct")
CONFIG = (
    "org: bench\nsites:\n  town:\n    name: Town\n    bridges: {pi: {}}\n    rooms:\n"
    + "".join(f"      room-{n + 1}: {{name: R{n + 1}, volume_m3: 180, timetable: t}}\n" for n in range(ROOMS))
    + ('    sensors: {}\ntimetables:\n  t: {occupied: ["08:00-16:00"], lessons: ["09:00-11:00", "13:00-15:00"]}\n')
)


def make(folder: Path, rows: int) -> None:
    """A store by the way of `history.py` and its archive."""
    import history

    from research.archive.command import archive_days

    begin = time.perf_counter()
    district = history.District(folder / "readings.db", rows)
    district.sensors = 2 * ROOMS
    district.days = max(1, round(rows / district.sensors / history.PER_DAY))
    district.rows = district.sensors * district.days * history.PER_DAY
    district.fill()
    outcome = archive_days(folder / "readings.db", folder / "archive", date(2100, 1, 1))
    print(f"{outcome.written} days archived; all made in {time.perf_counter() - begin:,.0f} s", flush=True)


def request_of(folder: Path) -> Any:
    from classair.stores.sqlite.store import SqliteStore
    from research.export.request import Request

    store = SqliteStore(folder / "readings.db", readonly=True)
    days = sorted(store.versions("town", date(2000, 1, 1), date(2100, 1, 1)))
    store.close()
    return Request.parse(
        {
            "rooms": [f"town.room-{n + 1}" for n in range(ROOMS)],
            "quantities": list(QUANTITIES),
            "first": days[0],
            "last": days[-1],
            "step": "reading",
        }
    )


# -- each in a process of its own --------------------------------------------------------------------------------------


def export(folder: Path, out: Path, what: str) -> int:
    """`what`: which files, from where."""
    from classair.config import parse
    from classair.stores.sqlite.store import SqliteStore
    from research.export.columns import columns
    from research.export.package import build
    from research.export.parts import Pieces
    from research.export.sinks import Parquet, Sinks, csv_sink
    from research.export.sources import Sources

    request, store = request_of(folder), SqliteStore(folder / "readings.db", readonly=True)
    archive = folder / ("archive" if "archive" in what else "no-archive")
    sources = Sources(store, parse(CONFIG), folder / "readings.db", archive)
    if what.startswith("package"):
        return build(sources, request, out / "package", kept=out / "kept").rows
    pieces = Pieces(sources, request)
    if what.startswith("parquet"):
        sink: Any = Parquet(out / "data.parquet", columns(request))
    else:
        sink = csv_sink((out / "data.csv").open("wb"), request)
    with Sinks(sink) as sinks:
        for table in pieces:
            sinks.write(table)
    return pieces.rows


def fetch(folder: Path, _out: Path, _what: str) -> int:
    """The same columns of the same rows out of SQLite, and nothing done with them."""
    from classair.stores.sqlite.store import SqliteStore

    request, store, rows = request_of(folder), SqliteStore(folder / "readings.db", readonly=True), 0
    names = "at_ms, seq, bridge_epoch, interval_s, n, flags, vflags, clock, late"
    with store._queries.connection() as connection:
        day = request.selection.first
        while day <= request.selection.last:
            with store.day("town", day) as stored:
                there = list(stored._series)
            start = request.selection.start_ms + (day - request.selection.first).days * 86_400_000
            for identity in there:
                keys = [key for key in QUANTITIES if (key == "co2_ppm") == (identity % 2 == 0)]
                rows += len(
                    connection.execute(
                        f"select {names}, {', '.join(keys)} from reading where series=? and at_ms>=? and at_ms<? "
                        "order by at_ms, seq",
                        (identity, start, start + 86_400_000),
                    ).fetchall()
                )
            day += timedelta(days=1)
    return rows


def copied(folder: Path, out: Path, what: str) -> int:
    """duckdb's COPY."""
    import duckdb

    duckdb.sql("set memory_limit = '2GB'; set preserve_insertion_order = true")
    csv = what.startswith("csv")

    def moment(zone: str, suffix: str) -> str:
        if not csv:
            return '"at"'
        shift = " + interval 7 hour" if zone == "local" else ""
        return f"strftime((\"at\" at time zone 'UTC'){shift}, '%Y-%m-%dT%H:%M:%S.%g{suffix}')"

    values = ", ".join(
        f"{key}_x{scale} / {scale}.0 as {key}"
        for key, scale in (("pm25", 1000), ("pm10", 1000), ("co2_ppm", 100), ("temp_c", 100), ("rh_pct", 100))
    )
    asked = (
        f"select {moment('local', '+07:00')} as time, {moment('utc', 'Z')} as time_utc, 'town' as school_id, "
        f"room, sensor, {values}, n, interval_s, flags, vflags, clock, late, bridge, epoch, seq, simulated, "
        f"false as lesson from read_parquet('{folder}/archive/town/*/*.parquet', union_by_name=true)"
    )
    into = "(format csv, header)" if csv else "(format parquet, compression zstd, compression_level 3)"
    duckdb.sql(f"copy ({asked}) to '{out}/copy' {into}")
    return int(
        duckdb.sql(
            f"select count(*) from read_parquet('{folder}/archive/town/*/*.parquet', union_by_name=true)"
        ).fetchall()[0][0]
    )


def idle(_folder: Path, _out: Path, _what: str) -> int:
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401

    return 0


STEPS: list[tuple[str, Callable[[Path, Path, str], int], str]] = [
    ("idle interpreter with pyarrow", idle, ""),
    ("Parquet from the archive", export, "parquet archive"),
    ("duckdb COPY to Parquet", copied, "parquet"),
    ("CSV from the archive", export, "csv archive"),
    ("duckdb COPY to CSV", copied, "csv"),
    ("bare column fetch from SQLite", fetch, ""),
    ("Parquet from SQLite", export, "parquet store"),
    ("CSV from SQLite", export, "csv store"),
    ("whole package from the archive, resumable", export, "package archive"),
]


def peak_mb() -> float:
    """Of this process alone; what getrusage says begins with the memory of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where the files are made (default: a temporary folder)")
    parser.add_argument("--keep", action="store_true", help="leave the store for the next time")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only is not None:
        _, call, what = STEPS[args.only]
        importlib.import_module("duckdb" if call is copied else "research.export.package")
        begin, worked = time.perf_counter(), time.process_time()
        rows = call(args.folder, args.out, what)
        print(
            json.dumps(
                {"rows": rows, "s": time.perf_counter() - begin, "cpu": time.process_time() - worked, "mb": peak_mb()}
            )
        )
        return 0
    with tempfile.TemporaryDirectory(prefix="classair-bench-", dir=args.folder) as temporary:
        folder = (args.folder if args.keep and args.folder else Path(temporary)) / f"export-{args.rows}"
        if not folder.exists():
            fresh = folder.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            make(fresh, args.rows)
            fresh.rename(folder)
        print(f"{'':44}{'rows/s':>12}{'rows/CPU s':>12}{'peak MB':>9}{'written MB':>12}")
        for number, (name, _, _) in enumerate(STEPS):
            out = Path(temporary) / f"out-{number}"
            out.mkdir()
            told = json.loads(
                subprocess.run(
                    [sys.executable, __file__, "--only", str(number), "--folder", str(folder), "--out", str(out)],
                    stdout=subprocess.PIPE,
                    check=True,
                ).stdout
            )
            size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
            rates = [f"{told['rows'] / told[key]:,.0f}" if told["rows"] else "–" for key in ("s", "cpu")]
            print(f"{name:44}{rates[0]:>12}{rates[1]:>12}{told['mb']:>9.0f}{size:>12,.0f}", flush=True)
            shutil.rmtree(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
