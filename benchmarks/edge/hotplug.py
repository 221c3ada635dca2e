"""Unplugging and re-plugging at random moments, names swapped: whose readings end where, and how soon they are back.

    python benchmarks/edge/hotplug.py [--rounds 100] [--seed 1]

The whole `classair bridge` process, a real broker, five sensors on pseudo-terminals (three that stream once a second,
two that are asked) behind links that stand for /dev/serial/by-path. In each round all plugs are pulled at random
moments and put back with the device numbers dealt out anew; in half of the rounds a link shows for up to half a second
what another sensor has become, as while udev catches up. Every sensor measures a value of its own, so a reading in the
wrong room is seen. Pseudo-terminals are not USB: what a real adapter and its driver do is not measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tty
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from classair.broker import BrokerAddress, Link, Message
from classair.ops.brokers import wait_for_port
from classair.wire import Topics
from firmware_bridge.drivers import driver_for

ROOT = Path(__file__).resolve().parents[2]
HOST, SITE, BRIDGE = "127.0.0.1", "bench", "bench-pi"
SENSORS = {
    "a": ("pms5003", "pm25", 11.0),
    "b": ("pms5003", "pm25", 22.0),
    "c": ("pms7003", "pm25", 33.0),
    "d": ("s8", "co2_ppm", 700.0),
    "e": ("s8", "co2_ppm", 900.0),
}
AIM_S = 3.0


class Plug:
    """One sensor: streams once a second, or answers, while it is plugged in."""

    def __init__(self, name: str, folder: Path) -> None:
        model, self.key, self.value = SENSORS[name]
        self.name, self.link = name, folder / f"usb-{name}"
        self.driver = driver_for(model)
        self.streams = self.driver.poll_every_s is None
        self.master = -1
        threading.Thread(target=self._speak, daemon=True).start()

    def _speak(self) -> None:
        due = 0.0
        values = {
            "n03": 900,
            "n05": 300,
            "n1": 40,
            "pm10": self.value,
            "pm25_cf1": self.value,
            "pm10_cf1": self.value,
            self.key: self.value,
        }
        while True:
            time.sleep(0.01)
            master = self.master
            if master < 0:
                due = 0.0
                continue
            try:
                if self.streams and time.monotonic() >= due:
                    due = time.monotonic() + 1.0
                    os.write(master, self.driver.encode(values))
                request = os.read(master, 64)
                if not self.streams:
                    os.write(master, self.driver.answer(request, values))
            except OSError:
                continue  # nothing to read, nobody there, or just pulled

    def point_at(self, device: str) -> None:
        """As udev does: a new link put in place of the old one in one step."""
        fresh = self.link.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(device)
        fresh.replace(self.link)

    def pull(self) -> None:
        master, self.master = self.master, -1
        if master >= 0:
            os.close(master)


class Receiver:
    """When which value came for which sensor; answers as ingest does."""

    def __init__(self, url: str) -> None:
        topics = Topics("bench-town")
        self.readings: list[tuple[float, str, dict[str, float]]] = []
        self.told: list[tuple[float, str, str]] = []
        self._stored = topics.bridge(SITE, BRIDGE, "stored")
        self.link = Link(
            BrokerAddress.of(url, "receiver"),
            on_message=self._heard,
            subscriptions=[(topics.bridge(SITE, BRIDGE, leaf), 1) for leaf in ("reading", "time")]
            + [(topics.sensor_health(SITE, "+"), 1)],
        )
        self.link.start()
        if not self.link.wait_up(10):
            raise SystemExit("the broker did not answer")

    def _heard(self, message: Message) -> None:
        now, told = time.monotonic(), json.loads(message.payload)
        if message.topic.endswith("/health"):
            self.told.append((now, message.topic.split("/")[-2], told["key"]))
        elif message.topic.endswith("/time"):
            self._say({"epoch": "0" * 16, "upto": 0, "answer_to": told["id"]})
        else:
            items = told if isinstance(told, list) else [told]
            self.readings += [(now, it["sensor"], it["values"]) for it in items if "values" in it]
            self._say({"epoch": items[-1]["epoch"], "upto": max(it.get("seq", it.get("last", 0)) for it in items)})

    def _say(self, told: dict[str, Any]) -> None:
        told = {"v": 1, "server_time": int(time.time() * 1000), **told}
        self.link.publish(self._stored, json.dumps(told), qos=1)

    def first_since(self, at: float, sensor: str) -> float | None:
        return next((when for when, name, _ in reversed(self.readings[-2000:]) if name == sensor and when >= at), None)


def play(plugs: list[Plug], receiver: Receiver, chance: random.Random, rounds: int) -> dict[str, list[float]]:
    """Seconds from re-plug to the first reading, and from unplug to its word, by kind."""
    back: dict[str, list[float]] = {"streaming": [], "polled": [], "unplug told": []}
    slaves: list[int] = []
    for number in range(rounds):
        pulled: dict[str, float] = {}
        for plug in chance.sample(plugs, len(plugs)):
            time.sleep(chance.uniform(0, 0.4))
            pulled[plug.name] = time.monotonic()
            plug.pull()
            plug.link.unlink(missing_ok=True)
        for slave in slaves:
            os.close(slave)
        if number:
            end = time.monotonic() + 2.0
            while time.monotonic() < end and len(
                {s for at, s, key in receiver.told[-200:] if key == "unplugged" and at >= pulled[s]}
            ) < len(plugs):
                time.sleep(0.01)
            for name, at in pulled.items():
                told = [when - at for when, s, key in receiver.told if s == name and key == "unplugged" and when >= at]
                back["unplug told"].append(told[0] if told else float("inf"))
        time.sleep(chance.uniform(0, 0.6))
        order = chance.sample(plugs, len(plugs))
        pairs = [pty.openpty() for _ in order]
        slaves = [slave for _, slave in pairs]
        for master, slave in pairs:
            tty.setraw(slave)
            os.set_blocking(master, False)
        devices = [os.ttyname(slave) for slave in slaves]
        if number % 2:
            # For a moment every name shows its neighbour's device, which speaks already.
            for plug, (master, _) in zip(order, pairs, strict=True):
                plug.master = master
            for plug, device in zip(order, devices[1:] + devices[:1], strict=True):
                plug.point_at(device)
            time.sleep(chance.uniform(0, 0.5))
        plugged = {}
        for plug, device, (master, _) in zip(order, devices, pairs, strict=True):
            plug.point_at(device)
            plug.master = master
            plugged[plug.name] = time.monotonic()
            time.sleep(chance.uniform(0, 0.1))
        end = time.monotonic() + 15
        missing = {plug.name: plug for plug in plugs}
        while missing and time.monotonic() < end:
            for name, plug in list(missing.items()):
                first = receiver.first_since(plugged[name], name)
                if first is not None:
                    del missing[name]
                    back["streaming" if plug.streams else "polled"].append(first - plugged[name])
            time.sleep(0.01)
        for plug in missing.values():
            back["streaming" if plug.streams else "polled"].append(float("inf"))
    return back


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    mosquitto = shutil.which("mosquitto", path="/usr/bin:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    if mosquitto is None:
        sys.exit("this benchmark needs mosquitto (Debian: apt install mosquitto)")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = "\n".join(
            f'      {it}: {{bridge: {BRIDGE}, room: r-{it}, model: {model}, port: "{folder}/usb-{it}", every: frame}}'
            for it, (model, _, _) in SENSORS.items()
        )
        rooms = ", ".join(f"r-{it}: {{name: {it}, volume_m3: 180}}" for it in SENSORS)
        (folder / "sensors.yaml").write_text(
            f"org: bench-town\nsites:\n  {SITE}:\n    name: Bench\n    bridges: {{{BRIDGE}: {{}}}}\n"
            f"    rooms: {{{rooms}}}\n    sensors:\n{rows}\n",
            "utf-8",
        )
        (folder / "mosquitto.conf").write_text(f"listener {port} {HOST}\nallow_anonymous true\nlog_dest none\n")
        started = [subprocess.Popen([mosquitto, "-c", str(folder / "mosquitto.conf")])]
        try:
            wait_for_port(port, time.monotonic() + 10)
            receiver = Receiver(f"mqtt://{HOST}:{port}")
            with (folder / "log").open("wb") as log:
                bridge = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "firmware_bridge.service",
                        "--bridge",
                        f"{SITE}.{BRIDGE}",
                        "--data",
                        str(folder / "data"),
                        "--config",
                        str(folder / "sensors.yaml"),
                        "--broker",
                        f"mqtt://{HOST}:{port}",
                    ],
                    stderr=log,
                    cwd=ROOT,
                )
            started.append(bridge)
            plugs = [Plug(it, folder) for it in SENSORS]
            back = play(plugs, receiver, random.Random(args.seed), args.rounds)
            wrong = [
                (sensor, values)
                for _, sensor, values in receiver.readings
                if values.get(SENSORS[sensor][1]) != SENSORS[sensor][2]
            ]
            print(
                f"rounds                {args.rounds}, {args.rounds * len(plugs)} unplugs, "
                f"{len(receiver.readings)} readings"
            )
            print(f"in the wrong room     {len(wrong)} {wrong[:3] if wrong else ''}")
            for kind, seconds in back.items():
                ranked = sorted(seconds)
                print(
                    f"{kind:<21} median {ranked[len(ranked) // 2]:.2f} s, slowest {ranked[-1]:.2f} s "
                    f"(aim {2.0 if 'told' in kind else AIM_S:g} s)"
                )
            print(f"process               {'alive' if bridge.poll() is None else f'ended: {bridge.returncode}'}")
            log_text = (folder / "log").read_text("utf-8")
            print(f"faults in its log     {log_text.count('port_failed') + log_text.count(' CRITICAL ')}")
            receiver.link.stop()
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
