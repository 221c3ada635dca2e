"""One relay: what it was ordered to be and until when, what its board says, and what is told of it. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from classair.control.relays import LONGEST_S

REPORT_S: Final = 30.0
By = Literal["command", "timer", "start", ""]


@dataclass(frozen=True, slots=True)
class Order:
    """`on` None: only say the state."""

    on: bool | None
    seconds: int = 0
    id: str = ""


def order_of(leaf: str, payload: bytes) -> Order | None:
    """An order as it came; None for one that must not be carried out, such as an ON without an end."""
    if leaf == "get":
        return Order(None)
    try:
        told = json.loads(payload[:4096])
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("on"), bool):
        return None
    number, seconds = str(told.get("id", ""))[:40], told.get("seconds")
    if not told["on"]:
        return Order(False, 0, number)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds <= 0:
        return None
    return Order(True, min(seconds, LONGEST_S), number)


@dataclass(slots=True)
class Relay:
    """`wanted`: what it is to be; `is_on`: what its board was last known to be, None while that is away."""

    wanted: bool = False
    ends_s: float | None = None
    is_on: bool | None = None
    by: By = "start"
    fault: str = ""
    answers: str = ""  # the id of the order that the next word answers
    due: bool = True  # its board must be told
    report_at: float = field(default=0.0)

    def resume(self, ends_s: float | None, now_s: float) -> None:
        """At the start: on for the rest of what was begun, else off, for a board keeps what it was last told."""
        ends_s = None if ends_s is None or not ends_s > now_s else min(ends_s, now_s + LONGEST_S)
        self.wanted, self.ends_s, self.by, self.due = ends_s is not None, ends_s, "start", True

    def obey(self, order: Order, now_s: float) -> None:
        self.report_at = 0.0
        if order.on is None:
            return
        self.wanted, self.ends_s = order.on, now_s + order.seconds if order.on else None
        self.by, self.answers, self.due = "command", order.id, True

    def tick(self, now_s: float) -> None:
        if self.wanted and self.ends_s is not None and now_s >= self.ends_s:
            self.wanted, self.ends_s, self.by, self.due = False, None, "timer", True

    def told(self, is_on: bool) -> None:
        """Its board took the word."""
        self.is_on, self.due, self.fault, self.report_at = is_on, False, "", 0.0

    def lost(self, fault: str) -> None:
        """Its board is away; it is told again as soon as it is back, for it was without power."""
        self.report_at = 0.0 if self.is_on is not None or self.fault != fault else self.report_at
        self.is_on, self.due, self.fault = None, True, fault

    def report(self, now_s: float) -> dict[str, Any] | None:
        """What is to be said now, after a change and every REPORT_S."""
        if now_s < self.report_at:
            return None
        self.report_at = now_s + REPORT_S
        if self.is_on is None:
            return {"faults": [self.fault or "relay board away"]}
        said: dict[str, Any] = {"on": self.is_on, "by": self.by, "faults": []}
        if self.answers and self.is_on is self.wanted:
            said["id"], self.answers = self.answers, ""
        return said
