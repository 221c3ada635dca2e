"""What a page of `/api/v1/table`, a year of it and its export cost, beside duckdb's answer from the Parquet archive.

    nice -n 5 python benchmarks/server/tables.py [--folder DIR] [--keep] [--times 5]

Eight rooms with a PMS5003T and a CO2 sensor each, a reading a minute over a year, made by the way of `history.py`, with
their archive. A page is a request to the application without the network: the question, its rows, its JSON; nothing is
remembered between two of them. "Whole year" is all of its pages of 5,000 rows, one after the other. duckdb works out
the same hours or days from the readings of the archive (mean, n, time covered), without flags, levels or JSON. Each
figure is the minimum of several: wall time, and processor time in brackets, which says more where other programs run.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import duckdb
import explorer
import history
from fastapi import FastAPI
from starlette.testclient import TestClient

from classair.stores.sqlite.store import SqliteStore
from classair.timetable import day_start_ms
from classair.units import DAY_MS, MINUTE_MS
from dashboard.api import tables
from dashboard.context import Context
from dashboard.queries.research import Research
from dashboard.queries.rooms import Queries
from research.archive.command import archive_days
from research.export.package import build
from research.export.request import Request
from research.export.sources import Sources

ROOMS, DAYS = 8, 365
FIRST, LAST = date(2021, 5, 17), date(2022, 5, 16)
QUESTIONS = {
    "hours": "step=1h",
    "hours with levels": "step=1h&index=thai2023",
    "hours, corrected by humidity": "step=1h&method=epa2021_atm",
    "hours of lessons": "step=1h&lesson=1",
    "days": "step=1d",
    "days with AQI": "step=1d&index=thai2023",
    "days with AQI, corrected by humidity": "step=1d&index=thai2023&method=epa2021_atm",
    "days of lessons": "step=1d&lesson=1",
}


def make(folder: Path) -> None:
    history.EVERY_MS, history.PER_DAY = MINUTE_MS, DAY_MS // MINUTE_MS
    district = history.District(folder / "readings.db", 1)
    district.sensors, district.days = 2 * ROOMS, DAYS
    district.rows = district.sensors * district.days * history.PER_DAY
    district.fill()
    archive_days(folder / "readings.db", folder / "archive", date(2100, 1, 1))


def least(times: int, ask: Callable[[], object]) -> tuple[float, float]:
    """(wall, processor) milliseconds, the least of several."""
    walls, works = [], []
    for _ in range(times):
        wall, work = time.perf_counter(), time.process_time()
        ask()
        walls.append(time.perf_counter() - wall)
        works.append(time.process_time() - work)
    return min(walls) * 1000, min(works) * 1000


class Asked:
    """The application over the store; it remembers nothing of a page."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, SqliteStore(folder / "readings.db", readonly=True)
        self.config = explorer.config_of(self.store.rooms())
        self.whole = f"rooms={','.join(self.store.rooms())}&first={FIRST}&last={LAST}"
        research = Research(lambda: self.store, lambda: self.config, folder / "readings.db")
        ctx = Context(
            lambda: self.config,
            Queries(lambda: self.store, lambda: self.config, None),
            None,  # type: ignore[arg-type]
            lambda: day_start_ms(LAST) + 2 * DAY_MS,
            research,
        )
        app = FastAPI()
        app.include_router(tables.router(ctx))
        self.client = TestClient(app)

    def page(self, query: str, limit: int, after: str | None = None) -> Any:
        asked = f"/api/v1/table?{self.whole}&{query}&limit={limit}" + (f"&after={after}" if after else "")
        answer = self.client.get(asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def year(self, query: str) -> int:
        after, rows = None, 0
        while True:
            page = self.page(query, tables.PAGE, after)
            rows, after = rows + len(page["rows"]), page["next"]
            if after is None:
                return rows

    def export(self, out: Path, query: str) -> None:
        wish = dict(part.split("=") for part in f"{self.whole}&{query}".split("&") if not part.startswith("index"))
        shutil.rmtree(out, ignore_errors=True)
        sources = Sources(self.store, self.config, self.folder / "readings.db", self.folder / "archive")
        build(sources, Request.parse(wish), out / "package", kept=out / "kept")


def in_duckdb(folder: Path, step: str) -> object:
    """Mean, n and time covered of each sensor's hours or days, from single readings."""
    place = "hour" if step == "1h" else "day"
    return duckdb.sql(
        f"""select room, sensor, date_trunc('{place}', ("at" at time zone 'UTC') + interval 7 hour) as place,
        avg(pm25_x1000) / 1000, count(pm25_x1000), sum(interval_s)
        from read_parquet('{folder}/archive/town/*/*.parquet', union_by_name=true)
        where pm25_x1000 is not null group by all order by all"""
    ).fetchall()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, help="where the files are made (default: a temporary folder)")
    parser.add_argument("--keep", action="store_true", help="leave the store for the next time")
    parser.add_argument("--times", type=int, default=5, help="how often each is asked (default: 5)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="classair-bench-", dir=args.folder) as temporary:
        folder = (args.folder if args.keep and args.folder else Path(temporary)) / "tables-year"
        if not folder.exists():
            fresh = folder.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            make(fresh)
            fresh.rename(folder)
        asked = Asked(folder)
        print(f"{'ms (processor)':>38}{'page of 1,000':>18}{'page of 5,000':>18}{'whole year':>20}{'export':>20}")
        for name, query in QUESTIONS.items():
            middle = asked.page(query, 1000)["next"]
            told = [
                least(args.times, lambda q=query, at=middle: asked.page(q, 1000, at)),
                least(args.times, lambda q=query: asked.page(q, tables.PAGE)),
                least(min(args.times, 3), lambda q=query: asked.year(q)),
                least(min(args.times, 2), lambda q=query: asked.export(Path(temporary) / "out", q)),
            ]
            cells = [f"{wall:,.0f} ({work:,.0f})" for wall, work in told]
            print(f"{name:>38}{cells[0]:>18}{cells[1]:>18}{cells[2]:>20}{cells[3]:>20}", flush=True)
        for step, name in (("1h", "hours"), ("1d", "days")):
            wall, work = least(min(args.times, 3), lambda step=step: in_duckdb(folder, step))
            print(f"{f'duckdb, {name} of the archive':>38}{'':>36}{f'{wall:,.0f} ({work:,.0f})':>20}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
