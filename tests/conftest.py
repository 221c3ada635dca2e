"""Real neighbours for the tests: mosquitto, influxd, VictoriaMetrics and Chromium on free loopback ports.

A program that is not installed skips the test and says which; in CI (environment CI=true) that is a failure instead.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import hypothesis
import pytest

from classair.service import ToStandardError

# Whatever any test writes to a serial line is judged at the end: tests/serial_writes/serial_guard.py.
sys.path.insert(0, str(Path(__file__).parent / "serial_writes"))
from serial_guard import (  # noqa: F401
    pytest_configure,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_unconfigure,
)

# How long an example takes says more of the machine than of the code: speed is looked at in benchmarks/.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

HOST = "127.0.0.1"
SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin"])
START_TRIES = 4  # another process may take the free port between choosing and using it


# -- what the machine must have ----------------------------------------------------------------------------------------


def absent(what: str) -> NoReturn:
    """Skips, or fails in CI, because something the test needs is not there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI installs it, so this is a fault", pytrace=False)
    pytest.skip(what)


def program(*names: str) -> str:
    """The path of the first of these programs that is installed."""
    for name in names:
        if path := shutil.which(name, path=SEARCHED):
            return path
    absent(f"{names[0]} is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def answers(url: str) -> bool:
    """True when an HTTP server answers at `url` at all without a server error."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status < 500
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def await_condition(condition: Callable[[], Any], timeout: float = 30, what: str = "") -> Any:
    """Waits until `condition()` is true and returns what it gave; fails with `what` after `timeout` seconds."""
    until = time.monotonic() + timeout
    pause = 0.005
    while True:
        if found := condition():
            return found
        if time.monotonic() >= until:
            pytest.fail(f"waited {timeout:g} s for {what or condition}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


# -- child processes ---------------------------------------------------------------------------------------------------


def _die_with_parent() -> None:
    """Asks Linux to kill this child when the test run itself is killed, so that none is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Server:
    """A child process with a port. Subclasses say how it is started and when it is ready."""

    host = HOST

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def ready(self) -> bool:
        return listening(self.port)

    @property
    def log(self) -> str:
        path = self.folder / "server.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Starts it, the first time on a free port, later on the same one; returns when it answers."""
        first = self.port == 0
        for _ in range(START_TRIES):
            if first:
                self.port = free_port()
            if self._start_once():
                return
        pytest.fail(f"{type(self).__name__} did not start: {self.log[-800:]}")

    def _start_once(self, timeout: float = 20) -> bool:
        command = self.command()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, preexec_fn=_die_with_parent
            )
        until = time.monotonic() + timeout
        while time.monotonic() < until and self.process.poll() is None:
            if self.ready():
                return self.process.poll() is None
            time.sleep(0.01)
        self.kill()
        return False

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


# -- fixtures ----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _services_log_in_their_own_test() -> Iterator[None]:
    """A service run inside a test sets logging up for the whole process; the next test is not to see its lines."""
    yield
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, ToStandardError)]:
        root.removeHandler(handler)


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., Any]:
    """`wait_for(condition, timeout=30, what="…")`: what the condition gave, or a failure that says what was missing."""
    return await_condition


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One open broker for the whole run: use topics of your own, and leave it running. To kill one, take `broker`."""
    program("mosquitto")
    yield from _running(Mosquitto(tmp_path_factory.mktemp("mosquitto"), open_conf))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """An open broker of this test alone: start(), stop(), restart(), kill(); port and persistence stay."""
    program("mosquitto")
    yield from _running(Mosquitto(tmp_path / "mosquitto", open_conf))


@pytest.fixture
def mosquitto_with(tmp_path: Path) -> Iterator[Callable[[Callable[[int, Path], str]], Mosquitto]]:
    """`mosquitto_with(conf)`: a broker with its own configuration, `conf(port, folder)` gives the text."""
    program("mosquitto")
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
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """One InfluxDB 1.x for the whole run: .url, stop(), start(), wipe(). Whoever stops it starts it again."""
    program("influxd")
    yield from _running(Influx(tmp_path_factory.mktemp("influxd")))


@pytest.fixture(scope="session")
def victoria_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    program("victoria-metrics")
    yield from _running(VictoriaMetrics(tmp_path_factory.mktemp("victoria-metrics")))


CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


class Chromium:
    """A real browser. Every request that would leave the machine is stopped, kept in `foreign`, and fails the test."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self._contexts: list[Any] = []

    def new_page(self, **options: Any) -> Any:
        """A page in a context of its own; `options` as for playwright's `Browser.new_context` (locale, viewport …)."""
        context = self.browser.new_context(**options)
        self._contexts.append(context)
        context.route(lambda url: not self._is_local(url), self._stop_request)
        page = context.new_page()
        page.on("request", self._seen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    @staticmethod
    def _is_local(url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("data", "blob", "about", "chrome-error") or parts.hostname == HOST

    def _seen(self, request: Any) -> None:
        if not self._is_local(request.url):
            self.foreign.append(request.url)

    @staticmethod
    def _stop_request(route: Any) -> None:
        route.abort()

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture(scope="session")
def _browser() -> Iterator[Any]:
    executable = program("chromium", "chromium-browser", "google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        # Playwright leaves its own loop marked as running in this thread; other tests call asyncio.run.
        loop = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture
def chromium(_browser: Any) -> Iterator[Chromium]:
    """`chromium.new_page()` gives a playwright page; the test fails when a page asked for anything off this machine."""
    browser, loop = _browser
    asyncio._set_running_loop(loop)
    opened = Chromium(browser)
    try:
        yield opened
        opened.close()
    finally:
        asyncio._set_running_loop(None)
    assert not opened.foreign, f"requests left the machine: {opened.foreign}"


@pytest.fixture(scope="session")
def program_of() -> Callable[..., str]:
    """`program_of("Rscript")`: the path of a program; without it the test is skipped, in CI it fails."""
    return program
