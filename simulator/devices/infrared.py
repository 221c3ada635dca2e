"""An infrared sender (Tasmota-IR or ESPHome) and the purifier that it points at, as a pure machine.

The sender answers that it has sent, and knows no more. The purifier obeys codes that it receives, has a button of its
own, and stays off when mains return.
"""

from __future__ import annotations

import json
from typing import Any

from simulator.devices.device import Publish


class InfraredPurifier:
    """`codes`: code → speed it switches to, "" for off. `blocked`: somebody stands in the way."""

    load_w: float | None = None

    def __init__(self, topic: str, codes: dict[str, str], *, esphome: bool = False) -> None:
        self._topic, self._esphome = topic, esphome
        self._codes = {_plain(code): speed for code, speed in codes.items()}
        self.speed = ""
        self.disobey = self.dead = self.blocked = False
        self.sent: list[str] = []

    @property
    def on(self) -> bool:
        return self.speed != ""

    @property
    def purifying(self) -> bool:
        return self.on and not self.dead

    def topics(self) -> list[str]:
        return [f"{self._topic}/infrared"] if self._esphome else [f"cmnd/{self._topic}/#"]

    def connected(self, now: float) -> list[Publish]:
        return [self._lives(True)]

    def disconnected(self, now: float) -> list[Publish]:
        return []

    def farewell(self) -> list[Publish]:
        return [self._lives(False)]

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        code = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload
        if not self._esphome and topic != f"cmnd/{self._topic}/IRSend":
            return []
        self.sent.append(code)
        if not self._esphome and not code.startswith("0,") and not isinstance(_read(code), dict):
            return [Publish(f"stat/{self._topic}/RESULT", '{"IRSend":"Invalid JSON"}')]
        if not self.blocked and not self.disobey:
            self.speed = self._codes.get(_plain(code), self.speed)
        return [] if self._esphome else [Publish(f"stat/{self._topic}/RESULT", '{"IRSend":"Done"}')]

    def http(self, path: str, now: float) -> list[Publish]:
        return []

    def tick(self, now: float) -> list[Publish]:
        return []

    def press(self, now: float) -> list[Publish]:
        self.speed = "" if self.on else "pressed"
        return []

    def drop(self, now: float) -> list[Publish]:
        return self.press(now)

    def reboot(self, now: float) -> list[Publish]:
        self.speed = ""
        return self.connected(now)

    def remaining_s(self, now: float) -> float:
        return 0.0

    def _lives(self, alive: bool) -> Publish:
        if self._esphome:
            return Publish(f"{self._topic}/status", "online" if alive else "offline", retain=True)
        return Publish(f"tele/{self._topic}/LWT", "Online" if alive else "Offline", retain=True)


def _read(code: str) -> Any:
    try:
        return json.loads(code)
    except ValueError:
        return None


def _plain(code: str) -> str:
    told = _read(code)
    return json.dumps(told, sort_keys=True) if isinstance(told, dict) else code
