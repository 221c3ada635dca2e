"""Devices that are described by topics and payloads, as pure machines: a home-built one on our own wire, a timed relay
that reports JSON, and a plain switch as ESPHome makes it by default."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from simulator.devices.device import Publish

_WORD_S: Final = 60.0


class _Relay(ABC):
    """What the three have in common: a relay with a timer. Each says in its own words how it stands."""

    def __init__(self, load_w: float | None, now: float) -> None:
        self.on = self.disobey = self.dead = False
        self.load_w = load_w
        self.by = "start"
        self._ends_at: float | None = None
        self._booted_at, self._next_word = now, now + _WORD_S

    @property
    def purifying(self) -> bool:
        return self.on and not self.dead

    @property
    def watts(self) -> float:
        return (self.load_w or 0.0) if self.purifying else 0.0

    @abstractmethod
    def state(self, now: float) -> list[Publish]:
        """Its word on the relay."""

    @abstractmethod
    def online(self, there: bool) -> list[Publish]:
        """Its word, or its last will, on whether it is there."""

    def connected(self, now: float) -> list[Publish]:
        return [*self.online(True), *self.state(now)]

    def disconnected(self, now: float) -> list[Publish]:
        return []

    def farewell(self) -> list[Publish]:
        return self.online(False)

    def http(self, path: str, now: float) -> list[Publish]:
        return []

    def tick(self, now: float) -> list[Publish]:
        if self._ends_at is not None and now >= self._ends_at:
            return self.switch(False, None, "timer", now)
        if now >= self._next_word:
            self._next_word = now + _WORD_S
            return self.state(now)
        return []

    def press(self, now: float) -> list[Publish]:
        return self.switch(not self.on, None, "person", now)

    def drop(self, now: float) -> list[Publish]:
        return self.switch(not self.on, None, "", now)

    def reboot(self, now: float) -> list[Publish]:
        self.on, self._ends_at, self._booted_at, self.by = False, None, now, "start"
        return [*self.farewell(), *self.connected(now)]

    def remaining_s(self, now: float) -> float:
        return max(0.0, self._ends_at - now) if self._ends_at is not None else 0.0

    def switch(self, on: bool, seconds: float | None, by: str, now: float) -> list[Publish]:
        if not self.disobey:
            self.on, self.by = on, by
            self._ends_at = now + seconds if on and seconds else None
        return self.state(now)


class HomeBuilt(_Relay):
    """A device of the school's own on `purifier/<site>.<id>/…`; it echoes the id of the last order."""

    def __init__(self, name: str, *, load_w: float | None = None, now: float = 0.0) -> None:
        super().__init__(load_w, now)
        self.base = f"purifier/{name}"
        self.speed, self._id = "", ""

    def topics(self) -> list[str]:
        return [f"{self.base}/set", f"{self.base}/get"]

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        if topic == f"{self.base}/get":
            return self._said("", now)
        try:
            order = json.loads(payload)
        except (ValueError, RecursionError):
            return []
        if topic != f"{self.base}/set" or not isinstance(order, dict) or not isinstance(order.get("on"), bool):
            return []
        seconds = order.get("seconds")
        if order["on"] and not (isinstance(seconds, int) and 0 < seconds <= 86_400):
            return []  # never an ON without an end
        self._id, self.speed = str(order.get("id", "")), str(order.get("speed", ""))
        return self.switch(order["on"], seconds, "command", now)

    def state(self, now: float) -> list[Publish]:
        said, self._id = self._said(self._id, now), ""
        return said

    def online(self, there: bool) -> list[Publish]:
        return [Publish(f"{self.base}/status", "online" if there else "offline", retain=True)]

    def _said(self, number: str, now: float) -> list[Publish]:
        told: dict[str, Any] = {"on": self.on, "by": self.by, "up_s": int(now - self._booted_at)}
        if number:
            told["id"] = number
        if self.load_w is not None:
            told["watts"] = self.watts
        return [Publish(f"{self.base}/state", json.dumps(told))]


class TimedRelay(_Relay):
    """Orders such as `on,300`; reports {"relay":{"state":"ON"},"power":38.0}; names nobody."""

    def __init__(self, base: str, *, load_w: float | None = None, now: float = 0.0) -> None:
        super().__init__(load_w, now)
        self.base = base

    def topics(self) -> list[str]:
        return [f"{self.base}/order", f"{self.base}/ask"]

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload
        word, _, seconds = text.partition(",")
        if topic == f"{self.base}/order" and word == "on" and seconds.isdigit():
            return self.switch(True, float(seconds), "", now)
        if topic == f"{self.base}/order" and word == "off":
            return self.switch(False, None, "", now)
        return self.state(now) if topic == f"{self.base}/ask" else []

    def http(self, path: str, now: float) -> list[Publish]:
        seconds = parse_qs(urlsplit(path).query).get("timer", [""])[0]
        return self.switch(True, float(seconds), "", now) if seconds.isdigit() else []

    def state(self, now: float) -> list[Publish]:
        told = {"relay": {"state": "ON" if self.on else "OFF"}, "power": self.watts}
        return [Publish(f"{self.base}/report", json.dumps(told))]

    def online(self, there: bool) -> list[Publish]:
        return [Publish(f"{self.base}/there", "yes" if there else "no", retain=True)]


class PlainSwitch(_Relay):
    """ON and OFF, state retained, no timer, no question, no meter: a switch of ESPHome without any more."""

    def __init__(self, base: str, *, now: float = 0.0) -> None:
        super().__init__(None, now)
        self.base = base

    def topics(self) -> list[str]:
        return [f"{self.base}/switch/purifier/command"]

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload
        known = {"ON": True, "OFF": False}
        return self.switch(known[text], None, "", now) if text in known else []

    def state(self, now: float) -> list[Publish]:
        return [Publish(f"{self.base}/switch/purifier/state", "ON" if self.on else "OFF", retain=True)]

    def online(self, there: bool) -> list[Publish]:
        return [Publish(f"{self.base}/status", "online" if there else "offline", retain=True)]
