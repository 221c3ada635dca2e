"""What every simulated purifier, plug or gateway is: a pure machine that messages, time and people go into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Publish:
    """A message the device sends."""

    topic: str
    payload: str
    retain: bool = False


class Device(Protocol):
    """One device as a broker, the mains and a room see it. `now` is seconds of any steady clock, the same in each call.

    on: the relay, and with it the purifier. disobey: the relay sticks; commands are answered with what is. dead: the
    purifier behind a live plug draws nothing. load_w: what a purifier that runs draws; None without a meter.
    """

    on: bool
    disobey: bool
    dead: bool
    load_w: float | None

    @property
    def purifying(self) -> bool:
        """Whether air is cleaned now."""
        ...

    def topics(self) -> list[str]:
        """What it subscribes to."""
        ...

    def connected(self, now: float) -> list[Publish]:
        """It has reached the broker: what it says then."""
        ...

    def disconnected(self, now: float) -> list[Publish]:
        """The broker is gone; its own rules may act. What it says now nobody hears."""
        ...

    def farewell(self) -> list[Publish]:
        """What the broker says in its place when it is gone: the last will."""
        ...

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        """A message arrived."""
        ...

    def http(self, path: str, now: float) -> list[Publish]:
        """A request to its own page, path and query; nothing for a device without one."""
        ...

    def tick(self, now: float) -> list[Publish]:
        """What time brings: the end of the expiry, the regular word."""
        ...

    def press(self, now: float) -> list[Publish]:
        """Somebody presses the button of the device."""
        ...

    def drop(self, now: float) -> list[Publish]:
        """The relay changes by itself, for no reason that anybody gave."""
        ...

    def reboot(self, now: float) -> list[Publish]:
        """Power was cut and came back."""
        ...

    def remaining_s(self, now: float) -> float:
        """Seconds until it switches itself off; 0 when it will not."""
        ...
