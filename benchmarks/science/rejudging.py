"""A year of forty sensors judged anew in a store: read from SQLite, judged, and what changes written back.

    nice python benchmarks/science/rejudging.py [--seed 11] [--days 365] [--sites 4] [--folder DIR]

The same simulated year as flags.py, a reading a minute, put into readings.db without any later flag; then the very code
of `classair flags` goes over it week by week, and ingest's code makes the changes in pieces. A second pass over the
last weeks must find nothing. Prints readings a second of each part. 21 million readings take 3.5 GB. Needs numpy.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from classair.units import MINUTE_MS

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

import numpy as np  # noqa: E402
from faultyear.air import DAY, site_air  # noqa: E402
from faultyear.judged import MODELS  # noqa: E402
from faultyear.parameters import parameters  # noqa: E402
from faultyear.sensors import Simulated, year  # noqa: E402

from classair.config import Config, parse  # noqa: E402
from classair.model import QUANTITIES, Flag  # noqa: E402
from classair.stores import Series  # noqa: E402
from classair.stores.sqlite.connections import Connections  # noqa: E402
from classair.stores.sqlite.rows import CLOCKS  # noqa: E402
from classair.stores.sqlite.store import SqliteStore  # noqa: E402
from ingest.commands.flags import _chunks, _judged  # noqa: E402
from ingest.rechecking.recheck import apply, pieces  # noqa: E402
from ingest.rechecking.slots import SlotReader  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description="Judges a stored year anew.")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--sites", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="where the store is made (default: a temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="classair-bench-", dir=args.folder) as folder:
        return _run(args, Path(folder) / "readings.db")


def _run(args: argparse.Namespace, path: Path) -> int:
    known = parameters()
    start = datetime.fromisoformat(known["year"]["start"]).replace(tzinfo=ZoneInfo("Asia/Bangkok"))
    start_ms = int(start.timestamp() * 1000)
    end_ms = start_ms + args.days * DAY * MINUTE_MS
    store = SqliteStore(path)
    began, rows, kinds = time.perf_counter(), 0, {}
    for site in range(args.sites):
        for number, sensor in enumerate(
            year(known, args.seed, args.days, site, site_air(known, args.seed, site, args.days))
        ):
            kinds[f"site-{site + 1}.{sensor.name}"] = (MODELS[sensor.kind], sensor.place)
            rows += _put(store, site, number, sensor, start_ms)
    took = time.perf_counter() - began
    print(
        f"{rows:,} readings of {len(kinds)} sensors simulated and stored in {took:,.0f} s, {rows / took:,.0f}/s; "
        f"{path.stat().st_size / rows:.0f} bytes each",
        flush=True,
    )
    config, judged_s, applied_s, changed = _config(kinds), 0.0, 0.0, 0
    weeks, readings = list(_chunks(start_ms, end_ms)), Connections(path)
    around = SlotReader()
    for site in sorted(config.sites):
        for since, until in weeks:
            began = time.perf_counter()
            changes = _judged(readings, site, since, until, config, around)
            middle = time.perf_counter()
            judged_s += middle - began
            for piece in pieces(changes):
                with store.transaction():
                    changed += apply(piece, store.reflag)
            applied_s += time.perf_counter() - middle
        print(f"  {site}: judged {judged_s:,.0f} s, written {applied_s:,.0f} s, {changed:,} changed", flush=True)
    again = sum(
        len(_judged(readings, site, since, until, config))
        for site in sorted(config.sites)
        for since, until in weeks[-4:]
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    whole_s = judged_s + applied_s
    print(
        f"read and judged {rows / judged_s:,.0f}/s ({judged_s:,.0f} s), {changed:,} readings changed in "
        f"{applied_s:,.0f} s ({changed / max(applied_s, 1e-9):,.0f}/s), all of it {rows / whole_s:,.0f}"
        f"/s; at most {peak} MB with the simulation; changes left in the last weeks: {again}"
    )
    store.close()
    return 1 if again else 0


def _put(store: SqliteStore, site: int, number: int, sensor: Simulated, start_ms: int) -> int:
    """One sensor's year as a bridge would have sent it, by the way a restored archive takes."""
    series = Series(f"site-{site + 1}.{sensor.name}", f"site-{site + 1}.room-{sensor.place}", True)
    rows = 0
    for columns in _days(sensor, number, start_ms):
        with store.transaction():
            rows += store.add_archived(series, columns)
    return rows


def _days(sensor: Simulated, number: int, start_ms: int) -> Iterator[dict[str, Any]]:
    length = 28 * DAY
    for first in range(0, len(sensor.there), length):
        minutes = first + np.flatnonzero(sensor.there[first : first + length])
        count = len(minutes)
        if not count:
            continue
        clock = np.where(sensor.clock[minutes] == 1, CLOCKS.index("unsync"), CLOCKS.index("sync"))
        flags = np.where(sensor.warm[minutes], int(Flag.WARMUP), 0) | np.where(
            sensor.clock[minutes] > 0, int(Flag.CLOCK), 0
        )
        yield {
            "at_ms": (start_ms + minutes * MINUTE_MS).tolist(),
            "seq": (minutes * 16 + number + 1).tolist(),
            "bridge": [f"{sensor.site}.pi"] * count,
            "epoch": ["bench0000001"] * count,
            "interval_s": [60.0] * count,
            "n": [60] * count,
            "flags": flags.tolist(),
            "vflags": [None] * count,
            "clock": clock.tolist(),
            "late": [0] * count,
            **{
                key: np.round(column[minutes] * QUANTITIES[key].scale).astype(np.int64).tolist()
                for key, column in sensor.columns.items()
            },
        }


def _config(kinds: dict[str, tuple[str, int]]) -> Config:
    """A sensors.yaml of these sensors: models count, and which room they are in."""
    lines = ["org: bench", "sites:"]
    for site in sorted({name.partition(".")[0] for name in kinds}):
        mine = {name.partition(".")[2]: kind for name, kind in kinds.items() if name.startswith(f"{site}.")}
        lines += [f"  {site}:", "    name: {th: x, en: x}", f"    bridges: {{pi-{site}: {{}}}}", "    rooms:"]
        for place in sorted({place for _, place in mine.values()}):
            inside = "no, volume_m3: 180, capacity: 30" if place else "yes"
            lines += [f"      room-{place}: {{name: {{th: x, en: x}}, outdoor: {inside}}}"]
        lines += ["    sensors:"]
        lines += [
            f'      {name}: {{bridge: pi-{site}, room: room-{place}, model: {model}, port: "sim:classroom"}}'
            for name, (model, place) in mine.items()
        ]
    return parse("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
