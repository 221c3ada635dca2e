"""A purifier's filter is due, by its hours or by the dust that it has taken up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerts.lifecycle.model import Sight
from alerts.rules.facts import World
from alerts.rules.kinds import RuleKind, Words
from classair.config import Config
from classair.config.notifying import FilterDueRule
from classair.timetable import local_time
from classair.wire import PurifierCare

LOOK_MS: Final = 60_000  # a filter is due by days, not by seconds


class Rule(RuleKind[FilterDueRule]):
    def __init__(self, name: str, settings: FilterDueRule, config: Config) -> None:
        self._seen: list[Sight] = []
        super().__init__(name, settings, config)

    def follow(self, config: Config) -> None:
        super().follow(config)
        self._rooms = {full: f"{full.partition('.')[0]}.{part.room}" for full, part in config.purifiers()}
        self._looked_at: int | None = None

    def beside_rooms(self, world: World) -> Iterator[Sight]:
        if self._looked_at is None or not 0 <= world.now - self._looked_at < LOOK_MS:
            self._looked_at = world.now
            self._seen = list(self._look(world))
        yield from self._seen

    def _look(self, world: World) -> Iterator[Sight]:
        for purifier, room in self._rooms.items():
            site = room.partition(".")[0]
            care = world.care(purifier)
            if care is not None and self.looks_at_site(site, room):
                words: Words = {"purifier": purifier, "by": care.filter_due_by}
                if care.filter_used is not None:
                    words["used"] = care.filter_used
                yield self.sight(purifier, _due(care, world.now), site=site, room=room, words=words)


def _due(care: PurifierCare, now: int) -> bool | None:
    if care.filter_used is not None and care.filter_used >= 1:
        return True
    if care.filter_due is not None:
        return care.filter_due <= local_time(now).date()
    return None if care.filter_used is None else False
