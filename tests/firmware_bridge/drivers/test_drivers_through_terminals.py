"""Every model as a simulated sensor behind a real terminal: started, read, asked, put to sleep and woken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import serial

from firmware_bridge.drivers import Driver, Frame, Send, driver_for, models
from simulator.devices.ptys import SimulatedPort

pytestmark = pytest.mark.thorough

AIR = {
    "pm1": 9.0,
    "pm1_cf1": 9.0,
    "pm25": 15.0,
    "pm25_cf1": 15.0,
    "pm4": 16.0,
    "pm10": 20.0,
    "pm10_cf1": 20.0,
    "n03": 2000.0,
    "n05": 600.0,
    "n1": 90.0,
    "n25": 9.0,
    "co2_ppm": 811.0,
    "temp_c": 30.0,
    "rh_pct": 55.0,
}
MODES: list[tuple[str, dict[str, Any]]] = [
    *((model, {}) for model in models()),
    ("pms5003", {"mode": "passive"}),
    ("hpma115c0", {"mode": "poll"}),
    ("zh03b", {"mode": "poll"}),
    ("sps30", {"format": "uint16"}),
]


class Host:
    """The bridge's end of the line, without its clock."""

    def __init__(self, port: SimulatedPort, driver: Driver) -> None:
        self.port, self.driver = port, driver
        self.line = serial.Serial(str(port.link), driver.baud, timeout=0.05)
        self.now = 100.0

    def say(self, sends: Sequence[Send]) -> list[Frame]:
        for send in sends:
            self.line.write(send.data)
            self.port.readable()
        return self.driver.feed(self.line.read(4096))

    def listen(self) -> list[Frame]:
        """What comes within five seconds of a sensor that streams, or for one question."""
        self.now += 5
        self.port.due(self.now)
        if self.driver.poll_every_s is not None:
            return self.say([Send(self.driver.ask())])
        return self.driver.feed(self.line.read(4096))


@pytest.mark.parametrize(("model", "settings"), MODES, ids=str)
def test_a_simulated_sensor_works_in_every_mode(tmp_path: Path, model: str, settings: dict[str, Any]) -> None:
    port = SimulatedPort("school.one", model, tmp_path / "school.one", lambda: AIR)
    port.plug_in()
    host = Host(port, driver_for(model, settings))
    try:
        host.say(host.driver.start())
        (frame,) = host.listen()
        assert frame.values.get("pm25", 15) == 15 and frame.values.get("co2_ppm", 811) == 811
        assert not frame.flags and not frame.value_flags
        assert host.say(host.driver.inquire()) == []
        if host.driver.sleep():
            host.say(host.driver.sleep())
            assert host.listen() == []
            host.say(host.driver.wake())
            assert len(host.listen()) == 1
        assert host.driver.counters.skipped == 0
    finally:
        host.line.close()
        port.unplug()
