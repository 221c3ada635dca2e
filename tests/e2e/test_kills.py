"""Every part killed in turn while 200 readings a second flow: nothing lost, nothing doubled, the display truthful."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.drivers import driver_for

SENSORS = 10
FRAMES_PER_S = 20
STEADY_S = 1.0
CONFIG_HEAD = """
org: test-town
sites:
  school:
    name: School
    bridges: {box: {}}
    rooms:
      a1: {name: ป.1/1, volume_m3: 180}
    sensors:
"""


class Feeding:
    """Writes frames with rising numbers to every sensor at a steady pace, from one thread."""

    def __init__(self, sensors: list[Any]) -> None:
        self.sensors = sensors
        self.written = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        driver = driver_for("pms5003t")
        due = time.monotonic()
        while not self._stop.is_set():
            level = 10 + self.written % 20
            frame = driver.encode(
                {
                    "pm1": level,
                    "pm25": level,
                    "pm10": level,
                    "pm1_cf1": level,
                    "pm25_cf1": level,
                    "pm10_cf1": level,
                    "n03": 900,
                    "n05": 300,
                    "n1": 90,
                    "n25": 9,
                    "temp_c": 30.0,
                    "rh_pct": 60.0,
                }
            )
            for sensor in self.sensors:
                sensor.send(frame)
                self.written += 1
            due += 1 / FRAMES_PER_S
            self._stop.wait(max(0.0, due - time.monotonic()))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.slow
def test_no_reading_is_lost_or_doubled_when_each_part_is_killed(
    installation: Callable[..., Any],
    pty_sensor: Callable[[str], Any],
    wait_for: Any,
    exhaustive: bool,
    chance: random.Random,
) -> None:
    sensors = [pty_sensor(f"usb-{number}") for number in range(SENSORS)]
    lines = [
        f'      s{number}: {{bridge: box, room: a1, model: pms5003t, port: "{sensor.link}", every: frame}}'
        for number, sensor in enumerate(sensors)
    ]
    house = installation(CONFIG_HEAD + "\n".join(lines) + "\n")
    house.start()
    wait_for(lambda: house.places.ledger.exists() and house.places.readings.exists(), 30, "the services")
    secret = house.command("user", "token", "create", "test", "--scope", "read").split()[-1]

    def stored() -> int:
        health = house.get("/api/v1/health", secret) or {}
        return int(((health.get("services") or {}).get("ingest") or {}).get("figures", {}).get("stored", 0))

    def bridge() -> dict[str, Any]:
        found: dict[str, Any] = ((house.get("/api/v1/health", secret) or {}).get("bridges") or {}).get("school.box", {})
        return found

    feeding = Feeding(sensors)
    wait_for(lambda: stored() > 100, 40, "readings flowing")
    victims = ["ingest", "bridge-school.box", "alerts", "broker", "dashboard"] * (5 if exhaustive else 1)
    for victim in chance.sample(victims, len(victims)):
        pid = wait_for(lambda v=victim: house.services.get(v, {}).get("pid"), 20, f"{victim} running")
        os.kill(pid, signal.SIGKILL)
        wait_for(
            lambda v=victim, p=pid: house.services.get(v, {}).get("pid") not in (0, None, p),
            40,
            f"{victim} running again",
        )
        before = stored()
        wait_for(lambda b=before: stored() not in (0, b), 40, f"readings flowing after {victim} was killed")
        time.sleep(chance.uniform(0, 2 * STEADY_S))  # the load itself, not a wait for anything
    feeding.stop()
    wait_for(lambda: bridge().get("waiting") == 0, 60, "everything acknowledged")
    house.stop()

    told = house.command("count", "--spool", str(house.places.spool("school.box")))
    assert "OK: every reading is stored exactly once" in told, told


@pytest.mark.slow
def test_the_display_says_server_unreachable_while_the_dashboard_is_dead(
    one_room: Any,
    wait_for: Any,
    chromium: Any,
) -> None:
    house, _ = one_room()
    now = int(time.time() * 1000)
    house.fill_spool("school.box", [house.measured("a1-pm", now - age * 60_000, 12.0) for age in range(16, 0, -1)])
    house.start()
    page = chromium.new_page(locale="en")
    wait_for(lambda: _opens(page, f"http://127.0.0.1:{house.port}/display/school.a1?lang=en"), 40, "the display")
    wait_for(lambda: page.inner_text("#value").strip() == "12", 40, "12 on the display")
    pid = house.services["dashboard"]["pid"]
    house.process.send_signal(signal.SIGSTOP)  # nobody starts another one for now
    try:
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: page.is_visible("#away"), 60, "the display saying that the server is away")
    finally:
        house.process.send_signal(signal.SIGCONT)
    wait_for(lambda: house.services.get("dashboard", {}).get("pid") not in (0, None, pid), 40, "a new dashboard")
    wait_for(lambda: page.is_hidden("#away"), 60, "the display connected again by itself")
    assert page.inner_text("#value").strip() == "12"


def _opens(page: Any, url: str) -> bool:
    try:
        return bool(page.goto(url).ok)
    except Exception:  # the server is not there yet
        return False


@pytest.fixture
def pty_sensor(tmp_path: Path, one_room: Any) -> Callable[[str], Any]:
    kind = type(one_room("sqlite")[1])
    return lambda name: kind(tmp_path / name)
