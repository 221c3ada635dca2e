"""The parts of a running ClassAir with their last words, and what depends on what: what `alive` judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from classair.config import Config
from classair.control.relays import KIND as RELAY
from classair.units import MINUTE_MS
from classair.wire import RoomState
from dashboard.context import Context, LiveStates
from dashboard.live.ages import SILENT_MS
from dashboard.live.alive import Part, Verdict, judge, silent
from dashboard.live.cases import BEAT_SILENT_MS

BROKER: Final = "broker"
ALERTS: Final = "service/alerts"
INGEST: Final = "service/ingest"
# Each part speaks so often that two words in a row may be lost before it is late.
_SERVICE: Final = (35_000, 60_000)  # every 5 to 15 s
_BEAT: Final = (15_000, BEAT_SILENT_MS)  # every 5 s
_EDGE: Final = (150_000, 3 * MINUTE_MS)  # bridges and sensors: every 60 s
_ROOM: Final = (2 * MINUTE_MS, SILENT_MS)  # every 30 s
_PURIFIER: Final = (3 * MINUTE_MS, SILENT_MS)  # in its room's state
NOT_HEARD: Final = frozenset({"silent"})
"""Faults of a purifier that say that nothing is heard of it."""


@dataclass(frozen=True, slots=True)
class Lives:
    """Verdicts by part: `broker`, `service/<name>`, `bridge/<id>`, `sensor/<id>`, `purifier/<id>`, `room/<id>`.

    `roots`: the parts whose own silence it is, each with what is unknown for its sake.
    """

    verdicts: Mapping[str, Verdict]
    roots: Mapping[str, tuple[str, ...]]

    def of(self, part: str) -> Verdict:
        return self.verdicts.get(part, Verdict("unknown", None, part))

    def unknown(self, part: str) -> bool:
        return self.of(part).life == "unknown"

    @property
    def stopped(self) -> dict[str, tuple[str, ...]]:
        """Of the roots those that others depend on by their kind: broker, services, bridges."""
        return {
            name: others
            for name, others in self.roots.items()
            if name == BROKER or name.startswith(("service/", "bridge/"))
        }


def lives_of(ctx: Context) -> Lives:
    """How everything is at this moment."""
    parts = parts_of(ctx.config(), ctx.live, ctx.now_ms())
    verdicts = judge(parts, ctx.now_ms())
    return Lives(verdicts, silent(parts, verdicts))


def parts_of(config: Config, live: LiveStates, now_ms: int) -> dict[str, Part]:
    """Every part that the configuration names."""
    up = live.connected()
    found = {BROKER: Part(now_ms if up else live.broker_lost_at(), 1, 2, gone=not up)}
    services, beat = live.services(), live.beat()
    for name in dict.fromkeys(("ingest", "alerts", *services)):
        said = services.get(name)
        gone = said is not None and said.state != "online"
        if name == "alerts" and beat is not None:
            found[ALERTS] = Part(beat.at, *_BEAT, gone=gone, needs=(BROKER,))
        else:
            found[f"service/{name}"] = Part(said.at or None if said else None, *_SERVICE, gone=gone, needs=(BROKER,))
    for full, _ in config.bridges():
        status = live.bridge(full)
        at = status.at or None if status else None
        found[f"bridge/{full}"] = Part(
            at, *_EDGE, gone=status is not None and status.state != "online", needs=(BROKER,)
        )
    for full, sensor in config.sensors():
        word = live.sensor(full)
        bridge = f"bridge/{full.partition('.')[0]}.{sensor.bridge}"
        found[f"sensor/{full}"] = Part(word.at if word else None, *_EDGE, needs=(bridge,))
    states = live.states()
    for full, _ in config.rooms():
        state = states.get(full)
        sensors = tuple(f"sensor/{one}" for one in config.sensors_in(full))
        found[f"room/{full}"] = Part(state.at if state else None, *_ROOM, needs=(ALERTS,), one_of=sensors)
    for full, unit in config.purifiers():
        site = full.partition(".")[0]
        needs = [ALERTS]
        if unit.kind == RELAY and (bridge := str(unit.settings.get("bridge", ""))):
            needs.append(f"bridge/{site}.{bridge}")
        found[f"purifier/{full}"] = _purifier(live, full, states.get(f"{site}.{unit.room}"), tuple(needs))
    return found


def _purifier(live: LiveStates, full: str, state: RoomState | None, needs: tuple[str, ...]) -> Part:
    """Its own word comes when it changes; its room's state, which contains it, goes on coming."""
    unit = live.purifier(full)
    if unit is None:
        return Part(None, *_PURIFIER, needs=needs)
    gone = bool(NOT_HEARD.intersection(unit.faults))
    return Part(max(unit.at, state.at if state else 0), *_PURIFIER, gone=gone, needs=needs)
