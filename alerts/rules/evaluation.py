"""All rules of a configuration, looked at once a second: rooms in groups first, then what is beside them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from alerts.lifecycle.model import Alert, Key, Sight
from alerts.rules import kinds
from alerts.rules.facts import RoomNow, World
from alerts.rules.kinds import RuleKind
from classair.config import Config
from classair.config.notifying import AlertRule
from classair.plugins import UnknownPlugin

log = logging.getLogger(__name__)


class Evaluation:
    """`begin`, each room, `end`: the sights of one second. One rule's fault keeps none of the others from looking."""

    def __init__(self) -> None:
        self._rules: dict[str, RuleKind[AlertRule]] = {}
        self._open: dict[Key, Alert] = {}
        self._seen: list[Sight] = []
        self._rooms: dict[str, RoomNow] = {}
        self._world = World(0)
        self._failed: set[str] = set()

    def follow(self, config: Config) -> None:
        """Works by this configuration; a rule that stays as it is keeps what it remembers."""
        old, self._rules = self._rules, {}
        self._failed.clear()
        for name, settings in config.rules.items():
            if not isinstance(settings, AlertRule):
                continue
            known = old.get(name)
            if known is not None and known.settings == settings:
                known.follow(config)
                self._rules[name] = known
                continue
            try:
                self._rules[name] = kinds.make(name, settings, config)
            except UnknownPlugin as error:
                log.error("rule_unknown rule=%s error=%s", name, error)

    def begin(self, world: World, open_alerts: Iterable[Alert]) -> None:
        self._open = {alert.key: alert for alert in open_alerts}
        self._seen, self._rooms = [], {}
        self._world = replace(world, rooms=self._rooms)

    def room(self, room: RoomNow) -> None:
        self._rooms[room.room] = room
        for name, rule in self._rules.items():
            if rule.looks_at(room):
                self._take(name, rule.in_room(room, self._world))

    def end(self, now: int) -> list[Sight]:
        """What was seen: whatever holds, and of what is open also that it does not, or that nobody knows."""
        self._world = replace(self._world, now=now)
        for name, rule in self._rules.items():
            self._take(name, rule.beside_rooms(self._world))
        named = {sight.key for sight in self._seen}
        for key, alert in self._open.items():
            its_rule = self._rules.get(key.rule)
            if key not in named and its_rule is not None and its_rule.is_over(key, self._world):
                self._seen.append(_over(alert))
        return self._seen

    def _take(self, name: str, sights: Iterable[Sight]) -> None:
        """Sights are looked for as they are taken."""
        try:
            self._seen += [sight for sight in sights if sight.holds or sight.key in self._open]
        except Exception:
            if name not in self._failed:
                log.exception("rule_failed rule=%s", name)
            self._failed.add(name)


def _over(alert: Alert) -> Sight:
    return Sight(
        alert.key,
        alert.kind,
        alert.site,
        alert.room,
        False,
        alert.severity,
        causes=alert.causes,
        explains=alert.explains,
        words=alert.words,
    )
