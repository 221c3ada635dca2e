"""Messages of devices over a session that the broker keeps: acknowledged when they are on disk, and how old they are.

While this bridge is away the broker keeps what devices say. MQTT 3.1.1 does not tell when that was, so after each
connection the bridge sends itself a marker, which arrives behind everything that was kept.
"""

from __future__ import annotations

import secrets
from math import inf
from typing import Final

from classair.broker import Link, Message
from firmware_bridge.spool.receipt import Receipt
from firmware_bridge.spool.spool import Spool

MARKER_WITHIN_S: Final = 60.0  # a broker whose rules do not know the marker never sends it back
ALIVE_EVERY_S: Final = 20.0


class BrokerSession:
    """`topic` is where the marker goes. How long a killed bridge was away is known by the last write of its spool."""

    def __init__(self, link: Link, topic: str, spool: Spool) -> None:
        self._link, self._topic, self._spool = link, topic, spool
        self._connected_s = spool.alive_s  # the connection stood then; None when nobody knows
        self.connection = 0  # message numbers mean nothing on another one; counted by the network thread
        self._marker = ""
        self._away_s, self._until_s, self._alive_at_s = inf, 0.0, 0.0

    def connected(self) -> None:
        self.connection += 1

    def up(self, now_s: float) -> None:
        """On the bridge's thread, before it handles any message of the new connection."""
        self._away_s = inf if self._connected_s is None else max(now_s - self._connected_s, 0.0)
        self._until_s = now_s + MARKER_WITHIN_S
        self._marker = secrets.token_hex(8)
        self._link.publish(self._topic, self._marker, qos=1)

    def tick(self, now_s: float, hears: bool) -> None:
        """`hears`: some device speaks over the broker."""
        if self._link.up:
            self._connected_s = now_s
        if hears and now_s >= self._alive_at_s:
            self._alive_at_s = now_s + ALIVE_EVERY_S
            self._spool.say_alive()

    def marked(self, payload: bytes) -> None:
        """The marker came back: what comes now was said now."""
        if payload.decode("ascii", "replace") == self._marker:
            self._marker = ""

    def kept_s(self, arrived_s: float) -> float:
        """For how long the broker may have kept a message that arrived now; inf when nobody knows."""
        return self._away_s if self._marker and arrived_s < self._until_s else 0.0

    def receipt(self, message: Message, connection: int) -> Receipt:
        """What acknowledges a message once it is kept, while its connection stands."""
        return Receipt(lambda: self.acknowledge(message, connection))

    def acknowledge(self, message: Message, connection: int) -> None:
        if message.qos and connection == self.connection:
            self._link.ack_many([message.mid])
