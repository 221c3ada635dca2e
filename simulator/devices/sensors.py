"""Every simulated sensor of a configuration, each on its port, saying what the air of its room is like."""

from __future__ import annotations

import logging
import random
import selectors
from collections.abc import Mapping
from functools import partial

from classair.config import Config
from classair.places import Places
from firmware_bridge.drivers import UnknownModel
from simulator.devices.ptys import Fault, SimulatedPort, clear_links
from simulator.physics.sensing import FRAME, Sensing
from simulator.physics.world import World

log = logging.getLogger(__name__)


class Sensors:
    """Their ports, registered in the loop's selector with the port as data. Called from that loop alone."""

    def __init__(self, places: Places, selector: selectors.BaseSelector) -> None:
        self.ports: dict[str, SimulatedPort] = {}
        self._places, self._selector = places, selector
        self._chance = random.Random()  # noqa: S311  a live sensor's noise
        clear_links(places.sim_port("any").parent)

    def follow(self, config: Config, world: World) -> None:
        """Sensors that stay keep their port; new ones are plugged in, those gone are pulled out."""
        wanted = {name: sensor for name, sensor in config.sensors() if sensor.simulated}
        for name, port in list(self.ports.items()):
            if name not in wanted or wanted[name].model != port.model:
                self._unplug(port)
                del self.ports[name]
        for name, sensor in wanted.items():
            room = f"{name.partition('.')[0]}.{sensor.room}"
            values = partial(self._values, Sensing(config.org, name), world, room)
            if name in self.ports:
                self.ports[name].values = values
                continue
            try:
                self.ports[name] = SimulatedPort(name, sensor.model, self._places.sim_port(name), values)
            except UnknownModel as error:
                log.error("sensor_not_simulated sensor=%s error=%s", name, error)
                continue
            self._plug_in(self.ports[name])
        log.info("simulation_started sensors=%d", len(self.ports))

    def apply(self, faults: Mapping[str, Fault | None]) -> None:
        """Each sensor has the fault named here, and those not named have none."""
        for name, port in self.ports.items():
            fault = faults.get(name)
            if fault != port.fault:
                port.set_fault(fault)
                (self._unplug if fault == "unplug" else self._plug_in)(port)

    def speak(self, now: float) -> None:
        """Lets everyone speak whose time it is."""
        for port in self.ports.values():
            port.due(now)

    def next_due(self, otherwise: float) -> float:
        """When the next one speaks by itself."""
        return min((at for port in self.ports.values() if (at := port.next_due()) is not None), default=otherwise)

    def close(self) -> None:
        for port in self.ports.values():
            self._unplug(port)

    def _values(self, sensing: Sensing, world: World, room: str) -> Mapping[str, float]:
        gauss = self._chance.gauss
        return sensing.values(world.rooms[room].air, FRAME, tuple(gauss(0.0, 1.0) for _ in range(5)))

    def _plug_in(self, port: SimulatedPort) -> None:
        if port.plugged:
            return
        try:
            port.plug_in()
        except OSError as error:
            log.error("port_create_failed sensor=%s path=%s error=%s", port.name, port.link, error.strerror)
            port.unplug()
            return
        self._selector.register(port.master, selectors.EVENT_READ, port)

    def _unplug(self, port: SimulatedPort) -> None:
        if port.plugged:
            self._selector.unregister(port.master)
            port.unplug()
