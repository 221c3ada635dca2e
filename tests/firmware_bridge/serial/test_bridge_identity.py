"""Ports by hardware identity: a folder of links plays /dev/serial, pseudo-terminals play the adapters."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.drivers import Frame, driver_for
from firmware_bridge.serial.gate import PATIENCE_S, Batch, Gate
from firmware_bridge.serial.identity import Claims, Identity, SeveralDevices, UsbPort, may_change
from firmware_bridge.serial.port_state import PortState, Timings
from firmware_bridge.serial.ports import Port


def listing(*ports: tuple[str, str, str]) -> Callable[[], list[UsbPort]]:
    return lambda: [UsbPort(*port) for port in ports]


TWO = listing(("/dev/ttyUSB0", "1-1.3", "A1"), ("/dev/ttyUSB1", "1-1.4", "B2"))


def test_a_usb_socket_means_whatever_is_plugged_into_it() -> None:
    assert Identity("usb:1-1.4", TWO).look_up() == "/dev/ttyUSB1"
    swapped = listing(("/dev/ttyUSB1", "1-1.3", "A1"), ("/dev/ttyUSB0", "1-1.4", "B2"))
    assert Identity("usb:1-1.4", swapped).look_up() == "/dev/ttyUSB0"


def test_a_serial_number_means_its_adapter_wherever_it_is() -> None:
    assert Identity("usb:serial=B2", TWO).look_up() == "/dev/ttyUSB1"


def test_an_empty_socket_is_as_good_as_unplugged() -> None:
    with pytest.raises(FileNotFoundError):
        Identity("usb:1-1", TWO).look_up()


def test_adapters_with_one_serial_number_are_not_told_apart_by_guessing() -> None:
    twins = listing(("/dev/ttyUSB0", "1-1.3", "0001"), ("/dev/ttyUSB1", "1-1.4", "0001"))
    with pytest.raises(SeveralDevices, match="ttyUSB0, /dev/ttyUSB1"):
        Identity("usb:serial=0001", twins).look_up()


def test_one_port_of_an_adapter_with_several_has_its_own_name() -> None:
    both = listing(("/dev/ttyUSB0", "1-1.3:1.0", "F1"), ("/dev/ttyUSB1", "1-1.3:1.1", "F1"))
    assert Identity("usb:1-1.3:1.1", both).look_up() == "/dev/ttyUSB1"
    with pytest.raises(SeveralDevices):
        Identity("usb:1-1.3", both).look_up()


@pytest.mark.parametrize(
    ("port", "changes"),
    [
        ("/dev/ttyUSB0", True),
        ("/dev/ttyACM3", True),
        ("/dev/ttyAMA0", False),
        ("/dev/serial/by-id/usb-x", False),
        ("usb:1-1.3", False),
        ("socket://pi:4000", False),
    ],
)
def test_only_numbered_usb_names_may_mean_another_sensor_tomorrow(port: str, changes: bool) -> None:
    assert may_change(port) is changes


def test_an_open_device_is_watched_through_the_link_that_named_it(tmp_path: Path) -> None:
    masters = [os.openpty() for _ in range(2)]
    link = tmp_path / "serial" / "by-id" / "usb-x"
    link.parent.mkdir(parents=True)
    link.symlink_to(os.ttyname(masters[0][1]))
    identity = Identity("/dev/serial/by-id/usb-x", root=tmp_path)
    fd = os.open(identity.look_up(), os.O_RDWR | os.O_NOCTTY)
    assert identity.still(fd)
    link.unlink()
    assert not identity.still(fd)
    link.symlink_to(os.ttyname(masters[1][1]))
    assert not identity.still(fd)
    link.unlink()
    link.symlink_to(os.ttyname(masters[0][1]))
    assert identity.still(fd)
    for each in (fd, *masters[0], *masters[1]):
        os.close(each)


def test_two_claims_on_one_device_are_told_until_one_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "tty").touch()
    device = Identity(str(tmp_path / "tty")).device()
    claims = Claims()
    assert claims.claim("school.blue", device) == ""
    assert claims.claim("school.red", device) == "school.blue"
    assert claims.claim("school.blue", device) == "school.red"
    claims.claim("school.red", None)
    assert claims.claim("school.blue", device) == ""


# -- the gate ----------------------------------------------------------------------------------------------------------

BATCH = Batch([Frame({"pm25": 18.0})], 1.0, False)


def test_frames_wait_until_the_names_have_settled() -> None:
    gate = Gate("", 10.0, 1.0)
    gate.put(BATCH)
    assert gate.take("", 10.9) == []
    assert gate.take("", 11.0) == [BATCH]
    assert not gate.holding


def test_frames_wait_for_the_sensor_to_say_who_it_is_and_another_ones_are_forgotten() -> None:
    gate = Gate("A1", 0.0, 0.0)
    gate.put(BATCH)
    assert gate.take("", 1.0) == []
    assert gate.take("A1", 2.0) == [BATCH]
    gate.put(BATCH)
    assert gate.take("B2", 3.0) == []
    assert gate.take("A1", 4.0) == []


def test_the_gate_says_what_it_waits_for() -> None:
    gate = Gate("A1", 0.0, 0.0)
    assert gate.fault("", PATIENCE_S) == ""
    assert gate.fault("", PATIENCE_S + 0.1) == "identity_not_told"
    assert gate.fault("B2", 0.0) == "wrong_identity"
    assert gate.fault("A1", 99.0) == ""
    assert Gate("", 0.0, 0.0).fault("B2", 99.0) == ""


class Heard:
    """A port and what it has given."""

    def __init__(self, address: str, model: str, name: str = "school.blue", **more: Any) -> None:
        self.values: list[float] = []
        self.states: list[PortState] = []
        driver = driver_for(model)
        self.port = Port(
            name, address, driver, self._frames, self.states.append, timings=Timings(look_s=0.05, settle_s=0.1), **more
        )
        self.port.start()

    def _frames(self, frames: list[Frame], at_s: float, warming_up: bool) -> None:
        self.values += [frame.values["pm25"] for frame in frames]


@pytest.mark.thorough
def test_two_entries_of_one_device_are_both_told(pty_sensor: Any, tmp_path: Path, wait_for: Any) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", {"pm25": 18})
    twin = tmp_path / "twin"
    twin.symlink_to(sensor.link.readlink())
    claims = Claims()
    first = Heard(str(sensor.link), "pms5003", claims=claims)
    wait_for(lambda: first.port.counters.opened, 5, "the first one open")
    second = Heard(str(twin), "pms5003", name="school.red", claims=claims)
    try:
        told = wait_for(lambda: [it for it in second.states if it.cause == "same_device_twice"], 5, "its word")[0]
        assert told.places["other"] == "school.blue"

        def first_told() -> list[PortState]:
            sensor.send()
            return [it for it in first.states if it.cause == "same_device_twice"]

        assert wait_for(first_told, 8, "the word of the one that reads")[0].state == "ok"
    finally:
        first.port.stop()
        second.port.stop()
