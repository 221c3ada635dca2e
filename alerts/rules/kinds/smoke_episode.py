"""The last hour outdoors was smoky: holds for the whole school."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.lifecycle.model import Sight
from alerts.rules.facts import RoomNow, World
from alerts.rules.kinds import RuleKind, Words
from alerts.rules.kinds._band import Band, tenths
from classair.config import Config
from classair.config.notifying import SmokeEpisodeRule
from classair.science.state import pm25_level, pm25_shown


class Rule(RuleKind[SmokeEpisodeRule]):
    def __init__(self, name: str, settings: SmokeEpisodeRule, config: Config) -> None:
        super().__init__(name, settings, config)
        self._band = Band(settings.above, settings.clear_below)

    def in_room(self, room: RoomNow, world: World) -> Iterator[Sight]:
        if not room.outdoor:
            return
        value = tenths(room.hour_mean)
        words: Words = {"limit": self.settings.above}
        if value is not None:
            words |= {"value": value, "shown": pm25_shown(value), "level": pm25_level(value), "at": world.now}
        if self.is_time(room):
            holds = self._band.holds(room.site, value)
        else:
            holds, words["over"] = False, "when"
        yield self.sight(room.site, holds, site=room.site, room=room.room, words=words)

    def looks_at(self, room: RoomNow) -> bool:
        """A yard's smoke is its school's, so that a room of the school names it as well."""
        return not self.settings.places or any(place.partition(".")[0] == room.site for place in self.settings.places)
