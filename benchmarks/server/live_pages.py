"""What live changes cost an open page: main thread of the browser, server, network, and time to the screen.

A real dashboard process follows a real broker, at which the states of 6, 20 and 100 simulated rooms are published as
`alerts` publishes them: each room every ten seconds with another value, at least four changes a second. The pages stand
open in Chromium, beside other viewers that only read the same stream.

    python benchmarks/server/live_pages.py [--rooms 6,20,100] [--pages overview,health,room,explorer] [--viewers 0,20]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from classair.broker import BrokerAddress, Link
from classair.ops.brokers import wait_for_port
from classair.science.state import CO2, PM25, Measure, RoomMemory, Scale, Sight, Track, current, room_state
from classair.units import HOUR_MS
from classair.wire import Payload, PurifierState, RoomState, SensorHealth, Topics

ROOT = Path(__file__).resolve().parents[2]
A_SCHOOL = 20  # rooms
EVERY_S = 10.0  # how often each room has another value
MOST_PAUSE_S = 0.25  # between two changes, so that few rooms give enough of them to measure
TOPICS = Topics("bench-town")

# What the page shows of each thing that changes; called after every change of the document.
SHOWN = {
    "overview": """() => [...document.querySelectorAll('.card')].map(card =>
        [card.querySelector('.name').textContent, card.querySelector('.value b').textContent])""",
    "room": "() => [...document.querySelectorAll('.now-level .value b')].map(b => ['A 0', b.textContent])",
    "health": """() => [...document.querySelectorAll('#health tr')].map(row => [row.querySelector('.part'), row])
        .filter(([part]) => part).map(([part, row]) => [part.firstChild.textContent,
          row.querySelector('.state-word').getAttribute('data-well')])""",
    "explorer": "() => []",
}
ADDRESS = {
    "overview": "/?lang=th",
    "health": "/health?lang=th",
    "room": "/room/s0.r0?lang=th",
    "explorer": "/explorer?lang=th",
}
# The tasks of more than 50 ms that the browser tells of, and when each thing changed on the screen.
WATCH = """
window.tasks = []; window.seen = [];
new PerformanceObserver(list => list.getEntries().forEach(task => window.tasks.push([task.startTime, task.duration])))
  .observe({type: 'longtask', buffered: true});
window.begin = shown => {
  const last = {};
  const look = () => shown().forEach(([name, text]) => {
    if (last[name] !== text) { last[name] = text; window.seen.push([name, text, Date.now()]); } });
  look();
  window.seen = [];
  new MutationObserver(look).observe(document.body,
    {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['data-well']});
  window.began = performance.now();
};
"""


def configuration(rooms: int) -> str:
    """Schools of twenty rooms, each room with two sensors and a purifier, each school with a place outside."""
    lines = ["org: bench-town", "language: th", "sites:"]
    for school in range(0, rooms, A_SCHOOL):
        inside = range(school, min(rooms, school + A_SCHOOL))
        site = f"s{school // A_SCHOOL}"
        lines += [f"  {site}:", f"    name: School {site}", f"    bridges: {{box-{site}: {{}}}}", "    rooms:"]
        lines += [f"      r{i}: {{name: A {i}, volume_m3: 180, capacity: 30}}" for i in inside]
        lines += ["      yard: {name: Yard, outdoor: yes}", "    sensors:"]
        for i in inside:
            lines += [f'      r{i}-pm: {{bridge: box-{site}, room: r{i}, model: pms5003t, port: "sim:classroom"}}']
            lines += [f'      r{i}-co2: {{bridge: box-{site}, room: r{i}, model: s8, port: "sim:classroom"}}']
        lines += [
            f'      yard-pm: {{bridge: box-{site}, room: yard, model: pms5003t, port: "sim:yard"}}',
            "    purifiers:",
        ]
        lines += [
            f'      r{i}-fan: {{room: r{i}, kind: tasmota, topic: socket-r{i}, cadr_m3h: 400, port: "sim:socket"}}'
            for i in inside
        ]
    return "\n".join([*lines, "store: sqlite"]) + "\n"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def state_of(room: str, pm25: float, since: int) -> RoomState:
    """As alerts works it out from values that have just come."""
    at = now_ms()

    def track(value: float, scale: Scale) -> Track:
        return Track(at, value, scale.level_of(value), "", 0, scale.shown(value), at)

    co2 = 600 + pm25 * 7
    unit = PurifierState(
        purifier=f"{room}-fan", room=room, on=pm25 > 20, since=since, at=at, mode="auto", confirmed=True, simulated=True
    )
    sight = Sight(
        room=room,
        has=frozenset({"purifier", "openings", "clean_room"}),
        pm25=Measure(at, pm25),
        co2=Measure(at, co2),
        outdoor=current(track(46.0, PM25), Measure(at, 46.0), at, expected=True),
        play_level=4,
        purifiers=(unit,),
        simulated=True,
        config_version=1,
        told_at=None,
    )
    return room_state(sight, RoomMemory(pm25=track(pm25, PM25), co2=track(co2, CO2)), at)[0]


class World:
    """A broker with retained words of every room and sensor, and a dashboard process that follows it."""

    def __init__(self, folder: Path, rooms: int, more: str = "") -> None:
        """`more`: lines at the end of sensors.yaml."""
        self.updates = 0
        self.silent: set[str] = set()
        self.since = now_ms() - HOUR_MS
        self.rooms = [f"s{i // A_SCHOOL}.r{i}" for i in range(rooms)]
        (folder / "sensors.yaml").write_text(configuration(rooms) + more, "utf-8")
        broker, self.port = free_port(), free_port()
        program = shutil.which("mosquitto", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or "mosquitto"
        quiet = subprocess.DEVNULL
        self.broker = subprocess.Popen([program, "-p", str(broker)], stdout=quiet, stderr=quiet)
        wait_for_port(broker, time.monotonic() + 10)
        words = ["dashboard", "--data", str(folder / "data"), "--config", str(folder / "sensors.yaml")]
        words += ["--broker", f"mqtt://127.0.0.1:{broker}", "--port", str(self.port)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.dashboard = subprocess.Popen(
            [sys.executable, "-m", "classair", *words], cwd=folder, env=environment, stdout=quiet, stderr=quiet
        )
        self.link = Link(BrokerAddress("127.0.0.1", broker, "bench"), on_message=lambda _: None)

    def begin(self) -> None:
        self.link.start()
        self.link.wait_up(10)
        for number, room in enumerate(self.rooms):
            self.tell_room(room, 10.0 + number % 50)
            self.tell_sensor(room, "ok")
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/login") as answer:
                if answer.status == 200:
                    return
            time.sleep(0.05)
        raise SystemExit("the dashboard did not start")

    def say(self, topic: str, payload: Payload) -> None:
        self.link.publish(topic, payload.model_dump_json().encode(), qos=1, retain=True)

    def tell_room(self, room: str, pm25: float) -> None:
        self.say(TOPICS.room_now(*room.split(".")), state_of(room, pm25, self.since))

    def tell_sensor(self, room: str, state: str) -> None:
        site, _, local = room.partition(".")
        key = "" if state == "ok" else state
        counters = {"frames": random.randrange(10**6), "readings": random.randrange(10**5)}
        word = SensorHealth(state=state, key=key, at=now_ms(), bridge=f"box-{site}", running_h=12.0, counters=counters)
        self.say(TOPICS.sensor_health(site, f"{local}-pm"), word)

    def cpu_ms(self) -> float:
        """Processor time of the dashboard process so far."""
        fields = Path(f"/proc/{self.dashboard.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self.link.stop()
        for process in (self.dashboard, self.broker):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def viewers(port: int, path: str, count: int) -> Iterator[None]:
    """Others who have the same page open: connections that read the stream and do nothing with it."""
    ended = threading.Event()

    def read() -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            connection.settimeout(0.2)
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    if not connection.recv(1 << 20):
                        return

    threads = [threading.Thread(target=read, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield
    ended.set()
    for thread in threads:
        thread.join(2)


def measure(browser: Any, world: World, kind: str, others: int, seconds: float) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(180_000)
    page.add_init_script(WATCH)
    streams: list[str] = []
    received = [0]
    page.on("request", lambda request: streams.append(request.url) if "live" in request.url else None)
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.on(
        "Network.dataReceived",
        lambda told: received.__setitem__(0, received[0] + (told["encodedDataLength"] or told["dataLength"])),
    )
    page.goto(f"http://127.0.0.1:{world.port}{ADDRESS[kind]}")
    page.wait_for_selector(".working h1")
    page.wait_for_timeout(4000)
    page.evaluate(f"window.begin({SHOWN[kind]})")
    stream = next((url for url in streams if ".js" not in url), "http://x/api/live").partition("//")[2]
    sent: list[tuple[str, str, float]] = []
    browser.start_tracing(page=page, categories=["devtools.timeline", "disabled-by-default-devtools.timeline"])
    with viewers(world.port, "/" + stream.partition("/")[2], others):
        page.wait_for_timeout(500)
        before, cpu, begun = received[0], world.cpu_ms(), time.monotonic()
        pause = min(EVERY_S / len(world.rooms), MOST_PAUSE_S)
        number, first = 0, world.updates
        while time.monotonic() < begun + seconds:
            number += 1
            step = world.updates = first + number
            room = world.rooms[0 if kind == "room" else step * 7 % len(world.rooms)]
            name, value = f"A {room.partition('.r')[2]}", 3 + (step * 11 + step // len(world.rooms)) % 90
            at = time.time()
            if kind == "health":
                bad = room not in world.silent
                world.silent ^= {room}
                world.tell_sensor(room, "silent" if bad else "ok")
                sent.append((f"{room.partition('.')[2]}-pm", "no" if bad else "yes", at))
            else:
                world.tell_room(room, float(value))
                sent.append((name, str(value), at))
            page.wait_for_timeout(max(0.0, pause * 1000 * random.uniform(0.7, 1.3)))
        page.wait_for_timeout(1500)
        spent, got = world.cpu_ms() - cpu, received[0] - before
    processor = longest_processor_ms(json.loads(browser.stop_tracing())["traceEvents"])
    tasks, seen, began = page.evaluate("[window.tasks, window.seen, window.began]")
    page.close()
    loading = max((length for at, length in tasks if at < began), default=0.0)
    longest = max((length for at, length in tasks if at >= began), default=0.0)
    over = sum(length > 100 for at, length in tasks if at >= began)
    took: list[float] = []
    missing = 0
    for name, text, at in sent if kind != "explorer" else []:
        shown_at = next(
            (when for what, shown, when in seen if (what, shown) == (name, text) and when / 1000 >= at), None
        )
        missing += shown_at is None
        took += [] if shown_at is None else [shown_at - at * 1000]
    took.sort()
    p95 = f"{took[int(len(took) * 0.95)]:6.0f} ms" if took else "        –"
    print(
        f"{kind:9}{len(world.rooms):5}{others + 1:8}{number:9}  {task(longest)}{over:6}{processor:8.0f} ms"
        f"  {p95}{missing:8}{spent / number:11.2f}{got / number / 1024:11.1f}   {task(loading)}",
        flush=True,
    )


def longest_processor_ms(events: list[dict[str, Any]]) -> float:
    """Processor time of the page's longest task: what it takes where no other program wants the processor."""
    mains = {(one["pid"], one["tid"]) for one in events if one.get("args", {}).get("name") == "CrRendererMain"}
    tasks = (one for one in events if one["name"] == "RunTask" and (one["pid"], one["tid"]) in mains)
    return max((one.get("tdur", 0) / 1000 for one in tasks), default=0.0)


def task(ms: float) -> str:
    return f"{ms:6.0f} ms" if ms else "  < 50 ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", default="6,20,100", help="sizes to measure (default: 6,20,100)")
    parser.add_argument("--pages", default=",".join(SHOWN), help=f"pages to measure (default: {','.join(SHOWN)})")
    parser.add_argument("--viewers", default="0,20", help="other viewers of the same page (default: 0,20)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long changes come (default: 20)")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("google-chrome")
    print(
        f"{'page':9}{'rooms':>5}{'viewers':>8}{'updates':>9}{'longest':>11}{'>100':>6}{'processor':>11}"
        f"{'p95 shown':>11}{'missing':>8}{'server ms':>11}{'kB/update':>11}{'while loading':>15}"
    )
    with sync_playwright() as playwright:
        for rooms in map(int, args.rooms.split(",")):
            folder = Path(tempfile.mkdtemp(prefix="classair-live-pages-"))
            world = World(folder, rooms)
            try:
                world.begin()
                for kind in args.pages.split(","):
                    for others in map(int, args.viewers.split(",")):
                        browser = playwright.chromium.launch(
                            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
                        )
                        measure(browser, world, kind, others, args.seconds)
                        browser.close()
            finally:
                world.end()
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
