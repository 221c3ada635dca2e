"""A thin client of LINE's Messaging API: just the requests that ClassAir makes, waited for or awaited.

A retry key goes with pushes and multicasts and never with a reply, which LINE would refuse for it. The token stands in
no error, log or representation.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from pydantic import SecretStr

from classair.line import answers, limits
from classair.line.answers import LineError, NotReached, NotThere, Quota, Refused, Sent

API: Final = "https://api.line.me"
_DATA_API: Final = "https://api-data.line.me"  # contents have a host of their own
TIMEOUT_S: Final = 10.0
LONGEST_CONTENT: Final = 10 * 1024 * 1024

LineMessage = dict[str, Any]

# One line for each request is too much, and not in the form of our logs.
logging.getLogger("httpx2").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    body: bytes | None = None
    retry_key: str = ""

    def headers(self) -> dict[str, str]:
        made = {"Content-Type": "application/json"} if self.body is not None else {}
        return {**made, "X-Line-Retry-Key": self.retry_key} if self.retry_key else made


def _push(to: str, messages: Sequence[LineMessage], key: str) -> _Request:
    return _Request("POST", "/v2/bot/message/push", _body({"to": to, "messages": _few(messages)}), key)


def _multicast(to: Sequence[str], messages: Sequence[LineMessage], key: str) -> _Request:
    if not 0 < len(to) <= limits.RECIPIENTS:
        raise ValueError(f"a multicast has 1 to {limits.RECIPIENTS} recipients, not {len(to)}")
    return _Request("POST", "/v2/bot/message/multicast", _body({"to": list(to), "messages": _few(messages)}), key)


def _reply(token: str, messages: Sequence[LineMessage]) -> _Request:
    return _Request("POST", "/v2/bot/message/reply", _body({"replyToken": token, "messages": _few(messages)}))


_QUOTA: Final = _Request("GET", "/v2/bot/message/quota")
_CONSUMPTION: Final = _Request("GET", "/v2/bot/message/quota/consumption")
_INFO: Final = _Request("GET", "/v2/bot/info")


def _few(messages: Sequence[LineMessage]) -> list[LineMessage]:
    if not 0 < len(messages) <= limits.MESSAGES:
        raise ValueError(f"a request has 1 to {limits.MESSAGES} messages, not {len(messages)}")
    return list(messages)


def _body(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _options(token: SecretStr, timeout_s: float) -> dict[str, Any]:
    secret = token.get_secret_value()
    if not secret.isascii() or any(character.isspace() for character in secret):
        raise ValueError("the LINE channel access token has characters that none has")
    return {"headers": {"Authorization": f"Bearer {secret}"}, "timeout": timeout_s, "trust_env": False}


def _content_url(api: str, message_id: str) -> str:
    if not message_id.isascii() or not message_id.isalnum():
        raise Refused("not the id of a message")
    return f"{_DATA_API if api == API else api}/v2/bot/message/{message_id}/content"


def _no_answer(error: Exception) -> NotReached:
    # Its own words may name addresses; the kind of fault says enough.
    return NotReached(f"LINE was not reached ({type(error).__name__})")


class LineClient:
    """Waits for each answer. Safe to use from several threads."""

    def __init__(self, token: SecretStr, api: str = API, timeout_s: float = TIMEOUT_S) -> None:
        self._api = api.rstrip("/")
        self._http = httpx2.Client(**_options(token, timeout_s))

    def close(self) -> None:
        self._http.close()

    def push(self, to: str, messages: Sequence[LineMessage], retry_key: str) -> Sent:
        """`retry_key`: a UUID, the same at each further attempt within 24 h. Raises LineError."""
        return answers.sent(*self._ask(_push(to, messages, retry_key)))

    def multicast(self, to: Sequence[str], messages: Sequence[LineMessage], retry_key: str) -> Sent:
        return answers.sent(*self._ask(_multicast(to, messages, retry_key)))

    def reply(self, reply_token: str, messages: Sequence[LineMessage]) -> Sent:
        """Costs nothing. Raises ReplyTokenInvalid when the token was used, or is older than a minute."""
        return answers.sent(*self._ask(_reply(reply_token, messages)))

    def quota(self) -> Quota:
        return answers.quota(answers.found(*self._ask(_QUOTA)))

    def consumption(self) -> int:
        """How many messages LINE has counted this month."""
        return answers.count(answers.found(*self._ask(_CONSUMPTION)), "totalUsage")

    def info(self) -> dict[str, Any]:
        """The account: `userId`, `basicId`, `displayName`, `chatMode` …"""
        return answers.found(*self._ask(_INFO))

    def ask(self, method: str, path: str, value: dict[str, Any] | None = None) -> dict[str, Any]:
        """Any other request with JSON and its answer. Raises LineError."""
        return answers.found(*self._ask(_Request(method, path, None if value is None else _body(value))))

    def send(self, path: str, kind: str, data: bytes) -> None:
        """Gives LINE a file. Raises LineError."""
        host = _DATA_API if self._api == API else self._api
        try:
            answer = self._http.post(host + path, content=data, headers={"Content-Type": kind})
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _no_answer(error) from None
        answers.found(answer.status_code, answer.headers, answer.content)

    def content(self, message_id: str) -> tuple[str, bytes]:
        """The type and bytes of a picture that a user sent. Raises LineError."""
        try:
            with self._http.stream("GET", _content_url(self._api, message_id)) as answer:
                return _whole(answer, answer.iter_bytes())
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _no_answer(error) from None

    def _ask(self, request: _Request) -> tuple[int, httpx2.Headers, bytes]:
        try:
            answer = self._http.request(
                request.method, self._api + request.path, content=request.body, headers=request.headers()
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _no_answer(error) from None
        return answer.status_code, answer.headers, answer.content


class AsyncLineClient:
    """The same, awaited: for the dashboard's webhook."""

    def __init__(self, token: SecretStr, api: str = API, timeout_s: float = TIMEOUT_S) -> None:
        self._api = api.rstrip("/")
        self._http = httpx2.AsyncClient(**_options(token, timeout_s))

    async def close(self) -> None:
        await self._http.aclose()

    async def push(self, to: str, messages: Sequence[LineMessage], retry_key: str) -> Sent:
        return answers.sent(*await self._ask(_push(to, messages, retry_key)))

    async def multicast(self, to: Sequence[str], messages: Sequence[LineMessage], retry_key: str) -> Sent:
        return answers.sent(*await self._ask(_multicast(to, messages, retry_key)))

    async def reply(self, reply_token: str, messages: Sequence[LineMessage]) -> Sent:
        """Costs nothing. Raises ReplyTokenInvalid when the token was used, or is older than a minute."""
        return answers.sent(*await self._ask(_reply(reply_token, messages)))

    async def quota(self) -> Quota:
        return answers.quota(answers.found(*await self._ask(_QUOTA)))

    async def consumption(self) -> int:
        return answers.count(answers.found(*await self._ask(_CONSUMPTION)), "totalUsage")

    async def info(self) -> dict[str, Any]:
        return answers.found(*await self._ask(_INFO))

    async def ask(self, method: str, path: str, value: dict[str, Any] | None = None) -> dict[str, Any]:
        """Any other request with JSON and its answer. Raises LineError."""
        return answers.found(*await self._ask(_Request(method, path, None if value is None else _body(value))))

    async def content(self, message_id: str) -> tuple[str, bytes]:
        """The type and bytes of a picture that a user sent. Raises LineError."""
        try:
            async with self._http.stream("GET", _content_url(self._api, message_id)) as answer:
                parts: list[bytes] = []
                async for part in answer.aiter_bytes():
                    parts.append(part)
                    if sum(map(len, parts)) > LONGEST_CONTENT:
                        break
                return _whole(answer, parts)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _no_answer(error) from None

    async def _ask(self, request: _Request) -> tuple[int, httpx2.Headers, bytes]:
        try:
            answer = await self._http.request(
                request.method, self._api + request.path, content=request.body, headers=request.headers()
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _no_answer(error) from None
        return answer.status_code, answer.headers, answer.content


def _whole(answer: httpx2.Response, parts: Iterable[bytes]) -> tuple[str, bytes]:
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > LONGEST_CONTENT:
            raise Refused(f"a content of more than {LONGEST_CONTENT} bytes")
    if answer.status_code == 202:
        raise NotThere("LINE is still preparing the content", 202)
    if answer.status_code != 200:
        answers.refuse(answer.status_code, answer.headers, bytes(body))
    return answer.headers.get("content-type", ""), bytes(body)


__all__ = ["API", "AsyncLineClient", "LineClient", "LineError", "LineMessage"]
