"""A purifier that is none: remembers what it was told, holds its expiry, and switches nothing. For trying rules out."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from alerts.control.unit import Command
from alerts.purifiers import Publish, Said, Step, Traits
from classair import config
from classair.accounts import Account


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Purifier:
    traits = Traits(names_people=True)

    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        self._clock, self._began_at = clock, clock()
        self._on = False
        self._ends_at = 0

    def account(self) -> Account:
        return Account()

    def topics(self) -> list[str]:
        return []

    def command(self, command: Command) -> list[Said]:
        self._on = command.on
        self._ends_at = self._clock() + (command.seconds or 0) * 1000
        return [Said(on=self._on, answer=True)]

    def query(self) -> list[Said]:
        ended = self._on and self._clock() >= self._ends_at
        self._on = self._on and not ended
        # It remembers nothing over a restart of ours, as a plug that lost its power would.
        up_s = max(0, self._clock() - self._began_at) / 1000
        return [Said(on=self._on, up_s=up_s, by="timer" if ended else "")]

    def occupied(self, seconds: int | None) -> list[Publish]:
        return []

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        return []

    def edge(self) -> None:
        return None

    def prepare(self) -> list[Step]:
        return []
