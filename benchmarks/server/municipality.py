"""What the page of all schools costs a server: first paint, the week counted for the first time and again, a refresh.

Fifty schools of twenty rooms, a fortnight of lesson time in SQLite, a state for each room. A reading every five minutes
stands for ten-second ones: both are read from the same one-minute rollups.

    python benchmarks/server/municipality.py [--schools 50] [--rooms 20]
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import uvicorn

from classair import config as configuration
from classair.config import Config
from classair.model import Reading
from classair.science.corrections import Corrections
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import day_start_ms, local_time
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import Current, RoomState, Topics
from dashboard.access.desk import Desk
from dashboard.access.desk_file import DeskFile
from dashboard.access.roles import VISITOR
from dashboard.app import create_app
from dashboard.context import Context
from dashboard.live.hub import Hub
from dashboard.live.live import Live
from dashboard.municipality.week import week_of
from dashboard.pages.municipality import Town
from dashboard.queries.research import Research
from dashboard.queries.rooms import Queries
from ingest.books.books import Books

DAYS = 14
STEP_MS = 5 * MINUTE_MS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schools", type=int, default=50)
    parser.add_argument("--rooms", type=int, default=20)
    asked = parser.parse_args()
    config = configuration.parse(schools(asked.schools, asked.rooms), {})
    with tempfile.TemporaryDirectory(prefix="municipality-") as folder:
        _measure(config, Path(folder))
    return 0


def schools(count: int, rooms: int) -> str:
    lines = ["org: bench-town", "sites:"]
    for number in range(count):
        lines += [
            f"  s{number}:",
            f"    name: School {number}",
            f"    position: {{lat: {13.9 + number % 7 / 100}, lon: {100.5 + number // 7 / 100}}}",
            f"    bridges: {{b{number}: {{}}}}",
            "    rooms:",
        ]
        lines += [f"      r{n}: {{name: P.{n}, volume_m3: 180, capacity: 30, timetable: t}}" for n in range(rooms)]
        lines += ["      yard: {name: Yard, outdoor: yes}", "    sensors:"]
        lines += [
            f'      {room}-pm: {{bridge: b{number}, room: {room}, model: pms5003t, port: "sim:x"}}'
            for room in (*(f"r{n}" for n in range(rooms)), "yard")
        ]
        lines.append("    purifiers:")
        lines += [
            f"      f{n}: {{room: r{n}, kind: tasmota, topic: t-{number}-{n}, cadr_m3h: 400, watts: 45}}"
            for n in range(rooms)
        ]
    lines += ["timetables:", '  t: {occupied: ["07:30-16:00"], lessons: ["08:30-11:30", "12:30-15:30"]}']
    return "\n".join(lines) + "\n"


def _measure(config: Config, folder: Path) -> None:
    now = time.time_ns() // MINUTE_MS // 1_000_000 * MINUTE_MS
    readings = folder / "readings.db"
    begun = time.monotonic()
    books = Books(readings, journal=False)
    stored = 0
    for full, sensor in config.sensors():
        rows = list(_readings(full, f"{full.partition('.')[0]}.{sensor.room}", sensor.bridge, now))
        books.store.write(rows)
        stored += len(rows)
    books.close()
    print(f"stored {stored:,} readings of {len(list(config.rooms())):,} rooms in {time.monotonic() - begun:.0f} s")

    store = SqliteStore(readings, readonly=True)
    clock = lambda: now  # noqa: E731
    live = Live(Hub("bench", clock), clock)
    ctx = Context(
        config=lambda: config,
        queries=Queries(lambda: store, lambda: config, store, Corrections, clock),
        live=live,
        now_ms=clock,
        research=Research(lambda: store, lambda: config, readings, clock),
        desk=DeskFile(folder / "desk.db"),
    )
    topics = Topics(config.org)
    live.broker_is(up=True)
    for number, (full, room) in enumerate(config.rooms()):
        _put(live, topics, full, now, 12.0 + number % 60, room.outdoor)

    town = Town(ctx, "th", VISITOR)
    _say("pieces, first time", lambda: town.pieces(set()))
    town._counting.acquire()  # the thread that the first look has begun
    town._counting.release()
    ctx.queries.lesson_days._kept.clear()
    _say("week, counted for the first time", lambda: week_of(ctx, list(config.sites)))
    _say("week, counted again", lambda: week_of(ctx, list(config.sites)))
    full = next(iter(config.rooms()))[0]
    for value in (80.0, 14.0):
        _put(live, topics, full, now, value, False)
        _say("pieces, after a room's state", lambda: town.pieces({f"full/{full}"}))
    _first_paint(ctx, live, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most memory {peak:.0f} MB (the store was filled in the same process)")


def _say(what: str, do: Callable[[], object]) -> None:
    gc.collect()
    begun, used = time.monotonic(), time.process_time()
    do()
    print(f"{what:38} {time.monotonic() - begun:7.2f} s, processor {time.process_time() - used:7.2f} s")


def _readings(sensor: str, room: str, bridge: str, now: int) -> Iterator[Reading]:
    today, seq = local_time(now).date(), 0
    for back in range(DAYS, -1, -1):
        day: date = today - timedelta(days=back)
        if day.weekday() > 4:
            continue
        start = day_start_ms(day) + 8 * HOUR_MS
        for number in range(8 * 12):
            seq += 1
            at = start + (number + 1) * STEP_MS
            if at > now:
                return
            values = {"pm25": float(8 + (seq * 7 + hash(room)) % 40), "rh_pct": 60.0}
            site = room.partition(".")[0]
            yield Reading(sensor, f"{site}.{bridge}", "ab12cd34ef", seq, at, values, 300.0, room=room, simulated=True)


def _put(live: Live, topics: Topics, full: str, now: int, value: float, outdoor: bool) -> None:
    level = "good" if value <= 25 else "moderate" if value <= 37.5 else "starts_to_affect_health"
    current = Current(
        status="ok",
        value=value,
        shown=f"{value:.0f}",
        level=level,
        level_since=now,
        newest_at=now - 1000,
        late_at=now + 179_000,
        unknown_at=now + 899_000,
    )
    none = Current(status="none")
    state = RoomState(room=full, at=now, pm25=current, co2=none, outdoor=none if outdoor else current, rule="0")
    site, _, room = full.partition(".")
    live.hear(topics.room_now(site, room), state.model_dump_json().encode())


def _first_paint(ctx: Context, live: Live, folder: Path) -> None:
    """The document over HTTP: what a browser waits for before it paints. No script is needed for that."""
    app = create_app(ctx, live, Desk(ctx.desk, ctx.now_ms), host="127.0.0.1")
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    size = 0

    def ask() -> None:
        nonlocal size
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/municipality?lang=th", timeout=120) as answer:
            size = len(answer.read())

    _say("document, first", ask)
    for _ in range(3):
        _say("document, again", ask)
    print(f"document {size / 1000:.0f} kB")
    server.should_exit = True
    thread.join(10)


if __name__ == "__main__":
    sys.exit(main())
