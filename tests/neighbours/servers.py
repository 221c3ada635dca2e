"""Real servers on loopback ports of their own: mosquitto, InfluxDB 1.x, VictoriaMetrics."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.neighbours.ports import HOST, free_port, listening
from tests.neighbours.programs import program


def answers(url: str) -> bool:
    """True when an HTTP server answers at `url` at all without a server error."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status < 500
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _die_with_parent() -> None:
    """Asks Linux to kill this child when the test run itself is killed, so that none is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Server(ABC):
    """A child process with a port. Subclasses say how it is started and when it is ready."""

    host = HOST

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    def ready(self) -> bool:
        return listening(self.port)

    @property
    def log(self) -> str:
        path = self.folder / "server.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, timeout: float = 60) -> None:
        """Starts it, the first time on a free port, later on the same one; returns when it answers."""
        self.port = self.port or free_port()
        command = self.command()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, preexec_fn=_die_with_parent
            )
        until = time.monotonic() + timeout
        while time.monotonic() < until and self.process.poll() is None:
            if self.ready():
                return
            time.sleep(0.01)
        self.kill()
        pytest.fail(f"{type(self).__name__} did not start: {self.log[-800:]}")

    def stop(self) -> None:
        """Asks it to end, and waits until it has."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if self.process is not None:
            self.process.wait()

    def kill(self) -> None:
        """kill -9, and waits until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()


class Mosquitto(Server):
    """A mosquitto with its own configuration; `conf` gets the port and the folder and gives the file's text."""

    def __init__(self, folder: Path, conf: Callable[[int, Path], str]) -> None:
        super().__init__(folder)
        self._conf = conf

    @property
    def url(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    def command(self) -> list[str]:
        file = self.folder / "mosquitto.conf"
        text = self._conf(self.port, self.folder)
        if os.geteuid() == 0 and "\nuser " not in f"\n{text}":
            text += "\nuser root\n"  # else it drops to a user who cannot write here
        file.write_text(text, "utf-8")
        return [program("mosquitto"), "-c", str(file)]


def open_conf(port: int, folder: Path) -> str:
    """Anonymous, loopback only, loses nothing."""
    return "\n".join(
        [
            f"listener {port} {HOST}",
            "allow_anonymous true",
            "max_queued_messages 1000000",
            "max_inflight_messages 1000",
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 30",
            "set_tcp_nodelay true",
            "log_dest stderr",
            "",
        ]
    )


class Influx(Server):
    """InfluxDB 1.x as Debian ships it."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def command(self) -> list[str]:
        conf = self.folder / "influxdb.conf"
        data = self.folder / "data"
        conf.write_text(
            "\n".join(
                [
                    "reporting-disabled = true",
                    f'bind-address = "{HOST}:{free_port()}"',
                    "[meta]",
                    f'dir = "{data}/meta"',
                    "[data]",
                    f'dir = "{data}/data"',
                    f'wal-dir = "{data}/wal"',
                    "query-log-enabled = false",
                    "[http]",
                    f'bind-address = "{HOST}:{self.port}"',
                    "log-enabled = false",
                    "[monitor]",
                    "store-enabled = false",
                    "",
                ]
            ),
            "utf-8",
        )
        return [program("influxd"), "-config", str(conf)]

    def ready(self) -> bool:
        return answers(f"{self.url}/ping")

    def wipe(self) -> None:
        """Loses everything, as if its data folder were gone; it runs on, empty."""
        self.stop()
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        self.start()


class VictoriaMetrics(Server):
    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def command(self) -> list[str]:
        return [
            program("victoria-metrics"),
            f"-httpListenAddr={HOST}:{self.port}",
            f"-storageDataPath={self.folder}/data",
            "-retentionPeriod=100y",
            "-memory.allowedPercent=20",
        ]

    def ready(self) -> bool:
        return answers(f"{self.url}/health")


def _running(server: Server) -> Iterator[Any]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


# -- fixtures ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def mosquitto(mosquitto_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One open broker for the whole run: use topics of your own, and leave it running. To kill one, take `broker`."""
    yield from _running(Mosquitto(tmp_path_factory.mktemp("mosquitto"), open_conf))


@pytest.fixture
def broker(mosquitto_program: str, tmp_path: Path) -> Iterator[Mosquitto]:
    """An open broker of this test alone: start(), stop(), restart(), kill(); port and persistence stay."""
    yield from _running(Mosquitto(tmp_path / "mosquitto", open_conf))


@pytest.fixture
def mosquitto_with(
    mosquitto_program: str, tmp_path: Path
) -> Iterator[Callable[[Callable[[int, Path], str]], Mosquitto]]:
    """`mosquitto_with(conf)`: a broker with its own configuration, `conf(port, folder)` gives the text."""
    started: list[Mosquitto] = []

    def start(conf: Callable[[int, Path], str]) -> Mosquitto:
        server = Mosquitto(tmp_path / f"mosquitto-{len(started)}", conf)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def influxd(influxd_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """One InfluxDB 1.x for the whole run: .url, stop(), start(), wipe(). Whoever stops it starts it again."""
    yield from _running(Influx(tmp_path_factory.mktemp("influxd")))


@pytest.fixture(scope="session")
def victoria_metrics(
    victoria_metrics_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VictoriaMetrics]:
    yield from _running(VictoriaMetrics(tmp_path_factory.mktemp("victoria-metrics")))
