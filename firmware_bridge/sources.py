"""Where a sensor's frames come from: a serial line (ports.py), or a device of somebody else's (foreign)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from classair.config import Sensor
from classair.places import Places
from firmware_bridge.adapters import adapter_for, is_foreign, kind_of
from firmware_bridge.clock import elapsed
from firmware_bridge.drivers import About, Frame, driver_for
from firmware_bridge.foreign.port import Crossing, ForeignPort
from firmware_bridge.serial.opening import address_of
from firmware_bridge.serial.port_state import PortState, Recorder
from firmware_bridge.serial.ports import Port
from firmware_bridge.station import Station

OnFrames = Callable[[list[Frame], float, bool], None]
"""(frames, elapsed() time at which the first byte of the first came, whether the sensor was warming up)"""
OnState = Callable[[PortState], None]


class Source(Protocol):
    """Lives on its own (a thread, or another's messages); its callbacks are quick and may come from any thread."""

    state: PortState

    @property
    def frame_every_s(self) -> float:
        """The longest usual time between two frames, seconds."""
        ...

    @property
    def each_alone(self) -> bool:
        """Each frame is a reading of its own: its sender is told that it is kept, and may have measured it long ago."""
        ...

    @property
    def brings_backlog(self) -> bool:
        """Readings may come long after they were measured, and in any order."""
        ...

    @property
    def about(self) -> About: ...

    @property
    def alive(self) -> bool:
        """False once it has ended by a fault; then the process should end and be started anew."""
        ...

    def counts(self) -> dict[str, int]:
        """Everything counted, for the health topic."""
        ...

    def start(self) -> None: ...

    def ask_to_stop(self) -> None:
        """So that several can be told first and waited for afterwards."""
        ...

    def stop(self, timeout: float = 1.5) -> None: ...


def source_for(
    sensor: str,
    settings: Sensor,
    places: Places,
    on_frames: OnFrames,
    on_state: OnState,
    recorder: Recorder | None = None,
    *,
    station: Station | None = None,
    asleep_until: Callable[[float], float | None] = lambda now_s: None,
    crossing: Crossing | None = None,
) -> Source:
    """The source of one entry of sensors.yaml, not yet started; `sensor` is `<site>.<id>`.

    `asleep_until(now_s)` says until when a sensor that can sleep should do so now, in elapsed() seconds. `crossing` is
    where the messages of devices come from that are not at a serial line.

    Raises firmware_bridge.drivers.UnknownModel, pydantic.ValidationError for its `settings:`, and ValueError for a
    foreign device that cannot be at such a port.
    """
    if is_foreign(settings.port):
        crossing = crossing or Crossing(lambda topic: None, elapsed, lambda: None)  # where nothing comes from
        adapter = adapter_for(settings.model, settings.port, settings.settings)
        way, _, place = settings.port.partition(":")
        path = kind_of(settings.model).path.format(id=place) if way == "http" else ""
        return ForeignPort(sensor, adapter, crossing, on_frames, on_state, model=settings.model, path=path)
    driver = driver_for(settings.model, settings.settings)
    address = address_of(settings.port, sensor, places)
    station = station or Station()
    return Port(
        sensor,
        address,
        driver,
        on_frames,
        on_state,
        simulated=settings.simulated,
        recorder=recorder,
        claims=station.claims,
        wanted=settings.identity,
        last=station.book.seen(sensor),
        boot=station.boot,
        asleep_until=asleep_until,
    )
