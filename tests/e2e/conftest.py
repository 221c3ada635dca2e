"""A whole installation as child processes, with one sensor whose bytes the test writes and one socket it plays."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
import tty
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.broker import BrokerAddress, Link, Message
from classair.places import Places, write_atomically
from firmware_bridge.spool.spool import Spool
from simulator.devices.tasmota import TasmotaPlug
from tests.neighbours.ports import free_port

ROOT = next(parent for parent in Path(__file__).resolve().parents if (parent / "pyproject.toml").exists())

ONE_ROOM = """
org: test-town
language: th
sites:
  school:
    name: {th: โรงเรียนทดสอบ, en: Test School}
    bridges: {box: {}}
    rooms:
      a1: {name: {th: ป.1/1, en: P.1/1}, volume_m3: 180, capacity: 30}
    sensors:
      a1-pm: {bridge: box, room: a1, model: pms5003t, port: "PORT", every: frame}
    purifiers:
      a1-fan: {room: a1, kind: tasmota, topic: socket-a1, cadr_m3h: 400, when_blind: on}
rules:
  purifiers: {kind: purifier, on_for: 1s}
  silent: {kind: silent, for: 15m, tell: [caretaker]}
people:
  caretaker: {channel: console, language: en}
store: STORE
"""


class PtySensor:
    """A pseudo-terminal under a link that stays: the test writes what a sensor would send."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.master = -1
        self.plug()

    def plug(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(self.master)
        tty.setraw(slave)
        fresh = self.link.with_suffix(".new")
        fresh.symlink_to(os.ttyname(slave))
        fresh.replace(self.link)
        self._slave = slave  # held, so that what is written before the bridge opens is not lost

    def unplug(self) -> None:
        """As a pulled cable: the link vanishes and the reader's next read fails."""
        self.link.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self.master)
        self.master = -1

    def send(self, data: bytes) -> float:
        """Writes; the moment of the last byte on the monotonic clock."""
        os.write(self.master, data)
        return time.monotonic()


class PlayedSocket:
    """A Tasmota socket on the installation's broker."""

    def __init__(self, address: BrokerAddress, topic: str) -> None:
        self.plug = TasmotaPlug(topic)
        self.heard: list[tuple[float, str, bytes]] = []
        self._lock = threading.Lock()
        self.link = Link(address, on_message=self._hear, subscriptions=[(f"cmnd/{topic}/#", 1)], on_up=self._up)
        self.link.start()

    def _say(self, messages: Any) -> None:
        for one in messages:
            self.link.publish(one.topic, one.payload, retain=one.retain)

    def _up(self) -> None:
        with self._lock:
            self._say(self.plug.connected(time.monotonic()))

    def _hear(self, message: Message) -> None:
        self.heard.append((time.monotonic(), message.topic, message.payload))
        with self._lock:
            self._say(self.plug.handle(message.topic, message.payload, time.monotonic()))


class Installation:
    """`classair run` in a folder of its own."""

    def __init__(self, folder: Path, config: str, port: int, broker: str = "mosquitto") -> None:
        self.folder, self.port, self.broker_kind = folder, port, broker
        self.config_file = folder / "sensors.yaml"
        self.config_file.write_text(config, encoding="utf-8")
        self.places = Places(folder / "data")
        # The broker takes the port of last time while it is free.
        write_atomically(self.places.run / "broker" / "port", str(free_port()).encode())
        self.process: subprocess.Popen[str] | None = None
        self.output: list[str] = []
        self.sockets: list[PlayedSocket] = []
        self._token = ""

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "classair",
                "run",
                "--data",
                str(self.places.root),
                "--config",
                str(self.config_file),
                "--port",
                str(self.port),
                "--broker",
                self.broker_kind,
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.output.append(line.rstrip())

    def stop(self) -> None:
        """Ends it as Ctrl-C would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        """What the supervisor says of its children."""
        try:
            told = json.loads((self.places.run / "services.json").read_text())
        except (OSError, ValueError):
            return {}
        return {one["name"]: one for one in told["services"]}

    # -- what the test plays -------------------------------------------------------------------------------------------

    def fill_spool(self, bridge: str, items: list[dict[str, Any]]) -> None:
        """Readings that the bridge measured before this start and could not deliver yet."""
        spool = Spool.open(self.places.spool(bridge))
        spool.extend(items)
        spool.close()

    @staticmethod
    def measured(sensor: str, at_ms: int, pm25: float, interval_s: float = 60.0) -> dict[str, Any]:
        return {
            "kind": "reading",
            "sensor": sensor,
            "at": at_ms,
            "interval_s": interval_s,
            "n": 60,
            "clock": "sync",
            "values": {"pm1": pm25 * 0.7, "pm25": pm25, "pm10": pm25 * 1.2, "temp_c": 29.5, "rh_pct": 61.0},
        }

    def play_socket(self, topic: str) -> PlayedSocket:
        self.sockets.append(PlayedSocket(self.address(topic), topic))
        return self.sockets[-1]

    # -- what the test asks --------------------------------------------------------------------------------------------

    def command(self, *words: str, given: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "classair", *words, "--data", str(self.places.root)],
            cwd=ROOT,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def address(self, user: str) -> BrokerAddress:
        secrets = json.loads((self.places.run / "passwords.json").read_text())
        port = int((self.places.run / "broker" / "port").read_text())
        return BrokerAddress("127.0.0.1", port, user, secrets[user])

    def get(self, path: str, token: str = "") -> Any:
        """The JSON at an API path, None while it does not answer with 200."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.loads(answer.read())
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def logs(self) -> str:
        parts = [
            f"--- {path.name}\n{path.read_text('utf-8', 'replace')[-3000:]}"
            for path in sorted(self.places.logs.glob("*.log"))
        ]
        return "\n".join([*self.output[-30:], *parts])


@pytest.fixture
def one_room(
    tmp_path: Path,
    installation: Callable[..., Installation],
) -> Callable[..., tuple[Installation, PtySensor]]:
    """One room with one PM sensor on a real pseudo-terminal and one socket; the store as asked for."""

    def make(store: str = "sqlite", broker: str = "mosquitto") -> tuple[Installation, PtySensor]:
        sensor = PtySensor(tmp_path / "usb-sensor")
        return installation(ONE_ROOM.replace("PORT", str(sensor.link)).replace("STORE", store), broker), sensor

    return make


@pytest.fixture
def installation(mosquitto_program: str, tmp_path: Path) -> Iterator[Callable[..., Installation]]:
    """Makes installations; all are ended afterwards, and their logs shown when the test failed."""
    made: list[Installation] = []

    def make(config: str, broker: str = "mosquitto") -> Installation:
        folder = tmp_path / f"house-{len(made)}"
        folder.mkdir()
        made.append(Installation(folder, config, free_port(), broker))
        return made[-1]

    yield make
    for one in made:
        for played in one.sockets:
            played.link.stop()
        if one.process is not None and one.process.poll() is None:
            one.stop()
        print(one.logs())
