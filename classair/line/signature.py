"""The signature of LINE's webhook: HMAC-SHA256 over the body as it came, before anything reads it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

HEADER: Final = "x-line-signature"


def sign(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def valid(secret: str, body: bytes, given: str | None) -> bool:
    """Whether LINE wrote this body. Never without a secret; the comparison takes the same time for every answer."""
    if not secret or not given:
        return False
    return hmac.compare_digest(sign(secret, body).encode(), given.encode("utf-8", "surrogateescape"))
