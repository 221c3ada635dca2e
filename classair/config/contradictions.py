"""Contradictions in a configuration whose fields are each valid."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise

from classair.accounts import HOME_ASSISTANT, SERVICES, WATCH
from classair.config.notifying import PersonOffRule
from classair.config.purifiers import PurifierRule
from classair.config.settings import Config, Site


def contradictions(config: Config) -> Iterator[str]:
    """What each field allows but the whole does not, one line each."""
    owners: dict[str, str] = {}
    for site_id, site in config.sites.items():
        for bridge in site.bridges:
            if bridge in owners:
                yield (
                    f"sites.{site_id}.bridges.{bridge}: {owners[bridge]} also has a bridge with this name; "
                    "bridge names are broker users and must be unique"
                )
            if bridge in (*SERVICES, WATCH, HOME_ASSISTANT):
                yield f"sites.{site_id}.bridges.{bridge}: reserved as the broker user of a service; choose another name"
            owners[bridge] = site_id
        at = f"sites.{site_id}"
        yield from _rooms(config, site, at)
        yield from _sensors(site_id, site, at)
        yield from _purifiers(site, at)
    yield from _rules(config)
    yield from _years(config)
    yield from _tickets(config)


def _years(config: Config) -> Iterator[str]:
    terms: list[tuple[date, date, str]] = sorted(
        (*term, name) for name, year in config.school_years.items() for term in year.terms
    )
    for (_, end, name), (begin, _, other) in pairwise(terms):
        if begin <= end:
            yield f"school_years.{other}.terms: the term from {begin} overlaps a term of {name} (until {end})"
    for name, year in config.school_years.items():
        first, last = min(term[0] for term in year.terms), max(term[1] for term in year.terms)
        for what in ("holidays", "half_days", "make_up_days"):
            for day in getattr(year, what):
                if not first <= day <= last:
                    yield f"school_years.{name}.{what}.{day}: the day is outside the year's terms ({first} to {last})"
        for day in sorted(year.holidays.keys() & (year.half_days.keys() | year.make_up_days.keys())):
            yield f"school_years.{name}.holidays.{day}: the day is also a half or make-up day"


def _rooms(config: Config, site: Site, at: str) -> Iterator[str]:
    for room_id, room in site.rooms.items():
        if room.timetable is not None and room.timetable not in config.timetables:
            yield (
                f"{at}.rooms.{room_id}.timetable: {room.timetable!r} is not defined under timetables; "
                f"{_nearest(room.timetable, config.timetables)}"
            )
        if not room.outdoor and room.volume_m3 is None:
            yield f"{at}.rooms.{room_id}.volume_m3: is missing (required unless outdoor: yes)"
    if sum(room.outdoor for room in site.rooms.values()) > 1:
        yield f"{at}.rooms: only one room can have outdoor: yes"


def _sensors(site_id: str, site: Site, at: str) -> Iterator[str]:
    owners: dict[tuple[str, str], str] = {}
    for sensor_id, sensor in site.sensors.items():
        here = f"{at}.sensors.{sensor_id}"
        if sensor.bridge not in site.bridges:
            near = _nearest(sensor.bridge, site.bridges)
            yield f"{here}.bridge: {sensor.bridge!r} is not a bridge of this site; {near}"
        if sensor.room not in site.rooms:
            yield f"{here}.room: {sensor.room!r} is not a room of this site; {_nearest(sensor.room, site.rooms)}"
        if sensor.port.startswith("http:") and sensor.bridge in site.bridges and not site.bridges[sensor.bridge].http:
            yield (
                f"{here}.port: {sensor.port} needs an HTTP listener; set http: 127.0.0.1:8088 (or another address) on "
                f"bridge {sensor.bridge}"
            )
        port = (sensor.bridge, sensor.port)
        if not sensor.simulated and port in owners:
            yield f"{here}.port: {sensor.port} is already the port of {owners[port]}"
        owners[port] = sensor_id
    if len({sensor.simulated for sensor in site.sensors.values()}) > 1:
        real = next(sensor_id for sensor_id, sensor in site.sensors.items() if not sensor.simulated)
        yield (
            f"{at}.sensors.{real}.port: a site is either simulated or real; give every sensor of {site_id} a real "
            "port and start with an empty data folder: classair run --data DIR"
        )


def _purifiers(site: Site, at: str) -> Iterator[str]:
    for unit_id, unit in site.purifiers.items():
        here = f"{at}.purifiers.{unit_id}"
        if unit.room not in site.rooms:
            yield f"{here}.room: {unit.room!r} is not a room of this site; {_nearest(unit.room, site.rooms)}"
        elif site.rooms[unit.room].outdoor:
            yield f"{here}.room: {unit.room} is outdoors; a purifier needs an indoor room"
        if unit_id in site.sensors:
            yield f"{here}: a sensor already has this id"


def _rules(config: Config) -> Iterator[str]:
    for name, rule in config.rules.items():
        if isinstance(rule, PurifierRule):
            if rule.off_below + 5 > rule.on_above:
                yield f"rules.{name}.off_below: must be at least 5 µg/m³ below on_above, because of sensor noise"
            continue
        told = {"tell": rule.tell} | ({"tell_later": rule.tell_later} if isinstance(rule, PersonOffRule) else {})
        for key, people in told.items():
            yield from _people(config, f"rules.{name}.{key}", people)
        if rule.escalation is not None and rule.escalation not in config.escalation:
            near = _nearest(rule.escalation, config.escalation)
            yield f"rules.{name}.escalation: {rule.escalation!r} is not defined under escalation; {near}"
        yield from _places(config, f"rules.{name}.places", rule.places)
    for name, steps in config.escalation.items():
        for number, step in enumerate(steps, 1):
            yield from _people(config, f"escalation.{name}, step {number}, tell", step.tell)
    for name, person in config.people.items():
        for site in person.sites:
            if site not in config.sites:
                yield f"people.{name}.sites: {site!r} is not a site; {_nearest(site, config.sites)}"
        yield from _places(config, f"people.{name}.daily", person.daily)
        yield from _places(config, f"people.{name}.weekly", person.weekly)


def _tickets(config: Config) -> Iterator[str]:
    for name, unit in config.tickets.units.items():
        at = f"tickets.units.{name}"
        yield from _people(config, f"{at}.people", unit.people)
        yield from _people(config, f"{at}.supervisor", [unit.supervisor] if unit.supervisor else [])
        yield from _places(config, f"{at}.places", unit.places)


def _places(config: Config, where: str, places: Iterable[str]) -> Iterator[str]:
    for place in places:
        site, _, room = place.partition(".")
        if site not in config.sites:
            yield f"{where}: {place!r} is not a site; {_nearest(site, config.sites)}"
        elif room and room not in config.sites[site].rooms:
            yield f"{where}: {place!r} is not a room; {_nearest(room, config.sites[site].rooms)}"


def _people(config: Config, where: str, people: Iterable[str]) -> Iterator[str]:
    for person in people:
        if person not in config.people:
            yield f"{where}: {person!r} is not defined under people; {_nearest(person, config.people)}"


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names) or 'none'}"
