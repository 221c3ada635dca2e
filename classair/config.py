"""sensors.yaml → a typed Config, or a list of everything that is wrong with it."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from classair import timetable, yamltext
from classair.wire import Id

_DURATION = re.compile(r"^(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h|d)$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"^(\d{1,2}[:.]\d{2})\s*[-–]\s*(\d{1,2}[:.]\d{2})$")
_PORT = re.compile(r"^(sim:[a-z0-9-]{1,32}|/dev/\S+|[a-z][a-z0-9+.-]*:\S+)$")


class ConfigFaults(Exception):
    """Everything wrong with a configuration, one line each: path, what is wrong, what would be right."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _seconds(value: Any) -> Any:
    if isinstance(value, str):
        match = _DURATION.match(value.strip())
        if not match:
            raise ValueError("expected a duration such as 10s, 3m or 2h")
        return float(match[1]) * _SECONDS[match[2]]
    return value


def _every(value: Any) -> Any:
    return 0.0 if value == "frame" else _seconds(value)


def _plain(text: str) -> str:
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("control characters are not allowed")
    return text


def _switch(value: Any) -> Any:
    if isinstance(value, str):
        known = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        if value.lower() not in known:
            raise ValueError("expected yes or no")
        return known[value.lower()]
    return value


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=86400 * 400)]
Every = Annotated[float, BeforeValidator(_every), Field(ge=0, le=3600)]
Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_plain)]
YesNo = Annotated[bool, BeforeValidator(_switch)]
Language = Literal["th", "en"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Titles(Part):
    """A name in both languages; plain text stands for both."""

    th: Name
    en: Name

    def in_(self, language: str) -> str:
        return self.en if language == "en" else self.th


def _titles(value: Any) -> Any:
    return {"th": value, "en": value} if isinstance(value, str) else value


Title = Annotated[Titles, BeforeValidator(_titles)]


def _span(value: Any) -> timetable.Span:
    match = _SPAN.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a span such as 08:30-15:30")
    start, end = (time(*map(int, re.split("[:.]", part))) for part in match.groups())
    if start >= end:
        raise ValueError("a span must end after it begins")
    return timetable.Span(start, end)


Span = Annotated[timetable.Span, BeforeValidator(_span)]


class TimetableSettings(Part):
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["mon", "tue", "wed", "thu", "fri"]
    occupied: list[Span]
    lessons: list[Span]


class Calendar(Part):
    holidays: list[date] = []


class Windows(Part):
    """What the simulator and the advice need to know of a room's windows."""

    count: Annotated[int, Field(ge=0, le=100)] = 4
    open: list[Span] = []
    openable: YesNo = True


class BridgeSettings(Part):
    """A computer that reads sensors. Its id is unique in the whole organisation: it is its name at the broker."""

    name: Title | None = None


class Room(Part):
    name: Title
    outdoor: YesNo = False
    volume_m3: Annotated[float, Field(gt=0, le=100000)] | None = None
    capacity: Annotated[int, Field(ge=0, le=2000)] = 0
    timetable: str | None = None
    windows: Windows = Windows()
    clean_room: YesNo = False
    display: Literal["dark", "light"] = "dark"
    pupil_lines: YesNo = False


class Sensor(Part):
    bridge: Id
    room: Id
    model: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
    port: Annotated[str, Field(max_length=256)]
    every: Every = 10.0
    since: date | None = None
    settings: dict[str, Any] = {}

    @field_validator("port")
    @classmethod
    def _port_form(cls, value: str) -> str:
        if not _PORT.match(value):
            raise ValueError("expected sim:…, /dev/serial/by-id/… or a pyserial URL such as socket://host:port")
        return value

    @property
    def simulated(self) -> bool:
        return self.port.startswith("sim:")


class Purifier(BaseModel):
    """`kind` is a file in alerts/purifiers; what it needs beyond these is validated by that plugin's Settings."""

    model_config = ConfigDict(extra="allow", frozen=True)
    room: Id
    kind: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]
    cadr_m3h: Annotated[float, Field(gt=0, le=5000)]
    when_blind: Annotated[bool, BeforeValidator(_switch)] = True
    port: Annotated[str, Field(max_length=256)] = ""

    @property
    def simulated(self) -> bool:
        return self.port.startswith("sim:")

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Position(Part):
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


class Site(Part):
    name: Title
    position: Position | None = None
    bridges: dict[Id, BridgeSettings]
    rooms: dict[Id, Room]
    sensors: dict[Id, Sensor]
    purifiers: dict[Id, Purifier] = {}


class PurifierRule(Part):
    """When purifiers run; defaults are the project's control numbers (docs/control.md)."""

    kind: Literal["purifier"]
    on_above: Annotated[float, Field(ge=0, le=500)] = 25.0
    on_for: Duration = 180.0
    off_below: Annotated[float, Field(ge=0, le=500)] = 15.0
    off_for: Duration = 600.0
    min_on: Duration = 900.0
    min_off: Duration = 600.0
    max_starts_per_hour: Annotated[int, Field(ge=1, le=12)] = 4


class SilentRule(Part):
    kind: Literal["silent"]
    for_: Annotated[Duration, Field(alias="for")] = 900.0
    tell: list[str] = []


class PurifierFaultRule(Part):
    kind: Literal["purifier_fault"]
    tell: list[str] = []


Rule = Annotated[PurifierRule | SilentRule | PurifierFaultRule, Field(discriminator="kind")]


class Person(BaseModel):
    """Who is told. `channel` is a file in alerts/channels; the rest is that plugin's."""

    model_config = ConfigDict(extra="allow", frozen=True)
    channel: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]
    language: Language = "th"


class Config(Part):
    """The whole organisation, as sensors.yaml says it."""

    org: Id
    language: Language = "th"
    sites: Annotated[dict[Id, Site], Field(min_length=1)]
    timetables: dict[str, TimetableSettings] = {}
    calendar: Calendar = Calendar()
    rules: dict[Id, Rule] = {}
    people: dict[Id, Person] = {}
    store: Annotated[str, Field(pattern=r"^(sqlite|memory|influxdb://\S+|influxdb\+https://\S+)$")] = "sqlite"

    # -- looking things up; ids are `<site>.<id>` ---------------------------------------------------------------------

    def rooms(self) -> Iterator[tuple[str, Room]]:
        return ((f"{s}.{r}", room) for s, site in self.sites.items() for r, room in site.rooms.items())

    def sensors(self) -> Iterator[tuple[str, Sensor]]:
        return ((f"{s}.{i}", sensor) for s, site in self.sites.items() for i, sensor in site.sensors.items())

    def purifiers(self) -> Iterator[tuple[str, Purifier]]:
        return ((f"{s}.{i}", unit) for s, site in self.sites.items() for i, unit in site.purifiers.items())

    def bridges(self) -> Iterator[tuple[str, BridgeSettings]]:
        return ((f"{s}.{b}", bridge) for s, site in self.sites.items() for b, bridge in site.bridges.items())

    def room(self, full: str) -> Room:
        site, _, room = full.partition(".")
        return self.sites[site].rooms[room]

    def has_room(self, full: str) -> bool:
        site, _, room = full.partition(".")
        return site in self.sites and room in self.sites[site].rooms

    def sensors_in(self, room: str) -> list[str]:
        return [full for full, s in self.sensors() if f"{full.partition('.')[0]}.{s.room}" == room]

    def purifiers_in(self, room: str) -> list[str]:
        return [full for full, p in self.purifiers() if f"{full.partition('.')[0]}.{p.room}" == room]

    def outdoor_of(self, room: str) -> str | None:
        """The room outdoors of the same site, None when the school has no sensor outside."""
        site = room.partition(".")[0]
        return next((f"{site}.{r}" for r, it in self.sites[site].rooms.items() if it.outdoor), None)

    def timetable_of(self, room: str) -> timetable.Timetable:
        settings = self.timetables.get(self.room(room).timetable or "")
        if settings is None:
            return timetable.ALWAYS_EMPTY
        return timetable.Timetable(
            frozenset(timetable.DAYS.index(day) for day in settings.days),
            tuple(settings.occupied), tuple(settings.lessons), frozenset(self.calendar.holidays),
        )

    def site_simulated(self, site: str) -> bool:
        return any(s.simulated for s in self.sites[site].sensors.values())

    def purifier_rule(self) -> PurifierRule:
        return next((r for r in self.rules.values() if isinstance(r, PurifierRule)), PurifierRule(kind="purifier"))

    def part_for(self, bridge: str) -> Config:
        """What one bridge (`<site>.<id>`) needs to know: its own sensors and their rooms, nobody's addresses."""
        site_id, _, bridge_id = bridge.partition(".")
        site = self.sites[site_id]
        sensors = {i: s for i, s in site.sensors.items() if s.bridge == bridge_id}
        rooms = {r: room for r, room in site.rooms.items() if any(s.room == r for s in sensors.values())}
        part = site.model_copy(update={
            "bridges": {bridge_id: site.bridges[bridge_id]}, "sensors": sensors, "rooms": rooms,
            "purifiers": {i: p for i, p in site.purifiers.items() if p.room in rooms},
        })
        return self.model_copy(update={"sites": {site_id: part}, "rules": {}, "people": {}, "store": "sqlite"})


# -- reading -----------------------------------------------------------------------------------------------------------

def load(path: Path, env: Mapping[str, str] = os.environ) -> Config:
    """The configuration in a file. Raises ConfigFaults with everything that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigFaults([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigFaults([f"{path}: is not UTF-8 text (byte {error.start})"]) from None
    return parse(text, env)


def parse(text: str, env: Mapping[str, str] = MappingProxyType({})) -> Config:
    """The configuration in a text; `${NAME}` in it is taken from `env`. Raises ConfigFaults."""
    try:
        raw = yamltext.read(text)
    except yamltext.YamlFault as fault:
        raise ConfigFaults([str(fault)]) from None
    if not isinstance(raw, dict):
        raise ConfigFaults(["the file must be a mapping that begins with org: and sites:"])
    missing: list[str] = []
    raw = _with_environment(raw, env, "", missing)
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigFaults(missing + [_say(fault) for fault in error.errors(include_url=False)]) from None
    faults = missing + list(_contradictions(config))
    if faults:
        raise ConfigFaults(faults)
    return config


_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def _with_environment(value: Any, env: Mapping[str, str], path: str, missing: list[str]) -> Any:
    if isinstance(value, dict):
        return {k: _with_environment(v, env, f"{path}.{k}" if path else k, missing) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_environment(v, env, f"{path}[{i}]", missing) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def put(match: re.Match[str]) -> str:
        if match[1] not in env:
            missing.append(f"{path}: the environment variable {match[1]} is not set")
            return ""
        return env[match[1]]

    return _VARIABLE.sub(put, value)


def _say(fault: Any) -> str:
    """One pydantic fault in words: path, what is wrong, and for an unknown key the nearest known one."""
    where = [part for part in fault["loc"] if part not in ("[key]", "purifier", "silent", "purifier_fault")]
    path = ".".join(str(part) for part in where) or "the file"
    kind, message = fault["type"], fault["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        known = sorted(_known_keys(Config, [str(p) for p in where[:-1]]))
        near = difflib.get_close_matches(str(where[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return f"{path}: unknown key; {hint}"
    if kind == "missing":
        return f"{path}: is missing"
    if "[key]" in fault["loc"]:
        return f"{path}: an id has 1 to 32 of a-z, 0-9 and -"
    if kind == "string_pattern_mismatch" and where and where[-1] == "store":
        return f"{path}: expected sqlite, memory or influxdb://host:port/database"
    return f"{path}: {message[:1].lower()}{message[1:]}"


def _known_keys(annotation: Any, path: list[str]) -> set[str]:
    """The keys allowed where `path` leads from a model."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _known_keys(get_args(annotation)[0], path)
    if origin in (Union, type(int | str)):
        return set().union(*(_known_keys(arg, path) for arg in get_args(annotation)))
    if origin is dict:
        return _known_keys(get_args(annotation)[1], path[1:])
    if origin is list:
        return _known_keys(get_args(annotation)[0], path[1:])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {(f.alias or name): f for name, f in annotation.model_fields.items()}
        if not path:
            return set(fields)
        return _known_keys(fields[path[0]].annotation, path[1:]) if path[0] in fields else set()
    return set()


def _nearest(name: str, known: Iterator[str] | list[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names) or 'none'}"


def _contradictions(config: Config) -> Iterator[str]:
    """What each field allows but the whole does not."""
    owners: dict[str, str] = {}
    for full, _ in config.bridges():
        site, _, bridge = full.partition(".")
        if bridge in owners:
            yield f"sites.{site}.bridges.{bridge}: {owners[bridge]} has a bridge of this name too; it is its name at the broker"
        owners[bridge] = site
    for s, site in config.sites.items():
        at = f"sites.{s}"
        for r, room in site.rooms.items():
            if room.timetable is not None and room.timetable not in config.timetables:
                yield f"{at}.rooms.{r}.timetable: {room.timetable!r} is not among timetables; {_nearest(room.timetable, list(config.timetables))}"
            if not room.outdoor and room.volume_m3 is None:
                yield f"{at}.rooms.{r}.volume_m3: is missing (only a room with outdoor: yes has none)"
        if sum(room.outdoor for room in site.rooms.values()) > 1:
            yield f"{at}.rooms: only one may be outdoor: yes"
        ports: dict[str, str] = {}
        for i, sensor in site.sensors.items():
            if sensor.bridge not in site.bridges:
                yield f"{at}.sensors.{i}.bridge: {sensor.bridge!r} is not a bridge of this site; {_nearest(sensor.bridge, list(site.bridges))}"
            if sensor.room not in site.rooms:
                yield f"{at}.sensors.{i}.room: {sensor.room!r} is not a room of this site; {_nearest(sensor.room, list(site.rooms))}"
            if not sensor.simulated:
                key = f"{sensor.bridge} {sensor.port}"
                if key in ports:
                    yield f"{at}.sensors.{i}.port: {sensor.port} is the port of {ports[key]} already"
                ports[key] = i
        if len({sensor.simulated for sensor in site.sensors.values()}) > 1:
            real = next(i for i, sensor in site.sensors.items() if not sensor.simulated)
            yield (f"{at}.sensors.{real}.port: a site is simulated or real, never both; give every sensor of {s} "
                   "a real port, and start with a new folder: classair run --data DIR")
        for i, unit in site.purifiers.items():
            if unit.room not in site.rooms:
                yield f"{at}.purifiers.{i}.room: {unit.room!r} is not a room of this site; {_nearest(unit.room, list(site.rooms))}"
            elif site.rooms[unit.room].outdoor:
                yield f"{at}.purifiers.{i}.room: {unit.room} is outdoors"
            if i in site.sensors:
                yield f"{at}.purifiers.{i}: a sensor has this id already"
    for name, rule in config.rules.items():
        if isinstance(rule, PurifierRule):
            if rule.off_below + 5 > rule.on_above:
                yield f"rules.{name}.off_below: must be at least 5 µg/m³ below on_above, or sensor noise switches it"
        else:
            for person in rule.tell:
                if person not in config.people:
                    yield f"rules.{name}.tell: {person!r} is not among people; {_nearest(person, list(config.people))}"


def duration(text: str) -> float:
    """Seconds in `10s`, `3m`, `2h`. Raises ValueError."""
    seconds = _seconds(text)
    assert isinstance(seconds, float)
    return seconds
