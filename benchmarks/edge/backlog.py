"""Three days of eight sensors wait in a bridge's spool while the broker comes back: how fast they drain, how much disk
they took, and how current live values stay meanwhile.

The whole way runs: a bridge process with a sensor on a real pseudo-terminal, mosquitto, an ingest process. Beside it,
in the same run, the live values of the same bridge when nothing waits.

    python benchmarks/edge/backlog.py [--readings 207360] [--folder DIR]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pty
import random
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from classair.broker import BrokerAddress, Link, Message
from classair.ops.brokers import wait_for_port
from classair.places import Places
from classair.wire import Topics
from firmware_bridge.drivers import driver_for
from firmware_bridge.spool.spool import Spool

ROOT = Path(__file__).resolve().parents[2]
SENSORS = 8
FULL = "bench.bench-pi"
AIM_RATE, AIM_BYTES, AIM_P99_S = 2_000, 60_000_000, 2.0


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[int]:
    """A mosquitto on a free port, which is given."""
    program = shutil.which("mosquitto", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or "mosquitto"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 1000000\n"
        "set_tcp_nodelay true\npersistence false\nlog_dest none\n",
        "utf-8",
    )
    process = subprocess.Popen([program, "-c", str(settings)])
    try:
        wait_for_port(port, time.monotonic() + 10)
        yield port
    finally:
        process.terminate()
        process.wait(5)


def school(folder: Path) -> str:
    lines = [
        "org: bench-town",
        "sites:",
        "  bench:",
        "    name: Bench",
        "    bridges: {bench-pi: {}}",
        "    rooms:",
        "      r: {name: R, volume_m3: 180}",
        "    sensors:",
        f'      live: {{bridge: bench-pi, room: r, model: pms5003t, port: "{folder}/port", every: frame}}',
    ]
    lines += [
        f'      s{n}: {{bridge: bench-pi, room: r, model: pms5003t, port: "{folder}/none-{n}"}}' for n in range(SENSORS)
    ]
    return "\n".join(lines) + "\n"


def history(count: int, end_ms: int) -> Iterator[dict[str, Any]]:
    """Ten-second means of particle sensors that wander and are noisy, as the averager makes them."""
    chance = random.Random(1)
    level = [chance.uniform(10, 40) for _ in range(SENSORS)]

    def mean(of: float, spread: float) -> float:
        return round(sum(max(0, round(chance.gauss(of, spread))) for _ in range(10)) / 10, 3)

    for index in range(count):
        n = index % SENSORS
        level[n] = pm = min(max(level[n] + chance.gauss(0, 0.15), 2), 120)
        yield {
            "kind": "reading",
            "sensor": f"s{n}",
            "interval_s": 10.0,
            "n": 10,
            "clock": "sync",
            "at": end_ms - (count - index) // SENSORS * 10_000 + chance.randint(-40, 40),
            "values": {
                "pm1": mean(pm * 0.7, 1),
                "pm25": mean(pm, 1),
                "pm10": mean(pm * 1.15, 1.3),
                "pm1_cf1": mean(pm * 0.7, 1),
                "pm25_cf1": mean(pm, 1),
                "pm10_cf1": mean(pm * 1.15, 1.3),
                "n03": mean(pm * 120, 40),
                "n05": mean(pm * 35, 15),
                "n1": mean(pm * 5, 5),
                "n25": mean(pm * 0.5, 1.5),
                "temp_c": round(30 + pm / 50, 2),
                "rh_pct": round(60 + pm / 20, 2),
                "version": 151,
            },
        }


class Sensor(threading.Thread):
    """Writes a frame ten times a second, each with its own n03, so that its reading can be told."""

    def __init__(self, link: Path) -> None:
        super().__init__(daemon=True)
        self.master, slave = pty.openpty()
        tty.setraw(self.master)
        tty.setraw(slave)
        link.symlink_to(os.ttyname(slave))
        self.sent: dict[int, float] = {}
        self.heard: dict[int, float] = {}

    def run(self) -> None:
        driver, number = driver_for("pms5003t"), 0
        while True:
            number += 1
            frame = driver.encode(
                {
                    "pm1": 9,
                    "pm25": 14,
                    "pm10": 16,
                    "pm1_cf1": 9,
                    "pm25_cf1": 14,
                    "pm10_cf1": 16,
                    "n03": 10_000 + number % 50_000,
                    "n05": 510,
                    "n1": 77,
                    "n25": 8,
                    "temp_c": 30.0,
                    "rh_pct": 60.0,
                }
            )
            self.sent[10_000 + number % 50_000] = time.monotonic()
            os.write(self.master, frame)
            time.sleep(0.1)

    def hear(self, message: Message) -> None:
        now = time.monotonic()
        for item in told if isinstance(told := json.loads(message.payload), list) else [told]:
            if item.get("sensor") == "live" and "values" in item:
                self.heard.setdefault(int(item["values"]["n03"]), now)

    def latencies(self, since: float, until: float) -> list[float]:
        """Of what was written in this time; what never came counts as one that takes until now."""
        now = time.monotonic()
        return [self.heard.get(number, now) - at for number, at in list(self.sent.items()) if since <= at < until]


def stored(file: Path) -> int:
    if not file.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as connection:
        try:
            return int(
                connection.execute(
                    "select count(*) from reading join series on series.id=series where sensor<>'bench.live'"
                ).fetchone()[0]
            )
        except sqlite3.OperationalError:
            return 0


def show(what: str, seconds: list[float]) -> float:
    ms = sorted(1000 * s for s in seconds)
    p99 = ms[min(len(ms) - 1, int(len(ms) * 0.99))]
    print(
        f"{what:<58} n={len(ms):<5} p50 {statistics.median(ms):6.1f} ms  p99 {p99:6.1f} ms  max {ms[-1]:6.1f} ms",
        flush=True,
    )
    return p99 / 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=207_360, help="72 h of eight sensors at 10 s")
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name, contextlib.ExitStack() as ends:
        return measure(Path(name), args.readings, ends)


def measure(folder: Path, count: int, ends: contextlib.ExitStack) -> int:
    places, file = Places(folder / "data"), folder / "sensors.yaml"
    file.write_text(school(folder), "utf-8")
    began = time.perf_counter()
    spool = Spool.open(places.spool(FULL))
    spool.extend(history(count, time.time_ns() // 1_000_000 - 20_000))
    spool.close()
    size = sum(part.stat().st_size for part in places.spool(FULL).parent.glob("*.db*"))
    print(
        f"spool: {count:,} readings of 13 quantities in {size / 1e6:.1f} MB, {size / count:.1f} bytes each; "
        f"written and packed at {count / (time.perf_counter() - began):,.0f}/s, making them included"
    )
    port = ends.enter_context(broker(folder))
    url = f"mqtt://127.0.0.1:{port}"
    sensor = Sensor(folder / "port")
    link = Link(
        BrokerAddress.of(url, "ear"),
        on_message=sensor.hear,
        subscriptions=[(Topics("bench-town").bridge("bench", "bench-pi", "reading"), 0)],
    )
    link.start()
    ends.callback(link.stop)
    common = ["--data", str(places.root), "--config", str(file), "--broker", url, "--log-level", "ERROR"]
    for words in (["ingest"], ["bridge", "--bridge", FULL]):
        process = subprocess.Popen([sys.executable, "-m", "classair", *words, *common], cwd=ROOT)
        ends.callback(lambda p=process: (p.terminate(), p.wait(15)))
        if words == ["ingest"]:
            while not places.readings.exists():
                time.sleep(0.05)
            sensor.start()
    first, start, done = 0, 0.0, 0
    while done < count:
        done = stored(places.readings)
        if done and not start:
            first, start = done, time.monotonic()
        time.sleep(0.1)
    end = time.monotonic()
    rate = (done - first) / max(end - start, 1e-9)
    print(f"drained {done - first:,} readings, from the spool into the store, in {end - start:.1f} s: {rate:,.0f}/s")
    time.sleep(1)
    p99 = show("live frame → reading at the broker, while draining", sensor.latencies(start, end - 0.5))
    quiet = time.monotonic()
    time.sleep(15)
    show("the same when nothing waits (baseline)", sensor.latencies(quiet, time.monotonic() - 1))
    met = rate >= AIM_RATE and size <= AIM_BYTES and p99 < AIM_P99_S
    print(
        f"aims: ≥ {AIM_RATE:,}/s, ≤ {AIM_BYTES / 1e6:.0f} MB, live p99 < {AIM_P99_S:.0f} s: "
        f"{'met' if met else 'NOT met'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
