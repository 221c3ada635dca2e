"""The school's signature under a file: Ed25519, in a small file of its own beside it.

It says that this installation made the file as it is, at that moment, and from which state of its data. It does not say
that the values are true, that a sensor was right, or who the reader is.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from classair.places import write_atomically

FORMAT: Final = "classair-signature-1"
SUFFIX: Final = ".sig.json"
_KEY_BYTES: Final = 32
LONGEST: Final = 16_384  # bytes of a signature file


class NotSigned(Exception):
    """A file that the signature does not fit, or a signature that is none; the message says which."""


class Signer:
    """Signs with the key in `path`, which is made when there is none and readable by its owner only. Raises OSError."""

    def __init__(self, path: Path) -> None:
        key = b""
        with contextlib.suppress(FileNotFoundError):
            key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            key = Ed25519PrivateKey.generate().private_bytes_raw()
            write_atomically(path, key)
            path.chmod(0o600)
        self._key = Ed25519PrivateKey.from_private_bytes(key)

    @property
    def public_key(self) -> str:
        """For those who verify: 44 characters of base64."""
        return _text(self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, name: str, body: bytes, about: dict[str, Any]) -> bytes:
        """The signature file of `body`; `about` is signed with it and says what the file is."""
        said = {
            "format": FORMAT,
            "file": name,
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            **about,
            "public_key": self.public_key,
        }
        signature = _text(self._key.sign(_canonical(said)))
        return json.dumps({**said, "signature": signature}, ensure_ascii=False, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature that fits its file. `about`: what was signed with it; `known`: the key is the expected one."""

    about: dict[str, Any]
    public_key: str
    known: bool


def verify(body: bytes, signature: bytes, key: str = "") -> Proof:
    """Whether the signature fits the file, and whether `key` made it. Raises NotSigned."""
    try:
        said = json.loads(signature) if len(signature) <= LONGEST else None
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            raise NotSigned("this is no signature of ClassAir")
        given, public = str(said.pop("signature")), str(said["public_key"])
        Ed25519PublicKey.from_public_bytes(_bytes(public)).verify(_bytes(given), _canonical(said))
    except InvalidSignature:
        raise NotSigned("the signature file has been changed") from None
    except (KeyError, ValueError, RecursionError):
        raise NotSigned("this is no signature of ClassAir") from None
    if said.get("sha256") != hashlib.sha256(body).hexdigest():
        raise NotSigned("the file is not the one that was signed")
    return Proof(said, public, bool(key) and key.strip() == public)


def _canonical(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
