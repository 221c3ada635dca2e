"""A quantity rises fast in a room: by so much within so long, in the time of the measurements."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from alerts.lifecycle.model import Sight
from alerts.rules.facts import RoomNow, World
from alerts.rules.kinds import RuleKind
from alerts.rules.kinds._levels import current, value_of, words_of
from classair.config import Config
from classair.config.notifying import RisingRule
from classair.science.state import UNKNOWN_MS


class Rule(RuleKind[RisingRule]):
    def __init__(self, name: str, settings: RisingRule, config: Config) -> None:
        super().__init__(name, settings, config)
        self._trails: dict[str, deque[tuple[int, float]]] = {}

    def in_room(self, room: RoomNow, world: World) -> Iterator[Sight]:
        quantity = self.settings.quantity
        value = value_of(room, quantity)
        words = words_of(room, quantity, value, self.settings.by)
        holds, lowest = self._look(room, quantity, value)
        if lowest is not None:
            words |= {"from": lowest, "within": self.settings.within}
        if not self.is_time(room):
            holds, words["over"] = False, "when"
        yield self.sight(room.room, holds, site=room.site, room=room.room, words=words)

    def _look(self, room: RoomNow, quantity: str, value: float | None) -> tuple[bool | None, float | None]:
        """Whether it has risen, and from where. A trail that is too short proves a rise, but not that there is none."""
        if value is None or room.state is None:
            return None, None
        at = current(room, quantity).newest_at or room.state.at
        trail = self._trails.setdefault(room.room, deque())
        if trail and not 0 <= at - trail[-1][0] < UNKNOWN_MS:
            trail.clear()  # what was before a gap, or by another clock, says nothing of a rise
        if not trail or at > trail[-1][0]:
            trail.append((at, value))
        within = round(self.settings.within * 1000)
        while len(trail) > 1 and trail[1][0] <= at - within:
            trail.popleft()
        lowest = min(known for _, known in trail)
        if value - lowest >= self.settings.by:
            return True, lowest
        return (False, lowest) if at - trail[0][0] >= within else (None, lowest)
