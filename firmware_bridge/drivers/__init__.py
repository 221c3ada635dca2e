"""The Driver contract: bytes of a sensor in, measured values out, with no port, clock or thread; found by model."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from classair import plugins
from classair.model import Flag


@dataclass(slots=True)
class Frame:
    """One measurement as the sensor sent it; keys as in classair.model.QUANTITIES, each in its quantity's unit.

    `flags` speak about the whole frame, `value_flags` about single values. A quantity the frame does not carry is
    absent. Zero is a value.
    """

    values: dict[str, float]
    flags: Flag = Flag.NONE
    value_flags: dict[str, Flag] = field(default_factory=dict)


@dataclass(slots=True)
class Counters:
    """What became of every byte: `bytes_in` = `skipped` + `in_frames` + what waits for the rest of its frame.

    good: measurement frames. other: whole frames that carry no measurement (acknowledgements, echoes, errors).
    checksum, length: candidates refused for that reason; each costs one skipped byte, then the search goes on.
    """

    bytes_in: int = 0
    skipped: int = 0
    in_frames: int = 0
    good: int = 0
    other: int = 0
    checksum: int = 0
    length: int = 0


class Driver(Protocol):
    """Speaks one model of sensor. A driver file declares MODELS, a mapping of model name → something that makes one.

    Never raises for what a sensor sends. The result does not depend on how the bytes were cut into chunks.
    """

    baud: int                    # 8 data bits, no parity, 1 stop bit
    warm_up_s: float             # seconds after power-on for which values are not to be trusted
    frame_every_s: float         # the longest usual time between two frames, seconds
    poll_every_s: float | None   # None: the sensor sends by itself; else ask() is to be sent this often
    counters: Counters

    @property
    def pending(self) -> int:
        """Bytes kept because the rest of their frame has not come."""
        ...

    def start(self) -> bytes:
        """What to send after opening the port, and again when the sensor has fallen silent; may change each time."""
        ...

    def ask(self) -> bytes:
        """The question of a polled sensor; begins a new exchange, so what is left of an older answer is skipped."""
        ...

    def feed(self, data: bytes) -> list[Frame]:
        """The measurements completed by these bytes, in order."""
        ...

    def silence(self) -> list[Frame]:
        """Gives up an unfinished frame (call after a pause in the bytes); what was hidden behind it is found."""
        ...

    def encode(self, values: Mapping[str, float]) -> bytes:
        """The frame this driver reads as these values; what is missing is 0. For simulator and tests."""
        ...

    def answer(self, request: bytes, values: Mapping[str, float]) -> bytes:
        """What a sensor with these values answers to bytes sent by a host; empty when it would not. For simulator."""
        ...


class UnknownModel(LookupError):
    """No driver speaks this model; the message names those that are spoken."""


@cache
def models() -> Mapping[str, Callable[[], Driver]]:
    """Every model spoken by the drivers here and by installed packages (entry points `classair.drivers`)."""
    found: dict[str, Callable[[], Driver]] = {}
    for name in plugins.names(__name__):
        found.update(plugins.load(__name__, name).MODELS)
    return found


def driver_for(model: str) -> Driver:
    """A fresh driver for one sensor of this model. Raises UnknownModel."""
    known = models()
    if model not in known:
        near = difflib.get_close_matches(model, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownModel(f"no driver speaks the model {model!r}; {hint}known: {', '.join(sorted(known))}")
    return known[model]()
