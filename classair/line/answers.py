"""What LINE's answers mean: delivered, delivered before, or one of a few kinds of refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

ACCEPTED_BEFORE: Final = 409
_LONGEST_WORDS: Final = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """LINE has taken the message. `id`: its request id, the receipt. `repeated`: taken at an earlier attempt."""

    id: str = ""
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """Messages a month; None where the account has no limit."""

    limit: int | None


class LineError(Exception):
    """LINE did not do it. `status`: of HTTP, 0 without an answer. `request_id`: to ask LINE about it."""

    def __init__(self, why: str, status: int = 0, request_id: str = "") -> None:
        super().__init__(why)
        self.status, self.request_id = status, request_id


class NotReached(LineError):
    """No answer, or a fault of LINE's own: it may have been done. Try again with the same retry key."""


class TooFast(LineError):
    """Too many requests at once. Nothing was done, and no time to wait is given."""


class MonthlyLimit(LineError):
    """The month's messages are used up. Nothing was sent, and nothing will be before the next month."""


class Refused(LineError):
    """The request itself is wrong: an address that does not exist, a message that LINE does not take."""


class AddressRefused(Refused):
    """There is no such user, or none that this account may write to."""


class ReplyTokenInvalid(Refused):
    """The reply token was used before, or is too old."""


class TokenRefused(LineError):
    """The channel access token is wrong, has expired, or may not do this."""


class NotThere(LineError):
    """There is no such thing: content that was taken back, or is not ready yet."""


def sent(status: int, headers: Mapping[str, str], body: bytes) -> Sent:
    """The receipt in an answer to a message. Raises LineError."""
    if 200 <= status < 300:
        return Sent(headers.get("x-line-request-id", ""))
    if status != ACCEPTED_BEFORE:
        refuse(status, headers, body)
    return Sent(headers.get("x-line-accepted-request-id", headers.get("x-line-request-id", "")), repeated=True)


def found(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The object in an answer to a question. Raises LineError."""
    if not 200 <= status < 300:
        refuse(status, headers, body)
    answer = _object(body)
    if answer is None:
        raise NotReached("LINE's answer is no JSON object", status, headers.get("x-line-request-id", ""))
    return answer


def quota(answer: Mapping[str, Any]) -> Quota:
    """`{"type": "limited", "value": 300}`, or the type `none`. Raises NotReached for anything else."""
    if answer.get("type") == "none":
        return Quota(None)
    return Quota(count(answer, "value"))


def count(answer: Mapping[str, Any], key: str) -> int:
    value = answer.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise NotReached(f"LINE's answer has no number under {key}")
    return value


def refuse(status: int, headers: Mapping[str, str], body: bytes) -> NoReturn:
    """Raises the LineError of an answer. Its words are LINE's own, which name neither token nor user."""
    words, request_id = _words(body), headers.get("x-line-request-id", "")
    kind: type[LineError]
    if status in (401, 403):
        kind = TokenRefused
    elif status == 429:
        # Both limits have the same status; only the words tell them apart.
        kind = MonthlyLimit if "monthly limit" in words.lower() else TooFast
    elif status in (404, 410):
        kind = NotThere
    elif status == 400 and "reply token" in words.lower():
        kind = ReplyTokenInvalid
    elif status == 400 and ("'to'" in words or "failed to send" in words.lower()):
        kind = AddressRefused
    elif 400 <= status < 500 and status != 408:
        kind = Refused
    else:
        kind = NotReached
    raise kind(f"LINE answered {status}{': ' if words else ''}{words}", status, request_id)


def _words(body: bytes) -> str:
    answer = _object(body) or {}
    parts = [answer.get("message")]
    details = answer.get("details")
    for detail in details[:3] if isinstance(details, list) else []:
        if isinstance(detail, dict):
            parts += [detail.get("property"), detail.get("message")]
    text = "; ".join(part for part in parts if isinstance(part, str))
    return " ".join(text.split())[:_LONGEST_WORDS]


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
