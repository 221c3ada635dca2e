"""How a port is and what happened to it, and what an error of the system means for its user."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from firmware_bridge.serial.identity import SeveralDevices
from firmware_bridge.serial.watchdog import Limits


@dataclass(frozen=True, slots=True)
class PortState:
    """How a port is. `state` as in classair.wire.SensorHealth; `cause` is a key below [health] in the locales.

    With `ok`, a cause is a warning: readings come, and something should be seen to all the same.
    """

    state: str
    cause: str = ""
    places: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class PortCounters:
    """What happened to the port beside the driver's own counting. `foreign`: frames of another sensor, set aside."""

    opened: int = 0
    silences: int = 0
    asked: int = 0
    stalls: int = 0
    slept: int = 0
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds. `look_s`: between looks for a device that is away, and whether an open one still is the same.

    `settle_s`: how long after a re-plug the names of devices may still be in motion. `back_off_s`: first and longest
    pause after a URL could not be opened.
    """

    look_s: float = 0.5
    settle_s: float = 1.0
    back_off_s: tuple[float, float] = (0.5, 5.0)
    limits: Limits = field(default_factory=Limits)


class Recorder(Protocol):
    """Sees every byte of one port as it travels, with its elapsed() time; must be quick and never raise."""

    def received(self, data: bytes, at_s: float) -> None: ...

    def sent(self, data: bytes, at_s: float) -> None: ...


def why_not_open(error: Exception, port: str) -> PortState:
    """What to tell of a port that could not be opened."""
    number = getattr(error, "errno", None)
    where = {"port": port}
    if number in (errno.EACCES, errno.EPERM):
        return PortState("error", "not_allowed", where)
    if number in (errno.EBUSY, errno.EAGAIN):
        return PortState("error", "in_use", where)
    if isinstance(error, SeveralDevices):
        return PortState("error", "several_devices", {**where, "devices": str(error)})
    if isinstance(error, ValueError) or number in (errno.ENOTTY, errno.EISDIR, errno.EINVAL):
        return PortState("error", "bad_port", where)
    return PortState("unplugged", "unplugged", where)
