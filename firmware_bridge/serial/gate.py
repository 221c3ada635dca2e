"""Holds a sensor's frames back until it is certain whose they are. Pure: time is an argument."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from firmware_bridge.drivers import Frame

_MOST_HELD: Final = 256  # batches; a sensor that never says who it is must not fill the memory
PATIENCE_S: Final = 10.0  # for a sensor to say who it is


class Batch(NamedTuple):
    """Frames, the elapsed() time of their first byte, and whether the sensor was warming up."""

    frames: list[Frame]
    at_s: float
    warming_up: bool


class Gate:
    """Opened anew with each opening of the port.

    For a moment after a re-plug the names of devices are in motion: a link may still point at what another adapter has
    just become. So what arrives within `settle_s` waits until the link has stood still for that long, and is thrown
    away if it moved. `wanted` is what the sensor has to say of itself ("": anything will do).
    """

    def __init__(self, wanted: str, opened_s: float, settle_s: float) -> None:
        self._wanted, self._opened_s, self._settled_s = wanted, opened_s, opened_s + settle_s
        self._held: deque[Batch] = deque(maxlen=_MOST_HELD)

    @property
    def holding(self) -> bool:
        return bool(self._held)

    @property
    def count(self) -> int:
        """Frames held at present."""
        return sum(len(batch.frames) for batch in self._held)

    def put(self, batch: Batch) -> None:
        self._held.append(batch)

    def fault(self, identity: str, now_s: float) -> str:
        """The key below [health] of why nothing passes, "" when nothing is wrong."""
        if self._wanted and identity and identity != self._wanted:
            return "wrong_identity"
        if self._wanted and not identity and now_s - self._opened_s > PATIENCE_S:
            return "identity_not_told"
        return ""

    def take(self, identity: str, now_s: float) -> list[Batch]:
        """What may pass now, oldest first; what belongs to another sensor is forgotten."""
        if not self._held or now_s < self._settled_s:
            return []
        if self._wanted and identity != self._wanted:
            if identity:
                self._held.clear()
            return []
        passing = list(self._held)
        self._held.clear()
        return passing
