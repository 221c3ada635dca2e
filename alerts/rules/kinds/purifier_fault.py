"""A purifier does not do what it is told. Each fault is a matter of its own, and so is each of a device's own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerts.control.unit import FAULTS
from alerts.lifecycle.model import Key, Sight
from alerts.rules.facts import PurifierMatter, World
from alerts.rules.kinds import RuleKind, Words
from classair.config.notifying import PurifierFaultRule

OWN_WORDS: Final = "device"
FIRST: Final = "not_obeying"  # was told before there were others, so that its part is empty


class Rule(RuleKind[PurifierFaultRule]):
    def beside_rooms(self, world: World) -> Iterator[Sight]:
        for matter in world.purifiers:
            if matter.what in FAULTS and self.looks_at_site(matter.room.partition(".")[0], matter.room):
                yield self._fault(matter)

    def is_over(self, key: Key, world: World) -> bool:
        return True

    def _fault(self, matter: PurifierMatter) -> Sight:
        return self.sight(
            matter.purifier,
            True,
            part=part_of(matter),
            site=matter.room.partition(".")[0],
            room=matter.room,
            since=matter.since,
            words=words_of(matter),
            once=matter.gone,
        )


def part_of(matter: PurifierMatter) -> str:
    if matter.gone:
        return f"{matter.what}/{matter.since}"
    if matter.what == FIRST:
        return ""
    return f"{OWN_WORDS}/{matter.detail}" if matter.what == OWN_WORDS else matter.what


def words_of(matter: PurifierMatter) -> Words:
    return {
        "what": matter.what,
        "purifier": matter.purifier,
        "detail": matter.detail,
        "wanted": "on" if matter.wanted else "off",
        "tries": matter.tries,
        "since": matter.since,
    }
