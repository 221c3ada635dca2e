"""A bridge as a process of its own, with a data folder of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from classair.places import Places

AIR = {
    "pm1_cf1": 9,
    "pm25_cf1": 14,
    "pm10_cf1": 16,
    "pm1": 9,
    "pm25": 14,
    "pm10": 16,
    "n03": 1740,
    "n05": 510,
    "n1": 77,
    "n25": 8,
    "temp_c": 31.4,
    "rh_pct": 63.2,
}


def school(bridge: str, sensors: str) -> str:
    lines = "\n".join(f"      {line.strip()}" for line in sensors.strip().splitlines())
    return (
        f"org: demo-town\nsites:\n  school:\n    name: School\n    bridges: {{{bridge}: {{}}}}\n"
        f"    rooms:\n      blue: {{name: Blue, volume_m3: 180}}\n    sensors:\n{lines}\n"
    )


def pm(bridge: str, name: str = "blue-pm", every: str = "frame") -> str:
    return f'{name}: {{bridge: {bridge}, room: blue, model: pms5003t, port: "sim:classroom", every: {every}}}'


class Running:
    """A bridge process with a data folder of its own; its id is unique, because the broker is shared."""

    def __init__(self, folder: Path, url: str, name: str) -> None:
        self.folder, self.url, self.name = folder, url, name
        self.places = Places(folder)
        self.file = folder / "sensors.yaml"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def full(self) -> str:
        return f"school.{self.name}"

    def configure(self, sensors: str) -> None:
        self.file.write_text(school(self.name, sensors), "utf-8")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "firmware_bridge.service",
                    "--bridge",
                    self.full,
                    "--data",
                    str(self.folder),
                    "--config",
                    str(self.file),
                    "--broker",
                    self.url,
                ],
                stderr=log,
                cwd=Path(__file__).parents[2],
            )

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)


def pump(sensor: Any, every_s: float = 0.1) -> Callable[[], None]:
    """Sends frames until the returned function is called."""
    done = threading.Event()

    def send() -> None:
        while not done.wait(every_s):
            try:
                sensor.send()
            except (OSError, AssertionError):
                continue  # unplugged just now

    threading.Thread(target=send, daemon=True).start()
    return done.set
