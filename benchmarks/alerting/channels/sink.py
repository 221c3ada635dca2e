"""One request to a web server on loopback for each message."""

from __future__ import annotations

import http.client
import json

from pydantic import BaseModel, ConfigDict

from alerts.channels import Message, Receipt

IDEMPOTENT = True


def post(port: int, body: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", body, {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    port: int


class Channel:
    def __init__(self, settings: Settings) -> None:
        self._port = settings.port

    def send(self, message: Message) -> Receipt:
        post(self._port, json.dumps({"key": message.key, "title": message.title, "text": message.text}))
        return Receipt(id=message.key)
