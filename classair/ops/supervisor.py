"""`classair run`: starts the broker and services, restarts what dies, stops all of them within five seconds."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from classair import offers
from classair.arguments import shared
from classair.config import Config, ConfigFaults
from classair.ops import brokers
from classair.ops.brokerfiles import grants_of
from classair.ops.child import Child, end_with_parent
from classair.ops.incidents import SUPERVISOR, Incidents
from classair.places import Places, alone, write_atomically
from classair.progress.listening import Ear
from classair.progress.telling import Progress
from classair.service import PASSWORD_VARIABLE, port_fault, read_announcement, stop_on_signals

END_WITHIN_S = 4.0
BROKER_WITHIN_S = 60.0  # it first reads all that it has kept, from a slow card perhaps


def main(argv: list[str]) -> int:
    """Runs until Ctrl-C or SIGTERM; 2 when the configuration or the data folder forbids starting."""
    args = _arguments().parse_args(argv)
    places = Places(args.data.resolve())
    places.root.mkdir(parents=True, exist_ok=True)
    with alone(places.run / "lock") as is_alone:
        if not is_alone:
            print(
                f"classair run: already running with data folder {places.root}. Stop it, or use --data DIR",
                file=sys.stderr,
            )
            return 2
        if fault := port_fault(args.host, args.port):
            print(f"classair run: {fault}", file=sys.stderr)
            return 2
        config = _configuration(args.config, places)
        if config is None:
            return 2
        incidents = Incidents(places.processes)
        try:
            broker = brokers.own_broker(places, config.org, grants_of(config), wanted=args.broker, incidents=incidents)
        except RuntimeError as error:
            print(f"classair run: {error}", file=sys.stderr)
            return 2
        return _Supervisor(args, places, config, broker, incidents).run()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classair run",
        description="start the broker and all services on this machine",
        parents=[shared("--data", "--config", "--trusted-proxy")],
    )
    parser.add_argument("--host", default="127.0.0.1", help="address of the web pages (default: this machine only)")
    parser.add_argument("--port", type=int, default=8050, help="port of the web pages (default: 8050)")
    parser.add_argument(
        "--broker",
        choices=["auto", "mosquitto", "amqtt"],
        default="auto",
        help="broker to start; auto uses mosquitto if it is installed, otherwise amqtt (default: auto)",
    )
    return parser


def _configuration(path: Path, places: Places) -> Config | None:
    """The file's configuration; a faulty file gives the one in force before, told; None when there is none."""
    try:
        return offers.load(path)
    except ConfigFaults as faulty:
        for line in faulty.faults:
            print(f"{path}: {line}", file=sys.stderr)
    if places.accepted_config.exists():
        accepted = read_announcement(places.accepted_config.read_bytes())
        if accepted is not None:
            print(f"{path} has errors; continuing with the last valid version ({accepted.version})", file=sys.stderr)
            return accepted.config
    return None


class _Supervisor:
    """The loop. One thread, so that children may be forked safely."""

    def __init__(
        self,
        args: argparse.Namespace,
        places: Places,
        config: Config,
        broker: brokers.OwnBroker,
        incidents: Incidents,
    ) -> None:
        self.args, self.places, self.config, self.broker = args, places, config, broker
        self.config_file = args.config.resolve()
        self.children: dict[str, Child] = {}
        self.stop = stop_on_signals()
        self.incidents = incidents
        self._progress = Progress()  # a unit of systemd may keep us in turn
        self._accepted_seen = self._accepted_stamp()
        self._last_line = ""

    # -- the course of a run -------------------------------------------------------------------------------------------

    def run(self) -> int:
        try:
            self._start(self.broker.child)
            if not self._broker_up() and not (self._mended() and self._broker_up()):
                if self.stop.is_set():
                    return 0
                print(f"could not start the broker; see {self.broker.child.log}", file=sys.stderr)
                return 1
            self._say("broker", f"{self.broker.kind} on 127.0.0.1:{self.broker.port} (private to this installation)")
            self._start(self._service("ingest"))
            self._start(self._service("alerts"))
            web = ["--host", self.args.host, "--port", str(self.args.port)]
            if self.args.trusted_proxy:
                web += ["--trusted-proxy", ",".join(map(str, self.args.trusted_proxy))]
            self._start(self._service("dashboard", *web))
            for name, what in (
                ("ingest", f"store {self.config.store.partition('://')[0]}"),
                ("alerts", "room status, purifiers, notifications"),
                ("dashboard", "pages and API"),
            ):
                self._say(name, what)
            total = self._history() if self._simulated() else 0
            if self.stop.is_set():
                return 0
            self._start_edge()
            self.incidents.over(SUPERVISOR)
            everywhere = self.args.host in ("0.0.0.0", "::")  # noqa: S104  compared, not bound
            host = "127.0.0.1" if everywhere else self.args.host
            print(
                f"\n  http://{host}:{self.args.port}    (Ctrl-C to stop; data folder: {self.places.root})\n",
                flush=True,
            )
            self._watch(total)
            return 0
        finally:
            self._end()

    def _start_edge(self) -> None:
        if self._simulated():
            self._start(self._service("simulate", user="simulator"))
            self._say("simulate", "every port that is sim: — ข้อมูลจำลอง / simulated data")
        for bridge in [full for full, _ in self.config.bridges()]:
            self._start_bridge(bridge)

    def _start_bridge(self, bridge: str) -> None:
        local = bridge.partition(".")[2]
        name = f"bridge-{bridge}"
        self._start(self._service("bridge", "--bridge", bridge, user=local, name=name))
        ports = sum(1 for full, s in self.config.sensors() if f"{full.partition('.')[0]}.{s.bridge}" == bridge)
        self._say(name, f"{ports} ports")

    def _watch(self, history: int) -> None:
        next_slow = 0.0
        while not self.stop.wait(0.2):
            if self._tick_children():
                next_slow = 0.0
            now = time.monotonic()
            if now >= next_slow:
                next_slow = now + 2.0
                self._write_status()
                self._follow_configuration()
                history = self._tell_history(history)
                for child in self.children.values():
                    child.trim_log()

    def _tick_children(self) -> bool:
        """Starts again what has ended, kills what hangs; whether there was anything to tell."""
        self._progress.tick()
        told = [news for child in list(self.children.values()) if (news := child.tick(time.monotonic()))]
        for news in told:
            print(news, flush=True)
        return bool(told)

    def _end(self) -> None:
        """Whoever sends first, so that their last words are still stored; then whoever receives; then the broker."""
        until = time.monotonic() + END_WITHIN_S
        others = [child for name, child in self.children.items() if name != "broker"]
        senders = [child for child in others if child.name == "simulate" or child.name.startswith("bridge-")]
        for child in senders:
            child.stop()
        for child in senders:
            child.wait(until - 3.0)
        for child in others:
            child.stop()
        for child in others:
            if not child.wait(until - 1.0):
                child.kill()
        self.broker.child.stop()
        if not self.broker.child.wait(until):
            self.broker.child.kill()
        for child in self.children.values():
            child.close()
        self._write_status()

    # -- its parts -----------------------------------------------------------------------------------------------------

    def _broker_up(self) -> bool:
        def hopeless() -> bool:
            return self.stop.is_set() or not self.broker.child.alive

        return brokers.wait_for_port(self.broker.port, time.monotonic() + BROKER_WITHIN_S, hopeless)

    def _mended(self) -> bool:
        """Whether something could be done about a broker that ended at once; it is started again then."""
        broker = self.broker.child
        done = broker.mend() if broker.mend is not None and not broker.alive else ""
        if done:
            self._say("broker", done)
            broker.start()
        return bool(done)

    def _service(self, command: str, *more: str, user: str = "", name: str = "") -> Child:
        user = user or command
        env = {PASSWORD_VARIABLE: self.broker.passwords[user], "PYTHONUNBUFFERED": "1"}
        words = [
            sys.executable,
            "-m",
            "classair",
            command,
            "--data",
            str(self.places.root),
            "--config",
            str(self.config_file),
            "--broker",
            self.broker.url,
            *more,
        ]
        name = name or command
        return Child(name, words, self.places.logs / f"{name}.log", env)

    def _start(self, child: Child) -> None:
        self.children[child.name] = child
        if child.signs is None:
            child.incidents = self.incidents
            try:
                child.signs = Ear(self.places.run / "progress", child.name)
            except OSError as error:
                print(f"{child.name} is not watched for progress: {error.strerror or error}", flush=True)
        child.start()

    def _say(self, name: str, what: str) -> None:
        child = self.children[name]
        print(f"  {name:<28} {what:<52} {self._shown(child.log)}", flush=True)

    def _shown(self, path: Path) -> str:
        try:
            return str(path.relative_to(Path.cwd()))
        except ValueError:
            return str(path)

    def _simulated(self) -> bool:
        return any(self.config.site_simulated(site) for site in self.config.sites)

    def _history(self) -> int:
        """Lets the simulator write what its schools measured while nobody listened; how many readings that was."""
        command = self._service("simulate", "--history", user="simulator")
        command.log.parent.mkdir(parents=True, exist_ok=True)
        total = 0
        with command.log.open("ab") as errors:
            process = subprocess.Popen(
                command.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **command.env},
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )
            for line in self._lines_of(process):
                print(f"  {line.rstrip()}", flush=True)
                words = line.split()
                if words[:2] == ["history", "total"] and words[2].isdigit():
                    total = int(words[2])
            if process.wait() != 0 and not self.stop.is_set():
                print(f"could not generate the sample history; see {self._shown(command.log)}", file=sys.stderr)
        return total

    def _lines_of(self, process: subprocess.Popen[bytes]) -> Iterator[str]:
        """What a process prints, line by line, until it ends; it is ended when we are asked to stop, and meanwhile
        the services that have died are started again.
        """
        assert process.stdout is not None
        told, begun = b"", False
        while True:
            ready, _, _ = select.select([process.stdout], [], [], 0.2)
            if self.stop.is_set() and not begun:
                begun = True
                process.terminate()
            self._tick_children()
            if ready:
                part = os.read(process.stdout.fileno(), 65536)
                if not part:
                    break
                *lines, told = (told + part).split(b"\n")
                yield from (line.decode("utf-8", "replace") for line in lines)
        if told:
            yield told.decode("utf-8", "replace")

    def _tell_history(self, total: int) -> int:
        """One line of progress while simulated history flows in; 0 when it is done."""
        if not total:
            return 0
        done = 0
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(f"file:{self.places.readings}?mode=ro", uri=True)) as store,
        ):
            done = store.execute("select coalesce(sum(last - first + 1), 0) from received").fetchone()[0]
        line = f"  history stored {min(done, total):,} of {total:,} readings"
        if line != self._last_line:
            self._last_line = line
            print(line, flush=True)
        return 0 if done >= total else total

    def _accepted_stamp(self) -> float:
        try:
            return self.places.accepted_config.stat().st_mtime
        except OSError:
            return 0.0

    def _follow_configuration(self) -> None:
        """Starts and ends bridges as accepted versions name them."""
        brokers.let_go(self.broker, self.places, self.config.org)
        stamp = self._accepted_stamp()
        if stamp == self._accepted_seen:
            return
        self._accepted_seen = stamp
        try:
            accepted = read_announcement(self.places.accepted_config.read_bytes())
        except OSError:
            accepted = None
        if accepted is None:
            return
        self.config = accepted.config
        wanted = {f"bridge-{full}": full for full, _ in self.config.bridges()}
        for name in [name for name in self.children if name.startswith("bridge-") and name not in wanted]:
            child = self.children.pop(name)
            child.stop()
            if not child.wait(time.monotonic() + 3):
                child.kill()
            child.close()
            print(f"{name} stopped: removed from the configuration", flush=True)
        brokers.follow(self.broker, self.places, self.config.org, grants_of(self.config))
        for name, bridge in wanted.items():
            if name not in self.children:
                self._start_bridge(bridge)

    def _write_status(self) -> None:
        """What the health page shows of processes that cannot speak for themselves."""
        status = [
            {
                "name": c.name,
                "alive": c.alive,
                "pid": c.pid,
                "restarts": c.restarts,
                "last_exit": c.last_exit,
                "log": str(c.log),
            }
            for c in self.children.values()
        ]
        with contextlib.suppress(OSError):
            write_atomically(
                self.places.processes,
                json.dumps(
                    {"at": int(time.time() * 1000), "services": status, "incidents": self.incidents.records()}, indent=1
                ).encode(),
                lasting=False,
            )
