"""The pictured school: the demo in a folder of its own, on one morning, with something on every page."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from classair.alerting.links import Links
from classair.config import Config, load
from classair.places import Places
from classair.timetable import ZONE
from dashboard.reports.month import page as month
from dashboard.reports.shares import Shares
from dashboard.reports.week import page as week
from docs.picturing.shown import ROOM

ROOT: Final = Path(__file__).resolve().parents[2]
MOMENT: Final = datetime(2026, 12, 2, 10, 15, tzinfo=ZONE)
"""A Wednesday with lessons; the week and the month before are over, and the simulated history reaches into both."""
WEEK: Final = date(2026, 11, 23)
MONTH: Final = date(2026, 11, 1)
ACCOUNT: Final = "somsri"
_PATIENCE_S: Final = 600
_ENDS_S: Final = 20


@dataclass
class School:
    """A running one. `ahead_s`: how far its clock is ahead of this machine's."""

    folder: Path
    port: int
    ahead_s: int
    password: str
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def config_file(self) -> Path:
        return self.folder / "sensors.yaml"

    @property
    def now_ms(self) -> int:
        return (time.time_ns() + self.ahead_s * 1_000_000_000) // 1_000_000

    def classair(self, *words: str, said: str = "") -> None:
        """Runs a command on this school's data. Raises CalledProcessError."""
        command = [sys.executable, "-m", "classair", *words, "--data", str(self.folder / "data")]
        subprocess.run(command, input=said, text=True, check=True, cwd=ROOT, env=self.environment, stdout=sys.stderr)

    def links(self) -> dict[str, str]:
        """What signed links are about, by the {place} in which they stand."""
        config, places = load(self.config_file, {}), Places((self.folder / "data").resolve())
        shares = Shares(places.share_key)
        return {
            "week": shares.token(week.KIND, (ROOM, WEEK.isoformat()), week.until_ms(WEEK)),
            "month": month.token(shares, config, MONTH, config.sites),
            "notify": self._notify(config, places),
        }

    def _notify(self, config: Config, places: Places) -> str:
        return Links(places.link_key).preferences(config, "caretaker", self.now_ms).rpartition("/")[2]


@contextlib.contextmanager
def school() -> Iterator[School]:
    """Started in a temporary folder, with its history and an account; ended and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="classair-pictures-") as name:
        folder, ahead = Path(name), int(MOMENT.timestamp() - time.time())
        environment = {
            **os.environ,
            "PYTHONPATH": f"{Path(__file__).parent / 'clock'}{os.pathsep}{ROOT}",
            "CLASSAIR_PICTURES_AHEAD_S": str(ahead),
        }
        made = School(folder, _free_port(), ahead, secrets.token_urlsafe(18), environment)
        (folder / "data").mkdir()
        # With an address, so that codes and links for phones are in the pictures.
        # Alerts of dust come at once instead of after ten minutes.
        text = (ROOT / "sensors.yaml").read_text("utf-8").replace("kind: above,", "kind: above, for: 30s,")
        made.config_file.write_text(f"address: https://air.demo-town.example\n{text}", "utf-8")
        (folder / "calendars").symlink_to(ROOT / "calendars")
        with _running(made) as said:
            _wait(lambda: _history_is_there(said), "the history")
            made.classair("user", "add", ACCOUNT, "--role", "admin", "--password-stdin", said=made.password + "\n")
            _wait(lambda: _rooms_are_known(made), "the rooms' states")
            made.classair("reports", "week", "--quiet", "--config", str(made.config_file), "--week", WEEK.isoformat())
            yield made


@contextlib.contextmanager
def _running(made: School) -> Iterator[Path]:
    """The file into which the program says how far it is."""
    said = made.folder / "said"
    command = [sys.executable, "-m", "classair", "run", "--data", str(made.folder / "data"), "--port", str(made.port)]
    with said.open("w") as out:
        process = subprocess.Popen(
            [*command, "--config", str(made.config_file)], cwd=ROOT, env=made.environment, stdout=out, stderr=out
        )
        try:
            yield said
        except BaseException:
            print(said.read_text("utf-8")[-4000:], file=sys.stderr)
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_ENDS_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _history_is_there(said: Path) -> bool:
    lines = [line.split() for line in said.read_text("utf-8").splitlines() if "history stored" in line]
    return bool(lines) and lines[-1][2] == lines[-1][4]


def _rooms_are_known(made: School) -> bool:
    try:
        rooms = ask(made, "/api/v1/rooms")["rooms"]
        return all(ask(made, f"/api/v1/rooms/{one['room']}/now")["state"]["pm25"]["value"] is not None for one in rooms)
    except (urllib.error.URLError, ConnectionError, KeyError):
        return False


def ask(made: School, path: str) -> Any:
    with urllib.request.urlopen(made.url + path, timeout=30) as answer:  # noqa: S310 - loopback, http
        return json.load(answer)


def _wait(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {_PATIENCE_S} s for {what}")
        time.sleep(1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
