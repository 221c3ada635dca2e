"""How long alerts take from a reading to the purifier's command, and how much of a core a stream of readings costs.

The real process (`classair alerts`) on a real mosquitto; this script plays bridges and smart plugs in another process.
Every room has a stream of ordinary readings; a second sensor that has not spoken before then reads 800 µg/m³ twice, and
the second of these readings is the one after which the command must come. Beside it, in the same run: a message that
only goes through the broker and back. The last part gives one room 200 readings a second, for as long as its window of
15 minutes takes to fill (sent with their own times, as fast as they are taken).

    python benchmarks/control/engine.py [--rooms 1,100,1000] [--rate 1000] [--seconds 30] [--lives 20]
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
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from classair.broker import BrokerAddress, Link, Message
from classair.ops.brokers import find_mosquitto, wait_for_port
from classair.places import Places
from classair.wire import ConfigAnnouncement, Topics

ORG, SITE_ROOMS = "town", 20
TOPICS = Topics(ORG)
EPOCH = "0123456789abcdef"
PAIR_PAUSE_S = 0.02


def configuration(rooms: int) -> str:
    """Schools of twenty rooms with a yard each; every room has two sensors and a smart plug."""
    lines = [f"org: {ORG}", "sites:"]
    for site in range(-(-rooms // SITE_ROOMS)):
        mine = range(site * SITE_ROOMS, min(rooms, (site + 1) * SITE_ROOMS))
        lines += [f"  s{site}:", f"    name: S{site}", f"    bridges: {{b{site}: {{}}}}", "    rooms:"]
        lines += ["      yard: {name: Yard, outdoor: yes}"]
        lines += [f"      r{i}: {{name: R{i}, volume_m3: 180, timetable: all-day}}" for i in mine]
        lines += ["    sensors:", f'      yard-pm: {{bridge: b{site}, room: yard, model: pms5003t, port: "sim:yard"}}']
        for i in mine:
            for kind in ("steady", "sudden"):
                port = f"sim:classroom{'' if kind == 'steady' else '2'}"
                lines.append(f'      {kind}-{i}: {{bridge: b{site}, room: r{i}, model: pms5003t, port: "{port}"}}')
        lines += ["    purifiers:"]
        lines += [f"      f{i}: {{room: r{i}, kind: tasmota, topic: plug-{i}, cadr_m3h: 400}}" for i in mine]
    days = "mon, tue, wed, thu, fri, sat, sun"
    lines += ["timetables:", f'  all-day: {{days: [{days}], occupied: ["00:00-23:59"], lessons: ["08:30-11:30"]}}']
    lines += ["rules:", "  run: {kind: purifier, on_for: 1ms, fast_for: 60s}"]
    return "\n".join(lines) + "\n"


class Town:
    """Broker, alerts, and the clients that play everything else."""

    def __init__(self, rooms: int, folder: Path) -> None:
        self.rooms = rooms
        self.sent: dict[int, float] = {}
        self.commanded: dict[int, float] = {}
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
        places.accepted_config.write_text(told.model_dump_json())
        yaml = folder / "sensors.yaml"
        yaml.write_text(told.text)
        words = ["alerts", "--data", str(places.root), "--config", str(yaml), "--broker", f"mqtt://127.0.0.1:{port}"]
        self._log = (folder / "alerts.log").open("ab")
        self.alerts = subprocess.Popen([sys.executable, "-m", "classair", *words], stdout=self._log, stderr=self._log)
        subscriptions = [("cmnd/#", 0), ("echo", 0), (TOPICS.beat, 0)]
        self._link = Link(
            BrokerAddress("127.0.0.1", port, "tool", ""), on_message=self._hear, subscriptions=subscriptions
        )
        self._link.start()
        wait(lambda: self._beats > 0, 60, "alerts did not start")
        for i in range(rooms):
            self._link.publish(f"tele/plug-{i}/LWT", b"Online", qos=0)
            self._answer(i, "OFF")

    def _hear(self, message: Message) -> None:
        at = time.perf_counter()
        if message.topic == "echo":
            self.echo.append(at - float(message.payload))
        elif message.topic == TOPICS.beat:
            self._beats += 1
        elif "/answer/" in message.topic:
            self._answers.add(message.topic.rpartition("/")[2])
        elif message.topic.endswith("/Backlog0") and b"Power1 ON" in message.payload:
            room = int(message.topic.split("/")[1].removeprefix("plug-"))
            self.commanded.setdefault(room, at)
            self._answer(room, "ON")

    def _answer(self, room: int, word: str) -> None:
        self._link.publish(f"stat/plug-{room}/RESULT", f'{{"POWER":"{word}"}}', qos=0)

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
        turn = rooms_done = echoes = 0
        pairs: list[tuple[float, int]] = []
        while (passed := time.perf_counter() - begin) < seconds:
            while turn < passed * rate:
                self.reading(turn % self.rooms, f"steady-{turn % self.rooms}", 8.0 + turn % 5)
                turn += 1
            while sudden and rooms_done < self.rooms and rooms_done < passed * self.rooms / (seconds - 1):
                self.reading(rooms_done, f"sudden-{rooms_done}", 800.0)
                pairs.append((passed + PAIR_PAUSE_S, rooms_done))
                rooms_done += 1
            while pairs and pairs[0][0] <= passed:
                room = pairs.pop(0)[1]
                self.sent[room] = time.perf_counter()
                self.reading(room, f"sudden-{room}", 800.0)
            if passed * 20 > echoes:
                echoes += 1
                self._link.publish("echo", repr(time.perf_counter()), qos=0)
            time.sleep(0.001)
        return (self.cpu_s() - cpu) / (time.perf_counter() - begin)

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.alerts.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

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


def wait(done: object, seconds: float, why: str) -> None:
    until = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        if time.monotonic() > until:
            raise SystemExit(why)
        time.sleep(0.005)


def shares(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    return f"p50 {statistics.median(ordered) * 1000:6.1f} ms  p99 {p99 * 1000:6.1f} ms  n {len(ordered)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
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
        share, lost = 0.0, 0
        rate = args.rate * rooms / max(counts)
        lives = args.lives if rooms == 1 else 1
        for _ in range(lives):
            with town(rooms) as made:
                share = max(share, made.stream(rate, 3.0 if rooms == 1 else args.seconds, sudden=True))
                made.taken()
                latencies += [made.commanded[room] - at for room, at in made.sent.items() if room in made.commanded]
                lost += sum(room not in made.commanded for room in made.sent)
                echo += made.echo
        print(
            f"{rooms:5d} rooms {rate:6.0f} readings/s  reading → command {shares(latencies)}  lost {lost}", flush=True
        )
        print(f"{'':32s}  broker and back   {shares(echo)}   alerts {share:.1%} of a core", flush=True)
        slow = sorted(latencies)[round(0.99 * (len(latencies) - 1))] > 0.05
        missed |= bool(lost) or (rooms == max(counts) and (slow or share > 0.3))
    with town(1) as made:
        print("    1 room, 200 readings/s of its own time, in a window that fills:", flush=True)
        start = now_ms() - 16 * 60_000
        for minute in range(args.fill):
            cpu = made.cpu_s()
            for turn in range(12_000):
                made.reading(0, "steady-0", 8.0 + turn % 5, start + minute * 60_000 + turn * 5, 0.005)
                if turn % 2000 == 1999:
                    made.taken()
            if minute in (0, 3, 5, 10, 15):
                print(f"      minute {minute:2d}: {(made.cpu_s() - cpu) / 12_000 * 1e6:7.0f} µs of a core a reading")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
