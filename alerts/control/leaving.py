"""Devices that a change of sensors.yaml has taken out: none may run on for hours unseen.

One that is on is told, with confirmation, to end when its minimum time does, or to switch off. One that was off when it
was heard last, or was never heard, is asked before it is forgotten, for it may have gone on since. So it is where the
change came while alerts was down, too. The broker goes on letting us speak with it for two minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError

from alerts import purifiers
from alerts.control import saved_state
from alerts.control.asking import CONFIRM_MS
from alerts.control.managed import Managed, Matter, limits_of, same_device
from alerts.control.unit import Command, clock_stepped
from alerts.purifiers import Said
from classair import config
from classair.config import PurifierRule
from classair.plugins import UnknownPlugin

log = logging.getLogger(__name__)

TRIES: Final = 6
MARK: Final = "#"  # between a purifier's name and the moment it left, in the ledger's key
REASON: Final = "taken out of the configuration"


@dataclass(slots=True)
class _Leaver:
    """`running`: as far as is known it is on and has to be ended; else it is only asked."""

    name: str
    key: str
    managed: Managed
    running: bool
    tries: int = 0
    sent_at: int = 0
    sent: Command | None = None


class Leaving:
    """`send` brings a command to a device, `ask` asks it; what devices without a line say at once comes back."""

    def __init__(
        self,
        send: Callable[[str, Managed, Command, int], list[Said]],
        ask: Callable[[Managed], list[Said]],
        keep: Callable[[str, str | None, int], None],
    ) -> None:
        self._send, self._ask, self._keep = send, ask, keep
        self._leavers: list[_Leaver] = []

    def add(self, name: str, managed: Managed, now: int, key: str = "") -> None:
        """A device that is not configured any more; nothing happens where it is off and cannot be asked."""
        unit = managed.unit
        going_on = any(sent is not None and sent.on for sent in (unit.pending, unit.unanswered))
        running = unit.on is True or (unit.on is None and bool(unit.last_on)) or going_on
        if running or managed.limits.asked:
            log.info("purifier_left purifier=%s kind=%s running=%s", name, managed.part.kind, running)
            leaver = _Leaver(name, key or f"{name}{MARK}{now}", managed, running)
            self._leavers.append(leaver)
            self._keep(leaver.key, managed.memory(), now)
        elif key:
            self._keep(key, None, now)

    def remembered(
        self, memories: Mapping[str, str], rule: PurifierRule, clock: Callable[[], int], now: int
    ) -> Iterator[str]:
        """Takes on what an earlier life left behind. Yields the keys that it has dealt with."""
        for key, text in memories.items():
            name, kept = key.partition(MARK)[0], saved_state.read_all(text, now)
            yield key
            managed = _again(name, kept, rule, clock)
            if managed is None:
                self._keep(key, None, now)
            else:
                self.add(name, managed, now, key)

    def topics(self) -> Iterator[tuple[str, str]]:
        """(topic, key) of all that is still to be heard."""
        for leaver in self._leavers:
            for topic in leaver.managed.device.topics():
                yield topic, leaver.key

    def without(self, parts: Iterable[config.Purifier], topics: Iterable[str], now: int) -> None:
        """Forgets those that are configured (again), under whatever name."""
        configured, known = list(parts), set(topics)
        for leaver in list(self._leavers):
            own = leaver.managed.device.topics()
            if known.intersection(own) or any(same_device(leaver.managed.part, part) for part in configured):
                self._done(leaver, now)

    def hear(self, topic: str, payload: bytes, retained: bool, now: int) -> None:
        for leaver in list(self._leavers):
            if topic in leaver.managed.device.topics():
                self._said(leaver, leaver.managed.device.read_state(topic, payload, retained), now)

    def step(self, now: int) -> list[Matter]:
        matters: list[Matter] = []
        for leaver in list(self._leavers):
            self._said(leaver, leaver.managed.heard(), now)
            if leaver not in self._leavers or (leaver.tries and now - leaver.sent_at < CONFIRM_MS):
                continue
            if leaver.tries >= TRIES:
                if leaver.running:
                    log.warning("purifier_left_on purifier=%s attempts=%d", leaver.name, leaver.tries)
                    room, tries = leaver.managed.room, leaver.tries
                    matters.append(Matter(leaver.name, room, "not_obeying", False, REASON, False, tries, once=True))
                self._done(leaver, now)
                continue
            leaver.tries, leaver.sent_at = leaver.tries + 1, now
            if leaver.running:
                leaver.sent = _command(leaver, now)
                self._said(leaver, self._send(leaver.name, leaver.managed, leaver.sent, now), now)
            else:
                self._said(leaver, self._ask(leaver.managed), now)
            if not leaver.managed.limits.reports and leaver in self._leavers:
                self._done(leaver, now)
        return matters

    def clock_stepped(self, by_ms: int, now: int) -> None:
        for leaver in self._leavers:
            leaver.managed.unit = clock_stepped(leaver.managed.unit, by_ms, now)
            leaver.sent_at += by_ms

    def _said(self, leaver: _Leaver, words: Iterable[Said], now: int) -> None:
        for word in words:
            obeyed = leaver.sent is not None and word.on == leaver.sent.on and (word.answer or not word.on)
            if word.on is False or obeyed:
                self._done(leaver, now)
                break
            if word.on and not leaver.running:
                self._found_on(leaver, now)

    def _found_on(self, leaver: _Leaver, now: int) -> None:
        log.info("purifier_left_while_on purifier=%s", leaver.name)
        leaver.running, leaver.tries = True, 0
        leaver.managed.unit = replace(leaver.managed.unit, on=True, last_on=True, since=now)
        self._keep(leaver.key, leaver.managed.memory(), now)

    def _done(self, leaver: _Leaver, now: int) -> None:
        if leaver in self._leavers:
            self._leavers.remove(leaver)
            self._keep(leaver.key, None, now)


def _command(leaver: _Leaver, now: int) -> Command:
    unit, limits = leaver.managed.unit, leaver.managed.limits
    left = unit.since + limits.min_on_ms - now
    if left > CONFIRM_MS and limits.expires:
        return Command(True, -(-left // 1000), "auto", REASON, leaver.tries)
    # One that keeps no expiry goes off at once: nobody would do it later.
    return Command(False, None, "auto", REASON, leaver.tries)


def _again(name: str, kept: saved_state.Kept, rule: PurifierRule, clock: Callable[[], int]) -> Managed | None:
    if kept.part is None:
        return None
    try:
        part = config.Purifier.model_validate(kept.part)
        device = purifiers.make(name, part, clock)
    except (UnknownPlugin, ValidationError) as error:
        log.error("purifier_left_unknown purifier=%s error=%s", name, str(error).splitlines()[0])
        return None
    return Managed(kept.room, device, part, limits_of(rule, part, device.traits, 0), kept.unit)
