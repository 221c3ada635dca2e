"""What benchmarks/server/history.py asks of a store of years, and what a reading of it takes on disk."""

from __future__ import annotations

import sqlite3
import statistics
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from classair.stores import BANGKOK_MS, Store, local_day
from classair.stores.sqlite.schema import open_writer
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

YEAR = 345
"""Days of the year in question: what the smallest district has."""
WHOLE = ("series", "at_ms", "seq", "bridge_epoch", "interval_s", "n", "flags", "vflags", "clock", "late")


def questions(store: Store, site: str, room: str, first: int, last: int) -> dict[str, float]:
    """Milliseconds of what explorer and dashboard ask of years, warm: the median of five after one.

    `first` and `last` are the numbers of the first and last local day.
    """
    end = local_day.start_of(last + 1)

    def series(days: int, step_ms: int, quantity: str = "pm25", back: int = 0) -> Callable[[], object]:
        return lambda: store.series(room, quantity, end - (back + days) * DAY_MS, end - back * DAY_MS, step_ms)

    def heat_map() -> object:
        cells: dict[int, list[float]] = {}
        for bucket in store.series(room, "pm25", end - YEAR * DAY_MS, end, HOUR_MS):
            if bucket.mean is not None:
                cells.setdefault((bucket.start_ms + BANGKOK_MS) // HOUR_MS % 168, []).append(bucket.mean)
        return {hour: statistics.fmean(values) for hour, values in cells.items()}

    def shares() -> object:
        found = [0] * 6
        for bucket in store.series(room, "pm25", end - YEAR * DAY_MS, end, HOUR_MS):
            found[min(5, int((bucket.mean or 0) // 15))] += 1
        return found

    def strip() -> object:
        return [
            (bucket.n, bucket.suspect, bucket.bad)
            for bucket in store.series(room, "pm25", end - 90 * DAY_MS, end, HOUR_MS)
        ]

    asked: dict[str, Callable[[], object]] = {
        "a room's day at 1 min": series(1, MINUTE_MS),
        "a room's month at 10 min": series(30, 10 * MINUTE_MS),
        "a room's year at 1 h": series(YEAR, HOUR_MS),
        "a room's year at 1 h, counts of particles": series(YEAR, HOUR_MS, "n03"),
        "a room's year at 1 day": series(YEAR, DAY_MS),
        "all years of a room at 1 day": series(last + 1 - first, DAY_MS),
        "all years of a room at 7 days": series(last + 1 - first, 7 * DAY_MS),
        "hour-of-week heat map of a year": heat_map,
        "shares of levels, a year of hours": shares,
        "completeness strip, 90 days of hours": strip,
        "two half years compared, hours": lambda: (series(170, HOUR_MS)(), series(170, HOUR_MS, back=175)()),
        "readings of every series, a year": lambda: store.counts(end - YEAR * DAY_MS, end),
        "the same of 30 days, one by one": lambda: [
            store.counts(end - day * DAY_MS, end - (day - 1) * DAY_MS) for day in range(1, 31)
        ],
        "versions of all days": lambda: store.versions(site, local_day.date_of(first), local_day.date_of(last + 1)),
        "latest of a room": lambda: store.latest(room),
    }
    took = {}
    for name, ask in asked.items():
        ask()
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            ask()
            times.append(time.perf_counter() - begin)
        took[name] = statistics.median(times) * 1000
    return took


def tell_questions(found: dict[str, dict[str, float]]) -> None:
    """A column for each store, and how much longer the last takes than the first."""
    names = list(found)
    print(f"{'warm, ms':>44}" + "".join(f"{name:>14}" for name in names) + "   last to first")
    for name in found[names[0]]:
        times = [found[each][name] for each in names]
        print(f"{name:>44}" + "".join(f"{each:>14.1f}" for each in times) + f"{times[-1] / times[0]:>15.2f}×")
    worst = max(found[names[-1]].items(), key=lambda item: item[1])
    print(f"{names[-1]}, worst: {worst[0]}, {worst[1]:.1f} ms", flush=True)


def tell_bytes(path: Path, folder: Path, site: str, first: int) -> None:
    """What a reading of each family takes: its row in SQLite, in the day archive, and as packed deltas."""
    store = SqliteStore(path, readonly=True)
    with store.day(site, local_day.date_of(first)) as day:
        blocks = list(day.blocks())[:1] + list(day.blocks())[-1:]
    store.close()
    for block in blocks:
        family = block.series.sensor.partition(".")[2].rpartition("-")[0]
        told = (
            f"  {family:<10} {len(block.quantities):>2} quantities: SQLite "
            f"{_bytes_of_rows(path, folder, block.identity, block.quantities, first):>6.1f} bytes a reading"
        )
        packed = sum(
            len(zlib.compress(deltas(values), 6)) for name, values in block.columns.items() if name != "vflags"
        )
        told += f", packed deltas (zlib) {packed / len(block):>5.1f}"
        try:
            from research.archive.days import of_block, write_file
        except ModuleNotFoundError:
            print(told + ", Parquet: pyarrow is not installed")
            continue
        file = folder / f"{family}.parquet"
        write_file(file, [of_block(block)], {"format": 1})
        print(told + f", Parquet archive {file.stat().st_size / len(block):>5.1f}", flush=True)
        file.unlink()


def _bytes_of_rows(path: Path, folder: Path, series: int, quantities: Sequence[str], first: int) -> float:
    """Of a hundred days of one series in a file of their own, rollups not counted."""
    alone = folder / "alone.db"
    alone.unlink(missing_ok=True)
    connection = open_writer(alone)
    empty = connection.execute("pragma page_count").fetchone()[0]
    connection.execute("attach ? as whole", (str(path),))
    names = ", ".join((*WHOLE, *quantities))
    rows = connection.execute(
        f"insert into reading({names}) select {names} from whole.reading where series=? and at_ms<?",
        (series, local_day.start_of(first + 100)),
    ).rowcount
    pages = connection.execute("pragma main.page_count").fetchone()[0] - empty
    size = connection.execute("pragma main.page_size").fetchone()[0]
    connection.close()
    alone.unlink()
    return float(pages * size / rows)


def deltas(values: Sequence[float]) -> bytes:
    """Differences to the value before, zigzag, seven bits to a byte."""
    packed, before = bytearray(), 0
    for value in values:
        whole = int(value)
        change = whole - before
        before = whole
        rest = change << 1 if change >= 0 else (-change << 1) - 1
        while rest > 127:
            packed.append(rest & 127 | 128)
            rest >>= 7
        packed.append(rest)
    return bytes(packed)


def tell_columns(path: Path, site: str, first: int, days: int) -> None:
    """Reading a site's days as columns beside a bare fetch of the same columns."""
    store = SqliteStore(path, readonly=True)
    plain = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    ours = theirs = 0.0
    rows = 0
    for number in [*range(first, first + days)] * 2:
        begin = time.perf_counter()
        with store.day(site, local_day.date_of(number)) as stored:
            blocks = list(stored.blocks())
        ours += time.perf_counter() - begin
        rows += sum(map(len, blocks))
        start = local_day.start_of(number)
        begin = time.perf_counter()
        for block in blocks:
            plain.execute(
                f"select {', '.join(block.columns)} from reading where series=? and at_ms>=? and at_ms<?",
                (block.identity, start, start + DAY_MS),
            ).fetchall()
        theirs += time.perf_counter() - begin
    plain.close()
    store.close()
    print(
        f"  days as columns {rows / ours:,.0f} rows/s, bare fetch of the same {rows / theirs:,.0f} rows/s: "
        f"{theirs / ours:.0%} of bare",
        flush=True,
    )
