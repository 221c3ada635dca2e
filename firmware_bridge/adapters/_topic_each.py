"""Devices that say each quantity on a topic of its own, as ESPHome does: gathered into one measurement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from classair.accounts import Account
from classair.parsing.numbers import says_nothing
from firmware_bridge.adapters import Arrival, Measured, MessageRejected, Quiet
from firmware_bridge.adapters._values import Values, number

TOGETHER_S: Final = 1.0
"""Values of one measurement arrive within milliseconds; what comes later belongs to the next."""


class TopicEach(Quiet):
    """`quantities`: topic → our quantity. `status`: the topic that says online or offline.

    Values are retained by the broker by default, so after every reconnection the old ones come again: they are set
    aside, and only what is said afterwards counts.
    """

    own_clock = False

    def __init__(self, prefix: str, quantities: Mapping[str, str], status: str, interval_s: float) -> None:
        super().__init__()
        self._prefix, self._status = prefix, status
        self._quantities = dict(quantities)
        self._waiting: dict[str, float] = {}
        self._first_s = 0.0
        self.frame_every_s = interval_s

    def topics(self) -> tuple[str, ...]:
        return (*self._quantities, self._status)

    def account(self) -> Account:
        return Account(writes=(f"{self._prefix}/#",), reads=(f"{self._prefix}/+/+/command",))

    def take(self, arrival: Arrival) -> list[Measured] | MessageRejected:
        if arrival.topic == self._status:
            word = arrival.payload.strip().lower()
            if word not in (b"online", b"offline"):
                return MessageRejected("malformed", "neither online nor offline")
            self.online = word == b"online"
            return []
        key = self._quantities.get(arrival.topic)
        if key is None:
            return MessageRejected("foreign", "a topic without subscription")
        if arrival.retained:
            return MessageRejected("retained", "a retained message")
        if len(arrival.payload) > 64:
            return MessageRejected("malformed", "longer than a number")
        text = arrival.payload.decode("utf-8", "replace").strip()
        value = number(text)
        if value is None:
            self.about.could_not_read(arrival.topic.removeprefix(f"{self._prefix}/"))
            # "nan" and nothing say that the sensor gave nothing; anything else is no number at all.
            return MessageRejected(
                "absent" if says_nothing(text) else "malformed",
                "not a number",
            )
        done = self._gathered() if key in self._waiting or self._over(arrival.now_s) else []
        if not self._waiting:
            self._first_s = arrival.now_s
        self._waiting[key] = value
        return done if len(self._waiting) < len(self._quantities) else [*done, *self._gathered()]

    def due_s(self) -> float | None:
        return self._first_s + TOGETHER_S if self._waiting else None

    def tick(self, now_s: float) -> list[Measured]:
        return self._gathered() if self._over(now_s) else []

    def _over(self, now_s: float) -> bool:
        return bool(self._waiting) and now_s - self._first_s >= TOGETHER_S

    def _gathered(self) -> list[Measured]:
        values, self._waiting = self._waiting, {}
        found = Values(self.about)
        for key, value in values.items():
            found.put(key, value, key)
        made = found.measured()
        return [] if isinstance(made, MessageRejected) else made
