"""Zigbee air sensors behind Zigbee2MQTT: `zigbee2mqtt/<name>`, JSON; availability on `zigbee2mqtt/<name>/availability`.

Met here: IKEA VINDSTYRKA is wrong for some minutes after power-on; IKEA STARKVIND is a purifier whose pm25 is that of
the air it draws in, −1 (older versions: 65535) while it does not know it; a state that was kept is published again
with old values, which only `last_seen` tells.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from classair.accounts import Account, gateway_user
from classair.config.scalars import YesNo
from classair.model import Flag
from firmware_bridge.adapters import AdapterSettings, Arrival, Measured, MessageRejected, Quiet
from firmware_bridge.adapters._values import Values, number, object_of, utc_ms

WAYS: Final = ("mqtt",)
INTERVAL_S: Final = 600.0  # battery and mains devices alike have reported within this
WARM_UP_S: Final = 300.0  # after it came back: the fan of a VINDSTYRKA has to draw in the room's air first
_UNKNOWN_PM: Final = 65535.0

_FIELDS: Final = {
    "co2": "co2_ppm",
    "temperature": "temp_c",
    "humidity": "rh_pct",
    "voc_index": "voc_index",
    "pm10": "pm10",
    "pm1": "pm1",
    "pressure": "pressure_hpa",
}
# Only a purifier says these; a sensor that says one of them measures inside its own air stream.
_OF_PURIFIERS: Final = ("fan_state", "fan_mode", "fan_speed", "filter_age", "replace_filter", "filter_life", "fan")
# What purifiers of this kind do not measure; a device that says one of them beside no fan is a sensor.
_OF_SENSORS: Final = ("co2", "temperature", "humidity", "voc", "voc_index", "formaldehyd", "formaldehyde", "hcho")


class Settings(AdapterSettings):
    """`purifier_internal`: this is a purifier, and its PM2.5 is kept as that of its air stream, never as the room's.

    `no`: it is none, for a sensor that says PM2.5 only. Without it the device's own words decide.
    `base_topic`: that of the program, `zigbee2mqtt` as it comes.
    """

    purifier_internal: Annotated[
        YesNo | None, Field(description="keep a purifier's pm25 as `pm25_stream`; `no`: it is no purifier")
    ] = None
    base_topic: Annotated[
        Annotated[str, Field(max_length=128)],
        Field(description="Zigbee2MQTT's own base topic, where it is not called zigbee2mqtt and has slashes"),
    ] = ""


class Zigbee2Mqtt(Quiet):
    own_clock = True

    def __init__(self, way: str, place: str, settings: Settings) -> None:
        super().__init__()
        self._topic, self._base = place, settings.base_topic or base_of(place)
        if not place.startswith(f"{self._base}/"):
            raise ValueError(f"mqtt:{place}: expected {self._base or 'zigbee2mqtt'}/<name>")
        self.keeps = False
        self._internal = settings.purifier_internal
        if settings.purifier_internal is False:
            self.facts["kind"] = "sensor"  # until it says something else of itself
        self._back_s: float | None = None
        self.frame_every_s = settings.interval or INTERVAL_S

    def topics(self) -> tuple[str, ...]:
        return (self._topic, f"{self._topic}/availability")

    def account(self) -> Account:
        # All devices speak through one program with one account.
        return Account((f"{self._base}/#",), (f"{self._base}/#",), gateway_user(self._base))

    def take(self, arrival: Arrival) -> list[Measured] | MessageRejected:
        if arrival.topic != self._topic:
            return self._available(arrival)
        said = object_of(arrival.payload, self.about)
        if isinstance(said, MessageRejected):
            return said
        at_ms = last_seen_ms(said.get("last_seen"))
        if at_ms is None and arrival.retained:
            return MessageRejected("retained", "a retained message without last_seen")
        values = Values(self.about)
        for name, key in _FIELDS.items():
            if name in said:
                values.put(key, said[name], name)
        purifier = self._is_purifier(said)
        pm25 = number(said.get("pm25"))
        if pm25 is not None and 0 <= pm25 < _UNKNOWN_PM:
            if not purifier:
                values.found["pm25"] = pm25
            elif self._internal:
                values.found["pm25_stream"] = pm25
            elif not values.found:
                return MessageRejected(
                    "air_stream",
                    "the pm25 of a purifier describes its air stream, not the room; "
                    "settings: {purifier_internal: yes} keeps it as such",
                )
        elif "pm25" in said:
            values.miss("pm25")
        if "pm25" not in said:
            values.unknown(said)
        warm = self._back_s is not None and arrival.now_s - self._back_s < WARM_UP_S
        found = values.measured(at_ms=at_ms)
        if warm and not isinstance(found, MessageRejected):
            found[0].frame.flags |= Flag.WARMUP
        return found

    def _is_purifier(self, said: dict[str, Any]) -> bool:
        """What it is holds for all its messages; with `cache_state: false` few of them say it."""
        if self._internal or any(name in said for name in _OF_PURIFIERS):
            self.facts["kind"] = "purifier"
        elif "kind" not in self.facts and any(name in said for name in _OF_SENSORS):
            self.facts["kind"] = "sensor"
        kind = self.facts.get("kind")
        self.warning = "" if kind or "pm25" not in said else "foreign_kind_unknown"
        return kind == "purifier"

    def _available(self, arrival: Arrival) -> list[Measured] | MessageRejected:
        said = object_of(arrival.payload, self.about)
        word = (
            arrival.payload.strip().decode("utf-8", "replace")
            if isinstance(said, MessageRejected)
            else said.get("state")
        )
        if word not in ("online", "offline"):
            return MessageRejected("malformed", "neither online nor offline")
        if word == "online" and self.online is False:
            self._back_s = arrival.now_s
        self.online = word == "online"
        return []


def base_of(topic: str) -> str:
    """The base topic of the Zigbee2MQTT behind a device's topic; friendly names may have slashes themselves.

    Up to a level that is called zigbee2mqtt, else the first; "" when there is only one.
    """
    levels = topic.split("/")[:-1]
    place = next((place for place, level in enumerate(levels) if level.lower() == "zigbee2mqtt"), 0)
    return "/".join(levels[: place + 1])


def last_seen_ms(value: Any) -> int | None:
    """UTC ms of `last_seen`: ms, or ISO 8601 with a zone; None where it is switched off or has none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if 0 < value < 2**53 else None
    return utc_ms(value)


MODELS: Final = {"zigbee2mqtt": Zigbee2Mqtt}
