"""An installation on a temporary data folder: `classair run` with mosquitto, real serial bytes, plugs and true air.

Everything of ClassAir is a process of its own, as at a school. One thread of the harness plays the world of the house:
the air of every room, the frames of every sensor, the time of every plug, and what the fault asks for.
"""

from __future__ import annotations

import heapq
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.control.air import Air
from benchmarks.control.plugs import LOAD_W, PlayedPlug
from benchmarks.control.told import Told, Watcher
from classair.broker import BrokerAddress
from classair.ops.child import end_with_parent
from classair.places import Places, write_atomically
from classair.timetable import ZONE
from firmware_bridge.spool.spool import Spool
from simulator.devices.ptys import SimulatedPort

ROOT = Path(__file__).resolve().parents[2]
SITE, BRIDGE = "school", "box"
READY_S = 120.0
SETTLED_S = 15.0  # from the last plug's first word to the moment that every script counts from


@dataclass(eq=False)
class Classroom:
    """One room under test. `shows`: what each of its sensors makes of the true PM2.5."""

    name: str
    starts_at: float = 8.0
    shows: Sequence[Callable[[float], float]] = (lambda true: true,)
    occupied: bool = True
    metered: bool = False
    prepared: bool = True
    air: Air = field(init=False)
    ports: list[SimulatedPort] = field(default_factory=list)
    plugs: list[PlayedPlug] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.air = Air(self.starts_at)
        self.plugs.append(PlayedPlug(f"socket-{self.name}", metered=self.metered, prepared=self.prepared))
        if self.metered:
            self.settings["watts"] = LOAD_W

    @property
    def plug(self) -> PlayedPlug:
        return self.plugs[0]

    @property
    def purifier(self) -> str:
        return f"{SITE}.{self.name}-fan"

    def subjects(self) -> set[str]:
        sensors = {f"{SITE}.{self.name}-pm{number}" for number in range(len(self.shows))}
        return {f"{SITE}.{self.name}", self.purifier, *sensors}


class House:
    """`begin` is the moment scripts count from, on the monotonic clock; 0 until everything is settled."""

    def __init__(self, name: str, folder: Path, rooms: Sequence[Classroom], chance: random.Random) -> None:
        self.name, self.folder, self.rooms, self.chance = name, folder, list(rooms), chance
        self.places = Places(folder / "data")
        self.config_file = folder / "sensors.yaml"
        self.rule: dict[str, Any] = {}
        self.store = "sqlite"
        self.env: dict[str, str] = {}
        self.begin = 0.0
        self.error = ""
        self.until_s = 240.0
        self.settled_s = SETTLED_S
        self.enough: Callable[[], bool] = lambda: False  # the script may end before `until_s`
        self.port = 0
        self.told = Watcher(self.places.ledger)
        self.before_start: list[Callable[[House], None]] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "run.log"
        self._unplayed = {room.name: room for room in rooms}

    @property
    def bridge_places(self) -> Places:
        return self.places

    # -- what a fault may do -------------------------------------------------------------------------------------------

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Does something so many seconds after `begin`."""
        heapq.heappush(self._due, (seconds, next(self._order), act))

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        self.at(time.monotonic() - self.begin + seconds, act)

    def pid(self, service: str) -> int:
        for one in self._services():
            if one["name"] == service:
                return int(one["pid"])
        return 0

    def signal(self, service: str, number: signal.Signals) -> None:
        pid = self.pid(service)
        if pid:
            os.kill(pid, number)

    def kill_supervisor(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def token(self) -> str:
        words = ["user", "token", "create", "matrix", "--scope", "control", "--data", str(self.places.root)]
        done = subprocess.run(
            [sys.executable, "-m", "classair", *words], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout.split()[-1]

    def override(self, purifier: str, do: str, minutes: int, token: str) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/purifiers/{purifier}/override",
            data=json.dumps({"do": do, "minutes": minutes}).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """A person edits sensors.yaml."""
        config = json.loads(self.config_file.read_text("utf-8"))
        change(config)
        self.write_config(config)

    def write_config(self, config: dict[str, Any]) -> None:
        write_atomically(self.config_file, json.dumps(config, indent=1).encode())  # JSON is YAML

    # -- its life ------------------------------------------------------------------------------------------------------

    def play(self, stop: threading.Event) -> None:
        """From the start to the end of the script; what went wrong with the harness itself stands in `error`."""
        try:
            self._prepare()
            self.start()
            self._run(stop)
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.end()

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for room in self.rooms:
            for number, shown in enumerate(room.shows):
                link = self.folder / f"usb-{room.name}-{number}"
                port = SimulatedPort(
                    f"{self.name}-{room.name}-{number}",
                    "pms5003t",
                    link,
                    lambda room=room, shown=shown: self._values(shown(room.air.pm25)),  # type: ignore[misc]
                )
                port.plug_in()
                room.ports.append(port)
        self.write_config(self.configuration())
        self._history()
        write_atomically(self.places.run / "broker" / "port", str(free_port()).encode())
        self.port = free_port()
        for act in self.before_start:
            act(self)

    def _values(self, pm25: float) -> dict[str, float]:
        heard = max(0.0, pm25 * self.chance.gauss(1.0, 0.02))
        counts = {"n03": 120 * heard, "n05": 36 * heard, "n1": 6 * heard, "n25": 0.6 * heard}
        masses = {"pm1": 0.7 * heard, "pm25": heard, "pm10": 1.15 * heard}
        raw = {f"{key}_cf1": value for key, value in masses.items()}
        return {**masses, **raw, **counts, "temp_c": 30.0, "rh_pct": 60.0}

    def configuration(self) -> dict[str, Any]:
        now = datetime.now(ZONE)
        start = max(now - timedelta(hours=2), now.replace(hour=0, minute=0))
        end = min(now + timedelta(hours=4), now.replace(hour=23, minute=59))
        other_day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(now.weekday() + 3) % 7]
        block = [f"{start:%H:%M}-{end:%H:%M}"]
        site: dict[str, Any] = {"name": "School", "bridges": {BRIDGE: {}}, "rooms": {}, "sensors": {}, "purifiers": {}}
        for room in self.rooms:
            site["rooms"][room.name] = {
                "name": room.name,
                "volume_m3": room.air.volume_m3,
                "capacity": 30,
                "timetable": "now" if room.occupied else "another-day",
            }
            for number, port in enumerate(room.ports):
                name = f"{room.name}-pm{number}"
                site["sensors"][name] = {
                    "bridge": BRIDGE,
                    "room": room.name,
                    "model": "pms5003t",
                    "port": str(port.link),
                }
            site["purifiers"][f"{room.name}-fan"] = {
                "room": room.name,
                "kind": "tasmota",
                "topic": room.plug.topic,
                "cadr_m3h": room.air.cadr_m3h,
                "when_blind": True,
                "url": room.plug.url,
                **room.settings,
            }
        return {
            "org": "matrix-town",
            "language": "en",
            "sites": {SITE: site},
            "timetables": {
                "now": {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "occupied": block, "lessons": block},
                "another-day": {"days": [other_day], "occupied": block, "lessons": block},
            },
            "rules": {
                "purifiers": {"kind": "purifier", **self.rule},
                "no-word": {"kind": "silent", "for": "15m", "tell": ["caretaker"]},
                "purifier-fault": {"kind": "purifier_fault", "tell": ["caretaker"]},
            },
            "people": {"caretaker": {"channel": "console", "language": "en"}},
            "store": self.store,
        }

    def _history(self) -> None:
        """Twenty minutes that the bridge measured before, so that no room begins without a past."""
        now = int(time.time() * 1000)
        spool = Spool.open(self.bridge_places.spool(f"{SITE}.{BRIDGE}"))
        for room in self.rooms:
            for number, shown in enumerate(room.shows):
                value = shown(room.starts_at)
                spool.extend(
                    {
                        "kind": "reading",
                        "sensor": f"{room.name}-pm{number}",
                        "at": now - minutes * 60_000,
                        "interval_s": 60.0,
                        "n": 60,
                        "clock": "sync",
                        "values": {"pm1": 0.7 * value, "pm25": value, "pm10": 1.15 * value},
                    }
                    for minutes in range(20, 0, -1)
                )
        spool.close()

    def start(self) -> None:
        self._process = self._spawn(
            [
                *("run", "--data", str(self.places.root), "--config", str(self.config_file)),
                *("--port", str(self.port), "--broker", "mosquitto"),
            ]
        )

    def _spawn(self, words: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "classair", *words],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self.env, **(env or {})},
            )

    def _run(self, stop: threading.Event) -> None:
        started = last = time.monotonic()
        settled = 0.0
        while not stop.is_set():
            now = time.monotonic()
            if not self.begin:
                self._connect_plugs()
                settled = settled or (now if self._all_known() else 0.0)
                if settled and now - settled >= self.settled_s:
                    self.begin = now
                elif now - started > READY_S or self.dead():
                    raise RuntimeError(f"not ready after {now - started:.0f} s, see {self._log}")
            while self.begin and self._due and self.begin + self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            if self.begin and (now - self.begin > self.until_s or self.enough()):
                return
            for room in self.rooms:
                for port in room.ports:
                    port.due(now)
                    port.readable()
            if now - last >= 0.5:
                self._pass_by(now, now - last)
                last = now
            stop.wait(0.1)

    def dead(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _pass_by(self, now: float, seconds: float) -> None:
        for room in self.rooms:
            for plug in room.plugs:
                plug.tick()
            cleaning = any(plug.cleaning for plug in room.plugs)
            able = any(plug.able for plug in room.plugs)
            room.air.pass_by(now, seconds, cleaning, able, room.occupied)
        # By the clock as it is: a row that answers a fault of this very turn would seem to have come before it.
        self.told.look(time.monotonic())

    def _connect_plugs(self) -> None:
        """As soon as the broker of the installation knows them."""
        for room in list(self._unplayed.values()):
            with suppress(OSError, ValueError, KeyError):
                for plug in room.plugs:
                    plug.connect(self.address(plug.topic))
                del self._unplayed[room.name]

    def _all_known(self) -> bool:
        return not self._unplayed and self.told.known_purifiers() >= {room.purifier for room in self.rooms}

    def address(self, user: str) -> BrokerAddress:
        secrets = json.loads((self.places.run / "passwords.json").read_text())
        port = int((self.places.run / "broker" / "port").read_text())
        return BrokerAddress("127.0.0.1", port, user, secrets[user])

    def _services(self) -> list[dict[str, Any]]:
        try:
            return list(json.loads(self.places.processes.read_text())["services"])
        except (OSError, ValueError):
            return []

    def end(self) -> None:
        """Ends every process of this house, hung ones too, and nothing else."""
        for room in self.rooms:
            for plug in room.plugs:
                plug.close()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        deadline = time.monotonic() + 8
        while mine := self._processes():
            for pid in mine:
                with suppress(OSError):
                    os.kill(pid, signal.SIGCONT)
                    if time.monotonic() > deadline:
                        os.kill(pid, signal.SIGKILL)
            if self._process is not None:
                self._process.poll()
            time.sleep(0.3)
        for room in self.rooms:
            for port in room.ports:
                port.unplug()

    def _processes(self) -> list[int]:
        """Processes that work on this house's folder."""
        mark, found = str(self.folder).encode() + b"/", []
        for place in Path("/proc").iterdir():
            if place.name.isdigit():
                with suppress(OSError):
                    words = (place / "cmdline").read_bytes()
                    if mark in words and int(place.name) != os.getpid():
                        found.append(int(place.name))
        return found

    def told_about(self, subjects: set[str] | None, since: float) -> Told | None:
        """The first thing that a person was told since, about one of these, or about anything."""
        for one in self.told.rows:
            if one.at >= since and (subjects is None or one.subject in subjects):
                return one
        return None


def free_port() -> int:
    from tests.neighbours.ports import free_port as one

    return one()
