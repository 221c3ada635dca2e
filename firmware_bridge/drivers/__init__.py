"""The Driver contract: bytes of a sensor in, measured values out, with no port, clock or thread; found by model."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from classair import plugins
from classair.model import Flag

LARGEST: Final = 1e9
"""No quantity of air comes near this. What is larger is damage, and would break a mean and no store would take it."""


MOST_UNREAD: Final = 32

MASSES: Final[tuple[str, ...]] = ("pm1", "pm25", "pm4", "pm10", "pm1_cf1", "pm25_cf1", "pm10_cf1")
COUNTS: Final[tuple[str, ...]] = ("n03", "n05", "n1", "n25", "n5", "n10", "nc05", "nc1", "nc25", "nc4", "nc10")
# Some batches report 0 µg/m³ in air that holds particles. 500 of them per 0.1 L are about 4 µg/m³ in ordinary frames.
_COUNTED: Final[Mapping[str, int]] = {"n03": 500, "nc05": 5, "nc10": 5}


@dataclass(slots=True)
class Frame:
    """One measurement as the sensor sent it; keys as in classair.model.QUANTITIES, each in its quantity's unit.

    `flags` speak about the whole frame, `value_flags` about single values. A quantity the frame does not carry is
    absent. Zero is a value. `at_ms`: UTC ms at which a device with a clock says it was measured; None by arrival.
    `messages` of a third-party device it was made of, by their content; the same ones within `again_s` seconds (None:
    whenever) are the same measurement.
    """

    values: dict[str, float]
    flags: Flag = Flag.NONE
    value_flags: dict[str, Flag] = field(default_factory=dict)
    at_ms: int | None = None
    messages: tuple[int, ...] = ()
    again_s: float | None = None

    def doubt_zeros(self) -> None:
        """Flags ZERO where every mass is 0, while particles are counted or while nothing is.

        The second is the cleanest air there is, a blocked inlet, or a dead laser or fan; a typical size proves nothing.
        """
        masses = [key for key in MASSES if key in self.values]
        if not masses or any(self.values[key] for key in masses):
            return
        counts = {key: self.values[key] for key in COUNTS if key in self.values}
        if any(counts.values()) and not any(counts.get(key, 0) >= least for key, least in _COUNTED.items()):
            return
        for key in masses if any(counts.values()) else (*masses, *counts):
            self.value_flags[key] = self.value_flags.get(key, Flag.NONE) | Flag.ZERO


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


@dataclass(slots=True)
class About:
    """What a sensor has said of itself so far; empty where it has not, or cannot.

    identity: what tells it from others of its kind (SDS011 id, SPS30 serial number, S8 id, a board's `id`).
    mode: how it works at present, such as active, passive, query, period 5 min.
    notes: anything else worth a line in a report, such as {"abc_hours": "180"}.
    unread: what stood where a value belongs and could not be read as one, by its name, and how often.
    unread_air: those of the newest message that are likely to be what a room needs, particles or CO2.
    """

    identity: str = ""
    firmware: str = ""
    mode: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    unread_air: tuple[str, ...] = ()

    def could_not_read(self, name: str) -> None:
        """Counts it. Names come from the wire: cut to plain text, and at most MOST_UNREAD are told apart."""
        name = "".join(char for char in name if char.isprintable())[:64] or "?"
        if name not in self.unread and len(self.unread) >= MOST_UNREAD:
            name = "others"
        self.unread[name] = self.unread.get(name, 0) + 1

    def unread_counts(self) -> dict[str, int]:
        """`unread_<name>` for the counters of the health topic."""
        return {f"unread_{name}": count for name, count in dict(self.unread).items()}


class Send(NamedTuple):
    """Bytes for the sensor, and how many seconds to wait before anything else is sent to it."""

    data: bytes
    pause_s: float = 0.0


class DriverSettings(BaseModel):
    """What `settings:` of a sensor may say. A driver file with more to ask has its own `Settings`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Driver(Protocol):
    """Speaks one model of sensor. A driver file declares MODELS: model name → what makes one from the settings.

    Never raises for what a sensor sends. The result does not depend on how the bytes were cut into chunks.
    """

    baud: int  # 8 data bits, no parity, 1 stop bit
    warm_up_s: float  # seconds after power-on or wake for which values are not to be trusted
    counters: Counters
    about: About

    @property
    def frame_every_s(self) -> float:
        """The longest usual time between two frames, seconds. May change with what the sensor says of its mode."""
        ...

    @property
    def poll_every_s(self) -> float | None:
        """None: the sensor sends by itself; else ask() is to be sent this often. May change with what it says."""
        ...

    @property
    def pending(self) -> int:
        """Bytes kept because the rest of their frame has not come."""
        ...

    def start(self) -> Sequence[Send]:
        """What to send after opening the port, and again when the sensor has fallen silent; may change each time."""
        ...

    def ask(self) -> bytes:
        """The question of a polled sensor; begins a new exchange, so what is left of an older answer is skipped."""
        ...

    def inquire(self) -> Sequence[Send]:
        """Questions that change nothing, about identity, firmware and mode; feed() puts the answers into `about`."""
        ...

    def sleep(self) -> Sequence[Send]:
        """Sends the sensor to sleep (laser and fan off); empty where it cannot."""
        ...

    def wake(self) -> Sequence[Send]:
        """Ends `sleep`; the sensor needs its warm-up again."""
        ...

    def changes(self, data: bytes) -> str:
        """What these bytes would calibrate, or change in what the sensor keeps over power-off; "" when nothing.

        A port refuses to write whatever this names. Only `classair configure`, confirmed by a person, may send it.
        """
        ...

    def kept(self) -> Mapping[str, bytes]:
        """The commands that `changes` names, by the name under which a person can ask for them."""
        ...

    def actions(self) -> Mapping[str, Sequence[Send]]:
        """What a person can ask for that the sensor does at once and forgets with its power, by name."""
        ...

    def accepted(self, command: bytes, answer: bytes) -> bool | None:
        """Whether the sensor's bytes say that it obeyed a command; False when it refused, None when they do not say."""
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
        """What a sensor with these values answers to bytes sent by a host; empty when it would not. For simulator.

        Commands of sleep, mode and the like are obeyed: what comes later is answered accordingly.
        """
        ...

    @property
    def speaks(self) -> bool:
        """As a simulated sensor: whether it sends by itself at present, after all that answer() was given."""
        ...


Maker = Callable[[Any], Driver]
"""Makes a driver from its validated settings: an instance of the file's `Settings`, else of DriverSettings."""


class UnknownModel(LookupError):
    """No driver speaks this model; the message names those that are spoken."""


@cache
def _makers() -> Mapping[str, tuple[Maker, type[BaseModel]]]:
    found: dict[str, tuple[Maker, type[BaseModel]]] = {}
    for name in plugins.names(__name__):
        module = plugins.load(__name__, name)
        settings = getattr(module, "Settings", DriverSettings)
        found.update((model, (maker, settings)) for model, maker in module.MODELS.items())
    return found


def models() -> tuple[str, ...]:
    """Every model spoken by the drivers here and by installed packages (entry points `classair.drivers`)."""
    return tuple(sorted(_makers()))


def settings_of(model: str) -> type[BaseModel]:
    """What `settings:` may say for a sensor of this model. Raises UnknownModel."""
    return _known(model)[1]


def driver_for(model: str, settings: Mapping[str, Any] | None = None) -> Driver:
    """A fresh driver for one sensor of this model. Raises UnknownModel, and pydantic.ValidationError for settings."""
    maker, shape = _known(model)
    return maker(shape.model_validate(dict(settings or {})))


def _known(model: str) -> tuple[Maker, type[BaseModel]]:
    known = _makers()
    if model not in known:
        near = difflib.get_close_matches(model, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownModel(f"unknown sensor model {model!r}; {hint}known: {', '.join(sorted(known))}")
    return known[model]
