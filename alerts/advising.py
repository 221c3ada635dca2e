"""What of a configuration works and had better be otherwise: purifiers, their rule, their rooms (`classair check`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final, Literal

from pydantic import ValidationError

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import AsksItself, Publish
from alerts.rules import advising as rules_advising
from classair.config import Config, Purifier
from classair.config.purifiers import PurifierRule
from classair.plugins import UnknownPlugin

WITHOUT_PARTICLES: Final = frozenset({"s8", "mh-z19", "mh-z19b", "mh-z19c"})
"""Models that measure no PM2.5; a test compares this with the drivers. A third-party device may measure anything."""

SHORTEST_S: Final = 60.0
HIGHEST_ON: Final = 37.5  # above it begins the level "starting to affect health"
LOWEST_OFF: Final = 5.0  # classrooms are seldom cleaner, so that it would never switch off


def advice(config: Config) -> Iterator[str]:
    yield from _rules(config)
    bridges = {full.partition(".")[2] for full, _ in config.bridges()}
    for full, unit in config.purifiers():
        site, _, local = full.partition(".")
        path = f"sites.{site}.purifiers.{local}"
        yield from _room(config, site, unit, path)
        yield from _second_path(full, unit, path, bridges)
        yield from _figures(config, unit, path)
    yield from _same_device(config)
    yield from _clean_rooms(config)
    yield from rules_advising.advice(config)
    if config.price_per_kwh is not None and not any(True for _ in config.purifiers()):
        yield "price_per_kwh: there is no purifier whose cost could be calculated with it"


def _room(config: Config, site: str, unit: Purifier, path: str) -> Iterator[str]:
    room = f"{site}.{unit.room}"
    sensors = config.sites[site].sensors.values()
    if not any(one.room == unit.room and one.model not in WITHOUT_PARTICLES for one in sensors):
        does = "runs in fail-safe mode while children are there" if unit.when_blind else "is never switched on"
        yield f"{path}.room: {unit.room} has no PM2.5 sensor, so the purifier {does}; add a sensor to the room"
    if config.has_room(room) and config.room(room).timetable is None:
        yield (
            f"{path}.room: {unit.room} has no timetable, so it is not known when children are there: no fail-safe mode "
            "and no cleaning before lessons; add a timetable to the room"
        )


def _clean_rooms(config: Config) -> Iterator[str]:
    for full, room in config.rooms():
        if room.clean_room and not room.capacity:
            site, _, local = full.partition(".")
            yield f"sites.{site}.rooms.{local}.clean_room: without capacity its seats are unknown; nobody is sent there"


def _second_path(full: str, unit: Purifier, path: str, bridges: Collection[str]) -> Iterator[str]:
    """Whether it can be switched on while the server, or the broker too, is away. Simulated ones have no such need."""
    try:
        account = purifiers.make(full, unit, lambda: 0).account()
    except (UnknownPlugin, ValidationError):
        return  # said as a fault
    if unit.simulated or not (account.writes or account.reads or unit.url):
        return
    if account.name in bridges:  # it hangs at the bridge itself
        return
    if _way(full, unit) == "direct":
        return
    if not unit.url and _way(full, unit.model_copy(update={"url": "http://192.0.2.1"})) == "direct":
        yield (
            f"{path}.url: without the device's own address nothing switches it on while the broker is away; expected "
            "an address such as http://192.168.40.21"
        )
    elif _way(full, unit) == "broker":
        yield f"{path}.kind: {unit.kind} has no path beside the broker: while that is away nothing switches it on"
    else:
        yield f"{path}.kind: {unit.kind} has no second path: while the server is away nothing switches it on"


def _way(full: str, unit: Purifier) -> Literal["", "broker", "direct"]:
    """How a bridge can switch it on."""
    try:
        order = purifiers.make(full, unit, lambda: 0).edge()
    except (UnknownPlugin, ValidationError):
        return ""
    if order is None:
        return ""
    return "direct" if order.calls(int(SHORTEST_S)) else "broker"


def _figures(config: Config, unit: Purifier, path: str) -> Iterator[str]:
    if unit.when_empty == "low" and not unit.speeds:
        yield f"{path}.when_empty: low needs speeds; without them the purifier is switched off in an empty room"
    if unit.filter.price is not None and unit.filter.hours is None and unit.filter.load_mg is None:
        yield f"{path}.filter.price: without hours or load_mg its life is unknown, so no yearly budget is calculated"
    if unit.filter.since is not None and unit.filter.hours is None and unit.filter.load_mg is None:
        yield f"{path}.filter.since: without hours or load_mg no due date is calculated"
    powered = unit.watts is not None or any(speed.watts is not None for speed in unit.speeds)
    if config.price_per_kwh is not None and not (powered or unit.simulated):
        yield f"{path}.watts: is missing, so its electricity has a cost only if its plug measures it"


def _rules(config: Config) -> Iterator[str]:
    rules = [(name, rule) for name, rule in config.rules.items() if isinstance(rule, PurifierRule)]
    for name, _ in rules[1:]:
        yield f"rules.{name}: has no effect, because rules.{rules[0][0]} already applies to every purifier; delete one"
    for name, rule in rules[:1]:
        yield from _times(f"rules.{name}", rule)
        yield from _thresholds(f"rules.{name}", rule)


def _times(path: str, rule: PurifierRule) -> Iterator[str]:
    for key in ("min_on", "min_off"):
        if getattr(rule, key) < SHORTEST_S:
            yield f"{path}.{key}: under a minute wears out the purifier; expected at least 1m"
    for key in ("person_off", "off_in_heavy_dust"):
        if getattr(rule, key) > rule.off_at_most:
            yield f"{path}.{key}: is longer than off_at_most, which applies ({rule.off_at_most / 60:g}m)"
    if rule.off_at_most < SHORTEST_S:
        yield f"{path}.off_at_most: a person can hardly switch anything off for under a minute; expected at least 1m"


def _thresholds(path: str, rule: PurifierRule) -> Iterator[str]:
    if rule.on_above > HIGHEST_ON:
        yield f"{path}.on_above: above {HIGHEST_ON} µg/m³ the air already starts to affect health; usual is 25"
    if rule.off_below < LOWEST_OFF:
        yield f"{path}.off_below: under {LOWEST_OFF:g} µg/m³ is hardly ever reached, so it would not stop; usual is 15"
    if rule.fast_above <= rule.on_above:
        yield f"{path}.fast_above: is not above on_above ({rule.on_above:g}), so on_for has no effect"
    elif rule.fast_above > 4 * HIGHEST_ON:
        yield f"{path}.fast_above: so much dust waits for on_for; usual is 50"


def _same_device(config: Config) -> Iterator[str]:
    """Two purifiers that send the same command: two would control one device."""
    owners: dict[tuple[object, ...], str] = {}
    for full, unit in config.purifiers():
        device = _device(full, unit)
        if not device:
            continue
        if device in owners:
            site, _, local = full.partition(".")
            yield f"sites.{site}.purifiers.{local}: {owners[device]} switches the same device; delete one of them"
        owners.setdefault(device, full)


def _device(full: str, unit: Purifier) -> tuple[object, ...]:
    """What tells its device from others: the command it is sent, which goes nowhere from here; () for none."""
    try:
        purifier = purifiers.make(full, unit, lambda: 0)
    except (UnknownPlugin, ValidationError):
        return ()
    if isinstance(purifier, AsksItself):  # a command would be on its way to the device at once
        return purifier.account().reads or (unit.kind, unit.url.rstrip("/").lower())
    said: Iterable[object] = purifier.command(Command(True, 60, "auto", "", 1))
    return tuple(one for one in said if isinstance(one, Publish))
