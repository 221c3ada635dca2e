"""What an adapter is given and what it gives: messages, measured values, reasons; and what the bridge wants of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from classair.accounts import Account
from firmware_bridge.drivers import About, Frame


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message. `topic` is empty over HTTP, where `sender` is what the device says of itself in its headers.

    `now_s`: elapsed seconds; `now_ms`: UTC ms, None while the bridge does not know it. `retained`: the broker kept it
    from earlier, so nobody knows how old it is. `kept_s`: the broker may have kept it for this bridge for so long.
    """

    topic: str
    payload: bytes
    retained: bool
    now_s: float
    now_ms: int | None = None
    sender: str = ""
    kept_s: float = 0.0


@dataclass(slots=True)
class Measured:
    """A frame, and when the device says it was measured (UTC ms), believable or not; None where it does not say."""

    frame: Frame
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MessageRejected:
    """Why a message gives no values, in one word that is counted: retained, stale, repeat, malformed, foreign …

    `detail` is for a person who looks at an HTTP answer or a log.
    """

    reason: str
    detail: str = ""


class Adapter(Protocol):
    """Understands one device. Never raises for what a device sends; the same messages give the same values.

    It says what a message says. Whether that was said before, and whether the time in it can be right, is judged for
    all devices alike (`_heard.py`).
    """

    @property
    def own_clock(self) -> bool:
        """Its messages carry a time of measuring."""
        ...

    @property
    def keeps(self) -> bool:
        """It sends later what it could not send at once."""
        ...

    @property
    def frame_every_s(self) -> float:
        """The usual time between two messages with values, seconds."""
        ...

    @property
    def about(self) -> About: ...

    @property
    def online(self) -> bool | None:
        """What the broker's last word on it says; None: it has not said."""
        ...

    @property
    def facts(self) -> dict[str, str]:
        """What it has said of itself that holds for messages to come, also after a restart of the bridge."""
        ...

    @property
    def warning(self) -> str:
        """A key below [health] of what should be seen to although values come; empty without."""
        ...

    def topics(self) -> Sequence[str]:
        """The exact topics to hear, no wildcards; empty over HTTP."""
        ...

    def account(self) -> Account:
        """What the device itself needs at the broker."""
        ...

    def take(self, arrival: Arrival) -> list[Measured] | MessageRejected:
        """What a message says. An empty list: nothing against it, but no values (yet)."""
        ...

    def due_s(self) -> float | None:
        """When `tick` should be called at the latest, elapsed seconds; None while nothing waits."""
        ...

    def tick(self, now_s: float) -> list[Measured]:
        """Values that waited for others of the same moment."""
        ...


@dataclass(slots=True)
class Quiet:
    """What adapters without anything of the kind share: no last word, nothing that waits."""

    online: bool | None = None
    about: About = field(default_factory=About)
    keeps: bool = True
    facts: dict[str, str] = field(default_factory=dict)
    warning: str = ""

    def due_s(self) -> float | None:
        return None

    def tick(self, now_s: float) -> list[Measured]:
        return []
