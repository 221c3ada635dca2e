"""IKEA STARKVIND behind Zigbee2MQTT.

It holds no expiry: control switches it off at the lease's end, and while control is away it goes on. Its mode `auto`
follows its own pm25, which is that of the air it draws in beside the air it has just cleaned, not the room's.
`fan_state: ON` means auto, so it is never sent. In auto `fan_speed` may be missing (Zigbee2MQTT #27719).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from alerts.control.unit import Command
from alerts.purifiers import Publish, Said, Step, Traits
from alerts.purifiers._zigbee2mqtt import LONGEST_WORD, Zigbee2MqttDevice, Zigbee2MqttSettings
from classair import config
from classair.parsing.numbers import number_between

FILTER_MIN: Final = 259_200  # replace_filter after so many minutes: half a year
MODES: Final = ("auto", *map(str, range(1, 10)))
_STATES: Final = {"on": True, "off": False}


class Settings(Zigbee2MqttSettings):
    """`mode`: what ON means where `speeds` has no entry: 1 to 9, or auto."""

    mode: Literal["auto", "1", "2", "3", "4", "5", "6", "7", "8", "9"] = "9"


def faults(unit: config.Purifier) -> Iterator[str]:
    """Speeds that the device does not have."""
    for place, speed in enumerate(unit.speeds):
        if speed.name not in MODES:
            yield f"speeds.{place}.name: expected auto or 1 to 9, not {speed.name!r}"


class Purifier(Zigbee2MqttDevice):
    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        super().__init__(settings, clock)
        self._mode = settings.mode
        self._speeds = [speed.name for speed in unit.speeds]
        self.traits = Traits(expires=False, speeds=bool(self._speeds))
        self._sent = ""

    def command(self, command: Command) -> list[Publish]:
        self._sent = self._mode_of(command)
        self._await(command.on, ["mode"])
        return [self._set({"fan_mode": self._sent}), self._get("fan_mode")]

    def query(self) -> list[Publish]:
        return [self._get("fan_mode", "fan_speed", "filter_age")]

    def edge(self) -> None:
        return None  # nothing would end that ON

    def prepare(self) -> list[Step]:
        return []

    # -- inside -------------------------------------------------------------------------------------------------------

    def _mode_of(self, command: Command) -> str:
        if not command.on:
            return "off"
        if not self._speeds:
            return self._mode
        return self._speeds[-1 if command.speed is None else min(command.speed, len(self._speeds) - 1)]

    def _told(self, told: Mapping[str, Any]) -> Said:
        age = number_between(told.get("filter_age"), 0, 10**8)
        used = min(1.0, age / FILTER_MIN) if age is not None else None
        said = Said(filter_used=1.0 if told.get("replace_filter") is True else used)
        mode = told.get("fan_mode")
        if isinstance(mode, str) and mode.lower() in (*MODES, "off"):
            name = mode.lower()
            return replace(said, on=name != "off", speed=self._speeds.index(name) if name in self._speeds else None)
        word = told.get("fan_state", mode)
        on = _STATES.get(word.strip().lower()) if isinstance(word, str) else None
        if on is not None or word is None:
            return replace(said, on=on)
        return replace(said, unread=str(word)[:LONGEST_WORD])

    def _proves(self, said: Said, told: Mapping[str, Any]) -> set[str]:
        return {"mode"} if str(told.get("fan_mode")).lower() == self._sent else set()
