"""Every entity but observations, made of the configuration and of what each sensor has measured last. Pure.

A Thing is a room, its Location the school's position, a Datastream one quantity of one sensor in one room. Rooms have
no position of their own, so every room of a school stands at the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from classair.config import Config
from classair.i18n import LANGUAGES, REFERENCE
from classair.model import QUANTITIES, Reading
from dashboard.api._moments import iso

Entity = dict[str, Any]
MEASUREMENT: Final = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
# Where a unit has a code in UCUM, its page there; a definition is a URI.
_UNITS: Final = {
    "µg/m³": ("microgram per cubic metre", "ug/m3"),
    "ppm": ("parts per million", "[ppm]"),
    "°C": ("degree Celsius", "Cel"),
    "%": ("per cent", "%"),
    "hPa": ("hectopascal", "hPa"),
}
# Navigation of each kind of entity: the name of the link → the kind it leads to.
LINKS: Final[Mapping[str, Mapping[str, str]]] = {
    "Things": {"Locations": "Locations", "Datastreams": "Datastreams"},
    "Locations": {"Things": "Things"},
    "Datastreams": {
        "Thing": "Things",
        "Sensor": "Sensors",
        "ObservedProperty": "ObservedProperties",
        "Observations": "Observations",
    },
    "Sensors": {"Datastreams": "Datastreams"},
    "ObservedProperties": {"Datastreams": "Datastreams"},
    "Observations": {"Datastream": "Datastreams", "FeatureOfInterest": "FeaturesOfInterest"},
    "FeaturesOfInterest": {},
}


@dataclass(frozen=True, slots=True)
class Datastream:
    """One quantity of one sensor in one room."""

    sensor: str
    room: str
    quantity: str
    newest_ms: int
    simulated: bool

    @property
    def id(self) -> str:
        return f"{self.sensor}~{self.room.partition('.')[2]}~{self.quantity}"


def streams(newest: Iterable[tuple[str, Reading]]) -> list[Datastream]:
    """Of the newest reading of each sensor in each room that it has measured in."""
    return sorted(
        (
            Datastream(reading.sensor, room, quantity, reading.at_ms, reading.simulated)
            for room, reading in newest
            for quantity in reading.values
        ),
        key=lambda stream: stream.id,
    )


class Entities:
    """`base` is the address of the service. Rooms that are no longer in the configuration keep their readings' id."""

    def __init__(self, config: Config, found: list[Datastream], base: str) -> None:
        self._config, self._base = config, base
        self._streams = {stream.id: stream for stream in found}
        self._rooms = sorted({room for room, _ in config.rooms()} | {stream.room for stream in found})
        self._sensors = sorted({full for full, _ in config.sensors()} | {stream.sensor for stream in found})
        self._makers: dict[str, tuple[list[str], Callable[[str], Entity]]] = {
            "Things": (self._rooms, self._thing),
            "Locations": (sorted(config.sites), self._location),
            "Datastreams": (list(self._streams), self._datastream),
            "Sensors": (self._sensors, self._sensor),
            "ObservedProperties": (sorted({stream.quantity for stream in found}), self._property),
            "FeaturesOfInterest": (self._rooms, self._feature),
        }

    def stream(self, key: str) -> Datastream | None:
        return self._streams.get(key)

    def ids(self, kind: str) -> list[str]:
        return self._makers[kind][0]

    def one(self, kind: str, key: str, expand: Iterable[str] = ()) -> Entity:
        """With its links; those in `expand` with what they lead to. Raises KeyError."""
        ids, make = self._makers[kind]
        if key not in ids:
            raise KeyError(key)
        entity = {"@iot.id": key, "@iot.selfLink": self.link(kind, key), **make(key)}
        for name, target in LINKS[kind].items():
            if name in expand:
                inside = [self.one(target, other) for other in self.related(kind, key, name)]
                entity[name] = inside if name.endswith("s") else inside[0]
            else:
                entity[f"{name}@iot.navigationLink"] = f"{self.link(kind, key)}/{name}"
        return entity

    def related(self, kind: str, key: str, name: str) -> list[str]:
        """The ids that a link leads to."""
        if kind == "Things":
            site = key.partition(".")[0]
            if name == "Locations":
                return [site] if site in self._config.sites else []
            return [one.id for one in self._streams.values() if one.room == key]
        if kind == "Locations":
            return [room for room in self._rooms if room.partition(".")[0] == key]
        if kind == "Datastreams":
            stream = self._streams[key]
            return [{"Thing": stream.room, "Sensor": stream.sensor, "ObservedProperty": stream.quantity}[name]]
        return [one.id for one in self._streams.values() if key in (one.sensor, one.quantity)]

    def link(self, kind: str, key: str) -> str:
        return f"{self._base}/{kind}('{key}')"

    # -- what each is --------------------------------------------------------------------------------------------------

    def _name(self, room: str) -> str:
        if not self._config.has_room(room):
            return room
        site = self._config.sites[room.partition(".")[0]]
        return ", ".join(named.name.in_(REFERENCE) for named in (self._config.room(room), site))

    def _thing(self, room: str) -> Entity:
        known = self._config.room(room) if self._config.has_room(room) else None
        said = (
            {
                "outdoor": known.outdoor,
                "volume_m3": known.volume_m3,
                **{f"name_{code}": known.name.in_(code) for code in LANGUAGES if code != REFERENCE},
                "simulated": self._config.site_simulated(room.partition(".")[0]),
            }
            if known
            else {"configured": False}
        )
        return {"name": self._name(room), "description": "A monitored room", "properties": said}

    def _point(self, site: str) -> Entity | None:
        settings = self._config.sites.get(site)
        at = settings.position if settings is not None else None
        return None if at is None else {"type": "Point", "coordinates": [at.lon, at.lat]}

    def _location(self, site: str) -> Entity:
        return {
            "name": self._config.sites[site].name.in_(REFERENCE),
            "description": "The school",
            "properties": {"position_known": self._point(site) is not None},
            "encodingType": "application/geo+json",
            "location": self._point(site) or {"type": "GeometryCollection", "geometries": []},
        }

    def _feature(self, room: str) -> Entity:
        return {
            "name": self._name(room),
            "description": "The air in this room",
            "encodingType": "application/geo+json",
            "feature": self._point(room.partition(".")[0]) or {"type": "GeometryCollection", "geometries": []},
            "properties": {},
        }

    def _datastream(self, key: str) -> Entity:
        stream = self._streams[key]
        unit = QUANTITIES[stream.quantity].unit
        name, code = _UNITS.get(unit, (unit or "one", ""))
        return {
            "name": f"{stream.quantity} of {stream.sensor} in {stream.room}",
            "description": "As measured by the sensor, uncorrected; with quality flags",
            "observationType": MEASUREMENT,
            "unitOfMeasurement": {
                "name": name,
                "symbol": unit or "1",
                "definition": f"https://ucum.org/ucum#{code}" if code else "https://ucum.org/ucum",
            },
            "properties": {"simulated": stream.simulated, "newest": iso(stream.newest_ms)},
        }

    def _sensor(self, sensor: str) -> Entity:
        settings = dict(self._config.sensors()).get(sensor)
        model = settings.model if settings is not None else ""
        return {
            "name": sensor,
            "description": model or "no longer in the configuration",
            "encodingType": "text/plain",
            "metadata": model or "unknown",
            "properties": {} if settings is None else {"every_s": settings.every},
        }

    @staticmethod
    def _property(key: str) -> Entity:
        return {
            "name": key,
            "definition": f"urn:classair:quantity:{key}",
            "description": QUANTITIES[key].unit or "1",
            "properties": {"low": QUANTITIES[key].low, "high": QUANTITIES[key].high},
        }


def observation(reading: Reading, stream: Datastream, base: str) -> Entity:
    """One value; every flag against it stands in its resultQuality, empty when there is none."""
    key = f"{stream.id}~{reading.at_ms}~{reading.seq}"
    link = f"{base}/Observations('{key}')"
    begin, end = (iso(at, "milliseconds") for at in (reading.at_ms - round(reading.interval_s * 1000), reading.at_ms))
    return {
        "@iot.id": key,
        "@iot.selfLink": link,
        "phenomenonTime": f"{begin}/{end}",
        "resultTime": end,
        "result": reading.values[stream.quantity],
        "resultQuality": [flag.name for flag in reading.flags_of(stream.quantity) if flag.name],
        "parameters": {"n": reading.n, "clock": reading.clock, "late": reading.late, "simulated": reading.simulated},
        "Datastream@iot.navigationLink": f"{link}/Datastream",
        "FeatureOfInterest@iot.navigationLink": f"{link}/FeatureOfInterest",
    }
