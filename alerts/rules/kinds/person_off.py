"""A person switched a purifier off in dusty air while children are there; whom it is told to later, the chain says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerts.lifecycle.model import Key, Sight
from alerts.rules.facts import World
from alerts.rules.kinds import RuleKind
from alerts.rules.kinds.purifier_fault import words_of
from classair.config.notifying import PersonOffRule

OFF: Final = "person_off"


class Rule(RuleKind[PersonOffRule]):
    def beside_rooms(self, world: World) -> Iterator[Sight]:
        for matter in world.purifiers:
            site = matter.room.partition(".")[0]
            if matter.what == OFF and self.looks_at_site(site, matter.room):
                yield self.sight(
                    matter.purifier, True, site=site, room=matter.room, since=matter.since, words=words_of(matter)
                )

    def is_over(self, key: Key, world: World) -> bool:
        return True
