"""All simulated schools at once: their weather, rooms and purifiers, moved on in time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from classair.config import Config
from simulator.physics import room as physics
from simulator.physics.room import RoomAir
from simulator.physics.routine import NOTHING, Routine
from simulator.physics.weather import Outdoor, Weather

_LONGEST_STEP_MS: Final = 60_000
_RUN_IN_MS: Final = 12 * 3_600_000  # a room nobody remembers has lived this long before it is looked at
_HAZE_FOLLOWS_S: Final = 20.0  # time constant of wished haze: 95 % after a minute


class SimulatedRoom:
    """One room: its air now, the mean over the last step, and the clean air of the purifiers that run (m³/h)."""

    __slots__ = ("air", "cadr_m3h", "mean", "outdoor", "routine", "site", "volume_m3")

    def __init__(self, site: str, outdoor: bool, volume_m3: float, routine: Routine, air: RoomAir) -> None:
        self.site, self.outdoor, self.volume_m3, self.routine = site, outdoor, volume_m3, routine
        self.air, self.mean = air, air
        self.cadr_m3h = 0.0


class World:
    """The simulated schools of a configuration at `at_ms` (UTC ms). The organisation's id is the seed."""

    def __init__(self, config: Config, at_ms: int, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self.weather = Weather(config.org)
        self.at_ms = at_ms
        self.haze_wished = 0.0  # µg/m³ to be added outdoors
        self.haze = float(state.get("haze", 0.0))  # µg/m³ added now
        self.rooms: dict[str, SimulatedRoom] = {}
        self._purifiers: dict[str, tuple[str, float]] = {}  # id → room, CADR
        self._running: set[str] = set()
        self._outside: dict[str, Outdoor] = {}
        rooms = state.get("rooms")
        self._follow(config, rooms if isinstance(rooms, Mapping) else {})

    def follow(self, config: Config) -> None:
        """Takes over a changed configuration; rooms that stay keep their air."""
        self._follow(config, {name: _packed(room.air) for name, room in self.rooms.items()})

    def advance(self, to_ms: int) -> None:
        """Moves on to a moment; a moment in the past changes nothing."""
        while self.at_ms < to_ms:
            self._step(min(_LONGEST_STEP_MS, to_ms - self.at_ms))

    def switch(self, purifier: str, on: bool) -> None:
        """A purifier (`<site>.<id>`) runs or stands from now on."""
        if purifier in self._purifiers and on != (purifier in self._running):
            (self._running.add if on else self._running.discard)(purifier)
            self._sum_up()

    def puff(self, room: str, pm25: float) -> None:
        """Smoke of so many µg/m³ appears in a room."""
        if room in self.rooms:
            air = self.rooms[room].air.copy()
            air.pm25 = max(0.0, air.pm25 + pm25)
            self.rooms[room].air = air

    def outside(self, site: str) -> Outdoor:
        """The air outside a school now, wished haze included."""
        found = self._outside.get(site)
        if found is None:
            found = self.weather.at(site, self.at_ms)
            if self.haze > 0.01:
                found = Outdoor(found.pm25 + self.haze, found.co2_ppm, found.temp_c, found.rh_pct, found.wind)
            self._outside[site] = found
        return found

    def state(self) -> dict[str, Any]:
        """What must be remembered to go on exactly from here."""
        return {"haze": round(self.haze, 3), "rooms": {name: _packed(room.air) for name, room in self.rooms.items()}}

    def _step(self, step_ms: int) -> None:
        hours = step_ms / 3_600_000
        self.haze = self.haze_wished + (self.haze - self.haze_wished) * math.exp(-step_ms / 1000 / _HAZE_FOLLOWS_S)
        self.at_ms += step_ms
        self._outside.clear()
        for room in self.rooms.values():
            outside = self.outside(room.site)
            if room.outdoor:
                room.air = room.mean = physics.outdoor_air(outside)
            else:
                done = physics.step(
                    room.air, room.volume_m3, outside, room.routine.at(self.at_ms - 1), room.cadr_m3h, hours
                )
                room.air, room.mean = done.end, done.mean

    def _follow(self, config: Config, remembered: Mapping[str, Any]) -> None:
        self._outside.clear()
        self.rooms = {}
        fresh = []
        for name, settings in config.rooms():
            site = name.partition(".")[0]
            if not config.site_simulated(site):
                continue
            routine = Routine(config.org, name, settings, config.timetable_of(name))
            known = _unpacked(remembered.get(name))
            if known is None:
                fresh.append(name)
            self.rooms[name] = SimulatedRoom(
                site,
                settings.outdoor,
                settings.volume_m3 or 1.0,
                routine,
                known or physics.outdoor_air(self.outside(site)),
            )
        for name in fresh:
            self._run_in(self.rooms[name])
        self._purifiers = {
            name: (f"{name.partition('.')[0]}.{unit.room}", unit.cadr_m3h)
            for name, unit in config.purifiers()
            if unit.simulated
        }
        self._running &= set(self._purifiers)
        self._sum_up()

    def _run_in(self, room: SimulatedRoom) -> None:
        """Lets a room that nobody remembers live for some hours, so that it does not begin as open air."""
        if room.outdoor:
            return
        for at_ms in range(self.at_ms - _RUN_IN_MS, self.at_ms, 600_000):
            doing = room.routine.at(at_ms)
            # The brooms of yesterday are long forgotten.
            doing = doing if doing.people else NOTHING
            room.air = physics.step(room.air, room.volume_m3, self.weather.at(room.site, at_ms), doing, 0.0, 1 / 6).end
        room.mean = room.air

    def _sum_up(self) -> None:
        for room in self.rooms.values():
            room.cadr_m3h = 0.0
        for purifier in self._running:
            room_name, cadr = self._purifiers[purifier]
            if room_name in self.rooms:
                self.rooms[room_name].cadr_m3h += cadr


def _packed(air: RoomAir) -> list[float]:
    return [air.pm25, air.coarse, air.co2_ppm, air.temp_c, air.vapour_g_m3]


def _unpacked(numbers: object) -> RoomAir | None:
    """Air as `_packed` wrote it; None for anything else, so that a damaged memory only costs the memory."""
    if not isinstance(numbers, list) or len(numbers) != 5:
        return None
    if not all(isinstance(number, (int, float)) and math.isfinite(number) and number >= 0 for number in numbers):
        return None
    return RoomAir(*map(float, numbers))
