"""What a view of the explorer costs on a school district's years: its rows afresh and remembered, and the whole page.

    python benchmarks/server/explorer.py DIR [DIR ...]

Each DIR holds a readings.db that `benchmarks/server/history.py --keep` has made; the last beside the first. "Afresh":
nothing remembered by the dashboard, the disk's pages warm. "Page": everything that the server does for a view, figures
with it, remembered. One room, and eight where the store has them.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plotly.utils import PlotlyJSONEncoder

from classair import config as configuration
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import day_start_ms
from dashboard.context import Context
from dashboard.pages import explorer
from dashboard.pages.explorer import charts as charts
from dashboard.pages.explorer.view import View, asked
from dashboard.queries.research import Research
from dashboard.queries.rooms import Queries

LAST = date(2022, 4, 1)
VIEWS = {
    "a room's week at 15 min": "first=2022-03-26",
    "a room's month at 1 h": "first=2022-03-03",
    "a room's year by days": "first=2021-06-01",
    "a room's year at 1 h": "first=2021-06-01&step=1h",
    "a room's year of lessons by days": "first=2021-06-01&lesson=1",
    "a room's year, corrected by humidity": "first=2021-06-01&method=epa2021_atm",
    "eight rooms' week at 15 min": "first=2022-03-26&rooms=8",
    "eight rooms' year by days": "first=2021-06-01&rooms=8",
    "eight rooms' year at 1 h": "first=2021-06-01&step=1h&rooms=8",
}


def config_of(rooms: list[str]) -> configuration.Config:
    """The district as sensors.yaml would have it; lessons as in the demo."""
    text = "org: bench\nsites:\n  town:\n    name: {th: เมือง, en: Town}\n    bridges: {box: {}}\n    rooms:\n"
    text += "".join(
        f"      {room.partition('.')[2]}: {{name: {{th: {n}, en: {n}}}, "
        "volume_m3: 180, capacity: 30, timetable: primary}\n"
        for n, room in enumerate(rooms, 1)
    )
    text += '    sensors:\n      s: {bridge: box, room: room-1, model: pms5003t, port: "sim:classroom"}\n'
    text += (
        'timetables:\n  primary: {days: [mon, tue, wed, thu, fri], occupied: ["07:30-16:00"], '
        'lessons: ["08:30-11:30", "12:30-15:30"]}\n'
    )
    return configuration.parse(text)


def view_of(query: str, rooms: list[str]) -> View | None:
    keys = dict(part.split("=") for part in query.split("&"))
    wanted = int(keys.pop("rooms", "1"))
    if len(rooms) < wanted:
        return None
    return asked({**keys, "rooms": ",".join(rooms[:wanted]), "last": LAST.isoformat()}, rooms, rooms[:1], LAST)


def measured(folder: Path) -> dict[str, tuple[float, float, float]]:
    """Milliseconds for each view: rows of the lines afresh, rows of the hours afresh, the whole page remembered."""
    store = SqliteStore(folder / "readings.db", readonly=True)
    config = config_of(store.rooms())
    found = {}

    def context() -> Context:
        research = Research(lambda: store, lambda: config, folder / "readings.db")
        return Context(
            lambda: config,
            Queries(lambda: store, lambda: config, None),
            None,  # type: ignore[arg-type]
            lambda: day_start_ms(LAST) + 43_200_000,
            research,
        )

    for name, query in VIEWS.items():
        view = view_of(query, store.rooms())
        if view is None:
            continue
        lines = median(lambda view=view: context().research.by_room(view.drawn))
        hours = median(lambda view=view: context().research.by_room(view.hourly), times=3)
        ctx = context()
        look = charts.Looking(ctx, "en", view, ctx.now_ms())
        kept = {"query": view.query(), "language": "en"}

        def page(ctx: Context = ctx, look: Any = look, kept: Any = kept) -> None:
            json.dumps(explorer._shown(look), cls=PlotlyJSONEncoder)
            json.dumps(explorer._by_hours(ctx, kept), cls=PlotlyJSONEncoder)

        found[name] = (lines, hours, median(page, times=3))
    store.close()
    return found


def median(ask: Callable[[], object], times: int = 5) -> float:
    """Milliseconds, after one that warms the disk's pages."""
    ask()
    took = []
    for _ in range(times):
        begin = time.perf_counter()
        ask()
        took.append(time.perf_counter() - begin)
    return statistics.median(took) * 1000


def main() -> int:
    folders = [Path(name) for name in sys.argv[1:]]
    if not folders:
        print(__doc__)
        return 2
    all_found = [(folder.name, measured(folder)) for folder in folders]
    for name, found in all_found:
        print(f"\n{name}\n{'ms':>40}{'lines afresh':>14}{'hours afresh':>14}{'page':>8}")
        for view, times in found.items():
            print(f"{view:>40}{times[0]:>14.1f}{times[1]:>14.1f}{times[2]:>8.1f}")
    first, last = all_found[0][1], all_found[-1][1]
    if len(all_found) > 1:
        ratios = {view: max(b / a for a, b in zip(first[view][:2], last[view][:2], strict=True)) for view in first}
        worst = max(ratios, key=lambda view: ratios[view])
        print(f"\n{all_found[-1][0]} to {all_found[0][0]}: at most {ratios[worst]:.2f}× ({worst})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
