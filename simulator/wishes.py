"""Requested events in the simulated schools: haze, faults of sensors and smart plugs, smoke in a room."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classair.config import Config
from classair.places import Places, write_atomically
from classair.wire import FullId
from simulator.devices.ptys import FAULTS, Fault

log = logging.getLogger(__name__)

PLUG_WISHES: Final = ("offline", "silent", "disobey", "dead", "press", "drop", "reboot")
ONCE: Final = ("press", "drop", "reboot")


class Wishes(BaseModel):
    """`haze`: µg/m³ added outdoors. `faults`, `plugs`: lasting, but press, drop and reboot happen once. `indoor`: µg/m³
    once.

    What happens once happens when it newly appears, or again when `serial` has changed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    serial: int = 0
    haze: float | None = Field(default=None, ge=0, le=1000)
    faults: dict[FullId, Fault | None] = {}
    plugs: dict[FullId, Literal["offline", "silent", "disobey", "dead", "press", "drop", "reboot"] | None] = {}
    indoor: dict[FullId, float] = {}

    def without_once(self) -> Wishes:
        return self.model_copy(
            update={
                "plugs": {name: wish for name, wish in self.plugs.items() if wish not in ONCE},
                "indoor": {},
            }
        )

    def once_since(self, before: Wishes) -> Wishes:
        """What of the things that happen once is new."""
        again = self.serial != before.serial
        return Wishes(
            plugs={
                name: wish
                for name, wish in self.plugs.items()
                if wish in ONCE and (again or before.plugs.get(name) != wish)
            },
            indoor={room: puff for room, puff in self.indoor.items() if again or before.indoor.get(room) != puff},
        )


def place_of(places: Places) -> Path:
    return places.sim_port("wishes.json")


class WishFile:
    """Looks at the file of wishes; a faulty one is said once and the wishes before stay."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self.current = Wishes()

    def changed(self) -> Wishes | None:
        """The wishes, when the file is another than at the last look."""
        try:
            stat = self._path.stat()
        except OSError:
            stamp = None
        else:
            stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp == self._seen:
            return None
        self._seen = stamp
        try:
            self.current = Wishes() if stamp is None else Wishes.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError) as error:
            log.error("wishes_rejected path=%s error=%s", self._path, str(error).splitlines()[-1].strip())
            return None
        return self.current


def understood(words: list[str], config: Config, before: Wishes) -> Wishes:
    """`haze=90`, `ban-suan.p1-2-pm=unplug`, `ban-suan.p1-2-fan=press`, `ban-suan.p1-2=60` (smoke); `…=none` ends it.

    The wishes before stay in force where no word speaks of them. Raises ValueError with what is wrong.
    """
    sensors, plugs, rooms = dict(config.sensors()), dict(config.purifiers()), dict(config.rooms())
    wanted: dict[str, Any] = before.without_once().model_dump()
    wanted["serial"] = before.serial + 1
    for word in words:
        name, equals, value = word.partition("=")
        ends = value in ("none", "null", "")
        if not equals:
            raise ValueError(f"{word!r}: expected name=wish, such as haze=90 or ban-suan.p1-2-pm=unplug")
        if name == "haze":
            wanted["haze"] = None if ends else _number(name, value)
        elif name in sensors:
            wanted["faults"][name] = None if ends else _one_of(name, value, FAULTS)
        elif name in plugs:
            wanted["plugs"][name] = None if ends else _one_of(name, value, PLUG_WISHES)
        elif name in rooms:
            wanted["indoor"][name] = _number(name, value)
        else:
            raise ValueError(
                f"{name!r} is not a sensor, purifier or room; ids are <site>.<id>, such as "
                f"{next(iter(sensors), 'site.sensor')}"
            )
    for kind in ("faults", "plugs"):
        wanted[kind] = {name: wish for name, wish in wanted[kind].items() if wish is not None}
    try:
        return Wishes.model_validate(wanted)
    except ValidationError as error:
        fault = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


def write(path: Path, wishes: Wishes) -> None:
    write_atomically(path, json.dumps(wishes.model_dump(), indent=1).encode())


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{name}={value}: expected a number of µg/m³") from None


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{name}={value}: expected one of {', '.join(known)} or none")
    return value
