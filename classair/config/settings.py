"""The typed shape of sensors.yaml, and how to look things up in it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from classair import timetable
from classair.config.notifying import EscalationStep, NotifyingRule, Person, PersonOffRule
from classair.config.ports import port_fault
from classair.config.purifiers import Part, Purifier, PurifierRule
from classair.config.scalars import (
    Block,
    Clock,
    Days,
    Doi,
    Duration,
    Every,
    HoursOfDay,
    Language,
    Licence,
    YearName,
    YesNo,
)
from classair.config.sign_in import SignIn
from classair.config.tickets import TicketSettings
from classair.config.titles import Title
from classair.control.relays import KIND as RELAY
from classair.dates import Day
from classair.wire import Id

FOR_EVERY_BRIDGE = ("org", "language", "timetables", "calendar", "school_years")
"""What the part of a bridge has of the whole, beside its own section: a new key stays away from bridges by itself."""


class TimetableSettings(Part):
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["mon", "tue", "wed", "thu", "fri"]
    occupied: list[Block]
    lessons: list[Block]


class Calendar(Part):
    """Days without school that stand in the file itself, beside those of the school years."""

    holidays: list[date] = []


class SchoolYear(Part):
    """One school year, as calendars/<year>.yaml says it. Names of days are for people; only the days count."""

    name: Title | None = None
    source: Annotated[str, Field(max_length=256)] = ""
    terms: Annotated[list[Days], Field(min_length=1, max_length=6)]
    holidays: dict[date, Title] = {}
    half_days: dict[date, Clock] = {}
    make_up_days: dict[date, Title] = {}


class Windows(Part):
    """What the simulator and the advice need to know of a room's windows."""

    count: Annotated[int, Field(ge=0, le=100)] = 4
    open: list[HoursOfDay] = []
    openable: YesNo = True


class BlackBoxSettings(Part):
    """How much of the raw bytes of its ports a bridge keeps on its disk. 8 MB hold a day of a streaming PMS twice."""

    hours: Annotated[float, Field(ge=0, le=720)] = 24.0
    port_mb: Annotated[int, Field(ge=1, le=1024)] = 8
    total_mb: Annotated[int, Field(ge=1, le=65536)] = 512


def _listen(value: Any) -> Any:
    """`host:port` as text; the host is an address, because a bridge shall listen where it was told and nowhere else."""
    if not isinstance(value, str) or not value:
        return value
    host, _, port = value.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
        good = port.isascii() and port.isdigit() and 0 < int(port) < 65536
    except ValueError:
        good = False
    if not good:
        raise ValueError("expected address:port such as 127.0.0.1:8088 or 192.168.1.5:8088")
    return value


class BridgeSettings(Part):
    """A computer that reads sensors. Its id is unique in the whole organisation: it is its name at the broker."""

    name: Title | None = None
    http: Annotated[str, Field(max_length=64), BeforeValidator(_listen)] = ""
    blackbox: BlackBoxSettings = BlackBoxSettings()


class Position(Part):
    """WGS 84; `altitude_m` of the ground above mean sea level."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    altitude_m: Annotated[float, Field(ge=-500, le=9000)] | None = None


class Room(Part):
    """`floor` is counted as people there do, 1 at the ground. `position` is the school's unless it has its own.

    `display_brightness`: of its wall display, in per cent of what the screen gives. `sensitive`: for children whom dust
    harms sooner, so that stricter limits hold.
    """

    name: Title
    outdoor: YesNo = False
    position: Position | None = None
    floor: Annotated[int, Field(ge=-9, le=200)] | None = None
    volume_m3: Annotated[float, Field(gt=0, le=100000)] | None = None
    capacity: Annotated[int, Field(ge=0, le=2000)] = 0
    timetable: str | None = None
    windows: Windows = Windows()
    clean_room: YesNo = False
    sensitive: YesNo = False
    door: Literal["inside", "outside"] = "outside"
    display: Literal["dark", "light"] = "dark"
    display_brightness: Annotated[int, Field(ge=20, le=100)] = 100
    pupil_lines: YesNo = False


class DutySettings(Part):
    """Sleep to spare a sensor's laser: out of every `every` it measures for `measure`, after waking and warming up."""

    every: Duration
    measure: Duration
    in_school_hours: YesNo = False


class Sensor(Part):
    """`identity` is what the sensor itself must say (SDS011 id, SPS30 serial number, a board's id), "" for anything.

    `serial` is what its label says, `height_m` how high above the floor it hangs.
    """

    bridge: Id
    room: Id
    model: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
    port: Annotated[str, Field(max_length=256)]
    every: Every = 10.0
    since: Day | None = None
    identity: Annotated[str, Field(max_length=64)] = ""
    serial: Annotated[str, Field(max_length=64)] = ""
    height_m: Annotated[float, Field(ge=0, le=100)] | None = None
    duty: DutySettings | None = None
    settings: dict[str, Any] = {}

    @field_validator("port")
    @classmethod
    def _port_form(cls, value: str) -> str:
        if fault := port_fault(value):
            raise ValueError(fault)
        return value

    @property
    def simulated(self) -> bool:
        return self.port.startswith("sim:")


class DataSettings(Part):
    """What a school says of its data to those who get them: `doi` names all of them, an export is a part."""

    licence: Licence = ""
    doi: Doi = ""
    contact: Annotated[str, Field(max_length=256)] = ""
    url: Annotated[str, Field(max_length=256, pattern=r"^(https?://\S+)?$")] = ""


class Site(Part):
    name: Title
    position: Position | None = None
    data: DataSettings = DataSettings()
    bridges: dict[Id, BridgeSettings]
    rooms: dict[Id, Room]
    sensors: dict[Id, Sensor]
    purifiers: dict[Id, Purifier] = {}


Rule = Annotated[PurifierRule | NotifyingRule, Field(discriminator="kind")]


class LineSettings(Part):
    """LINE's Messaging API. Secrets come from the environment: CLASSAIR_LINE_TOKEN, CLASSAIR_LINE_SECRET.

    `api` is another address for tests, such as `classair line-fake`.
    """

    api: Annotated[str, Field(max_length=128, pattern=r"^https?://[^\s/@?#]+$")] = "https://api.line.me"


class HomeAssistant(Part):
    """Whether our sensors, rooms and purifiers are announced to Home Assistant, and below which topic."""

    enabled: YesNo = True
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] = "homeassistant"


class Keep(Part):
    """How long readings stay in readings.db (`raw`, days; None is for ever), and whether days are archived at night."""

    raw: Annotated[int, Field(ge=35, le=40000)] | None = None
    archive: YesNo = True

    @field_validator("raw", mode="before")
    @classmethod
    def _forever(cls, value: Any) -> Any:
        return None if value == "forever" else value

    @model_validator(mode="after")
    def _archived_first(self) -> Keep:
        if self.raw is not None and not self.archive:
            raise ValueError(
                "raw: raw readings can be deleted only if they are archived; set archive: yes or raw: forever"
            )
        return self


class Config(Part):
    """The whole organisation, as sensors.yaml says it."""

    org: Id
    language: Language = "th"
    address: Annotated[str, Field(max_length=128, pattern=r"^(https?://[^\s/@?#]+/?)?$")] = ""
    sites: Annotated[dict[Id, Site], Field(min_length=1)]
    timetables: dict[str, TimetableSettings] = {}
    calendar: Calendar = Calendar()
    school_years: dict[YearName, SchoolYear] = {}
    public_url: Annotated[str, Field(max_length=128, pattern=r"^(https://[^\s/@?#]+/?)?$")] = ""
    town_page: YesNo = True
    rules: dict[Id, Rule] = {}
    escalation: dict[Id, Annotated[list[EscalationStep], Field(min_length=1, max_length=6)]] = {}
    people: dict[Id, Person] = {}
    line: LineSettings = LineSettings()
    tickets: TicketSettings = TicketSettings()
    sign_in: dict[Id, SignIn] = {}
    home_assistant: HomeAssistant = HomeAssistant()
    map: Annotated[str, Field(max_length=256)] = ""
    price_per_kwh: Annotated[float, Field(ge=0, le=10_000)] | None = None
    store: Annotated[str, Field(pattern=r"^(sqlite|memory|influxdb://\S+|influxdb\+https://\S+)$")] = "sqlite"
    keep: Keep = Keep()

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
        site, _, local = room.partition(".")
        part = self.sites.get(site)
        return [f"{site}.{i}" for i, sensor in part.sensors.items() if sensor.room == local] if part else []

    def purifiers_in(self, room: str) -> list[str]:
        site, _, local = room.partition(".")
        part = self.sites.get(site)
        return [f"{site}.{i}" for i, unit in part.purifiers.items() if unit.room == local] if part else []

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
            tuple(settings.occupied),
            tuple(settings.lessons),
            self.school_calendar(),
        )

    def school_calendar(self) -> timetable.SchoolCalendar:
        """The school years joined."""
        years = self.school_years.values()
        return timetable.SchoolCalendar(
            tuple(sorted(term for year in years for term in year.terms)),
            frozenset(self.calendar.holidays).union(*(year.holidays for year in years)),
            {day: end for year in years for day, end in year.half_days.items()},
            frozenset().union(*(year.make_up_days for year in years)),
        )

    def site_simulated(self, site: str) -> bool:
        return any(s.simulated for s in self.sites[site].sensors.values())

    def purifier_rule(self, room: str = "") -> PurifierRule:
        """The school's numbers, as they hold in `room`."""
        rule = next((r for r in self.rules.values() if isinstance(r, PurifierRule)), PurifierRule(kind="purifier"))
        return rule.stricter() if room and self.has_room(room) and self.room(room).sensitive else rule

    def person_off_later(self) -> float:
        """After how many seconds a person's OFF in dusty air is told once more."""
        return next((r.later for r in self.rules.values() if isinstance(r, PersonOffRule)), 900.0)

    def part_for(self, bridge: str) -> Config:
        """What one bridge (`<site>.<id>`) needs to know: its sensors, their rooms and purifiers, nobody's addresses."""
        site_id, _, bridge_id = bridge.partition(".")
        site = self.sites[site_id]
        sensors = {i: s for i, s in site.sensors.items() if s.bridge == bridge_id}
        # A relay on its board may be of a room that another bridge measures.
        relays = [p for p in site.purifiers.values() if p.kind == RELAY and p.settings.get("bridge") == bridge_id]
        known = {s.room for s in sensors.values()} | {p.room for p in relays}
        rooms = {r: room for r, room in site.rooms.items() if r in known}
        purifiers = {i: p for i, p in site.purifiers.items() if p.room in rooms}
        rules = {name: rule for name, rule in self.rules.items() if purifiers and isinstance(rule, PurifierRule)}
        part = site.model_copy(
            update={
                "bridges": {bridge_id: site.bridges[bridge_id]},
                "sensors": sensors,
                "rooms": rooms,
                "purifiers": purifiers,
            }
        )
        others = {
            name: field.get_default(call_default_factory=True)
            for name, field in type(self).model_fields.items()
            if name not in FOR_EVERY_BRIDGE
        }
        return self.model_copy(update={**others, "sites": {site_id: part}, "rules": rules})
