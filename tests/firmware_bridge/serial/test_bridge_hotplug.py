"""Plugs pulled and put back at random moments, their numbers swapped: no reading ends in another's room.

benchmarks/edge/hotplug.py does the same to a whole bridge process, a hundred times, and times the return.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.drivers import Frame, driver_for
from firmware_bridge.serial.port_state import Timings
from firmware_bridge.serial.ports import Port

pytestmark = pytest.mark.thorough

ROUNDS = 12
SENSORS = {
    "a": ("pms5003", "pm25", 11.0),
    "b": ("pms7003", "pm25", 22.0),
    "c": ("s8", "co2_ppm", 700.0),
    "d": ("s8", "co2_ppm", 900.0),
}
SOON = Timings(look_s=0.05, settle_s=0.3, back_off_s=(0.05, 0.1))


class Plug:
    """A sensor with a value of its own, speaking whenever it is plugged in."""

    def __init__(self, name: str, folder: Path, done: threading.Event) -> None:
        model, self.key, self.value = SENSORS[name]
        self.link = folder / f"usb-{name}"
        self.driver = driver_for(model)
        self.master = -1
        self.slave = -1
        self._done = done
        self.thread = threading.Thread(target=self._speak, daemon=True)
        self.thread.start()

    def _speak(self) -> None:
        values = {
            "n03": 900.0,
            "pm25_cf1": self.value,
            "pm10_cf1": self.value,
            "pm10": self.value,
            self.key: self.value,
        }
        while not self._done.wait(0.02):
            master = self.master
            if master < 0:
                continue
            try:
                if self.driver.poll_every_s is None:
                    os.write(master, self.driver.encode(values))
                request = os.read(master, 64)
                if self.driver.poll_every_s is not None:
                    os.write(master, self.driver.answer(request, values))
            except OSError:
                continue  # nothing to read, nobody there, or just pulled

    def point_at(self, device: str) -> None:
        fresh = self.link.with_suffix(".new")
        fresh.symlink_to(device)
        fresh.replace(self.link)

    def pull(self) -> None:
        master, self.master = self.master, -1
        if master >= 0:
            os.close(master)
            os.close(self.slave)
        self.link.unlink(missing_ok=True)


@pytest.fixture
def plugs(tmp_path: Path) -> Iterator[dict[str, Plug]]:
    done = threading.Event()
    made = {name: Plug(name, tmp_path, done) for name in SENSORS}
    yield made
    done.set()
    for plug in made.values():
        plug.thread.join()
        plug.pull()


def plug_in(order: list[Plug], chance: random.Random, stale: bool) -> None:
    """Deals the device numbers out anew; when `stale`, every name shows its neighbour's device for a moment."""
    pairs = [os.openpty() for _ in order]
    devices = [os.ttyname(slave) for _, slave in pairs]
    for plug, (master, slave) in zip(order, pairs, strict=True):
        tty.setraw(slave)
        os.set_blocking(master, False)
        plug.slave = slave
        plug.master = master
    if stale:
        for plug, device in zip(order, devices[1:] + devices[:1], strict=True):
            plug.point_at(device)
        threading.Event().wait(chance.uniform(0, 0.2))
    for plug, device in zip(order, devices, strict=True):
        plug.point_at(device)


@pytest.mark.parametrize("seed", [1])
def test_sensors_that_swap_names_keep_their_rooms(
    plugs: dict[str, Plug],
    wait_for: Callable[..., Any],
    seed: int,
) -> None:
    chance = random.Random(seed)
    heard: dict[str, list[float]] = {name: [] for name in SENSORS}

    def room(name: str) -> Callable[[list[Frame], float, bool], None]:
        key = SENSORS[name][1]
        return lambda frames, at_s, warm: heard[name].extend(frame.values[key] for frame in frames)

    ports = [
        Port(name, str(plug.link), driver_for(SENSORS[name][0]), room(name), lambda state: None, timings=SOON)
        for name, plug in plugs.items()
    ]
    # No port has ever seen its device, so every opening is one after an unplug.
    for port in ports:
        port.start()
    try:
        wait_for(lambda: all(port.state.state == "unplugged" for port in ports), 5, "every port missing")
        for number in range(ROUNDS):
            order = chance.sample(list(plugs.values()), len(plugs))
            before = {name: len(values) for name, values in heard.items()}
            plug_in(order, chance, stale=number % 2 == 1)
            wait_for(
                lambda before=before: all(len(heard[name]) > before[name] for name in heard), 10, "every sensor back"
            )
            for plug in chance.sample(order, len(order)):
                threading.Event().wait(chance.uniform(0, 0.05))
                plug.pull()
            wait_for(lambda: all(port.state.state == "unplugged" for port in ports), 3, "every unplug noticed")
        assert all(port.alive for port in ports)
    finally:
        for port in ports:
            port.stop()
    assert {name: set(values) for name, values in heard.items()} == {
        name: {value} for name, (_, _, value) in SENSORS.items()
    }


def test_a_bridge_that_starts_while_names_are_in_motion_takes_nobody_elses_frames(
    plugs: dict[str, Plug],
    wait_for: Callable[..., Any],
) -> None:
    heard: dict[str, list[float]] = {"a": [], "b": []}

    def room(name: str) -> Callable[[list[Frame], float, bool], None]:
        return lambda frames, at_s, warm: heard[name].extend(frame.values["pm25"] for frame in frames)

    ports = [
        Port(name, str(plugs[name].link), driver_for(SENSORS[name][0]), room(name), lambda state: None, timings=SOON)
        for name in heard
    ]
    plug_in([plugs["a"], plugs["b"]], random.Random(1), stale=False)
    right = {name: str(plugs[name].link.readlink()) for name in heard}
    plugs["a"].point_at(right["b"])
    plugs["b"].point_at(right["a"])
    for port in ports:
        port.start()
    try:
        wait_for(lambda: all(port.counters.opened for port in ports), 5, "both ports open")
        threading.Event().wait(0.1)
        for name, device in right.items():
            plugs[name].point_at(device)
        wait_for(lambda: all(heard.values()), 10, "both sensors heard")
    finally:
        for port in ports:
            port.stop()
    assert {name: set(values) for name, values in heard.items()} == {name: {SENSORS[name][2]} for name in heard}


@pytest.mark.skipif(shutil.which("socat") is None, reason="socat is not installed")
def test_a_line_of_socat_that_ends_is_an_unplug_and_a_new_one_a_re_plug(
    tmp_path: Path,
    wait_for: Callable[..., Any],
) -> None:
    link, other = tmp_path / "usb-a", tmp_path / "sensor"
    command = ["socat", f"pty,raw,echo=0,link={link}", f"pty,raw,echo=0,link={other}"]
    heard: list[float] = []
    driver = driver_for("pms5003")
    port = Port(
        "a",
        str(link),
        driver,
        lambda frames, at_s, warm: heard.extend(it.values["pm25"] for it in frames),
        lambda state: None,
        timings=SOON,
    )
    port.start()
    try:
        for value in (11.0, 22.0):
            socat = subprocess.Popen(command)
            try:
                wait_for(other.exists, 5, "the line")

                def back(value: float = value) -> bool:
                    with other.open("wb", buffering=0) as sensor:
                        sensor.write(driver_for("pms5003").encode({"pm25": value, "n03": 900}))
                    return bool(heard) and heard[-1] == value

                wait_for(back, 5, "the sensor back")
            finally:
                socat.terminate()
                socat.wait()
            wait_for(lambda: port.state.state == "unplugged", 3, "the unplug noticed")
    finally:
        port.stop()
