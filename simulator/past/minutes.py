"""What one bridge's simulated sensors measured in the past, minute by minute, and when its purifiers ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from classair.config import Config
from classair.timetable import Timetable
from classair.units import MINUTE_MS
from firmware_bridge.drivers import UnknownModel, driver_for
from simulator.devices.tasmota import pulse_setting
from simulator.past.hysteresis import Hysteresis
from simulator.physics.chance import Noise
from simulator.physics.room import RoomAir
from simulator.physics.sensing import MINUTE, Sensing
from simulator.physics.world import World

INTERVAL_S: Final = 60.0
_STREAM_EVERY_S: Final = 1.05  # the usual pace of a streaming sensor
LEASE_S: Final = 300  # a purifier left running switches itself off, unless somebody takes over
# Words of bits; a bridge leaves them out while they say that all is well.
_BITS: Final = frozenset({"error", "meter_status", "state"})

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Measuring:
    """A simulated sensor of the bridge, prepared for the loop."""

    local: str
    room: str
    sensing: Sensing
    noise: Noise
    keys: tuple[str, ...]
    constant: dict[str, float]  # what the sensor says of itself, such as its version
    frames: int


class Past:
    """A bridge's simulated past from `start_ms` on; `minutes` moves on and yields what was measured.

    `bridge` is `<site>.<id>`. `world` and `plugs` are what Memory keeps; a purifier that nobody remembers begins off.
    """

    def __init__(
        self, config: Config, bridge: str, start_ms: int, world: Mapping[str, Any], plugs: Mapping[str, Any]
    ) -> None:
        site, _, local = bridge.partition(".")
        part = config.part_for(bridge)
        self.at_ms = start_ms
        self._world = World(part, start_ms, world)
        self._sensors = [
            measuring
            for name, sensor in part.sensors()
            if sensor.simulated
            if (measuring := _measuring(config.org, name, f"{site}.{sensor.room}", sensor.model)) is not None
        ]
        self._controls: dict[str, Hysteresis] = {}
        self._signals: dict[str, str] = {}  # purifier → the sensor it goes by
        self._timetables: dict[str, Timetable] = {}  # purifier → that of its room
        self._unsaid: list[str] = []
        for name, unit in part.purifiers():
            room = f"{site}.{unit.room}"
            guides = [m.local for m in self._sensors if m.room == room and "pm25" in m.keys]
            # A room with sensors of two bridges: the first bridge speaks for its purifiers.
            first = min(config.sites[site].sensors[s.partition(".")[2]].bridge for s in config.sensors_in(room))
            if not unit.simulated or not guides or local != first:
                continue
            remembered = plugs.get(name)
            self._controls[name] = Hysteresis(
                config.purifier_rule(room), bool(remembered and remembered.get("on")), start_ms / 1000
            )
            self._signals[name] = guides[0]
            self._timetables[name] = config.timetable_of(room)
            self._world.switch(name, self._controls[name].on)
            if remembered is None:
                self._unsaid.append(name)

    @property
    def sensors(self) -> int:
        return len(self._sensors)

    def state(self) -> dict[str, Any]:
        """How rooms and sockets stand at `at_ms`, as Memory keeps it."""
        lease = pulse_setting(LEASE_S)
        return {
            "world": self._world.state(),
            "plugs": {
                name: {
                    "on": control.on,
                    "pulse": lease if control.on else 0,
                    "remaining_s": float(LEASE_S) if control.on else 0.0,
                }
                for name, control in self._controls.items()
            },
        }

    def minutes(self, until_ms: int) -> Iterator[Item]:
        """The items of every whole minute that ends by `until_ms`, in order of time."""
        first = -(-self.at_ms // MINUTE_MS) * MINUTE_MS
        self._world.advance(first)
        self.at_ms = max(self.at_ms, first)
        for name in self._unsaid:
            yield _switch(name, first, False)
        self._unsaid.clear()
        world, sensors = self._world, self._sensors
        for at_ms in range(first + MINUTE_MS, until_ms + 1, MINUTE_MS):
            world.advance(at_ms)
            minute = at_ms // MINUTE_MS
            heard: dict[str, float] = {}
            for one in sensors:
                draw = one.noise.at
                values = one.sensing.values(
                    world.rooms[one.room].mean,
                    MINUTE,
                    (draw(minute, 0), draw(minute, 1), draw(minute, 2), draw(minute, 3), draw(minute, 4)),
                )
                heard[one.local] = values["pm25"]
                said = {key: round(values[key], 2) for key in one.keys}
                yield {
                    "sensor": one.local,
                    "at": at_ms,
                    "values": said | one.constant,
                    "interval_s": INTERVAL_S,
                    "n": one.frames,
                    "clock": "sync",
                    "simulated": True,
                }
            for name, control in self._controls.items():
                children = partial(self._timetables[name].is_occupied, at_ms)
                if control.feed(heard[self._signals[name]], at_ms / 1000, children):
                    world.switch(name, control.on)
                    yield _switch(name, at_ms, control.on)
            self.at_ms = at_ms


def _switch(name: str, at_ms: int, on: bool) -> Item:
    return {
        "kind": "switch",
        "purifier": name.partition(".")[2],
        "at": at_ms,
        "on": on,
        "reason": "auto",
        "simulated": True,
    }


def _measuring(seed: str, name: str, room: str, model: str) -> _Measuring | None:
    """Prepares a sensor; its driver tells which quantities a frame of it carries. None when no driver speaks it."""
    try:
        driver = driver_for(model)
    except UnknownModel:
        return None
    sensing, noise = Sensing(seed, name), Noise(seed, name)
    sample = sensing.values(RoomAir(20.0, 10.0, 600.0, 28.0, 16.0), MINUTE, (0.0,) * 5)
    polled = driver.poll_every_s
    frames = driver.feed(driver.answer(driver.ask(), sample) if polled else driver.encode(sample))
    said = frames[0].values if frames else {}
    keys = tuple(key for key in said if key in sample)
    if not keys:
        return None
    constant = {key: value for key, value in said.items() if key not in sample and key not in _BITS}
    pace = polled or _STREAM_EVERY_S
    return _Measuring(name.partition(".")[2], room, sensing, noise, keys, constant, round(INTERVAL_S / pace))
