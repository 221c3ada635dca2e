"""The fake's memory and judgement: tokens, retry keys, quota, who has blocked the account, what each user received.

As in LINE's documents: a retry key is known for 24 h and refused where none is taken; a reply token is good once, for a
minute from each delivery and for 20 minutes in all; a push to somebody who has blocked the account is answered 200,
arrives nowhere and costs nothing; replies cost nothing.
"""

from __future__ import annotations

import secrets
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.line import checks
from simulator.line.richmenus import RichMenus

RETRY_KEY_S: Final = 86_400.0
REPLY_TOKEN_S: Final = 60.0
REPLY_EVENT_S: Final = 1_200.0
_MOST_REMEMBERED: Final = 100_000

MONTHLY: Final = "You have reached your monthly limit."
RATE: Final = "The API rate limit has been exceeded. Try again later."


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Fault:
    """What goes wrong next: a status (`500`), `rate`, `monthly`, `silence` (no answer in time), `drop` (the connection
    ends); `accepted`: the request is carried out before.
    """

    path: str
    kind: str
    accepted: bool = False
    times: int = 1


@dataclass(slots=True)
class ReplyToken:
    user: str
    made_at: float
    delivered_at: float
    used: bool = False


class LinePlatform:
    """Thread-safe. `clock` gives seconds; `secret` signs webhooks, `token` is the channel access token."""

    def __init__(
        self, token: str, secret: str, clock: Callable[[], float], quota: int | None = 300, lag_s: float = 0.0
    ) -> None:
        self.token, self.secret = token, secret
        self.quota = quota
        self.lag_s = lag_s  # how long until a message shows in the consumption
        self.blocked: set[str] = set()
        self.unknown: set[str] = set()
        self.received: list[dict[str, Any]] = []
        self.requests: deque[dict[str, Any]] = deque(maxlen=_MOST_REMEMBERED)
        self.contents: dict[str, tuple[str, bytes]] = {}
        self.menus = RichMenus()
        self.faults: list[Fault] = []
        self.account = f"U{secrets.token_hex(16)}"
        self._clock, self.ahead_s = clock, 0.0
        self._counted: list[float] = []  # when each message of this month was accepted
        self._keys: dict[str, tuple[float, str, dict[str, Any]]] = {}
        self._replies: dict[str, ReplyToken] = {}
        self._lock = threading.RLock()

    def now(self) -> float:
        return self._clock() + self.ahead_s

    @property
    def used(self) -> int:
        with self._lock:
            return len(self._counted)

    def new_month(self) -> None:
        with self._lock:
            self._counted.clear()

    def count(self, messages: int) -> None:
        """Messages that somebody else sent from this account."""
        with self._lock:
            self._counted += [self.now()] * messages

    def reply_token(self, user: str) -> str:
        with self._lock:
            token = secrets.token_hex(16)
            self._replies[token] = ReplyToken(user, self.now(), self.now())
            return token

    def delivered_again(self, token: str) -> None:
        with self._lock:
            if (known := self._replies.get(token)) is not None:
                known.delivered_at = self.now()

    def fault(self, path: str) -> Fault | None:
        """The fault that this request meets, if any."""
        with self._lock:
            for fault in self.faults:
                if path.endswith(fault.path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
            return None

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        """What LINE answers. `body`: the JSON value, or None where there is none."""
        request_id = str(uuid.uuid4())
        with self._lock:
            made = self._answer(method, path, headers, body, request_id)
            key = headers.get("x-line-retry-key")
            self.requests.append({"method": method, "path": path, "status": made.status, "retry_key": key})
        return Answer(made.status, made.body, {"x-line-request-id": request_id, **made.headers})

    # -- inside: with the lock held ------------------------------------------------------------------------------------

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: Any, request_id: str) -> Answer:
        if headers.get("authorization") != f"Bearer {self.token}":
            return _says(
                401, "Authentication failed. Confirm that the access token in the authorization header is valid."
            )
        key = headers.get("x-line-retry-key")
        sends = (method, path) in (("POST", "/v2/bot/message/push"), ("POST", "/v2/bot/message/multicast"))
        if key is not None and (not sends or not checks.RETRY_KEY.fullmatch(key)):
            return _says(400, "Invalid retry key" if sends else "The retry key is not supported by this endpoint")
        if sends:
            return self._send(path.rpartition("/")[2], body, key, request_id)
        match method, path:
            case "POST", "/v2/bot/message/reply":
                return self._reply(body, request_id)
            case "GET", "/v2/bot/message/quota":
                return Answer(200, {"type": "none"} if self.quota is None else {"type": "limited", "value": self.quota})
            case "GET", "/v2/bot/message/quota/consumption":
                return Answer(200, {"totalUsage": sum(at <= self.now() - self.lag_s for at in self._counted)})
            case "GET", "/v2/bot/info":
                names = {"userId": self.account, "basicId": "@216ClassAir", "displayName": "ClassAir (fake)"}
                return Answer(200, {**names, "chatMode": "bot", "markAsReadMode": "auto"})
        if (found := self.menus.answer(method, path, body)) is not None:
            return Answer(*found)
        return _says(404, "Not found")

    def take_menu_picture(self, path: str, headers: Mapping[str, str], picture: bytes) -> Answer:
        """A menu's picture, which is no JSON."""
        with self._lock:
            if headers.get("authorization") != f"Bearer {self.token}":
                return _says(401, "Authentication failed.")
            menu = path.removeprefix("/v2/bot/richmenu/").removesuffix("/content")
            made = Answer(*self.menus.take_picture(menu, headers.get("content-type", ""), picture))
            self.requests.append({"method": "POST", "path": path, "status": made.status, "retry_key": None})
            return made

    def _send(self, how: str, body: Any, key: str | None, request_id: str) -> Answer:
        known = self._keys.get(key or "")
        if known is not None and self.now() - known[0] < RETRY_KEY_S:
            repeated = {"message": "The retry key is already accepted", **known[2]}
            return Answer(409, repeated, {"x-line-accepted-request-id": known[1]})
        asked = body if isinstance(body, dict) else {}
        to = asked.get("to")
        people = [to] if how == "push" else to
        if not isinstance(people, list) or not 1 <= len(people) <= 500:
            return _invalid([("to", "Size must be between 1 and 500")])
        form = checks.CHAT if how == "push" else checks.USER
        if not all(isinstance(person, str) and form.fullmatch(person) for person in people):
            return _says(400, "The property, 'to', in the request body is invalid (line: -, column: -)")
        if wrong := checks.messages(asked.get("messages")):
            return _invalid(wrong)
        if how == "push" and to in self.unknown:
            return _says(400, "Failed to send messages")
        reached = [person for person in people if person not in self.blocked | self.unknown]
        if self.quota is not None and len(self._counted) + len(reached) > self.quota:
            return _says(429, MONTHLY)
        self._counted += [self.now()] * len(reached)
        sent = self._deliver(how, reached, asked["messages"], request_id)
        made = {"sentMessages": sent} if how == "push" else {}
        if key is not None:
            self._keys[key] = (self.now(), request_id, made)
        return Answer(200, made)

    def _reply(self, body: Any, request_id: str) -> Answer:
        asked = body if isinstance(body, dict) else {}
        if wrong := checks.messages(asked.get("messages")):
            return _invalid(wrong)
        token = self._replies.get(str(asked.get("replyToken")))
        now = self.now()
        if (
            token is None
            or token.used
            or now - token.delivered_at > REPLY_TOKEN_S
            or now - token.made_at > REPLY_EVENT_S
        ):
            return _says(400, "Invalid reply token")
        token.used = True
        return Answer(200, {"sentMessages": self._deliver("reply", [token.user], asked["messages"], request_id)})

    def _deliver(self, how: str, people: list[str], messages: list[Any], request_id: str) -> list[dict[str, str]]:
        for person in people:
            self.received.append(
                {"user": person, "at": self.now(), "how": how, "messages": messages, "request_id": request_id}
            )
        return [{"id": str(secrets.randbelow(10**18)), "quoteToken": secrets.token_urlsafe(12)} for _ in messages]


def _says(status: int, words: str) -> Answer:
    return Answer(status, {"message": words})


def _invalid(wrong: list[checks.Wrong]) -> Answer:
    details = [{"property": where, "message": what} for where, what in wrong]
    return Answer(400, {"message": f"The request body has {len(wrong)} error(s)", "details": details})
