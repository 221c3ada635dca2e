"""What users do at LINE, told to the school's webhook: signed, with a reply token, again on demand under its id."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import urllib.error
import urllib.request
from typing import Any, Final
from urllib.parse import urlsplit

from simulator.line.platform import LinePlatform

ANSWER_WITHIN_S: Final = 2.0  # LINE gives up after it
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_HOSTS: Final = ("127.0.0.1", "localhost", "::1")


class Webhook:
    """Sends events to `url`, which is on this machine. Thread-safe: it holds nothing while it waits for the answer."""

    def __init__(self, platform: LinePlatform, url: str = "") -> None:
        self._platform = platform
        self._url = ""
        self._sent: dict[str, dict[str, Any]] = {}
        if url:
            self.point_at(url)

    def point_at(self, url: str) -> None:
        """Raises ValueError for an address that is not on this machine."""
        if urlsplit(url).scheme not in ("http", "https") or urlsplit(url).hostname not in _HOSTS:
            raise ValueError(f"{url}: the webhook of the fake must be on this machine, http://127.0.0.1:PORT/…")
        self._url = url

    def message(self, user: str, content: dict[str, Any]) -> dict[str, Any]:
        """`content`: `{"type": "text", "text": …}` and the like; its id is made here where it has none."""
        made = {"id": str(secrets.randbelow(10**18)), **content}
        return self._tell("message", user, {"message": made}, reply=True)

    def picture(self, user: str, kind: str, body: bytes) -> dict[str, Any]:
        message_id = str(secrets.randbelow(10**18))
        self._platform.contents[message_id] = (kind, body)
        return self.message(user, {"type": "image", "id": message_id, "contentProvider": {"type": "line"}})

    def follow(self, user: str) -> dict[str, Any]:
        again = user in self._platform.blocked
        self._platform.blocked.discard(user)
        return self._tell("follow", user, {"follow": {"isUnblocked": again}}, reply=True)

    def unfollow(self, user: str) -> dict[str, Any]:
        """The user blocks the account."""
        self._platform.blocked.add(user)
        return self._tell("unfollow", user, {}, reply=False)

    def unsend(self, user: str, message_id: str) -> dict[str, Any]:
        self._platform.contents.pop(message_id, None)
        return self._tell("unsend", user, {"unsend": {"messageId": message_id}}, reply=False)

    def postback(self, user: str, data: str) -> dict[str, Any]:
        return self._tell("postback", user, {"postback": {"data": data}}, reply=True)

    def anything(self, event: dict[str, Any]) -> dict[str, Any]:
        """An event as given: of a kind that nobody knows yet, or damaged."""
        return self._post([event])

    def verify(self) -> dict[str, Any]:
        """What the console's button sends: no events at all."""
        return self._post([])

    def again(self, event_id: str) -> dict[str, Any]:
        """Delivers an event once more. Raises KeyError for one that was never sent."""
        event = self._sent[event_id]
        event["deliveryContext"] = {"isRedelivery": True}
        self._platform.delivered_again(event.get("replyToken", ""))
        return self._post([event])

    def raw(self, body: bytes, signature: str | None) -> dict[str, Any]:
        """A body with whatever signature: what somebody else than LINE would send."""
        kind = {"Content-Type": "application/json; charset=utf-8"}
        request = urllib.request.Request(self._url, body, kind)  # noqa: S310 -- on this machine, see point_at
        if signature is not None:
            request.add_header("x-line-signature", signature)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_S) as answer:  # noqa: S310
                return {"status": answer.status}
        except urllib.error.HTTPError as error:
            return {"status": error.code}
        except (OSError, ValueError) as error:
            return {"status": 0, "error": type(error).__name__}

    def signed(self, body: bytes) -> str:
        return base64.b64encode(hmac.digest(self._platform.secret.encode(), body, hashlib.sha256)).decode()

    def _tell(self, kind: str, user: str, more: dict[str, Any], *, reply: bool) -> dict[str, Any]:
        event: dict[str, Any] = {
            "type": kind,
            "mode": "active",
            "timestamp": int(self._platform.now() * 1000),
            "source": {"type": "user", "userId": user},
            "webhookEventId": "01" + "".join(secrets.choice(_LETTERS) for _ in range(24)),
            "deliveryContext": {"isRedelivery": False},
            **more,
        }
        if reply:
            event["replyToken"] = self._platform.reply_token(user)
        self._sent[event["webhookEventId"]] = event
        return self._post([event])

    def _post(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        body = json.dumps({"destination": self._platform.account, "events": events}, ensure_ascii=False).encode()
        if not self._url:
            return {"status": 0, "error": "no webhook", "events": events}
        return {**self.raw(body, self.signed(body)), "events": events}
