"""A week's reports of a whole town: numbers, page, PDF and picture of each room, in one language, on one core.

    python benchmarks/reports/weekly.py [--rooms 1000] [--folder DIR]

The database holds a reading a minute of PM2.5 and CO2 in lesson time, ten rooms and a yard a school, with gaps. What is
measured is `classair reports week` as it runs, pinned to one core; the first rooms pay for importing and fonts. The
baseline is the layout of a page without any content.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from classair import config as configuration
from classair.model import Missing, Reading
from classair.places import Places
from classair.timetable import day_start_ms
from classair.units import HOUR_MS, MINUTE_MS
from dashboard.reports import engine
from dashboard.reports.week.making import Maker, opened
from dashboard.reports.week.shelf import Shelf
from ingest.books.books import Books

MONDAY = date(2026, 11, 16)
ROOMS_A_SCHOOL = 10
LESSONS = ((8.5, 11.5), (12.5, 15.5))
AIM_S = 300.0


def town(rooms: int) -> configuration.Config:
    lines = ["org: bench", "public_url: https://air.example.org", "sites:"]
    for site in range(-(-rooms // ROOMS_A_SCHOOL)):
        lines += [
            f"  s{site}:",
            f"    name: {{th: โรงเรียนบ้านน้ำปั๊มที่ {site}, en: School {site}}}",
            f"    bridges: {{box{site}: {{}}}}",
            "    rooms:",
            "      yard: {name: {th: สนาม, en: Yard}, outdoor: yes}",
        ]
        here = range(min(ROOMS_A_SCHOOL, rooms - site * ROOMS_A_SCHOOL))
        lines += [f"      r{n}: {{name: {{th: ป.{n}/1, en: P.{n}/1}}, volume_m3: 180, timetable: p}}" for n in here]
        lines += [
            "    sensors:",
            f'      yard-pm: {{bridge: box{site}, room: yard, model: pms5003t, port: "sim:yard"}}',
        ]
        lines += [
            f'      r{n}-pm: {{bridge: box{site}, room: r{n}, model: pms5003t, port: "sim:classroom"}}' for n in here
        ]
        lines += [f'      r{n}-co2: {{bridge: box{site}, room: r{n}, model: s8, port: "sim:classroom"}}' for n in here]
    lines += [
        "timetables:",
        '  p: {days: [mon, tue, wed, thu, fri], occupied: ["07:30-16:00"], lessons: ["08:30-11:30", "12:30-15:30"]}',
    ]
    return configuration.parse("\n".join(lines) + "\n", {})


def minutes() -> Iterator[int]:
    """UTC ms of every minute of lessons of the week."""
    for day in range(5):
        midnight = day_start_ms(MONDAY + timedelta(days=day))
        for begin, end in LESSONS:
            yield from range(midnight + round(begin * HOUR_MS), midnight + round(end * HOUR_MS), MINUTE_MS)


def fill(places: Places, config: configuration.Config) -> int:
    """A reading a minute of every sensor, and gaps with their reasons; how many readings."""
    books = Books(places.readings, journal=False)
    draw = random.Random(12)
    times, seq, count = list(minutes()), 0, 0
    for sensor, one in config.sensors():
        site = sensor.partition(".")[0]
        base = {"yard": 42.0}.get(one.room, draw.choice((9.0, 14.0, 22.0, 34.0)))
        gap = draw.randrange(len(times)) if draw.random() < 0.3 else -1
        found = []
        for n, at in enumerate(times):
            if gap <= n < gap + 90:
                continue
            swing = math.sin(n / 47 + base) + draw.gauss(0, 0.2)
            values = {"co2_ppm": 900 + 300 * swing} if sensor.endswith("co2") else {"pm25": base * (1 + 0.35 * swing)}
            seq += 1
            found.append(
                Reading(
                    sensor,
                    f"{site}.box{site[1:]}",
                    "ab12cd34ef",
                    seq,
                    at,
                    values,
                    60.0,
                    room=f"{site}.{one.room}",
                    simulated=True,
                )
            )
        books.store.write(found)
        if gap >= 0:
            end = times[min(len(times) - 1, gap + 90)]
            books.store.write_missing([Missing(sensor, times[gap], end, 90, "off", f"{site}.box{site[1:]}", True)])
        count += len(found)
    books.close()
    return count


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        places, config = Places(Path(folder)), town(args.rooms)
        began = time.perf_counter()
        print(f"{fill(places, config):,} readings written in {time.perf_counter() - began:.0f} s")
        now = day_start_ms(MONDAY) + 5 * 24 * HOUR_MS
        rooms = [room for room, one in config.rooms() if not one.outdoor]
        wall, cpu = time.perf_counter(), time.process_time()
        size = 0
        with opened(places, config, now) as sources:
            maker = Maker(sources, Shelf(places.reports), places, ("th",))
            for room in rooms:
                made = maker.make(room, MONDAY)
                assert made.state == "made", made.why
                size += made.size
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        empty = time.process_time()
        for _ in range(20):
            engine.both("<html lang='th'><title>x</title><p>x</p></html>", title="x", language="th")
        empty = (time.process_time() - empty) / 20 * len(rooms)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(rooms)} rooms: {wall:.0f} s, of one core {cpu:.0f} s ({1000 * cpu / len(rooms):.0f} ms a room)")
    print(f"empty pages: {empty:.0f} s of one core; files {size / 1e6:.0f} MB; peak memory {peak:.0f} MB")
    print(f"aim: 1,000 rooms in {AIM_S:.0f} s of one core: {'met' if cpu * 1000 / len(rooms) <= AIM_S else 'MISSED'}")
    return 0 if cpu * 1000 / len(rooms) <= AIM_S else 1


if __name__ == "__main__":
    sys.exit(main())
