"""How a person of a provider is remembered: never by address or subject, always by a keyed hash of it."""

from __future__ import annotations

import hashlib
import hmac


def mail_key(salt: bytes, mail: str) -> bytes:
    """Addresses are the same however they are capitalised."""
    return _key(salt, "mail", mail.strip().casefold())


def subject_key(salt: bytes, issuer: str, subject: str) -> bytes:
    return _key(salt, issuer, subject)


def _key(salt: bytes, kind: str, text: str) -> bytes:
    return hmac.new(salt, f"{kind}\0{text}".encode(), hashlib.sha256).digest()
