"""The Adapter contract: messages of somebody else's device in, measured values out; pure, found by model.

An adapter file declares MODELS (model name → what makes one) and, where it has something to ask, `Settings`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from classair import plugins
from classair.config.scalars import Duration
from classair.parsing.names import unprintable
from firmware_bridge.adapters._contract import Adapter, Arrival, Measured, MessageRejected, Quiet
from firmware_bridge.adapters._device_clock import DeviceClock
from firmware_bridge.adapters._heard import Heard
from firmware_bridge.drivers import UnknownModel

__all__ = ["Adapter", "Arrival", "Heard", "Measured", "MessageRejected", "Quiet"]

WAYS: Final = ("mqtt", "http")
LONGEST_INTERVAL_S: Final = 86_400  # a reading may stand for a day, classair.wire.ReadingItem


class AdapterSettings(BaseModel):
    """What `settings:` of a foreign device may always say: how often it speaks."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    interval: Annotated[
        Annotated[Duration, Field(le=LONGEST_INTERVAL_S)] | None,
        Field(description="how often it sends, at least once a day; else as the firmware comes"),
    ] = None


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


def adapter_for(model: str, port: str, settings: Mapping[str, Any] | None = None) -> Heard:
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
    adapter = kind.maker(way, place, kind.settings.model_validate(dict(settings or {})))
    for topic in adapter.topics():  # names of the settings are part of some
        if fault := topic_fault(topic):
            raise ValueError(f"{topic}: {fault}")
    return Heard(adapter, DeviceClock(adapter.keeps))


LONGEST_TOPIC: Final = 200

OURS: Final = ("classair", "homeassistant", "cmnd", "stat", "$SYS", "$share")
"""First levels of topics that belong to others than a foreign sensor."""


def topic_fault(topic: str) -> str:
    """Why a sensor cannot be at this topic or prefix; empty when it can. Blanks and any letters are ordinary."""
    levels = topic.split("/")
    if "+" in topic or "#" in topic:
        return "a topic must not contain wildcards (+ and #)"
    if not all(levels):
        return "a topic must not begin or end with /, nor contain //"
    if levels[0] in OURS or levels[0].startswith("$"):
        return f"topics under {levels[0]}/ are reserved"
    if char := unprintable(topic):
        return f"a topic must not contain {char}"
    if topic != topic.strip():
        return "a topic must not begin or end with a blank"
    if len(topic) > LONGEST_TOPIC:
        return f"a topic must have at most {LONGEST_TOPIC} characters"
    return ""
