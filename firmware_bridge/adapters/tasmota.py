"""Air sensors on a board with Tasmota: `tele/<device>/SENSOR`, with `tele/<device>/LWT` saying Online or Offline.

Traps of the firmware that are met here: its `Time` is local and without a zone, so it is not used; SDS0X1 and S8 go on
publishing the last value of a dead sensor, MHZ19B publishes 0 ppm; a PMS5003T below 0 °C reads about 6550 °C.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from classair.accounts import Account
from classair.config.scalars import Duration
from classair.model import Flag
from firmware_bridge.adapters import AdapterSettings, Arrival, Measured, MessageRejected, Quiet
from firmware_bridge.adapters._tasmota_objects import AIR, AIR_SENSORS, OBJECTS
from firmware_bridge.adapters._values import Said, Values, carries_air, celsius, hectopascal, number, object_of

WAYS: Final = ("mqtt",)
INTERVAL_S: Final = 300.0  # TelePeriod as delivered

_LEAVES: Final = ("SENSOR", "STATE", "LWT", "INFO1", "INFO2", "INFO3")
_WRAPPED: Final = 3276.7  # °C; above it a signed tenth of a degree was read as unsigned
SAME_AT_LEAST: Final = 6


class Settings(AdapterSettings):
    """`stuck_after`: a sensor whose driver forgets nothing counts as dead when it has said the same for so long."""

    stuck_after: Annotated[
        Duration, Field(description="the same values for so long, and 6 times, are a dead sensor")
    ] = 1800.0


class Tasmota(Quiet):
    own_clock = False

    def __init__(self, way: str, place: str, settings: Settings) -> None:
        super().__init__()
        before, _, last = place.rpartition("/")
        if last in _LEAVES:
            raise ValueError(
                f"mqtt:{place}: expected the topic without /{last}, such as mqtt:{before or 'tele/<device>'}"
            )
        self._prefix = place
        self._stuck_after_s = settings.stuck_after
        self._same: dict[str, tuple[Any, float, int]] = {}  # object → (what it says, since when, how often)
        self._units: dict[str, str] = {}  # as its messages have said so far
        self._best: dict[str, tuple[int, float]] = {}  # quantity → (place of its best object, when that gave it)
        self.frame_every_s = settings.interval or INTERVAL_S

    def topics(self) -> tuple[str, ...]:
        return (f"{self._prefix}/SENSOR", f"{self._prefix}/LWT")

    def account(self) -> Account:
        # The firmware's own FullTopic is %prefix%/%topic%/, so it also says stat/… and hears cmnd/… of its name.
        _, _, device = self._prefix.partition("/")
        if not self._prefix.startswith("tele/"):
            return Account(writes=(f"{self._prefix}/#",))
        return Account(writes=(f"tele/{device}/#", f"stat/{device}/#"), reads=(f"cmnd/{device}/#",))

    def take(self, arrival: Arrival) -> list[Measured] | MessageRejected:
        if arrival.topic == f"{self._prefix}/LWT":
            word = arrival.payload.strip().lower()
            if word in (b"online", b"offline"):
                self.online = word == b"online"
                return []
            return MessageRejected("malformed", "neither Online nor Offline")
        if arrival.retained:
            return MessageRejected("retained", "a retained message, whose Time has no time zone")
        said = object_of(arrival.payload, self.about)
        if isinstance(said, MessageRejected):
            return said
        parts: dict[str, list[dict[str, Any]]] = {}  # by kind, the first of a kind last
        for name, part in reversed(said.items()):
            if isinstance(part, dict):
                parts.setdefault(_kind(name), []).append(part)
        units = self._unit(said, "TempUnit", "C"), self._unit(said, "PressureUnit", "hPa")
        values = self._values(parts, *units, arrival.now_s)
        for name, part in said.items():
            if _kind(name) not in OBJECTS and (unread := _air_in(name, part)):
                values.miss(unread)
        flags = {key: Flag.STUCK for key in self._dead(parts, arrival.now_s) if key in values.found}
        return values.measured(value_flags=flags)

    def _values(
        self, parts: Mapping[str, list[dict[str, Any]]], temp_unit: str, pressure_unit: str, now_s: float
    ) -> Values:
        values = Values(self.about)
        change: dict[str, Callable[[float], float | None]] = {
            "temp_c": lambda value: _signed(celsius(value, temp_unit)),
            "internal_temp_c": lambda value: celsius(value, temp_unit),
            "pressure_hpa": lambda value: hectopascal(value, pressure_unit),
        }
        wanted = [*((name, it.fields) for name, it in OBJECTS.items()), *((name, AIR) for name in AIR_SENSORS)]
        places: dict[str, int] = {}
        for place, (name, fields) in enumerate(wanted):
            for part in parts.get(name, ()):
                for field, key in fields.items():
                    if field in part and values.put(key, part[field], f"{name}.{field}", change.get(key)):
                        places[key] = place
        for key, place in places.items():
            best, at_s = self._best.get(key, (place, now_s))
            if place < best and now_s - at_s <= 3 * self.frame_every_s:
                del values.found[key]  # the board has a better one, which this message does not carry
            else:
                self._best[key] = place, now_s
        if "co2_ppm" not in values.found:
            values.found.pop("internal_temp_c", None)  # the driver says 0 °C of a sensor that is gone
        return values

    def _unit(self, said: Said, name: str, usual: str) -> str:
        """The unit of the whole message, as before where it is missing; "" where it cannot be read."""
        if name not in said:
            return self._units.get(name, "" if said.damaged else usual)
        unit = said[name] if isinstance(said[name], str) else ""
        if len(unit) < 8 and unit.isalpha():
            self._units[name] = unit
        return unit

    def _dead(self, parts: Mapping[str, list[dict[str, Any]]], now_s: float) -> Iterator[str]:
        """The quantities of sensors that have said exactly the same too often for too long."""
        for name, it in OBJECTS.items():
            if it.forgets or name not in parts:  # a message about something else says nothing of this one
                continue
            part = parts[name][-1]
            said, since_s, count = self._same.get(name, (None, now_s, 0))
            if said != part or not any(number(part[field]) for field in it.fields if field in part):
                since_s, count = now_s, 0  # zeros are what clean air says again and again; ZERO is told of them
            self._same[name] = (part, since_s, count + 1)
            if count + 1 >= SAME_AT_LEAST and now_s - since_s >= self._stuck_after_s:
                yield from ("pm25", "pm10") if name == "SDS0X1" else ("co2_ppm",)


def _kind(name: str) -> str:
    """`BME280-76`, `AM2301_1` and `PMS5003 2` are instances of a kind."""
    return re.sub(r"[-_ ][0-9A-Fa-f]{1,16}$", "", name).upper()


def _air_in(name: str, part: Any) -> str:
    """The name of an object that no table knows, with those of its fields that a room needs; "" without any."""
    if not isinstance(part, dict):
        return name if carries_air(name) and number(part) is not None else ""
    fields = [field for field in part if carries_air(field)]
    return f"{name}: {', '.join(fields)}" if fields else ""


def _signed(value: float | None) -> float | None:
    """°C; what the firmware read without its sign is given it back."""
    return value - 6553.6 if value is not None and value > _WRAPPED else value


MODELS: Final = {"tasmota": Tasmota}
