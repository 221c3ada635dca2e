"""All purifiers of the organisation: from control's decisions to messages, and back. Publishes what each one is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from pydantic import ValidationError

from alerts import purifiers
from alerts.control import machine, saved_state
from alerts.control.leaving import MARK, Leaving
from alerts.control.managed import UNTOLD, Managed, Matter, as_kept, limits_of, same_device
from alerts.control.occupancy import Occupancy
from alerts.control.unit import Action, Command, Query, Told, clock_stepped, in_another_room, restarted
from alerts.ledger import Ledger
from alerts.purifiers import Publish, Said
from alerts.rules.facts import PurifierMatter
from classair import config
from classair.config import Config
from classair.control.signal import Signal
from classair.i18n import in_every_language
from classair.plugins import UnknownPlugin
from classair.wire import PurifierState, Topics

__all__ = ["Matter", "Occupied", "Say", "Switchboard"]

log = logging.getLogger(__name__)

WATTS_EVERY_MS: Final = 10_000  # what a purifier draws is no news more often

Occupied = Callable[[str], Occupancy]
"""Who is in a room now."""


class Say(Protocol):
    """Publishes one message; False when there is no connection."""

    def __call__(self, topic: str, payload: str, *, retain: bool = False, qos: int = 1) -> bool: ...


class Switchboard:
    """Not thread-safe: everything is called from the one loop of alerts. `clock` gives UTC ms."""

    def __init__(self, ledger: Ledger, say: Say, clock: Callable[[], int]) -> None:
        self._ledger, self._say, self._clock = ledger, say, clock
        self._units: dict[str, Managed] = {}
        self._by_topic: dict[str, list[str]] = {}
        self._by_room: dict[str, list[str]] = {}
        self._memories = ledger.memories()
        self._leaving = Leaving(self._command, self._ask, self._keep)
        self._topics: Topics | None = None
        self._version = 0
        self.commands = 0
        self._not_controlled: list[dict[str, str]] = []

    # -- configuration -------------------------------------------------------------------------------------------------

    def follow(self, config: Config, version: int, now: int) -> list[str]:
        """Purifiers as configured; one that stays keeps its memory. Returns the topics to hear from now on."""
        self._topics, self._version = Topics(config.org), version
        self._not_controlled = []
        old = self._units
        self._units = {}
        for name, part in config.purifiers():
            managed = self._followed(name, part, old.get(name), config, now)
            if managed is not None:
                managed.follow(config)
                self._units[name] = managed
        self._by_topic, self._by_room = {}, {}
        for name, managed in self._units.items():
            self._by_room.setdefault(managed.room, []).append(name)
            for topic in managed.device.topics():
                self._by_topic.setdefault(topic, []).append(name)
        self._let_go(old, config, now)
        return [*self._by_topic, *(topic for topic, _ in self._leaving.topics())]

    def _followed(
        self, name: str, part: config.Purifier, old: Managed | None, config: Config, now: int
    ) -> Managed | None:
        """A purifier as this configuration has it; None when its settings say nothing that could be controlled."""
        same = old is not None and same_device(old.part, part)
        try:
            keep = same and old is not None and old.part == part
            device = old.device if keep and old is not None else purifiers.make(name, part, self._clock)
        except (UnknownPlugin, ValidationError) as error:
            self._not_controlled.append(
                in_every_language("alerts_warning.not_controlled", purifier=name, why=_why(error))
            )
            log.error("purifier_not_controlled purifier=%s error=%s", name, _why(error))
            return None
        later = config.person_off_later()
        room = f"{name.partition('.')[0]}.{part.room}"
        limits = limits_of(config.purifier_rule(room), part, device.traits, later)
        if old is not None and same:
            moved = old.room != room
            unit, signal = (in_another_room(old.unit, now), Signal()) if moved else (old.unit, old.signal)
            return Managed(room, device, part, limits, unit, signal, old.published, old.kept, old.unread)
        remembered = saved_state.read_all(self._memories.pop(name, None), now)
        if remembered.part is not None and not _is_it(remembered.part, part):
            self._memories[f"{name}{MARK}{now}"] = saved_state.written(
                remembered.unit, remembered.room, remembered.part
            )
            remembered = saved_state.read_all(None, now)
        unit = restarted(remembered.unit, now, device.traits.reports)
        if remembered.room not in ("", room):
            unit = in_another_room(unit, now)
        return Managed(room, device, part, limits, unit)

    def _let_go(self, old: dict[str, Managed], config: Config, now: int) -> None:
        """Devices that are not configured any more, of this life and of an earlier one."""
        for name, managed in old.items():
            new = self._units.get(name)
            if new is None or not same_device(new.part, managed.part):
                self._leaving.add(name, managed, now)
            if new is None:
                self._keep(name, None, now)
        broken = {name for name, _ in config.purifiers()} - self._units.keys()
        memories = {key: text for key, text in self._memories.items() if key not in broken}
        for key in self._leaving.remembered(memories, config.purifier_rule(), self._clock, now):
            del self._memories[key]
        self._leaving.without([managed.part for managed in self._units.values()], self._by_topic, now)

    def retained_topics(self) -> set[str]:
        assert self._topics is not None
        return {self._state_topic(name) for name in self._units}

    # -- what happens --------------------------------------------------------------------------------------------------

    def step(self, room: str, signal: Signal, occupancy: Occupancy, now: int) -> list[Matter]:
        """Lets each purifier of a room look at the signal, the clock and who is there."""
        matters: list[Matter] = []
        for name in self._by_room.get(room, ()):
            managed = self._units[name]
            managed.signal = signal
            if now < managed.trial_until:
                continue
            matters += self._after_trial(name, managed, occupancy, now)
            if managed.asks_itself:
                matters += self._take(name, managed, managed.heard(), False, occupancy, now)
            self._tell_occupied(managed, occupancy, now)
            unit, actions = self._step(managed, occupancy, now)
            if unit is not managed.unit or actions:
                managed.unit = unit
                matters += self._act(name, managed, actions, occupancy, now)
        return matters

    def try_out(self, name: str, until: int) -> None:
        """Leaves a purifier alone while somebody tries it out; 0 ends that. Raises KeyError."""
        self._units[name].trial_until = until or 1

    def _after_trial(self, name: str, managed: Managed, occupancy: Occupancy, now: int) -> list[Matter]:
        if not managed.trial_until:
            return []
        managed.trial_until, managed.told_until = 0, UNTOLD
        # What was done with it meanwhile is neither a fault nor a person's word: it is met anew.
        met = replace(managed.unit, on=None, last_on=None, pending=None, unanswered=None, expires_at=None)
        managed.unit, actions = machine.reconnected(met, now)
        return self._act(name, managed, actions, occupancy, now)

    def _step(self, managed: Managed, occupancy: Occupancy, now: int) -> machine.Outcome:
        speed = managed.speed(occupancy, now)
        return machine.step(managed.unit, managed.signal, occupancy, managed.limits, now, speed)

    def _tell_occupied(self, managed: Managed, occupancy: Occupancy, now: int) -> None:
        until = managed.runs_without_us(occupancy)
        if until != managed.told_until:
            managed.told_until = until
            self._send(managed.device.occupied(None if until is None else max(1, (until - now) // 1000)))

    def running(self, room: str) -> list[bool | None]:
        """Of each purifier of a room: True at full speed, False off, None between or not known."""
        return [self._units[name].at_full() for name in self._by_room.get(room, ())]

    def let_go(self, now: int) -> list[Matter]:
        """Goes on with devices that a change of the configuration has taken out."""
        return self._leaving.step(now)

    def hear(
        self, topic: str, payload: bytes, retained: bool, occupied: Occupied, now: int
    ) -> tuple[set[str], list[Matter]]:
        """A device's message: the rooms it concerns, and what came of it."""
        rooms: set[str] = set()
        matters: list[Matter] = []
        for name in self._by_topic.get(topic, ()):
            managed = self._units[name]
            said = managed.device.read_state(topic, payload, retained)
            if said and now >= managed.trial_until:
                rooms.add(managed.room)
                matters += self._take(name, managed, said, retained, occupied(managed.room), now)
        self._leaving.hear(topic, payload, retained, now)
        return rooms, matters

    def knows(self, topic: str) -> bool:
        return topic in self._by_topic or any(topic == other for other, _ in self._leaving.topics())

    def reconnected(self, occupied: Occupied, now: int) -> list[Matter]:
        """The broker is back, or we are: ask every device, say again what is retained."""
        matters: list[Matter] = []
        for name, managed in self._units.items():
            managed.published, managed.told_until = None, UNTOLD
            if managed.limits.asked:
                managed.unit, actions = machine.reconnected(managed.unit, now)
                matters += self._act(name, managed, actions, occupied(managed.room), now)
        return matters

    def clock_stepped(self, by_ms: int, now: int) -> None:
        """The system's clock was put right by `by_ms`."""
        self._leaving.clock_stepped(by_ms, now)
        for name, managed in self._units.items():
            managed.unit, managed.signal = clock_stepped(managed.unit, by_ms, now), Signal()
            self._tell(name, managed, now)

    def order(
        self,
        name: str,
        on: bool | None,
        minutes: float | None,
        who: str,
        occupied: Occupied,
        now: int,
    ) -> tuple[str, PurifierState, list[Matter]]:
        """A person's word; acted on at once. Raises KeyError for an unknown purifier."""
        managed = self._units[name]
        occupancy = occupied(managed.room)
        managed.unit = machine.order(managed.unit, on, minutes, who, occupancy, managed.limits, now)
        managed.unit, actions = self._step(managed, occupancy, now)
        matters = self._act(name, managed, actions, occupancy, now)
        return managed.room, managed.state(name, now), matters

    def states_in(self, room: str, now: int) -> tuple[PurifierState, ...]:
        """What screens are told about a room's purifiers."""
        return tuple(
            self._units[name].published or self._units[name].state(name, now) for name in self._by_room.get(room, ())
        )

    def names(self) -> list[str]:
        return list(self._units)

    def open_matters(self) -> set[tuple[str, str, str]]:
        """(what, subject, detail) of all that people have been told of configured purifiers and that is not over."""
        return {matter for name, managed in self._units.items() for matter in managed.open_matters(name)}

    def matters(self) -> list[PurifierMatter]:
        """All that is wrong with configured purifiers and not over, and people's OFF in dusty air."""
        return [matter for name, managed in self._units.items() for matter in managed.matters(name)]

    def warnings(self) -> list[dict[str, str]]:
        """What keeps purifiers from being controlled, by language: settings, or answers that nobody can read."""
        return self._not_controlled + [
            in_every_language("alerts_warning.unread", purifier=name, word=managed.unread)
            for name, managed in self._units.items()
            if managed.unread
        ]

    # -- inside --------------------------------------------------------------------------------------------------------

    def _take(
        self, name: str, managed: Managed, said: Iterable[Said], retained: bool, occupancy: Occupancy, now: int
    ) -> list[Matter]:
        matters: list[Matter] = []
        for word in said:
            actions: list[Action] = []
            if word.unread and word.unread != managed.unread:
                log.warning("purifier_state_unread purifier=%s word=%s", name, word.unread)
            if word.unread or word.on is not None:
                managed.unread = word.unread
            if word.online is not False and not retained:
                managed.unit, actions = machine.heard(managed.unit, now)
            if word.online is not None or word.by == "person":
                managed.told_until = UNTOLD  # a start and a press let its own rule rest
            if word.online is not None:
                managed.unit, more = machine.line(managed.unit, word.online, retained, now)
                actions += more
            before = managed.unit
            managed.unit, more = machine.observed(managed.unit, word, occupancy, managed.limits, now)
            actions += more
            if managed.unit.override is not None and managed.unit.override is not before.override:
                log.info("purifier_switched_at_device purifier=%s on=%s", name, word.on)
            matters += self._act(name, managed, actions, occupancy, now)
            managed.unit, actions = self._step(managed, occupancy, now)
            matters += self._act(name, managed, actions, occupancy, now)
        return matters

    def _act(
        self, name: str, managed: Managed, actions: Sequence[Action], occupancy: Occupancy, now: int
    ) -> list[Matter]:
        matters: list[Matter] = []
        for action in actions:
            said: list[Said] = []
            if isinstance(action, Command):
                said = self._command(name, managed, action, now)
            elif isinstance(action, Query):
                said = self._ask(managed)
            else:
                matters.append(_matter(name, managed, action))
            if said:
                matters += self._take(name, managed, said, False, occupancy, now)
        self._tell(name, managed, now)
        return matters

    def _command(self, name: str, managed: Managed, command: Command, now: int) -> list[Said]:
        said = self._send(managed.device.command(command))  # before anything is written down
        self.commands += 1
        self._ledger.write(
            'insert into command(purifier, at, "on", mode, reason, seconds, attempt, signal, signal_at, '
            "config_version) values(?,?,?,?,?,?,?,?,?,?)",
            name,
            now,
            int(command.on),
            command.mode,
            command.reason,
            command.seconds,
            command.attempt,
            managed.signal.median,
            managed.signal.newest_at,
            self._version,
        )
        log.info(
            "purifier_command_sent purifier=%s on=%s mode=%s seconds=%s attempt=%d reason=%s",
            name,
            command.on,
            command.mode,
            command.seconds,
            command.attempt,
            command.reason,
        )
        return said

    def _ask(self, managed: Managed) -> list[Said]:
        return self._send(managed.device.query())

    def _send(self, messages: Iterable[Publish | Said]) -> list[Said]:
        said: list[Said] = []
        for message in messages:
            if isinstance(message, Said):
                said.append(message)
            else:
                # At most once: the client would send it again on a later connection, when it may be hours old.
                self._say(message.topic, message.payload, qos=0)
        return said

    def _tell(self, name: str, managed: Managed, now: int) -> None:
        """Publishes and remembers what changed."""
        state, old = managed.state(name, now), managed.published
        if old is None or _is_news(state, old, now):
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
        kept = managed.memory()
        if kept != managed.kept:
            managed.kept = kept
            self._keep(name, kept, now)

    def _keep(self, key: str, memory: str | None, now: int) -> None:
        if memory is None:
            self._ledger.write("delete from purifier_memory where purifier=?", key)
        else:
            self._ledger.write("insert or replace into purifier_memory values(?,?,?)", key, now, memory)

    def _state_topic(self, name: str) -> str:
        assert self._topics is not None
        site, _, purifier = name.partition(".")
        return self._topics.purifier_state(site, purifier)


def _matter(name: str, managed: Managed, told: Told) -> Matter:
    if told.over:
        log.info("purifier_problem_over purifier=%s problem=%s detail=%s", name, told.what, told.detail)
    else:
        log.warning("purifier_problem purifier=%s problem=%s detail=%s", name, told.what, told.detail)
    return Matter(name, managed.room, told.what, told.over, told.detail, told.wanted, told.tries)


def _is_news(state: PurifierState, old: PurifierState, now: int) -> bool:
    """Whether it differs in more than its moment; what it draws alone is news every ten seconds."""
    if state == old.model_copy(update={"at": now}):
        return False
    return now - old.at >= WATTS_EVERY_MS or state != old.model_copy(update={"at": now, "watts": state.watts})


def _is_it(kept: dict[str, object], part: config.Purifier) -> bool:
    """Whether what is remembered is the device that is configured. Its secrets are not remembered."""
    try:
        return same_device(config.Purifier.model_validate(kept), config.Purifier.model_validate(as_kept(part)))
    except ValidationError:
        return False


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
    return str(error)
