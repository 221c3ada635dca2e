"""The matters that people are notified about: each is opened once, reported once and closed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alerts.channels import Message
from alerts.control.managed import Matter
from alerts.control.unit import FAULTS
from alerts.delivery.deliverer import Delivery, Job, Result
from alerts.ledger import Ledger
from alerts.rules import old_messages as messages
from classair.config import Config, PersonOffRule, PurifierFaultRule, SilentRule

_OF = "/"  # between a rule's name, what of a purifier it tells, and a device's own words


@dataclass(slots=True)
class _Open:
    since: int
    told_at: int | None


class Rules:
    """Not thread-safe but for what Delivery does. Open matters survive a restart, so that nobody is told twice."""

    def __init__(self, ledger: Ledger, delivery: Delivery) -> None:
        self._ledger, self._delivery = ledger, delivery
        self._open = {key: _Open(*value) for key, value in ledger.matters().items()}
        self._untold = {key for key, matter in self._open.items() if matter.told_at is None}
        self._config: Config | None = None

    def follow(self, config: Config) -> None:
        """Works by this configuration; what was open about a room, purifier or rule that is gone is closed unsaid."""
        self._config = config
        subjects = {name for name, _ in config.rooms()} | {name for name, _ in config.purifiers()}
        for key in [key for key in self._open if _rule(key[0]) not in config.rules or key[1] not in subjects]:
            self._forget(key)

    def only(self, matters: set[tuple[str, str, str]]) -> None:
        """`matters`: what of which purifier is open, in which words. What is not was about a device that was exchanged:
        closed unsaid, so that the new one's faults are told.
        """
        assert self._config is not None
        of_purifiers = {
            name for name, rule in self._config.rules.items() if isinstance(rule, PurifierFaultRule | PersonOffRule)
        }
        held = {(_key(name, what, detail), subject) for name in of_purifiers for what, subject, detail in matters}
        for key in list(self._open):
            if _rule(key[0]) in of_purifiers and key not in held:
                self._forget(key)

    def silences(self, rooms: dict[str, tuple[int | None, int]], now: int) -> None:
        """`rooms`: room → (newest valid value, since when it is watched)."""
        assert self._config is not None
        for name, rule in self._config.rules.items():
            if not isinstance(rule, SilentRule):
                continue
            patience = round(rule.for_ * 1000)
            for room, (newest, began_at) in rooms.items():
                since = began_at if newest is None else newest
                key = (name, room)
                if now - since >= patience:
                    self._begin(key, rule.tell, since, _silence(room, since, newest is None))
                elif newest is not None and key in self._open:
                    self._end(key, rule.tell, _silence(room, newest, False, over=True))

    def purifier(self, matter: Matter, now: int) -> None:
        """What is wrong with a purifier, or that it is over; and a person's OFF in dusty air."""
        assert self._config is not None
        if not self._config.has_room(matter.room):
            return  # it left together with its room
        for name, rule in self._config.rules.items():
            if isinstance(rule, PurifierFaultRule) and matter.what in FAULTS:
                people = rule.tell
            elif isinstance(rule, PersonOffRule) and matter.what in ("person_off", "person_off_long"):
                people = rule.tell if matter.what == "person_off" else rule.tell_later
            else:
                continue
            key = (_key(name, matter.what, matter.detail), matter.purifier)
            if matter.once:
                self._send(key, people, "problem", _purifier(matter))
            elif matter.over:
                self._end(key, people, _purifier(matter))
            else:
                self._begin(key, people, now, _purifier(matter))

    def delivered(self, result: Result, now: int) -> None:
        """Writes every try down; the first success makes the matter told."""
        job = result.job
        self._ledger.write(
            "insert into delivery(rule, subject, kind, person, channel, at, attempt, ok, error) "
            "values(?,?,?,?,?,?,?,?,?)",
            job.rule,
            job.subject,
            job.kind,
            job.person,
            job.channel,
            now,
            result.attempt,
            int(result.ok),
            result.error,
        )
        matter = self._open.get((job.rule, job.subject))
        if result.ok and job.kind == "problem" and matter is not None and matter.told_at is None:
            matter.told_at = now
            self._ledger.write("update matter set told_at=? where rule=? and subject=?", now, job.rule, job.subject)

    def told_at(self, room: str) -> int | None:
        """When a message about this room's silence was delivered, while it lasts."""
        told = [
            matter.told_at
            for (_, subject), matter in self._open.items()
            if subject == room and matter.told_at is not None
        ]
        return min(told, default=None)

    def _forget(self, key: tuple[str, str]) -> None:
        del self._open[key]
        self._untold.discard(key)
        self._ledger.write("delete from matter where rule=? and subject=?", *key)

    def _begin(
        self, key: tuple[str, str], people: list[str], since: int, word: Callable[[Config, str], Message]
    ) -> None:
        if key in self._open and key not in self._untold:
            return
        self._untold.discard(key)  # it was open when the last process ended, but nobody had heard of it
        if key not in self._open:
            self._open[key] = _Open(since, None)
            self._ledger.write("insert or replace into matter values(?,?,?,null)", *key, since)
        self._send(key, people, "problem", word)

    def _end(self, key: tuple[str, str], people: list[str], word: Callable[[Config, str], Message]) -> None:
        matter = self._open.pop(key, None)
        self._untold.discard(key)
        if matter is None:
            return
        self._ledger.write("delete from matter where rule=? and subject=?", *key)
        if matter.told_at is not None:
            self._send(key, people, "recovery", word)

    def _send(self, key: tuple[str, str], people: list[str], kind: str, word: Callable[[Config, str], Message]) -> None:
        assert self._config is not None
        for name in people:
            person = self._config.people[name]
            self._delivery.send(Job(key[0], key[1], kind, name, person.channel, word(self._config, person.language)))


def _silence(room: str, since: int, never: bool, over: bool = False) -> Callable[[Config, str], Message]:
    return lambda config, language: messages.silence(config, language, room, since, over=over, never=never)


def _purifier(matter: Matter) -> Callable[[Config, str], Message]:
    return lambda config, language: messages.purifier(config, language, matter)


def _key(rule: str, what: str, detail: str) -> str:
    """What a rule tells of a purifier; each of a device's own words is a matter of its own."""
    if what == "not_obeying":
        return rule
    return _OF.join((rule, what, detail) if what == "device" else (rule, what))


def _rule(key: str) -> str:
    """The rule's own name: one rule tells of several things about one purifier."""
    return key.partition(_OF)[0]
