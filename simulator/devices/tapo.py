"""A Tapo plug, as a pure machine: the requests of its local protocol, without the encryption around them.

Shapes are those of a P110 with firmware 1.3 (python-kasa's published fixtures): one countdown rule at most, which stays
when it has run out, with `enable` false.
"""

from __future__ import annotations

from typing import Any, Final

MISSING: Final = -1
_CONFLICT: Final = -1902


class TapoPlug:
    """`cancels`: switching ends a running countdown, as after a press."""

    def __init__(self, *, load_w: float | None = None, cancels: bool = False, countdown: bool = True) -> None:
        self.on = self.disobey = self.dead = False
        self.load_w, self.cancels, self.countdown = load_w, cancels, countdown
        self.overheated = False
        self.asked: list[str] = []
        self._rule: dict[str, Any] | None = None
        self._ends_at: float | None = None

    @property
    def watts(self) -> float:
        return (self.load_w or 0.0) if self.on and not self.dead else 0.0

    def remaining_s(self, now: float) -> float:
        return max(0.0, self._ends_at - now) if self._ends_at is not None else 0.0

    def press(self, now: float) -> None:
        self.on, self._ends_at = not self.on, None

    def tick(self, now: float) -> None:
        if self._ends_at is not None and now >= self._ends_at:
            self.on, self._ends_at = False, None

    def request(self, method: str, params: dict[str, Any], now: float) -> tuple[int, dict[str, Any]]:
        """The error code and the result."""
        self.tick(now)
        self.asked.append(method)
        if method == "get_device_info":
            return 0, {
                "device_on": self.on,
                "model": "P110",
                "fw_ver": "1.3.0 Build 230905 Rel.152200",
                "overheated": self.overheated,
                "overcurrent_status": "normal",
                "power_protection_status": "normal",
                "on_time": 0,
            }
        if method == "set_device_info":
            if isinstance(params.get("device_on"), bool) and not self.disobey:
                self._ends_at = None if self.cancels else self._ends_at
                self.on = params["device_on"]
            return 0, {}
        if method == "get_current_power" and self.load_w is not None:
            return 0, {"current_power": round(self.watts)}
        if "countdown_rule" in method and self.countdown:
            return self._rules(method, params, now)
        return MISSING, {}

    def _rules(self, method: str, params: dict[str, Any], now: float) -> tuple[int, dict[str, Any]]:
        if method == "get_countdown_rules":
            running = self._ends_at is not None
            left = int(self.remaining_s(now))
            rules = [] if self._rule is None else [{**self._rule, "enable": running, "remain": left}]
            return 0, {"countdown_rule_max_count": 1, "enable": running, "rule_list": rules}
        known = self._rule is not None
        if (method == "add_countdown_rule") is known or (known and params.get("id") != "C1"):
            return _CONFLICT, {}
        self._rule = {"id": "C1", "delay": params["delay"], "desired_states": params["desired_states"]}
        self._ends_at = now + params["delay"] if params.get("enable") else None
        return 0, {"id": "C1"}
