"""A channel of these tests whose provider takes each key once: posts to a web server, key and all."""

from __future__ import annotations

import http.client
import json

from pydantic import BaseModel, ConfigDict

from alerts.channels import ChannelError, Message, Receipt

IDEMPOTENT = True


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    port: int
    to: str


class Channel:
    def __init__(self, settings: Settings) -> None:
        self._port, self._to = settings.port, settings.to

    def send(self, message: Message) -> Receipt:
        body = json.dumps({"key": message.key, "to": self._to, "title": message.title, "text": message.text})
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise ChannelError(type(error).__name__, permanent=False) from error
        finally:
            connection.close()
        if status not in (200, 409):
            raise ChannelError(f"answered {status}", permanent=False)
        return Receipt(id=message.key, repeated=status == 409)
