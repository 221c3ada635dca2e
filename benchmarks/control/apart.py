"""The same installation with its bridge on another machine: services one by one, a bridge with a folder of its own."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from benchmarks.control.house import BRIDGE, ROOT, SITE, House, free_port
from classair import offers
from classair.accounts import SERVICES
from classair.broker import BrokerAddress
from classair.ops.brokerfiles import grants_of, write_broker_files
from classair.ops.brokers import find_mosquitto, wait_for_port
from classair.ops.child import end_with_parent
from classair.places import Places, write_atomically
from classair.service import PASSWORD_VARIABLE


class ApartHouse(House):
    """`server_dies` ends broker, ingest and alerts in one moment, as a power cut of the server does."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._broker_port = 0
        self._passwords: dict[str, str] = {}
        self._server: dict[str, subprocess.Popen[bytes]] = {}
        self._bridge: subprocess.Popen[bytes] | None = None

    @property
    def bridge_places(self) -> Places:
        return Places(self.folder / "bridge")

    def start(self) -> None:
        self._broker_port = free_port()
        config = offers.load(self.config_file)
        grants = grants_of(config)
        users = [*SERVICES, *grants.bridges, *grants.outsiders]
        self._passwords = {user: secrets.token_urlsafe(16) for user in users}
        folder = self.places.run / "broker"
        conf = write_broker_files(folder, config.org, self._broker_port, self._passwords, grants)
        if os.geteuid() == 0:
            write_atomically(conf, conf.read_bytes() + b"user root\n")
        self.server_starts()
        part = ["--bridge", f"{SITE}.{BRIDGE}"]
        self._bridge = self._service("bridge", BRIDGE, self.bridge_places, *part)

    def server_starts(self) -> None:
        conf = self.places.run / "broker" / "mosquitto.conf"
        with self._log.open("ab") as log:
            self._server["broker"] = subprocess.Popen(
                [str(find_mosquitto()), "-c", str(conf)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )
        wait_for_port(self._broker_port, time.monotonic() + 15)
        for name in ("ingest", "alerts"):
            self._server[name] = self._service(name, name, self.places)

    def server_dies(self) -> None:
        for process in self._server.values():
            process.kill()
        for process in self._server.values():
            process.wait()

    def _service(self, command: str, user: str, places: Places, *more: str) -> subprocess.Popen[bytes]:
        return self._spawn(
            [
                *(command, "--data", str(places.root), "--config", str(self.config_file)),
                *("--broker", f"mqtt://127.0.0.1:{self._broker_port}", *more),
            ],
            {PASSWORD_VARIABLE: self._passwords[user]},
        )

    def address(self, user: str) -> BrokerAddress:
        return BrokerAddress("127.0.0.1", self._broker_port, user, self._passwords[user])

    def dead(self) -> bool:
        return False

    def end(self) -> None:
        for process in (self._bridge, *self._server.values()):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in (self._bridge, *self._server.values()):
            if process is not None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(5)
        super().end()
