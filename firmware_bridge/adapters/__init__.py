"""The Adapter contract: messages of somebody else's device in, measured values out; pure, found by model.

An adapter file declares MODELS (model name → what makes one) and, where it has something to ask, `Settings`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Final, Protocol

from pydantic import BaseModel, ConfigDict, Field

from classair import plugins
from classair.accounts import Account
from classair.config.scalars import Duration
from firmware_bridge.drivers import About, Frame, UnknownModel

WAYS: Final = ("mqtt", "http")
LONGEST_INTERVAL_S: Final = 86_400  # a reading may stand for a day, classair.wire.ReadingItem


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message. `topic` is empty over HTTP, where `sender` is what the device says of itself in its headers.

    `now_s`: elapsed seconds; `now_ms`: UTC ms, None while the bridge does not know it. `retained`: the broker kept it
    from earlier, so nobody knows how old it is.
    """

    topic: str
    payload: bytes
    retained: bool
    now_s: float
    now_ms: int | None = None
    sender: str = ""


@dataclass(slots=True)
class Measured:
    """A frame, and when the device says it was measured (UTC ms); None where it has no clock to be believed."""

    frame: Frame
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MessageRejected:
    """Why a message gives no values, in one word that is counted: retained, stale, repeat, malformed, foreign …

    `detail` is for a person who looks at an HTTP answer or a log.
    """

    reason: str
    detail: str = ""


class AdapterSettings(BaseModel):
    """What `settings:` of a foreign device may always say: how often it speaks."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    interval: Annotated[
        Annotated[Duration, Field(le=LONGEST_INTERVAL_S)] | None,
        Field(description="how often it sends, at least once a day; else as the firmware comes"),
    ] = None


class Adapter(Protocol):
    """Understands one device. Never raises for what a device sends; the same messages give the same values."""

    own_clock: bool  # its messages carry a time of measuring that can be believed
    frame_every_s: float  # the usual time between two messages with values, seconds
    about: About
    online: bool | None  # what the broker's last word on it says; None: it has not said

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

    def due_s(self) -> float | None:
        return None

    def tick(self, now_s: float) -> list[Measured]:
        return []


Maker = Callable[[str, str, Any], Adapter]
"""(way, what stands behind `mqtt:` or `http:` in the port, validated settings) → adapter; ValueError when unfit."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A model as its file offers it. `path`: where it posts, with {id}; empty when it does not."""

    maker: Maker
    settings: type[BaseModel]
    ways: tuple[str, ...]
    path: str


@cache
def _kinds() -> Mapping[str, Kind]:
    found: dict[str, Kind] = {}
    for name in plugins.names(__name__):
        module = plugins.load(__name__, name)
        path = getattr(module, "HTTP_PATH", "")
        for model, maker in module.MODELS.items():
            found[model] = Kind(maker, getattr(module, "Settings", AdapterSettings), module.WAYS, path)
    return found


def models() -> tuple[str, ...]:
    """Every device understood by the adapters here and by installed packages (entry points `classair.adapters`)."""
    return tuple(sorted(_kinds()))


def kind_of(model: str) -> Kind:
    """Raises UnknownModel."""
    known = _kinds()
    if model not in known:
        near = difflib.get_close_matches(model, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownModel(f"unknown model {model!r} of a third-party device; {hint}known: {', '.join(sorted(known))}")
    return known[model]


def is_foreign(port: str) -> bool:
    """Whether a port of sensors.yaml leads to somebody else's device instead of a serial line."""
    return port.partition(":")[0] in WAYS


def adapter_for(model: str, port: str, settings: Mapping[str, Any] | None = None) -> Adapter:
    """A fresh adapter for one device.

    Raises UnknownModel, pydantic.ValidationError for its settings, and ValueError for a port it cannot be at.
    """
    kind = kind_of(model)
    way, _, place = port.partition(":")
    if way not in kind.ways:
        expected = " or ".join(f"{way}:…" for way in kind.ways)
        raise ValueError(f"a {model} needs a port {expected}, got {port}")
    if way == "mqtt":
        fault = topic_fault(place)
        if fault:
            raise ValueError(f"{port}: {fault}")
    return kind.maker(way, place, kind.settings.model_validate(dict(settings or {})))


OURS: Final = ("classair", "homeassistant", "cmnd", "stat", "$SYS", "$share")
"""First levels of topics that belong to others than a foreign sensor."""


def topic_fault(topic: str) -> str:
    """Why a sensor cannot be at this topic or prefix; empty when it can."""
    levels = topic.split("/")
    if "+" in topic or "#" in topic:
        return "a topic must not contain wildcards (+ and #)"
    if not all(levels):
        return "a topic must not begin or end with /, nor contain //"
    if levels[0] in OURS or levels[0].startswith("$"):
        return f"topics under {levels[0]}/ are reserved"
    if len(topic) > 128 or any(ord(char) < 33 for char in topic):
        return "a topic must have at most 128 characters and no spaces"
    return ""
