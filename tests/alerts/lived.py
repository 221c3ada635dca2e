"""A purifier, its room, its people and its controller, with whatever may happen to them; keeps watch over promises.

`Life.happens` takes one event; between events time passes in small steps. Device time (`t`) runs steadily, the clock of
the controller (`now`) may be put right. Every promise is asserted on what the plug really does, except while the plug
itself disobeys, and then again as soon as it has had time to come to its senses.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from alerts.control import machine as control
from alerts.control import overrides, saved_state
from alerts.control.goals import is_idle
from alerts.control.occupancy import UNKNOWN, Occupancy, empty, occupied
from alerts.control.unit import REASONS, Command, Limits, Query, Told, Unit, clock_stepped, restarted
from alerts.purifiers import Said
from classair.control.signal import SignalFollower
from classair.science.averages import Sample

SEC: Final = 1000
MIN: Final = 60_000
T0: Final = 1_790_000_000_000
LEVELS: Final = (3.0, 12.0, 20.0, 30.0, 60.0, 120.0, 300.0)
SENSORS: Final = ("a", "b", "c")
EVENTS: Final = (
    "level",
    "silence",
    "speak",
    "clock",
    "restart",
    "down",
    "limits",
    "sensors",
    "ignore",
    "fall",
    "quiet",
    "reboot",
    "lie",
    "again",
    "button",
    "order",
    "occupied",
    "dirty_outdoors",
    "empty",
    "before",
    "unknown",
    "line",
    "stuck_meter",
)
CALM_MS: Final = 190 * SEC  # a plug that misbehaved is known and put right by then


@dataclass
class Plug:
    """A relay with a timer. It may ignore what it is told, fall silent, lie, fall off, start anew."""

    names_people: bool
    on: bool = False
    on_since: int = 0
    ends_at: int | None = None
    began_at: int = 0
    pressed_at: int | None = None
    ignores_until: int = 0
    quiet_until: int = 0
    draws: bool = True
    by: str = ""
    words: list[Said] = field(default_factory=list)

    def switch(self, on: bool, t: int, by: str, ends_at: int | None = None) -> None:
        if on and not self.on:
            self.on_since = t
        self.on, self.by = on, by
        self.ends_at = ends_at if on else None

    def obey(self, command: Command, t: int) -> list[Said]:
        if t < self.ignores_until:
            return []
        ends_at = None if command.seconds is None else t + command.seconds * SEC
        self.switch(command.on, t, "command", ends_at)
        return [self.report(t, answer=True)] if t >= self.quiet_until else []

    def report(self, t: int, answer: bool = False) -> Said:
        return Said(
            on=self.on,
            answer=answer,
            by="person" if self.names_people and self.by == "person" else "",  # type: ignore[arg-type]
            watts=(40.0 if self.on and self.draws else 0.0),
            up_s=(t - self.began_at) / 1000,
            person_s=None if self.pressed_at is None or not self.names_people else (t - self.pressed_at) / 1000,
        )


@dataclass
class Life:
    names_people: bool
    meters: bool
    when_blind: bool
    sensors: int
    t: int = T0
    offset: int = 0
    who: Occupancy = UNKNOWN
    down_until: int = 0
    occupied_until: int = 0  # in device time
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.limits = Limits(names_people=self.names_people, meters=self.meters, when_blind=self.when_blind)
        self.plug = Plug(self.names_people)
        self.unit = Unit(watching_since=self.now, heard_at=self.now)
        self.levels = dict.fromkeys(SENSORS[: self.sensors], 10.0)
        self.mute: set[str] = set()
        self.follower = SignalFollower(25.0, 15.0, 50.0)
        self.old: list[Said] = []
        self.sent: list[Command] = []
        self.asked = 0
        self.last_words: dict[str, float] = {}  # what sensors that are silent now measured all the five minutes before
        self.steady_since = dict.fromkeys(self.levels, self.t)
        self.calm_since = self.t  # since when the plug has behaved and we have been there
        self.dark_since: int | None = None
        self.high_since: int | None = None
        self.alone_since: int | None = None
        self.quiet_since: int | None = None

    @property
    def now(self) -> int:
        return self.t + self.offset

    # -- what happens --------------------------------------------------------------------------------------------------

    def happens(self, event: str, number: int) -> None:
        self.counts[event] = self.counts.get(event, 0) + 1
        sensor = SENSORS[number % self.sensors]
        span = (1 + number % 30) * 20 * SEC
        match event:
            case "level" if sensor in self.levels:
                self.levels[sensor] = LEVELS[number // 3 % len(LEVELS)]
                self.steady_since[sensor] = self.t
            case "silence" if sensor in self.levels:
                if sensor not in self.mute and self.t - self.steady_since[sensor] > 310 * SEC and not self.is_down:
                    self.last_words[sensor] = self.levels[sensor]
                self.mute.add(sensor)
            case "speak" if sensor in self.levels:
                self.mute.discard(sensor)
                self.last_words.pop(sensor, None)
                self.steady_since[sensor] = self.t
            case "clock":
                by = (number - 50) * 977 * SEC
                if by:
                    self.offset += by
                    self.unit = clock_stepped(self.unit, by, self.now)
                    self.who = self._moved(by)
                    self.follower = SignalFollower(25.0, 15.0, 50.0)
                    self.last_words.clear()
                    self.steady_since = dict.fromkeys(self.levels, self.t)
                    self.disturbed()
            case "restart":
                self._restart()
                self.disturbed()
            case "down":
                self.down_until = self.t + span
            case "limits":
                least = (5, 10, 20)[number % 3]
                self.limits = replace(self.limits, off_at_most_ms=least * MIN, min_on_ms=(5 + number % 3 * 5) * MIN)
            case "sensors":
                if len(self.levels) > 1:
                    self.levels.pop(sensor, None)
                    self.last_words.pop(sensor, None)
                    self.mute.discard(sensor)
                    self.follower.only(self.levels)
            case "ignore":
                self.plug.ignores_until = self.t + span
            case "fall":
                if self.plug.on:
                    self.plug.switch(False, self.t, "")
                    self.disturbed()
                    self.plug.words.append(self.plug.report(self.t))
            case "quiet":
                self.plug.quiet_until = self.t + span
            case "reboot":
                self.plug.began_at = self.t
                self.plug.switch(number % 2 == 0 and self.plug.on, self.t, "start", self.plug.ends_at)
                self.plug.words.append(Said(online=True) if number % 3 else self.plug.report(self.t))
                self.disturbed()
            case "lie":
                self.plug.words.append(replace(self.plug.report(self.t), on=not self.plug.on))
                self.disturbed()
            case "again":
                self.plug.words += self.old[-3:]
                self.disturbed()
            case "button":
                self.plug.pressed_at = self.t
                self.plug.switch(not self.plug.on, self.t, "person")
                self.plug.words.append(self.plug.report(self.t, answer=True))
                self.disturbed()
            case "order":
                minutes = (None, 5.0, 90.0, 600.0)[number % 4]
                wish = (True, False, None)[number // 4 % 3]
                if not self.is_down:
                    self.unit = control.order(self.unit, wish, minutes, "u-1", self.who, self.limits, self.now)
            case "occupied":
                self.who = occupied(self.now + (1 + number) * MIN)
            case "dirty_outdoors":
                self.who = replace(occupied(self.now + (1 + number) * MIN), stay_on=True)
            case "empty":
                self.who = empty(self.now + (40 + number) * MIN)
            case "before":
                self.who = empty(self.now + 15 * MIN, pre_clean=True)
            case "unknown":
                self.who = UNKNOWN
            case "line":
                if not self.is_down:
                    self.unit, actions = control.reconnected(self.unit, self.now)
                    self._do(actions)
                    self.disturbed()
                    self.quiet_since = None
            case "stuck_meter":
                self.plug.draws = not self.plug.draws

    def _restart(self) -> None:
        self.unit = restarted(saved_state.read(saved_state.written(self.unit), self.now), self.now)
        held, self.quiet_since = self.follower.held, None
        self.follower = SignalFollower(25.0, 15.0, 50.0)
        self.follower.add([Sample(at, median, 10 * SEC, name) for name, (at, median) in held.items()])

    def disturbed(self) -> None:
        """What we know and what is may differ for a while."""
        self.calm_since = self.t

    @property
    def is_down(self) -> bool:
        return self.t < self.down_until

    def _moved(self, by: int) -> Occupancy:
        moved = {key: None if at is None else at + by for key, at in (("until", self.who.until),)}
        start = None if self.who.next_start is None else self.who.next_start + by
        return replace(self.who, until=moved["until"], next_start=start)

    # -- time passes ---------------------------------------------------------------------------------------------------

    def pass_time(self, seconds: int) -> None:
        end = self.t + seconds * SEC
        while self.t < end:
            self.t += 5 * SEC
            self._tick()

    def _tick(self) -> None:
        plug, now = self.plug, self.now
        self.sent.clear()
        self.asked = 0
        if plug.on and plug.ends_at is not None and self.t >= plug.ends_at:
            plug.switch(False, self.t, "timer")
            plug.words.append(plug.report(self.t, answer=True))
        if self.who.until is not None and now >= self.who.until:
            self.who = empty(now + 60 * MIN)
        if self.who.next_start is not None and now >= self.who.next_start:
            self.who = occupied(now + 45 * MIN)
        if self.t < plug.ignores_until or self.t < plug.quiet_until or self.is_down:
            self.disturbed()
        if self.is_down:
            plug.words.clear()
            self._watch()
            if self.t + 5 * SEC >= self.down_until:
                self._restart()
            return
        if self.t % (10 * SEC) == 0:
            fresh = [Sample(now, level, 10 * SEC, name) for name, level in self.levels.items() if name not in self.mute]
            self.follower.add(fresh)
        if self.who.kind == "empty":
            self.follower.forget_silent()
            self.last_words.clear()
        if self.t % (60 * SEC) == 0 and self.t >= plug.quiet_until:
            plug.words.append(plug.report(self.t))
        words, plug.words = plug.words, []
        if self.t >= plug.quiet_until:
            for word in words:
                self._hear(word)
        self._step()
        self._watch()

    def _step(self) -> None:
        before = self.unit
        self.unit, actions = control.step(self.unit, self.follower.signal, self.who, self.limits, self.now)
        self._judge(before, actions)
        self._do(actions)

    def _do(self, actions: list[control.Action]) -> None:
        for action in actions:
            if isinstance(action, Command):
                self.sent.append(action)
                assert len(self.sent) < 12, ("an endless exchange", self.sent[-3:], self.unit)
                for word in self.plug.obey(action, self.t):
                    self._hear(word)
            elif isinstance(action, Query):
                self.asked += 1
                assert self.asked < 6, ("asked without end", self.unit)
                if self.t < self.plug.quiet_until:
                    continue
                self._hear(self.plug.report(self.t))

    def _hear(self, word: Said) -> None:
        self.old.append(word)
        del self.old[:-6]
        self.unit, first = control.heard(self.unit, self.now)
        actions: list[control.Action] = list(first)
        if word.online is not None:
            self.unit, more = control.line(self.unit, word.online, False, self.now)
            actions += more
        self.unit, more = control.observed(self.unit, word, self.who, self.limits, self.now)
        self._do([*actions, *more])
        self._step()

    # -- promises ------------------------------------------------------------------------------------------------------

    def _judge(self, before: Unit, actions: list[control.Action]) -> None:
        """What a step decided."""
        signal, unit, now = self.follower.signal, self.unit, self.now
        commands = [action for action in actions if isinstance(action, Command)]
        assert len(commands) <= 1, commands
        assert all(told.what for told in actions if isinstance(told, Told))
        override = unit.override
        if override is not None:
            longest = self.limits.off_at_most_ms if not override.on else max(3_600_000, 6_060_000)
            assert overrides.end_of(override, self.limits) - override.since <= longest, override
            assert now < overrides.end_of(override, self.limits), "an override that does not end"
        for command in commands:
            assert command.reason in REASONS, command
            if command.on:
                assert command.seconds is not None and 0 < command.seconds <= 64_800, "an ON without an expiry"
            if override is not None:
                assert command.on == override.on or before.pending is not None, "a person was overruled"
            if not command.on and command.mode == "auto":
                assert now - unit.since >= self.limits.min_on_ms, ("automatic OFF before its minimum time", unit)
                assert not (self.who.children and self.who.stay_on), "an OFF that would not last"
                low = signal.lasts(signal.low_since, self.limits.off_for_ms)
                assert low or is_idle(self.who, self.limits), ("an OFF without a reason", command, signal)
                alive = [level for name, level in self.levels.items() if name not in self.mute]
                assert is_idle(self.who, self.limits) or (signal.median is not None and signal.median <= 15), alive
                dead = [level for level in self.last_words.values() if level > 15]
                assert is_idle(self.who, self.limits) or not dead, ("a sensor's death made a room clean", self.unit)
            if command.on and command.mode == "auto" and before.on is False and before.pending is None:
                assert signal.newest_at is not None and now - signal.newest_at <= 180_000, "an ON by old data"
                assert not is_idle(self.who, self.limits), "an ON for nobody"
            assert command.on or command.mode != "fail_safe"

    def _watch(self) -> None:
        """What the plug really does."""
        assert self.unit.reason in (*REASONS, ""), self.unit.reason
        quiet = self.t < self.plug.quiet_until and not self.is_down
        self.quiet_since = (self.t if self.quiet_since is None else self.quiet_since) if quiet else None
        if self.quiet_since is not None and self.t - self.quiet_since > 95 * SEC:
            assert self.unit.on is None and self.unit.is_open("silent"), ("nobody is told of its silence", self.unit)
        calm = self.t - self.calm_since >= CALM_MS
        override = self.unit.override
        forced_off = override is not None and not override.on
        newest = self.follower.signal.newest_at
        blind = newest is None or self.now - newest > 180_000
        dark = self.who.children and blind and self.limits.when_blind and not forced_off
        self.dark_since = (self.t if self.dark_since is None else self.dark_since) if dark else None
        if calm and self.dark_since is not None and self.t - self.dark_since >= 195 * SEC:
            assert self.plug.on, ("fail-safe not reached", self.unit)
        worst = max((self.levels[name] for name in self.levels if name not in self.mute), default=0.0)
        high = self.who.children and worst >= 30.0 and not forced_off
        self.high_since = (self.t if self.high_since is None else self.high_since) if high else None
        if calm and self.high_since is not None and self.t - self.high_since >= 560 * SEC:
            assert self.plug.on, ("off in dust with children there", self.unit, self.follower.signal)
        by_person = override is not None or self.unit.mode == "person"
        alone = is_idle(self.who, self.limits) and not by_person
        self.alone_since = (self.t if self.alone_since is None else self.alone_since) if alone else None
        if self.plug.on and calm and self.alone_since is not None:
            minimum = max(self.plug.on_since, self.unit.since - self.offset) + self.limits.min_on_ms
            assert self.t <= max(self.alone_since + 300 * SEC, minimum + 30 * SEC), ("on for nobody", self.unit)
        if self.plug.on and calm and self.plug.by == "command":
            assert self.plug.ends_at is not None, "it would run for ever"
