"""How purifiers are spoken to: one file a kind, found by its name in sensors.yaml.

A kind's module offers `Settings` (pydantic, unknown keys refused; a required key gives an example) and `Purifier`. It
decides nothing: alerts.control.machine does. It only turns a command into messages and the device's messages into what
they say, and says what the device needs at the broker and what it can guarantee. A module may offer `faults(unit)`:
what of the rest of a purifier's section its device cannot do, a line each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast, runtime_checkable

from pydantic import BaseModel

from alerts.control.unit import Command
from classair import config, plugins
from classair.accounts import Account
from classair.control.orders import EdgeOrder, Publish

__all__ = ["AsksItself", "By", "Publish", "Purifier", "Said", "Step", "Traits", "faults", "make"]

By = Literal["", "person", "command", "timer", "start"]
"""Who switched it, as the device itself says: "" where it does not, `timer` its expiry, `start` its own start."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a device can guarantee; control, `classair check` and the documentation follow from it.

    `expires`: it switches itself off after the seconds of an ON, `longest_s` at most, whoever has died meanwhile.
    `reports`: it says its state; without that a command counts as done. `asked`: it answers a query; without that its
    silence means nothing. `names_people`: it says that a person switched it (`Said.by`), so that any other change is a
    fault; what a device says of itself (`Said.names_people`) goes first. `meters`: it says what it draws. `speeds`: it
    has speeds and takes `Command.speed`.
    """

    expires: bool = True
    longest_s: int = 64_800
    reports: bool = True
    asked: bool = True
    names_people: bool = False
    meters: bool = False
    speeds: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What a device said: its relay (`on`), or whether it can be reached (`online`), or more about itself.

    `answer`: it said so because of a command or a change, and not in its regular report. `unread`: the word for the
    relay's state that this kind does not know; what a person must change follows from it. `by`: who brought about the
    state that it is in; a regular report may say so again. `watts`: what it draws now. `faults`: what it reports as
    wrong, in its own words, () when nothing is; None when it did not say. `speed`: the index into the purifier's
    speeds. `up_s`: seconds since its own start, so that a power cut is known and not guessed. `person_s`: seconds since
    a person last used its button, where it remembers that. `names_people`: whether it is set up to name a person.
    `filter_used`: share of its filter's life that is gone, 0 to 1.
    """

    on: bool | None = None
    online: bool | None = None
    answer: bool = False
    unread: str = ""
    by: By = ""
    watts: float | None = None
    faults: tuple[str, ...] | None = None
    speed: int | None = None
    up_s: float | None = None
    person_s: float | None = None
    names_people: bool | None = None
    filter_used: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One setting that makes the device ready, for `classair purifier prepare`.

    `key`: its text, purifier_setup.step.<key>. `answer`: whether a message on one of the device's topics says that it
    is set (True), that it cannot be (False), or something else (None). `optional`: what a device may lack, and is only
    told then.
    """

    key: str
    order: Publish
    answer: Callable[[str, bytes], bool | None]
    optional: bool = False


class Purifier(Protocol):
    """One device. `unit` is its part of sensors.yaml, `settings` what of it is this kind's. `clock` gives UTC ms."""

    traits: Traits

    def __init__(self, name: str, settings: Any, unit: config.Purifier, clock: Callable[[], int]) -> None: ...

    def account(self) -> Account:
        """What the device itself may write and read at the broker, its own topics alone; empty for none.

        Nothing else has to know: the broker's rules and passwords follow from it, and alerts may read what the device
        writes and write what it reads.
        """
        ...

    def topics(self) -> list[str]:
        """What to subscribe to, to hear it; within what its account writes."""
        ...

    def command(self, command: Command) -> Sequence[Publish | Said]:
        """What to send; a kind without a device says at once what it did."""
        ...

    def query(self) -> Sequence[Publish | Said]:
        """How to ask for its state and all else it can say, without touching its timer; empty if it cannot be asked."""
        ...

    def occupied(self, seconds: int | None) -> Sequence[Publish]:
        """Tells a device with a rule of its own for when the broker is gone how long children will be there.

        `seconds` to the end of the block; None in an empty room, while a person's OFF holds, and where a purifier is to
        stay off when nothing is known (when_blind). Said at each of these changes, after a birth and after a start;
        empty for kinds without such a rule.
        """
        ...

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        """What a message on one of its topics says; an empty `Said` for one that only shows that it lives."""
        ...

    def edge(self) -> EdgeOrder | None:
        """How a bridge switches it ON when the server is away; None when it cannot."""
        ...

    def prepare(self) -> Sequence[Step]:
        """What sets the device up once: reports, names of persons, a rule of its own for when the broker is gone.

        In their order, each after the answer to the one before; to do so again changes nothing.
        """
        ...


@runtime_checkable
class AsksItself(Protocol):
    """A device that is (also) asked by a way of its own, in a thread of its own, and not over the broker."""

    def heard(self) -> list[Said]:
        """What it has said since the last time. Collected each second; never waits."""
        ...


def make(name: str, unit: config.Purifier, clock: Callable[[], int]) -> Purifier:
    """The purifier `<site>.<id>` of a kind. Raises plugins.UnknownPlugin, pydantic.ValidationError."""
    module = plugins.load("alerts.purifiers", unit.kind)
    checked: BaseModel = module.Settings.model_validate(unit.settings)
    return cast(Purifier, module.Purifier(name, checked, unit, clock))


def faults(unit: config.Purifier) -> Iterable[str]:
    """What a purifier's device cannot do, beyond its own settings. Raises plugins.UnknownPlugin."""
    found: Callable[[config.Purifier], Iterable[str]] | None = getattr(
        plugins.load("alerts.purifiers", unit.kind), "faults", None
    )
    return found(unit) if found is not None else ()
