"""A Shelly plug of the first generation, as a pure machine: MQTT, and its page with the timer that MQTT has not.

From the API's documentation: `relay/0` says on, off or overpower after each change and every mqtt_update_period;
`relay/0/command` takes on, off, toggle; `command` takes announce (answered with `info`, which is /status) and update.
`/relay/0?turn=on&timer=` starts a one-time timer; any other switching ends it, and no timer outlives a power cut.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from simulator.devices.device import Publish

PERIOD_S: Final = 30.0


class ShellyGen1Plug:
    """One plug with one relay (Device). `default_state`: what it is after a power cut: off, on or last."""

    def __init__(self, topic: str, *, load_w: float | None = None, default_state: str = "off") -> None:
        self.prefix = f"shellies/{topic}"
        self.on = self.disobey = self.dead = False
        self.load_w, self.default_state = load_w, default_state
        self.source = ""
        self.locked = False  # its page wants a password
        self.overpower = False
        self._ends_at: float | None = None
        self._duration = 0
        self._booted_at = 0.0
        self._next = PERIOD_S
        self._told_w: float | None = None

    @property
    def purifying(self) -> bool:
        return self.on and not self.dead

    @property
    def watts(self) -> float:
        return (self.load_w or 0.0) if self.purifying else 0.0

    def topics(self) -> list[str]:
        return [f"{self.prefix}/relay/0/command", f"{self.prefix}/command", "shellies/command"]

    def connected(self, now: float) -> list[Publish]:
        return [Publish(f"{self.prefix}/online", "true", retain=True), *self._regular()]

    def disconnected(self, now: float) -> list[Publish]:
        return []

    def farewell(self) -> list[Publish]:
        return [Publish(f"{self.prefix}/online", "false", retain=True)]

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        word = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload
        if topic == f"{self.prefix}/relay/0/command" and word in ("on", "off", "toggle"):
            return self._switch(word == "on" or (word == "toggle" and not self.on), "mqtt", now)
        if topic.endswith("/command") and word == "announce":
            return [Publish(f"{self.prefix}/info", json.dumps(self.status(now)))]
        return self._regular() if topic.endswith("/command") and word == "update" else []

    def page(self, path: str, now: float) -> tuple[int, str, list[Publish]]:
        """A request to its page: the status of the answer, its text, and what is said over MQTT because of it."""
        if self.locked:
            return 401, "401 Unauthorized", []
        asked = urlsplit(path)
        if asked.path == "/status":
            return 200, json.dumps(self.status(now)), []
        if asked.path != "/relay/0":
            return 404, "Not Found", []
        words = {key: values[-1] for key, values in parse_qs(asked.query).items()}
        said: list[Publish] = []
        if words.get("turn") in ("on", "off", "toggle"):
            on = words["turn"] == "on" or (words["turn"] == "toggle" and not self.on)
            said = self._switch(on, "http", now, float(words.get("timer", "0")))
        return 200, json.dumps(self._relay(now)), said

    def http(self, path: str, now: float) -> list[Publish]:
        return self.page(path, now)[2]

    def tick(self, now: float) -> list[Publish]:
        said: list[Publish] = []
        if self._ends_at is not None and now >= self._ends_at:
            said += self._switch(not self.on, "timer", now)
        if self.load_w is not None and self._told_w != self.watts:
            said.append(self._power())
        if now >= self._next:
            self._next = now + PERIOD_S
            said += self._regular()
        return said

    def press(self, now: float) -> list[Publish]:
        return self._switch(not self.on, "input", now)

    def drop(self, now: float) -> list[Publish]:
        return self._switch(not self.on, "", now)

    def reboot(self, now: float) -> list[Publish]:
        self._ends_at, self._booted_at, self.source = None, now, ""
        self.on = {"on": True, "off": False}.get(self.default_state, self.on)
        return self.connected(now)

    def remaining_s(self, now: float) -> float:
        return max(0.0, self._ends_at - now) if self._ends_at is not None else 0.0

    def status(self, now: float) -> dict[str, Any]:
        told: dict[str, Any] = {
            "wifi_sta": {"connected": True, "ssid": "school", "ip": "192.0.2.9", "rssi": -54},
            "mqtt": {"connected": True},
            "relays": [self._relay(now)],
            "overtemperature": False,
            "uptime": int(now - self._booted_at),
        }
        if self.load_w is not None:
            told["meters"] = [{"power": self.watts, "overpower": 0.0, "is_valid": True, "total": 6472513}]
        return told

    # -- inside -------------------------------------------------------------------------------------------------------

    def _switch(self, on: bool, source: str, now: float, timer: float = 0.0) -> list[Publish]:
        if not self.disobey:
            self.on, self.source = on, source
            self._ends_at, self._duration = (now + timer, int(timer)) if timer > 0 else (None, 0)
        return [self._state()]

    def _relay(self, now: float) -> dict[str, Any]:
        return {
            "ison": self.on,
            "has_timer": self._ends_at is not None,
            "timer_started": 0,
            "timer_duration": self._duration,
            "timer_remaining": int(self.remaining_s(now)),
            "overpower": self.overpower,
            "source": self.source,
        }

    def _state(self) -> Publish:
        return Publish(f"{self.prefix}/relay/0", "overpower" if self.overpower else "on" if self.on else "off")

    def _power(self) -> Publish:
        self._told_w = self.watts
        return Publish(f"{self.prefix}/relay/0/power", f"{self.watts:.2f}")

    def _regular(self) -> list[Publish]:
        return [self._state(), *([self._power()] if self.load_w is not None else [])]
