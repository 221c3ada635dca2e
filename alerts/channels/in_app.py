"""The dashboard's list of notifications alone: nothing is sent, and whoever opens the page reads it there."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from alerts.channels import Message

REACHES_A_PERSON = False  # until they open the page


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel:
    def __init__(self, settings: Settings) -> None:
        pass

    def send(self, message: Message) -> None:
        """It is on record already, and the page shows the record."""
