"""Writes notifications to the service's output: for the demo, for tests, and as a last resort."""

from __future__ import annotations

import sys

from pydantic import BaseModel, ConfigDict

from alerts.channels import ChannelError, Message

REACHES_A_PERSON = False  # whoever reads the log may do so tomorrow


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel:
    def __init__(self, settings: Settings) -> None:
        pass

    def send(self, message: Message) -> None:
        try:
            print(f"** {message.title}: {message.text}", file=sys.stdout, flush=True)
        except OSError as error:
            raise ChannelError(f"cannot write to the console: {error.strerror}", permanent=False) from error
