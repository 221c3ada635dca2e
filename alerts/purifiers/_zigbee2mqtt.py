"""What every device behind Zigbee2MQTT has in common: its topics, the gateway's account, availability, old states.

Zigbee2MQTT says a state alike whether the device reported it, was asked for it or was told it, and it fills in what it
remembers; after its start it says all that it remembers (cache_state_send_on_startup). Which message answers a command
is therefore known by its place alone: the first after the command that says what was wanted.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.purifiers import Publish, Said
from classair.accounts import Account, gateway_user
from classair.parsing.json_objects import NotReadable, read_object
from classair.parsing.names import unprintable

LONGEST_WORD: Final = 20
ANSWER_MS: Final = 60_000  # a message that comes later is a report
SAME_MS: Final = 5_000  # last_seen may be whole seconds: so long may two messages have the same
_LONGEST_MESSAGE: Final = 8192


class Zigbee2MqttSettings(BaseModel):
    """`name` is the device's friendly name; `base_topic` that of the program, `zigbee2mqtt` as it comes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(min_length=1, max_length=128, examples=["p1-2 plug"])]
    base_topic: Annotated[str, Field(min_length=1, max_length=128)] = "zigbee2mqtt"

    @field_validator("name", "base_topic")
    @classmethod
    def _topic_levels(cls, value: str) -> str:
        """Blanks, slashes and letters of any script are ordinary in both."""
        if char := unprintable(value) or next((char for char in "+#" if char in value), ""):
            raise ValueError(f"must not contain {char}")
        if value != value.strip() or "" in value.split("/"):
            raise ValueError("must not begin or end with a blank or slash, or contain //")
        return value

    @field_validator("name")
    @classmethod
    def _not_its_own_topics(cls, value: str) -> str:
        first, last = value.split("/")[0], value.split("/")[-1]
        if first == "bridge" or last in ("set", "get", "availability"):
            raise ValueError("must not begin with bridge/ or end with /set, /get or /availability")
        return value


class Zigbee2MqttDevice(ABC):
    """What the kinds have in common; each reads its own states."""

    def __init__(self, settings: Zigbee2MqttSettings, clock: Callable[[], int]) -> None:
        self._base, self._clock = settings.base_topic, clock
        self._topic = f"{settings.base_topic}/{settings.name}"
        self._reachable: dict[str, bool] = {}  # by topic: the program's, the device's
        self._last_seen: tuple[int, int] | None = None  # and when it was first heard
        self._awaited: set[str] = set()
        self._wanted = False
        self._awaited_since = 0

    # -- contract -----------------------------------------------------------------------------------------------------

    def account(self) -> Account:
        # All devices speak through one program; it may speak for those that are configured.
        return Account(tuple(self.topics()), (f"{self._topic}/set", f"{self._topic}/get"), gateway_user(self._base))

    def topics(self) -> list[str]:
        return [self._topic, f"{self._topic}/availability", f"{self._base}/bridge/state"]

    def occupied(self, seconds: int | None) -> list[Publish]:
        return []

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        if topic not in self.topics() or len(payload) > _LONGEST_MESSAGE:
            return []
        if topic != self._topic:
            return self._lives(topic, payload)
        if retained:
            return []  # a retained state has no time of its own: it may be of last week
        told = self.object_of(topic, payload)
        if not told or self._is_old(told):
            return []
        return self._answered(self._told(told), told)

    def object_of(self, topic: str, payload: bytes) -> dict[str, Any]:
        """What a message of the device's state holds; nothing for any other."""
        if topic != self._topic or len(payload) > _LONGEST_MESSAGE:
            return {}
        try:
            return read_object(payload)[0]
        except NotReadable:
            return {}

    # -- for the kinds ------------------------------------------------------------------------------------------------

    @abstractmethod
    def _told(self, told: Mapping[str, Any]) -> Said:
        """What is in a state message."""

    @abstractmethod
    def _proves(self, said: Said, told: Mapping[str, Any]) -> set[str]:
        """Which of the things that a command awaits it shows."""

    def _await(self, wanted: bool, proofs: Iterable[str]) -> None:
        self._wanted, self._awaited, self._awaited_since = wanted, set(proofs), self._clock()

    def _set(self, values: Mapping[str, Any]) -> Publish:
        return Publish(f"{self._topic}/set", json.dumps(values))

    def _get(self, *keys: str) -> Publish:
        return Publish(f"{self._topic}/get", json.dumps(dict.fromkeys(keys, "")))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _answered(self, said: Said, told: Mapping[str, Any]) -> list[Said]:
        if not self._awaited:
            return [said]
        if not 0 <= self._clock() - self._awaited_since <= ANSWER_MS:
            self._awaited.clear()
            return [said]
        self._awaited -= self._proves(said, told)
        return [said] if self._awaited else [replace(said, on=self._wanted, answer=True)]

    def _is_old(self, told: Mapping[str, Any]) -> bool:
        """Whether it is something remembered, said again: then the device was not heard since (`last_seen`)."""
        at, now = _ms(told.get("last_seen")), self._clock()
        if at is None:
            return False
        before, self._last_seen = self._last_seen, (at, now)
        if before is None:
            return False
        if at == before[0]:
            self._last_seen = before
            return now - before[1] > SAME_MS
        return at < before[0]

    def _lives(self, topic: str, payload: bytes) -> list[Said]:
        """`{"state": "online"}`, from older versions the bare word. Both the program and the device must be there."""
        try:
            word = read_object(payload)[0].get("state")
        except NotReadable:
            word = payload.strip().decode("utf-8", "replace")
        if word not in ("online", "offline"):
            return []
        self._reachable[topic] = word == "online"
        return [Said(online=all(self._reachable.values()))]


def _ms(value: Any) -> int | None:
    """`last_seen` is switched off as it comes; else UTC ms or ISO 8601."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if 0 < value < 2**53 else None
    try:
        return int(datetime.fromisoformat(value).timestamp() * 1000)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
