"""A bridge that is killed again and again while third-party devices bring their backlogs by HTTP and by MQTT.

Everything real: broker, bridge, ingest, each a process. Devices repeat a post until it is answered 200, and publish
with QoS 1; what was answered or acknowledged must be in the store in the end, once, at its own time.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from classair.broker import BrokerAddress, Link
from classair.places import Places
from classair.stores import StoreAway, open_store
from tests.neighbours.ports import free_port

ROOT: Final = Path(__file__).parents[2]
STEP_MS: Final = 61_000  # between two readings of a backlog
STANDS_STILL_S: Final = 60.0  # what has not come by then is lost
Known = dict[int, float]
"""UTC ms of a reading → its value."""


@dataclass
class Device:
    """An Enviro. `told`: what it was told to be taken."""

    name: str
    over_http: bool
    backlog: list[tuple[int, float]]
    told: Known = field(default_factory=dict)
    asked_again: int = 0

    def message(self, at_ms: int, value: float) -> bytes:
        stamp = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
        return json.dumps({"nickname": self.name, "timestamp": stamp, "readings": {"pm2_5": value}}).encode()


class Killing:
    """`run` gives what was wrong, a line each; `figures` what happened."""

    def __init__(self, folder: Path, url: str, seed: int, kills: int, say: Callable[[str], None] = lambda text: None):
        self.chance, self.kills, self.say = random.Random(seed), kills, say
        self.folder, self.url, self.port = folder, url, free_port()
        self.name = f"box-{seed}"
        self.figures: Counter[str] = Counter()
        newest = time.time_ns() // 1_000_000 // 1000 * 1000
        self.devices = [Device(f"{way}-{number}", way == "http", []) for way in ("http", "mqtt") for number in (1, 2)]
        for device in self.devices:
            # As many as can be sent, newest and oldest mixed.
            device.backlog = [(newest - place * STEP_MS, place % 9_000 / 10) for place in range(30_000)]
            self.chance.shuffle(device.backlog)
        self._stop, self._begun = threading.Event(), threading.Semaphore(0)
        self._bridge: subprocess.Popen[bytes] | None = None
        self.bridge_places, self.places = Places(folder / "bridge"), Places(folder / "server")
        ports = {
            device.name: f"http:{device.name}" if device.over_http else f"mqtt:enviro/{device.name}"
            for device in self.devices
        }
        (folder / "sensors.yaml").write_text(
            "org: demo-town\nsites:\n  school:\n    name: School\n"
            f'    bridges: {{{self.name}: {{http: "127.0.0.1:{self.port}"}}}}\n'
            "    rooms:\n      yard: {name: Yard, outdoor: true}\n    sensors:\n"
            + "".join(
                f'      {name}: {{bridge: {self.name}, room: yard, model: enviro, port: "{port}", since: 2026-01-01}}\n'
                for name, port in ports.items()
            ),
            "utf-8",
        )

    def _start(self, what: str, *more: str, data: Path) -> subprocess.Popen[bytes]:
        words = ["--data", str(data), "--config", str(self.folder / "sensors.yaml"), "--broker", self.url]
        with (self.folder / f"{what}.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "classair", what, *more, *words], stderr=log, cwd=ROOT)

    def _start_bridge(self) -> None:
        self._bridge = self._start("bridge", "--bridge", f"school.{self.name}", data=self.bridge_places.root)

    def run(self) -> list[str]:
        ingest = self._start("ingest", data=self.places.root)
        threads = [threading.Thread(target=self._bring, args=(device,)) for device in self.devices]
        try:
            self._start_bridge()
            for thread in threads:
                thread.start()
            for device in self.devices:
                assert device.over_http or self._begun.acquire(timeout=60)
            for number in range(self.kills):
                time.sleep(self._moment())  # the moment is what is tried
                assert self._bridge is not None
                self._bridge.kill()
                self._bridge.wait()
                self._start_bridge()
                self.say(f"kill {number + 1}: {sum(len(device.told) for device in self.devices)} told")
            time.sleep(1)
            self._stop.set()
            for thread in threads:
                thread.join()
            return self._compare()
        finally:
            self._stop.set()
            for process in (self._bridge, ingest):
                if process is not None:
                    process.kill()
                    process.wait()

    def _moment(self) -> float:
        """Seconds to live: mostly while it works, sometimes while it starts."""
        return self.chance.uniform(0.2, 1.2) if self.chance.random() < 0.2 else self.chance.uniform(1.0, 3.0)

    # -- devices -------------------------------------------------------------------------------------------------------

    def _bring(self, device: Device) -> None:
        if device.over_http:
            self._post_all(device)
        else:
            self._publish_all(device)

    def _post_all(self, device: Device) -> None:
        url = f"http://127.0.0.1:{self.port}/enviro/{device.name}"
        for at_ms, value in device.backlog:
            request = urllib.request.Request(url, data=device.message(at_ms, value), method="POST")
            while not self._stop.is_set():
                with suppress(OSError), urllib.request.urlopen(request, timeout=10) as answer:
                    if answer.status == 200:
                        device.told[at_ms] = value
                        break
                device.asked_again += 1
                self._stop.wait(0.05)
            if self._stop.is_set():
                return

    def _publish_all(self, device: Device) -> None:
        waiting: dict[int, tuple[int, float]] = {}
        done: list[int] = []
        link = Link(
            BrokerAddress.of(self.url, f"{self.name}-{device.name}"),
            on_message=lambda message: None,
            on_published=done.append,
        )
        link.start()
        assert link.wait_up(60)
        # The broker keeps nothing for a bridge that it has never seen.
        while not self._stored()[device.name] and not self._stop.wait(0.2):
            link.publish(f"enviro/{device.name}", device.message(*device.backlog[0]), qos=1)
        self._begun.release()
        for at_ms, value in device.backlog:
            if self._stop.wait(0.02):
                break
            number = link.publish(f"enviro/{device.name}", device.message(at_ms, value), qos=1)
            assert number is not None
            waiting[number] = at_ms, value
            while done:
                if (known := waiting.pop(done.pop(0), None)) is not None:
                    device.told[known[0]] = known[1]
        link.stop()

    # -- the end -------------------------------------------------------------------------------------------------------

    def _stored(self) -> dict[str, list[tuple[int, float]]]:
        found: dict[str, list[tuple[int, float]]] = {device.name: [] for device in self.devices}
        with suppress(StoreAway), closing(open_store("sqlite", self.places, readonly=True)) as store:
            for one in store.readings("school.yard", 0, 2**53):
                found[one.sensor.partition(".")[2]].append((one.at_ms, one.values["pm25_cf1"]))
        return found

    def _compare(self) -> list[str]:
        missing, before, still_s = 1, 0, time.monotonic()
        while missing and time.monotonic() - still_s < STANDS_STILL_S:
            time.sleep(1)
            stored = self._stored()
            missing = sum(len(device.told.keys() - dict(stored[device.name]).keys()) for device in self.devices)
            if missing != before:
                before, still_s = missing, time.monotonic()
        time.sleep(2)  # what is doubled comes late
        wrong, stored = [], self._stored()
        for device in self.devices:
            found, brought = stored[device.name], dict(device.backlog)
            times = Counter(at_ms for at_ms, _ in found)
            lost = device.told.keys() - times.keys()
            doubled = [at_ms for at_ms, count in times.items() if count > 1]
            strange = [pair for pair in found if brought.get(pair[0]) != pair[1]]
            self.figures["told by HTTP" if device.over_http else "told by MQTT"] += len(device.told)
            self.figures["asked again"] += device.asked_again
            self.figures["stored"] += len(found)
            for what, some in (("lost", lost), ("doubled", doubled), ("at a wrong time", strange)):
                if some:
                    wrong.append(f"{device.name}: {len(some)} {what}, such as {sorted(some)[:3]}")
        return wrong


def main(argv: list[str]) -> int:
    import argparse
    import tempfile

    from tests.neighbours.servers import Mosquitto, open_conf

    parser = argparse.ArgumentParser(description="kill -9 of a bridge at random moments under backlogs")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        broker = Mosquitto(Path(name) / "mosquitto", open_conf)
        broker.start()
        began = time.monotonic()
        try:
            killing = Killing(Path(name), broker.url, args.seed, args.kills, lambda text: print(text, flush=True))
            wrong = killing.run()
        finally:
            broker.stop()
    print(f"seed {args.seed}, {args.kills} kills in {time.monotonic() - began:.0f} s: {dict(killing.figures)}")
    print("\n".join(wrong) or "everything that was told to be taken is stored once, at its own time")
    return 1 if wrong else 0
