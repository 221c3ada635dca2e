"""A fan in Home Assistant with the automation of docs/connect-a-purifier.md, as a pure machine.

Home Assistant is what is at the broker: its last will is not retained, its timer is restored after a restart and ends
then when it should have ended meanwhile. The fan itself goes on while Home Assistant is away.
"""

from __future__ import annotations

import json
from typing import Any, Final

from simulator.devices.device import Publish

_WORD_S: Final = 60.0


class HomeAssistantFan:
    """One fan entity (Device). unavailable: Home Assistant cannot reach it."""

    def __init__(self, name: str, *, status_topic: str = "homeassistant/status", now: float = 0.0) -> None:
        self.base, self.status_topic = f"purifier/{name}", status_topic
        self.on = self.disobey = self.dead = self.unavailable = False
        self.load_w: float | None = None
        self.percent = 100
        self._ends_at: float | None = None
        self._next_word = now + _WORD_S

    @property
    def purifying(self) -> bool:
        return self.on and not self.dead

    def topics(self) -> list[str]:
        return [f"{self.base}/set", f"{self.base}/get"]

    def connected(self, now: float) -> list[Publish]:
        return [Publish(self.status_topic, "online"), *self._state()]

    def disconnected(self, now: float) -> list[Publish]:
        return []

    def farewell(self) -> list[Publish]:
        return [Publish(self.status_topic, "offline")]

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        if topic == f"{self.base}/get":
            return self._state()
        try:
            order = json.loads(payload)
        except (ValueError, RecursionError):
            return []
        if topic != f"{self.base}/set" or not isinstance(order, dict) or not isinstance(order.get("on"), bool):
            return []
        seconds = order.get("seconds")
        if order["on"] and not (isinstance(seconds, int) and seconds > 0):
            return []
        self._ends_at = now + float(seconds) if order["on"] and seconds else None
        if not self.disobey:
            percent = order.get("percent")
            self.on, self.percent = order["on"], percent if isinstance(percent, int) else self.percent
        if self.on is not order["on"]:
            return []  # the automation waits in vain for the state
        return self._state(id=order.get("id", ""))

    def http(self, path: str, now: float) -> list[Publish]:
        return []

    def tick(self, now: float) -> list[Publish]:
        if self._ends_at is not None and now >= self._ends_at:
            self._ends_at = None
            return self._move(False)
        if now >= self._next_word:
            self._next_word = now + _WORD_S
            return self._state()
        return []

    def press(self, now: float) -> list[Publish]:
        return self._move(not self.on)

    def drop(self, now: float) -> list[Publish]:
        return self._move(not self.on)

    def reboot(self, now: float) -> list[Publish]:
        """Home Assistant begins again."""
        return [*self.farewell(), *self.tick(now), *self.connected(now)]

    def remaining_s(self, now: float) -> float:
        return max(0.0, self._ends_at - now) if self._ends_at is not None and self.on else 0.0

    def _move(self, on: bool) -> list[Publish]:
        if not self.disobey:
            self.on = on
        return self._state()

    def _state(self, **more: Any) -> list[Publish]:
        word = "unavailable" if self.unavailable else "on" if self.on else "off"
        return [Publish(f"{self.base}/state", json.dumps({"state": word, "percent": self.percent, **more}))]
