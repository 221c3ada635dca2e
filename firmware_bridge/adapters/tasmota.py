"""Air sensors on a board with Tasmota: `tele/<device>/SENSOR`, with `tele/<device>/LWT` saying Online or Offline.

Traps of the firmware that are met here: its `Time` is local and without a zone, so it is not used; SDS0X1 and S8 go on
publishing the last value of a dead sensor, MHZ19B publishes 0 ppm; a PMS5003T below 0 °C reads about 6550 °C.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from classair.accounts import Account
from classair.config.scalars import Duration
from classair.model import Flag
from firmware_bridge.adapters import AdapterSettings, Arrival, Measured, MessageRejected, Quiet
from firmware_bridge.adapters._values import celsius, hectopascal, measured, number, object_of

WAYS: Final = ("mqtt",)
INTERVAL_S: Final = 300.0  # TelePeriod as delivered

_COUNTS: Final = {"PB0.3": "n03", "PB0.5": "n05", "PB1": "n1", "PB2.5": "n25", "PB5": "n5", "PB10": "n10"}
_PM: Final = {"PM1": "pm1", "PM2.5": "pm25", "PM10": "pm10", "CF1": "pm1_cf1", "CF2.5": "pm25_cf1", "CF10": "pm10_cf1"}
# Of these the driver forgets no value: what a dead sensor said last comes again and again.
_PERSISTENT: Final = ("SDS0X1", "S8", "S88", "KX0")
_CO2: Final = ("MHZ19B", "MHZ19", "MHZ", "S8", "S88", "KX0", "SCD30", "SCD40", "SCD4X", "SCD41")
# Whose temperature and humidity are the room's, the best first; what is left out has none.
_AIR: Final = (
    "SHT4X",
    "SHT3X",
    "SHT",
    "SHT1X",
    "HDC1080",
    "HTU21",
    "SI7021",
    "HTU",
    "AHT2X",
    "AHT1X",
    "AM2301",
    "DHT22",
    "AM2320",
    "DHT11",
    "BME280",
    "BME680",
    "SCD30",
    "SCD40",
    "SCD4X",
    "SCD41",
    "BMP280",
    "BMP180",
    "DS18B20",
    "PMS5003",
    "S88",
    "KX0",
)
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
        self._prefix = place
        self._stuck_after_s = settings.stuck_after
        self._same: dict[str, tuple[Any, float, int]] = {}  # object → (what it says, since when, how often)
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
        if arrival.topic.endswith("/LWT"):
            word = arrival.payload.strip().lower()
            if word in (b"online", b"offline"):
                self.online = word == b"online"
                return []
            return MessageRejected("malformed", "neither Online nor Offline")
        if arrival.retained:
            return MessageRejected("retained", "a retained message, whose Time has no time zone")
        said = object_of(arrival.payload)
        if isinstance(said, MessageRejected):
            return said
        parts = {_kind(name): part for name, part in reversed(said.items()) if isinstance(part, dict)}
        values, flags = _values(parts, said.get("TempUnit", "C"), said.get("PressureUnit", "hPa"))
        for key in self._dead(parts, arrival.now_s):
            if key in values:
                flags[key] = flags.get(key, Flag.NONE) | Flag.STUCK
        return measured(values, value_flags=flags)

    def _dead(self, parts: Mapping[str, dict[str, Any]], now_s: float) -> Iterator[str]:
        """The quantities of sensors that have said exactly the same too often for too long."""
        for name in _PERSISTENT:
            part = parts.get(name)
            if part is None:
                self._same.pop(name, None)
                continue
            said, since_s, count = self._same.get(name, (None, now_s, 0))
            if said != part:
                since_s, count = now_s, 0
            self._same[name] = (part, since_s, count + 1)
            if count + 1 >= SAME_AT_LEAST and now_s - since_s >= self._stuck_after_s:
                yield from ("pm25", "pm10") if name == "SDS0X1" else ("co2_ppm",)


def _kind(name: str) -> str:
    """`BME280-76` and `AM2301-1` are instances of a kind."""
    return re.sub(r"[-_][0-9A-Fa-f]+$", "", name).upper()


def _values(
    parts: Mapping[str, dict[str, Any]], temp_unit: Any, pressure_unit: Any
) -> tuple[dict[str, float], dict[str, Flag]]:
    values: dict[str, float] = {}
    for name in ("SDS0X1", "PMS3003", "PMS5003"):  # the last wins
        for field, key in {**_PM, **_COUNTS}.items():
            value = number(parts.get(name, {}).get(field))
            if value is not None and value >= 0:
                values[key] = value
    for name in reversed(_CO2):
        value = number(parts.get(name, {}).get("CarbonDioxide"))
        if value is not None and value > 0:  # 0 ppm: the sensor has not answered for a minute
            values["co2_ppm"] = value
    for name in reversed(_AIR):
        part = parts.get(name, {})
        if (value := number(part.get("Temperature"))) is not None:
            values["temp_c"] = _signed(celsius(value, temp_unit))
        if (value := number(part.get("Humidity"))) is not None:
            values["rh_pct"] = value
        if (value := number(part.get("Pressure"))) is not None:
            values["pressure_hpa"] = hectopascal(value, pressure_unit)
    inside = number(parts.get("MHZ19B", {}).get("Temperature"))
    if inside is not None and "co2_ppm" in values:
        values["internal_temp_c"] = celsius(inside, temp_unit)
    return values, {}


def _signed(value: float) -> float:
    """°C; what the firmware read without its sign is given it back."""
    return value - 6553.6 if value > _WRAPPED else value


MODELS: Final = {"tasmota": Tasmota}
