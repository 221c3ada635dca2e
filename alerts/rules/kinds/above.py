"""A quantity is above a limit in a room; PM2.5 of level 5 is urgent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerts.lifecycle.model import Sight
from alerts.rules.facts import RoomNow, World
from alerts.rules.kinds import RuleKind
from alerts.rules.kinds._band import Band
from alerts.rules.kinds._levels import value_of, words_of
from classair.alerting.words import Severity
from classair.config import Config
from classair.config.notifying import AboveRule
from classair.science.indexes.thai2023 import INDEX

LEVEL_5: Final = "level_5"
SENSITIVE_ABOVE: Final = 25.0  # µg/m³
LEVEL_5_ABOVE: Final = float(INDEX.scales["pm25"].bands[-2].high or 75)


class Rule(RuleKind[AboveRule]):
    """Level 5 is an alert of its own, which explains the other: whoever was told of 52 is told of 80 as well."""

    yards = False  # what to do about dust outdoors is not done in a room: smoke_episode tells of it

    def __init__(self, name: str, settings: AboveRule, config: Config) -> None:
        super().__init__(name, settings, config)
        self._band = Band(settings.above, settings.clear_below)
        # A sensitive room is told of earlier: above the Department of Health's surveillance value at the latest.
        earlier = settings.quantity == "pm25" and settings.above > SENSITIVE_ABOVE
        self._earlier = Band(SENSITIVE_ABOVE, min(settings.clear_below or SENSITIVE_ABOVE, 20.0)) if earlier else None
        dust = settings.quantity == "pm25"
        self._worst = Band(LEVEL_5_ABOVE, None) if dust and settings.above < LEVEL_5_ABOVE else None
        self._severity: Severity = "urgent" if dust and self._worst is None else settings.severity

    def _band_in(self, room: str) -> Band:
        sensitive = self.config.has_room(room) and self.config.room(room).sensitive
        return self._earlier if self._earlier is not None and sensitive else self._band

    def limit_in(self, room: str) -> float:
        """The limit as it is in this room."""
        return self._band_in(room).above

    def in_room(self, room: RoomNow, world: World) -> Iterator[Sight]:
        value = value_of(room, self.settings.quantity)
        band = self._band_in(room.room)
        words = words_of(room, self.settings.quantity, value, band.above)
        if self.is_time(room):
            holds = band.holds(room.room, value)
            worst = None if self._worst is None else self._worst.holds(room.room, value)
        else:
            holds, worst, words["over"] = False, False, "when"
        cause = f"{LEVEL_5}:{room.room}"
        yield self.sight(
            room.room,
            holds,
            site=room.site,
            room=room.room,
            severity=self._severity,
            causes=() if self._worst is None else (cause,),
            words=words,
        )
        if self._worst is not None:
            yield self.sight(
                room.room,
                worst,
                part=LEVEL_5,
                site=room.site,
                room=room.room,
                severity="urgent",
                explains=cause,
                words={**words, "limit": LEVEL_5_ABOVE},
            )
