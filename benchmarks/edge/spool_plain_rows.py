"""Would plain rows do for a bridge's spool? The same readings through today's packed spool and through plain rows.

    python benchmarks/edge/spool_plain_rows.py [--days 3] [--live-days 0.25] [--turns 8] [--kills 20] [--folder DIR]

Eight sensors, five PMS5003T (13 quantities) and three CO2, one reading each in 10 s. Three spools, each step in a
process of its own:

    packed   today's: rows of shapes, older ones 2048 at a time as compressed columns
    rows     every reading stays a row of today's `item` table, with a checksum
    texts    every reading is a row with its JSON as it goes over the wire, with a checksum; no shapes

All three run under today's `Spool` (numbers, group commit four times a second with `synchronous=full`, acknowledgement,
holes, memory while the disk fails), so that only the file differs. Time is simulated: the stream's clock jumps from one
quarter second in which something is to be kept to the next, so days take minutes; each commit is a real one.

- live: `--live-days` days, committed as the keeper does, while nothing is acknowledged; and a quarter of that while
  each reading is, 100 ms after it was measured, with a limit so small that it is reached. Bytes that the
  process wrote are from /proc/self/io, so without the file system's own.
- month: `--days` days in bulk. Size, opening after kill -9 in the middle of live commits, and the backlog in order.
- what was kept is compared: all three must give the same items. Kills come at random moments, also in commits.
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
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from _plain_spool import PlainFile, plain

from firmware_bridge.delivery import LIST_ITEMS
from firmware_bridge.spool.packing import SpoolRow, prefix_for
from firmware_bridge.spool.spool import Spool

KINDS = ("packed", "rows", "texts")
LIMITS = {"packed": 64 * 2**20, "rows": 2**30, "texts": 2**30}
SENSORS, EVERY_MS, DAY_MS = 8, 10_000, 86_400_000
DAY_ROWS = SENSORS * DAY_MS // EVERY_MS
START_MS = 1_793_000_000_000
ANSWER_MS, COMMIT_MS = 100, 250
BULK = 5_000
CARD_BYTES_PER_S = 20e6  # what an ordinary SD card gives a small Pi

Event = tuple[int, dict[str, Any] | None]
"""A moment in ms since START_MS and the item measured then; None: everything up to now is acknowledged."""


def opened(kind: str, path: Path, limit: int = 0) -> Spool:
    if kind != "packed":
        plain(texts=kind == "texts")
    return Spool.open(path, limit or LIMITS[kind])


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


def live(
    kind: str, path: Path, rows: int, answered: bool, start: int = 0, limit: int = 0, tell: bool = False
) -> dict[str, Any]:
    """Commits in each quarter second in which something is to be kept, as the keeper does.

    With `tell` each commit is told when it is done: how many rows of this run are durable.
    """
    cost, commits, quarter = Cost(), 0, 0
    spool = opened(kind, path, limit)
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


def live_by_turns(folders: Mapping[str, Path], rows: int, turns: int, **more: Any) -> dict[str, dict[str, Any]]:
    """The same rows through each kind, a stretch at a time, so that all share whatever else the machine does."""
    whole: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for turn in range(turns):
        for kind, sums in whole.items():
            told = step("live", kind, folders[kind], rows=rows // turns, start=rows // turns * turn, **more)
            for key, value in told.items():
                before = sums.get(key, 0)
                sums[key] = value if key == "bytes" else max(value, before) if key == "memory" else value + before
    return whole


def month(kind: str, path: Path, rows: int) -> dict[str, Any]:
    spool, cost, memory_before = opened(kind, path), Cost(), memory()
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
    told = {"rows": rows, "seconds": cost.seconds, "cpu": cost.cpu, "written": cost.written, "bytes": size(path)}
    return {**told, "memory": memory(), "memory_before": memory_before, "given_up": spool.thinned + spool.given_up}


def reopen(kind: str, path: Path, checks: bool = True) -> dict[str, Any]:
    """What opening costs whoever finds the file as a kill has left it, and what it reads from the disk."""
    for part in path.parent.iterdir():
        with part.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    PlainFile.checks = checks
    read, cost = Cost._io("read_bytes"), Cost()
    with cost:
        spool = opened(kind, path)
    told = {"seconds": cost.seconds, "read": Cost._io("read_bytes") - read, "memory": memory()}
    return {**told, "waiting": spool.waiting}


def backlog(kind: str, path: Path, month: int) -> dict[str, Any]:
    """Everything in order, in lists as the delivery asks for them, as wire items; of the `month` in bulk each fiftieth
    list is compared.
    """
    spool, cost, before = opened(kind, path), Cost(), memory()
    digest, cursor, rows, size_wire = sha256(), 0, 0, 0
    prefix = prefix_for("pi", "0" * 16)
    while True:
        with cost:
            found = [it for it in spool.after(cursor, LIST_ITEMS) if isinstance(it, SpoolRow)]
            texts = [spool.shapes.wire(row, prefix, late=True) for row in found]
        if not found:
            break
        cursor, rows = found[-1].seq, rows + len(found)
        size_wire += sum(map(len, texts))
        for text in texts if cursor <= month and rows // LIST_ITEMS % 50 == 1 else ():
            digest.update(json.dumps({"simulated": False, **json.loads(text)}, sort_keys=True).encode())
    told = {"rows": rows, "seconds": cost.seconds, "cpu": cost.cpu, "digest": digest.hexdigest(), "wire": size_wire}
    return {**told, "memory": memory(), "memory_before": before}


def size(path: Path) -> int:
    """Bytes of the file that hold something, without the write-ahead log and the ballast, which do not grow."""
    with sqlite3.connect(path) as db:
        pages, free, page = (
            db.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * page)


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


STEPS: dict[str, Callable[..., dict[str, Any]]] = {"live": live, "month": month, "reopen": reopen, "backlog": backlog}


def started(name: str, kind: str, folder: Path, **more: Any) -> subprocess.Popen[str]:
    told = json.dumps({"step": name, "kind": kind, "folder": str(folder), **more})
    return subprocess.Popen([sys.executable, __file__, "--step", told], stdout=subprocess.PIPE, text=True)


def step(name: str, kind: str, folder: Path, **more: Any) -> dict[str, Any]:
    process = started(name, kind, folder, **more)
    told, _ = process.communicate()
    if process.returncode:
        sys.exit(f"{name} of {kind} failed")
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


def killed(kind: str, folder: Path, chance: random.Random, start: int = 0) -> int:
    """Lives on from `start` and is killed at a random moment; how many rows it had said to be durable."""
    process = started("live", kind, folder, rows=4_000, start=start, answered=False, tell=True)
    assert process.stdout is not None
    for _ in range(chance.randint(2, 500)):
        promised = process.stdout.readline()
    time.sleep(chance.uniform(0, 0.002))
    process.kill()
    promised = (promised + process.stdout.read()).splitlines()[-1]
    process.wait()
    return int(promised)


# -- the report --------------------------------------------------------------------------------------------------------


def show(what: str, figures: Mapping[str, str]) -> None:
    print(f"{what:46}" + "".join(f"{figures.get(kind, ''):>17}" for kind in KINDS), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=3.0, help="days of the month that is filled in bulk")
    parser.add_argument("--live-days", type=float, default=0.25, help="days committed as the keeper does")
    parser.add_argument("--turns", type=int, default=8, help="stretches of those, by turns")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where the files are made (default: the temporary folder)")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        told = json.loads(args.step)
        run, path = STEPS[told.pop("step")], Path(told.pop("folder")) / "spool.db"
        print(json.dumps(run(told.pop("kind"), path, **told)))
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        report(Path(name), args)


def report(root: Path, args: argparse.Namespace) -> None:
    folders = {(kind, what): root / f"{kind}-{what}" for kind in KINDS for what in ("away", "full", "month", "kill")}
    for folder in folders.values():
        folder.mkdir()
    rows_month = round(args.days * DAY_ROWS)
    show("", {kind: kind for kind in KINDS})
    for name, what, days, more in (
        ("broker away", "away", args.live_days, {"answered": False}),
        # A small limit, so that it is reached at once: what is acknowledged stays until it is.
        ("answered, at the limit", "full", args.live_days / 4, {"answered": True, "limit": 2**19}),
    ):
        got = live_by_turns({kind: folders[kind, what] for kind in KINDS}, round(days * DAY_ROWS), args.turns, **more)
        print(f"-- {days:g} days live, {name}: {got['rows']['rows']:,} readings, {got['rows']['commits']:,} commits")
        if what == "away":
            show("bytes of disk a reading", {k: f"{g['bytes'] / g['rows']:.1f}" for k, g in got.items()})
        show("readings/s kept", {k: f"{g['rows'] / g['seconds']:,.0f}" for k, g in got.items()})
        show("processor time a reading, µs", {k: f"{g['cpu'] / g['rows'] * 1e6:.0f}" for k, g in got.items()})
        show("written to the disk a day, MB", {k: f"{g['written'] / days / 1e6:,.0f}" for k, g in got.items()})
        show("the same a commit, KB", {k: f"{g['written'] / g['commits'] / 1e3:.1f}" for k, g in got.items()})
        show("highest memory, MB", {k: f"{g['memory']:.0f}" for k, g in got.items()})
    filled = {kind: step("month", kind, folders[kind, "month"], rows=rows_month) for kind in KINDS}
    print(f"-- {args.days:g} days in bulk: {rows_month:,} readings")
    show("file, MB (measured)", {k: f"{g['bytes'] / 1e6:.1f}" for k, g in filled.items()})
    show("bytes of disk a reading", {k: f"{g['bytes'] / g['rows']:.1f}" for k, g in filled.items()})
    per_row = {k: g["bytes"] / g["rows"] for k, g in filled.items()}
    show("limit, MB", {k: f"{LIMITS[k] / 1e6:,.0f}" for k in KINDS})
    show("days until the limit", {k: f"{LIMITS[k] / per_row[k] / DAY_ROWS:.0f}" for k in KINDS})
    show("given up or joined", {k: str(g["given_up"]) for k, g in filled.items()})
    show("readings/s kept", {k: f"{g['rows'] / g['seconds']:,.0f}" for k, g in filled.items()})
    show("highest memory, MB (before)", {k: f"{g['memory']:.0f} ({g['memory_before']:.0f})" for k, g in filled.items()})
    for kind in KINDS:
        killed(kind, folders[kind, "month"], random.Random(1), start=rows_month)
    found = {kind: step("reopen", kind, folders[kind, "month"]) for kind in KINDS}
    quick = {kind: step("reopen", kind, folders[kind, "month"], checks=False) for kind in KINDS[1:]}
    print("-- the same opened after kill -9, not in the page cache")
    show("seconds to open", {k: f"{g['seconds']:.2f}" for k, g in found.items()})
    show("read from the disk, MB", {k: f"{g['read'] / 1e6:.0f}" for k, g in found.items()})
    show("that at 20 MB/s, s", {k: f"{g['read'] / CARD_BYTES_PER_S:.1f}" for k, g in found.items()})
    show("seconds without the check of the file", {k: f"{g['seconds']:.2f}" for k, g in quick.items()})
    show("highest memory, MB", {k: f"{g['memory']:.0f}" for k, g in found.items()})
    read = {kind: step("backlog", kind, folders[kind, "month"], month=rows_month) for kind in KINDS}
    print("-- the whole backlog in order, in lists of 200, as wire items")
    show("seconds", {k: f"{g['seconds']:.1f}" for k, g in read.items()})
    show("readings/s", {k: f"{g['rows'] / g['seconds']:,.0f}" for k, g in read.items()})
    show("highest memory, MB (before)", {k: f"{g['memory']:.0f} ({g['memory_before']:.0f})" for k, g in read.items()})
    same = len({g["digest"] for g in read.values()}) == 1 and all(g["rows"] >= rows_month for g in read.values())
    print(f"the three hold the same items: {'yes' if same else 'NO'} ({read['packed']['wire'] / 1e6:,.0f} MB of JSON)")
    chance = random.Random(3)
    lost = dict.fromkeys(KINDS, 0)
    for kind in KINDS:
        kept = 0
        for _ in range(args.kills):
            promised = kept + killed(kind, folders[kind, "kill"], chance, start=kept)
            kept = step("reopen", kind, folders[kind, "kill"])["waiting"]
            lost[kind] += kept < promised
    print(f"-- {args.kills} kills between and in commits")
    show("kills that lost something committed", {k: str(n) for k, n in lost.items()})
    sys.exit(0 if same and not any(lost.values()) else 1)


if __name__ == "__main__":
    main()
