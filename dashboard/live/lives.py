"""The parts of a running ClassAir with their last words, and what depends on what: what `alive` judges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from classair.config import Config, Site
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


def lives_of(ctx: Context, about: Iterable[str] = ()) -> Lives:
    """How everything is at this moment, or `about` some parts alone: a room's page does not ask for a whole town."""
    parts = KnownParts(ctx.config(), ctx.live, ctx.now_ms())
    verdicts = judge(parts, ctx.now_ms(), about)
    return Lives(verdicts, silent(parts, verdicts))


def of_room(ctx: Context, room: str) -> Lives:
    """Of what a room's page shows: the room, its purifiers, and the place outside."""
    yard = ctx.config().outdoor_of(room) if ctx.config().has_room(room) else None
    rooms = (room, yard) if yard else (room,)
    return lives_of(
        ctx,
        [*(f"room/{one}" for one in rooms), *(f"purifier/{unit}" for unit in ctx.config().purifiers_in(room))],
    )


class KnownParts(Mapping[str, Part]):
    """Every part that the configuration names or that has spoken, made when it is asked for."""

    def __init__(self, config: Config, live: LiveStates, now_ms: int) -> None:
        self._config, self._live, self._now_ms = config, live, now_ms
        self._services = live.services()

    def __iter__(self) -> Iterator[str]:
        config = self._config
        yield BROKER
        yield from (f"service/{name}" for name in dict.fromkeys(("ingest", "alerts", *self._services)))
        for kind, all_of in (
            ("bridge", config.bridges()),
            ("sensor", config.sensors()),
            ("room", config.rooms()),
            ("purifier", config.purifiers()),
        ):
            yield from (f"{kind}/{full}" for full, _ in all_of)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, part: str) -> Part:
        kind, _, full = part.partition("/")
        if part == BROKER:
            up = self._live.connected()
            return Part(self._now_ms if up else self._live.broker_lost_at(), 1, 2, gone=not up)
        if kind == "service":
            return self._service(full)
        site, _, local = full.partition(".")
        known = self._config.sites.get(site)
        if known is None or local not in _named(known, kind):
            raise KeyError(part)
        if kind == "bridge":
            status = self._live.bridge(full)
            gone = status is not None and status.state != "online"
            return Part(status.at or None if status else None, *_EDGE, gone=gone, needs=(BROKER,))
        if kind == "sensor":
            word = self._live.sensor(full)
            return Part(word.at if word else None, *_EDGE, needs=(f"bridge/{site}.{known.sensors[local].bridge}",))
        if kind == "room":
            state = self._live.state(full)
            sensors = tuple(f"sensor/{one}" for one in self._config.sensors_in(full))
            return Part(state.at if state else None, *_ROOM, needs=(ALERTS,), one_of=sensors)
        unit = known.purifiers[local]
        bridge = str(unit.settings.get("bridge", "")) if unit.kind == RELAY else ""
        needs = (ALERTS, f"bridge/{site}.{bridge}") if bridge else (ALERTS,)
        return _purifier(self._live, full, self._live.state(f"{site}.{unit.room}"), needs)

    def _service(self, name: str) -> Part:
        said, beat = self._services.get(name), self._live.beat()
        gone = said is not None and said.state != "online"
        if name == "alerts" and beat is not None:
            return Part(beat.at, *_BEAT, gone=gone, needs=(BROKER,))
        return Part(said.at or None if said else None, *_SERVICE, gone=gone, needs=(BROKER,))


def _named(site: Site, kind: str) -> Collection[str]:
    """The ids that a site gives to its parts of this kind."""
    match kind:
        case "bridge":
            return site.bridges
        case "sensor":
            return site.sensors
        case "room":
            return site.rooms
        case "purifier":
            return site.purifiers
    return ()


def _purifier(live: LiveStates, full: str, state: RoomState | None, needs: tuple[str, ...]) -> Part:
    """Its own word comes when it changes; its room's state, which contains it, goes on coming."""
    unit = live.purifier(full)
    if unit is None:
        return Part(None, *_PURIFIER, needs=needs)
    gone = bool(NOT_HEARD.intersection(unit.faults))
    return Part(max(unit.at, state.at if state else 0), *_PURIFIER, gone=gone, needs=needs)
