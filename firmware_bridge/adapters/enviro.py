"""Pimoroni Enviro Urban and Indoor: MQTT `enviro/<nickname>`, or the same object posted to an address of one's choice.

It has a clock of its own (UTC, from the network) and keeps what it could not send, so each message is dated by its
`timestamp` and may be old. Urban reads the words that Plantower calls "CF=1", after 5 s of fan, so they are kept as
such: above about 30 µg/m³ they are higher than what other sensors show as PM2.5.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from classair.accounts import Account
from classair.config.scalars import YesNo
from firmware_bridge.adapters import AdapterSettings, Arrival, Measured, MessageRejected, Quiet
from firmware_bridge.adapters._values import Values, identity_of, object_of, text_of, utc_ms

WAYS: Final = ("mqtt", "http")
HTTP_PATH: Final = "/enviro/{id}"
INTERVAL_S: Final = 900.0  # reading_frequency = 15 minutes as delivered

_AIR: Final = {"temperature": "temp_c", "humidity": "rh_pct", "pressure": "pressure_hpa"}
_CF1: Final = {"pm1": "pm1_cf1", "pm2_5": "pm25_cf1", "pm10": "pm10_cf1"}
_ROOM: Final = {"pm1": "pm1", "pm2_5": "pm25", "pm10": "pm10"}


class Settings(AdapterSettings):
    """`room_pm`: count the particle values as the room's too, although they are the CF=1 words."""

    room_pm: Annotated[YesNo, Field(description="take the CF=1 words as the room's PM1, PM2.5 and PM10 too")] = False


class Enviro(Quiet):
    own_clock = True

    def __init__(self, way: str, place: str, settings: Settings) -> None:
        super().__init__()
        self._topic = place if way == "mqtt" else ""
        self._place = place
        self._room_pm = settings.room_pm
        self.frame_every_s = settings.interval or INTERVAL_S

    def topics(self) -> tuple[str, ...]:
        return (self._topic,) if self._topic else ()

    def account(self) -> Account:
        return Account(writes=self.topics())

    def take(self, arrival: Arrival) -> list[Measured] | MessageRejected:
        said = object_of(arrival.payload, self.about)
        if isinstance(said, MessageRejected):
            return said
        told = [said[name] for name in ("nickname", "uid") if name in said]
        names = [name for name in map(identity_of, told) if name]
        # A nickname may have slashes itself.
        if names and len(names) == len(told) and not any(f"/{self._place}".endswith(f"/{name}") for name in names):
            return MessageRejected("foreign", f"from another board; expected nickname or uid {self._place}")
        at_ms = utc_ms(said.get("timestamp"))
        if at_ms is None and arrival.retained:
            return MessageRejected("retained", "a retained message without a timestamp")
        readings = said.get("readings")
        if not isinstance(readings, dict):
            return MessageRejected("malformed", "readings is missing or not an object")
        values = Values(self.about)
        for fields in (_AIR, _CF1, _ROOM if self._room_pm else {}):
            for name, key in fields.items():
                if name in readings:
                    values.put(key, readings[name], name)
        if not any(name in readings for name in _CF1):
            values.unknown(readings)
        found = values.measured(at_ms=at_ms)
        self.about.identity = text_of(said.get("uid")) or self.about.identity
        if model := text_of(said.get("model")):
            self.about.notes["model"] = model
        return found


MODELS: Final = {"enviro": Enviro}
