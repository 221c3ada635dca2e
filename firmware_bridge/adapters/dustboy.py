"""DustBoy of Chiang Mai University: the kit for schools over MQTT, or any DustBoy's values posted as one JSON object.

The kit (dustboy-kit/esp32c3-pm25-monitor) is ESPHome with a PMS7003: `<prefix>/sensor/pm2_5/state` and so on, its
status on `<prefix>/status`; the prefix is `DUSTBOY/DBK/WiFi/<unit>` or, before, `DUSTBOY/DBK/<unit>`. How the larger
stations send to the university is not published. What is published are the names of its API, so an object that uses
them (pm25, pm10, temp, humid …) can be posted here; `fields:` names others.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, field_validator

from classair.accounts import Account
from firmware_bridge.adapters import Adapter, AdapterSettings, Arrival, Measured, MessageRejected, Quiet
from firmware_bridge.adapters._topic_each import TopicEach
from firmware_bridge.adapters._values import Values, object_of
from firmware_bridge.adapters.esphome import known_quantities

WAYS: Final = ("mqtt", "http")
HTTP_PATH: Final = "/dustboy/{id}"
INTERVAL_S: Final = 60.0

KIT: Final = {"pm1_0": "pm1", "pm2_5": "pm25", "pm10": "pm10"}
OBJECT: Final = {"pm1": "pm1", "pm25": "pm25", "pm10": "pm10", "temp": "temp_c", "humid": "rh_pct"}


class Settings(AdapterSettings):
    """`fields`: object id of the kit (MQTT) or key of the object (HTTP) → quantity."""

    fields: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=64)], str],
        Field(default_factory=dict, description="name in its messages → quantity"),
    ]

    @field_validator("fields")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        return known_quantities(value)


class Posted(Quiet):
    """One flat object of numbers; its time (log_datetime: local, without a zone) is not used."""

    own_clock = False

    def __init__(self, fields: dict[str, str], interval_s: float) -> None:
        super().__init__()
        self._fields, self.frame_every_s = fields, interval_s

    def topics(self) -> tuple[str, ...]:
        return ()

    def account(self) -> Account:
        return Account()

    def take(self, arrival: Arrival) -> list[Measured] | MessageRejected:
        said = object_of(arrival.payload, self.about)
        if isinstance(said, MessageRejected):
            return said
        values = Values(self.about)
        for name, key in self._fields.items():
            if name in said:
                values.put(key, said[name], name)
        if self._fields is OBJECT:
            values.unknown(said)
        return values.measured()


def make(way: str, place: str, settings: Settings) -> Adapter:
    interval_s = settings.interval or INTERVAL_S
    if way == "http":
        return Posted(settings.fields or OBJECT, interval_s)
    return TopicEach(
        place,
        {f"{place}/sensor/{name}/state": key for name, key in (settings.fields or KIT).items()},
        f"{place}/status",
        interval_s,
    )


MODELS: Final = {"dustboy": make}
