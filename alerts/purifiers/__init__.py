"""How purifiers are spoken to: one file a kind, found by its name in sensors.yaml.

A kind's module offers `Settings` (pydantic, unknown keys refused; a required key gives an example) and `Purifier`. It
decides nothing: alerts.control.machine does. It only turns a command into messages and the device's messages into what
they say, and says what the device needs at the broker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pydantic import BaseModel

from alerts.control.unit import Command
from classair import plugins
from classair.accounts import Account


@dataclass(frozen=True, slots=True)
class Publish:
    """A message to send; never retained, so that no old command waits at the broker."""

    topic: str
    payload: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a device said: its relay (`on`), or whether it can be reached (`online`).

    `answer`: it said so because of a command and not in its regular report. `unread`: the word for the relay's state
    that this kind does not know; what a person must change follows from it.
    """

    on: bool | None = None
    online: bool | None = None
    answer: bool = False
    unread: str = ""


class Purifier(Protocol):
    """One device. `clock` gives UTC ms."""

    def __init__(self, name: str, settings: Any, clock: Callable[[], int]) -> None: ...

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
        """How to ask for its state without touching its timer."""
        ...

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        """What a message on one of its topics says; nothing for those that are of no interest."""
        ...


def make(name: str, kind: str, settings: dict[str, Any], clock: Callable[[], int]) -> Purifier:
    """The purifier `<site>.<id>` of a kind. Raises plugins.UnknownPlugin, pydantic.ValidationError."""
    module = plugins.load("alerts.purifiers", kind)
    checked: BaseModel = module.Settings.model_validate(settings)
    return cast(Purifier, module.Purifier(name, checked, clock))
