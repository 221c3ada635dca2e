"""Two sensors of one room differ widely, by the valid means of the same quarter of an hour."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.lifecycle.model import Sight
from alerts.rules.facts import RoomNow, World
from alerts.rules.kinds import RuleKind, Words
from classair.config.notifying import DisagreeRule


class Rule(RuleKind[DisagreeRule]):
    def in_room(self, room: RoomNow, world: World) -> Iterator[Sight]:
        words: Words = {}
        holds: bool | None = None
        if len(room.means) > 1:
            high = max(sorted(room.means), key=room.means.__getitem__)
            low = min(sorted(room.means), key=room.means.__getitem__)
            most, least = room.means[high], room.means[low]
            holds = most - least > self.settings.by and most - least > self.settings.share * most
            words = {"high": high, "low": low, "high_value": round(most, 1), "low_value": round(least, 1)}
        if not self.is_time(room):
            holds, words["over"] = False, "when"
        yield self.sight(room.room, holds, site=room.site, room=room.room, words=words)
