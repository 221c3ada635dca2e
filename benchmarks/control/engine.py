"""How long alerts take from a reading to the order at the purifier's plug, and what that costs: processor and memory.

The real process (`classair alerts`) on a real mosquitto; this script plays the bridges and, with the simulator's
Tasmota firmware, every plug. Every room has a stream of ordinary readings; its second sensor, which has not spoken
before, then reads 800 µg/m³ once, dated 1.5 s back, so that the condition ("for 1 ms") holds as soon as it is taken in
and the order must come. Beside it, in the same run: a message that only goes through the broker and back. The last part
gives one room 200 readings a second, for as long as its window of 15 minutes takes to fill (sent with their own times,
as fast as they are taken).

    python benchmarks/control/engine.py [--rooms 1,100,1000] [--rate 1000] [--seconds 30] [--lives 20] [--fill 16]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from classair.broker import BrokerAddress, Link, Message
from classair.ops.brokers import find_mosquitto, wait_for_port
from classair.places import Places
from classair.wire import MAX_PAYLOAD, ConfigAnnouncement, Topics
from simulator.devices.tasmota import Publish, TasmotaPlug

ORG, SITE_ROOMS = "town", 20
TOPICS = Topics(ORG)
EPOCH = "0123456789abcdef"
DATED_BACK_MS = 1500  # behind the room's other reading, by which the condition has lasted
STEADY, SUDDEN = "a", "z"


def configuration(rooms: int) -> str:
    """Schools of twenty rooms with a yard each; every room has two sensors and a smart plug.

    Ids and indents are as short as can be: 1,000 rooms are nearly all that one message holds.
    """
    lines = [f"org: {ORG}", "sites:"]
    for site in range(-(-rooms // SITE_ROOMS)):
        mine = range(site * SITE_ROOMS, min(rooms, (site + 1) * SITE_ROOMS))
        lines += [f" s{site}:", f"  name: S{site}", f"  bridges: {{b{site}: {{}}}}", "  rooms:"]
        lines += ["   yard: {name: Yard, outdoor: yes}"]
        lines += [f"   r{i}: {{name: R{i}, volume_m3: 180, timetable: d}}" for i in mine]
        lines += ["  sensors:", f"   yard-pm: {{bridge: b{site}, room: yard, model: pms5003t, port: sim:yard}}"]
        for i in mine:
            for kind in (STEADY, SUDDEN):
                lines.append(f"   {kind}{i}: {{bridge: b{site}, room: r{i}, model: pms5003t, port: sim:{kind}}}")
        lines += ["  purifiers:"]
        lines += [f"   f{i}: {{room: r{i}, kind: tasmota, topic: p{i}, cadr_m3h: 400}}" for i in mine]
    days = "mon, tue, wed, thu, fri, sat, sun"
    lines += ["timetables:", f' d: {{days: [{days}], occupied: ["00:00-23:59"], lessons: ["08:30-11:30"]}}']
    lines += ["rules:", " run: {kind: purifier, on_for: 1ms, fast_for: 60s}"]
    return "\n".join(lines) + "\n"


class Plugs:
    """Every plug, on one connection. `ordered`: when the order that switched a room's plug on arrived."""

    def __init__(self, address: BrokerAddress, rooms: int) -> None:
        self.ordered: dict[int, float] = {}
        self._plugs = {f"p{i}": TasmotaPlug(f"p{i}", now=time.monotonic()) for i in range(rooms)}
        self._lock = threading.Lock()
        self._link = Link(address, on_message=self._hear, subscriptions=[("cmnd/#", 0)], on_up=self._up)

    def start(self) -> None:
        self._link.start()

    def stop(self) -> None:
        self._link.stop()

    def tick(self) -> None:
        with self._lock:
            for plug in self._plugs.values():
                self._say(plug.tick(time.monotonic()))

    def _up(self) -> None:
        with self._lock:
            for plug in self._plugs.values():
                self._say(plug.connected(time.monotonic()))

    def _hear(self, message: Message) -> None:
        at = time.perf_counter()
        with self._lock:
            topic = message.topic.split("/")[1]
            plug = self._plugs[topic]
            was_on = plug.on
            self._say(plug.handle(message.topic, message.payload, time.monotonic()))
            if plug.on and not was_on:
                self.ordered.setdefault(int(topic[1:]), at)

    def _say(self, messages: list[Publish]) -> None:
        for one in messages:
            self._link.publish(one.topic, one.payload, qos=0, retain=one.retain)


class Town:
    """Broker, alerts, and the clients that play everything else."""

    def __init__(self, rooms: int, folder: Path) -> None:
        self.rooms = rooms
        self.sent: dict[int, float] = {}
        self.echo: list[float] = []
        self._seq = self._probes = self._beats = 0
        self._answers: set[str] = set()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        conf = folder / "mosquitto.conf"
        conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nuser root\n")
        program = find_mosquitto()
        if program is None:
            raise SystemExit("mosquitto is not installed (Debian: apt install mosquitto)")
        self._broker = subprocess.Popen([program, "-c", str(conf)], stderr=subprocess.DEVNULL)
        wait_for_port(port, time.monotonic() + 10)
        places = Places(folder / "data")
        told = ConfigAnnouncement(version=1, accepted_at=now_ms(), text=configuration(rooms))
        places.accepted_config.parent.mkdir(parents=True, exist_ok=True)
        announced = told.model_dump_json()
        if len(announced.encode()) > MAX_PAYLOAD:
            raise SystemExit(f"{rooms} rooms need {len(announced.encode())} bytes; one message holds {MAX_PAYLOAD}")
        places.accepted_config.write_text(announced)
        yaml = folder / "sensors.yaml"
        yaml.write_text(told.text)
        words = ["alerts", "--data", str(places.root), "--config", str(yaml), "--broker", f"mqtt://127.0.0.1:{port}"]
        self._log = (folder / "alerts.log").open("ab")
        self.alerts = subprocess.Popen([sys.executable, "-m", "classair", *words], stdout=self._log, stderr=self._log)
        address = BrokerAddress("127.0.0.1", port, "tool", "")
        self._link = Link(address, on_message=self._hear, subscriptions=[("echo", 0), (TOPICS.beat, 0)])
        self._link.start()
        self.plugs = Plugs(BrokerAddress("127.0.0.1", port, "plugs", ""), rooms)
        wait(lambda: self._beats > 0, 120, "alerts did not start")
        self.plugs.start()
        for _ in range(3):  # what the plugs say at their birth, the questions about it, and the answers
            self.taken()
            time.sleep(0.3)

    def _hear(self, message: Message) -> None:
        at = time.perf_counter()
        if message.topic == "echo":
            self.echo.append(at - float(message.payload))
        elif message.topic == TOPICS.beat:
            self._beats += 1
        elif "/answer/" in message.topic:
            self._answers.add(message.topic.rpartition("/")[2])

    def reading(self, room: int, sensor: str, pm25: float, at: int | None = None, interval_s: float = 1.0) -> None:
        self._seq += 1
        site = room // SITE_ROOMS
        item = {
            "v": 1, "kind": "reading", "bridge": f"b{site}", "epoch": EPOCH, "seq": self._seq, "sensor": sensor,
            "at": now_ms() if at is None else at, "interval_s": interval_s, "n": 1, "clock": "sync", "simulated": True,
            "values": {"pm25": pm25, "temp_c": 30.0, "rh_pct": 60.0},
        }  # fmt: skip
        self._link.publish(TOPICS.bridge(f"s{site}", f"b{site}", "reading"), json.dumps(item), qos=0)

    def stream(self, rate: float, seconds: float, sudden: bool) -> float:
        """Ordinary readings at a rate, one room after the other; share of a core that alerts took meanwhile.

        sudden: meanwhile each room's second sensor speaks up once, spread over the time.
        """
        begin, cpu = time.perf_counter(), self.cpu_s()
        turn = rooms_done = echoes = ticks = 0
        while (passed := time.perf_counter() - begin) < seconds:
            while turn < passed * rate:
                self.reading(turn % self.rooms, f"{STEADY}{turn % self.rooms}", 8.0 + turn % 5)
                turn += 1
            while sudden and rooms_done < self.rooms and rooms_done < passed * self.rooms / (seconds - 1):
                self.reading(rooms_done, f"{STEADY}{rooms_done}", 8.0)
                self.sent[rooms_done] = time.perf_counter()
                self.reading(rooms_done, f"{SUDDEN}{rooms_done}", 800.0, now_ms() - DATED_BACK_MS)
                rooms_done += 1
            if passed * 20 > echoes:
                echoes += 1
                self._link.publish("echo", repr(time.perf_counter()), qos=0)
            if passed > ticks:
                ticks += 1
                self.plugs.tick()
            time.sleep(0.001)
        return (self.cpu_s() - cpu) / (time.perf_counter() - begin)

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.alerts.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        lines = Path(f"/proc/{self.alerts.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024

    def taken(self) -> float:
        """Seconds until everything sent so far has been worked through: the answer to an unknown request comes last."""
        begin = time.perf_counter()
        self._probes += 1
        name = f"probe-{self._probes:08d}"
        self._link.subscribe(TOPICS.answer(name), 0)
        ask = {"v": 1, "id": name, "do": "nothing", "who": "tool", "args": {}}
        self._link.publish(TOPICS.ask("alerts", name), json.dumps(ask), qos=0)
        wait(lambda: name in self._answers, 600, "alerts did not answer")
        return time.perf_counter() - begin

    def close(self) -> None:
        self.plugs.stop()
        self._link.stop()
        for process in (self.alerts, self._broker):
            process.send_signal(signal.SIGTERM)
            process.wait(10)
        self._log.close()


@contextmanager
def town(rooms: int) -> Iterator[Town]:
    folder = Path(tempfile.mkdtemp(prefix="classair-engine-"))
    made = Town(rooms, folder)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


def now_ms() -> int:
    return round(time.time() * 1000)


def wait(done: Callable[[], object], seconds: float, why: str) -> None:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise SystemExit(why)
        time.sleep(0.005)


def shares(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    return f"p50 {statistics.median(ordered) * 1000:6.1f} ms  p99 {p99 * 1000:6.1f} ms  n {len(ordered)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rooms", default="1,100,1000", help="how many rooms, several with commas")
    parser.add_argument("--rate", type=float, default=1000.0, help="readings a second with the most rooms")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--lives", type=int, default=20, help="how often alerts are started for a single room")
    parser.add_argument("--fill", type=int, default=16, help="minutes of the fast room")
    args = parser.parse_args()
    counts = [int(text) for text in args.rooms.split(",")]
    missed = False
    for rooms in counts:
        latencies: list[float] = []
        echo: list[float] = []
        share, memory, early, lost = 0.0, 0.0, 0, 0
        rate = args.rate * rooms / max(counts)
        lives = args.lives if rooms == 1 else 1
        for _ in range(lives):
            with town(rooms) as made:
                share = max(share, made.stream(rate, 3.0 if rooms == 1 else args.seconds, sudden=True))
                made.taken()
                memory = max(memory, made.memory_mb())
                took = [made.plugs.ordered[room] - at for room, at in made.sent.items() if room in made.plugs.ordered]
                early += sum(seconds < 0 for seconds in took)
                lost += len(made.sent) - len(took)
                latencies += took
                echo += made.echo
        print(
            f"{rooms:5d} rooms {rate:6.0f} readings/s  reading → plug    {shares(latencies)}  lost {lost}", flush=True
        )
        print(f"{'':28s}  broker and back   {shares(echo)}", flush=True)
        print(f"{'':28s}  alerts            {share:.1%} of a core, {memory:.0f} MB", flush=True)
        slow = not latencies or sorted(latencies)[round(0.99 * (len(latencies) - 1))] > 0.05
        missed |= bool(lost or early) or (rooms == max(counts) and (slow or share > 0.3))
    with town(1) as made:
        print("    1 room, 200 readings/s of its own time, in a window that fills:", flush=True)
        start = now_ms() - 16 * 60_000
        for minute in range(args.fill):
            cpu = made.cpu_s()
            for turn in range(12_000):
                made.reading(0, f"{STEADY}0", 8.0 + turn % 5, start + minute * 60_000 + turn * 5, 0.005)
                if turn % 2000 == 1999:
                    made.taken()
            if minute in (0, 3, 5, 10, 15):
                print(f"      minute {minute:2d}: {(made.cpu_s() - cpu) / 12_000 * 1e6:7.0f} µs of a core a reading")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
