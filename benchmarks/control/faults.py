"""What every fault costs the children: real processes, one row a fault, exit code 1 when a limit is missed.

    python benchmarks/control/faults.py [--seed N] [--only NAME[,NAME]] [--long] [--list]

Each installation is a whole `classair run` with mosquitto on a folder of its own; sensors are genuine frames on
pseudo-terminals, plugs speak Tasmota over MQTT and HTTP, the air is a mass balance. "Unsafe" are seconds with true
PM2.5 above 25 µg/m³, children in the room, and a purifier that could run and did not, beyond the same run without the
fault. "Told" counts from the fault to the first row about it in the ledger. Seconds, amounts and order come from the
seed. docs: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.control import advised, roomfaults, servicefaults, special
from benchmarks.control.apart import ApartHouse
from benchmarks.control.cases import Case, Result
from benchmarks.control.house import House

LONG = ("dead-unmetered",)
OF_THEIR_OWN = {
    "unmetered": roomfaults.unmetered,
    "two-sensors": roomfaults.two_sensors,
    "edits": special.edits,
    "start-cap": special.start_cap,
}
"""Installations that are made for their rows."""


@dataclass
class Play:
    """One installation and the rows that come out of it."""

    house: House
    cases: list[Case]


def plays(wanted: Sequence[str], seed: int, folder: Path) -> list[Play]:
    """The installations for these rows. A row of a service brings the sound installation with it."""
    found: list[Play] = []
    rooms = [case for case in roomfaults.cases() if case.name in wanted]
    if rooms:
        found.append(_play("rooms", rooms, seed, folder))
    for name, of in OF_THEIR_OWN.items():
        some = [case for case in of() if case.name in wanted]
        found += [_play(name, some, seed, folder)] if some else []
    if paper := [case for case in advised.cases() if case.name in wanted]:
        found.append(_play("on-paper", paper, seed, folder, advised.OnPaper))
    alone = [*servicefaults.cases(), *special.server_gone()]
    services = [case for case in alone if case.name in wanted]
    if services and services[0].name != "sound":
        services.insert(0, alone[0])
    for case in services:
        kind = ApartHouse if isinstance(case, special.ServerGone) else House
        found.append(_play(case.name, [case], seed, folder, kind, air=f"{seed}-air"))
    return found


def _play(name: str, cases: list[Case], seed: int, folder: Path, kind: type[House] = House, air: str = "") -> Play:
    rooms = [room for case in cases for room in case.rooms(random.Random(f"{seed}-{case.name}-rooms"))]
    house = kind(name, folder / name, rooms, random.Random(f"{seed}-{name}"))
    for case in cases:
        case.plan(house, random.Random(air or f"{seed}-{case.name}"))
    return Play(house, cases)


def run(todo: Sequence[Play], jobs: int) -> list[Result]:
    """Plays all of them, so many at a time, the first first."""
    stop, room = threading.Event(), threading.Semaphore(jobs)

    def one(play: Play) -> None:
        with room:
            if not stop.is_set() and not play.house.error:
                play.house.play(stop)
                say(f"{play.house.name}: done {play.house.error}")

    threads = [threading.Thread(target=one, args=(play,)) for play in todo]
    try:
        for thread in threads:
            thread.start()
            time.sleep(0.2)
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stop.set()
        for thread in threads:
            thread.join()
        raise
    sound = next((play.house for play in todo if play.house.name == "sound"), None)
    return [case.result(play.house, sound) for play in todo for case in play.cases]


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def table(results: Sequence[Result]) -> str:
    lines = ["| fault | what happens | unsafe, s more | told after, s | what was told | notes | verdict |"]
    lines.append("|---|---|---|---|---|---|---|")
    for one in results:
        extra = "–" if one.extra_s is None else f"{one.extra_s:+.0f}"
        told = "–" if one.told_s is None else f"{one.told_s:.0f}"
        verdict = "ok" if not one.misses else "MISSED: " + ", ".join(one.misses)
        words = one.words if len(one.words) <= 60 else f"{one.words[:57]}…"
        cells = (one.name, one.says, extra, told, words or "–", "; ".join(one.notes), verdict)
        lines.append("| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)


def all_cases() -> list[Case]:
    return [
        *roomfaults.cases(),
        *(case for of in OF_THEIR_OWN.values() for case in of()),
        *advised.cases(),
        *servicefaults.cases(),
        *special.server_gone(),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="a fresh one by default")
    parser.add_argument("--only", default="", metavar="NAME[,NAME]", help="these rows alone")
    parser.add_argument("--jobs", type=int, default=6, help="installations at the same time (default: 6)")
    parser.add_argument(
        "--watch", type=float, default=240.0, metavar="S", help="how long a fault of a service is watched (240 s)"
    )
    parser.add_argument("--long", action="store_true", help="rows of half an hour and more as well")
    parser.add_argument("--list", action="store_true", help="say which rows there are and end")
    parser.add_argument("--keep", action="store_true", help="leave data folders and logs where they are")
    args = parser.parse_args(argv)
    servicefaults.watched_s = args.watch
    names = [case.name for case in all_cases()]
    short = [name for name in names if name not in LONG]
    if args.list:
        print("\n".join(f"{case.name:<20} {case.says}" for case in all_cases()))
        return 0
    wanted = [name for name in args.only.split(",") if name] or (names if args.long else short)
    if unknown := [name for name in wanted if name not in names]:
        parser.error(f"no such row: {', '.join(unknown)}; --list says which there are")
    logging.getLogger("classair").addHandler(logging.NullHandler())  # the harness's own plugs
    folder = Path(tempfile.mkdtemp(prefix="classair-faults-"))
    began = time.monotonic()
    try:
        results = run(plays(wanted, args.seed, folder), args.jobs)
    finally:
        if args.keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    missed = [one.name for one in results if one.misses]
    print(table(results))
    print(f"\nseed {args.seed}, {len(results)} rows in {(time.monotonic() - began) / 60:.1f} min, {len(missed)} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
