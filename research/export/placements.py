"""Which sensor stood where when, and what a reader must know of the place: for tables, NetCDF and metadata alike."""

from __future__ import annotations

from dataclasses import dataclass

from classair.config import Config, Position
from classair.stores.deployments import Deployment
from classair.stores.identities import Identity
from research.export.request import Request
from research.export.sources import Sources


@dataclass(frozen=True, slots=True)
class Placement:
    """One stay of a sensor in a room. Times are UTC ms, `from_ms` 0 and `to_ms` None where there is no date.

    Model and serial number as known for the stay; the rest as the configuration describes the room now. `quantities`:
    those asked for that the sensor has measured.
    """

    sensor: str
    room: str
    from_ms: int = 0
    to_ms: int | None = None
    config_version: int | None = None
    model: str = ""
    serial: str = ""
    height_m: float | None = None
    position: Position | None = None
    outdoor: bool | None = None
    floor: int | None = None
    volume_m3: float | None = None
    capacity: int | None = None
    quantities: tuple[str, ...] = ()

    @property
    def site(self) -> str:
        return self.sensor.partition(".")[0]

    @property
    def id(self) -> str:
        """Names a sensor in a room: one time series."""
        return f"{self.sensor}@{self.room.partition('.')[2]}"


def position_of(config: Config, room: str) -> Position | None:
    """Of the room, else of its school."""
    site = config.sites.get(room.partition(".")[0])
    own = config.room(room).position if config.has_room(room) else None
    return own or (site.position if site else None)


def _told(identities: list[Identity], stay: Deployment) -> str:
    """What the sensor itself said last in that time."""
    said = [one for one in identities if one.sensor == stay.sensor and (stay.to_ms is None or one.from_ms < stay.to_ms)]
    return said[-1].identity if said else ""


def placements(sources: Sources, request: Request) -> list[Placement]:
    """Every stay that touches the days asked for, by sensor and time. Raises StoreAway."""
    config, measured = sources.config, sources.measured(request.selection)
    sensors, told = dict(config.sensors()), sources.identities(request.selection)
    found = []
    for stay in sources.deployments(request.selection):
        room = config.room(stay.room) if config.has_room(stay.room) else None
        sensor = sensors.get(stay.sensor)
        # What the configuration says of a sensor today holds for its present stay alone: the next may be another unit.
        here = sensor if sensor is not None and stay.to_ms is None else None
        found.append(
            Placement(
                stay.sensor,
                stay.room,
                stay.from_ms,
                stay.to_ms,
                stay.config_version,
                stay.model,
                _told(told, stay) or ((here.identity or here.serial) if here else ""),
                here.height_m if here else None,
                position_of(config, stay.room),
                room.outdoor if room else None,
                room.floor if room else None,
                room.volume_m3 if room else None,
                (room.capacity or None) if room else None,
                tuple(key for key in request.selection.quantities if key in measured.get(stay.sensor, {})),
            )
        )
    return sorted(found, key=lambda one: (one.sensor, one.from_ms))
