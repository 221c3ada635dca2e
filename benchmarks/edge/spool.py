"""What a bridge's spool costs: disk, commits, opening, reading the backlog, kills, and files of earlier versions.

    python benchmarks/edge/spool.py [--days 3] [--live-days 0.25] [--kills 20] [--blocks 20] [--folder DIR]

Eight sensors, five PMS5003T (13 quantities) and three CO2, one reading each in 10 s. Time is simulated: the stream's
clock jumps from one quarter second in which something is to be kept to the next, so days take minutes; each commit is a
real one. Each step runs in a process of its own.

- live: `--live-days` days, committed as the keeper does, while nothing is acknowledged; and a quarter of that while
  each reading is, 100 ms after it was measured, with a limit so small that it is reached. Bytes that the
  process wrote are from /proc/self/io, so without the file system's own.
- month: `--days` days in bulk. Size, opening after kill -9 in the middle of live commits, and the backlog in order.
- old: `--blocks` copies of the tests' packed file, one after the other, taken apart block by block.
- kills come at random moments, also in commits.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from lzma import decompress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from firmware_bridge.delivery import LIST_ITEMS
from firmware_bridge.spool.packing import SpoolRow, prefix_for
from firmware_bridge.spool.spool import LIMIT_BYTES, Spool

SENSORS, EVERY_MS, DAY_MS = 8, 10_000, 86_400_000
DAY_ROWS = SENSORS * DAY_MS // EVERY_MS
START_MS = 1_793_000_000_000
ANSWER_MS, COMMIT_MS = 100, 250
BULK = 5_000
OLD = Path(__file__).parents[2] / "tests/firmware_bridge/spool/samples/packed.db.xz"

Event = tuple[int, dict[str, Any] | None]
"""A moment in ms since START_MS and the item measured then; None: everything up to now is acknowledged."""


# -- the readings ------------------------------------------------------------------------------------------------------

COUNTS = {"n03": (120, 40), "n05": (35, 15), "n1": (5, 5), "n25": (0.5, 1.5)}
MASSES = {"pm1": (0.7, 1), "pm25": (1, 1), "pm10": (1.15, 1.3)}
FRAMES = {**MASSES, **{f"{key}_cf1": how for key, how in MASSES.items()}, **COUNTS}


def readings(count: int, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Ten-second means of whole numbers that wander and are noisy, as the averager makes them; ms since START_MS."""
    chance = random.Random(1)
    phases = sorted(chance.randrange(EVERY_MS) for _ in range(SENSORS))
    level = [chance.uniform(10, 40) for _ in range(SENSORS)]
    for index in range(start + count):
        step, n = divmod(index, SENSORS)
        level[n] = now = min(max(level[n] + chance.gauss(0, 0.15), 2), 120)
        if n < 5:
            values = {
                key: max(0.0, round(chance.gauss(now * factor, spread / 3), 1))
                for key, (factor, spread) in FRAMES.items()
            }
            values |= {"temp_c": round(30 + now / 50, 2), "rh_pct": round(60 + now / 20, 2), "version": 151}
        else:
            values = {"co2_ppm": round(400 + now * 20 + chance.gauss(0, 3), 1)}
        item = {"sensor": f"room-{n}-{'pm' if n < 5 else 'co2'}", "values": values, "interval_s": 10.0, "n": 10}
        at = step * EVERY_MS + phases[n] + chance.randint(-40, 40)
        if index >= start:
            yield at, item


def events(count: int, start: int, answered: bool) -> Iterator[Event]:
    answer: int | None = None
    for at, item in readings(count, start):
        if answer is not None and answer < at:
            yield answer, None
        yield at, item
        answer = at + ANSWER_MS if answered else None


# -- steps; each runs in a process of its own and prints one line of JSON ----------------------------------------------


class Cost:
    """Seconds, processor seconds and bytes written from one moment to another; time outside `with` does not count."""

    def __init__(self) -> None:
        self.seconds = self.cpu = 0.0
        self._written = self._io("write_bytes")

    @staticmethod
    def _io(name: str) -> int:
        lines = Path("/proc/self/io").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))

    @property
    def written(self) -> int:
        return self._io("write_bytes") - self._written

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._began[0]
        self.cpu += time.process_time() - self._began[1]


def live(path: Path, rows: int, answered: bool, start: int = 0, limit: int = 0, tell: bool = False) -> dict[str, Any]:
    """Commits in each quarter second in which something is to be kept, as the keeper does.

    With `tell` each commit is told when it is done: how many rows of this run are durable.
    """
    cost, commits, quarter = Cost(), 0, 0
    spool = Spool.open(path, limit or LIMIT_BYTES)
    first = spool.next_seq
    for at, item in events(rows, start, answered):
        with cost:
            if at // COMMIT_MS != quarter:
                quarter = at // COMMIT_MS
                spool.commit()
                commits += 1
                if tell:
                    print(spool.next_seq - first, flush=True)
            if item is None:
                spool.acknowledge(spool.next_seq - 1)
            else:
                spool.append(item, START_MS + at)
    with cost:
        spool.close()
    told = {"rows": rows, "commits": commits, "seconds": cost.seconds, "cpu": cost.cpu, "written": cost.written}
    return {**told, "bytes": size(path), "memory": memory()}


def month(path: Path, rows: int) -> dict[str, Any]:
    spool, cost = Spool.open(path), Cost()
    chunk: list[dict[str, Any]] = []
    for at, item in readings(rows):
        chunk.append({**item, "at": START_MS + at})
        if len(chunk) == BULK:
            with cost:
                spool.extend(chunk)
            chunk = []
    with cost:
        spool.extend(chunk)
        spool.close()
    return {"rows": rows, "seconds": cost.seconds, "bytes": size(path), "memory": memory(), "given_up": spool.given_up}


def reopen(path: Path) -> dict[str, Any]:
    """What opening costs whoever finds the file as a kill has left it, and what it reads from the disk."""
    for part in path.parent.iterdir():
        with part.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    read, cost = Cost._io("read_bytes"), Cost()
    with cost:
        spool = Spool.open(path)
    return {"seconds": cost.seconds, "read": Cost._io("read_bytes") - read, "waiting": spool.waiting}


def backlog(path: Path) -> dict[str, Any]:
    """Everything in order, in lists as the delivery asks for them, as wire items."""
    spool, cost, cursor, rows = Spool.open(path), Cost(), 0, 0
    prefix = prefix_for("pi", "0" * 16)
    with cost:
        while found := [it for it in spool.after(cursor, LIST_ITEMS) if isinstance(it, SpoolRow)]:
            json.loads("[" + ",".join(spool.shapes.wire(row, prefix, late=True) for row in found) + "]")
            cursor, rows = found[-1].seq, rows + len(found)
    return {"rows": rows, "seconds": cost.seconds, "memory": memory()}


def old(path: Path, blocks: int) -> dict[str, Any]:
    """Takes copies of an old file apart, and says what a block takes."""
    taken, cost = 0, Cost()
    for _ in range(blocks):
        path.unlink(missing_ok=True)
        path.write_bytes(decompress(OLD.read_bytes()))
        spool = Spool.open(path)
        with cost:
            while spool.unpack():
                taken += 1
        spool.close()
    return {"blocks": taken, "seconds": cost.seconds, "written": cost.written}


def size(path: Path) -> int:
    """Bytes of the file that hold something, without the write-ahead log and the ballast, which do not grow."""
    with sqlite3.connect(path) as db:
        pages, free, page = (
            db.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * page)


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "live": live,
    "month": month,
    "reopen": reopen,
    "backlog": backlog,
    "old": old,
}


def started(name: str, folder: Path, **more: Any) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    told = json.dumps({"step": name, "folder": str(folder), **more})
    return subprocess.Popen([sys.executable, __file__, "--step", told], stdout=subprocess.PIPE, text=True)


def step(name: str, folder: Path, **more: Any) -> dict[str, Any]:
    process = started(name, folder, **more)
    told, _ = process.communicate()
    if process.returncode:
        sys.exit(f"{name} failed")
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


def killed(folder: Path, chance: random.Random, start: int = 0) -> int:
    """Lives on from `start` and is killed at a random moment; how many rows it had said to be durable."""
    process = started("live", folder, rows=4_000, start=start, answered=False, tell=True)
    assert process.stdout is not None
    for _ in range(chance.randint(2, 500)):
        promised = process.stdout.readline()
    time.sleep(chance.uniform(0, 0.002))
    process.kill()
    promised = (promised + process.stdout.read()).splitlines()[-1]
    process.wait()
    return int(promised)


# -- the report --------------------------------------------------------------------------------------------------------


def show(what: str, figure: str) -> None:
    print(f"{what:60}{figure:>17}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=3.0, help="days of the month that is filled in bulk")
    parser.add_argument("--live-days", type=float, default=0.25, help="days committed as the keeper does")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--blocks", type=int, default=20, help="copies of an old file that are taken apart")
    parser.add_argument("--folder", type=Path, help="where the files are made (default: the temporary folder)")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        told = json.loads(args.step)
        run, path = STEPS[told.pop("step")], Path(told.pop("folder")) / "spool.db"
        print(json.dumps(run(path, **told)))
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        report(Path(name), args)


def report(root: Path, args: argparse.Namespace) -> None:
    for name, what, days, more in (
        ("broker away", "away", args.live_days, {"answered": False}),
        # A small limit, so that it is reached at once: what is acknowledged stays until it is.
        ("answered, at the limit", "full", args.live_days / 4, {"answered": True, "limit": 2**19}),
    ):
        got = step("live", root / what, rows=round(days * DAY_ROWS), **more)
        print(f"-- {days:g} days live, {name}: {got['rows']:,} readings, {got['commits']:,} commits")
        show("readings/s kept", f"{got['rows'] / got['seconds']:,.0f}")
        show("processor time a reading, µs", f"{got['cpu'] / got['rows'] * 1e6:.0f}")
        show("written to the disk a day, MB", f"{got['written'] / days / 1e6:,.0f}")
        show("highest memory, MB", f"{got['memory']:.0f}")
    rows = round(args.days * DAY_ROWS)
    got = step("month", root / "month", rows=rows)
    each = got["bytes"] / rows
    print(f"-- {args.days:g} days in bulk: {rows:,} readings")
    show("file, MB", f"{got['bytes'] / 1e6:.1f}")
    show("bytes of disk a reading", f"{each:.1f}")
    show("days until the limit", f"{LIMIT_BYTES / each / DAY_ROWS:.0f}")
    show("readings/s kept", f"{rows / got['seconds']:,.0f}")
    show("highest memory, MB", f"{got['memory']:.0f}")
    killed(root / "month", random.Random(1), start=rows)
    got = step("reopen", root / "month")
    show("opened after kill -9, not in the page cache, s", f"{got['seconds']:.2f}")
    show("read from the disk for that, MB", f"{got['read'] / 1e6:.1f}")
    got = step("backlog", root / "month")
    show("the whole backlog in order, as wire items, readings/s", f"{got['rows'] / got['seconds']:,.0f}")
    show("highest memory, MB", f"{got['memory']:.0f}")
    got = step("old", root / "old", blocks=args.blocks)
    print(f"-- files of earlier versions: {got['blocks']} blocks")
    show("a block taken apart, ms", f"{got['seconds'] / got['blocks'] * 1000:.1f}")
    show("written for it, KB", f"{got['written'] / got['blocks'] / 1e3:.0f}")
    chance, kept, lost = random.Random(3), 0, 0
    for _ in range(args.kills):
        promised = kept + killed(root / "kill", chance, start=kept)
        kept = step("reopen", root / "kill")["waiting"]
        lost += kept < promised
    print(f"-- {args.kills} kills between and in commits")
    show("kills that lost something committed", str(lost))
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
