"""AirGradient ONE, Open Air and DIY with the maker's firmware: MQTT `airgradient/readings/<serial>`, or its upload.

The object is the same both ways (AirGradient, local server document). It has no time. Missing keys mean that the
sensor gave nothing; older firmware says −1 (particles, humidity) and −1000 (temperature) instead.
"""

from __future__ import annotations

from typing import Any, Final

from classair.accounts import Account
from classair.model import Flag
from firmware_bridge.adapters import AdapterSettings, Arrival, Measured, MessageRejected, Quiet
from firmware_bridge.adapters._values import Values, identity_of, number, object_of, text_of

WAYS: Final = ("mqtt", "http")
HTTP_PATH: Final = "/sensors/airgradient:{id}/measures"
INTERVAL_S: Final = 60.0

# What the device calls it → our quantity, and the least value that is a measurement.
_FIELDS: Final = {
    "pm01": ("pm1", 0.0),
    "pm02": ("pm25", 0.0),
    "pm10": ("pm10", 0.0),
    "pm01Standard": ("pm1_cf1", 0.0),
    "pm02Standard": ("pm25_cf1", 0.0),
    "pm10Standard": ("pm10_cf1", 0.0),
    # Counts are of everything larger, per 0.1 L, as Plantower gives them.
    "pm003Count": ("n03", 0.0),
    "pm005Count": ("n05", 0.0),
    "pm01Count": ("n1", 0.0),
    "pm02Count": ("n25", 0.0),
    "pm50Count": ("n5", 0.0),
    "pm10Count": ("n10", 0.0),
    "rco2": ("co2_ppm", 1.0),
    "atmp": ("temp_c", -100.0),
    "rhum": ("rh_pct", 0.0),
    # Sensirion's indices run from 1; 0 says "not yet".
    "tvocIndex": ("voc_index", 1.0),
    "noxIndex": ("nox_index", 1.0),
}

# Two PM sensors disagree when they differ by more than 5 µg/m³ and by more than 62 % of their mean
# (Barkjohn, Gantt, Clements 2021, Atmos. Meas. Tech. 14, 4617, section 2.3).
_APART: Final = 5.0
_APART_SHARE: Final = 0.62

Settings = AdapterSettings


class AirGradient(Quiet):
    own_clock = False

    def __init__(self, way: str, place: str, settings: AdapterSettings) -> None:
        super().__init__()
        self._topic = place if way == "mqtt" else ""
        self._serial = place.rpartition("/")[2]
        self.frame_every_s = settings.interval or INTERVAL_S
        self.about.identity = self._serial

    def topics(self) -> tuple[str, ...]:
        return (self._topic,) if self._topic else ()

    def account(self) -> Account:
        return Account(writes=self.topics())

    def take(self, arrival: Arrival) -> list[Measured] | MessageRejected:
        if arrival.retained:
            return MessageRejected("retained", "a retained message without a time")
        said = object_of(arrival.payload, self.about)
        if isinstance(said, MessageRejected):
            return said
        serial = identity_of(said.get("serialno"))
        if serial and serial != self._serial:
            return MessageRejected("foreign", f"from another device; expected serialno {self._serial}")
        self.about.firmware = text_of(said.get("firmware")) or self.about.firmware
        if model := text_of(said.get("model")):
            self.about.notes["model"] = model
        values = Values(self.about)
        for name, (key, least) in _FIELDS.items():
            if name in said and not _says_absent(key, said[name]):
                values.put(key, said[name], name, least=least)
        values.unknown(said)
        flags = {key: Flag.CHANNELS for key in values.found if key.startswith("pm")} if _disagree(said) else {}
        return values.measured(value_flags=flags)


def _says_absent(key: str, given: Any) -> bool:
    """Whether older firmware says with this number that it has no such sensor, or no value of it yet."""
    value = number(given)
    return value is not None and (value <= -1000 if key == "temp_c" else value == -1)


def _disagree(said: dict[str, Any]) -> bool:
    """Whether the two PM sensors of an Open Air contradict each other; the values outside are their mean."""
    channels = said.get("channels")
    if not isinstance(channels, dict):
        return False
    found = [number(channel.get("pm02")) for channel in channels.values() if isinstance(channel, dict)]
    pm = [value for value in found if value is not None and value >= 0]
    if len(pm) < 2:
        return False
    apart = max(pm) - min(pm)
    return apart > _APART and apart > _APART_SHARE * sum(pm) / len(pm)


MODELS: Final = {"airgradient": AirGradient}
