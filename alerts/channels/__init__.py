"""How people are reached: one file a channel, found by its name in sensors.yaml under people.

A channel's module offers `Settings` (pydantic, unknown keys refused) and `Channel(settings)` with `send`, which
returns when the message is delivered and raises ChannelError when it is not. It may take its time: it is never called
on the path between a frame and a purifier. It logs neither names nor addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast

from pydantic import BaseModel

from classair import plugins


@dataclass(frozen=True, slots=True)
class Message:
    """In the reader's language. `urgent`: it is about something that must be looked at."""

    title: str
    text: str
    language: str
    urgent: bool = True


class ChannelError(Exception):
    """Not delivered. `permanent`: trying again will not help."""

    def __init__(self, why: str, *, permanent: bool) -> None:
        super().__init__(why)
        self.permanent = permanent


class Channel(Protocol):
    def send(self, message: Message) -> None: ...


def make(kind: str, settings: dict[str, Any]) -> Channel:
    """The channel of one person. Raises plugins.UnknownPlugin, pydantic.ValidationError."""
    module = plugins.load("alerts.channels", kind)
    checked: BaseModel = module.Settings.model_validate(settings)
    return cast(Channel, module.Channel(checked))
