"""A school district's years: how fast they are made, what each reading takes on disk, how fast questions are answered.

    python benchmarks/server/history.py [--rows 2000000,20000000] [--folder DIR] [--keep] [--influxdb]

Half of the sensors are PMS5003T (12 quantities), half CO2 sensors (one), one of each in a room, a reading each in 30 s
over five years; rows / 5.26 million sensors. The rows are inserted in the order of the key, by SQL from a year's worth
of invented days; hours and days are summed up by SQL. What is made is a store like any other. 200 million rows take
about 25 GB: give a --folder on a disk that has them, and --keep to
ask again later without making them anew.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import _history_influxdb
from _history_questions import questions, tell_bytes, tell_columns, tell_questions

from classair.model import QUANTITIES, SHOWN
from classair.stores import BANGKOK_MS, local_day
from classair.stores.sqlite.schema import open_writer
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

FIRST_DAY = local_day.number_of(date.fromisoformat("2021-05-17"))
DAYS = 1826
EVERY_MS = 30_000
PER_DAY = DAY_MS // EVERY_MS
SHAPES_OF_DAY = 40
"""Invented days of each family, from clean to smoky; which one a sensor has on a day is drawn."""
BYTES_A_ROW = 135
SITE = "town"

FAMILIES = {
    "pms5003t": (
        "pm1_cf1",
        "pm25_cf1",
        "pm10_cf1",
        "pm1",
        "pm25",
        "pm10",
        "n03",
        "n05",
        "n1",
        "n25",
        "temp_c",
        "rh_pct",
    ),
    "co2": ("co2_ppm",),
}

GRAINS_OF = (
    ("1m", MINUTE_MS, 0, SHOWN),
    ("1h", HOUR_MS, 0, tuple(QUANTITIES)),
    ("1d", DAY_MS, BANGKOK_MS, tuple(QUANTITIES)),
)


def invented_day(family: str, kind: int) -> list[tuple[int, ...]]:
    """(step, values in steps of their scale) of one day."""
    draw = random.Random(f"{family} {kind}")
    rows, level = [], 5.0 + 3 * kind
    for step in range(PER_DAY):
        hour = step / 120
        level += draw.gauss(0, 0.15) + (5.0 + 3 * kind - level) / 400
        children = 1.0 if 8 <= hour < 15.5 else 0.0
        if family == "co2":
            values = {"co2_ppm": round(420 + 700 * children * (1 - math.exp(8 - hour)) + draw.gauss(0, 6) + kind)}
        else:
            pm = max(1.0, level + 4 * math.sin(hour / 24 * 2 * math.pi))
            values = dict(
                zip(
                    FAMILIES[family],
                    (
                        round(pm * 0.7),
                        round(pm),
                        round(pm * 1.2),
                        round(pm * 0.65),
                        round(pm * 0.95),
                        round(pm * 1.1),
                        round(pm * 150),
                        round(pm * 45),
                        round(pm * 8),
                        round(pm * 0.9),
                        round(28 + 4 * math.sin((hour - 9) / 24 * 2 * math.pi) + draw.gauss(0, 0.05), 1),
                        round(60 - 10 * math.sin((hour - 9) / 24 * 2 * math.pi) + draw.gauss(0, 0.3), 1),
                    ),
                    strict=True,
                )
            )
        rows.append((step, *(round(value * QUANTITIES[key].scale) for key, value in values.items())))
    return rows


class District:
    """The file with its sensors; `fill` makes the years."""

    def __init__(self, path: Path, rows: int) -> None:
        self.path = path
        self.sensors = max(2, round(rows / (DAYS * PER_DAY)))
        self.days = min(DAYS, max(1, round(rows / self.sensors / PER_DAY)))
        self.rows = self.sensors * self.days * PER_DAY
        self.connection = open_writer(path)
        for pragma in ("journal_mode=off", "synchronous=off", "cache_size=-262144", "locking_mode=exclusive"):
            self.connection.execute(f"pragma {pragma}")

    def fill(self) -> None:
        """Readings in the order of the key, then rollups; prints the rates."""
        begin = time.perf_counter()
        self._invent()
        made = time.perf_counter()
        for sensor in range(self.sensors):
            self._sensor(sensor)
            if sensor % 4 == 3:
                done = (sensor + 1) * self.days * PER_DAY
                print(f"           {done:>12,} rows, {done / (time.perf_counter() - made):>9,.0f} rows/s", flush=True)
        for table in ("invented", "invented_1m", "invented_1h", "invented_1d"):
            self.connection.execute(f"drop table {table}")
        self.connection.execute("insert into received values(1, 1, ?)", (self.rows,))
        self.connection.execute("commit")
        self.connection.execute("pragma journal_mode=wal")
        self.connection.close()
        took = time.perf_counter() - begin
        print(
            f"{self.rows:>12,} rows made with rollups of minute, hour and day in {took:,.0f} s, "
            f"{self.rows / took:,.0f} rows/s; {self.path.stat().st_size / self.rows:.0f} bytes a reading",
            flush=True,
        )

    def _invent(self) -> None:
        keys = tuple(dict.fromkeys(key for family in FAMILIES.values() for key in family))
        self.connection.execute("begin")
        self.connection.execute(
            "create table invented(family text, kind integer, step integer, "
            f"{', '.join(keys)}, primary key(family, kind, step)) without rowid"
        )
        for family, its in FAMILIES.items():
            for kind in range(SHAPES_OF_DAY):
                self.connection.executemany(
                    f"insert into invented(family, kind, step, {', '.join(its)}) values('{family}', {kind}, ?, "
                    f"{', '.join('?' * len(its))})",
                    invented_day(family, kind),
                )
        # A day's rollups are the same for every sensor that has the day.
        for grain, unit, _, wanted in GRAINS_OF:
            totals = ", ".join(
                f"sum({key}) sum_{key}, min({key}) low_{key}, max({key}) high_{key}" for key in keys if key in wanted
            )
            self.connection.execute(
                f"create table invented_{grain} as select family, kind, step * {EVERY_MS} / {unit} t, count(*) n, "
                f"{totals} from invented group by 1, 2, 3"
            )
            self.connection.execute(f"create unique index i{grain} on invented_{grain}(family, kind, t)")
        self.connection.execute("insert into bridge_epoch values(1, ?, 'bench0000001')", (f"{SITE}.pi",))
        self.connection.execute("create temp table kind_of(day integer primary key, kind integer)")

    def _sensor(self, sensor: int) -> None:
        family = ("pms5003t", "co2")[sensor % 2]
        keys, series, room = FAMILIES[family], sensor + 1, sensor // 2 + 1
        execute = self.connection.execute
        execute("insert into series values(?, ?, ?, 0)", (series, f"{SITE}.{family}-{room}", f"{SITE}.room-{room}"))
        draw = random.Random(sensor)
        execute("delete from kind_of")
        self.connection.executemany(
            "insert into kind_of values(?, ?)",
            [(FIRST_DAY + day, draw.randrange(SHAPES_OF_DAY)) for day in range(self.days)],
        )
        names = ", ".join(keys)
        execute(
            f"insert into reading(series, at_ms, seq, bridge_epoch, interval_s, n, flags, clock, late, {names}) "
            f"select {series}, day * {DAY_MS} - {BANGKOK_MS} + step * {EVERY_MS} + {sensor * 7}, "
            f"((day - {FIRST_DAY}) * {PER_DAY} + step) * {self.sensors} + {series}, 1, 30.0, 30, "
            f"0, 0, 0, {names} from kind_of cross join invented "
            f"on family='{family}' and invented.kind=kind_of.kind order by day, step"
        )
        for grain, unit, shift, wanted in GRAINS_OF:
            present = [key for key in keys if key in wanted]
            shape = self._shape(present)
            parts = ", ".join(f"{part}_{key}" for key in present for part in ("sum", "low", "high"))
            execute(
                f"insert into rollup_{grain}(series, t, shape, n, covered_ms, {parts}) select {series}, "
                f"(day * {DAY_MS} - {BANGKOK_MS} + {shift}) / {unit} + t, {shape}, n, n * {EVERY_MS}, {parts} "
                f"from kind_of cross join invented_{grain} as i on family='{family}' and i.kind=kind_of.kind "
                "order by day, t"
            )
        execute(f"insert into series_day select {series}, day, {PER_DAY} from kind_of")
        execute("insert into day_version select ?, day, 1 from kind_of where true on conflict do nothing", (SITE,))

    def _shape(self, keys: list[str]) -> int:
        text = ",".join(sorted(keys))
        self.connection.execute("insert into shape(quantities) values(?) on conflict do nothing", (text,))
        return int(self.connection.execute("select id from shape where quantities=?", (text,)).fetchone()[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", default="2000000,20000000", help="sizes (default 2000000,20000000)")
    parser.add_argument("--folder", type=Path, help="where the files are made (default: a temporary folder)")
    parser.add_argument("--keep", action="store_true", help="leave the files for the next time")
    parser.add_argument("--influxdb", action="store_true", help="ask an InfluxDB the same, at the first size")
    args = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    sizes = [int(text) for text in args.rows.split(",")]
    with tempfile.TemporaryDirectory(prefix="classair-bench-", dir=args.folder) as temporary:
        for rows in sizes:
            folder = (args.folder if args.keep and args.folder else Path(temporary)) / f"rows-{rows}"
            path = folder / "readings.db"
            if not path.exists():
                folder.mkdir(parents=True, exist_ok=True)
                free = shutil.disk_usage(folder).free
                if free < rows * BYTES_A_ROW * 1.1:
                    print(f"{rows:,} rows need {rows * BYTES_A_ROW / 1e9:.0f} GB, {folder} has {free / 1e9:.0f} GB")
                    return 1
                fresh = path.with_suffix(".new")
                fresh.unlink(missing_ok=True)
                District(fresh, rows).fill()
                fresh.rename(path)
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as plain:
                first, last = plain.execute("select min(day), max(day) from series_day").fetchone()
            plain.close()
            store = SqliteStore(path, readonly=True)
            rooms = store.rooms()
            found[f"{rows:,}"] = questions(store, SITE, rooms[len(rooms) // 2], first, last)
            store.close()
            if rows == sizes[0]:
                tell_bytes(path, Path(temporary), SITE, first)
                tell_columns(path, SITE, first, 40)
                if args.influxdb:
                    server = _history_influxdb.Server(Path(temporary) / "influxdb")
                    try:
                        _history_influxdb.fill(path, server)
                        beside = {
                            "SQLite": found[f"{rows:,}"],
                            "InfluxDB": questions(server.store, SITE, "town.room-1", first, last),
                        }
                    finally:
                        server.end()
                    tell_questions(beside)
    tell_questions(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
