"""A relay on a board that is plugged into a bridge: the bridge switches it, holds its expiry and says its state.

It speaks the wire for home-built devices, under the bridge's own account. No button is on such a board, so every
change that nobody ordered is a fault. The bridge keeps each expiry on disk: one that is killed goes on with it when it
is back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from alerts.purifiers import mqtt
from classair import config
from classair.accounts import Account
from classair.control.relays import LONGEST_S, RelaySettings

Settings = RelaySettings


def faults(unit: config.Purifier) -> Iterator[str]:
    """A board without a port, and a channel that its board does not have."""
    if not unit.port:
        yield "port: expected the board's port, such as /dev/serial/by-path/… or usb:1-1.3"
    its = Settings.model_validate(unit.settings)
    if its.board == "lcus" and its.channel == 0:
        yield "channel: a board of this kind counts from 1"


class Purifier(mqtt.Purifier):
    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        super().__init__(name, mqtt.Settings(longest=LONGEST_S), unit, clock)
        self._bridge = settings.bridge
        self.traits = replace(self.traits, speeds=False)

    def account(self) -> Account:
        # The broker's user is the bridge itself.
        return replace(super().account(), name=self._bridge)
