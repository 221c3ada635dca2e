"""A purifier or plug that Home Assistant controls: Xiaomi, Levoit, Philips, and whatever else it knows.

An automation there (docs/connect-a-purifier.md) takes the orders and holds the expiry in a timer that outlives its
restarts. It says the entity's state with the id of the order that it answers. It cannot say who switched: the user of
a change is filled in for some and not for others (home-assistant/core #52557).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from alerts.purifiers import Said, mqtt
from classair import config
from classair.accounts import HOME_ASSISTANT, Account
from classair.parsing.json_objects import NotReadable, read_object

_GONE: Final = ("unavailable", "unknown")


class Settings(BaseModel):
    """`status_topic`: where Home Assistant says that it is there, its *birth and last will*."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    status_topic: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_/-]+$")] = (
        "homeassistant/status"
    )


class Purifier(mqtt.Purifier):
    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        wire = mqtt.Wire(
            command=f"purifier/{name}/set",
            on='{"id":"{id}","on":true,"seconds":{seconds},"percent":{percent},"reason":"{reason}"}',
            off='{"id":"{id}","on":false,"reason":"{reason}"}',
            query=(f"purifier/{name}/get", ""),
            state=f"purifier/{name}/state",
            state_path="state",
            words={"on": True, "off": False},
            power_path="watts",
            availability=settings.status_topic,
            available=("online", "offline"),
            echoes=True,
        )
        super().__init__(name, mqtt.Settings(), unit, clock, wire)
        self._gone = False

    def account(self) -> Account:
        own = super().account()
        return Account(own.writes, own.reads, HOME_ASSISTANT)

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        if topic == self.topics()[0] and not retained and _state_word(payload) in _GONE:
            self._gone = True
            return [Said(online=False)]
        said = super().read_state(topic, payload, retained)
        if self._gone and any(one.on is not None for one in said):
            # Once only: what is there again is asked, and its answer must not be its return.
            self._gone = False
            return [Said(online=True), *said]
        return said


def _state_word(payload: bytes) -> Any:
    if len(payload) > mqtt.LARGEST:
        return None
    try:
        return read_object(payload)[0].get("state")
    except NotReadable:
        return None
