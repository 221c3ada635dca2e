"""Zigbee2MQTT with one device paired to it, as a pure machine: the program's ways, and plugs of two makes behind them.

As in the program (publish.ts, converters/toZigbee.ts, lib/tuya.ts): `set` of a plain state is told as soon as the
device acknowledged it; `on_time` goes out as tenths of a second and tells nothing itself; `countdown` follows the
state, and both are told. `get` reads from the device. What is told is filled in from memory (cache_state), and all of
it is told again at the program's start. A command that the device does not take is an error in the program's log.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

from simulator.devices.device import Publish

MINUTE_S: Final = 60.0  # how often Tuya's plugs tell what is left
_TENTHS_BITS: Final = 0xFFFF


class Gateway(ABC):
    """The program (Device, but for what is paired). `attributes` and `write` are the paired device's."""

    load_w: float | None = None

    def __init__(
        self, name: str, base: str = "zigbee2mqtt", *, cache_state: bool = True, last_seen: bool = False
    ) -> None:
        self.topic, self.base = f"{base}/{name}", base
        self.cache_state, self.last_seen = cache_state, last_seen
        self.disobey = self.dead = False
        self.heard_at = 0.0  # when the device itself was heard
        self._memory: dict[str, Any] = {}

    # -- the paired device --------------------------------------------------------------------------------------------

    @abstractmethod
    def read(self, key: str, now: float) -> dict[str, Any]:
        """What asking for one attribute gives; empty for one that it does not have."""

    @abstractmethod
    def write(self, asked: dict[str, Any], now: float) -> dict[str, Any]:
        """Carries a set out, all keys of a message; what the program tells of it."""

    # -- Device -------------------------------------------------------------------------------------------------------

    def topics(self) -> list[str]:
        return [f"{self.base}/#"]

    def connected(self, now: float) -> list[Publish]:
        said = [self._state("online"), self._availability("online")]
        if self._memory and self.cache_state:
            said.append(self._message({}, now))
        return said

    def disconnected(self, now: float) -> list[Publish]:
        return []

    def farewell(self) -> list[Publish]:
        return [self._state("offline")]

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        what = topic.removeprefix(f"{self.topic}/")
        if what not in ("set", "get", "set/state"):
            return []
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload
        try:
            asked = {"state": text} if what == "set/state" else json.loads(text)
        except ValueError:
            return []
        if not isinstance(asked, dict):
            return []
        if what == "get":
            return [self.told(found, now) for key in asked if (found := self.read(key, now))]
        if self.disobey:
            return []
        found = self.write(asked, now)
        return [self.told(found, now)] if found else []

    def http(self, path: str, now: float) -> list[Publish]:
        return []

    # -- inside -------------------------------------------------------------------------------------------------------

    def told(self, values: dict[str, Any], now: float) -> Publish:
        """What the device was heard to say, or is known to have taken."""
        self.heard_at = now
        self._memory.update(values)
        return self._message(values, now)

    def _message(self, values: dict[str, Any], now: float) -> Publish:
        body = {**(self._memory if self.cache_state else values), "linkquality": 120}
        if self.last_seen:
            body["last_seen"] = 1_780_000_000_000 + int(self.heard_at) * 1000
        return Publish(self.topic, json.dumps(body))

    def _state(self, word: str) -> Publish:
        return Publish(f"{self.base}/bridge/state", json.dumps({"state": word}), retain=True)

    def _availability(self, word: str) -> Publish:
        return Publish(f"{self.topic}/availability", json.dumps({"state": word}), retain=True)


@dataclass(slots=True)
class _Timer:
    """When the relay moves by itself, and whether it is a toggle (Tuya) or an OFF."""

    ends_at: float
    toggles: bool
    told_left: int


class ZigbeePlug(Gateway):
    """`tuya`: it takes "on with timed off" for a toggle after so many whole seconds. `counter_bits`: of its counter."""

    def __init__(
        self,
        name: str,
        base: str = "zigbee2mqtt",
        *,
        tuya: bool = False,
        counter_bits: int = 16,
        load_w: float | None = None,
        cache_state: bool = True,
        last_seen: bool = False,
        power_on: str = "off",
    ) -> None:
        super().__init__(name, base, cache_state=cache_state, last_seen=last_seen)
        self.on = False
        self.tuya, self.load_w, self.power_on = tuya, load_w, power_on
        self._counter = (1 << counter_bits) - 1
        self._timer: _Timer | None = None
        self._told_w: float | None = None

    @property
    def purifying(self) -> bool:
        return self.on and not self.dead

    def tick(self, now: float) -> list[Publish]:
        said: list[Publish] = []
        timer = self._timer
        if timer is not None and now >= timer.ends_at:
            self._timer = None
            self.on = not self.on if timer.toggles else False
            said.append(self.told(self._relay(), now))
        elif timer is not None and timer.toggles and (left := int(timer.ends_at - now)) // 60 != timer.told_left // 60:
            timer.told_left = left
            said.append(self.told({"countdown": left}, now))
        if self.load_w is not None and self._told_w != self._watts:
            said.append(self.told(self._power(), now))
        return said

    def press(self, now: float) -> list[Publish]:
        self._timer = None
        self.on = not self.on
        return [self.told(self._relay(), now)]

    def drop(self, now: float) -> list[Publish]:
        return self.press(now)

    def reboot(self, now: float) -> list[Publish]:
        """Power was cut and came back; no timer outlives that."""
        self._timer = None
        self.on = {"on": True, "off": False}.get(self.power_on, self.on)
        return [self.told(self._relay(), now)]

    def remaining_s(self, now: float) -> float:
        return max(0.0, self._timer.ends_at - now) if self._timer is not None else 0.0

    def read(self, key: str, now: float) -> dict[str, Any]:
        if key == "state":
            return self._relay()
        if key == "power" and self.load_w is not None:
            return self._power()
        if key == "countdown" and self.tuya:
            return {"countdown": int(self.remaining_s(now))}
        return {}

    def write(self, asked: dict[str, Any], now: float) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if (behaviour := asked.get("power_outage_memory" if self.tuya else "power_on_behavior")) is not None:
            self.power_on = str(behaviour)
            told["power_outage_memory" if self.tuya else "power_on_behavior"] = behaviour
        state = str(asked.get("state", "")).lower()
        if state == "on" and asked.get("on_time") is not None and not (self.tuya and "countdown" in asked):
            self._timed(round(float(asked["on_time"]) * 10), now)
            return told
        if state in ("on", "off", "toggle"):
            self._timer = None
            self.on = state == "on" or (state == "toggle" and not self.on)
            told["state"] = "ON" if self.on else "OFF"
            if self.tuya:
                told["countdown"] = 0
        if self.tuya and isinstance(asked.get("countdown"), int) and 0 <= asked["countdown"] <= 43_200:
            self._timed(asked["countdown"], now)
            if "state" in told:
                told["countdown"] = asked["countdown"]
        return told

    # -- inside -------------------------------------------------------------------------------------------------------

    def _timed(self, ontime: int, now: float) -> None:
        """The Zigbee command "on with timed off": tenths of a second, but whole ones for Tuya."""
        ontime &= self._counter & _TENTHS_BITS
        if not self.tuya:
            self.on = True
        self._timer = _Timer(now + (ontime if self.tuya else ontime / 10), self.tuya, ontime) if ontime else None

    @property
    def _watts(self) -> float:
        return (self.load_w or 0.0) if self.purifying else 0.0

    def _relay(self) -> dict[str, Any]:
        return {"state": "ON" if self.on else "OFF"}

    def _power(self) -> dict[str, Any]:
        self._told_w = self._watts
        return {"power": self._watts}


class Starkvind(Gateway):
    """IKEA's purifier: `fan_mode` off, auto or 1 to 9; what it measures is the air that it draws in."""

    def __init__(
        self, name: str, base: str = "zigbee2mqtt", *, cache_state: bool = True, filter_min: int = 86_400
    ) -> None:
        super().__init__(name, base, cache_state=cache_state)
        self.mode = "off"
        self.filter_min = filter_min

    @property
    def on(self) -> bool:
        return self.mode != "off"

    @property
    def purifying(self) -> bool:
        return self.on and not self.dead

    def tick(self, now: float) -> list[Publish]:
        return []

    def press(self, now: float) -> list[Publish]:
        """The knob: off to auto, and off again."""
        self.mode = "auto" if self.mode == "off" else "off"
        return [self.told(self._fan(), now)]

    def drop(self, now: float) -> list[Publish]:
        return self.press(now)

    def reboot(self, now: float) -> list[Publish]:
        return [self.told(self._fan(), now)]

    def remaining_s(self, now: float) -> float:
        return 0.0

    def read(self, key: str, now: float) -> dict[str, Any]:
        if key in ("fan_mode", "fan_state"):
            return self._fan()
        if key == "fan_speed":
            return {} if self.mode == "auto" else {"fan_speed": 0 if self.mode == "off" else int(self.mode)}
        if key in ("filter_age", "replace_filter"):
            return {"replace_filter": self.filter_min >= 259_200, "filter_age": self.filter_min}
        return {"pm25": 1, "air_quality": "excellent"} if key == "pm25" else {}

    def write(self, asked: dict[str, Any], now: float) -> dict[str, Any]:
        mode = asked.get("fan_mode")
        if mode is None and "fan_state" in asked:
            mode = "auto" if str(asked["fan_state"]).lower() == "on" else asked["fan_state"]
        if mode is None:
            return {}
        self.mode = str(mode).lower()
        return self._fan()

    def _fan(self) -> dict[str, Any]:
        return {"fan_mode": self.mode, "fan_state": "ON" if self.on else "OFF"}
