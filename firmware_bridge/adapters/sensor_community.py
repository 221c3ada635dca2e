"""A sensor.community station (airrohr firmware) that sends to an "own API": one JSON object with everything.

P0 is PM1, P1 is PM10, P2 is PM2.5, P4 is PM4: not in the order of their sizes. All values are text. Pressure is in Pa.
"""

from __future__ import annotations

from typing import Any, Final

from classair.accounts import Account
from firmware_bridge.adapters import AdapterSettings, Arrival, Measured, MessageRejected, Quiet
from firmware_bridge.adapters._values import Values, carries_air, hectopascal, identity_of, object_of, text_of

WAYS: Final = ("http",)
HTTP_PATH: Final = "/sensor-community/{id}"
INTERVAL_S: Final = 145.0

_PM: Final = {"P0": "pm1", "P2": "pm25", "P4": "pm4", "P1": "pm10"}
_PM_PREFIXES: Final = ("", "SDS_", "PMS_", "HPM_", "NPM_", "IPS_", "SPS30_")
_COUNTS: Final = {
    "SPS30_N05": "nc05",
    "SPS30_N1": "nc1",
    "SPS30_N25": "nc25",
    "SPS30_N4": "nc4",
    "SPS30_N10": "nc10",
    "SPS30_TS": "tps_um",
}
_AIR: Final = {"temperature": "temp_c", "humidity": "rh_pct", "pressure": "pressure_hpa"}
_AIR_PREFIXES: Final = ("", "SCD30_", "DS18B20_", "BMP_", "BMP280_", "BME280_", "HTU21D_", "SHT3X_")
# value_type → quantity; where a station has two sensors for one, the later prefix is the better sensor.
_TYPES: Final = {
    **{f"{prefix}{name}": key for prefix in _PM_PREFIXES for name, key in _PM.items()},
    **_COUNTS,
    **{f"{prefix}{name}": key for prefix in _AIR_PREFIXES for name, key in _AIR.items()},
    "SCD30_co2_ppm": "co2_ppm",
}
_ORDER: Final = {name: place for place, name in enumerate(_TYPES)}

Settings = AdapterSettings


class SensorCommunity(Quiet):
    own_clock = False

    def __init__(self, way: str, place: str, settings: AdapterSettings) -> None:
        super().__init__()
        self._chip = _chip(place)
        self.frame_every_s = settings.interval or INTERVAL_S
        self.about.identity = self._chip

    def topics(self) -> tuple[str, ...]:
        return ()

    def account(self) -> Account:
        return Account()

    def take(self, arrival: Arrival) -> list[Measured] | MessageRejected:
        said = object_of(arrival.payload, self.about)
        if isinstance(said, MessageRejected):
            return said
        chip = identity_of(said.get("esp8266id", said.get("esp32id", arrival.sender)))
        if chip and _chip(chip) != self._chip:
            return MessageRejected("foreign", f"from another station; expected chip id {self._chip}")
        rows = said.get("sensordatavalues")
        if not isinstance(rows, list) or len(rows) > 200:
            return MessageRejected("malformed", "sensordatavalues is missing or not a list")
        self.about.firmware = text_of(said.get("software_version")) or self.about.firmware
        return self._read(rows).measured()

    def _read(self, rows: list[Any]) -> Values:
        given: dict[str, Any] = {}
        for row in rows:
            if isinstance(row, dict) and isinstance(row.get("value_type"), str) and "value" in row:
                given[row["value_type"]] = row["value"]
        values = Values(self.about)
        if "durP1" in given or "ratioP1" in given:
            for name in ("P1", "P2"):  # a PPD42NS counts particles per 0.01 ft³ of two classes; no mass, no PM10
                if name in given:
                    del given[name]
                    values.miss(f"{name} of a PPD42NS")
        for name in sorted(given.keys() & _TYPES.keys(), key=_ORDER.__getitem__):
            key = _TYPES[name]
            values.put(key, given[name], name, _to_hpa if key == "pressure_hpa" else None)
        for name in given:
            if name not in _TYPES and carries_air(name):
                values.miss(name)
        return values


def _to_hpa(value: float) -> float | None:
    return hectopascal(value, "Pa")


def _chip(name: str) -> str:
    return name.removeprefix("esp8266-").removeprefix("esp32-")


MODELS: Final = {"sensor-community": SensorCommunity}
