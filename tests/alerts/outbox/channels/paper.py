"""A channel of these tests: a pile of paper for each address, and faults that the test wants next."""

from __future__ import annotations

from collections import defaultdict

from pydantic import BaseModel, ConfigDict

from alerts.channels import ChannelError, Message, Receipt


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    to: str


PILES: dict[str, list[Message]] = defaultdict(list)
FAULTS: dict[str, list[ChannelError | Exception]] = defaultdict(list)  # raised one after the other


class Channel:
    def __init__(self, settings: Settings) -> None:
        self._to = settings.to
        self.lane = f"paper:{self._to}"

    def send(self, message: Message) -> Receipt:
        if FAULTS[self._to]:
            raise FAULTS[self._to].pop(0)
        PILES[self._to].append(message)
        return Receipt(id=f"sheet-{len(PILES[self._to])}")
