"""A Zigbee smart plug behind Zigbee2MQTT.

Which timer a plug holds differs by its firmware, so the installer says it. `on_time` is the Zigbee command "on with
timed off". Plugs by Tuya take that command for something else, a toggle after ten times as long (Zigbee2MQTT #22182):
theirs is `countdown`, which the program sends after the state, because a switch command ends a running one. A plug
that holds neither goes on until it is told to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from alerts.control.unit import Command
from alerts.purifiers import Publish, Said, Step, Traits
from alerts.purifiers._zigbee2mqtt import LONGEST_WORD, Zigbee2MqttDevice, Zigbee2MqttSettings
from classair import config
from classair.control.orders import HttpCall
from classair.parsing.numbers import number_between

LONGEST_S: Final = {"on_time": 6_500, "countdown": 43_200}  # 16 bits of tenths of a second; Tuya's own limit
TIMER_SLACK_S: Final = 30
_ON: Final = {"on": True, "off": False}


class Settings(Zigbee2MqttSettings):
    """`timer`: how the plug holds its expiry. `longest`: the longest it holds, in seconds, where that is less."""

    timer: Annotated[Literal["on_time", "countdown", "none"], Field(examples=["on_time"])]
    longest: Annotated[int, Field(ge=60, le=43_200)] = 43_200


@dataclass(frozen=True, slots=True)
class Edge:
    """ON without the server; the program and its coordinator are needed."""

    order: Callable[[int], Sequence[Publish]]

    def messages(self, seconds: int) -> Sequence[Publish]:
        return self.order(seconds)

    def calls(self, seconds: int) -> Sequence[HttpCall]:
        return []


class Purifier(Zigbee2MqttDevice):
    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        super().__init__(settings, clock)
        self._timer = settings.timer
        self._longest_s = min(settings.longest, LONGEST_S.get(settings.timer, settings.longest))
        self._metered = False
        self._timer_s = 0
        self.traits = Traits(expires=settings.timer != "none", longest_s=self._longest_s)

    def command(self, command: Command) -> list[Publish]:
        if not command.on:
            self._await(False, ["off"])
            return [self._set({"state": "OFF"}), self._get("state")]
        assert command.seconds is not None, "an ON always carries an expiry"
        self._timer_s = min(command.seconds, self._longest_s)
        self._await(True, ["on", "timer"] if self._timer == "countdown" else ["on"])
        return self._on(command.seconds)

    def query(self) -> list[Publish]:
        return [self._get("state", *(["power"] if self._metered else []))]

    def edge(self) -> Edge | None:
        return Edge(self._on) if self.traits.expires else None

    def prepare(self) -> list[Step]:
        # No timer outlives a power cut: what came back on would run for ever. The key's name differs by maker.
        return [self._step("power_on_behavior"), self._step("power_outage_memory")]

    # -- inside -------------------------------------------------------------------------------------------------------

    def _on(self, seconds: int) -> list[Publish]:
        """Asked at once: a plug that was on already reports nothing, and some report no change at all."""
        if self._timer == "none":
            return [self._set({"state": "ON"}), self._get("state")]
        keys = ["state", "countdown"] if self._timer == "countdown" else ["state"]
        return [self._set({"state": "ON", self._timer: min(seconds, self._longest_s)}), self._get(*keys)]

    def _step(self, key: str) -> Step:
        def answered(topic: str, payload: bytes) -> bool | None:
            told = self.object_of(topic, payload)
            return told[key] == "off" if key in told else None

        return Step("mains_off", self._set({key: "off"}), answered, optional=True)

    def _told(self, told: Mapping[str, Any]) -> Said:
        watts = number_between(told.get("power"), 0, 100_000)
        self._metered |= watts is not None
        said = Said(watts=watts)
        if "state" not in told:
            return said
        word = told["state"]
        on = _ON.get(word.strip().lower()) if isinstance(word, str) else None
        return replace(said, on=on) if on is not None else replace(said, unread=str(word)[:LONGEST_WORD])

    def _proves(self, said: Said, told: Mapping[str, Any]) -> set[str]:
        left = number_between(told.get("countdown"), 1, 10**6)
        timer = {"timer"} if left is not None and left >= self._timer_s - TIMER_SLACK_S else set()
        return timer | ({"on" if said.on else "off"} if said.on is not None else set())
