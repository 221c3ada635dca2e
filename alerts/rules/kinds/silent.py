"""A room without a valid reading; and what is behind it, so that a dead bridge or broker is one message.

A room's silence counts from its newest valid reading, but not from before we listened: while the broker is away, or
right after our own start or absence, nobody knows. A bridge is behind its rooms when it is offline, or when all of its
sensors in two rooms or more are silent; that is seen earlier than any of its rooms can be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerts.lifecycle.model import Sight
from alerts.rules.facts import RoomNow, World
from alerts.rules.kinds import RuleKind, Words
from classair.config import Config, Sensor
from classair.config.notifying import SilentRule, SystemRule
from classair.science.state import LATE_MS

BROKER: Final = "broker"
INGEST: Final = "service:ingest"
BRIDGE: Final = "bridge"
SUSPECT: Final = "suspect"
SPEAKS_MS: Final = 30_000  # readings that come so long after a bridge's last will say that it is back
SOON_MS: Final = 20_000
PAUSES: Final = 3  # a sensor is silent when so many of its readings are missing


class Rule(RuleKind[SilentRule]):
    def follow(self, config: Config) -> None:
        super().follow(config)
        self._patience_ms = min(LATE_MS, round(self.settings.for_ * 1000))
        self._every: dict[str, int] = {}
        self._bridges_of: dict[str, tuple[str, ...]] = {}
        self._sensors_in: dict[str, list[str]] = {}
        self._sensors_of: dict[str, list[tuple[str, str]]] = {full: [] for full, _ in config.bridges()}
        for full, sensor in config.sensors():
            site = full.partition(".")[0]
            room, bridge = f"{site}.{sensor.room}", f"{site}.{sensor.bridge}"
            self._every[full] = _every_ms(sensor)
            self._sensors_in.setdefault(room, []).append(full)
            self._sensors_of[bridge].append((full, room))
            self._bridges_of[room] = tuple(sorted({*self._bridges_of.get(room, ()), bridge}))
        self._tells_of_broker = not any(
            isinstance(rule, SystemRule) and BROKER in rule.of for rule in config.rules.values()
        )

    # -- rooms ---------------------------------------------------------------------------------------------------------

    def in_room(self, room: RoomNow, world: World) -> Iterator[Sight]:
        sensors = self._sensors_in.get(room.room)
        if not sensors:
            return
        suspect = room.suspect_since is not None
        since = self._silent_since(room, world)
        newest = room.newest_valid_at
        holds: bool | None = None
        if since is not None and not suspect:
            patience = max(self._patience_ms, PAUSES * max(self._every[sensor] for sensor in sensors))
            if world.now - since >= patience:
                holds = True
            elif newest is not None and world.now - newest < patience:
                holds = False
        words: Words = {"since": room.began_at if newest is None else newest, "never": int(newest is None)}
        if not self.is_time(room):
            holds, suspect, words["over"] = False, False, "when"
        bridges = self._bridges_of[room.room]
        causes = (*(f"bridge:{bridge}" for bridge in bridges), BROKER, INGEST)
        yield self.sight(
            room.room, holds, site=room.site, room=room.room, since=since if holds else None, causes=causes, words=words
        )
        yield self.sight(
            room.room,
            suspect,
            part=SUSPECT,
            site=room.site,
            room=room.room,
            since=room.suspect_since,
            words={} if room.suspect_since is None else {"since": room.suspect_since},
        )

    def _silent_since(self, room: RoomNow, world: World) -> int | None:
        """From when on its silence counts, None while we do not listen."""
        if world.listening_since is None:
            return None
        newest = room.began_at if room.newest_valid_at is None else room.newest_valid_at
        return max(newest, world.listening_since)

    # -- what is behind them -------------------------------------------------------------------------------------------

    def beside_rooms(self, world: World) -> Iterator[Sight]:
        for bridge, sensors in self._sensors_of.items():
            if any(self.looks_at_site(bridge.partition(".")[0], room) for _, room in sensors) or (
                not sensors and self.looks_at_site(bridge.partition(".")[0])
            ):
                yield self._bridge(bridge, sensors, world)
        if self._tells_of_broker and (world.away_since is not None or world.listening_since is not None):
            away = world.away_since
            yield self.sight(
                BROKER,
                away is not None,
                since=away,
                explains=BROKER,
                words={} if away is None else {"since": away},
            )

    def _bridge(self, bridge: str, sensors: list[tuple[str, str]], world: World) -> Sight:
        offline = world.bridges_offline.get(bridge)
        heard = [world.rooms[room].heard.get(sensor) for sensor, room in sensors if room in world.rooms]
        newest = max((at for at in heard if at is not None), default=None)
        if offline is not None and newest is not None and newest >= offline + SPEAKS_MS:
            offline = None  # what it says now is more than what was said of it
        rooms = {room for _, room in sensors}
        holds = self._is_behind(sensors, offline is not None, world)
        began = min((world.rooms[room].began_at for room in rooms if room in world.rooms), default=world.now)
        since = offline if offline is not None else newest if newest is not None else began
        return self.sight(
            bridge,
            holds,
            part=BRIDGE,
            site=bridge.partition(".")[0],
            since=max(since, world.listening_since or 0) if holds else None,
            causes=(BROKER, INGEST),
            explains=f"bridge:{bridge}",
            words={
                "since": since,
                "offline": int(offline is not None),
                "rooms": len(rooms),
                "names": ",".join(sorted(rooms)[:3]),
            },
        )

    def _is_behind(self, sensors: list[tuple[str, str]], offline: bool, world: World) -> bool | None:
        if world.listening_since is None:
            return None
        if offline:
            return True
        overdue = [self._overdue(sensor, room, world) for sensor, room in sensors]
        if len({room for _, room in sensors}) < 2 or any(late is False for late in overdue):
            return False  # one room without data is told as that
        return True if all(overdue) else None

    def _overdue(self, sensor: str, room: str, world: World) -> bool | None:
        """Whether a sensor ought to have spoken; None while that is too early to say."""
        known = world.rooms.get(room)
        if world.listening_since is None or known is None:
            return None
        heard = known.heard.get(sensor)
        patience = max(min(SOON_MS, self._patience_ms // PAUSES), (PAUSES - 1) * self._every[sensor])
        if world.now - max(known.began_at if heard is None else heard, world.listening_since) >= patience:
            return True
        return False if heard is not None and world.now - heard < patience else None


def _every_ms(sensor: Sensor) -> int:
    """How far apart its readings are at most; one that sleeps is awake only so often."""
    return round(1000 * max(sensor.every, 1.0, sensor.duty.every if sensor.duty is not None else 0.0))
