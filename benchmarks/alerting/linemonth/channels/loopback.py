"""A second channel over real HTTP to this machine, for where the library of the others is not installed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from alerts.channels import ChannelError, Message


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    url: Annotated[str, Field(pattern=r"^http://127\.0\.0\.1:\d+/\w+$")]


class Channel:
    lane = "loopback"

    def __init__(self, settings: Settings) -> None:
        self._url = settings.url

    def send(self, message: Message) -> None:
        body = json.dumps({"title": message.title, "message": message.text}).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self._url, body), timeout=5):
                return
        except urllib.error.HTTPError as error:
            raise ChannelError(f"the sink answered {error.code}", permanent=error.code < 500) from error
        except OSError as error:
            raise ChannelError("the sink was not reached", permanent=False) from error
