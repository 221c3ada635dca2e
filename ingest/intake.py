"""From messages to what a transaction keeps: decoded, checked against topic and configuration, judged, given a room."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError

from classair.broker import Message
from classair.config import Config
from classair.model import Flag, Gap, Missing, Reading, SwitchEvent
from classair.science.quality import FUTURE_MS, judge
from classair.science.quality_checks.realtime import Memories, SensorMemory
from classair.wire import (
    ITEM,
    MAX_LIST,
    MAX_PAYLOAD,
    Address,
    GapItem,
    Item,
    MissingItem,
    PurifierState,
    ReadingItem,
    SwitchItem,
    Topics,
    address,
    faults,
    stream_items,
)
from ingest.books.deployments import END_MS, Deployments
from ingest.books.quarantine import Key
from ingest.decided import Decided, RejectedItem

ABSURD_MS: Final = 400 * 86_400_000
"""Ahead of a clock of ours that is itself in doubt: beyond this no disagreement of clocks explains a time."""


class _Known:
    """A sensor of a route, with the stay it is in, so that nearly every reading finds its room in two comparisons."""

    __slots__ = ("from_ms", "full", "judge", "memory", "model", "room", "simulated", "to_ms")

    def __init__(self, full: str, model: str, simulated: bool, memory: SensorMemory) -> None:
        self.full, self.model, self.simulated, self.memory = full, model, simulated, memory
        self.judge = memory.judge
        self.room, self.from_ms, self.to_ms = "", END_MS, 0


class _Route:
    """What may arrive on one topic. A bridge that is not `known` is refused item by item, so that it hears of it."""

    __slots__ = ("bridge", "full", "known", "purifiers", "sensors")

    def __init__(self, full: str, known: bool = True) -> None:
        self.full = full
        self.known = known
        self.bridge = full.partition(".")[2]
        self.sensors: dict[str, _Known] = {}
        self.purifiers: dict[str, tuple[str, bool]] = {}


class Wrong(Exception):
    """Why an item is refused, in words."""


class Intake:
    """Decides about messages on `…/reading`. Touches no disk and no clock; `follow` at each new configuration.

    `memories` outlive it: what a sensor's past says against its next value is no matter of the configuration.
    """

    def __init__(self, config: Config, deployments: Deployments, memories: Memories | None = None) -> None:
        self._deployments = deployments
        self._memories = Memories() if memories is None else memories
        self._routes: dict[str, _Route] = {}
        self._states: dict[str, tuple[bool | None, int]] = {}
        self.follow(config)

    def follow(self, config: Config) -> None:
        """Works by this configuration and by the deployments as they now are."""
        self._config = config
        topics = Topics(config.org)
        self._routes = {}
        for full, _ in config.bridges():
            site, _, bridge = full.partition(".")
            route = self._routes[topics.bridge(site, bridge, "reading")] = _Route(full)
            for local, sensor in config.sites[site].sensors.items():
                if sensor.bridge == bridge:
                    route.sensors[local] = known = _Known(
                        f"{site}.{local}", sensor.model, sensor.simulated, self._memories.of(f"{site}.{local}")
                    )
                    if stay := self._deployments.newest(known.full):
                        known.room, known.from_ms, known.to_ms = stay.room, stay.from_ms, stay.to_ms
            for local, purifier in config.sites[site].purifiers.items():
                route.purifiers[local] = (f"{site}.{local}", purifier.simulated)

    def decide(self, messages: Iterable[Message], now_ms: int, synchronised: bool) -> Decided:
        """Every message ends in one of the lists of Decided, item by item; nothing raises."""
        decided = Decided()
        latest = now_ms + (FUTURE_MS if synchronised else ABSURD_MS)
        judged_by = now_ms if synchronised else None
        routes, readings, none = self._routes, decided.readings, Flag.NONE
        for message in messages:
            route = routes.get(message.topic)
            if route is None or len(message.payload) > MAX_PAYLOAD:
                route = self._unusual(message, decided)
                if route is None:
                    continue
            try:
                items = stream_items(message.payload)
            except (ValidationError, RecursionError, ValueError) as error:
                self._one_by_one(message, route, error, decided, latest, judged_by)
                continue
            known_sensors, bridge, full = route.sensors, route.bridge, route.full
            for item in items:
                # The ordinary case: a reading of a known sensor, in the room it stands in, with nothing against it.
                if type(item) is ReadingItem and (known := known_sensors.get(item.sensor)) is not None:
                    at_ms = item.at
                    if (
                        item.bridge == bridge
                        and known.from_ms <= at_ms < known.to_ms
                        and at_ms <= latest
                        and item.flags is None
                        and item.value_flags is None
                        and (known.simulated or not item.simulated)
                    ):
                        values = item.values
                        flags, value_flags = known.judge(
                            values,
                            none,
                            {},
                            at_ms=at_ms,
                            now_ms=judged_by,
                            clock=item.clock,
                            model=known.model,
                            late=item.late,
                        )
                        readings.append(
                            Reading(
                                known.full,
                                full,
                                item.epoch,
                                item.seq,
                                at_ms,
                                values,
                                item.interval_s,
                                item.n,
                                item.clock,
                                flags,
                                value_flags,
                                known.room,
                                known.simulated,
                                item.late,
                            )
                        )
                        continue
                self._take(message.topic, route, item, decided, latest, judged_by, None)
        return decided

    # -- the long way --------------------------------------------------------------------------------------------------

    def _unusual(self, message: Message, decided: Decided) -> _Route | None:
        """What is no stream of a known bridge. A stranger gets a route on which everything is refused by its number."""
        size, where = len(message.payload), address(message.topic)
        if size > MAX_PAYLOAD:
            reason = f"{size} bytes; a message has at most {MAX_PAYLOAD}"
        elif where is None or where.org != self._config.org:
            reason = "not a topic of this organisation"
        elif where.kind == "bridge" and where.leaf == "reading":
            return _Route(where.full, known=False)
        elif where.kind == "purifier" and where.leaf == "state":
            self._purifier(where, message, decided)
            return None
        else:
            reason = "messages on this topic are not stored"
        decided.refused.append(RejectedItem(message.topic, message.payload, reason + _note(message)))
        return None

    def _purifier(self, where: Address, message: Message, decided: Decided) -> None:
        """A purifier's retained state: kept when it changes. An empty one is a state taken back."""
        if not message.payload:
            self._states.pop(where.full, None)
            return
        try:
            state = PurifierState.model_validate_json(message.payload)
        except ValidationError as error:
            decided.refused.append(
                RejectedItem(message.topic, message.payload, f"not a valid purifier status: {faults(error)}")
            )
            return
        if state.purifier != where.full or not state.since >= 0:
            decided.refused.append(
                RejectedItem(
                    message.topic, message.payload, f"names purifier {state.purifier}, but arrived from {where.full}"
                )
            )
        elif self._states.get(where.full) != (state.on, state.since):
            self._states[where.full] = (state.on, state.since)
            decided.states.append(
                SwitchEvent(state.purifier, state.since, state.on, state.reason[:120], state.simulated)
            )

    def _one_by_one(
        self, message: Message, route: _Route, error: Exception, decided: Decided, latest: int, judged_by: int | None
    ) -> None:
        """A message that is not right as a whole: what is right in it is taken in, the rest refused item by item."""
        why = faults(error) if isinstance(error, ValidationError) else f"not valid JSON ({error})"[:300]
        note = _note(message)
        try:
            raw = json.loads(message.payload)
        except (ValueError, RecursionError):
            decided.refused.append(RejectedItem(message.topic, message.payload, why + note))
            return
        for part in raw if isinstance(raw, list) and 0 < len(raw) <= 20 * MAX_LIST else [raw]:
            payload = json.dumps(part, ensure_ascii=False).encode("utf-8", "surrogatepass")
            try:
                item: Item = ITEM.validate_json(payload)
            except (ValidationError, RecursionError, ValueError) as fault:
                reason = faults(fault) if isinstance(fault, ValidationError) else why
                decided.refused.append(RejectedItem(message.topic, payload, reason + note, _key_of(part, route)))
            else:
                self._take(message.topic, route, item, decided, latest, judged_by, payload)

    def _take(
        self,
        topic: str,
        route: _Route,
        item: Item,
        decided: Decided,
        latest: int,
        judged_by: int | None,
        payload: bytes | None,
    ) -> None:
        try:
            if not route.known:
                raise Wrong(f"bridge {route.full} is not in sensors.yaml")
            if item.bridge != route.bridge:
                raise Wrong(f"names bridge {item.bridge}, but arrived from {route.bridge}")
            if isinstance(item, GapItem):
                if item.last < item.first:
                    raise Wrong("the gap ends before it starts")
                decided.gaps.append(Gap(route.full, item.epoch, item.first, item.last, item.reason))
            elif isinstance(item, SwitchItem):
                decided.switches.append(self._switch(route, item, latest))
            elif isinstance(item, MissingItem):
                decided.missing.append(self._missing(route, item, latest))
            else:
                decided.readings.append(self._reading(route, item, latest, judged_by))
        except Wrong as wrong:
            # Numbers of another bridge are not this one's to answer for.
            key = (
                None
                if item.bridge != route.bridge or isinstance(item, GapItem)
                else Key(route.full, item.epoch, item.seq)
            )
            decided.refused.append(
                RejectedItem(topic, payload or ITEM.dump_json(item, exclude_none=True), str(wrong), key)
            )

    def _reading(self, route: _Route, item: ReadingItem, latest: int, judged_by: int | None) -> Reading:
        site = route.full.partition(".")[0]
        full = f"{site}.{item.sensor}"
        known = route.sensors.get(item.sensor)
        if known is None:
            configured = self._config.sites[site].sensors.get(item.sensor)
            if configured is not None:
                raise Wrong(f"sensor {full} belongs to bridge {configured.bridge}, not to {route.bridge}")
        _check_time(item.at, latest, judged_by)
        if known is not None and item.simulated and not known.simulated:
            raise Wrong(f"marked as simulated, but sensor {full} has a real port")
        room = self._deployments.room(full, item.at)
        if room is None:
            # A sensor that was taken away is still believed about the time when it stood in a room.
            raise Wrong(
                f"sensor {full} is not in sensors.yaml"
                if known is None
                else f"sensor {full} was in no room at that time"
            )
        given = {key: int(_flags(names)) for key, names in (item.value_flags or {}).items()}
        own = _flags(item.flags or ())
        if known is None:
            flags, value_flags = judge(item.values, own, given, at_ms=item.at, now_ms=judged_by, clock=item.clock)
        else:
            flags, value_flags = known.judge(
                item.values,
                own,
                given,
                at_ms=item.at,
                now_ms=judged_by,
                clock=item.clock,
                model=known.model,
                late=item.late,
            )
        return Reading(
            full,
            route.full,
            item.epoch,
            item.seq,
            item.at,
            item.values,
            item.interval_s,
            item.n,
            item.clock,
            flags,
            value_flags,
            room,
            known.simulated if known else item.simulated,
            item.late,
        )

    def _missing(self, route: _Route, item: MissingItem, latest: int) -> tuple[Key, Missing]:
        """A line of the gap ledger. A sensor that is no longer in the file is still believed about its past."""
        site = route.full.partition(".")[0]
        full = f"{site}.{item.sensor}"
        configured = self._config.sites[site].sensors.get(item.sensor)
        if configured is None and self._deployments.newest(full) is None:
            raise Wrong(f"sensor {full} is not in sensors.yaml")
        if item.end < item.start:
            raise Wrong("the interval ends before it starts")
        _check_time(item.start, latest, None)
        _check_time(item.end, latest, None)
        simulated = configured.simulated if configured is not None else item.simulated
        return (
            Key(route.full, item.epoch, item.seq),
            Missing(full, item.start, item.end, item.expected, item.reason, route.full, simulated),
        )

    @staticmethod
    def _switch(route: _Route, item: SwitchItem, latest: int) -> tuple[Key, SwitchEvent]:
        known = route.purifiers.get(item.purifier)
        if known is None:
            raise Wrong(f"purifier {route.full.partition('.')[0]}.{item.purifier} is not in sensors.yaml")
        _check_time(item.at, latest, None)
        full, simulated = known
        return (
            Key(route.full, item.epoch, item.seq),
            SwitchEvent(full, item.at, item.on, item.reason, simulated or item.simulated),
        )


def _note(message: Message) -> str:
    return " (retained message)" if message.retain else ""


def _check_time(at_ms: int, latest: int, judged_by: int | None) -> None:
    if at_ms < 0:
        raise Wrong("the time is before 1970")
    if at_ms > latest:
        ahead = (at_ms - latest) // 1000
        raise Wrong(
            f"measured in the future: {ahead} s beyond the tolerated clock difference"
            if judged_by is not None
            else "measured too far in the future"
        )


def _flags(names: Iterable[str]) -> Flag:
    flags = Flag.NONE
    for name in names:
        flags |= Flag[name]
    return flags


def _key_of(part: Any, route: _Route) -> Key | None:
    """The number of an item that is wrong in other ways, when bridge, epoch and seq are as they should be."""
    if not isinstance(part, dict) or part.get("bridge") != route.bridge or part.get("kind", "reading") == "gap":
        return None
    try:
        item = ITEM.validate_python(
            {
                "bridge": route.bridge,
                "epoch": part.get("epoch"),
                "seq": part.get("seq"),
                "sensor": "any",
                "at": 0,
                "values": {"pm25": 0.0},
            }
        )
    except ValidationError:
        return None
    return Key(route.full, item.epoch, item.seq)
