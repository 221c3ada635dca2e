"""A purifier that is switched by the codes of its infrared remote control, through a sender with Tasmota or ESPHome.

For purifiers that stay off when mains return, so that no plug can switch them on. A sender knows that it has sent,
never that anything was received: a command counts as done, and is sent once more at every renewal; whether the
purifier runs shows in the room's own decay, or in a plug that measures. Nothing but control ends an ON. A code that
toggles would do the contrary of what is wanted after the first one that was missed, so ON and OFF need their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.control.unit import Command
from alerts.purifiers import Publish, Said, Step, Traits
from classair import config
from classair.accounts import USER, Account
from classair.parsing.json_objects import NotReadable, read_object

AWAY: Final = "infrared sender away"
_LONGEST_FAULT: Final = 60
_EXAMPLES: Final = [
    '{"Protocol":"NEC","Bits":32,"Data":"0x00FF18E7"}',
    '{"Protocol":"NEC","Bits":32,"Data":"0x00FF9867"}',
]
_LWT: Final = {"online": True, "offline": False}
Code = Annotated[str, Field(min_length=1, max_length=2000)]


class Settings(BaseModel):
    """`topic`: the sender's Topic (Tasmota) or topic prefix (ESPHome). `on`, `off`: the codes; `speeds`' in `codes`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sender: Annotated[Literal["tasmota", "esphome"], Field(examples=["tasmota"])]
    topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["ir-p1-2"])]
    on: Annotated[Code, Field(examples=_EXAMPLES[:1])]
    off: Annotated[Code, Field(examples=_EXAMPLES[1:])]
    codes: dict[str, Code] = {}

    @model_validator(mode="after")
    def _no_toggle(self) -> Settings:
        if _meaning(self.off) in {_meaning(code) for code in (self.on, *self.codes.values())}:
            raise ValueError(
                "on and off: expected two different codes; one that toggles does the contrary after the first that was "
                "missed. Use a code of its own for each, or a plug with a meter"
            )
        return self


def faults(unit: config.Purifier) -> Iterator[str]:
    """Speeds without a code, and codes without a speed."""
    names, codes = [speed.name for speed in unit.speeds], unit.settings.get("codes", {})
    known = set(codes) if isinstance(codes, dict) else set()
    if names and (missing := [name for name in names if name not in known]):
        yield f"codes: expected a code for each of its speeds; there is none for {', '.join(missing)}"
    if unknown := sorted(known - set(names)):
        yield f"codes: {', '.join(unknown)} is none of its speeds"


class Purifier:
    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        self._settings, topic = settings, settings.topic
        self._speeds = [speed.name for speed in unit.speeds]
        self.traits = Traits(expires=False, reports=False, asked=False, speeds=bool(self._speeds))
        if settings.sender == "tasmota":
            self._order, self._alive, self._result = f"cmnd/{topic}/IRSend", f"tele/{topic}/LWT", f"stat/{topic}/RESULT"
        else:
            self._order, self._alive, self._result = f"{topic}/infrared", f"{topic}/status", ""

    def account(self) -> Account:
        # As a board signs in: Tasmota with its Topic, ESPHome with its name.
        topic = self._settings.topic
        return Account(tuple(self.topics()), (self._order,), topic if re.fullmatch(USER, topic) else "")

    def topics(self) -> list[str]:
        return [self._alive, *([self._result] if self._result else [])]

    def command(self, command: Command) -> list[Publish]:
        return [Publish(self._order, self._code(command))]

    def query(self) -> list[Publish]:
        return []

    def occupied(self, seconds: int | None) -> list[Publish]:
        return []

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        if len(payload) > 4096:
            return []
        if topic == self._alive:
            alive = _LWT.get(payload.decode("utf-8", "replace").strip().lower())
            return [] if alive is None else [Said(faults=() if alive else (AWAY,))]
        if topic != self._result or retained:
            return []
        try:
            done = read_object(payload)[0].get("IRSend")
        except NotReadable:
            return []
        if done is None:
            return [Said()]
        return [Said(faults=() if done == "Done" else (f"IRSend: {done}"[:_LONGEST_FAULT],))]

    def edge(self) -> None:
        return None  # nothing would end that ON

    def prepare(self) -> list[Step]:
        return []

    def _code(self, command: Command) -> str:
        if not command.on:
            return self._settings.off
        name = "" if command.speed is None or command.speed >= len(self._speeds) else self._speeds[command.speed]
        return self._settings.codes.get(name, self._settings.on)


def _meaning(code: str) -> Any:
    """What two spellings of one code have in common."""
    try:
        told = json.loads(code)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return re.sub(r"\s", "", code).lower()
    return tuple(sorted((key.lower(), _number(value)) for key, value in told.items() if key.lower() != "repeat"))


def _number(value: Any) -> str:
    try:
        return str(int(value, 0))
    except (TypeError, ValueError):
        return json.dumps(value, sort_keys=True).lower()
