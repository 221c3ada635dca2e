"""Whether a sensor is warming up, by the time since power, wake or re-plug and never by its values. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from firmware_bridge.serial.identity import Device

UNSEEN_S: Final = 900.0
"""A port whose device cannot be told apart (a built-in one, a URL) may have lost power while nobody looked for so
long; up to then a bridge that was merely restarted finds its sensors warm."""


class LastSeen(NamedTuple):
    """When a sensor last spoke: the machine's run (boot id), elapsed() in it, on which device; whether it slept."""

    boot: str
    at_s: float
    device: Device | None
    asleep: bool = False


def power_since(last: LastSeen | None, boot: str, now_s: float, device: Device | None) -> float:
    """The elapsed() time since which a sensor found at `now_s` must be taken to have had power.

    0 is the start of the machine: a sensor fed by it has been on since then. Unknown sensors have been on since then
    as well; what they said before the bridge was installed is nobody's.
    """
    if last is None or last.boot != boot:
        return 0.0
    if last.asleep:
        return now_s
    if last.device is not None and device is not None:
        return now_s if last.device != device else 0.0
    return now_s if now_s - last.at_s > UNSEEN_S else 0.0


class Warmth:
    """One sensor's warm-up. Begins with the first byte after power, because until then nobody knows that it is on."""

    def __init__(self, warm_up_s: float, since_s: float = 0.0) -> None:
        self._warm_up_s = warm_up_s
        self._warm_at = since_s + warm_up_s
        self._cold = False

    def power_lost(self) -> None:
        """Its port has gone or it was sent to sleep: it warms up again from the first byte that comes."""
        self._cold = True

    def byte(self, now_s: float) -> None:
        if self._cold:
            self._cold = False
            self._warm_at = now_s + self._warm_up_s

    def warming_up(self, now_s: float) -> bool:
        return self._cold or now_s < self._warm_at
