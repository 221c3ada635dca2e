"""The kinds of rules that people are notified by: one file a kind, found by its name in sensors.yaml.

A kind's file has a class `Rule`: it looks at every room once a second, then once at all that is not a room, and yields
what it sees. It may remember what it saw; it has no clock, no disk and no socket. What it does not know is None: that
neither begins nor ends an alert. Its settings stand in classair/config/notifying.py, its words below [alert_message]
in the locales.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar, cast

from alerts.lifecycle.model import Key, Sight
from alerts.rules.facts import RoomNow, World
from classair import plugins
from classair.alerting.words import Severity
from classair.config import Config
from classair.config.notifying import AlertRule

S = TypeVar("S", bound=AlertRule)
Words = dict[str, str | int | float]


class RuleKind(Generic[S]):
    """What all kinds have: a rule's name and settings, where it looks and when."""

    yards = True  # whether rooms outdoors are looked at that the rule does not name

    def __init__(self, name: str, settings: S, config: Config) -> None:
        self.name, self.settings = name, settings
        self.follow(config)

    def follow(self, config: Config) -> None:
        """The rest of the configuration may have changed; what the rule remembers stays."""
        self.config = config

    def in_room(self, room: RoomNow, world: World) -> Iterator[Sight]:
        """What it sees of one room."""
        yield from ()

    def beside_rooms(self, world: World) -> Iterator[Sight]:
        """What it sees of purifiers, bridges, sites and services. Called after the last room."""
        yield from ()

    def is_over(self, key: Key, world: World) -> bool:
        """Whether something of which it says nothing in this second is over, because it always names what there is."""
        return False

    def looks_at(self, room: RoomNow) -> bool:
        places = self.settings.places
        if not places:
            return self.yards or not room.outdoor
        return room.room in places or (room.site in places and (self.yards or not room.outdoor))

    def looks_at_site(self, site: str, room: str = "") -> bool:
        """Whether something of a site, or of one of its rooms, concerns this rule."""
        places = self.settings.places
        return not places or site in places or (bool(room) and room in places)

    def is_time(self, room: RoomNow) -> bool:
        """Where no timetable says when children are there, they may be."""
        if self.settings.when == "occupied":
            return room.occupied is not False
        return room.school_day or self.settings.when == "always"

    def sight(
        self,
        subject: str,
        holds: bool | None,
        *,
        part: str = "",
        site: str = "",
        room: str = "",
        severity: Severity | None = None,
        since: int | None = None,
        causes: tuple[str, ...] = (),
        explains: str = "",
        words: Words | None = None,
        once: bool = False,
    ) -> Sight:
        return Sight(
            key=Key(self.name, subject, part),
            kind=self.settings.kind,  # type: ignore[attr-defined]
            site=site,
            room=room,
            holds=holds,
            severity=severity or self.settings.severity,
            since=since,
            causes=causes,
            explains=explains,
            words=words or {},
            once=once,
        )


def make(name: str, settings: AlertRule, config: Config) -> RuleKind[AlertRule]:
    """The rule of this name. Raises plugins.UnknownPlugin."""
    module = plugins.load("alerts.rules.kinds", settings.kind)  # type: ignore[attr-defined]
    return cast(RuleKind[AlertRule], module.Rule(name, settings, config))
