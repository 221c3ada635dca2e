"""Every entity but observations, made of the configuration and of what each sensor has measured last. Pure.

A Thing is a room, its Location the school's position, a Datastream one quantity of one sensor in one room. Rooms have
no position of their own, so every room of a school stands at the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from classair.config import Config, Position
from classair.i18n import LANGUAGES, REFERENCE
from classair.model import QUANTITIES, Reading
from dashboard.api._moments import iso

Entity = dict[str, Any]
# Without coordinates, as RFC 7946 (3.1) has what is nowhere; clients that know the standard want a type they can make.
_NOWHERE: Final[Entity] = {"type": "Point", "coordinates": []}
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
    "FeaturesOfInterest": {"Observations": "Observations"},
}
PROPERTIES: Final[Mapping[str, tuple[str, ...]]] = {
    "Things": ("name", "description", "properties"),
    "Locations": ("name", "description", "properties", "encodingType", "location"),
    "Datastreams": ("name", "description", "observationType", "unitOfMeasurement", "properties"),
    "Sensors": ("name", "description", "encodingType", "metadata", "properties"),
    "ObservedProperties": ("name", "definition", "description", "properties"),
    "Observations": ("phenomenonTime", "resultTime", "result", "resultQuality", "parameters"),
    "FeaturesOfInterest": ("name", "description", "encodingType", "feature", "properties"),
}


@dataclass(frozen=True, slots=True)
class Datastream:
    """One quantity of one sensor in one room. `newest_ms`: no value of it is younger; `newest`: its newest reading,
    None where that is not known without asking."""

    sensor: str
    room: str
    quantity: str
    newest_ms: int
    simulated: bool
    newest: Reading | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        return f"{self.sensor}~{self.room.partition('.')[2]}~{self.quantity}"


def streams(newest: Iterable[tuple[str, Reading, Collection[str]]]) -> list[Datastream]:
    """Of each sensor in each room that it has measured in: its newest reading and what else it has ever measured there,
    because a device may send its quantities in turn."""
    return sorted(
        (
            Datastream(
                reading.sensor,
                room,
                quantity,
                reading.at_ms,
                reading.simulated,
                reading if quantity in reading.values else None,
            )
            for room, reading, known in newest
            for quantity in {*known, *reading.values}
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

    def one(self, kind: str, key: str) -> Entity:
        """With its links. Raises KeyError."""
        ids, make = self._makers[kind]
        if key not in ids:
            raise KeyError(key)
        entity = {"@iot.id": key, "@iot.selfLink": self.link(kind, key), **make(key)}
        for name in LINKS[kind]:
            entity[f"{name}@iot.navigationLink"] = f"{self.link(kind, key)}/{name}"
        return entity

    def value(self, kind: str, key: str, path: str) -> Any:
        """What a path leads to, by way of links to one entity: `Thing/name`, `properties/floor`."""
        first, _, rest = path.partition("/")
        if first in LINKS[kind]:
            return self.value(LINKS[kind][first], self.related(kind, key, first)[0], rest)
        if first in ("id", "@iot.id"):
            return key
        found: Any = self._makers[kind][1](key)
        for name in path.split("/"):
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def streams_of(self, kind: str, key: str) -> list[Datastream]:
        """Those whose observations belong to an entity."""
        if kind == "Datastreams":
            return [self._streams[key]]
        return [one for one in self._streams.values() if one.room == key]

    @property
    def all_streams(self) -> list[Datastream]:
        return list(self._streams.values())

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
                "floor": known.floor,
                "volume_m3": known.volume_m3,
                "capacity": known.capacity or None,
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
        return _as_point(at)

    def _point_of_room(self, room: str) -> Entity | None:
        own = self._config.room(room).position if self._config.has_room(room) else None
        return _as_point(own) or self._point(room.partition(".")[0])

    def _location(self, site: str) -> Entity:
        return {
            "name": self._config.sites[site].name.in_(REFERENCE),
            "description": "The school",
            "properties": {"position_known": self._point(site) is not None},
            "encodingType": "application/geo+json",
            "location": self._point(site) or _NOWHERE,
        }

    def _feature(self, room: str) -> Entity:
        return {
            "name": self._name(room),
            "description": "The air in this room",
            "encodingType": "application/geo+json",
            "feature": self._point_of_room(room) or _NOWHERE,
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
            "properties": {
                "simulated": stream.simulated,
                "newest": iso(stream.newest.at_ms) if stream.newest is not None else None,
            },
        }

    def _sensor(self, sensor: str) -> Entity:
        settings = dict(self._config.sensors()).get(sensor)
        model = settings.model if settings is not None else ""
        return {
            "name": sensor,
            "description": model or "no longer in the configuration",
            "encodingType": "text/plain",
            "metadata": model or "unknown",
            "properties": {}
            if settings is None
            else {
                "every_s": settings.every,
                "serial_number": settings.identity or settings.serial or None,
                "height_m": settings.height_m,
            },
        }

    @staticmethod
    def _property(key: str) -> Entity:
        return {
            "name": key,
            "definition": f"urn:classair:quantity:{key}",
            "description": QUANTITIES[key].unit or "1",
            "properties": {"low": QUANTITIES[key].low, "high": QUANTITIES[key].high},
        }


def _as_point(at: Position | None) -> Entity | None:
    if at is None:
        return None
    return {"type": "Point", "coordinates": [at.lon, at.lat, *([] if at.altitude_m is None else [at.altitude_m])]}


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
