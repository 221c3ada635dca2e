"""A town looks: 300 wall displays hold their streams while citizens and parents open pages, on one dashboard process.

A real dashboard process follows a real broker, at which each room has another state every ten seconds. The visitors are
a process of their own (`visitors.py`): the citizens' page at a fixed rate, door pages at another, over loopback, with
connections that are kept alive. Prints rate, p50, p95 and p99 in milliseconds for each window, beside the process's
memory and its share of a core. Exit code 1 where p95 is over 100 ms or memory grows by more than 10% after the first
window.

    python benchmarks/public/load.py [--town 1000] [--door 50] [--displays 300] [--rooms 300] [--seconds 120]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.server.live_pages import World  # noqa: E402

P95_MS = 100.0
GROWTH = 1.10
EACH_S = 10.0  # how often a room has another value
CONNECTIONS = 64


def rss_mb(pid: int) -> float:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def keep_telling(world: World, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        world.tell_room(world.rooms[number % len(world.rooms)], 8.0 + number % 60)
        number += 1
        stop.wait(EACH_S / len(world.rooms))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--town", type=float, default=1000, help="views of the citizens' page a second")
    parser.add_argument("--door", type=float, default=50, help="views of door pages a second")
    parser.add_argument("--displays", type=int, default=300)
    parser.add_argument("--rooms", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--window", type=float, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), asked.rooms, more="public_url: https://town.example\n")
        stop = threading.Event()
        try:
            world.begin()
            telling = threading.Thread(target=keep_telling, args=(world, stop), daemon=True)
            telling.start()
            return measured(world, asked)
        finally:
            stop.set()
            world.end()


def measured(world: World, asked: argparse.Namespace) -> int:
    words = {
        "port": world.port,
        "rooms": world.rooms,
        "displays": asked.displays,
        "town": asked.town,
        "door": asked.door,
        "seconds": asked.seconds,
        "every": asked.window,
        "connections": CONNECTIONS,
    }
    visitors = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("visitors.py")), json.dumps(words)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert visitors.stdout is not None
    print("    s | town/s   p50    p95    p99 | door/s   p50    p95    p99 | events/s  p95 | failed |  RSS MB | core")
    memory, worst = [], 0.0
    busy, at = world.cpu_ms(), time.monotonic()
    for line in visitors.stdout:
        said = json.loads(line)
        now, used = time.monotonic(), world.cpu_ms()
        core, busy, at = (used - busy) / 1000 / (now - at), used, now
        memory.append(rss_mb(world.dashboard.pid))
        town, door, event = said["town"], said["door"], said["event"]
        if len(memory) > 1:  # the first makes every page for the first time
            worst = max(worst, town[2], door[2])
        print(
            f"{said['seconds']:5} | {town[0]:6.0f} {town[1]:6.1f} {town[2]:6.1f} {town[3]:6.1f} |"
            f" {door[0]:6.0f} {door[1]:6.1f} {door[2]:6.1f} {door[3]:6.1f} | {event[0]:7.0f} {event[2]:6.1f} |"
            f" {said['failed']:6} | {memory[-1]:7.1f} | {core:4.0%}",
            flush=True,
        )
    visitors.wait(10)
    if len(memory) < 3:
        print("too few windows to judge")
        return 1
    grown = memory[-1] / memory[1]
    print(
        f"worst p95 after the first window: {worst:.1f} ms (aim {P95_MS:.0f}); "
        f"memory {memory[1]:.0f} → {memory[-1]:.0f} MB"
    )
    return 0 if worst <= P95_MS and grown <= GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
