"""How fast readings are kept, beside a bare insert of the same rows, and how fast questions are answered.

    python benchmarks/server/store.py [--rows 2000000,20000000] [--shuffled 2000000] [--batch 1000] [--folder DIR]

Half of the sensors are PMS5003T (12 quantities), half CO2 sensors (one), one reading each in 10 s over 14 days; as many
sensors as the number of rows asks for, eight on a bridge. Store and bare insert take turns batch by batch, so that
whatever else the machine does is shared by both; making the readings is in neither time.
"""

from __future__ import annotations

import argparse
import gc
import math
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from classair.model import QUANTITIES, Reading
from classair.stores.sqlite.schema import open_writer
from classair.stores.sqlite.store import SqliteStore

START_MS = 1_793_000_000_000 // DAY_MS * DAY_MS
EVERY_MS = 10_000
STEPS = 14 * DAY_MS // EVERY_MS
SENSORS_PER_BRIDGE = 8
PMS = ("pm1_cf1", "pm25_cf1", "pm10_cf1", "pm1", "pm25", "pm10", "n03", "n05", "n1", "n25", "temp_c", "rh_pct")
EPOCH = "bench0000001"

ORDERED = "in time order"
SHUFFLED = "shuffled over 14 days"  # in number, as bridges send: the times jump, the numbers do not
SCATTERED = "shuffled, numbers as well"  # no bridge does that


@dataclass(frozen=True, slots=True)
class Fleet:
    """Readings by their place in time order."""

    sensors: int

    @property
    def rows(self) -> int:
        return self.sensors * STEPS

    def reading(self, index: int, arrivals: dict[int, int] | None = None) -> Reading:
        """With `arrivals` its number follows the order of asking, else the order of measuring."""
        step, sensor = divmod(index, self.sensors)
        room = sensor // 2
        wave = math.sin(step / 900 + room)
        noise = (index * 2654435761 & 0xFFFF) / 0xFFFF
        if sensor % 2:
            values = {"co2_ppm": round(900 + 400 * wave + 40 * noise)}
            name = f"town.r{room}-co2"
        else:
            pm = 30 + 25 * wave + 3 * noise
            values = dict(
                zip(
                    PMS,
                    (
                        round(pm * 0.7, 1),
                        round(pm, 1),
                        round(pm * 1.2, 1),
                        round(pm * 0.65, 1),
                        round(pm * 0.95, 1),
                        round(pm * 1.1, 1),
                        round(pm * 150, 1),
                        round(pm * 45, 1),
                        round(pm * 8, 1),
                        round(pm * 0.9, 1),
                        round(28 + 4 * wave + noise / 10, 2),
                        round(60 - 10 * wave + noise, 2),
                    ),
                    strict=True,
                )
            )
            name = f"town.r{room}-pm"
        bridge, place = divmod(sensor, SENSORS_PER_BRIDGE)
        here = min(SENSORS_PER_BRIDGE, self.sensors - bridge * SENSORS_PER_BRIDGE)
        seq = step * here + place + 1
        if arrivals is not None:
            seq = arrivals[bridge] = arrivals.get(bridge, 0) + 1
        return Reading(
            sensor=name,
            bridge=f"town.b{bridge}",
            epoch=EPOCH,
            seq=seq,
            at_ms=START_MS + step * EVERY_MS + sensor * 7,
            values=values,
            n=10,
            room=f"town.r{room}",
        )

    def batches(self, size: int, order: str) -> Iterator[list[Reading]]:
        stride = int(self.rows * 0.618034) | 1
        while math.gcd(stride, self.rows) != 1:
            stride += 2
        arrivals: dict[int, int] | None = {} if order == SHUFFLED else None
        for begin in range(0, self.rows, size):
            places = range(begin, min(begin + size, self.rows))
            yield [self.reading(i if order == ORDERED else i * stride % self.rows, arrivals) for i in places]


class Bare:
    """The same rows into the same table with the same pragmas, and nothing else."""

    def __init__(self, path: Path) -> None:
        self.connection = open_writer(path)
        self.series: dict[str, int] = {}
        self.statements: dict[tuple[str, ...], str] = {}

    def rows(self, readings: list[Reading]) -> list[tuple[str, list[tuple[object, ...]]]]:
        """What executemany gets; not in the time measured."""
        by_keys: dict[tuple[str, ...], list[tuple[object, ...]]] = {}
        for r in readings:
            series = self.series.setdefault(r.sensor, len(self.series) + 1)
            scaled = (round(value * QUANTITIES[key].scale) for key, value in r.values.items())
            by_keys.setdefault(tuple(r.values), []).append(
                (series, r.at_ms, r.seq, 1, r.interval_s, r.n, 0, None, 0, 0, *scaled)
            )
        ready = []
        for keys, rows in by_keys.items():
            columns = (
                "series",
                "at_ms",
                "seq",
                "bridge_epoch",
                "interval_s",
                "n",
                "flags",
                "vflags",
                "clock",
                "late",
                *keys,
            )
            rows.sort(key=lambda row: row[:3])  # type: ignore[arg-type,return-value]
            ready.append((f"insert into reading({','.join(columns)}) values({','.join('?' * len(columns))})", rows))
        return ready

    def write(self, ready: list[tuple[str, list[tuple[object, ...]]]]) -> None:
        self.connection.execute("begin immediate")
        for statement, rows in ready:
            self.connection.executemany(statement, rows)
        self.connection.execute("commit")


def size_of(path: Path) -> int:
    """Bytes of the file once its write-ahead log is taken over."""
    with sqlite3.connect(path) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    return path.stat().st_size


def race(fleet: Fleet, folder: Path, batch: int, order: str, *, bare_too: bool = True) -> Path:
    """Fills a store and a bare table by turns, prints rows/s of each; returns the store's file."""
    shutil.rmtree(folder, ignore_errors=True)
    store, bare = SqliteStore(folder / "readings.db"), Bare(folder / "bare.db") if bare_too else None
    ours = theirs = 0.0
    gc.freeze()
    for readings in fleet.batches(batch, order):
        begin = time.perf_counter()
        new = store.write(readings)
        ours += time.perf_counter() - begin
        assert new == len(readings)
        if bare is not None:
            ready = bare.rows(readings)
            begin = time.perf_counter()
            bare.write(ready)
            theirs += time.perf_counter() - begin
    store.close()
    line = f"{fleet.rows:>10,} rows {order:<26} store with rollups {fleet.rows / ours:>9,.0f} rows/s"
    if bare is not None:
        bare.connection.close()
        line += f"   bare executemany {fleet.rows / theirs:>9,.0f} rows/s   {theirs / ours:.0%} of bare"
        size = size_of(folder / "bare.db")
        (folder / "bare.db").unlink()
        line += f"   {size_of(folder / 'readings.db') / fleet.rows:.0f} bytes/reading (bare {size / fleet.rows:.0f})"
    else:
        line += f"   {size_of(folder / 'readings.db') / fleet.rows:.0f} bytes/reading"
    print(line, flush=True)
    return folder / "readings.db"


def questions(path: Path, fleet: Fleet) -> None:
    """What the dashboard asks, warm: the median of five after one; prints all, the worst last."""
    store = SqliteStore(path, readonly=True)
    end = START_MS + STEPS * EVERY_MS
    rooms = store.rooms()
    room = rooms[len(rooms) // 2]

    def chart(days: int, step_ms: int, quantity: str) -> Callable[[], object]:
        return lambda: store.series(room, quantity, end - days * DAY_MS, end, step_ms)

    asked: dict[str, Callable[[], object]] = {
        "a room's day at 1 min": chart(1, MINUTE_MS, "pm25"),
        "a room's week at 10 min": chart(7, 10 * MINUTE_MS, "pm25"),
        "a room's 14 days at 10 min": chart(14, 10 * MINUTE_MS, "co2_ppm"),
        "a room's month at 1 h": chart(30, HOUR_MS, "pm25"),
        "a room's month at 1 h, counts": chart(30, HOUR_MS, "n03"),
        "a room's year at 1 day": chart(365, DAY_MS, "pm25"),
        f"latest of all {len(rooms)} rooms": lambda: [store.latest(each) for each in rooms],
        f"last hour at 1 min of all {len(rooms)} rooms": lambda: [
            store.series(each, "pm25", end - HOUR_MS, end, MINUTE_MS) for each in rooms
        ],
        "a room's readings of 3 hours": lambda: list(store.readings(room, end - 3 * HOUR_MS, end)),
        "all rooms": store.rooms,
    }
    took: dict[str, float] = {}
    for name, ask in asked.items():
        ask()
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            ask()
            times.append(time.perf_counter() - begin)
        took[name] = statistics.median(times) * 1000
        print(f"           {name:<40} {took[name]:>8.1f} ms")
    worst = max(took, key=lambda name: took[name])
    print(f"{fleet.rows:>10,} rows worst question: {worst}, {took[worst]:.1f} ms", flush=True)
    store.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", default="2000000", help="sizes, separated by commas (default 2000000)")
    parser.add_argument(
        "--shuffled",
        type=int,
        default=2_000_000,
        help="up to how many rows the shuffled and the bare run are made as well (default 2000000)",
    )
    parser.add_argument("--batch", type=int, default=1000, help="readings in one transaction (default 1000)")
    parser.add_argument("--folder", type=Path, help="where the files are made (default: a temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="classair-bench-", dir=args.folder) as folder:
        for rows in (int(text) for text in args.rows.split(",")):
            fleet = Fleet(max(1, round(rows / STEPS)))
            compared = fleet.rows <= args.shuffled * 1.1
            path = race(fleet, Path(folder) / "ordered", args.batch, ORDERED, bare_too=compared)
            questions(path, fleet)
            shutil.rmtree(path.parent)
            for order in (SHUFFLED, SCATTERED) if compared else ():
                shutil.rmtree(race(fleet, Path(folder) / "shuffled", args.batch, order).parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
