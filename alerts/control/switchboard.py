"""All purifiers of the organisation: from control's decisions to messages, and back. Publishes what each one is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pydantic import ValidationError

from alerts import purifiers
from alerts.control import machine, saved_state
from alerts.control.unit import Action, Command, Limits, Query, Recovered, Trouble, Unit, clock_stepped, restarted
from alerts.ledger import Ledger
from alerts.purifiers import Publish, Purifier, Said
from classair import config
from classair.config import Config
from classair.control.signal import Signal
from classair.i18n import in_every_language
from classair.plugins import UnknownPlugin
from classair.wire import PurifierState, Topics

log = logging.getLogger(__name__)


class Say(Protocol):
    """Publishes one message; False when there is no connection."""

    def __call__(self, topic: str, payload: str, *, retain: bool = False, qos: int = 1) -> bool: ...


@dataclass(slots=True)
class _Managed:
    room: str
    device: Purifier
    settings: config.Purifier
    limits: Limits
    unit: Unit
    simulated: bool
    signal: Signal
    published: PurifierState | None = None
    kept: str = ""
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Matter:
    """Something a person is told, or that it is over."""

    purifier: str
    room: str
    over: bool
    wanted: bool = True
    tries: int = 0


class Switchboard:
    """Not thread-safe: everything is called from the one loop of alerts. `clock` gives UTC ms."""

    def __init__(self, ledger: Ledger, say: Say, clock: Callable[[], int]) -> None:
        self._ledger, self._say, self._clock = ledger, say, clock
        self._units: dict[str, _Managed] = {}
        self._by_topic: dict[str, list[str]] = {}
        self._by_room: dict[str, list[str]] = {}
        self._memories = ledger.memories()
        self._topics: Topics | None = None
        self._version = 0
        self.commands = 0
        self._not_controlled: list[dict[str, str]] = []

    # -- configuration -------------------------------------------------------------------------------------------------

    def follow(self, config: Config, version: int, now: int) -> list[str]:
        """Purifiers as configured; one that stays keeps its memory. Returns the topics to hear from now on."""
        self._topics, self._version = Topics(config.org), version
        self._not_controlled = []
        rule = config.purifier_rule()
        fresh: dict[str, _Managed] = {}
        for name, part in config.purifiers():
            limits = Limits(
                _ms(rule.on_for),
                _ms(rule.off_for),
                _ms(rule.min_on),
                _ms(rule.min_off),
                rule.max_starts_per_hour,
                part.when_blind,
            )
            settings = part
            old = self._units.get(name)
            if old is not None and old.settings == settings:
                device, unit = old.device, old.unit
            else:
                try:
                    device = purifiers.make(name, part, self._clock)
                except (UnknownPlugin, ValidationError) as error:
                    self._not_controlled.append(
                        in_every_language("alerts_warning.not_controlled", purifier=name, why=_why(error))
                    )
                    log.error("purifier_not_controlled purifier=%s error=%s", name, _why(error))
                    continue
                unit = restarted(saved_state.read(self._memories.pop(name, None), now), now)
            room = f"{name.partition('.')[0]}.{part.room}"
            if old is not None and old.room != room:
                # Nothing is known of the other room's air yet; its patience begins now.
                unit = replace(unit, watching_since=now, seen_until=0)
            fresh[name] = _Managed(
                room,
                device,
                settings,
                limits,
                unit,
                part.simulated,
                old.signal if old is not None and old.room == room else Signal(),
                old.published if old is not None else None,
                old.kept if old is not None else "",
            )
        self._units = fresh
        self._by_topic, self._by_room = {}, {}
        for name, managed in fresh.items():
            self._by_room.setdefault(managed.room, []).append(name)
            for topic in managed.device.topics():
                self._by_topic.setdefault(topic, []).append(name)
        return list(self._by_topic)

    def retained_topics(self) -> set[str]:
        assert self._topics is not None
        return {self._state_topic(name) for name in self._units}

    # -- what happens --------------------------------------------------------------------------------------------------

    def step(self, room: str, signal: Signal, block_end: int | None, now: int) -> list[Matter]:
        """Lets each purifier of a room look at the signal and the clock."""
        matters: list[Matter] = []
        for name in self._by_room.get(room, ()):
            managed = self._units[name]
            managed.signal = signal
            unit, actions = machine.step(managed.unit, signal, block_end, managed.limits, now)
            if unit is not managed.unit or actions:
                managed.unit = unit
                matters += self._act(name, managed, actions, block_end, now)
        return matters

    def hear(
        self, topic: str, payload: bytes, retained: bool, block_end: Callable[[str], int | None], now: int
    ) -> tuple[set[str], list[Matter]]:
        """A device's message: the rooms it concerns, and what came of it."""
        rooms: set[str] = set()
        matters: list[Matter] = []
        for name in self._by_topic.get(topic, ()):
            managed = self._units[name]
            said = managed.device.read_state(topic, payload, retained)
            if said:
                rooms.add(managed.room)
                matters += self._take(name, managed, said, retained, block_end(managed.room), now)
        return rooms, matters

    def knows(self, topic: str) -> bool:
        return topic in self._by_topic

    def reconnected(self, block_end: Callable[[str], int | None], now: int) -> None:
        """The broker is back: ask every device, say again what is retained."""
        for name, managed in self._units.items():
            managed.published = None
            managed.unit, actions = machine.reconnected(managed.unit, now)
            self._act(name, managed, actions, block_end(managed.room), now)

    def clock_stepped(self, by_ms: int, now: int) -> None:
        """The system's clock was put right by `by_ms`."""
        for name, managed in self._units.items():
            managed.unit, managed.signal = clock_stepped(managed.unit, by_ms, now), Signal()
            self._tell(name, managed, now)

    def order(
        self,
        name: str,
        on: bool | None,
        minutes: float | None,
        who: str,
        block_end: Callable[[str], int | None],
        now: int,
    ) -> tuple[str, PurifierState]:
        """A person's word; acted on at once. Raises KeyError for an unknown purifier."""
        managed = self._units[name]
        end = block_end(managed.room)
        managed.unit = machine.order(managed.unit, on, minutes, who, end, now)
        managed.unit, actions = machine.step(managed.unit, managed.signal, end, managed.limits, now)
        self._act(name, managed, actions, end, now)
        return managed.room, self._state(name, managed, now)

    def states_in(self, room: str, now: int) -> tuple[PurifierState, ...]:
        """What screens are told about a room's purifiers."""
        return tuple(
            self._units[name].published or self._state(name, self._units[name], now)
            for name in self._by_room.get(room, ())
        )

    def names(self) -> list[str]:
        return list(self._units)

    def warnings(self) -> list[dict[str, str]]:
        """What keeps purifiers from being controlled, by language: settings, or answers that nobody can read."""
        return self._not_controlled + [
            in_every_language("alerts_warning.unread", purifier=name, word=managed.unread)
            for name, managed in self._units.items()
            if managed.unread
        ]

    # -- inside --------------------------------------------------------------------------------------------------------

    def _take(
        self, name: str, managed: _Managed, said: Iterable[Said], retained: bool, block_end: int | None, now: int
    ) -> list[Matter]:
        matters: list[Matter] = []
        for word in said:
            actions: list[Action] = []
            if word.unread and word.unread != managed.unread:
                log.warning("purifier_state_unread purifier=%s word=%s", name, word.unread)
            if word.unread or word.on is not None:
                managed.unread = word.unread
            if word.online is not None:
                managed.unit, actions = machine.line(managed.unit, word.online, retained, now)
            if word.on is not None:
                before = managed.unit
                managed.unit, more = machine.observed(managed.unit, word.on, word.answer, block_end, now)
                actions += more
                if managed.unit.override is not None and managed.unit.override is not before.override:
                    log.info("purifier_switched_at_device purifier=%s on=%s", name, word.on)
            matters += self._act(name, managed, actions, block_end, now)
            managed.unit, actions = machine.step(managed.unit, managed.signal, block_end, managed.limits, now)
            matters += self._act(name, managed, actions, block_end, now)
        return matters

    def _act(
        self, name: str, managed: _Managed, actions: Sequence[Action], block_end: int | None, now: int
    ) -> list[Matter]:
        matters: list[Matter] = []
        for action in actions:
            if isinstance(action, Command):
                sent = managed.device.command(action)
                said = self._send(sent)  # before anything is written down
                self.commands += 1
                self._ledger.write(
                    'insert into command(purifier, at, "on", mode, reason, seconds, attempt, signal, signal_at, '
                    "config_version) values(?,?,?,?,?,?,?,?,?,?)",
                    name,
                    now,
                    int(action.on),
                    action.mode,
                    action.reason,
                    action.seconds,
                    action.attempt,
                    managed.signal.median,
                    managed.signal.newest_at,
                    self._version,
                )
                log.info(
                    "purifier_command_sent purifier=%s on=%s mode=%s seconds=%s attempt=%d reason=%s",
                    name,
                    action.on,
                    action.mode,
                    action.seconds,
                    action.attempt,
                    action.reason,
                )
            elif isinstance(action, Query):
                said = self._send(managed.device.query())
            else:
                said = []
                if isinstance(action, Trouble):
                    log.warning(
                        "purifier_not_confirmed purifier=%s wanted=%s attempts=%d", name, action.wanted, action.tries
                    )
                    matters.append(Matter(name, managed.room, False, action.wanted, action.tries))
                elif isinstance(action, Recovered):
                    log.info("purifier_responding purifier=%s", name)
                    matters.append(Matter(name, managed.room, True))
            if said:
                matters += self._take(name, managed, said, False, block_end, now)
        self._tell(name, managed, now)
        return matters

    def _send(self, messages: Iterable[Publish | Said]) -> list[Said]:
        said: list[Said] = []
        for message in messages:
            if isinstance(message, Said):
                said.append(message)
            else:
                # At most once: the client would send it again on a later connection, when it may be hours old.
                self._say(message.topic, message.payload, qos=0)
        return said

    def _tell(self, name: str, managed: _Managed, now: int) -> None:
        """Publishes and remembers what changed."""
        state, old = self._state(name, managed, now), managed.published
        if old is None or state != old.model_copy(update={"at": now}):
            if self._say(self._state_topic(name), state.model_dump_json(), retain=True):
                managed.published = state
            if old is None or (state.on, state.mode) != (old.on, old.mode):
                self._ledger.write(
                    'insert into purifier_seen(purifier, at, "on", mode, reason) values(?,?,?,?,?)',
                    name,
                    now,
                    state.on,
                    state.mode,
                    state.reason,
                )
        kept = saved_state.written(managed.unit)
        if kept != managed.kept:
            managed.kept = kept
            self._ledger.write("insert or replace into purifier_memory values(?,?,?)", name, now, kept)

    def _state(self, name: str, managed: _Managed, now: int) -> PurifierState:
        unit = managed.unit
        override = unit.override
        mode = "person" if override is not None else "unknown" if unit.on is None else unit.mode
        return PurifierState(
            purifier=name,
            room=managed.room,
            on=unit.on,
            since=unit.since or unit.watching_since,
            at=now,
            mode=mode,
            reason=unit.reason,
            confirmed=unit.on is not None and unit.pending is None,
            expires_at=unit.expires_at,
            override_until=override.until if override is not None else None,
            simulated=managed.simulated,
        )

    def _state_topic(self, name: str) -> str:
        assert self._topics is not None
        site, _, purifier = name.partition(".")
        return self._topics.purifier_state(site, purifier)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
    return str(error)
