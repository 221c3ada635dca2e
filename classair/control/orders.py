"""Messages that make a device act, and the way to it that does not need the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Publish:
    """A message to send; never retained, so that no old command waits at the broker."""

    topic: str
    payload: str


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A GET to the device's own address in the school's network.

    `object_back`: the device answers with a JSON object; whoever answers otherwise is another one at its address.
    """

    url: str
    object_back: bool = False


class EdgeOrder(Protocol):
    """How a bridge switches one device ON when the server is away. There is no OFF here: two must never fight.

    Both give an ON that ends by itself in the device after `seconds`. An empty answer: there is no such way.
    """

    def messages(self, seconds: int) -> Sequence[Publish]:
        """Over the broker, while that is there."""
        ...

    def calls(self, seconds: int) -> Sequence[HttpCall]:
        """To the device itself, where the broker is gone too; one after the other."""
        ...


@dataclass(frozen=True, slots=True)
class EdgeDevice:
    """A purifier `<site>.<id>` of a room `<site>.<id>`, as a bridge sees it. `order` None: only the server can."""

    purifier: str
    room: str
    order: EdgeOrder | None
