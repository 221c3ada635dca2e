"""What a line tells of its sensor, in both languages: real terminals in front, the moments of telling as arguments."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.config import DutySettings, Sensor
from classair.places import Places
from classair.wire import SensorHealth
from firmware_bridge.clock import elapsed
from firmware_bridge.drivers import Frame, driver_for
from firmware_bridge.drivers.pmsx003 import SLEEP, WAKE
from firmware_bridge.sensor_line import SensorLine
from firmware_bridge.serial.identity import Device
from firmware_bridge.serial.port_state import PortState, Timings
from firmware_bridge.serial.ports import Port
from firmware_bridge.serial.warm_up import LastSeen
from firmware_bridge.station import Station

AIR = {
    "pm1_cf1": 9.0,
    "pm25_cf1": 14.0,
    "pm10_cf1": 16.0,
    "pm1": 9.0,
    "pm25": 14.0,
    "pm10": 16.0,
    "n03": 1740.0,
    "n05": 510.0,
    "n1": 77.0,
    "n25": 8.0,
    "n5": 3.0,
    "n10": 1.0,
}
NOW_MS = 1_795_000_000_000
SOON = Timings(look_s=0.05, settle_s=0.1)


class Kept:
    """A line and the events it has posted, handled here as the bridge does."""

    def __init__(self, port: Path, model: str, folder: Path, station: Station | None = None, **more: Any) -> None:
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.states: list[PortState] = []
        settings = Sensor(bridge="pi", room="blue", model=model, port=str(port), every=1.0, **more)
        self.line = SensorLine("school.blue", settings, Places(folder), self.events.put, station=station or Station())

    def handle(self) -> list[str]:
        while not self.events.empty():
            kind, what = self.events.get()
            if kind == "frames":
                for mean in self.line.take(*what[1:]):
                    self.line.item(mean)
            else:
                self.states.append(what[1])
                self.line.now_is(what[1])
        return [state.cause for state in self.states]

    def health(self, at_s: float | None = None) -> SensorHealth:
        self.handle()
        self.line.tell_again()
        told = self.line.health(elapsed() if at_s is None else at_s, NOW_MS, "pi")
        assert told is not None
        return told


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Callable[..., Kept]]:
    made: list[Kept] = []

    def make(*args: Any, **more: Any) -> Kept:
        made.append(Kept(*args, folder=tmp_path, **more))
        return made[-1]

    yield make
    for kept in made:
        assert kept.line.port is not None
        kept.line.port.stop()


def opened(kept: Kept) -> bool:
    assert isinstance(kept.line.port, Port)
    return kept.line.port.counters.opened > 0


def both_languages(told: SensorHealth) -> None:
    assert set(told.cause) == set(told.step) == {"th", "en"}
    assert told.cause["th"] != told.cause["en"]


def test_an_error_byte_is_told_with_its_frame_and_forgotten_when_it_stays_away(
    pty_sensor: Any,
    keep: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", AIR)
    kept = keep(sensor.link, "pms5003")
    wait_for(lambda: opened(kept), 5, "the port open")
    sensor.send()
    wait_for(lambda: kept.health().state == "ok", 5, "a good frame")
    sensor.send(sensor.driver.encode({**AIR, "error": 5}))
    told = wait_for(lambda: (it := kept.health()).state == "error" and it, 2, "the fault, without another frame")
    assert told.key == "sensor_fault"
    assert "0x5" in told.cause["en"]
    both_languages(told)
    sensor.send()
    assert wait_for(lambda: kept.health(elapsed() + 10).key == "", 5, "its end")


def test_an_unplug_is_told_at_once(pty_sensor: Any, keep: Any, tmp_path: Path, wait_for: Any) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", AIR)
    kept = keep(sensor.link, "pms5003")
    wait_for(lambda: opened(kept), 5, "the port open")
    sensor.unplug()
    wait_for(lambda: "unplugged" in kept.handle(), 2, "the word unplugged")
    told = kept.health()
    assert (told.state, told.key) == ("unplugged", "unplugged")
    assert str(sensor.link) in told.cause["th"]
    both_languages(told)


def test_a_sensor_says_who_it_is_how_long_it_has_run_and_what_it_measured_last(
    pty_sensor: Any,
    keep: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "sds011", {"pm25": 14.0, "pm10": 16.0})
    station = Station()
    kept = keep(sensor.link, "sds011", station=station)
    wait_for(lambda: opened(kept), 5, "the port open")

    def told() -> SensorHealth | None:
        sensor.send()
        it = kept.health()
        return it if it.newest else None

    it = wait_for(told, 8, "a reading")
    assert it.newest["pm25"] == 14.0
    assert it.newest_at is not None
    assert NOW_MS - 5000 <= it.newest_at <= NOW_MS
    assert it.identity
    assert it.address == str(sensor.link)
    station.book.ran(f"sds011 {it.identity}", 7200)
    again = kept.health()
    assert again.running_h is not None
    assert 2.0 <= again.running_h < 2.1


def test_another_sensor_on_the_port_gives_the_room_nothing(
    pty_sensor: Any,
    keep: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "sds011", {"pm25": 14.0, "pm10": 16.0})
    kept = keep(sensor.link, "sds011", identity="0000")
    wait_for(lambda: opened(kept), 5, "the port open")

    def heard() -> bool:
        sensor.send()
        return "wrong_identity" in kept.handle()

    wait_for(heard, 8, "the word that it is another one")
    told = kept.health()
    assert told.state == "error"
    assert told.identity in told.cause["en"]
    assert "0000" in told.cause["th"]
    assert told.newest == {}
    assert kept.line.readings == 0
    assert told.counters["foreign"] > 0
    both_languages(told)


def test_a_name_that_may_change_is_warned_of_while_readings_come(tmp_path: Path) -> None:
    kept = Kept(Path("/dev/ttyUSB73"), "pms5003", folder=tmp_path)
    assert kept.line.port is not None
    kept.line.port.stop()
    kept.handle()
    kept.line.now_is(PortState("ok"))
    told = kept.health()
    assert (told.state, told.key) == ("ok", "name_may_change")
    both_languages(told)


# -- sleep -------------------------------------------------------------------------------------------------------------


class Sleeper:
    """A PMS5003 whose rest this test decides."""

    def __init__(self, link: Path, last: LastSeen | None = None, boot: str = "") -> None:
        self.until: float | None = None
        self.frames: list[bool] = []
        self.states: list[str] = []
        self.port = Port(
            "school.blue",
            str(link),
            driver_for("pms5003"),
            self._frames,
            lambda state: self.states.append(state.state),
            last=last,
            boot=boot,
            asleep_until=lambda now_s: self.until,
            timings=SOON,
        )
        self.port.start()

    def _frames(self, frames: list[Frame], at_s: float, warming_up: bool) -> None:
        self.frames += [warming_up] * len(frames)


def commands(sensor: Any) -> Callable[[], bytes]:
    heard = bytearray()
    os.set_blocking(sensor._master, False)

    def read() -> bytes:
        try:
            heard.extend(os.read(sensor._master, 256))
        except OSError:
            pass
        return bytes(heard)

    return read


def test_a_sensor_is_sent_to_sleep_left_alone_woken_and_warms_up_again(
    pty_sensor: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", AIR)
    heard = commands(sensor)
    sleeper = Sleeper(sensor.link)
    try:
        wait_for(lambda: sleeper.port.counters.opened, 5, "the port open")
        sensor.send()
        wait_for(lambda: sleeper.frames == [False], 5, "a frame while awake")
        sleeper.until = elapsed() + 3600
        wait_for(lambda: heard().endswith(SLEEP), 5, "the command to sleep")
        wait_for(lambda: sleeper.states[-1] == "asleep", 5, "the word asleep")
        sleeper.until = None
        wait_for(lambda: WAKE in heard(), 5, "the command to wake")
        sensor.send()
        wait_for(lambda: sleeper.frames == [False, True], 5, "a frame that warms up")
    finally:
        sleeper.port.stop()


def test_a_bridge_that_ended_while_its_sensor_slept_wakes_it(pty_sensor: Any, tmp_path: Path, wait_for: Any) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", AIR)
    heard = commands(sensor)
    sleeper = Sleeper(sensor.link, LastSeen("boot", 1.0, None, asleep=True), "boot")
    try:
        wait_for(lambda: WAKE in heard(), 5, "the command to wake")
        sensor.send()
        wait_for(lambda: sleeper.frames == [True], 5, "a frame that warms up")
    finally:
        sleeper.port.stop()


@pytest.mark.parametrize(("device", "warming_up"), [(Device(1, 2, 3), True), (None, False)])
def test_a_sensor_plugged_anew_while_the_bridge_was_down_warms_up(
    pty_sensor: Any,
    tmp_path: Path,
    wait_for: Any,
    device: Device | None,
    warming_up: bool,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", AIR)
    sleeper = Sleeper(sensor.link, LastSeen("boot", elapsed() - 1, device), "boot")
    try:
        wait_for(lambda: sleeper.port.counters.opened, 5, "the port open")
        sensor.send()
        wait_for(lambda: sleeper.frames == [warming_up], 5, "a frame")
    finally:
        sleeper.port.stop()


def test_the_health_topic_says_when_a_sleeping_sensor_wakes(
    pty_sensor: Any,
    keep: Any,
    tmp_path: Path,
    wait_for: Any,
) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", AIR)
    # A round far longer than this machine has been on since its last whole one; nothing is measured first.
    kept = keep(sensor.link, "pms5003", duty=DutySettings(every=86400 * 400, measure=0.001))
    wait_for(lambda: opened(kept), 5, "the port open")
    told = wait_for(lambda: (it := kept.health()).state == "asleep" and it, 5, "the word asleep")
    assert told.key == "asleep"
    assert ":" in told.cause["th"]
    both_languages(told)
