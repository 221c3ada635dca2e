"""Ports: real pseudo-terminals and sockets behind real pyserial."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serial

from classair.i18n import LANGUAGES, t, texts
from classair.places import Places
from firmware_bridge.clock import elapsed
from firmware_bridge.drivers import Frame, driver_for
from firmware_bridge.drivers.pmsx003 import ACTIVE, WAKE
from firmware_bridge.serial.opening import address_of
from firmware_bridge.serial.port_state import PortState
from firmware_bridge.serial.ports import Port

pytestmark = pytest.mark.thorough


class Watched:
    """A port and all it has said."""

    def __init__(self, address: str, model: str, simulated: bool = False) -> None:
        self.frames: list[tuple[Frame, float, bool]] = []
        self.states: list[PortState] = []
        self.port = Port(
            "school.blue", address, driver_for(model), self._frames, self.states.append, simulated=simulated
        )
        self.port.start()

    def _frames(self, frames: list[Frame], at_s: float, warming_up: bool) -> None:
        self.frames += [(frame, at_s, warming_up) for frame in frames]

    def said(self, state: str) -> PortState | None:
        return next((it for it in self.states if it.state == state), None)


@pytest.fixture
def watch() -> Iterator[Callable[..., Watched]]:
    made: list[Watched] = []

    def make(*args: Any, **kwargs: Any) -> Watched:
        made.append(Watched(*args, **kwargs))
        return made[-1]

    yield make
    for watched in made:
        watched.port.stop()
        assert not watched.port.alive


def test_a_frame_is_dated_at_its_first_byte(pty_sensor: Any, watch: Any, tmp_path: Path, wait_for: Any) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", {"pm25": 18})
    watched = watch(str(sensor.link), "pms5003")
    wait_for(lambda: watched.port.counters.opened, 5, "the port open")
    data = sensor.driver.encode({"pm25": 18})
    sensor.send(data[:10])
    wait_for(lambda: watched.port.driver.pending, 5, "half a frame")
    between = elapsed()
    sensor.send(data[10:])
    wait_for(lambda: watched.frames, 5, "the frame")
    ((frame, at_s, warming_up),) = watched.frames
    assert frame.values["pm25"] == 18
    assert at_s <= between
    assert not warming_up
    assert watched.said("ok")


def test_a_streaming_sensor_is_started_on_opening_and_woken_when_silent(
    pty_sensor: Any,
    watch: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", {"pm25": 18})
    heard = b""
    watched = watch(str(sensor.link), "pms5003")
    os.set_blocking(sensor._master, False)

    def commands() -> bytes:
        nonlocal heard
        try:
            heard += os.read(sensor._master, 64)
        except OSError:
            pass
        return heard

    wait_for(lambda: commands() == ACTIVE, 5, "the active command")
    wait_for(lambda: commands() == ACTIVE + WAKE, 8, "the wake command")
    silent = watched.said("silent")
    assert silent is not None
    sensor.send()
    wait_for(lambda: watched.states[-1].state == "ok", 5, "its recovery")


def test_a_polled_sensor_is_asked_and_stale_answers_are_thrown_away(
    pty_sensor: Any,
    watch: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "s8", {"co2_ppm": 777})
    sensor.send(sensor.driver.encode({"co2_ppm": 5000}))  # an answer to nobody, before anyone listens
    watched = watch(str(sensor.link), "s8")
    wait_for(lambda: watched.frames, 5, "an answer")
    assert [frame.values["co2_ppm"] for frame, _, _ in watched.frames] == [777]
    assert driver_for("s8").ask() in sensor.heard


def test_a_port_of_another_program_is_named_as_in_use(
    pty_sensor: Any,
    watch: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", {"pm25": 18})
    with serial.Serial(str(sensor.link), exclusive=True):
        watched = watch(str(sensor.link), "pms5003")
        state = wait_for(lambda: watched.said("error"), 5, "the word in use")
        assert state.cause == "in_use"
    wait_for(lambda: watched.said("starting"), 8, "opening as soon as it is free")


def test_a_port_that_is_not_there_is_unplugged_and_found_when_it_comes(
    pty_sensor: Any,
    watch: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    watched = watch(str(tmp_path / "port"), "pms5003")
    wait_for(lambda: watched.said("unplugged"), 5, "the word unplugged")
    sensor = pty_sensor(tmp_path / "port", "pms5003", {"pm25": 18})
    wait_for(lambda: watched.port.counters.opened, 8, "the port open")
    sensor.send()
    wait_for(lambda: watched.frames, 5, "a frame")
    # It was just plugged in, so it was just switched on.
    assert watched.frames[0][2]


def test_a_simulated_port_that_merely_came_later_is_not_warming_up(
    pty_sensor: Any,
    watch: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    watched = watch(str(tmp_path / "port"), "pms5003", simulated=True)
    wait_for(lambda: watched.said("unplugged"), 5, "the word unplugged")
    sensor = pty_sensor(tmp_path / "port", "pms5003", {"pm25": 18})
    wait_for(lambda: watched.port.counters.opened, 8, "the port open")
    sensor.send()
    wait_for(lambda: watched.frames, 5, "a frame")
    assert not watched.frames[0][2]


def test_a_port_that_nobody_can_open_says_what_one_looks_like(watch: Any, wait_for: Any) -> None:
    watched = watch("carrier-pigeon://coop", "pms5003")
    state = wait_for(lambda: watched.said("error"), 5, "the word bad port")
    assert state.cause == "bad_port"
    assert "/dev/serial/by-id" in t("en", f"health_step.{state.cause}", **state.places)


def test_a_sensor_behind_a_socket_works_and_comes_back(watch: Any, wait_for: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        watched = watch(f"socket://127.0.0.1:{server.getsockname()[1]}", "pms5003")
        frame = driver_for("pms5003").encode({"pm25": 18})
        for _ in range(2):
            line, _ = server.accept()
            with line:
                before = len(watched.frames)

                def heard(line: socket.socket = line, before: int = before) -> bool:
                    line.sendall(frame)  # again and again: pyserial throws away what comes while it opens
                    return len(watched.frames) > before

                wait_for(heard, 5, "a frame")
        wait_for(lambda: watched.said("unplugged"), 5, "the word unplugged")


def test_the_wrong_model_is_told_as_bytes_without_frames(
    pty_sensor: Any,
    watch: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003st", {"pm25": 18})
    watched = watch(str(sensor.link), "pms5003")
    wait_for(lambda: watched.port.counters.opened, 5, "the port open")
    done = threading.Event()

    def stream() -> None:
        while not done.wait(0.1):
            sensor.send()

    thread = threading.Thread(target=stream)
    thread.start()
    state = wait_for(lambda: watched.said("error"), 10, "the word that nothing can be read")
    done.set()
    thread.join()
    assert state.cause == "no_frames"
    assert watched.frames == []


_STOPPED = """
import sys, time
from firmware_bridge.drivers import driver_for
from firmware_bridge.serial.ports import Port
def told(frames, at, warm):
    print(*[frame.values["pm25"] for frame in frames], sep=chr(10), flush=True)  # a slow machine gets two at once
port = Port("x", sys.argv[1], driver_for("pms5003"), told, lambda state: None)
port.start()
while not port.counters.opened:
    time.sleep(0.005)
print("open", flush=True)
sys.stdin.read()
"""


def test_what_piled_up_while_the_process_stood_still_is_not_passed_off_as_new(
    pty_sensor: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", {})
    with subprocess.Popen(
        [sys.executable, "-c", _STOPPED, str(sensor.link)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        sensor.send(sensor.driver.encode({"pm25": 1}))
        assert process.stdout.readline() == "1\n"
        os.kill(process.pid, signal.SIGSTOP)
        tasks = list(Path(f"/proc/{process.pid}/task").iterdir())
        wait_for(lambda: all(" T " in (task / "stat").read_text() for task in tasks), 5, "every thread standing still")
        for _ in range(10):
            sensor.send(sensor.driver.encode({"pm25": 99}))
        threading.Event().wait(5)  # longer than a read may take
        os.kill(process.pid, signal.SIGCONT)
        done = threading.Event()

        def stream() -> None:
            while not done.wait(0.2):
                sensor.send(sensor.driver.encode({"pm25": 2}))

        thread = threading.Thread(target=stream)
        thread.start()
        assert process.stdout.readline() == "2\n"
        done.set()
        thread.join()
        process.kill()


def test_a_simulated_port_is_the_sensors_link_and_every_other_is_taken_as_it_stands(tmp_path: Path) -> None:
    places = Places(tmp_path)
    assert address_of("sim:classroom", "school.blue-pm", places) == str(tmp_path / "sim" / "school.blue-pm")
    for port in ("/dev/serial/by-id/usb-x", "socket://pi:4000", "rfc2217://pi:4000"):
        assert address_of(port, "school.blue-pm", places) == port


PLACES = {
    "names": "x",
    "minutes": "3",
    "hours": "7",
    "days": "4",
    "port": "/dev/ttyUSB0",
    "seconds": 5,
    "model": "x",
    "known": "s8",
    "code": "0x1",
    "time": "10:00",
    "devices": "/dev/ttyUSB0, /dev/ttyUSB1",
    "other": "blue",
    "identity": "A1",
    "wanted": "B2",
    "suggests": "y",
    "why": "z",
    "reason": "stale",
    "means": "1 / 2",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", sorted(key for key in texts("en") if key.startswith(("health.", "health_step."))))
def test_every_cause_and_its_first_step_have_words_in_every_language(language: str, key: str) -> None:
    text = t(language, key, **PLACES)
    assert len(text) > 10
    assert "{" not in text
    assert language == "en" or text != t("en", key, **PLACES)


def test_every_cause_has_a_first_step() -> None:
    keys = {
        table: {key.partition(".")[2] for key in texts("en") if key.startswith(f"{table}.")}
        for table in ("health", "health_step")
    }
    assert keys["health"] == keys["health_step"]
