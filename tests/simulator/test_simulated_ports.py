"""Simulated sensors as real serial ports."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import serial

from firmware_bridge.drivers import Frame, driver_for, pmsx003
from simulator.devices.ptys import SimulatedPort, clear_links

VALUES = {
    "pm1_cf1": 10.0,
    "pm25_cf1": 15.0,
    "pm10_cf1": 20.0,
    "pm1": 10.0,
    "pm25": 15.0,
    "pm10": 20.0,
    "n03": 2000.0,
    "n05": 600.0,
    "n1": 90.0,
    "n25": 9.0,
    "n5": 2.0,
    "n10": 1.0,
    "temp_c": 30.0,
    "rh_pct": 55.0,
    "co2_ppm": 811.0,
}
Make = Callable[[str], SimulatedPort]


@pytest.fixture
def values() -> dict[str, float]:
    return dict(VALUES)


@pytest.fixture
def make(tmp_path: Path, values: Mapping[str, float]) -> Iterator[Make]:
    made: list[SimulatedPort] = []

    def port(model: str) -> SimulatedPort:
        made.append(SimulatedPort(f"school.{model}", model, tmp_path / f"school.{model}", lambda: values))
        made[-1].plug_in()
        return made[-1]

    yield port
    for one in made:
        one.unplug()


def reader_of(port: SimulatedPort) -> serial.Serial:
    return serial.Serial(str(port.link), 9600, timeout=2, exclusive=True)


def frames_of(port: SimulatedPort, data: bytes) -> list[Frame]:
    return driver_for(port.model).feed(data)


@pytest.mark.parametrize("model", ["pms5003t", "pms5003", "pms7003", "pms3003", "pms5003st"])
def test_a_streaming_sensor_sends_frames_at_its_own_pace(make: Make, model: str) -> None:
    port = make(model)
    with reader_of(port) as reader:
        now = 100.0
        port.due(now)
        first = port.next_due()
        assert first is not None and 0.8 <= first - now <= 2.3
        port.due(now + 0.1)  # not yet
        port.due(first)
        data = reader.read(2 * len(port.driver.encode(VALUES)))
    assert [frame.values["pm25"] for frame in frames_of(port, data)] == [15, 15]


@pytest.mark.parametrize("model", ["s8", "mh-z19b", "mh-z19c"])
def test_a_polled_sensor_speaks_only_when_asked(make: Make, model: str) -> None:
    port = make(model)
    assert port.next_due() is None
    driver = driver_for(model)
    with reader_of(port) as reader:
        reader.write(driver.ask())
        port.readable()
        (frame,) = driver.feed(reader.read(13 if model == "s8" else 9))
    assert frame.values["co2_ppm"] == 811


def test_who_reads_nothing_holds_nobody_up_and_finds_no_old_frames(make: Make, values: dict[str, float]) -> None:
    port = make("pms5003t")
    for second in range(2000):
        values["pm25"] = float(second % 500)
        port.due(100.0 + 3 * second)
    assert port.dropped > 0
    with reader_of(port) as reader:
        reader.timeout = 0
        waiting = frames_of(port, reader.read(65536))
    assert len(waiting) <= 10
    assert all(frame.values["pm25"] >= 480 for frame in waiting)  # of the last seconds, not of half an hour ago


def test_pulling_the_plug_takes_the_link_and_ends_the_read(make: Make) -> None:
    port = make("pms5003t")
    reader = reader_of(port)
    port.unplug()
    assert not os.path.lexists(port.link)
    with pytest.raises(serial.SerialException):
        reader.read(1)
    reader.close()
    port.due(200.0)  # speaks to nobody
    port.plug_in()
    with reader_of(port) as again:
        port.due(300.0)
        assert len(frames_of(port, again.read(32))) == 1


def test_the_link_always_leads_somewhere(make: Make) -> None:
    port = make("s8")
    assert port.link.is_symlink() and port.link.resolve().is_char_device()
    port.plug_in()  # plugged in already: nothing changes
    assert port.link.resolve() == Path(os.ttyname(port._slave))


def test_a_sensor_that_sleeps_is_silent_until_woken(make: Make) -> None:
    port = make("pms5003")
    with reader_of(port) as reader:
        reader.write(pmsx003.SLEEP)
        port.readable()
        assert port.next_due() is None
        reader.write(pmsx003.WAKE)
        port.readable()
        assert port.next_due() is not None


def test_silence_says_nothing_and_answers_nothing(make: Make) -> None:
    for model in ("pms5003t", "s8"):
        port = make(model)
        port.set_fault("silence")
        assert port.next_due() is None
        with reader_of(port) as reader:
            reader.timeout = 0.05
            reader.write(port.driver.ask() or pmsx003.READ)
            port.readable()
            assert reader.read(32) == b""


def test_a_stuck_sensor_repeats_itself(make: Make, values: dict[str, float]) -> None:
    port = make("pms5003t")
    port.set_fault("stuck")
    values["pm25"] = 99.0
    with reader_of(port) as reader:
        port.due(10.0)
        assert frames_of(port, reader.read(32))[0].values["pm25"] == 15
        port.set_fault(None)
        port.due(20.0)
        assert frames_of(port, reader.read(32))[0].values["pm25"] == 99


@pytest.mark.parametrize("fault", ["noise", "cut"])
def test_disturbed_lines_lose_frames_but_never_lie(make: Make, fault: Any) -> None:
    port = make("pms5003t")
    port.set_fault(fault)
    driver = driver_for("pms5003t")
    frames = []
    with reader_of(port) as reader:
        reader.timeout = 0
        for second in range(300):
            port.due(100.0 + 3 * second)
            frames += driver.feed(reader.read(4096))
    assert 30 < len(frames) < 295
    assert all(frame.values["pm25"] == 15 and frame.values["n03"] == 2000 for frame in frames)
    assert driver.counters.skipped > 0


def test_links_of_a_killed_simulator_are_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "old").symlink_to("/dev/pts/99999")
    (tmp_path / "kept").symlink_to("/dev/null")
    (tmp_path / "state.json").write_text("{}")
    clear_links(tmp_path, keep=frozenset({"kept"}))
    clear_links(tmp_path / "nowhere")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "state.json"]
