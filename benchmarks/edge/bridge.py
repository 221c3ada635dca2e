"""What a bridge with many sensors costs: CPU and memory of the whole `classair bridge` process, spool and broker real.

    python benchmarks/edge/bridge.py [--sensors 64] [--seconds 60] [--pieces 3]

Every sensor is a PMS5003T on a pseudo-terminal that sends a frame a second, cut into pieces as a USB adapter hands
them over; each makes a reading a second (`every: 1s`). A small receiver answers `stored` as ingest does. Beside it, in
the same run: an interpreter that has imported the same and waits.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
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
AIM_SHARE, AIM_MB = 0.15, 120
FRAME = driver_for("pms5003t").encode(
    {
        "pm1": 9,
        "pm25": 14,
        "pm10": 16,
        "pm1_cf1": 9,
        "pm25_cf1": 14,
        "pm10_cf1": 16,
        "n03": 1740,
        "n05": 510,
        "n1": 77,
        "n25": 8,
        "temp_c": 31.4,
        "rh_pct": 63.2,
    }
)


class Sensors:
    """Pseudo-terminals that send a frame a second each, spread evenly over the second."""

    def __init__(self, folder: Path, count: int, pieces: int) -> None:
        self.masters = []
        self._pieces = pieces
        for index in range(count):
            master, slave = pty.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            (folder / f"port-{index}").symlink_to(os.ttyname(slave))
            self.masters.append((master, slave))
        self.sent = 0
        threading.Thread(target=self._send, daemon=True).start()

    def _send(self) -> None:
        count = len(self.masters)
        size = -(-len(FRAME) // self._pieces)
        due = time.monotonic()
        while True:
            for master, _ in self.masters:
                for start in range(0, len(FRAME), size):
                    try:
                        os.write(master, FRAME[start : start + size])
                    except BlockingIOError:
                        pass  # nobody reads yet
                    due += 1 / count / self._pieces
                    time.sleep(max(0.0, due - time.monotonic()))
                self.sent += 1
                try:
                    os.read(master, 4096)  # what the bridge sends
                except BlockingIOError:
                    pass


def configuration(folder: Path, count: int) -> str:
    lines = [
        "org: bench-town",
        "sites:",
        f"  {SITE}:",
        "    name: Bench",
        f"    bridges: {{{BRIDGE}: {{}}}}",
        "    rooms: {r: {name: R, volume_m3: 180}}",
        "    sensors:",
    ]
    lines += [
        f'      s{i}: {{bridge: {BRIDGE}, room: r, model: pms5003t, port: "{folder}/port-{i}", every: 1s}}'
        for i in range(count)
    ]
    return "\n".join(lines) + "\n"


class Receiver:
    """Counts readings, says that they are stored, and what time it is when the bridge asks."""

    def __init__(self, url: str) -> None:
        topics = Topics("bench-town")
        self.readings = 0
        self._stored = topics.bridge(SITE, BRIDGE, "stored")
        self.link = Link(
            BrokerAddress.of(url, "receiver"),
            on_message=self._heard,
            subscriptions=[(topics.bridge(SITE, BRIDGE, leaf), 1) for leaf in ("reading", "time")],
        )
        self.link.start()
        if not self.link.wait_up(10):
            raise SystemExit("the broker did not answer")

    def _heard(self, message: Message) -> None:
        told = json.loads(message.payload)
        if message.topic.endswith("/time"):
            self._say({"epoch": "0" * 16, "upto": 0, "answer_to": told["id"]})
            return
        items = told if isinstance(told, list) else [told]
        self.readings += sum(item.get("kind", "reading") == "reading" for item in items)
        upto = max(item.get("seq", item.get("last", 0)) for item in items)
        self._say({"epoch": items[-1]["epoch"], "upto": upto})

    def _say(self, told: dict[str, Any]) -> None:
        told = {"v": 1, "server_time": int(time.time() * 1000), **told}
        self.link.publish(self._stored, json.dumps(told), qos=1)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int, name: str = "VmRSS") -> float:
    line = next(it for it in Path(f"/proc/{pid}/status").read_text().splitlines() if it.startswith(name))
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sensors", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pieces", type=int, default=3, help="how many pieces a frame arrives in")
    args = parser.parse_args()
    mosquitto = shutil.which("mosquitto", path="/usr/bin:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    if mosquitto is None:
        sys.exit("this benchmark needs mosquitto (Debian: apt install mosquitto)")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mosquitto.conf").write_text(f"listener {port} {HOST}\nallow_anonymous true\nlog_dest none\n")
        (folder / "sensors.yaml").write_text(configuration(folder, args.sensors), "utf-8")
        sensors = Sensors(folder, args.sensors, args.pieces)
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
            idle = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "import time, firmware_bridge.service, firmware_bridge.drivers as d; d.models(); time.sleep(1e6)",
                ],
                cwd=ROOT,
            )
            started += [bridge, idle]
            end = time.monotonic() + 30
            while receiver.readings < 2 * args.sensors:
                if time.monotonic() > end or bridge.poll() is not None:
                    sys.exit("the bridge does not read:\n" + (folder / "log").read_text("utf-8")[-2000:])
                time.sleep(0.05)
            time.sleep(5)
            before, sent, got, began = cpu_s(bridge.pid), sensors.sent, receiver.readings, time.monotonic()
            time.sleep(args.seconds)
            took = time.monotonic() - began
            share = (cpu_s(bridge.pid) - before) / took
            print(
                f"sensors                    {args.sensors}, {(sensors.sent - sent) / took:.1f} frames/s in "
                f"{args.pieces} pieces, {(receiver.readings - got) / took:.1f} readings/s received"
            )
            print(f"CPU of the bridge          {share:.1%} of a core (aim {AIM_SHARE:.0%})")
            print(
                f"memory of the bridge       {memory_mb(bridge.pid):.0f} MB, highest "
                f"{memory_mb(bridge.pid, 'VmHWM'):.0f} MB (aim {AIM_MB} MB)"
            )
            receiver.link.stop()
            print(f"idle with the same imports {memory_mb(idle.pid):.0f} MB")
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
