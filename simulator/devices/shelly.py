"""A Shelly plug of the second generation or later, as a pure machine: JSON-RPC over MQTT in and out.

As in its maker's documents: answers go to `<src>/rpc` of the request; a change is told as NotifyStatus on
`<prefix>/events/rpc` with what has changed, and in full on `<prefix>/status/switch:0` when status_ntf is set;
`toggle_after` flips the output back, after an OFF too; a command without it ends a timer that runs; `source` names
what brought the output about and stays until the next.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from simulator.devices.device import Publish

_WORD_S: Final = 60.0  # a word on its energy each minute


class ShellyPlug:
    """One plug with one output (Device)."""

    def __init__(self, prefix: str, *, load_w: float | None = None, now: float = 0.0) -> None:
        self.prefix = prefix
        self.on = self.disobey = self.dead = False
        self.load_w = load_w
        self.source = "init"
        self.errors: list[str] = []
        self.config: dict[str, Any] = {"rpc_ntf": True, "status_ntf": False, "enable_control": True}
        self.switch_config: dict[str, Any] = {"id": 0, "initial_state": "restore_last", "auto_off": False}
        self._timer: tuple[float, float] | None = None  # when it began, how long it lasts
        self._booted_at, self._next_word = now, now + _WORD_S
        self._told_w = 0.0

    @property
    def purifying(self) -> bool:
        return self.on and not self.dead

    @property
    def watts(self) -> float:
        return (self.load_w or 0.0) if self.purifying else 0.0

    def topics(self) -> list[str]:
        return [f"{self.prefix}/rpc", f"{self.prefix}/command", f"{self.prefix}/command/+"]

    def connected(self, now: float) -> list[Publish]:
        return [Publish(f"{self.prefix}/online", "true", retain=True), *self._status_topic()]

    def disconnected(self, now: float) -> list[Publish]:
        return []

    def farewell(self) -> list[Publish]:
        return [Publish(f"{self.prefix}/online", "false", retain=True)]

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload
        said = self._expire(now)
        if topic == f"{self.prefix}/command/switch:0" and self.config["enable_control"]:
            word, _, seconds = text.partition(",")
            if word in ("on", "off", "toggle"):
                on = not self.on if word == "toggle" else word == "on"
                said += self._set(on, float(seconds) if seconds.isdigit() else 0.0, "MQTT", now)
            elif word == "status_update":
                said += self._status_topic(always=True)
        elif topic == f"{self.prefix}/rpc":
            said += self._request(text, now)
        return said

    def http(self, path: str, now: float) -> list[Publish]:
        """GET /rpc/<method>?…; values are JSON."""
        asked = urlsplit(path)
        if not asked.path.startswith("/rpc/"):
            return []
        params = {key: _value(value) for key, value in parse_qsl(asked.query)}
        return [*self._expire(now), *self._call(asked.path.removeprefix("/rpc/"), params, "HTTP_in", now)[1]]

    def tick(self, now: float) -> list[Publish]:
        said = self._expire(now)
        if self.load_w is not None and self.watts != self._told_w:
            said += self._notify({"apower": self.watts})
        if now >= self._next_word:
            self._next_word = now + _WORD_S
            said += self._notify({"aenergy": {"total": 14.093, "by_minute": [0.0, 0.0, 0.0]}})
        return said

    def press(self, now: float) -> list[Publish]:
        return [*self._expire(now), *self._set(not self.on, 0.0, "button", now)]

    def drop(self, now: float) -> list[Publish]:
        """A script on the device, or its own protection, moves the output."""
        return self._set(not self.on, 0.0, "loopback", now)

    def reboot(self, now: float) -> list[Publish]:
        self.on = {"on": True, "off": False}.get(self.switch_config["initial_state"], self.on)
        self.source, self._timer, self._booted_at = "init", None, now
        return [*self.farewell(), *self.connected(now)]

    def remaining_s(self, now: float) -> float:
        if self._timer is None or not self.on:
            return 0.0
        return max(0.0, sum(self._timer) - now)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _request(self, text: str, now: float) -> list[Publish]:
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            return []
        if not isinstance(frame, dict) or not isinstance(frame.get("method"), str):
            return []
        params = frame.get("params")
        result, told = self._call(frame["method"], params if isinstance(params, dict) else {}, "MQTT", now)
        source = frame.get("src")
        if not isinstance(source, str) or not source:
            return told
        answer = {"id": frame.get("id"), "src": self.prefix, "dst": source, **result}
        return [Publish(f"{source}/rpc", json.dumps(answer)), *told]

    def _call(self, method: str, params: dict[str, Any], by: str, now: float) -> tuple[dict[str, Any], list[Publish]]:
        name = method.lower()
        if name.startswith("switch.") and params.get("id") != 0:
            return {"error": {"code": -105, "message": "Argument 'id', value not found!"}}, []
        if name == "switch.set":
            if not isinstance(params.get("on"), bool):
                return {"error": {"code": -103, "message": "Missing required argument 'on'!"}}, []
            was = self.on
            after = params.get("toggle_after")
            told = self._set(params["on"], float(after) if isinstance(after, int | float) else 0.0, by, now)
            return {"result": {"was_on": was}}, told
        if name == "switch.getstatus":
            return {"result": self._status()}, []
        if name == "sys.getstatus":
            return {
                "result": {"mac": "A8032ABE54DC", "uptime": int(now - self._booted_at), "restart_required": False}
            }, []
        for prefix, config in (("mqtt", self.config), ("switch", self.switch_config)):
            if name == f"{prefix}.getconfig":
                return {"result": dict(config)}, []
            if name == f"{prefix}.setconfig":
                given = params.get("config")
                config.update(given if isinstance(given, dict) else {})
                return {"result": {"restart_required": False}}, []
        return {"error": {"code": 404, "message": f"No handler for {method}"}}, []

    def _set(self, on: bool, after: float, source: str, now: float) -> list[Publish]:
        if self.disobey:
            return []
        self.on, self.source = on, source
        self._timer = (now, after) if after > 0 else None
        changed: dict[str, Any] = {"output": on, "source": source}
        if self._timer is not None:
            changed |= {"timer_started_at": now, "timer_duration": after}
        return self._notify(changed)

    def _expire(self, now: float) -> list[Publish]:
        if self._timer is None or now < sum(self._timer):
            return []
        self._timer = None
        return self._set(not self.on, 0.0, "timer", now)

    def _notify(self, changed: dict[str, Any]) -> list[Publish]:
        self._told_w = self.watts
        said = []
        if self.config["rpc_ntf"]:
            frame = {
                "src": self.prefix,
                "dst": f"{self.prefix}/events",
                "method": "NotifyStatus",
                "params": {"ts": 1788945292.88, "switch:0": {"id": 0, **changed}},
            }
            said.append(Publish(f"{self.prefix}/events/rpc", json.dumps(frame)))
        return said + self._status_topic()

    def _status_topic(self, always: bool = False) -> list[Publish]:
        if not (self.config["status_ntf"] or always):
            return []
        return [Publish(f"{self.prefix}/status/switch:0", json.dumps(self._status()))]

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = {"id": 0, "source": self.source, "output": self.on}
        if self._timer is not None:
            status |= {"timer_started_at": self._timer[0], "timer_duration": self._timer[1]}
        if self.load_w is not None:
            status |= {"apower": self.watts, "voltage": 229.4, "current": round(self.watts / 229.4, 3)}
        status["temperature"] = {"tC": 38.2, "tF": 100.8}
        return {**status, "errors": self.errors} if self.errors else status


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
