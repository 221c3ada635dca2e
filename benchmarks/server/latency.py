"""How long from the last byte of a frame to the purifier's command at the broker, and to the value in a browser.

A whole installation runs (`classair run`, real mosquitto); this script writes real frames to real pseudo-terminals,
plays the sockets, listens at the broker and watches the display page in Chromium. Beside it, in the same run, the bare
way: the same bytes read from a pseudo-terminal and published as they are, with nothing in between.

    python benchmarks/server/latency.py [--rooms 100] [--frames 60]
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tty
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from classair.broker import BrokerAddress, Link, Message
from classair.ops.brokers import wait_for_port
from classair.places import Places
from firmware_bridge.drivers import driver_for
from firmware_bridge.spool.spool import Spool
from simulator.devices.tasmota import TasmotaPlug

HIGH = {
    "pm1": 600.0,
    "pm25": 800.0,
    "pm10": 820.0,
    "pm1_cf1": 900.0,
    "pm25_cf1": 990.0,
    "pm10_cf1": 995.0,
    "n03": 30000.0,
    "n05": 9000.0,
    "n1": 3000.0,
    "n25": 500.0,
    "temp_c": 30.0,
    "rh_pct": 60.0,
}
FRAME = driver_for("pms5003t").encode(HIGH)
PAIR_PAUSE_S = 1.1  # between the two frames of a room, of which the second completes "for 1 ms": a second is one value


class Sensor:
    """One pseudo-terminal under a link."""

    def __init__(self, link: Path) -> None:
        self.master, self.slave = pty.openpty()
        tty.setraw(self.master)
        tty.setraw(self.slave)
        link.symlink_to(os.ttyname(self.slave))

    def send(self) -> float:
        os.write(self.master, FRAME)
        return time.monotonic()


def configuration(folder: Path, rooms: int) -> str:
    lines = ["org: bench-town", "sites:", "  bench:", "    name: Bench", "    bridges: {bench-pi: {}}", "    rooms:"]
    names = [f"r{i}" for i in range(rooms)] + ["shown"]
    lines += [f"      {n}: {{name: {n}, volume_m3: 180}}" for n in names]
    lines += ["    sensors:"]
    lines += [
        f'      {n}-pm: {{bridge: bench-pi, room: {n}, model: pms5003t, port: "{folder}/port-{n}", every: frame}}'
        for n in names
    ]
    lines += ["    purifiers:"]
    lines += [
        f"      {n}-fan: {{room: {n}, kind: tasmota, topic: socket-{n}, cadr_m3h: 400, port: 'sim:socket'}}"
        for n in names[:-1]
    ]
    lines += ["rules:", "  purifiers: {kind: purifier, on_for: 1ms}"]
    return "\n".join(lines) + "\n"


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)
    return found


def show(what: str, seconds: list[float]) -> None:
    ms = sorted(1000 * s for s in seconds)
    p95, p99 = (ms[min(len(ms) - 1, int(len(ms) * share))] for share in (0.95, 0.99))
    print(
        f"{what:<58} n={len(ms):<4} p50 {statistics.median(ms):6.1f} ms  p95 {p95:6.1f} ms  p99 {p99:6.1f} ms  "
        f"max {ms[-1]:6.1f} ms",
        flush=True,
    )


def bare(count: int) -> list[float]:
    """Bytes from a pseudo-terminal straight to a subscriber: what the operating system and the broker cost alone."""
    program = shutil.which("mosquitto", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or "mosquitto"
    port = free_port()
    broker = subprocess.Popen([program, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_port(port, time.monotonic() + 10)
    try:
        return _bare(BrokerAddress("127.0.0.1", port, "bare"), count)
    finally:
        broker.terminate()
        broker.wait(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _bare(address: BrokerAddress, count: int) -> list[float]:
    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    arrived = threading.Event()
    moments: list[float] = []

    def hear(_: Message) -> None:
        moments.append(time.monotonic())
        arrived.set()

    link = Link(address, on_message=hear, subscriptions=[("tele/bare/x", 1)])
    link.start()
    link.wait_up(5)
    time.sleep(0.3)

    def forward() -> None:
        for _ in range(count):
            link.publish("tele/bare/x", os.read(slave, 64), qos=1)

    threading.Thread(target=forward, daemon=True).start()
    took = []
    for _ in range(count):
        arrived.clear()
        os.write(master, FRAME)
        sent = time.monotonic()
        if arrived.wait(5):
            took.append(moments[-1] - sent)
        time.sleep(0.02)
    link.stop()
    return took


class Sockets:
    """All sockets of the bench on one connection; notes when a command that switches on arrived."""

    def __init__(self, address: BrokerAddress, topics: list[str]) -> None:
        self.plugs = {topic: TasmotaPlug(topic) for topic in topics}
        self.commanded: dict[str, float] = {}
        self._lock = threading.Lock()
        self.link = Link(address, on_message=self._hear, subscriptions=[("cmnd/#", 1)], on_up=self._up)
        self.link.start()

    def _up(self) -> None:
        with self._lock:
            for plug in self.plugs.values():
                self._say(plug.connected(time.monotonic()))

    def _say(self, messages: Any) -> None:
        for one in messages:
            self.link.publish(one.topic, one.payload, retain=one.retain)

    def _hear(self, message: Message) -> None:
        now = time.monotonic()
        topic = message.topic.split("/")[1]
        if b"ON" in message.payload:
            self.commanded.setdefault(topic, now)
        with self._lock:
            self._say(self.plugs[topic].handle(message.topic, message.payload, now))


def to_command(sensors: dict[str, Sensor], sockets: Sockets) -> list[float]:
    sent: dict[str, float] = {}
    for sensor in sensors.values():
        sensor.send()
        time.sleep(0.03)
    time.sleep(PAIR_PAUSE_S)
    for name, sensor in sensors.items():
        sent[f"socket-{name}"] = sensor.send()
        time.sleep(0.03)
    until(lambda: set(sent) <= set(sockets.commanded), 30, "every socket's command")
    # A second's tick may fall between the two frames and complete the condition first: such a pair measures nothing.
    return [took for topic, at in sent.items() if (took := sockets.commanded[topic] - at) > 0]


WATCH = """() => { window.seen = []; const value = document.getElementById("value");
new MutationObserver(() => window.seen.push([performance.timeOrigin + performance.now(), value.textContent]))
  .observe(value, {childList: true, characterData: true, subtree: true}); }"""


def to_screen(port: int, sensor: Sensor, frames: int) -> list[float]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
    took: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/display/bench.shown?lang=en")
        until(lambda: page.inner_text("#value").strip() not in ("", "–"), 20, "a value on the display")
        page.evaluate(WATCH)
        for _ in range(frames):
            before = page.evaluate("window.seen.length")
            sent = time.time()
            sensor.send()
            until(lambda b=before: page.evaluate("window.seen.length") > b, 5, "a new value on the display")
            took.append(page.evaluate(f"window.seen[{before}][0]") / 1000 - sent)
            time.sleep(0.15)
        browser.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--frames", type=int, default=60)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="classair-latency-"))
    places = Places(folder / "data")
    sensors = {name: Sensor(folder / f"port-{name}") for name in [*(f"r{i}" for i in range(args.rooms)), "shown"]}
    (folder / "sensors.yaml").write_text(configuration(folder, args.rooms))
    now = int(time.time() * 1000)
    spool = Spool.open(places.spool("bench.bench-pi"))
    spool.extend(
        {
            "kind": "reading",
            "sensor": "shown-pm",
            "at": now - m * 60_000,
            "interval_s": 60.0,
            "n": 60,
            "clock": "sync",
            "values": {"pm1": 5.0, "pm25": 8.0, "pm10": 9.0},
        }
        for m in range(16, 0, -1)
    )
    spool.close()
    port = free_port()
    run = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "classair",
            "run",
            "--data",
            str(places.root),
            "--config",
            str(folder / "sensors.yaml"),
            "--port",
            str(port),
        ],
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parents[2],
    )
    try:

        def state() -> Any:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/display/bench.shown", timeout=2) as answer:
                    return answer.status == 200
            except OSError:
                return None

        until(state, 60, "the display")
        secrets = json.loads((places.run / "passwords.json").read_text())
        broker_port = int((places.run / "broker" / "port").read_text())
        address = BrokerAddress("127.0.0.1", broker_port, "simulator", secrets["simulator"])
        sockets = Sockets(address, [f"socket-{name}" for name in sensors if name != "shown"])
        time.sleep(8)  # every port open, every socket's state known to alerts
        shown = sensors.pop("shown")
        show("frame → purifier command at the broker", to_command(sensors, sockets))
        sockets.link.stop()
        show("frame → value in the browser's DOM", to_screen(port, shown, args.frames))
        show("baseline: pty → publish → subscriber, nothing in between", bare(args.rooms))
    finally:
        asked = time.monotonic()
        run.send_signal(signal.SIGINT)
        run.wait(15)
        print(f"everything ended {time.monotonic() - asked:.1f} s after Ctrl-C (aim: 5 s)")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
