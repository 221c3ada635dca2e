"""How fast ingest stores what waits at the broker, beside a bare receiver of the same messages.

    python benchmarks/server/ingest.py [--messages 50000]

A real mosquitto keeps the messages for a persistent session; then the session's owner comes and drains it. The bare
receiver is paho-mqtt as its documentation shows it: a callback that counts, acknowledgement by the library, nothing
decoded and nothing kept. Ingest is the whole `classair ingest` process: it acknowledges after its commit, with
`synchronous=full`. The figure is readings divided by the time from the first stored reading's connection to the last
commit, taken by a reader of readings.db from outside.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]
EPOCH = "benchmark1"
START_MS = 1_790_000_000_000
SITE, BRIDGE = "ban-suan", "suan-pi"
TOPIC = f"classair/v1/demo-town/{SITE}/bridge/{BRIDGE}/reading"
CLASSAIR = (sys.executable, "-m", "classair")
AIM_SINGLE, AIM_SHARE, AIM_LISTS = 15_000, 0.6, 60_000


# -- the readings ------------------------------------------------------------------------------------------------------


def readings(count: int, kind: str) -> Iterator[dict[str, Any]]:
    """The demo school's sensors, one after the other, every 10 s; `kind` is mixed (PM and CO2) or co2."""
    noise = random.Random(1)
    rooms = ("a1-1", "p1-2", "p1-10", "p4-1")
    pm = [f"{room}-pm" for room in (*rooms, "yard")]
    co2 = [f"{room}-co2" for room in rooms]
    sensors = co2 if kind == "co2" else [*pm, *co2]
    for index in range(count):
        sensor = sensors[index % len(sensors)]
        at = START_MS + index // len(sensors) * 10_000
        if sensor.endswith("co2"):
            values = {"co2_ppm": round(900 + 300 * math.sin(index / 4000) + noise.uniform(-8, 8), 1)}
        else:
            pm25 = round(noise.uniform(4, 90), 1)
            counts = [round(pm25 * factor, 1) for factor in (120, 40, 8, 1, 0.3, 0.1)]
            values = {
                "pm1": round(pm25 * 0.7, 1),
                "pm25": pm25,
                "pm10": round(pm25 * 1.2, 1),
                "pm1_cf1": round(pm25 * 0.7, 1),
                "pm25_cf1": pm25,
                "pm10_cf1": round(pm25 * 1.2, 1),
                "n03": counts[0],
                "n05": counts[1],
                "n1": counts[2],
                "n25": counts[3],
                "temp_c": round(29 + 3 * math.sin(index / 9000) + noise.uniform(-0.1, 0.1), 2),
                "rh_pct": round(60 + noise.uniform(-2, 2), 1),
            }
        yield {
            "bridge": BRIDGE,
            "epoch": EPOCH,
            "seq": index + 1,
            "sensor": sensor,
            "at": at,
            "values": values,
            "interval_s": 10.0,
            "n": 10,
            "clock": "sync",
            "simulated": True,
        }


def payloads(count: int, kind: str, per_message: int) -> Iterator[bytes]:
    batch: list[dict[str, Any]] = []
    for reading in readings(count, kind):
        batch.append(reading)
        if len(batch) == per_message:
            yield json.dumps(batch[0] if per_message == 1 else batch, separators=(",", ":")).encode()
            batch = []


# -- the broker --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[int]:
    """A mosquitto that keeps a million messages for an absent session."""
    program = shutil.which("mosquitto", path="/usr/bin:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    if program is None:
        sys.exit("this benchmark needs mosquitto (Debian: apt install mosquitto)")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    conf = folder / "mosquitto.conf"
    conf.write_text(
        "\n".join(
            [
                f"listener {port} {HOST}",
                "allow_anonymous true",
                "max_queued_messages 1000000",
                "max_inflight_messages 1000",
                "set_tcp_nodelay true",
                "persistence false",
                "log_dest none",
                "",
            ]
        )
    )
    process = subprocess.Popen([program, "-c", str(conf)])
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    break
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


def session(port: int, name: str) -> None:
    """A persistent session that has subscribed and gone."""
    ready = threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
    client.on_connect = lambda c, *_: c.subscribe(TOPIC, qos=1)
    client.on_subscribe = lambda *_: ready.set()
    client.connect(HOST, port)
    client.loop_start()
    ready.wait(10)
    client.disconnect()
    client.loop_stop()


def park(port: int, messages: list[bytes]) -> None:
    """Publishes everything and waits until the broker has acknowledged it."""
    acknowledged = threading.Semaphore(800)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="parker")
    client.max_inflight_messages_set(1000)
    client.on_publish = lambda *_: acknowledged.release()
    client.connect(HOST, port)
    client.loop_start()
    for payload in messages:
        acknowledged.acquire()
        client.publish(TOPIC, payload, qos=1)
    for _ in range(800):
        acknowledged.acquire()
    client.disconnect()
    client.loop_stop()


# -- the two who drain -------------------------------------------------------------------------------------------------

BARE = """
import sys, threading, time
import paho.mqtt.client as mqtt
port, wanted = int(sys.argv[1]), int(sys.argv[2])
got, done, first = 0, threading.Event(), 0.0
def heard(client, userdata, message):
    global got, first
    if not got:
        first = time.perf_counter()
    got += 1
    if got == wanted:
        done.set()
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bare", clean_session=False)
client.on_message = heard
client.connect("127.0.0.1", port)
client.loop_start()
done.wait(120)
print(wanted / (time.perf_counter() - first))
client.disconnect()
"""


def bare(port: int, messages: int) -> float:
    """Messages per second of a receiver that only counts, in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", BARE, str(port), str(messages)], capture_output=True, text=True, check=True
    )
    return float(ended.stdout)


def ingest(port: int, data: Path, count: int, program: Sequence[str] = CLASSAIR) -> tuple[float, float]:
    """Readings per second from the first commit to the last, and processor seconds of the process."""
    process = subprocess.Popen(
        [
            *program,
            "ingest",
            "--data",
            str(data),
            "--config",
            str(ROOT / "sensors.yaml"),
            "--broker",
            f"mqtt://{HOST}:{port}",
            "--log-level",
            "WARNING",
        ],
        cwd=ROOT,
    )
    try:
        started, before, done = 0.0, 0, 0
        until = time.monotonic() + 180
        while done < count and time.monotonic() < until and process.poll() is None:
            done = received(data / "readings.db")
            if done and not started:
                started, before = time.perf_counter(), done
            time.sleep(0.01)
        seconds = time.perf_counter() - started
        times = Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        cpu = (int(times[11]) + int(times[12])) / 100
        if done < count:
            sys.exit(f"only {done} of {count} arrived")
    finally:
        process.terminate()
        process.wait(10)
    check = sqlite3.connect(data / "readings.db")
    kept, different = check.execute("select count(*), count(distinct seq) from reading").fetchone()
    assert kept == different == count, f"{kept} readings kept, {different} different, {count} sent"
    check.close()
    return (count - before) / seconds, cpu


def received(path: Path) -> int:
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection,
    ):
        return int(connection.execute("select coalesce(sum(last - first + 1), 0) from received").fetchone()[0])
    return 0


# -- together ----------------------------------------------------------------------------------------------------------


def measure(kind: str, count: int, per_message: int, program: Sequence[str] = CLASSAIR) -> tuple[float, float, float]:
    """Readings/s of ingest, readings/s of the bare receiver, processor microseconds of ingest for a reading."""
    messages = list(payloads(count, kind, per_message))
    with tempfile.TemporaryDirectory() as folder, broker(Path(folder)) as port:
        session(port, "bare")
        session(port, "ingest")
        park(port, messages)
        baseline = bare(port, len(messages)) * per_message
        rate, cpu = ingest(port, Path(folder) / "data", len(messages) * per_message, program)
    return rate, baseline, cpu / count * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description="Drains readings parked in a mosquitto session.")
    parser.add_argument("--messages", type=int, default=50_000, help="one-reading messages (default 50000)")
    count = parser.parse_args().messages
    print(f"{'':34}{'ingest':>12}{'bare paho':>14}{'share':>8}{'CPU µs':>9}")
    ok = True
    for kind, per_message, name in (
        ("mixed", 1, "one reading a message, PM and CO2"),
        ("co2", 1, "one reading a message, CO2"),
        ("mixed", 100, "lists of 100, PM and CO2"),
        ("co2", 100, "lists of 100, CO2"),
    ):
        rate, baseline, cpu = measure(kind, count // per_message * per_message, per_message)
        print(f"{name:34}{rate:>10,.0f}/s{baseline:>12,.0f}/s{rate / baseline:>8.0%}{cpu:>9.1f}", flush=True)
        if per_message == 1:
            ok &= rate >= AIM_SINGLE and rate / baseline >= AIM_SHARE
        else:
            ok &= rate >= AIM_LISTS
    print(
        f"aims: {AIM_SINGLE:,} single messages/s and {AIM_SHARE:.0%} of the bare receiver; "
        f"{AIM_LISTS:,} readings/s in lists: {'reached' if ok else 'not all reached'}"
    )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
