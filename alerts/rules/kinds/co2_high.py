"""CO2 is high while children are in the room: time to air it."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.lifecycle.model import Sight
from alerts.rules.facts import RoomNow, World
from alerts.rules.kinds import RuleKind
from alerts.rules.kinds._band import Band
from alerts.rules.kinds._levels import value_of, words_of
from classair.config import Config
from classair.config.notifying import CO2HighRule


class Rule(RuleKind[CO2HighRule]):
    yards = False

    def __init__(self, name: str, settings: CO2HighRule, config: Config) -> None:
        super().__init__(name, settings, config)
        self._band = Band(settings.above, settings.clear_below)

    def in_room(self, room: RoomNow, world: World) -> Iterator[Sight]:
        value = value_of(room, "co2")
        words = words_of(room, "co2", value, self.settings.above)
        if self.is_time(room):
            holds = self._band.holds(room.room, value)
        else:
            holds, words["over"] = False, "when"
        yield self.sight(room.room, holds, site=room.site, room=room.room, words=words)
